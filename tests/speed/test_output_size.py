"""What a run writes and asks for beside the records stays small."""

from __future__ import annotations

import typing as t
from collections import Counter

from sandbox import Account
from tools.bench.server import Workspace

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.speed.conftest import Runs


def test_two_thousand_candidates_take_few_lines(runs: Callable[..., Runs]) -> None:
    some = runs(Workspace(2000).account())
    run = some.go()
    assert len(run.records("candidate_details")) == 2000
    assert len(run.stderr.splitlines()) <= 60
    schemas = [one["stream"] for one in run.messages if one["type"] == "SCHEMA"]
    assert schemas
    assert set(Counter(schemas).values()) == {1}


def test_batch_files_take_no_more_lines(
    runs: Callable[..., Runs], tmp_path: Path
) -> None:
    """The SDK tells of each file, of which there are many."""
    some = runs(Workspace(2000).account())
    batches = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": tmp_path.as_uri()},
        "batch_size": 50,
    }
    run = some.start(batch_config=batches)
    told = [one for one in run.messages if one["type"] == "BATCH"]
    assert sum(len(one["manifest"]) for one in told) >= 80
    assert len(list(tmp_path.iterdir())) >= 80
    assert len(run.stderr.splitlines()) <= 60


def test_a_test_run_asks_for_little(runs: Callable[..., Runs]) -> None:
    account = Account.example(candidates=1000, openings=40, tags=40)
    some = runs(account, page_size=10)
    some.go("--test")
    assert some.box.stats.requests <= 12
    some.go("--test", job_opening_ids=[one["id"] for one in account.openings()])
    assert some.box.stats.requests <= 12
