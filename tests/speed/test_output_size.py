"""What a run writes beside its records stays small."""

from __future__ import annotations

import typing as t
from collections import Counter

from tests.support.streams import DETAILS
from tools.bench.server import Workspace

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.speed.conftest import Runs


def test_two_thousand_candidates_take_few_lines(
    runs: Callable[..., Runs], tmp_path: Path
) -> None:
    some = runs(Workspace(2000).account())
    run = some.run(loads=False)
    assert len(run.records(DETAILS)) == 2000
    assert len(run.stderr.splitlines()) <= 60
    schemas = [one["stream"] for one in run.messages if one["type"] == "SCHEMA"]
    assert schemas
    assert set(Counter(schemas).values()) == {1}
    # The SDK logs a line for each BATCH file, of which there are many.
    batches = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": tmp_path.as_uri()},
        "batch_size": 50,
    }
    run = some.run(loads=False, batch_config=batches)
    named = [one["manifest"] for one in run.messages if one["type"] == "BATCH"]
    assert sum(map(len, named)) == len(list(tmp_path.iterdir())) >= 80
    assert len(run.stderr.splitlines()) <= 60
