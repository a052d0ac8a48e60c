"""The models equal the truth of generated worlds, on every engine."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from analytics.tests.dbt import edges
from analytics.tests.dbt.properties import described
from analytics.tests.dbt.truth import KEYS, Truth, is_same, is_world, keyed
from analytics.tests.dbt.warehouses import MARTS, PERSONAL, PROJECT
from analytics.tests.dbt.world import World, at
from analytics.tests.marks import needs_dbt

if TYPE_CHECKING:
    from analytics.tests.dbt.warehouses import Warehouse

pytestmark = [pytest.mark.pipeline, pytest.mark.postgres, needs_dbt]
WORLD = World(13)
del WORLD.looks[120:127]  # an outage of a week
EARLIER = WORLD.until(150)
MODELS = {
    path.stem: schema
    for folder, schema in (("marts", MARTS), ("personal", PERSONAL))
    for path in (PROJECT / "models" / folder).glob("*.sql")
}
PARTS = {
    "details_alone": ("candidate_details",),
    "answers_alone": ("candidate_answers",),
    "history_alone": ("candidate_history",),
}
SCHEMAS = ("toggl_hire", "edges", "narrow", "dropped", *PARTS)
RELATIONS: dict[str, Any] = {"toggl_hire_exclude": "people.colleagues"}
PERSONAL_FIELDS = ("name", "email", "profile_url", "contact_info", "text_answer")


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    """The models of a world, after a build from empty tables and one in its midst."""
    tables = WORLD.tables()
    warehouse.fill("toggl_hire", {table: [] for table in tables})
    warehouse.build(["toggl_hire"])
    assert warehouse.models().keys() >= MODELS.keys()
    assert not any(warehouse.rows(model) for model in MODELS)

    warehouse.fill("toggl_hire", EARLIER.tables())
    warehouse.build(["toggl_hire"])
    assert leaks(warehouse), "nothing to erase would prove nothing"

    warehouse.fill("toggl_hire", tables)
    warehouse.fill("edges", edges.tables())
    for schema, chosen in PARTS.items():
        warehouse.fill(schema, {table: tables[table] for table in chosen})
    warehouse.fill("narrow", tables, leave_out=("candidates_held", "hire_state"))
    dropped = {
        table: [row | dict.fromkeys(PERSONAL_FIELDS) for row in rows]
        for table, rows in tables.items()
        if table.startswith("candidate")
    }
    warehouse.fill("dropped", dropped)
    warehouse.fill("people", {"colleagues": []})
    warehouse.build(SCHEMAS, **RELATIONS)
    return warehouse


def test_each_model_is_in_its_schema(built: Warehouse) -> None:
    found = built.models()
    assert {model: found[model] for model in MODELS} == MODELS


def test_every_column_of_every_model_is_described(built: Warehouse) -> None:
    compiled = built.compile(SCHEMAS, **RELATIONS)
    models = described("models")
    assert compiled.keys() == models.keys()
    for model, sql in compiled.items():
        (row,) = built.fetch(
            f"select model.* from (select 1) as one left join ({sql}) as model on false"
        )
        columns = [column["name"] for column in models[model]["columns"]]
        assert sorted(row) == sorted(columns), model


@pytest.mark.parametrize("name", KEYS)
def test_model_equals_the_truth(built: Warehouse, name: str) -> None:
    wanted = getattr(Truth(WORLD), name)()
    rows = keyed(built, name, KEYS[name])
    assert rows.keys() == wanted.keys()
    for key, row in wanted.items():
        for column, value in row.items():
            assert is_same(rows[key][column], value), (key, column, rows[key], row)


def test_every_candidate_who_waits_is_there(built: Warehouse) -> None:
    """They wait in each step, after an undone decision, and in closed openings, too."""
    undecided = {one.id for one in WORLD.living if not one.state(WORLD.last_look)[1]}
    rows = [row for row in built.rows("toggl_hire__candidates") if is_world(row)]
    waiting = [row for row in rows if row["is_waiting"]]
    assert {row["candidate_id"] for row in waiting} == undecided
    assert {row["decision"] for row in waiting} >= {"waiting", "decided"}


def test_funnel_adds_up(built: Warehouse) -> None:
    rows = built.rows("toggl_hire__funnel")
    assert rows
    for row in rows:
        parts = ("advanced", "rejected", "waiting", "erased")
        assert row["reached"] == sum(row[part] for part in parts)


def test_wrong_key_is_bad(built: Warehouse) -> None:
    rows = keyed(built, "questions", ("question_id",))
    assert rows[WORLD.wrong_key.id]["verdict"] == "bad"


def test_question_that_was_put_right_leaves_the_list(built: Warehouse) -> None:
    """Its old answers are forgotten, and no two options are marked as right."""
    rows = keyed(built, "questions", ("question_id",))
    fixed = WORLD.fixed
    assert fixed.fixed_on_day is not None
    old = Truth(WORLD.until(fixed.fixed_on_day)).questions()[fixed.id]
    assert old["discrimination"] < 0
    assert rows[fixed.id]["verdict"] != "bad"
    changed = {key for key, row in rows.items() if row["changed_at"]}
    assert changed == {fixed.id}
    marked = [
        row["question_id"]
        for row in built.rows("toggl_hire__options")
        if is_world(row) and row["is_correct"]
    ]
    assert len(set(marked)) == len(marked) > 20


def test_tags_are_named_in_their_order(built: Warehouse) -> None:
    rows = keyed(built, "candidates", ("candidate_id",))
    assert {key: row["tags"] for key, row in rows.items()} == {
        one.id: None if int(one.id) % 5 else "Berlin, remote, x" for one in WORLD.living
    }


def test_workspace_counts_what_is_held_and_missing(built: Warehouse) -> None:
    rows = {row["workspace"]: row for row in built.rows("toggl_hire__workspaces")}
    world, narrow = rows["toggl_hire"], rows["narrow"]
    answers = sum(len(one.answers) for one in WORLD.living)
    living = len(WORLD.living)
    wanted = {"candidates": living, "details": living, "answers": answers}
    for stream, count in wanted.items():
        assert world[f"{stream}_held"] == world[f"{stream}_rows"] == count
        assert world[f"{stream}_missing"] == 0
    assert narrow["candidates_held"] is narrow["candidates_missing"] is None
    assert rows["edges"]["failed_runs"] == 1
    assert rows["edges"]["complete_runs"] == 3
    assert rows["edges"]["last_looked_at"] == edges.march(10, hour=7)
    assert float(rows["edges"]["longest_gap_days"]) == 2.0
    assert rows["history_alone"]["candidates_rows"] == 0


def test_erasure_is_evidence(built: Warehouse) -> None:
    rows = keyed(built, "erasures", ("candidate_id",))
    assert rows.keys() == {one.id for one in WORLD.erased}
    known = {one.id for one in EARLIER.living}
    assert known & rows.keys()
    for one in WORLD.erased:
        row = rows[one.id]
        seen = at(WORLD.seen(one)[0]) + timedelta(minutes=2)
        began = at(one.finished_day) if one.id in known else seen
        assert row["is_due_at_estimated"] == (one.id not in known)
        assert is_same(row["due_at"], began + timedelta(days=180))
        assert row["rows_erased"] == 2 + len(one.answers)
        assert row["rows_remaining"] == 0


def test_nothing_of_the_erased_is_left(built: Warehouse) -> None:
    assert leaks(built) == []


def test_stages_and_decisions_at_the_edges_of_a_history(built: Warehouse) -> None:
    stages = {
        (row["candidate_id"], row["stage_number"]): (
            row["category_id"],
            row["valid_from"].day,
            row["valid_to"] and row["valid_to"].day,
            row["ended_by"],
        )
        for row in built.rows("toggl_hire__candidate_stages")
        if row["workspace"] == "edges"
    }
    assert stages == edges.STAGES
    decisions = {
        row["candidate_id"]: (
            row["decision"],
            row["decided_at"] and row["decided_at"].day,
        )
        for row in built.rows("toggl_hire__candidates")
        if row["workspace"] == "edges"
    }
    assert decisions == edges.DECISIONS
    waiting_since = {
        row["candidate_id"]: row["waiting_since"].day
        for row in built.rows("toggl_hire__candidates")
        if row["workspace"] == "edges" and row["is_waiting"]
    }
    assert waiting_since == edges.WAITING_SINCE
    order = {
        row["category_id"]: row["position"]
        for row in built.rows("toggl_hire__stage_order")
        if row["workspace"] == "edges"
    }
    assert order == {"a": 1, "b": 2}


def test_streams_that_were_not_loaded_are_not_missed(built: Warehouse) -> None:
    living = {one.id for one in WORLD.living}
    for schema in ("details_alone", "history_alone", "narrow", "dropped"):
        assert {
            row["candidate_id"]
            for row in built.rows("toggl_hire__candidates")
            if row["workspace"] == schema
        } == living
    counts = {
        schema: len(
            [r for r in built.rows("toggl_hire__questions") if r["workspace"] == schema]
        )
        for schema in ("toggl_hire", "answers_alone")
    }
    assert counts["toggl_hire"] == counts["answers_alone"] > 0


def leaks(warehouse: Warehouse) -> list[str]:
    """What any relation of the models holds of the candidates erased in the end."""
    texts = {
        value
        for model in warehouse.models()
        for row in warehouse.rows(model)
        for value in row.values()
        if isinstance(value, str)
    }
    return sorted(
        secret
        for one in WORLD.erased
        for secret in (
            f"Name {one.id}",
            f"{one.id}@example.com",
            f"+00 {one.id}",
            f"Words of {one.id}",
        )
        if any(secret in text for text in texts)
    )
