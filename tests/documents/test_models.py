"""The dbt project says of every column what it is, and what the schemas say."""

from __future__ import annotations

import re
import typing as t

import pytest
import yaml  # type: ignore[import-untyped]

from tests.documents import models
from tests.documents.tables import ROOT

PROPERTIES = sorted(ROOT.glob("analytics/dbt/models/[mp]*/*.yml"))
MARTS = {
    model["name"]: (model, path)
    for path in PROPERTIES
    for model in yaml.safe_load(path.read_text("utf-8")).get("models", ())
}
FIELDS = {
    f"{stream}__{name}"
    for stream, schema in models.schemas().items()
    for name, _ in models.fields(schema)
}


@pytest.mark.parametrize("path", models.FILES, ids=lambda path: path.name)
def test_the_streams_are_described_as_in_their_schemas(path: t.Any) -> None:
    assert path.read_text("utf-8") == models.FILES[path](), "run: make documents"


def test_every_model_is_described() -> None:
    assert set(MARTS) == {
        path.stem for path in ROOT.glob("analytics/dbt/models/[mp]*/*.sql")
    }


@pytest.mark.parametrize("name", MARTS)
def test_every_column_has_a_type_and_a_description(name: str) -> None:
    model, path = MARTS[name]
    assert path.stem == name
    assert model["description"]
    assert model["columns"][0]["name"] == "workspace"
    for column in model["columns"]:
        assert column["data_type"], column["name"]
        assert column["description"], column["name"]
        for field in re.findall(r"doc\('(\w+)'\)", column["description"]):
            assert field in FIELDS


@pytest.mark.parametrize("name", MARTS)
def test_a_column_of_the_api_is_described_as_in_its_schema(name: str) -> None:
    own = {  # calculated
        *("answered", "answers", "correct", "hire_state", "position"),
        *("questions", "score"),
    }
    for column in MARTS[name][0]["columns"]:
        same = {field for field in FIELDS if field.endswith(f"__{column['name']}")}
        if same and column["name"] not in own:
            assert "doc('" in column["description"], column["name"]
