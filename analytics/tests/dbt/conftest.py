"""Two warehouses, and a story that the tap loads into both."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from analytics.tests.dbt.expected import Look, Looks
from analytics.tests.dbt.warehouses import InDuckDB, InPostgres
from sandbox import Account, Sandbox
from sandbox.changes import VISIBLE
from tests.runs.pipelines import FAMILY, Pipeline
from tools.local.postgres import Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from analytics.tests.dbt.warehouses import Row, Warehouse

STREAMS = (*FAMILY, "job_openings", "categories", "tags", "sync_runs")
WHOLE = "toggl_hire"
SELECTIONS: dict[str, Row] = {
    WHOLE: {"select": STREAMS},
    "dropped": {"select": STREAMS, "pii": "drop"},
    # Some streams, of which some columns are left out.
    "details_alone": {
        "select": ("candidate_details",),
        "stream_maps": {
            "candidate_details": dict.fromkeys(
                ("contact_info", "hire_state", "finished_at"), "__NULL__"
            )
        },
    },
    "answers_alone": {"select": ("candidate_answers",)},
    "history_alone": {"select": ("candidate_history",)},
}


@dataclass
class Story:
    """What happened: the looks at an account, and what each run of the tap wrote."""

    looks: Looks
    messages: dict[str, list[list[Row]]]
    """Of each run, by schema."""
    personal: dict[str, set[str]]
    """What is personal of each candidate who is deleted in the end."""

    @classmethod
    def random(cls, seed: int, selections: dict[str, Row], runs: int = 7) -> Story:
        """Runs of the tap, days apart, with random changes in between."""
        rng = random.Random(seed)
        account = Account.example(
            candidates=rng.randrange(10, 80), openings=5, in_progress=6, seed=seed
        )
        looks: list[Look] = []
        messages: dict[str, list[list[Row]]] = {schema: [] for schema in selections}
        with Sandbox(account) as sandbox:
            lines = {schema: Pipeline(sandbox) for schema in selections}
            clock = next(iter(lines.values()))
            personal = {one: _sign(account, one) for one in account.listed_ids()}
            for number in range(runs):
                if number:
                    # A workspace without any opening that was known is another one.
                    few = len(account.openings()) < 4
                    kinds = set(VISIBLE) - ({"delete_opening"} if few else set())
                    clock.happen(rng, 12, sorted(kinds))
                looks.append(Look.now(account, clock.clock))
                for schema, line in lines.items():
                    line.interval = timedelta(hours=40)
                    outcome = line.run(**selections[schema])
                    messages[schema].append(outcome.messages)
        living = looks[-1].rows["candidates"]
        gone = {one: texts for one, texts in personal.items() if one not in living}
        return cls(Looks(looks), messages, gone)


def _sign(account: Account, candidate_id: str) -> set[str]:
    """Give a candidate values that are the candidate's alone, and tell them."""
    texts = {name: f"{name} of {candidate_id}" for name in ("name", "email", "phone")}
    account.set_field(candidate_id, "name", texts["name"])
    account.set_field(candidate_id, "email", texts["email"])
    account.set_contact_info(candidate_id, phone=texts["phone"])
    answers = account.detail(candidate_id)["answers"]
    for answer in answers:
        if answer["text_answer"]:
            answer["text_answer"] = texts["answer"] = f"written by {candidate_id}"
    account.set_field(candidate_id, "answers", answers)
    return set(texts.values())


@pytest.fixture(
    params=["postgres", pytest.param("duckdb", marks=pytest.mark.slow)],
)
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    """A warehouse that nothing was loaded into."""
    if request.param == "duckdb":
        yield InDuckDB(tmp_path)
        return
    with Postgres() as server:
        yield InPostgres(tmp_path, server)
