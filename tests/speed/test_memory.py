"""Memory does not grow with the number of candidates, but for their digests."""

from __future__ import annotations

import typing as t

import pytest

from tools.bench.programs import Programs
from tools.bench.server import Server, Workspace

if t.TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_memory_is_flat(tmp_path: Path) -> None:
    peaks = []
    for candidates in (2000, 20_000):
        with Server(Workspace(candidates).account) as server:
            programs = Programs(server, tmp_path)
            first = programs.tap()
            programs.remember()
            later = programs.tap()
        peaks.append((first.memory, later.memory))
    (few, few_later), (many, many_later) = peaks
    assert many - few <= 20
    assert many_later - few_later <= 20
