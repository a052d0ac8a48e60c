"""What others see does not give away what they do not see."""

from __future__ import annotations

from itertools import product

import pytest
from toggl_hire_report.audience import LEAST, Audience

OTHERS = Audience(is_team=False)


def possible(shown: int | None) -> range:
    """The counts that a number on the page may stand for."""
    start = shown or 0
    return range(start, start + LEAST)


def test_others_see_no_count_below_five_and_not_whether_it_is_zero() -> None:
    assert [OTHERS.count(number) for number in (0, 1, 4, 5, 9, 10, 188)] == [
        *(None, None, None, 5, 5, 10, 185)
    ]


def test_team_sees_every_count() -> None:
    assert [Audience(is_team=True).count(number) for number in (0, 3, 188)] == [
        0,
        3,
        188,
    ]


@pytest.mark.parametrize("parts", [2, 3, 4])
def test_no_hidden_part_can_be_computed_from_its_total_and_the_other_parts(
    parts: int,
) -> None:
    """The test tries all integer solutions, for every sum of up to four parts."""
    for counts in product(range(11), repeat=parts):
        total = possible(OTHERS.count(sum(counts)))
        ranges = [possible(OTHERS.count(count)) for count in counts]
        for place, count in enumerate(counts):
            if count >= LEAST:
                continue
            rest = [part for n, part in enumerate(ranges) if n != place]
            low = total[0] - sum(part[-1] for part in rest)
            high = total[-1] - sum(part[0] for part in rest)
            assert max(low, 0) < min(high, LEAST - 1)


def test_others_see_quantiles_of_twenty_candidates_or_more_in_whole_numbers() -> None:
    minutes = [float(n) + 0.4 for n in range(19)]
    assert OTHERS.quantile(minutes, 0.5) is None
    assert OTHERS.quantile([*minutes, 20], 0.5) == 10
    assert Audience(is_team=True).quantile(minutes, 0.5) == 9.4


def test_quantile_of_a_tenth_needs_ten_candidates() -> None:
    team = Audience(is_team=True)
    assert team.quantile([1, 2, 3, 4, 5, 6, 7, 8, 9], 0.1) is None
    assert team.quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.1) == 1.9
    assert team.quantile([], 0.5) is None


def test_shares_for_others_come_from_counts_that_they_see() -> None:
    assert OTHERS.share(7, 19) == 0.35  # 5 of 15, in steps of 5 %
    assert OTHERS.share(3, 19) is None
    assert Audience(is_team=True).share(3, 19) == 3 / 19
