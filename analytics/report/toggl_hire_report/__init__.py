"""The hiring report: one page, offline, from the models of the dbt project."""
