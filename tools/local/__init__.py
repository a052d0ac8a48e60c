"""PostgreSQL and Meltano on this machine, for demo, tests and benchmarks."""
