"""Airflow: a DAG that loads every workspace of `workspaces.yml`, by mapped tasks.

Let the DAG folder have a file with one line:

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
"""The XCom that has the sentence of a load that failed."""


@dag(
    dag_id="toggl_hire",
    schedule="17 * * * *",
    start_date=datetime(2025, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,  # never two runs of one workspace
)
def workspaces_dag() -> None:
    """Load all workspaces, and name those that failed."""

    @task
    def workspaces() -> list[str]:
        """Read the file: a change of it needs no other."""
        return list(PROJECT.workspaces().loads)

    @task(
        map_index_template="{{ task.op_kwargs['name'] }}",
        max_active_tis_per_dagrun=PROJECT.workspaces().at_once,
        retries=3,
        retry_delay=timedelta(minutes=1),
        retry_exponential_backoff=3.0,
    )
    def load(name: str) -> dict[str, Any]:
        """Load a workspace, or a part of one, into its schema."""
        try:
            figures = PROJECT.load(
                name, lambda level, text: getattr(logger, as_level(level))("%s", text)
            )
        except LoadError as error:
            get_current_context()["ti"].xcom_push(FAILURE, str(error))
            kind = AirflowException if error.may_pass else AirflowFailException
            raise kind(str(error)) from None
        return metadata(figures)

    @task(trigger_rule="all_done")
    def name_the_failed(names: list[str]) -> None:
        """Fail, if any has failed, and say which and why."""
        instance = get_current_context()["ti"]
        done = instance.xcom_pull(task_ids="load", map_indexes=range(len(names)))
        failed = [number for number, result in enumerate(done) if result is None]
        why = instance.xcom_pull(task_ids="load", key=FAILURE, map_indexes=failed)
        if failed:
            raise AirflowFailException(
                "; ".join(
                    f"{names[number]}: {sentence or 'see its log'}"
                    for number, sentence in zip(failed, why, strict=True)
                )
            )

    names = workspaces()
    load.expand(name=names) >> name_the_failed(names)


toggl_hire = workspaces_dag()
