"""How candidates score in each skill of a test."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from toggl_hire_report.figure import number
from toggl_hire_report.page import Section, Table

if TYPE_CHECKING:
    from toggl_hire_report.context import Context
    from toggl_hire_report.figure import Figure
    from toggl_hire_report.page import Cells, Page

TITLE = "Scores by skill"
OPENINGS_LISTED = 4


def figures(context: Context) -> dict[str, list[dict[str, Any]]]:
    """Find the median score of each skill, the weakest first.

    Returns:
        For each opening whose test has several skills, a list of `skill`, `candidates`
        and the `median` of their scores.
    """
    groups: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in context.rows(
        """
        select
            skills.workspace, skills.job_opening_id, candidates.finished_at,
            skills.skill, 100 * skills.score as score
        from toggl_hire__skill_scores as skills
        inner join toggl_hire__candidates as candidates
            on candidates.workspace = skills.workspace
            and candidates.candidate_id = skills.candidate_id
        where skills.skill is not null and skills.score is not null
        order by skills.score
        """,
        day="finished_at",
    ):
        groups[row["opening"]][row["skill"]].append(row["score"])
    audience = context.audience
    found = {}
    for opening in context.openings.values():
        medians = [
            (median, skill, audience.count(len(scores)))
            for skill, scores in groups[opening.name].items()
            if (median := audience.quantile(scores, 0.5)) is not None
        ]
        if len(medians) > 1:
            found[opening.name] = [
                {"skill": skill, "candidates": candidates, "median": median}
                for median, skill, candidates in sorted(medians)
            ]
    return found


def section(page: Page) -> Section | None:
    """Write the section, if a test has several skills."""
    found = page.figures["skills"]
    names = [name for name in page.shown if name in found.value][:OPENINGS_LISTED]
    if not names:
        return None
    return Section(
        TITLE,
        "Points earned of those that the questions of a skill are worth.",
        tables=[Table([_row(name, one) for name in names for one in found[name]])],
        is_half=True,
    )


def _row(name: str, skill: Figure) -> Cells:
    return {
        "Opening": name,
        "Skill": skill.value["skill"],
        "Median, %": skill["median"].shown(number),
        "Candidates": skill["candidates"].count(),
    }
