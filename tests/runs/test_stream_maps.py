"""Stream maps, flattening and BATCH files through runs, tombstones included.

What becomes of one record is tested in `tests/unit/test_projection.py`.
"""

from __future__ import annotations

import hashlib
import typing as t

import pytest

from tests.support.messages import candidate_of, key_of_tombstone
from tests.support.streams import (
    ANSWERS,
    CANDIDATE_STREAMS,
    CANDIDATES,
    DETAILS,
    HISTORY,
)

if t.TYPE_CHECKING:
    from pathlib import Path

    from tests.support.pipeline import MakePipeline, Pipeline

Json = dict[str, t.Any]

CONTACT = ("full_name", "contact_email", "linkedin", "phone", "city", "country")


def delete(pipeline: Pipeline, **fields: t.Any) -> str:
    """Delete a candidate with these values in the list; return the ID."""
    rows = pipeline.account.list_rows()
    gone: str = next(row["id"] for row in rows if fields.items() <= row.items())
    pipeline.account.delete(gone)
    return gone


def test_alias_expression_and_removed_property_change_records(
    pipeline: Pipeline,
) -> None:
    pipeline.config["stream_maps"] = {
        CANDIDATES: {
            "__alias__": "people",
            "email": "md5(email)",
            "name": None,
            "passed": "bool(score >= 50)",
        }
    }
    run = pipeline.run()
    people = {row["id"]: row for row in run.records("people")}
    assert set(people) == {*pipeline.ids}
    assert "name" not in run.schema("people")["properties"]
    for row in pipeline.account.list_rows():
        digest = hashlib.md5(row["email"].encode(), usedforsecurity=False).hexdigest()
        assert people[row["id"]]["email"] == digest
        assert people[row["id"]]["passed"] is (row["score"] >= 50)
    assert len(run.records(DETAILS)) == 12  # other streams are as they were
    gone = delete(pipeline)
    run = pipeline.run()
    assert [key_of_tombstone(row) for row in run.records("people")] == [{"id": gone}]
    assert run.records(CANDIDATES) == []


@pytest.mark.parametrize(
    ("stream", "rules"),
    [
        # Each would fail on nulls, or exclude them, if a tombstone went through it.
        (CANDIDATES, {"__filter__": "hire_state == 'rejected'"}),
        (ANSWERS, {"__filter__": "question_points + 1 > 0"}),
        (HISTORY, {"__filter__": "job_opening_id.isdigit()"}),
        (CANDIDATES, {"made": "score / 2"}),
        (DETAILS, {"made": "name.upper()"}),
        (ANSWERS, {"made": "question.upper()"}),
    ],
    ids=str,
)
def test_tombstone_passes_a_map(pipeline: Pipeline, stream: str, rules: Json) -> None:
    pipeline.config["stream_maps"] = {stream: rules}
    assert pipeline.run().records(stream)
    gone = delete(pipeline, hire_state="rejected")
    rows = pipeline.run().records(stream)
    assert {candidate_of(row) for row in rows} == {gone}
    if stream == ANSWERS:
        assert [key_of_tombstone(row) for row in rows] == [
            {"candidate_id": gone, "position": position} for position in range(2)
        ]
    elif stream != HISTORY:
        assert [key_of_tombstone(row) for row in rows] == [{"id": gone}]
    assert pipeline.run().records(stream) == []


def test_flattening_applies_after_a_map(pipeline: Pipeline) -> None:
    pipeline.config |= {
        "flattening_enabled": True,
        "flattening_max_depth": 1,
        "stream_maps": {CANDIDATES: {"name": "name.upper()", "score": None}},
    }
    run = pipeline.run()
    columns = set(run.schema(CANDIDATES)["properties"])
    assert {f"contact_info__{name}" for name in CONTACT} <= columns
    assert not {"contact_info", "score"} & columns
    rows = {row["id"]: row for row in run.records(CANDIDATES)}
    for row in pipeline.account.list_rows():
        assert rows[row["id"]]["name"] == row["name"].upper()
        for name in CONTACT:
            value = (row["contact_info"] or {}).get(name)
            assert rows[row["id"]][f"contact_info__{name}"] == value
    gone = delete(pipeline)
    run = pipeline.run()
    for stream in (CANDIDATES, DETAILS):
        assert [key_of_tombstone(row) for row in run.records(stream)] == [{"id": gone}]


def test_batch_files_have_what_records_would_have(
    make_pipeline: MakePipeline, tmp_path: Path
) -> None:
    pipeline = make_pipeline(
        130,
        batch_config={
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": {"root": tmp_path.as_uri(), "prefix": "part-"},
            "batch_size": 40,
        },
    )
    run = pipeline.run()
    assert run.of_type("RECORD") == []
    assert run.messages[-1]["type"] == "STATE"
    pipeline.assert_target_matches_api()
    assert len(pipeline.target.alive(HISTORY)) == 130
    assert all(path.name.startswith("part-") for path in tmp_path.iterdir())
    pipeline.change_rating(pipeline.ids[100])
    gone = delete(pipeline)
    pipeline.run()
    pipeline.assert_target_matches_api()
    assert set(pipeline.target.deleted(CANDIDATES)) == {gone}
    streams = {message["stream"] for message in pipeline.run().of_type("BATCH")}
    assert not streams & {*CANDIDATE_STREAMS}
