"""What the tests share: a small target, and ways to run the tap."""

from tests.support.streams import KEYS
from tests.support.tap import Run, catalog, extract, run_tap, settings
from tests.support.target import Target

__all__ = ["KEYS", "Run", "Target", "catalog", "extract", "run_tap", "settings"]
