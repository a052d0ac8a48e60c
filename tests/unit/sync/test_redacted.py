"""Records as they leave the API: fitted to a schema, then redacted."""

from __future__ import annotations

import pytest

from tap_toggl_hire.sync.plan import CANDIDATES, DETAILS
from tests.unit.sync.observed import details_of, redacted, row_of


def test_record_has_the_columns_of_its_schema_and_extra() -> None:
    for stream, shown in ((CANDIDATES, row_of(details_of())), (DETAILS, details_of())):
        records = redacted(stream)
        assert set(records.columns) == shown.keys()
        assert records.of(shown).keys() == {*records.columns, "extra"}


def test_record_fits_the_schema() -> None:
    shown = row_of(details_of(rating="2", started_at="2026-01-05 09:00:00", new=[1]))
    record = redacted(CANDIDATES).of(shown)
    assert record["rating"] == 2
    assert record["started_at"] == "2026-01-05T09:00:00+00:00"
    assert record["extra"] == '{"new":[1]}'


def test_personal_data_is_dropped_with_unknown_fields() -> None:
    record = redacted(DETAILS, pii="drop").of(
        details_of(name="Ada Quell", new="Ada Quell", tag_ids=["300"])
    )
    assert "Ada" not in str(record)
    assert (record["name"], record["extra"]) == (None, None)
    assert record["answers"][0]["text_answer"] is None
    assert record["tag_ids"] == ["300"]


def test_personal_data_is_hashed_with_the_key() -> None:
    hashes = {
        redacted(CANDIDATES, pii="hash", pii_hash_key=key).of(row_of(details_of()))[
            "name"
        ]
        for key in ("0123456789abcdef", "0123456789abcdeF")
    }
    assert len(hashes) == 2
    assert {len(value) for value in hashes} == {64}


@pytest.mark.parametrize(
    ("pii", "expected"), [("keep", ["300"]), ("hash", None), ("drop", None)]
)
def test_tags_are_dropped_where_personal_data_is_not_kept(
    pii: str, expected: list[str] | None
) -> None:
    records = redacted(
        DETAILS, pii=pii, pii_tags="drop", pii_hash_key="0123456789abcdef"
    )
    assert records.of(details_of(tag_ids=["300"]))["tag_ids"] == expected
