"""Airflow: several workspaces, one task each.

An API key belongs to one workspace. Each task has its own key (the password of the
Airflow connection toggl_hire_<workspace>), its own state and its own schema in the
warehouse. Separate schemas matter: a run marks what it did not see as deleted.
"""

from datetime import UTC, datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

PROJECT = "/opt/toggl-hire"  # the folder of meltano.yml
WORKSPACES = ("berlin", "tallinn")

with DAG(
    "toggl_hire",
    schedule="@hourly",
    start_date=datetime(2025, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,  # never two runs with the same state
):
    for workspace in WORKSPACES:
        BashOperator(
            task_id=workspace,
            cwd=PROJECT,
            bash_command=(
                "meltano --environment=prod run "
                f"--state-id-suffix={workspace} tap-toggl-hire target-postgres"
            ),
            env={
                "TAP_TOGGL_HIRE_API_KEY": (
                    f"{{{{ conn.toggl_hire_{workspace}.password }}}}"
                ),
                "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": f"toggl_hire_{workspace}",
            },
            append_env=True,
        )
