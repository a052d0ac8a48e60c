"""The job of docs/answers.md, and what examples/queries/ ask of its models."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from analytics.tests.marks import needs_dbt
from tools.local.meltano import CHECKOUT

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.pipeline.warehouse import PostgresWarehouse
    from tools.local.meltano import Project

pytestmark = needs_dbt
STATE_ID = "dev:tap-toggl-hire-to-target-postgres"
Row = dict[str, Any]


def ask(warehouse: PostgresWarehouse, name: str, candidate_id: str = "") -> list[Row]:
    """Return what a query prints."""
    text = (CHECKOUT / "examples" / "queries" / f"{name}.sql").read_text("utf-8")
    text = text.replace("'100'", f"'{candidate_id}'")
    with warehouse.connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(text.encode()).fetchall()


def test_job_builds_what_the_queries_ask_for(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    account = sandbox.account
    state = json.dumps({"singer_state": warehouse.load(sandbox)})
    waiting = (row["id"] for row in account.list_rows() if not row["hire_state"])
    decided, deleted = islice(waiting, 2)
    account.set_hire_state(decided, "rejected")
    account.delete(deleted)
    project.meltano("state", "set", "--force", STATE_ID, state)

    project.run("toggl-hire-answers", **warehouse.settings)

    assert (project.folder / "report.html").stat().st_size > 10_000
    warehouse.connection.execute(
        "set search_path to toggl_hire_marts, toggl_hire_marts_personal"
    )
    columns = "select columns_missing from toggl_hire__workspaces"
    assert warehouse.connection.execute(columns).fetchall() == [(None,)]
    rows = account.list_rows()
    openings = Counter(row["job_opening_id"] for row in rows)
    waits = ask(warehouse, "time_to_decision")
    assert {row["job_opening_id"]: row["candidates"] for row in waits} == openings
    assert sum(row["decided"] for row in waits) == 1
    undecided = [row for row in rows if not row["hire_state"]]
    assert sum(row["waiting"] for row in waits) == len(undecided)

    steps = ask(warehouse, "funnel")
    assert {row["job_opening_id"] for row in steps} == set(openings)
    for row in steps:
        parts = ("advanced", "rejected", "waiting", "erased")
        assert row["reached"] == sum(row[part] for part in parts)

    details = {row["id"]: account.detail(row["id"]) for row in rows}
    shown = Counter(
        str(question["id"])
        for detail in details.values()
        for question in detail["questions"]
    )
    hardest = ask(warehouse, "hardest_questions")
    assert hardest
    assert all(row["shown"] == shown[row["question_id"]] for row in hardest)
    shares = [row["points_percent"] for row in hardest]
    assert shares == sorted(shares)

    for candidate_id, detail in islice(details.items(), 10):
        answers = {answer["question_id"]: answer for answer in detail["answers"]}
        assert [
            (row["number"], row["question"], row["points"], row["out_of"])
            for row in ask(warehouse, "one_candidate", candidate_id)
        ] == [
            (
                number,
                question["content"],
                answers.get(str(question["id"]), {}).get("points"),
                question["points"],
            )
            for number, question in enumerate(detail["questions"], 1)
        ]
    assert ask(warehouse, "one_candidate", deleted) == []
