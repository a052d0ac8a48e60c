"""The hiring report: one page, for reading offline, from the dbt models."""
