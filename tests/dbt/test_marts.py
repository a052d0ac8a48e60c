"""The models hold what a calculation from the truth says, on both engines."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.dbt import expected
from tests.dbt.conftest import SCHEMAS, SELECTIONS
from tests.dbt.warehouses import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.dbt.conftest import Story
    from tests.dbt.warehouses import Row, Warehouse

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.postgres,
    pytest.mark.skipif(
        sys.version_info >= (3, 14), reason="dbt-core 1.11 does not know this Python"
    ),
]
KEYS = {
    model["name"]: tuple(
        column
        for test in model["data_tests"]
        for column in test.get("unique_together", {"arguments": {"columns": ()}})[
            "arguments"
        ]["columns"]
    )
    for path in sorted((PROJECT / "models/marts").glob("*.yml"))
    for model in yaml.safe_load(path.read_text("utf-8")).get("models", ())
}


def test_the_models_equal_the_truth(young: Warehouse, story: Story) -> None:
    """One story, told by workspaces of which the models are built together."""
    assert leaks(young, story), "nothing to erase would prove nothing"

    for schema, runs in story.messages.items():
        done = 1 if schema == "toggl_hire" else 0
        young.load(schema, [message for run in runs[done:] for message in run])
    young.build("--exclude-resource-type", "unit_test", schemas=SCHEMAS)

    for model in KEYS:
        rows = [r for r in young.rows(model) if r["workspace"] == "toggl_hire"]
        compare(model, rows, expected.model(model, story.looks), story)
    check_other_workspaces(young, story)
    assert young.relations() == dict.fromkeys(KEYS, "BASE TABLE")
    assert leaks(young, story) == []


def test_nothing_loaded_is_nothing_told(empty: Warehouse) -> None:
    options = "--exclude-resource-type", "unit_test"
    empty.build(*options, schemas=["never_loaded"], marts="empty_marts")
    for model in KEYS:
        assert empty.rows(model, "empty_marts") == []


def check_other_workspaces(warehouse: Warehouse, story: Story) -> None:
    living = story.looks.last.rows["candidates"]
    held = {
        model: {
            schema: [r for r in rows if r["workspace"] == schema]
            for schema in SELECTIONS
        }
        for model in KEYS
        for rows in [warehouse.rows(model)]
    }
    candidates = held["candidates_enhanced"]
    for schema in SELECTIONS.keys() - {"answers_alone"}:
        assert {row["candidate_id"] for row in candidates[schema]} == set(living)
    for schema in SELECTIONS.keys() - {"answers_alone", "toggl_hire"}:
        personal = {
            row[name] for row in candidates[schema] for name in ("city", "phone")
        }
        assert personal == {None}
    assert held["candidate_stages"]["history_alone"]
    counts = {
        len(held["skill_scores"][schema])
        for schema in ("answers_alone", "dropped", "toggl_hire")
    }
    assert len(counts) == 1
    assert counts != {0}


def compare(model: str, rows: list[Row], truth: list[Row], story: Story) -> None:
    key = [column for column in KEYS[model] if column != "workspace"]
    held = by_key((simplified(row, story) for row in rows), key)
    wanted = by_key(truth, key)
    assert held.keys() == wanted.keys(), model
    for one, row in wanted.items():
        left_out = held[one].keys() - row.keys()
        assert left_out <= {"workspace", "deleted_at"}, model
        for name, value in row.items():
            assert is_same(held[one][name], value), (model, one, name, held[one], row)


def by_key(rows: Iterable[Row], key: list[str]) -> dict[tuple[Any, ...], Row]:
    return {tuple(row[column] for column in key): row for row in rows}


def simplified(row: Row, story: Story) -> Row:
    """A row whose times are those of the runs that observed something."""
    return {
        name: look_of(value, story) if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def look_of(moment: datetime, story: Story) -> datetime:
    """When the run began that observed something; any other time as it is."""
    starts = [look.at for look in story.looks.all]
    begun = [
        start for start in starts if timedelta(0) <= moment - start < timedelta(hours=1)
    ]
    return begun[0] if begun else moment


def is_same(held: Any, wanted: Any) -> bool:
    if isinstance(held, Decimal | float) and wanted is not None:
        # A run takes some seconds, and all numbers are rounded.
        return abs(float(held) - float(wanted)) < 1e-3
    return bool(
        (held or None) == (wanted or None) if held in {"", None} else held == wanted
    )


def leaks(warehouse: Warehouse, story: Story) -> list[str]:
    """What is held of those who are deleted in the end, anywhere in the schema."""
    texts = {
        value
        for relation in warehouse.relations()
        for row in warehouse.rows(relation)
        for value in row.values()
        if isinstance(value, str)
    }
    return sorted(
        secret
        for secrets in story.personal.values()
        for secret in secrets
        if any(secret in text for text in texts)
    )
