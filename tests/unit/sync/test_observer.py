"""What the API shows becomes records and digests."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from tap_toggl_hire.sync.change import HISTORY_FIELDS
from tap_toggl_hire.sync.inventory import digest
from tap_toggl_hire.sync.observer import is_torn
from tap_toggl_hire.sync.plan import NEVER, Details, Listed
from tests.unit.sync.observed import details_of, question, row_of
from tests.unit.sync.observed import observer as make_observer

Json = dict[str, t.Any]

FIELDS = [name for name in row_of(details_of()) if name != "id"]
OTHER_VALUES: Json = {
    "contact_info": {"city": "Exampleville"},
    "started_at": "2026-01-06T09:00:00+00:00",
    "finished_at": None,
    "points": 4,
    "score": 80,
    "rating": 2,
}


def changed(name: str) -> Json:
    """Return details that differ in one field."""
    return details_of(**{name: OTHER_VALUES.get(name, "other")})


def listed(
    details: Json, tags: tuple[str, ...] | None = (), **settings: t.Any
) -> Listed:
    """Digest the list row of a candidate."""
    observer = make_observer(**settings)
    return observer.listed(observer.row("1", row_of(details)), tags)


def read(details: Json) -> Details:
    """Digest the details of a candidate."""
    observer = make_observer()
    record = observer.details.of(details)
    return observer.read(record, is_torn=False, contradicts_tags=False)


# List rows


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_of_a_row_is_digested(name: str) -> None:
    before, after = listed(details_of()), listed(changed(name))
    assert after.row != before.row
    assert after.extra == before.extra
    assert (after.history != before.history) is (name in HISTORY_FIELDS)


def test_id_of_a_row_is_the_one_that_was_parsed() -> None:
    """The API may send a number."""
    record = make_observer().row("7", row_of(details_of(id=7)))
    assert record["id"] == "7"


def test_unknown_fields_have_a_digest_of_their_own() -> None:
    without = listed(details_of())
    five, six = (listed(details_of(new_field=value)) for value in (5, 6))
    assert without.extra == NEVER
    assert len({without.extra, five.extra, six.extra}) == 3
    assert replace(five, extra=NEVER) == replace(six, extra=NEVER) == without


def test_unknown_fields_that_are_not_emitted_are_not_compared() -> None:
    observer = make_observer(compares_extra=False)
    row = observer.row("1", row_of(details_of(new_field=5)))
    assert observer.listed(row, ()) == replace(listed(details_of()), extra=None)


def test_tags_have_a_digest_of_their_own_and_count_in_the_history() -> None:
    without, tagged = listed(details_of()), listed(details_of(), ("300",))
    assert without.tags == NEVER
    assert tagged.tags not in {NEVER, listed(details_of(), ("301",)).tags}
    assert tagged.history != without.history
    assert replace(tagged, tags=NEVER, history=without.history) == without


def test_unknown_tags_are_not_compared_and_neither_is_the_history() -> None:
    unknown = listed(details_of(), None)
    assert unknown == replace(listed(details_of()), tags=None, history=None)


def test_digests_are_made_after_personal_data_is_dropped() -> None:
    rows = [
        listed(details_of(name=name, email=None, new_field=name), pii="drop")
        for name in ("Ada Quell", "Bo Lindt")
    ]
    assert rows[0] == rows[1]
    assert rows[0].extra == NEVER


# Details


def test_row_in_details_is_that_of_the_list() -> None:
    details, observer = details_of(tag_ids=["300"], new_field=5), make_observer()
    record = observer.details.of(details)
    assert observer.row_in("1", record) == observer.row("1", row_of(details))


def test_row_part_of_details_has_the_digest_of_the_list_row() -> None:
    details, observer = details_of(tag_ids=["300"], new_field=5), make_observer()
    part = observer.row_part(observer.details.of(details))
    assert digest(part) == listed(details).row
    assert "extra" not in part


@pytest.mark.parametrize("name", [*FIELDS, "tag_ids", "questions", "answers", "new"])
def test_every_field_of_details_is_digested(name: str) -> None:
    is_list = name in {"tag_ids", "questions", "answers"}
    other = [] if is_list else OTHER_VALUES.get(name, "other")
    details = details_of(tag_ids=["300"])
    assert read({**details, name: other}).digest != read(details).digest


@pytest.mark.parametrize(
    ("questions", "answers"),
    [
        (None, None),
        ("not a list", None),
        ([], 0),
        ([question("500"), None, question("501")], 3),
    ],
)
def test_questions_are_counted_if_they_could_be_read(
    questions: t.Any, answers: int | None
) -> None:
    assert read(details_of(questions=questions)).answers == answers


def test_details_say_whether_they_are_torn_or_contradict_the_tags() -> None:
    observer = make_observer()
    record = observer.details.of(details_of())
    torn = observer.read(record, is_torn=True, contradicts_tags=True)
    assert (torn.is_torn, torn.contradicts_tags) == (True, True)
    assert replace(torn, is_torn=False, contradicts_tags=False) == read(details_of())


def test_tags_that_only_details_show_are_digested_like_those_of_the_lists() -> None:
    observer = make_observer()
    record = observer.details.of(details_of())
    for tags in (None, (), ("300", "301")):
        details = observer.read(
            record, is_torn=False, contradicts_tags=False, tags=tags
        )
        assert details.tags == listed(details_of(), tags).tags


# Details of another moment than the row


def torn(listed_as: Json, details: Json) -> bool:
    """Return whether details are of another moment than the list row."""
    observer = make_observer()
    row = observer.row("1", row_of(listed_as))
    return is_torn(row, observer.details.of(details), details)


@pytest.mark.parametrize("name", FIELDS)
def test_details_with_another_value_are_torn(name: str) -> None:
    assert torn(details_of(), changed(name))


def test_details_with_the_same_values_are_not_torn() -> None:
    assert not torn(details_of(), details_of(tag_ids=["300"], answers=[]))


@pytest.mark.parametrize("name", FIELDS)
def test_details_that_lack_a_field_are_not_torn(name: str) -> None:
    details = details_of()
    del details[name]
    assert not torn(details_of(), details)


def test_unknown_fields_do_not_make_details_torn() -> None:
    assert not torn(details_of(new_field=5), details_of(new_field=6))
