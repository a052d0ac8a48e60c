"""The whole pipeline on invented data: `make demo`.

The tests of the pipeline use its PostgreSQL and its Meltano project too.
"""
