"""How hypothesis runs tests of whole runs."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

WHOLE_RUNS = settings(
    deadline=None,  # a busy machine is no failure
    database=None,
    print_blob=True,
    # Runs are too slow to shrink a failing example.
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
