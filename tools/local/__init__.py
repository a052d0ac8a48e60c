"""What demo, tests and benchmark start on this machine: PostgreSQL and Meltano."""
