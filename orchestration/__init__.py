"""Many workspaces on one machine or many, by Dagster or Airflow.

`workspaces.py` reads which workspaces there are, `loading.py` runs one of them; neither
knows an engine. `dagster_code.py` and `airflow_dag.py` each hand them to theirs. It
needs PyYAML, and nothing else of this repository: copy the folder beside your
`meltano.yml`.
"""
