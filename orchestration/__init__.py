"""Load many workspaces, on one machine or several.

`workspaces.py` reads the list of workspaces, `loading.py` loads one of them,
`report.py` reads the log of a run. `python -m orchestration` loads all of them once;
`dagster_code.py` and `airflow_dag.py` adapt the same to Dagster and Airflow. The
package needs PyYAML and nothing else of this repository: copy the folder beside your
`meltano.yml`.
"""
