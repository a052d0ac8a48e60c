"""Memory grows with the number of candidates by what is known of them alone."""

from __future__ import annotations

import typing as t

import pytest

from tools.bench.programs import Programs
from tools.bench.server import Server, Workspace

if t.TYPE_CHECKING:
    from pathlib import Path

MOST = 300
"""Bytes per candidate with a numeric ID."""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_candidate_takes_few_bytes(tmp_path: Path) -> None:
    """The first 10,000 do not count: a STATE announces so many, which are in memory."""
    few, many = 10_000, 60_000
    peaks = []
    for candidates in (few, many):
        with Server(Workspace(candidates).account) as server:
            programs = Programs(server, tmp_path)
            first = programs.tap()
            programs.remember()
            peaks.append((first.memory, programs.tap().memory))
    for before, after in zip(*peaks, strict=True):
        assert (after - before) * 2**20 <= MOST * (many - few)
