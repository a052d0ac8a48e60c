"""The dbt project says of everything what it is, and what the schemas say."""

from __future__ import annotations

import re

import pytest

from analytics.tests.dbt.properties import PROJECT, described
from tools.documents import models
from tools.documents.tables import ROOT

MODELS = described("models")
PUBLIC = sorted(path.stem for path in PROJECT.glob("models/[mp]*/*.sql"))
FIELDS = {
    f"{stream}__{name}"
    for stream, schema in models.schemas().items()
    for name, _ in models.fields(schema)
}


def test_every_model_is_described() -> None:
    assert MODELS.keys() == {path.stem for path in PROJECT.glob("models/**/*.sql")}


def test_every_macro_is_described() -> None:
    """Implementations for one engine, such as `postgres__utc`, are left out."""
    found = {
        name
        for path in PROJECT.glob("macros/*.sql")
        for name in re.findall(r"{% macro (\w+)\(", path.read_text("utf-8"))
        if "__" not in name
    }
    macros = described("macros")
    assert macros.keys() == found
    assert all(macro["description"] for macro in macros.values())


@pytest.mark.parametrize("name", MODELS)
def test_every_column_has_a_description(name: str) -> None:
    assert MODELS[name]["description"]
    for column in MODELS[name]["columns"]:
        assert column["description"], column["name"]
        for field in re.findall(r"doc\('(\w+__\w+)'\)", column["description"]):
            assert field in FIELDS


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_column_has_a_type(name: str) -> None:
    assert MODELS[name]["columns"][0]["name"] == "workspace"
    for column in MODELS[name]["columns"]:
        assert column["data_type"], column["name"]


@pytest.mark.parametrize("name", PUBLIC)
def test_column_of_the_api_is_described_as_in_its_schema(name: str) -> None:
    # Calculated, or summed up.
    own = {"answered", "answers", "candidates_held", "correct", "hire_state"}
    own |= {"position", "questions", "score", "details_held", "answers_held"}
    for column in MODELS[name]["columns"]:
        same = {field for field in FIELDS if field.endswith(f"__{column['name']}")}
        if same and column["name"] not in own:
            assert "doc('" in column["description"], column["name"]


def test_exposure_names_every_model_that_the_report_reads() -> None:
    report = described("exposures")["toggl_hire_report"]
    named = re.findall(r"ref\('(\w+)'\)", " ".join(report["depends_on"]))
    queries = " ".join(
        path.read_text("utf-8") for path in ROOT.glob("analytics/report/**/*.py")
    )
    read = set(re.findall(r"(?:from|join) (toggl_hire__\w+)", queries.replace('"', "")))
    assert set(named) == read


def test_data_flows_from_staging_to_intermediate_to_public_models() -> None:
    allowed = {"staging": (), "intermediate": ("stg_", "int_")}
    paths = [*PROJECT.glob("models/**/*.sql")]
    assert len(paths) > 20
    for path in paths:
        sql, layer = path.read_text("utf-8"), path.relative_to(PROJECT).parts[1]
        for read in re.findall(r"ref\('(\w+)'\)", sql):
            assert read.startswith(allowed.get(layer, "")), path.stem
        if layer != "staging":
            assert not re.search(r"source\(|stream\(|rows_of\(", sql), path.stem
