"""What a pull request to the Meltano Hub needs.

CI's workflow runs the Hub's own checks; these are what they ask for.
"""

from __future__ import annotations

import json
import runpy
import typing as t
from pathlib import Path
from xml.etree import ElementTree as ET

import yaml  # type: ignore[import-untyped]
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from tools.documents import definitions
from tools.documents.tables import ROOT

HUB = ROOT / "tools" / "hub"
DEFINITION: dict[str, t.Any] = yaml.safe_load(definitions.HUB_FILE.read_text("utf-8"))
SCHEMAS = [
    json.loads(path.read_text("utf-8"))
    for path in sorted(Path(__file__).with_name("hub_schemas").glob("*.json"))
]


def keys_in_order(node: object) -> t.Iterator[list[str]]:
    """The keys of every object in a document."""
    if isinstance(node, dict):
        yield list(node)
    for child in node.values() if isinstance(node, dict) else node:  # type: ignore[attr-defined]
        if isinstance(child, dict | list):
            yield from keys_in_order(child)


def problems(definition: dict[str, t.Any]) -> list[str]:
    """What the Hub's schemas say against a definition."""
    resources = [(schema["$id"], DRAFT7.create_resource(schema)) for schema in SCHEMAS]
    (schema,) = (
        schema for schema in SCHEMAS if schema["$id"] == "extractors.schema.json"
    )
    registry = Registry().with_resources(resources)
    errors = Draft7Validator(schema, registry=registry).iter_errors(definition)
    return [error.message for error in errors]


def test_definition_fits_the_schemas_of_the_hub() -> None:
    assert problems(DEFINITION) == [], "edit tools/documents/definitions.py"
    assert DEFINITION["log_parser"] == "singer-sdk"


def test_keys_and_lists_are_sorted_as_the_hub_sorts() -> None:
    unsorted = [keys for keys in keys_in_order(DEFINITION) if keys != sorted(keys)]
    assert not unsorted, "edit tools/documents/definitions.py: sort these keys"
    assert DEFINITION["capabilities"] == sorted(DEFINITION["capabilities"])
    names = [setting["name"] for setting in DEFINITION["settings"]]
    assert names == sorted(names)


def test_logo_is_a_picture_at_its_place() -> None:
    logo = HUB / f"static{DEFINITION['logo_url']}"
    assert ET.parse(logo).getroot().tag.endswith("svg")  # noqa: S314 - our own file


def test_definition_goes_to_its_place_in_a_checkout(tmp_path: Path) -> None:
    (tmp_path / "_data").mkdir()
    variants = tmp_path / "_data" / "default_variants.yml"
    variants.write_text(
        "extractors:\n  tap-a: x\n  tap-z: x\nloaders:\n  target-a: x\n"
    )
    maintainers = tmp_path / "_data" / "maintainers.yml"
    maintainers.write_text("a:\n  label: A\n  name: a\nz:\n  label: Z\n  name: z\n")
    put_into = runpy.run_path(str(HUB / "into.py"))["main"]
    for _ in range(2):  # once is enough, twice does no harm
        put_into(tmp_path)

    name = definitions.NAME
    assert yaml.safe_load(variants.read_text()) == {
        "extractors": {"tap-a": "x", name: name, "tap-z": "x"},
        "loaders": {"target-a": "x"},
    }
    names = yaml.safe_load(maintainers.read_text())
    assert list(names) == ["a", DEFINITION["variant"], "z"]
    copy = tmp_path / definitions.HUB_FILE.relative_to(HUB)
    assert copy.read_text() == definitions.entry()
    assert (tmp_path / f"static{DEFINITION['logo_url']}").exists()
