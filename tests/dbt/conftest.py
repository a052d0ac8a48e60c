"""Two warehouses, loaded by the same runs of the tap, with models built in both."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from local.postgres import Postgres
from sandbox import Account, Sandbox
from tests.dbt.expected import Look, Looks
from tests.dbt.warehouses import InDuckDB, InPostgres
from tests.runs.pipelines import FAMILY, Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.dbt.warehouses import Row, Warehouse

STREAMS = (*FAMILY, "job_openings", "categories", "tags", "sync_runs")
SELECTIONS: dict[str, Row] = {
    "toggl_hire": {"select": STREAMS},
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
SCHEMAS = (*SELECTIONS, "never_loaded")


@dataclass
class Story:
    """What happened: the looks at an account, and what each run of the tap wrote."""

    looks: Looks
    messages: dict[str, list[list[Row]]]
    """Of each run, by schema."""
    personal: dict[str, set[str]]
    """What is personal of each candidate who is deleted in the end."""


@pytest.fixture(scope="session")
def story() -> Story:
    """Seven runs, days apart, with random changes in between."""
    rng = random.Random(13)
    account = Account.example(candidates=70, in_progress=6, seed=13)
    looks: list[Look] = []
    messages: dict[str, list[list[Row]]] = {schema: [] for schema in SELECTIONS}
    with Sandbox(account) as sandbox:
        lines = {schema: Pipeline(sandbox) for schema in SELECTIONS}
        personal = {one: _sign(account, one) for one in account.listed_ids()}
        for number in range(7):
            if number:
                lines["toggl_hire"].happen(rng, 12)
            looks.append(Look.now(account, lines["toggl_hire"].clock))
            for schema, line in lines.items():
                line.interval = timedelta(hours=40)
                outcome = line.run(**SELECTIONS[schema])
                messages[schema].append(outcome.messages)
    living = looks[-1].rows["candidates"]
    gone = {one: texts for one, texts in personal.items() if one not in living}
    return Story(Looks(looks), messages, gone)


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


@pytest.fixture(scope="session", params=["postgres", "duckdb"])
def empty(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    """A warehouse that nothing was loaded into."""
    folder = tmp_path_factory.mktemp("warehouse")
    if request.param == "duckdb":
        yield InDuckDB(folder)
        return
    with Postgres() as server:
        yield InPostgres(folder, server)


@pytest.fixture(scope="session")
def young(empty: Warehouse, story: Story) -> Warehouse:
    """The warehouse after the first run, with its models."""
    empty.load("toggl_hire", story.messages["toggl_hire"][0])
    empty.build(schemas=SCHEMAS)
    return empty
