"""Cells of few candidates are not shown: they would tell of single ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST = 5
"""The fewest candidates that a cell may stand for; none at all is told."""


def hidden(count: int) -> bool:
    """Return whether a cell stands for so few candidates that it is not shown."""
    return 0 < count < LEAST


def shown(count: int) -> int | None:
    """A count as it may be shown; None for few."""
    return None if hidden(count) else count


def shown_parts(counts: Sequence[int]) -> list[int | None]:
    """The parts of a sum that is shown too.

    What is left out could be told from the others and the sum, so the smallest of the
    others are left out too, until it is that of five or more.
    """
    left_out = {place for place, count in enumerate(counts) if hidden(count)}
    others = sorted((n, place) for place, n in enumerate(counts) if n >= LEAST)
    if sum(counts[place] for place in left_out) < LEAST and left_out:
        left_out |= {place for _, place in others[:1]}
    return [None if place in left_out else count for place, count in enumerate(counts)]
