"""Dagster: a code location that loads every workspace of `workspaces.yml`.

    dagster dev -m orchestration.dagster_code

Each workspace is a partition, and a sensor keeps the partitions in step with the file.
`dagster.yaml` has the limits.
"""

# Dagster evaluates annotations at run time: no `from __future__ import annotations`.
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from orchestration.loading import LoadError, Project
from orchestration.report import as_level, metadata

WORKSPACES = "toggl_hire"
"""Name of the asset whose partitions are workspaces, and of the pool of all runs."""
JOB, CHECK_JOB = f"load_{WORKSPACES}", f"check_{WORKSPACES}"
CHECK = "every_workspace_is_fresh"
LOADS_AT, CHECKS_AT = "17 * * * *", "47 * * * *"
PAUSE = 60.0
"""Seconds before the first retry; the pauses grow exponentially."""
FRESH = timedelta(hours=24)

PARTITION = "dagster/partition"
"""Tag that Dagster sets on the run of a partition."""
UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]


@dg.definitions
def defs() -> dg.Definitions:
    """Return the code location of the project that the environment configures."""
    return definitions(Project.of_environment())


def definitions(project: Project, pause: float = PAUSE) -> dg.Definitions:
    """Return the code location of a project.

    Args:
        project: The Meltano project.
        pause: Seconds before the first retry of a transient failure.
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
    def load(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Load a workspace into its schema."""

        def log(level: str, text: str) -> None:
            getattr(context.log, as_level(level))(text)

        try:
            figures = project.load(context.partition_key, log)
        except LoadError as error:
            raise dg.Failure(str(error), allow_retries=error.is_transient) from None
        return dg.MaterializeResult(metadata=metadata(figures))

    @dg.asset_check(asset=load, name=CHECK)
    def fresh(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Fail if the last run of a workspace failed, or is more than a day old."""
        names = context.instance.get_dynamic_partitions(WORKSPACES)
        late = not_fresh(context.instance, names)
        return dg.AssetCheckResult(
            passed=not late,
            description="; ".join(f"{name}: {why}" for name, why in late.items()),
            metadata={"workspaces": len(names), "late": len(late)},
        )

    job = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.assets(load).without_checks(),
        executor_def=dg.in_process_executor,  # a run has one step
    )
    check = dg.define_asset_job(CHECK_JOB, selection=dg.AssetSelection.checks(fresh))

    @dg.schedule(job=job, cron_schedule=LOADS_AT, name=f"{WORKSPACES}_every_hour")
    def every_hour(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
        """Request a run of each workspace without an unfinished run."""
        unfinished = RunsFilter(job_name=JOB, statuses=UNFINISHED)
        runs = context.instance.get_runs(unfinished)
        unfinished_keys = {run.tags.get(PARTITION) for run in runs}
        return [
            dg.RunRequest(partition_key=key)
            for key in context.instance.get_dynamic_partitions(WORKSPACES)
            if key not in unfinished_keys
        ]

    @dg.sensor(
        job_name=JOB,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def follow_workspaces(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Add and remove partitions as the file says; load new workspaces."""
        workspaces = project.workspaces()
        limit(context.instance, workspaces.at_once)
        known = set(context.instance.get_dynamic_partitions(WORKSPACES))
        added = sorted(workspaces.by_name.keys() - known)
        removed = sorted(known - workspaces.by_name.keys())
        return dg.SensorResult(
            run_requests=[dg.RunRequest(partition_key=name) for name in added],
            dynamic_partitions_requests=[
                *([partitions.build_add_request(added)] if added else []),
                *([partitions.build_delete_request(removed)] if removed else []),
            ],
        )

    return dg.Definitions(
        assets=[load],
        asset_checks=[fresh],
        jobs=[job, check],
        schedules=[
            every_hour,
            dg.ScheduleDefinition(job=check, cron_schedule=CHECKS_AT),
        ],
        sensors=[follow_workspaces],
    )


def limit(instance: dg.DagsterInstance, at_once: int) -> None:
    """Limit the pool of all runs; by default, pools are unlimited."""
    instance.event_log_storage.set_concurrency_slots(WORKSPACES, at_once)


def not_fresh(instance: dg.DagsterInstance, names: Iterable[str]) -> Mapping[str, str]:
    """Return the workspaces whose last run failed or is too old, with the reason."""
    late = {}
    for name in names:
        why = _failure(instance, name) or _age(instance, name)
        if why:
            late[name] = why
    return late


def _failure(instance: dg.DagsterInstance, name: str) -> str | None:
    """Return the message of the last finished run of a workspace, if it failed."""
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
    """Return what is wrong with the age of the last run; None if it is fresh."""
    asset = dg.AssetKey(WORKSPACES)
    loaded = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[name]), limit=1
    ).records
    if not loaded:
        return "It was never loaded."
    moment = datetime.fromtimestamp(loaded[0].timestamp, UTC)
    if datetime.now(UTC) - moment > FRESH:
        return f"It was last loaded at {moment:%Y-%m-%d %H:%M} UTC."
    return None
