"""Whether the data can be trusted: what they say of themselves."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from toggl_hire_report.attention import named
from toggl_hire_report.figure import whole
from toggl_hire_report.page import Section, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from toggl_hire_report.context import Context
    from toggl_hire_report.page import Page
    from toggl_hire_report.warehouse import Row

TITLE = "Can these data be trusted?"
LONGEST_GAP = timedelta(days=2)
"""Between complete runs; a longer one is a problem."""
RECENT = timedelta(weeks=5)
"""How long a gap matters: the last complete week, and the four before it."""
OF_A_WORKSPACE = {
    "history_since": "History is known since",
    "last_complete_run": "Last complete run",
    "failed_runs": "Failed runs",
    "longest_gap_days": "Longest gap between runs, days",
    "candidates_held": "Candidates, by the tap's account",
    "candidates_rows": "Candidates in the warehouse",
    "candidates_missing": "Missing in the warehouse",
}
OF_ALL = {
    "locked": "Seem to be locked on the workspace's plan",
    "erased": "Deleted in Toggl Hire, and erased here",
}


def figures(context: Context, new_days: float) -> dict[str, Any]:
    """Count what is held, missing, locked and erased; name fields that changed.

    Args:
        context: of the page.
        new_days: what began so many days before the last look is new.

    Returns:
        `workspaces`: for each one `history_since`, `last_complete_run`, `failed_runs`,
        `longest_gap_days`, `candidates_held` (by the tap's own account),
        `candidates_rows` (in the table), `candidates_missing`. In all of them
        together `locked` and `erased`; `drift`, fields that the API no longer sends, or
        sends in a form that the tap cannot read, and that it sent before; `problems`
        and `notes`, in words.
    """
    drift = _drift(context, new_days)
    (locked,) = context.warehouse.rows(
        "select count(*) as number from toggl_hire__candidates where seems_locked"
    )
    (erased,) = context.warehouse.rows(
        "select count(*) as number from toggl_hire__erasures"
    )
    return {
        "workspaces": {
            row["workspace"]: {
                "history_since": moment(row["history_since"]),
                "last_complete_run": moment(row["last_run_completed_at"]),
                "failed_runs": row["failed_runs"],
                "longest_gap_days": row["longest_gap_days"]
                and round(row["longest_gap_days"], 1),
                "candidates_held": optional(row["candidates_held"]),
                "candidates_rows": optional(row["candidates_rows"]),
                "candidates_missing": optional(row["candidates_missing"]),
            }
            for row in context.workspaces
        },
        "problems": [
            *(
                problem
                for row in context.workspaces
                for problem in _problems(context, row)
            ),
            *_locked(locked["number"]),
            *_null(drift),
        ],
        "notes": [*_unknown(context), *_not_loaded(context)],
        "drift": drift,
        "locked": locked["number"],
        "erased": erased["number"],
    }


def _problems(context: Context, workspace: Row) -> Iterator[str]:
    """Say what is wrong with the data of a workspace, as far as it matters now."""
    where = f" of {workspace['workspace']}" if len(context.workspaces) > 1 else ""
    last, looks = (
        workspace["last_run_completed_at"],
        context.looks[workspace["workspace"]],
    )
    if last is None or context.as_of is None:
        yield f"No complete run{where} is recorded, so gaps are unknown."
        return
    if context.as_of - last > LONGEST_GAP:
        yield f"The last complete run{where} ended on {moment(last)}."
    recent = [look for look in looks if look > context.as_of - RECENT]
    gaps = [(end - start, end) for start, end in pairwise(recent)]
    gap, end = max(gaps, default=(timedelta(), last))
    if gap > LONGEST_GAP:
        yield (
            f"No run{where} was complete in the {gap / timedelta(days=1):.1f} days "
            f"before {moment(end)}."
        )
    missing = int(workspace["candidates_missing"] or 0)
    if missing > 0:
        yield f"Candidates{where} that the warehouse lacks: {missing}."


def _drift(context: Context, new_days: float) -> list[dict[str, Any]]:
    """Put fields together that have the same problem since the same day."""
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in context.warehouse.rows(
        "select workspace, field, problem, since, occurrences from toggl_hire__fields "
        "where is_drift order by since desc, workspace, problem, field"
    ):
        key = row["workspace"], row["problem"], f"{row['since'].date()}"
        found.setdefault(key, []).append(row)
    as_of, latest = context.as_of, timedelta(days=new_days)
    return [
        {
            "workspace": workspace if len(context.workspaces) > 1 else None,
            "problem": problem,
            "since": since,
            "fields": _paths(rows),
            "occurrences": sum(row["occurrences"] for row in rows),
            "is_new": as_of is not None and as_of - rows[0]["since"] <= latest,
        }
        for (workspace, problem, since), rows in found.items()
    ]


def _paths(rows: Iterable[Row]) -> list[str]:
    """Return the paths of fields in their objects, each once."""
    return [*dict.fromkeys(row["field"].partition(".")[2] for row in rows)]


def _null(drift: Sequence[dict[str, Any]]) -> Iterator[str]:
    fields = [field for one in drift for field in one["fields"]]
    if fields:
        yield f"Null since the API changed: {named([*dict.fromkeys(fields)])}."


def _unknown(context: Context) -> Iterator[str]:
    rows = context.warehouse.rows(
        "select field from toggl_hire__fields where problem = 'unknown' "
        "order by field, workspace"
    )
    if fields := _paths(rows):
        yield (
            "Fields that the tap does not know, kept in the column `extra` if `pii` is "
            f"`keep`: {named(fields)}."
        )


def _not_loaded(context: Context) -> Iterator[str]:
    lists = [row["columns_missing"] for row in context.workspaces]
    columns = [column for one in lists if one for column in one.split(", ")]
    if columns:
        yield (
            "Columns that the loaded tables lack, so that figures made of them are "
            f"unknown: {named([*dict.fromkeys(columns)])}."
        )


def stale(context: Context, now: datetime) -> Iterator[str]:
    """Say in which workspaces loading failed, or is too long ago."""
    for row in context.workspaces:
        where = f" of {row['workspace']}" if len(context.workspaces) > 1 else ""
        last = row["last_run_completed_at"] or row["last_looked_at"]
        if last is None:
            yield f"No complete run{where} has been loaded yet."
        elif now - last > LONGEST_GAP:
            yield f"The last complete run{where} ended on {moment(last)}: see its log."
        elif (failed := context.failed.get(row["workspace"])) is not None:
            yield f"The last run{where} failed on {moment(failed)}: see its log."
    if not context.workspaces:
        yield "No complete run has been loaded yet."


def _locked(number: int) -> Iterator[str]:
    if number:
        yield f"Candidates who seem to be locked on the workspace's plan: {number}."


def _praise(health: dict[str, Any]) -> str:
    ends = [one["last_complete_run"] for one in health["workspaces"].values()]
    days, weeks = LONGEST_GAP.days, RECENT.days // 7
    return (
        f"Yes: the last complete run ended on {min(ends)}, the warehouse has every "
        f"candidate that the tap holds, and in {weeks} weeks there was no gap of more "
        f"than {days} days between runs."
    )


def optional(number: float | None) -> int | None:
    """A count that may be unknown."""
    return None if number is None else int(number)


def moment(value: datetime | None) -> str | None:
    """A time to the minute."""
    return None if value is None else f"{value:%Y-%m-%d %H:%M} UTC"


def section(page: Page) -> Section:
    """Write the section."""
    found = page.figures["health"]
    if not found.value["workspaces"]:
        return Section(TITLE, "No run of the tap has been loaded yet.")
    if not found.value["problems"]:
        return Section(TITLE, _praise(found.value), items=found.value["notes"])
    workspaces = found["workspaces"]
    of_workspaces = [
        {
            "Of the workspace": label,
            **{one: workspaces[one][name].shown(whole) for one in workspaces.value},
        }
        for name, label in OF_A_WORKSPACE.items()
    ]
    of_all = [
        {"Of all": label, "Candidates": found[name].count()}
        for name, label in OF_ALL.items()
    ]
    return Section(
        TITLE,
        f"Not fully. {' '.join(found.value['problems'])}",
        items=found.value["notes"],
        tables=[Table(of_workspaces), Table(of_all)],
    )
