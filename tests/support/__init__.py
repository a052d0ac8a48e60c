"""What the tests share: a small target, and ways to run the tap."""

from tests.support.tap import Run, catalog, extract, run_tap
from tests.support.target import KEYS, Target

__all__ = ["KEYS", "Run", "Target", "catalog", "extract", "run_tap"]
