"""Dagster: one workspace in parts, on as many machines as there are runs.

Each part reads the candidates of some job openings, with a state of its own. One
more part reads the short lists of openings, categories and tags, whole: only who
sees all of a list may say which of its rows are gone. An opening may move to
another part; that part then reads its candidates in full. An opening that is in no
part is not read. All parts together share the API's rate limit.
"""

import json
import os
import subprocess

import dagster as dg

PROJECT = "/opt/toggl-hire"  # the folder of meltano.yml
LISTS = ["job_openings.*", "categories.*", "tags.*"]
CANDIDATES = [
    "candidates.*",
    "candidate_details.*",
    "candidate_answers.*",
    "candidate_history.*",
]
PARTS: dict[str, dict[str, list[str]]] = {
    "lists": {"TAP_TOGGL_HIRE__SELECT": LISTS},
    "engineering": {
        "TAP_TOGGL_HIRE__SELECT": CANDIDATES,
        "TAP_TOGGL_HIRE_JOB_OPENING_IDS": ["100", "101"],
    },
    "sales": {
        "TAP_TOGGL_HIRE__SELECT": CANDIDATES,
        "TAP_TOGGL_HIRE_JOB_OPENING_IDS": ["200"],
    },
}


@dg.asset(
    partitions_def=dg.StaticPartitionsDefinition(list(PARTS)),
    pool="toggl_hire",  # the pool's limit is the most parts at once
)
def toggl_hire(context: dg.AssetExecutionContext) -> None:
    """Load one part into the warehouse."""
    part = context.partition_key
    settings = {name: json.dumps(value) for name, value in PARTS[part].items()}
    subprocess.run(
        [
            *("meltano", "--environment=prod", "run", f"--state-id-suffix={part}"),
            *("tap-toggl-hire", "target-postgres"),
        ],
        cwd=PROJECT,
        env=os.environ | settings,
        check=True,
    )


parts = dg.define_asset_job("toggl_hire_parts", selection=[toggl_hire])


@dg.schedule(job=parts, cron_schedule="17 * * * *")
def every_hour(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
    """Ask for one run a part."""
    hour = context.scheduled_execution_time.isoformat()
    return [
        dg.RunRequest(run_key=f"{hour} {part}", partition_key=part) for part in PARTS
    ]


defs = dg.Definitions(assets=[toggl_hire], jobs=[parts], schedules=[every_hour])
