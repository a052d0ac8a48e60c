"""How hypothesis runs tests of whole runs, and with which seeds."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

WHOLE_RUNS = settings(
    deadline=None,  # a busy machine is no failure
    database=None,
    print_blob=True,
    # Runs are too slow to shrink a failing example.
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SEED = int(os.environ.get("SEED", "100"))
"""The first seed of slow tests; the weekly workflow sets a fresh one."""
HISTORIES, PER_TEST = 2_000, 250
"""Random histories of a slow run, in all and in each test."""
