"""Column `extra`: whatever no schema declares is kept; its names are logged if they are
plain words, its values never.

What a change of an unknown field emits is tested with guarantee 2.
"""

from __future__ import annotations

import json
import typing as t

import pytest

from sandbox import Shapes
from sandbox.distortion import PRIVATE
from sandbox.shapes import ODD_NAMES
from tap_toggl_hire.records import UNPRINTABLE
from tests.support.streams import (
    ALL_STREAMS,
    CANDIDATES,
    DETAILS,
    LISTS,
    SYNC_RUNS,
    UPSERTED,
)

if t.TYPE_CHECKING:
    from tests.support.pipeline import MakePipeline, Pipeline

UNLOGGABLE = [name for name in ODD_NAMES if not name.isidentifier() or len(name) > 40]


def test_unusual_names_and_their_values_are_kept_and_not_logged(
    pipeline: Pipeline,
) -> None:
    pipeline.sandbox.shapes = Shapes(extra_fields=ODD_NAMES)
    run = pipeline.run_command_line()
    assert run.returncode == 0, run.stderr
    [tag, *_] = run.records("tags")
    assert json.loads(tag["extra"]) == ODD_NAMES
    [summary] = run.records(SYNC_RUNS)
    for name in filter(None, UNLOGGABLE):
        assert name not in run.stderr
        assert name not in summary["unknown_fields"]
    assert "\x1b" not in run.stderr
    assert PRIVATE not in run.stderr
    lines = [line for line in run.stderr.splitlines() if "Field" in line]
    texts = [line.rpartition("| ")[2] for line in lines]
    assert len(set(texts)) == len(texts)  # each is logged once
    for stream in (*LISTS, CANDIDATES, DETAILS):
        assert any(f" of {stream} " in text for text in texts)
    # In `sync_runs`, they are counted together, under one name in place of theirs.
    counts = json.loads(summary["unknown_fields"])
    number = len(UNLOGGABLE) * len(pipeline.account.tags())
    assert counts[f"tags.{UNPRINTABLE}"] == number


@pytest.mark.parametrize("mode", ["hash", "drop"])
def test_extra_is_null_where_personal_data_is_not_kept(
    make_pipeline: MakePipeline, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline = make_pipeline(pii=mode, pii_hash_key="k" * 16)
    pipeline.sandbox.shapes = Shapes(extra_fields=True)
    run = pipeline.run(select=ALL_STREAMS)
    for stream in UPSERTED:
        assert {record["extra"] for record in run.records(stream)} == {None}
    assert PRIVATE not in json.dumps(run.messages)
    # The names are logged and counted all the same.
    assert "Field new_field of candidates " in caplog.text
    [summary] = run.records(SYNC_RUNS)
    assert json.loads(summary["unknown_fields"])["candidates.new_field"] == 12
    pipeline.account.set_field(pipeline.ids[4], "portfolio", 1)
    assert not pipeline.run().candidate_records
