"""Dagster: a code location that loads every workspace of `workspaces.yml`.

    dagster dev -m orchestration.dagster_code

A partition is a workspace, and a sensor follows the file. A workspace in parts is an
asset of its own, whose partitions are the parts. `dagster.yaml` has the limits.
"""

# Dagster reads the annotations themselves: they must not be texts.
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from orchestration.loading import LoadError, Project
from orchestration.report import as_level, metadata
from orchestration.workspaces import Workspace

WORKSPACES = "toggl_hire"
"""The asset whose partitions are workspaces, and the pool of all loads."""
JOB = f"load_{WORKSPACES}"
CHECK = "every_workspace_is_fresh"
CRON = "17 * * * *"
PAUSE = 60.0
"""Seconds before the first retry; the second waits three times, the third seven."""
FRESH = timedelta(hours=24)

PARTITION = "dagster/partition"
"""The tag of a run that Dagster itself gives."""
UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]


@dg.definitions
def defs() -> dg.Definitions:
    """Return the code location of the project that the environment names."""
    return definitions(Project.of_environment())


def definitions(project: Project, pause: float = PAUSE) -> dg.Definitions:
    """Return the code location of a project.

    Args:
        project: Where everything is.
        pause: Seconds before the first retry of what may pass.
    """
    policy = dg.RetryPolicy(
        max_retries=3,
        delay=pause,
        backoff=dg.Backoff.EXPONENTIAL,
        jitter=dg.Jitter.PLUS_MINUS,
    )
    partitions = dg.DynamicPartitionsDefinition(name=WORKSPACES)

    @dg.asset(
        name=WORKSPACES, partitions_def=partitions, pool=WORKSPACES, retry_policy=policy
    )
    def whole(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Load a workspace into its schema."""
        return _load(project, context, context.partition_key)

    @dg.asset_check(asset=whole, name=CHECK)
    def fresh(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Name the workspaces that failed, or were not loaded for a day."""
        names = project.workspaces().whole
        late = not_fresh(context.instance, names)
        return dg.AssetCheckResult(
            passed=not late,
            description="; ".join(f"{name}: {why}" for name, why in late.items()),
            metadata={"workspaces": len(names), "late": len(late)},
        )

    job = _job(JOB, whole)
    check_job = dg.define_asset_job(
        "check_toggl_hire", selection=dg.AssetSelection.checks(fresh)
    )

    @dg.sensor(
        job=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def follow_workspaces(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Let the partitions be the workspaces of the file; load what is new."""
        workspaces = project.workspaces()
        limit(context.instance, workspaces.at_once)
        known = set(context.instance.get_dynamic_partitions(WORKSPACES))
        added = sorted(workspaces.whole.keys() - known)
        removed = sorted(known - workspaces.whole.keys())
        return dg.SensorResult(
            run_requests=[dg.RunRequest(partition_key=name) for name in added],
            dynamic_partitions_requests=[
                *([partitions.build_add_request(added)] if added else []),
                *([partitions.build_delete_request(removed)] if removed else []),
            ],
        )

    @dg.schedule(job=job, cron_schedule=CRON)
    def every_hour(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
        """Ask for a run of each workspace that has none under way."""
        names = context.instance.get_dynamic_partitions(WORKSPACES)
        return _requests(context, names, JOB)

    in_parts = [_in_parts(project, one, policy) for one in _parted(project)]
    return dg.Definitions.merge(
        dg.Definitions(
            assets=[whole],
            asset_checks=[fresh],
            jobs=[job, check_job],
            sensors=[follow_workspaces],
            schedules=[
                every_hour,
                dg.ScheduleDefinition(job=check_job, cron_schedule="47 * * * *"),
            ],
        ),
        *in_parts,
    )


def limit(instance: dg.DagsterInstance, at_once: int) -> None:
    """Let the pool of all loads have a limit: without one, there is none."""
    instance.event_log_storage.set_concurrency_slots(WORKSPACES, at_once)


def not_fresh(instance: dg.DagsterInstance, names: Iterable[str]) -> Mapping[str, str]:
    """Return which workspaces failed last or were not loaded for long, and why."""
    late = {}
    for name in names:
        why = _failure(instance, name) or _age(instance, name)
        if why:
            late[name] = why
    return late


def _load(
    project: Project, context: dg.AssetExecutionContext, name: str
) -> dg.MaterializeResult:
    try:
        figures = project.load(
            name, lambda level, text: getattr(context.log, as_level(level))(text)
        )
    except LoadError as error:
        raise dg.Failure(str(error), allow_retries=error.may_pass) from None
    return dg.MaterializeResult(metadata=metadata(figures))


def _job(name: str, asset: dg.AssetsDefinition) -> Any:  # its type has no public name
    # One process a run is enough: a run has one step.
    return dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(asset).without_checks(),
        executor_def=dg.in_process_executor,
    )


def _requests(
    context: dg.ScheduleEvaluationContext, names: Iterable[str], job: str
) -> list[dg.RunRequest]:
    runs = context.instance.get_runs(RunsFilter(job_name=job, statuses=UNFINISHED))
    under_way = {run.tags.get(PARTITION) for run in runs}
    return [
        dg.RunRequest(partition_key=name) for name in names if name not in under_way
    ]


def _parted(project: Project) -> list[Workspace]:
    return project.workspaces().in_parts


def _in_parts(
    project: Project, workspace: Workspace, policy: dg.RetryPolicy
) -> dg.Definitions:
    """Return what loads a workspace in parts: another number of them is other code."""
    name = f"{WORKSPACES}_{workspace.name}"
    loads = {str(load.part): load.name for load in workspace.loads}

    @dg.asset(
        name=name,
        partitions_def=dg.StaticPartitionsDefinition(list(loads)),
        pool=WORKSPACES,
        retry_policy=policy,
    )
    def parts(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Load a part of a workspace into its schema."""
        return _load(project, context, loads[context.partition_key])

    job = _job(f"load_{name}", parts)

    @dg.schedule(job=job, cron_schedule=CRON, name=f"{name}_every_hour")
    def every_hour(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
        """Ask for a run of each part that has none under way."""
        return _requests(context, loads, f"load_{name}")

    return dg.Definitions(assets=[parts], jobs=[job], schedules=[every_hour])


def _failure(instance: dg.DagsterInstance, name: str) -> str | None:
    """The sentence of a workspace's last finished run, if it failed."""
    finished = RunsFilter(
        tags={PARTITION: name},
        statuses=[DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE],
    )
    for run in instance.get_runs(finished, limit=1):
        if run.status == DagsterRunStatus.FAILURE:
            logs = instance.all_logs(
                run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE
            )
            for entry in logs:
                data = entry.get_dagster_event().step_failure_data
                if data.user_failure_data and data.user_failure_data.description:
                    return str(data.user_failure_data.description)
            return "The run failed."
    return None


def _age(instance: dg.DagsterInstance, name: str) -> str | None:
    """What is wrong with the age of a workspace's last load, if anything."""
    loaded = instance.fetch_materializations(
        dg.AssetRecordsFilter(
            asset_key=dg.AssetKey(WORKSPACES), asset_partitions=[name]
        ),
        limit=1,
    ).records
    if not loaded:
        return "It was never loaded."
    moment = datetime.fromtimestamp(loaded[0].timestamp, UTC)
    if datetime.now(UTC) - moment > FRESH:
        return f"It was last loaded at {moment:%Y-%m-%d %H:%M} UTC."
    return None
