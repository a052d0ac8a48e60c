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

    One part that is left out alone could be told from the others and the sum, so the
    smallest of the others is left out with it.
    """
    left_out = {place for place, count in enumerate(counts) if hidden(count)}
    if len(left_out) == 1:
        others = [place for place in range(len(counts)) if place not in left_out]
        if others:
            left_out.add(min(others, key=lambda place: (counts[place], place)))
    return [
        None if place in left_out else count for place, count in enumerate(counts)
    ]
