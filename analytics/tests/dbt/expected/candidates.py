"""Models of candidates, and of where they are."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from statistics import mean, quantiles
from typing import TYPE_CHECKING, Any

from analytics.tests.dbt.expected.looks import days, naive

if TYPE_CHECKING:
    from analytics.tests.dbt.expected.looks import Looks, Row


def workspaces(looks: Looks) -> list[Row]:
    return [
        {
            "history_since": looks.first.at,
            "complete_runs": len(looks.all),
            "first_run_completed_at": looks.first.at,
            "last_run_completed_at": looks.last.at,
            "last_looked_at": looks.last.at,
        }
    ]


def erasures(looks: Looks) -> list[Row]:
    rows = []
    for one in looks.erased:
        seen = [look.at for look in looks.all if look.state(one)]
        gone = min(look.at for look in looks.all if look.at > max(seen))
        rows.append({"candidate_id": one, "erased_at": gone})
    return rows


def candidate_stages(looks: Looks) -> list[Row]:
    rows = []
    for one in looks.last.rows["candidates"]:
        for number, (place, stay) in enumerate(looks.stays(one), 1):
            later = [look.at for look in looks.all if look.at > stay[-1].at]
            left = min(later) if later else None
            rows.append(
                {
                    "candidate_id": one,
                    "stage_number": number,
                    **looks.place(*place),
                    "valid_from": stay[0].at,
                    "valid_to": left,
                    "days": days(stay[0].at, left or looks.last.at),
                    "is_current": left is None,
                    "began_before_first_run": stay[0] is looks.first,
                }
            )
    return rows


def candidates_enhanced(looks: Looks) -> list[Row]:
    tags = {key: tag["name"] for key, tag in looks.last.rows["tags"].items()}
    rows = []
    for one, raw in looks.last.rows["candidates"].items():
        row = {name: value or None for name, value in raw.items()}
        row |= {name: raw[name] for name in ("points", "score", "rating")}
        details = looks.last.rows["candidate_details"][one]
        answers = looks.by_candidate[one]
        written = [a for a in answers if a["answered"] and not a["options"]]
        contact = details["contact_info"] or {}
        texts = [a["text_answer"] for a in written]
        held = [tags[tag] for tag in details["tag_ids"]]
        decided, decided_at = looks.decision(one)
        finished = naive(raw["finished_at"])
        changes = looks.changes(one)
        started = naive(raw["started_at"])
        rows.append(
            {
                "candidate_id": one,
                **{n: row[n] for n in ("name", "email", "profile_url")},
                **{
                    name: contact.get(name) or None
                    for name in (
                        *("full_name", "contact_email", "linkedin"),
                        *("phone", "city", "country"),
                    )
                },
                **looks.place(row["job_opening_id"], row["category_id"]),
                **{n: row[n] for n in ("hire_state", "rating", "points", "score")},
                "tags": ", ".join(held) or None,
                "started_at": started,
                "finished_at": finished,
                "minutes_taken": (finished - started).total_seconds() / 60,
                "questions": len(answers) or None,
                "answered": sum(a["answered"] for a in answers) if answers else None,
                "seems_locked": not any(texts) and not details["contact_info"]
                if written
                else None,
                "first_observed_at": changes[0].at,
                "last_changed_at": changes[-1].at,
                "decision": decided,
                "decided_at": decided_at,
                "days_to_decision": decided_at and days(finished, decided_at),
                "days_waiting": days(finished, looks.last.at)
                if decided == "waiting"
                else None,
            }
        )
    return rows


def openings_enhanced(looks: Looks) -> list[Row]:
    openings = {
        key: row for look in looks.all for key, row in look.rows["job_openings"].items()
    }
    groups = defaultdict(list, {one: [] for one in openings})
    for row in candidates_enhanced(looks):
        groups[row["job_opening_id"]].append(row)
    rows = []
    for one, group in groups.items():
        opening = openings.get(one, {})  # of one that no run saw, only candidates tell
        states = Counter(row["hire_state"] for row in group)
        decisions = Counter(row["decision"] for row in group)
        days = [
            row["days_to_decision"]
            for row in group
            if row["days_to_decision"] is not None
        ]
        scores = [row["score"] for row in group if row["score"] is not None]
        bands = Counter(min(int(score // 20), 4) for score in scores)
        rows.append(
            {
                "job_opening_id": one,
                "job_opening": opening.get("name"),
                "slug": opening.get("slug"),
                **{
                    name: naive(opening.get(name))
                    for name in ("created_at", "published_at", "closed_at")
                },
                "candidates": len(group),
                "possible_hires": states["possible-hire"],
                "rejected": states["rejected"],
                "decided": decisions["decided"],
                "decided_before": decisions["decided before"],
                "waiting": decisions["waiting"],
                "average_days_to_decision": mean(days) if days else None,
                "median_days_to_decision": _cut(days, 5, 10),
                "slowest_tenth_days_to_decision": _cut(days, 9, 10),
                "scored": len(scores),
                "lowest_score": min(scores, default=None),
                "lower_quartile_score": _cut(scores, 1, 4),
                "median_score": _cut(scores, 2, 4),
                "upper_quartile_score": _cut(scores, 3, 4),
                "highest_score": max(scores, default=None),
                "scored_below_20": bands[0],
                **{f"scored_from_{20 * n}": bands[n] for n in range(1, 5)},
            }
        )
    return rows


def funnel(looks: Looks) -> list[Row]:
    groups = defaultdict(list)
    for row in candidates_enhanced(looks):
        month = row["finished_at"].date().replace(day=1)
        for place in {place for place, _ in looks.stays(row["candidate_id"])}:
            here = place == (row["job_opening_id"], row["category_id"])
            groups[*place, month].append((here, row["hire_state"] == "rejected"))
    return [
        {
            **looks.place(opening, category),
            "month": month,
            "reached": len(group),
            "went_on": sum(not here for here, _ in group),
            "dropped": group.count((True, True)),
            "still_here": group.count((True, False)),
        }
        for (opening, category, month), group in groups.items()
    ]


def pipeline_daily(looks: Looks) -> list[Row]:
    rows = []
    day, end = looks.first.at.date(), looks.last.at.date()
    while day <= end:
        look = max(
            (look for look in looks.all if look.at.date() <= day),
            key=lambda look: look.at,
        )
        groups = defaultdict(list)
        for one in look.rows["candidates"].keys() - looks.erased:
            row = look.state(one)
            assert row is not None
            place = row["job_opening_id"], row["category_id"]
            groups[place].append(row["hire_state"])
        rows += [_day(looks, day, place, states) for place, states in groups.items()]
        day += timedelta(days=1)
    return rows


def _day(
    looks: Looks, day: date, place: tuple[Any, Any], states: list[str | None]
) -> Row:
    return {
        "day": day,
        **looks.place(*place),
        "candidates": len(states),
        "undecided": states.count(None),
        "possible_hires": states.count("possible-hire"),
        "rejected": states.count("rejected"),
    }


def _cut(numbers: list[float], part: int, parts: int) -> float | None:
    """The number below which lie `part` of `parts` of all, interpolated."""
    if len(numbers) < 2:
        return next(iter(numbers), None)
    return quantiles(numbers, n=parts, method="inclusive")[part - 1]
