"""From how many days on a wait is longer than usual.

A limit is three times the median, and at least five days. It takes thirty ends, so that
one slow week does not move it, and a median: where most are never decided there is
none. It comes from the whole history and all openings, whatever the page is about.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toggl_hire_report import survival
from toggl_hire_report.survival import Duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toggl_hire_report.warehouse import Warehouse

MEDIANS = 3
LEAST_DAYS = 5.0
LEAST_ENDS = 30


@dataclass(frozen=True)
class Limits:
    """The limits in days; None where there is none.

    Attributes:
        steps: of the steps, by name.
        openings: of the waits for a decision, by workspace and ID of the opening.
        of_all: of all waits.
        decisions: how many were observed in all.
    """

    steps: dict[str, float | None]
    openings: dict[tuple[str, str], float | None]
    of_all: float | None
    decisions: int

    @property
    def is_too_early(self) -> bool:
        """Whether there are too few decisions to say what is usual."""
        return self.decisions < LEAST_ENDS

    def of(self, step: str, opening: tuple[str, str]) -> float | None:
        """The limit of a step of an opening: its own, the opening's, or that of all."""
        known = (self.steps.get(step), self.openings.get(opening), self.of_all)
        return next((limit for limit in known if limit is not None), None)


def limits(warehouse: Warehouse) -> Limits:
    """Read all waits and stays, and find the limits."""
    steps: dict[str, list[Duration]] = defaultdict(list)
    for row in warehouse.rows("""
        select category, days, ended_by
        from toggl_hire__candidate_stages
        where days is not null and category_id is not null
            and not began_before_first_run
    """):
        stay = Duration(row["days"], row["ended_by"] is not None)
        steps[row["category"] or "(no category)"].append(stay)
    waits: list[Duration] = []
    openings: dict[tuple[str, str], list[Duration]] = defaultdict(list)
    for row in warehouse.rows("""
        select
            workspace, job_opening_id, entered_after_days, days_undecided, is_decided
        from toggl_hire__waits
    """):
        wait = Duration(
            row["days_undecided"], row["is_decided"], row["entered_after_days"]
        )
        waits.append(wait)
        openings[row["workspace"], row["job_opening_id"]].append(wait)
    return Limits(
        {step: limit(stays) for step, stays in steps.items()},
        {opening: limit(own) for opening, own in openings.items()},
        limit(waits),
        sum(wait.is_over for wait in waits),
    )


def limit(durations: Sequence[Duration]) -> float | None:
    """Return three times the median, if there is one of thirty ends."""
    if sum(one.is_over for one in durations) < LEAST_ENDS:
        return None
    median = survival.median(survival.curve(durations)).days
    return None if median is None else max(MEDIANS * median, LEAST_DAYS)
