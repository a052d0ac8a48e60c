"""Dagster: a code location that loads every workspace of `workspaces.yml`.

    dagster dev -m orchestration.dagster_code

A partition is a workspace, and a sensor follows the file. A workspace in parts is an
asset of its own, whose partitions are the parts. `dagster.yaml` has the limits.
"""

# Dagster reads the annotations themselves: they must not be texts.
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from orchestration.loading import LoadError, Project
from orchestration.report import as_level, metadata

WORKSPACES = "toggl_hire"
"""The asset whose partitions are workspaces, and the pool of all loads."""
JOB = f"load_{WORKSPACES}"
CHECK = "every_workspace_is_fresh"
LOADS_AT, CHECKS_AT = "17 * * * *", "47 * * * *"
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

    @dg.sensor(
        job_name=JOB,
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

    # Another number of parts takes effect when this code is loaded again.
    parts = {
        f"{WORKSPACES}_{workspace.name}": dg.StaticPartitionsDefinition(
            [load.name for load in workspace.loads]
        )
        for workspace in project.workspaces().in_parts
    }
    return dg.Definitions.merge(
        dg.Definitions(sensors=[follow_workspaces]),
        _loads(project, WORKSPACES, partitions, policy),
        *(_loads(project, name, static, policy) for name, static in parts.items()),
    )


def limit(instance: dg.DagsterInstance, at_once: int) -> None:
    """Let the pool of all loads have a limit: without one, there is none."""
    instance.event_log_storage.set_concurrency_slots(WORKSPACES, at_once)


def not_fresh(
    instance: dg.DagsterInstance, names: Iterable[str], asset: str = WORKSPACES
) -> Mapping[str, str]:
    """Return which loads failed last or are too long ago, and why."""
    late = {}
    for name in names:
        why = _failure(instance, name) or _age(instance, asset, name)
        if why:
            late[name] = why
    return late


def _loads(
    project: Project,
    name: str,
    partitions: dg.PartitionsDefinition,
    policy: dg.RetryPolicy,
) -> dg.Definitions:
    """Return an asset whose partitions are loads, with what runs and watches it."""

    def names(instance: dg.DagsterInstance) -> Sequence[str]:
        return list(partitions.get_partition_keys(dynamic_partitions_store=instance))

    @dg.asset(
        name=name, partitions_def=partitions, pool=WORKSPACES, retry_policy=policy
    )
    def load(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Load a workspace, or a part of one, into its schema."""

        def tell(level: str, text: str) -> None:
            getattr(context.log, as_level(level))(text)

        try:
            figures = project.load(context.partition_key, tell)
        except LoadError as error:
            raise dg.Failure(str(error), allow_retries=error.may_pass) from None
        return dg.MaterializeResult(metadata=metadata(figures))

    @dg.asset_check(asset=load, name=CHECK)
    def fresh(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Name the loads that failed, or are more than a day ago."""
        every = names(context.instance)
        late = not_fresh(context.instance, every, name)
        return dg.AssetCheckResult(
            passed=not late,
            description="; ".join(f"{name}: {why}" for name, why in late.items()),
            metadata={"loads": len(every), "late": len(late)},
        )

    job = dg.define_asset_job(
        f"load_{name}",
        selection=dg.AssetSelection.assets(load).without_checks(),
        executor_def=dg.in_process_executor,  # a run has one step
    )
    check = dg.define_asset_job(
        f"check_{name}", selection=dg.AssetSelection.checks(fresh)
    )

    @dg.schedule(job=job, cron_schedule=LOADS_AT, name=f"{name}_every_hour")
    def every_hour(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
        """Ask for a run of each partition that has none under way."""
        unfinished = RunsFilter(job_name=job.name, statuses=UNFINISHED)
        runs = context.instance.get_runs(unfinished)
        under_way = {run.tags.get(PARTITION) for run in runs}
        return [
            dg.RunRequest(partition_key=key)
            for key in names(context.instance)
            if key not in under_way
        ]

    return dg.Definitions(
        assets=[load],
        asset_checks=[fresh],
        jobs=[job, check],
        schedules=[
            every_hour,
            dg.ScheduleDefinition(job=check, cron_schedule=CHECKS_AT),
        ],
    )


def _failure(instance: dg.DagsterInstance, name: str) -> str | None:
    """The sentence of the last finished run of a load, if it failed."""
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


def _age(instance: dg.DagsterInstance, asset: str, name: str) -> str | None:
    """What is wrong with the age of a load, if anything."""
    loaded = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[name]),
        limit=1,
    ).records
    if not loaded:
        return "It was never loaded."
    moment = datetime.fromtimestamp(loaded[0].timestamp, UTC)
    if datetime.now(UTC) - moment > FRESH:
        return f"It was last loaded at {moment:%Y-%m-%d %H:%M} UTC."
    return None
