"""What the API showed, as records and as digests."""

from __future__ import annotations

import typing as t

import msgspec
import pytest

from tap_toggl_hire.bases import SCHEMAS
from tap_toggl_hire.records import EXTRA, conformer
from tap_toggl_hire.sync.inventory import digest
from tap_toggl_hire.sync.observation import HISTORY_FIELDS, Observer, tags_of
from tests.support.memory import candidate, row_of

Json = dict[str, t.Any]


def report(field: str, trouble: str) -> None:
    del field, trouble


TO_ROW, TO_DETAILS = (
    conformer(SCHEMAS.get_schema(name), report)
    for name in ("candidates", "candidate_details")
)


def observer(*, privacy: str = "keep", compares_extra: bool = True) -> Observer:
    return Observer(
        t.cast("t.Any", TO_ROW),
        t.cast("t.Any", TO_DETAILS),
        privacy=privacy,
        compares_extra=compares_extra,
    )


PLAIN = observer()
ANSWER = candidate(5, tag_ids=["8", "7"])
ROW = PLAIN.row("5", row_of(ANSWER))


def test_a_row_of_details_is_the_row_of_the_list() -> None:
    plain = observer()
    assert plain.row_of("5", ANSWER) == plain.row("5", row_of(ANSWER)) == ROW
    assert plain.details(ANSWER).keys() > {"questions", "answers", "tag_ids"}
    assert ROW["id"] == "5"
    assert not ROW.keys() & {"questions", "answers", "tag_ids"}


@pytest.mark.parametrize("field", HISTORY_FIELDS)
def test_a_field_of_the_history_is_in_both_digests(field: str) -> None:
    before = PLAIN.listed(ROW, ("7",))
    after = PLAIN.listed({**ROW, field: "other"}, ("7",))
    assert after.history != before.history
    assert after.row != before.row
    assert after.extra == before.extra == 0


@pytest.mark.parametrize("field", ["name", "email", "contact_info", "finished_at"])
def test_another_field_is_no_history(field: str) -> None:
    before = PLAIN.listed(ROW, ("7",))
    after = PLAIN.listed({**ROW, field: "other"}, ("7",))
    assert after.history == before.history
    assert after.row != before.row


def test_tags_are_history_and_no_row() -> None:
    before, after = PLAIN.listed(ROW, ("7",)), PLAIN.listed(ROW, ("7", "8"))
    assert after.history != before.history
    assert after.row == before.row
    assert PLAIN.listed(ROW, None).history is None
    assert PLAIN.listed(ROW, None).row == before.row


def test_unknown_fields_are_compared_apart_if_they_are_emitted() -> None:
    known, one, other = (
        PLAIN.row("5", {**row_of(ANSWER), **fields})
        for fields in ({}, {"new": 1}, {"new": 2})
    )
    keen = observer(compares_extra=True)
    digests = [keen.listed(row, ()) for row in (known, one, other)]
    assert len({listed.row for listed in digests}) == 1
    assert digests[0].extra == 0
    assert len({listed.extra for listed in digests}) == 3
    calm = observer(compares_extra=False)
    assert {calm.listed(row, ()).extra for row in (known, one, other)} == {None}
    assert PLAIN.unknown_fields(one) == ["new"]
    assert PLAIN.unknown_fields(known) == []
    odd = PLAIN.row("5", {**row_of(ANSWER), "me@example.com": 1})
    assert "me@example.com" not in PLAIN.unknown_fields(odd)


def test_what_becomes_of_personal_data_is_in_the_digest() -> None:
    """A change of the setting emits everybody again."""
    keep, drop = (observer(privacy=one).listed(ROW, ()) for one in ("keep", "drop"))
    assert keep.row != drop.row
    assert keep.history == drop.history


def read(answer: Json, tags: tuple[str, ...] | None = ("7", "8")) -> t.Any:
    return PLAIN.read(ROW, tags, PLAIN.details(answer), answer)


def test_details_of_the_same_moment_are_not_torn() -> None:
    details = read(ANSWER)
    assert not details.torn
    assert details.answers == 1
    assert read({**ANSWER, "questions": None}).answers == 0
    assert read({**ANSWER, "questions": [{"id": 1}, None]}).answers == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"rating": 3},
        {"category_id": "200"},
        {"rating": None},
        {"contact_info": {"phone": "1"}},
        {"tag_ids": ["7"]},
        {"tag_ids": []},
    ],
    ids=str,
)
def test_details_that_tell_otherwise_than_the_row_are_torn(changes: Json) -> None:
    """Also where one of the two is null."""
    details = read({**ANSWER, **changes})
    assert details.torn
    assert details.digest != read(ANSWER).digest


@pytest.mark.parametrize(
    "changes",
    [
        {"tag_ids": None},
        {"tag_ids": ["8", "7", "7", None]},
        {"new": 1},
        {"id": 5},
        {"answers": []},
        {"rating": "0"},
    ],
    ids=str,
)
def test_what_tells_nothing_of_the_row_is_not_torn(changes: Json) -> None:
    assert not read({**ANSWER, **changes}).torn


def test_a_field_that_details_lack_altogether_tells_nothing() -> None:
    less = {name: value for name, value in ANSWER.items() if name != "rating"}
    assert not read(less).torn
    assert read({**ANSWER, "rating": None}).torn


def test_where_tags_are_unknown_they_tell_nothing() -> None:
    assert not read(ANSWER, tags=None).torn


def test_details_without_unknown_fields_have_the_digest_of_the_others() -> None:
    """It is in states that are older than the column: another would read all again."""
    told = {key: one for key, one in PLAIN.details(ANSWER).items() if key != EXTRA}
    assert None in told.values()
    assert read(ANSWER).digest == digest(msgspec.Raw(msgspec.json.encode(told)), "5")


def test_unknown_fields_of_details_are_in_their_digest() -> None:
    assert read({**ANSWER, "new": 1}).digest != read(ANSWER).digest
    assert read({**ANSWER, "answers": [{"question_id": 1, "points": 4}]}).digest != (
        read(ANSWER).digest
    )


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (None, None),
        ([], ()),
        (["2", "1", "2", None, ""], ("1", "2")),
    ],
)
def test_tags_have_one_order(
    told: list[str | None] | None, expected: tuple[str, ...] | None
) -> None:
    assert tags_of({"tag_ids": told}) == expected
