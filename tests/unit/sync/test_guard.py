"""When deletions are rather a fault."""

from __future__ import annotations

import pytest

from tap_toggl_hire.sync import guard


@pytest.mark.parametrize(
    ("missing", "known", "expected"),
    [
        (0, 0, False),
        (20, 20, False),
        (20, 0, False),
        (21, 42, False),
        (21, 41, True),
        (21, 21, True),
        (500, 1000, False),
        (501, 1000, True),
    ],
)
def test_more_than_half_and_more_than_20_are_suspicious(
    missing: int, known: int, *, expected: bool
) -> None:
    assert guard.is_mass(missing, known) is expected


@pytest.mark.parametrize(
    ("gone", "asked", "expected"),
    [
        (0, 0, False),
        (2, 2, False),
        (3, 3, True),
        (3, 5, True),
        (3, 6, False),
        (20, 40, False),
        (20, 39, True),
    ],
)
def test_of_those_listed_the_third_is_suspicious(
    gone: int, asked: int, *, expected: bool
) -> None:
    assert guard.is_mass_of_listed(gone, asked) is expected


WHAT_TO_SET = "set the replication method of stream candidates to FULL_TABLE"
IS_A_FAULT = "more than half, which is rather a fault"
NOTHING_LOST = "What came was extracted and nothing was taken for deleted;"


def test_a_mass_deletion_says_how_many_and_how_to_go_on() -> None:
    text = str(guard.mass_deletion(21, 40))
    assert "21 of 40 known candidates" in text
    assert f"{IS_A_FAULT} (another workspace's API key?). Nothing was deleted." in text
    assert text.endswith(f" If they are gone, {WHAT_TO_SET} for one run.")


def test_listed_ones_that_are_gone_are_a_fault_of_the_api() -> None:
    text = str(guard.mass_of_listed(3, 5))
    assert "3 of 5" in text
    assert f"not there: {IS_A_FAULT}. Nothing was deleted;" in text
    assert text.endswith(" run again later.")


def test_a_list_that_lacks_those_who_are_there_says_so() -> None:
    text = str(guard.missing_alive(21, 40))
    assert "is short: it lacks 21 of 40 known candidates, and those that were" in text
    assert f" asked for are there. {NOTHING_LOST} run again later." in text
    assert text.endswith(
        f" If most candidates were archived, {WHAT_TO_SET} for one run."
    )


def test_a_short_list_says_how_many_came() -> None:
    text = str(guard.short_list(5, 9))
    assert f"is short: 5 came of 9. {NOTHING_LOST}" in text
    assert text.endswith(" run again later.")
