"""Load many workspaces, on one machine or several, with Dagster or Airflow.

`workspaces.py` reads the list of workspaces, `loading.py` loads one of them,
`report.py` reads the log of a load; none of them imports an orchestrator.
`dagster_code.py` and `airflow_dag.py` adapt them to theirs. The package needs PyYAML
and nothing else of this repository: copy the folder beside your `meltano.yml`.
"""
