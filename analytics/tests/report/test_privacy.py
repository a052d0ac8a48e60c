from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from toggl_hire_report.privacy import LEAST, shown, shown_parts


def test_few_are_not_shown_and_none_are() -> None:
    assert [shown(count) for count in (0, 1, 4, 5)] == [0, None, None, 5]


def test_one_small_part_takes_another_with_it() -> None:
    assert shown_parts([9, 3, 0, 12]) == [None, None, 0, 12]


def test_small_parts_that_are_five_together_hide_each_other() -> None:
    assert shown_parts([9, 3, 2]) == [9, None, None]


def test_large_parts_are_shown() -> None:
    assert shown_parts([5, 0, 70]) == [5, 0, 70]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6))
def test_what_is_left_out_is_not_told_by_the_sum(counts: list[int]) -> None:
    parts = shown_parts(counts)
    left_out = [n for n, part in zip(counts, parts, strict=True) if part is None]
    assert not any(part and part < LEAST for part in parts)
    if left_out and sum(counts) >= LEAST:
        assert len(left_out) > 1
        assert sum(left_out) >= LEAST
    assert all(part in {None, count} for part, count in zip(parts, counts, strict=True))
