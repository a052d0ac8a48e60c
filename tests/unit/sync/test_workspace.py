"""Whose a state is."""

from __future__ import annotations

import re
import typing as t

import pytest

from tap_toggl_hire.sync.workspace import is_foreign, signs

Json = dict[str, t.Any]


def openings(*ids: int, slug: str | None = None) -> list[Json]:
    return [
        {
            "id": number,
            "created_at": f"2026-01-{number % 28 + 1:02}T10:00:00.5",
            **({"slug": f"{slug}-{number}"} if slug else {}),
        }
        for number in ids
    ]


MINE, FOREIGN = openings(1, 2, slug="mine"), openings(1, 2, slug="foreign")


def test_a_slug_tells_a_workspace() -> None:
    """Ids and times may be the same in two of them."""
    assert is_foreign(signs(MINE), signs(FOREIGN))
    assert not is_foreign(signs(MINE), signs(MINE))
    assert not is_foreign(signs(MINE), signs(openings(2, 3, slug="mine")))
    assert is_foreign(signs(MINE), signs(openings(3, 4, slug="mine")))


def test_where_a_version_has_no_slugs_ids_and_times_tell() -> None:
    plain = openings(1, 2)
    assert not is_foreign(signs(plain), signs(openings(2, 3)))
    assert is_foreign(signs(plain), signs(openings(3, 4)))
    assert not is_foreign(signs(MINE), signs(plain))
    assert not is_foreign(signs(plain), signs(MINE))
    assert is_foreign(signs(MINE), signs(openings(3, 4)))
    other_time = [{**row, "created_at": "2020-01-01T00:00:00"} for row in plain]
    assert is_foreign(signs(plain), signs(other_time))


def test_openings_of_one_moment_are_told_apart_by_their_ids() -> None:
    one, other = ({"id": n, "created_at": "2026-01-01T10:00:00"} for n in (1, 2))
    assert is_foreign(signs([one]), signs([other]))
    assert not is_foreign(signs([one]), signs([other, one]))


def test_a_sign_is_a_letter_and_a_short_digest() -> None:
    """The state has them: another form would be another workspace."""
    assert {re.sub(r"[0-9a-f]{8}$", "", sign) for sign in signs(MINE)} == {"s", "i"}


def test_versions_that_write_ids_and_times_otherwise_tell_the_same() -> None:
    first = [{"id": 1, "created_at": "2026-01-01T10:00:00.123456"}]
    other = [{"id": "1", "created_at": "2026-01-01T10:00:00+00:00"}]
    assert signs(first) == signs(other)


@pytest.mark.parametrize(
    ("before", "now"), [([], MINE), (MINE, []), ([], []), ([None, 5, "x"], MINE)]
)
def test_where_there_is_no_opening_nothing_tells(
    before: list[t.Any], now: list[t.Any]
) -> None:
    assert not is_foreign(signs(before), signs(now))


def test_signs_that_the_state_cuts_off_are_slugs_first() -> None:
    many = signs(openings(*range(1, 30), slug="mine"))
    assert {sign[0] for sign in many[:29]} == {"s"}
    assert len(many) == 58
    assert all("mine" not in sign for sign in many)
    assert many == signs(reversed(openings(*range(1, 30), slug="mine")))


def test_a_sign_that_is_none_does_no_harm() -> None:
    assert not is_foreign(["", *signs(MINE)], signs(MINE))
    assert is_foreign([""], signs(MINE))
