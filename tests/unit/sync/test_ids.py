"""Ids, each kept once, and sets of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tap_toggl_hire.sync.ids import Ids, IdSet

ODD = (
    *("0", "00", "007", "-1", "+1", "1.0", " 1", "1 ", "1_0", "", "1\n"),
    *("\u0661", "\u00b2", "\uff11", "9" * 18, "9" * 19, "9" * 5000, "1" + "0" * 18),
)
SOME = st.lists(
    st.text(max_size=2) | st.integers(0, 12).map(str) | st.sampled_from(ODD),
    max_size=20,
)


@given(SOME)
def test_ids_are_numbered_as_they_come(some: list[str]) -> None:
    ids = Ids()
    numbers = [ids.number(one) for one in some]
    once = list(dict.fromkeys(some))
    assert list(ids) == once
    assert len(ids) == len(once)
    assert numbers == [once.index(one) for one in some]
    assert [ids[number] for number in numbers] == some
    assert [ids.find(one) for one in some] == numbers


def test_ids_that_look_alike_are_others() -> None:
    ids = Ids()
    assert [ids.number(one) for one in ODD] == list(range(len(ODD)))
    assert list(ids) == list(ODD)
    assert [ids[number] for number in range(len(ODD))] == list(ODD)


def test_an_id_that_did_not_come_has_no_number() -> None:
    ids = Ids()
    assert ids.find("1") is None
    assert len(ids) == 0


@given(SOME, SOME, SOME)
def test_a_set_is_a_set(before: list[str], one: list[str], other: list[str]) -> None:
    ids = Ids()
    for name in before:
        ids.number(name)
    first, second = IdSet(ids), IdSet(ids)
    for members, some in ((first, one), (second, other)):
        expected: set[str] = set()
        for name in some:
            number = members.add(name)
            assert number == (None if name in expected else ids.number(name))
            expected.add(name)
            assert len(members) == len(expected)
    for members, some in ((first, one), (second, other)):
        assert len(members) == len(set(some))
        for name in {*before, *one, *other, "never"}:
            assert (name in members) is (name in some)


def test_what_is_no_text_is_in_no_set() -> None:
    members = IdSet(Ids())
    members.add("1")
    assert 1 not in members
    assert None not in members
