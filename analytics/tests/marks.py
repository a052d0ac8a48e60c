"""Marks of tests that share a requirement."""

from __future__ import annotations

import sys

import pytest

needs_dbt = pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="dbt-core 1.11 does not know this Python"
)
