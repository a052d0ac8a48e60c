"""What every figure needs: the warehouse, the openings, the period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from toggl_hire_report.warehouse import ReportError

if TYPE_CHECKING:
    from toggl_hire_report.warehouse import Row, Warehouse

ALL = "All"
"""The key of figures of all openings together."""
MOST = 12
"""The most openings that a table shows."""


class Opening(NamedTuple):
    """A job opening under a name that no other one has."""

    name: str
    is_open: bool
    has_candidates: bool


@dataclass(frozen=True)
class Context:
    """What the page is about.

    Attributes:
        workspaces: rows of `toggl_hire__workspaces`.
        openings: by workspace and ID; open ones first, the largest first.
        looks: the ends of complete runs, in order, by workspace.
        failed: when the last run ended, by workspace, where it failed.
        since: the first day of the page's period; None for the whole history.
    """

    warehouse: Warehouse
    workspaces: list[Row]
    openings: dict[tuple[str, str], Opening]
    looks: dict[str, list[datetime]]
    failed: dict[str, datetime]
    since: date | None = None

    @property
    def as_of(self) -> datetime | None:
        """When the tap last looked at any workspace; in UTC, without an offset."""
        looks = [row["last_looked_at"] for row in self.workspaces]
        return max((look for look in looks if look), default=None)

    @property
    def week(self) -> date | None:
        """The Monday of the week of the last look."""
        if self.as_of is None:
            return None
        return self.as_of.date() - timedelta(days=self.as_of.weekday())

    @property
    def shown(self) -> list[str]:
        """The names of the openings that tables show: the largest open ones first."""
        names = [one.name for one in self.openings.values() if one.has_candidates]
        return names[:MOST]

    def rows(self, query: str, day: str | None = None) -> list[Row]:
        """Return the rows of the page's openings, each with the name of its opening.

        Args:
            query: selects `workspace` and `job_opening_id`, among others.
            day: a column; rows before the period are left out.
        """
        kept = []
        for row in self.warehouse.rows(query):
            opening = self.openings.get((row["workspace"], row["job_opening_id"]))
            if opening is None or (day and self._is_before(row[day])):
                continue
            kept.append({**row, "opening": opening.name})
        return kept

    def _is_before(self, value: date | datetime | None) -> bool:
        if self.since is None or value is None:
            return False
        return (value.date() if isinstance(value, datetime) else value) < self.since


def context(
    warehouse: Warehouse,
    opening: str | None = None,
    since: date | None = None,
) -> Context:
    """Read the workspaces and the openings.

    Args:
        warehouse: with the models.
        opening: the name or ID of the one opening that the page is about.
        since: the first day of its period.

    Raises:
        ReportError: if no opening has that name or ID.
    """
    workspaces = warehouse.rows(
        "select * from toggl_hire__workspaces order by workspace"
    )
    found = warehouse.rows("""
        select workspace, job_opening_id, job_opening, closed_at, deleted_at, candidates
        from toggl_hire__openings
        order by
            case when closed_at is null and deleted_at is null then 0 else 1 end,
            candidates desc,
            workspace,
            job_opening_id
    """)
    is_one = len(workspaces) == 1
    names = {ALL}
    openings = {}
    for row in found:
        name = row["job_opening"] or "(unnamed)"
        name = name if is_one else f"{row['workspace']}: {name}"
        number = 2
        unique = name
        while unique in names:
            unique, number = f"{name} · {number}", number + 1
        names.add(unique)
        is_open = row["closed_at"] is None and row["deleted_at"] is None
        key = row["workspace"], row["job_opening_id"]
        if opening is None or opening in {unique, row["job_opening"], key[1]}:
            openings[key] = Opening(unique, is_open, row["candidates"] > 0)
    if opening is not None and not openings:
        known = ", ".join(sorted(names - {ALL}))
        raise ReportError(
            f"--opening {opening}: there is no such opening. Known: {known}."
        )
    looks: dict[str, list[datetime]] = {row["workspace"]: [] for row in workspaces}
    failed: dict[str, datetime] = {}
    for row in warehouse.rows(
        "select workspace, finished_at, outcome from toggl_hire__runs "
        "where finished_at is not null order by finished_at"
    ):
        failed.pop(row["workspace"], None)
        if row["outcome"] == "complete":
            looks[row["workspace"]].append(row["finished_at"])
        elif row["outcome"] == "failed":
            failed[row["workspace"]] = row["finished_at"]
    return Context(warehouse, workspaces, openings, looks, failed, since)
