"""When deletions are rather a fault."""

from __future__ import annotations

import pytest

from tap_toggl_hire.errors import TapError
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


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (guard.mass_deletion(21, 40), ["21 of 40 known", "FULL_TABLE"]),
        (guard.mass_of_listed(3, 5), ["3 of 5", "run again later"]),
        (guard.missing_alive(21, 40), ["21 of 40 known", "short", "FULL_TABLE"]),
        (guard.short_list(5, 9), ["5 came of 9", "short", "run again later"]),
    ],
)
def test_a_failure_says_how_many_and_how_to_go_on(
    error: TapError, words: list[str]
) -> None:
    assert isinstance(error, TapError)
    assert all(word in str(error) for word in words)
