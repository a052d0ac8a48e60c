"""What a run writes beside its records stays small."""

from __future__ import annotations

import typing as t

from tests.support.pipeline import make_account
from tests.support.streams import DETAILS

if t.TYPE_CHECKING:
    from pathlib import Path

    from tests.support.pipeline import MakePipeline

MOST_LINES = 60


def test_two_thousand_candidates_take_few_lines_of_log(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = make_pipeline(make_account(2000, questions=1))
    run = pipeline.run_command_line()
    assert len(run.records(DETAILS)) == 2000
    assert len(run.stderr.splitlines()) <= MOST_LINES


def test_many_batch_files_take_few_lines_of_log(
    make_pipeline: MakePipeline, tmp_path: Path
) -> None:
    """The SDK logs a line for each of them."""
    batch_config = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": tmp_path.as_uri()},
        "batch_size": 10,
    }
    account = make_account(400, questions=1)
    pipeline = make_pipeline(account, batch_config=batch_config)
    run = pipeline.run_command_line()
    files = sum(len(message["manifest"]) for message in run.of_type("BATCH"))
    assert files == len([*tmp_path.iterdir()]) >= 80
    assert len(run.stderr.splitlines()) <= MOST_LINES
