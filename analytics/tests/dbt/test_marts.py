"""The models hold what a calculation from the truth says, on both engines."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
import yaml  # type: ignore[import-untyped]

from analytics.tests.dbt import expected
from analytics.tests.dbt.conftest import SELECTIONS, WHOLE, Story
from analytics.tests.dbt.warehouses import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from analytics.tests.dbt.expected import Looks
    from analytics.tests.dbt.warehouses import Row, Warehouse

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.postgres,
    pytest.mark.skipif(
        sys.version_info >= (3, 14), reason="dbt-core 1.11 does not know this Python"
    ),
]
MODELS = "--exclude-resource-type", "unit_test"
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


def test_the_models_equal_the_truth(warehouse: Warehouse) -> None:
    """One story, told by workspaces of which the models are built together."""
    schemas = *SELECTIONS, "never_loaded"
    warehouse.build(schemas=schemas)
    assert warehouse.relations() == dict.fromkeys(KEYS, "BASE TABLE")
    assert not any(warehouse.rows(model) for model in KEYS)

    story = Story.random(13, SELECTIONS)
    first, *later = story.messages[WHOLE]
    warehouse.load(WHOLE, first)
    warehouse.build(*MODELS, schemas=schemas)
    assert leaks(warehouse, story), "nothing to erase would prove nothing"

    for schema, runs in (story.messages | {WHOLE: later}).items():
        warehouse.load(schema, chain.from_iterable(runs))
    warehouse.build(*MODELS, schemas=schemas)
    compare(warehouse, WHOLE, story.looks)
    check_other_workspaces(warehouse, story.looks.last.rows["candidates"].keys())
    assert warehouse.relations() == dict.fromkeys(KEYS, "BASE TABLE")
    assert leaks(warehouse, story) == []


@pytest.mark.slow
def test_random_stories(warehouse: Warehouse) -> None:
    stories = {
        f"story_{seed}": Story.random(seed, {f"story_{seed}": SELECTIONS[WHOLE]}, runs)
        for seed, runs in zip(range(100, 108), (1, 2, 3, 4, 5, 6, 8, 10), strict=True)
    }
    for schema, story in stories.items():
        warehouse.load(schema, chain.from_iterable(story.messages[schema]))
    warehouse.build(*MODELS, schemas=list(stories))
    for schema, story in stories.items():
        compare(warehouse, schema, story.looks)
        assert leaks(warehouse, story) == []


def check_other_workspaces(warehouse: Warehouse, living: Iterable[str]) -> None:
    held = {
        (model, schema): [r for r in rows if r["workspace"] == schema]
        for model in KEYS
        for rows in [warehouse.rows(model)]
        for schema in SELECTIONS
    }
    for schema in SELECTIONS.keys() - {"answers_alone"}:
        candidates = held["candidates_enhanced", schema]
        assert {row["candidate_id"] for row in candidates} == set(living)
        if schema != WHOLE:
            assert not any(row["city"] or row["phone"] for row in candidates)
    assert held["candidate_stages", "history_alone"]
    counts = {
        len(held["skill_scores", schema])
        for schema in ("answers_alone", "dropped", WHOLE)
    }
    assert len(counts) == 1
    assert counts != {0}


def compare(warehouse: Warehouse, schema: str, looks: Looks) -> None:
    """The rows of a workspace are those that are calculated from the looks."""
    for model, columns in KEYS.items():
        key = [column for column in columns if column != "workspace"]
        rows = [r for r in warehouse.rows(model) if r["workspace"] == schema]
        held = by_key((simplified(row, looks) for row in rows), key)
        wanted = by_key(expected.model(model, looks), key)
        assert len(held) == len(rows), model
        assert held.keys() == wanted.keys(), model
        for one, row in wanted.items():
            left_out = held[one].keys() - row.keys()
            assert left_out <= {"workspace", "deleted_at"}, model
            for name, value in row.items():
                assert is_same(held[one][name], value), (model, name, held[one], row)


def by_key(rows: Iterable[Row], key: list[str]) -> dict[tuple[Any, ...], Row]:
    return {tuple(row[column] for column in key): row for row in rows}


def simplified(row: Row, looks: Looks) -> Row:
    """A row whose times are those of the runs that observed something."""
    return {
        name: look_of(value, looks) if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def look_of(moment: datetime, looks: Looks) -> datetime:
    """When the run began that observed something; any other time as it is."""
    hour = timedelta(hours=1)
    begun = [one.at for one in looks.all if timedelta(0) <= moment - one.at < hour]
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
