"""Airflow: a DAG that loads every workspace of `workspaces.yml` in a mapped task.

The DAG folder needs a file with one line, and `PYTHONPATH` the parent folder of this
package:

    from orchestration.airflow_dag import toggl_hire
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import dag, get_current_context, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from orchestration.loading import LoadError, Project
from orchestration.report import as_level, metadata

logger = logging.getLogger(__name__)

PROJECT = Project.of_environment()
FAILURE = "failure"
"""Key of the XCom with the message of a failed load."""


@dag(
    dag_id="toggl_hire",
    schedule="17 * * * *",
    start_date=datetime(2025, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,  # never two runs of one workspace at the same time
)
def workspaces_dag() -> None:
    """Load all workspaces, and report those that failed."""

    @task
    def workspaces() -> list[str]:
        """Read the names from the file, so that its changes take effect at once."""
        return list(PROJECT.workspaces().by_name)

    @task(
        map_index_template="{{ task.op_kwargs['name'] }}",
        max_active_tis_per_dagrun=PROJECT.workspaces().at_once,
        retries=3,
        retry_delay=timedelta(minutes=1),
        retry_exponential_backoff=3.0,
    )
    def load(name: str) -> dict[str, Any]:
        """Load a workspace into its schema."""
        try:
            figures = PROJECT.load(
                name, lambda level, text: getattr(logger, as_level(level))("%s", text)
            )
        except LoadError as error:
            get_current_context()["ti"].xcom_push(FAILURE, str(error))
            kind = AirflowException if error.is_transient else AirflowFailException
            raise kind(str(error)) from None
        return metadata(figures)

    @task(trigger_rule="all_done")
    def report_failures(names: list[str]) -> None:
        """Fail if any load failed, with the names and the reasons."""
        instance = get_current_context()["ti"]
        done = instance.xcom_pull(task_ids="load", map_indexes=range(len(names)))
        failed = [number for number, result in enumerate(done) if result is None]
        reasons = instance.xcom_pull(task_ids="load", key=FAILURE, map_indexes=failed)
        if failed:
            raise AirflowFailException(
                "; ".join(
                    f"{names[number]}: {reason or 'see its log'}"
                    for number, reason in zip(failed, reasons, strict=True)
                )
            )

    names = workspaces()
    load.expand(name=names) >> report_failures(names)


toggl_hire = workspaces_dag()
