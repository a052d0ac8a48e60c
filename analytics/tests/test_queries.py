"""The queries, run on the models, agree with plain Python run on the account."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from statistics import mean, quantiles
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.rows import dict_row

from tests.pipeline.warehouse import expected, keyed, tombstones

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox import Account, Sandbox
    from tests.pipeline.warehouse import PostgresWarehouse, Row
    from tools.local.meltano import Project

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.postgres,
    pytest.mark.skipif(
        sys.version_info >= (3, 14), reason="dbt-core 1.11 does not know this Python"
    ),
]
PLUGINS = ("tap-toggl-hire", "target-postgres")
QUERIES = Path(__file__).resolve().parents[2] / "examples" / "queries"
STREAMS = (
    *("job_openings", "categories", "tags"),
    *("candidates", "candidate_details", "candidate_answers"),
)

LAMPS = {
    "id": 901,  # below all that an account makes up
    "question_type": "multiple-choice",
    "skill": "Lamps",
    "content": "Which lamps turn?",
    "points": 3,
    "options": [
        {"id": "911", "content": "the tall one", "correct": True},
        {"id": "912", "content": "the 'red' one", "correct": False},
        {"id": "913", "content": "the old one", "correct": True},
    ],
}
FOG = {
    "id": 902,
    "question_type": "text",
    "skill": "Weather",
    "content": "Describe fog.",
    "points": 2,
    "options": [],
}
KNOT = {**FOG, "id": 903, "question_type": "code", "content": "Tie:\n\n    knot()"}
SMALL_TALK = {**LAMPS, "id": 904, "points": 0}
UNVALUED = {**FOG, "id": 905, "points": None}
UNGRADED = {**FOG, "id": 906, "content": "Whistle a tune, in writing."}


@dataclass(frozen=True)
class Observed:
    """What the two runs saw of the candidates who are left."""

    account: Account
    first: dict[str, Row]
    """The candidates of the first run, by id."""
    last: dict[str, Row]
    """Those of the second run."""
    openings: dict[str, str]
    """Names by id, of the deleted ones too."""
    categories: dict[str, str]

    def by_opening(self) -> dict[str, list[Row]]:
        groups = defaultdict(list)
        for row in self.last.values():
            groups[row["job_opening_id"]].append(row)
        return groups


def test_queries_answer_what_the_account_says(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    account = sandbox.account
    candidates = account.listed_ids()
    keepers = add_keepers(account)
    first, openings, categories = look(account)
    project.run(*PLUGINS, **warehouse.settings)
    gone = change(account, candidates)
    account.set_hire_state(keepers[0], "possible-hire")
    account.delete(keepers[-1])
    gone["candidates"].add(keepers[-1])
    last, *names = look(account)
    seen = Observed(account, first, last, openings | names[0], categories | names[1])
    begin = datetime.now(UTC)
    project.run("toggl-hire-answers", **warehouse.settings)
    end = datetime.now(UTC)

    assert "How they score" in (project.folder / "report.html").read_text("utf-8")
    warehouse.connection.execute("set search_path to toggl_hire_marts")
    assert ask(warehouse, "score_distribution") == score_distribution(seen)
    assert ask(warehouse, "hardest_questions") == hardest_questions(seen)
    assert ask(warehouse, "funnel") == funnel(seen)
    compare_times(
        ask(warehouse, "time_to_decision"),
        earliest=time_to_decision(seen, begin),
        latest=time_to_decision(seen, end),
    )
    for candidate_id in last:
        answered = ask(warehouse, "one_candidate", candidate_id)
        assert answered == one_candidate(account, candidate_id)
    for candidate_id in gone["candidates"]:
        assert ask(warehouse, "one_candidate", candidate_id) == []
    compare_views(warehouse, account, gone)


# What happens


def add_keepers(account: Account) -> list[str]:
    """Candidates at the edges of what the queries tell apart; the last is for deletion.

    Of the others, all see the lamps, five see the fog, and four see the knot.
    """
    account.add_candidate(account.add_opening("Lone Post"), hire_state="")
    opening_id = account.add_opening("Lighthouse Keeper")
    shift = account.add_category(opening_id, "Trial shift")
    keepers = []
    chosen: tuple[list[str] | None, ...] = (["913", "911"], ["912"], [], None)
    texts = (("", 0), ("Grey\nand wet", None), None, ("100 % 'white'", 1.5), ("No", 2))
    for number, score in enumerate((None, 0, 20, 40, 60, 80, 100, 50)):
        questions = [SMALL_TALK, LAMPS, UNVALUED, UNGRADED]
        questions += [FOG] if number < 5 else []
        questions += [KNOT] if number >= 3 else []
        answers: list[Row] = [
            {
                "question_id": str(question["id"]),
                "text_answer": None,
                "points": question["points"] if number % 4 == 0 else 0,
                "chosen_option_ids": chosen[number % 4],
            }
            for question in (LAMPS, SMALL_TALK)
            if chosen[number % 4] is not None
        ]
        answers += [
            {
                "question_id": str(question["id"]),
                "text_answer": text[0],
                "points": None if question is UNGRADED else text[1],
                "chosen_option_ids": None,
            }
            for question in questions
            if not question.get("options") and (text := texts[number % 5])
        ]
        made = account.add_candidate(
            opening_id,
            score=score,
            questions=questions,
            answers=answers,
            hire_state=None if number < 2 else "",
            category_id=shift if number < 2 else None,
        )
        keepers.append(made)
    return keepers


def look(account: Account) -> tuple[dict[str, Row], dict[str, str], dict[str, str]]:
    """What a run sees: the candidates, and the names of openings and categories."""
    return (
        {row["id"]: row for row in account.list_rows()},
        {one["id"]: one["name"] for one in account.openings()},
        {one["id"]: one["name"] for one in account.categories()},
    )


def change(account: Account, candidates: list[str]) -> dict[str, set[str]]:
    """Let something happen to some of `candidates`.

    Returns:
        The ids of what was deleted, by stream.
    """
    rows = [account.row(one) for one in candidates]
    waiting = [row["id"] for row in rows if row["hire_state"] == ""]
    decided = [row["id"] for row in rows if row["hire_state"] != ""]
    for candidate_id in (waiting.pop(), waiting.pop(), decided.pop()):
        row = account.row(candidate_id)
        elsewhere = [
            one["id"]
            for one in account.categories()
            if one["job_opening_id"] == row["job_opening_id"]
            and one["id"] != row["category_id"]
        ]
        for category_id in elsewhere[:2]:  # no run sees the first move
            account.move(candidate_id, category_id)
    for state in ("rejected", "rejected", "rejected", "possible-hire"):
        account.set_hire_state(waiting.pop(), state)
    account.set_hire_state(decided.pop(), "")
    account.set_hire_state(decided.pop(), "rejected")
    for late, state in zip(account.in_progress_ids(), ("", "rejected"), strict=False):
        account.set_hire_state(late, state)
        account.submit(late)

    account.rate(waiting[0], 1 + account.row(waiting[0])["rating"] % 3)
    account.set_questions(waiting[0], 6)
    grade(account, waiting[1])
    deleted = {waiting[2], decided[0]}
    for candidate_id in deleted:
        account.delete(candidate_id)

    kept, opening, *_ = (one["id"] for one in account.openings())
    orphaned = categories_of(account, opening)
    account.delete_opening(opening)
    renamed, left, *_ = categories_of(account, kept)
    assert {opening, left} <= {
        row[k] for row in rows for k in ("job_opening_id", "category_id")
    }
    account.rename_category(renamed, "Tea and talk")
    account.delete_category(left)
    tag = account.tags()[0]["id"]
    account.delete_tag(tag)
    return {
        "job_openings": {opening},
        "categories": {*orphaned, left},
        "tags": {tag},
        "candidates": deleted,
    }


def categories_of(account: Account, opening_id: str) -> list[str]:
    categories = account.categories()
    return [one["id"] for one in categories if one["job_opening_id"] == opening_id]


def grade(account: Account, candidate_id: str) -> None:
    """Give full points to an answer, or none to one that has them."""
    detail = account.detail(candidate_id)
    points = {one["question_id"]: one["points"] for one in detail["answers"]}
    position, question = next(
        (position, question)
        for position, question in enumerate(detail["questions"])
        if str(question["id"]) in points
    )
    full = question["points"]
    account.grade(
        candidate_id, position, 0 if points[str(question["id"])] == full else full
    )


# What the queries should answer


def score_distribution(seen: Observed) -> list[Row]:
    answer = []
    for opening_id, group in seen.by_opening().items():
        scores = [exact(row["score"]) for row in group if row["score"] is not None]
        bands = Counter(min(int(score // 20), 4) for score in scores)
        answer.append(
            {
                "job_opening_id": opening_id,
                "job_opening": seen.openings[opening_id],
                "scored_candidates": len(scores),
                "lowest": tenth(min(scores)),
                "lower_quartile": tenth(cut(scores, 1, 4)),
                "median": tenth(cut(scores, 1, 2)),
                "upper_quartile": tenth(cut(scores, 3, 4)),
                "highest": tenth(max(scores)),
                "below_20": bands[0],
                "from_20": bands[1],
                "from_40": bands[2],
                "from_60": bands[3],
                "from_80": bands[4],
            }
        )
    return sorted(answer, key=lambda r: (-r["scored_candidates"], r["job_opening_id"]))


def hardest_questions(seen: Observed) -> list[Row]:
    shown = defaultdict(list)
    for candidate_id in seen.last:
        detail = seen.account.detail(candidate_id)
        given = {answer["question_id"]: answer for answer in detail["answers"]}
        for question in detail["questions"]:
            question_id = str(question["id"])
            shown[question_id].append((question, given.get(question_id)))
    answer = []
    for question_id, pairs in shown.items():
        question = pairs[0][0]
        if len(pairs) < 5 or not question["points"]:
            continue
        answers = [given for _, given in pairs if given]
        points = sum(exact(given["points"] or 0) for given in answers)
        right = {one["id"] for one in question.get("options") or () if one["correct"]}
        correct = sum(
            set(given["chosen_option_ids"] or ()) == right for given in answers
        )
        answer.append(
            {
                "question_id": question_id,
                "skill": question["skill"],
                "question_type": question["question_type"],
                "question": question["content"],
                "shown": len(pairs),
                "answered": len(answers),
                "points_percent": percent(points, len(pairs) * question["points"]),
                "correct_percent": percent(correct, len(pairs)) if right else None,
            }
        )
    return sorted(
        answer, key=lambda r: (r["points_percent"], -r["shown"], r["question_id"])
    )


def funnel(seen: Observed) -> list[Row]:
    answer = []
    for opening_id, group in seen.by_opening().items():
        reached: dict[str | None, set[str]] = defaultdict(set)
        for row in group:
            for run in (seen.first, seen.last):
                if row["id"] in run:
                    reached[run[row["id"]]["category_id"]].add(row["id"])
        for category_id, candidates in reached.items():
            now = [row for row in group if row["category_id"] == category_id]
            answer.append(
                {
                    "job_opening_id": opening_id,
                    "job_opening": seen.openings[opening_id],
                    "category_id": category_id,
                    "category": category_id and seen.categories[category_id],
                    "reached": len(candidates),
                    "reached_percent": percent(len(candidates), len(group)),
                    "now": len(now),
                    "rejected": sum(row["hire_state"] == "rejected" for row in now),
                }
            )
    assert any(row["now"] < row["reached"] for row in answer)
    nowhere = "~"  # after every id, as null in SQL
    return sorted(
        answer,
        key=lambda r: (
            r["job_opening_id"],
            -r["reached"],
            r["category_id"] or nowhere,
        ),
    )


def time_to_decision(seen: Observed, observed_at: datetime) -> list[Row]:
    """The answer, had the second run observed every change at `observed_at`."""
    answer = []
    for opening_id, group in seen.by_opening().items():
        days, before = [], 0
        for row in group:
            known = seen.first.get(row["id"], row)
            if known["hire_state"]:
                before += 1
            elif row["hire_state"] or (
                row["category_id"]  # a move to none is no decision
                and row["category_id"] != known["category_id"]
            ):
                finished = datetime.fromisoformat(row["finished_at"])
                wait = observed_at - finished.replace(tzinfo=UTC)
                days.append(exact(wait.total_seconds()) / 86_400)
        answer.append(
            {
                "job_opening_id": opening_id,
                "job_opening": seen.openings[opening_id],
                "candidates": len(group),
                "decided": len(days),
                "decided_before": before,
                "waiting": len(group) - len(days) - before,
                "average_days": tenth(mean(days)) if days else None,
                "median_days": tenth(cut(days, 1, 2)) if days else None,
                "slowest_tenth_days": tenth(cut(days, 9, 10)) if days else None,
            }
        )
    return sorted(answer, key=lambda r: (-r["candidates"], r["job_opening_id"]))


def compare_times(answer: list[Row], earliest: list[Row], latest: list[Row]) -> None:
    assert {row["decided"] > 0 for row in answer} == {True, False}
    for row, low, high in zip(answer, earliest, latest, strict=True):
        for column, value in row.items():
            if column.endswith("_days") and row["decided"]:
                assert 0 < low[column] <= value <= high[column], (column, row)
            else:
                assert value == low[column], (column, row)
        assert set(row) == set(low)


def one_candidate(account: Account, candidate_id: str) -> list[Row]:
    detail = account.detail(candidate_id)
    answers = {answer["question_id"]: answer for answer in detail["answers"]}
    answer = []
    for number, question in enumerate(detail["questions"], 1):
        given = answers.get(str(question["id"]), {})
        chosen = given.get("chosen_option_ids") or []
        options = question.get("options") or []
        picked = [one["content"] for one in options if one["id"] in chosen]
        right = [one["content"] for one in options if one["correct"]]
        text = given.get("text_answer")
        correct = {one["id"] for one in options if one["correct"]} == set(chosen)
        answer.append(
            {
                "number": number,
                "skill": question["skill"],
                "question": question["content"],
                "answer": ("\n".join(picked) or None) if text is None else text,
                "expected": "\n".join(right) or None,
                "points": given.get("points"),
                "out_of": question["points"],
                "correct": correct if options else None,
            }
        )
    return answer


def compare_views(
    warehouse: PostgresWarehouse, account: Account, gone: dict[str, set[str]]
) -> None:
    warehouse.connection.execute("set search_path to toggl_hire")
    for _ in range(2):  # they may be made again
        warehouse.connection.execute(query("views"))
    for stream, rows in expected(account).items():
        shown = fetch(warehouse, f"select * from current_{stream}".encode())
        assert len(shown) == len(rows), stream
        assert keyed(stream, shown) == rows, stream
    for stream in STREAMS:  # the tables have more: the deleted
        marked = {
            key[0] if isinstance(key, tuple) else key
            for key in tombstones(warehouse.rows(stream))
        }
        kind = "candidates" if stream.startswith("candidate_") else stream
        assert marked >= gone[kind], stream


# How they are asked, and how they count


def query(name: str, candidate_id: str = "100") -> bytes:
    text = (QUERIES / f"{name}.sql").read_text("utf-8")
    return text.replace("'100'", f"'{candidate_id}'").encode()


def fetch(warehouse: PostgresWarehouse, statement: bytes) -> list[Row]:
    with warehouse.connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement).fetchall()


def ask(warehouse: PostgresWarehouse, *name: str) -> list[Row]:
    """A query's answer, row by row, in its order."""
    return fetch(warehouse, query(*name))


def exact(number: Any) -> Fraction:
    """A number of the account as it is written, which is how the warehouse has it."""
    return Fraction(str(number))


def percent(part: Fraction | int, whole: int) -> Decimal:
    return tenth(Fraction(100 * part, whole))


def cut(numbers: Sequence[Fraction], part: int, parts: int) -> Fraction:
    """The number below which lie `part` of `parts` of all, interpolated."""
    if len(numbers) == 1:
        return numbers[0]
    return quantiles(numbers, n=parts, method="inclusive")[part - 1]


def tenth(number: Fraction) -> Decimal:
    """Rounded to a tenth as PostgreSQL does it: halves away from zero."""
    decimal = Decimal(number.numerator) / number.denominator
    return decimal.quantize(Decimal("0.1"), ROUND_HALF_UP)
