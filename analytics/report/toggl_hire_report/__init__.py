"""The hiring report: one page, to be read offline, from the models of the dbt project."""
