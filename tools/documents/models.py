"""Descriptions of the streams for the dbt project, from their schemas."""

from __future__ import annotations

import json
import typing as t

import yaml  # type: ignore[import-untyped]

from tools.documents.tables import ROOT

if t.TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = ROOT / "analytics/dbt/models/staging/toggl_hire"
DESCRIPTIONS = FOLDER / "streams.md"
SOURCES = FOLDER / "_sources.yml"

Schema = dict[str, t.Any]


def schemas() -> dict[str, Schema]:
    """Return the schemas by stream."""
    paths = sorted((ROOT / "schemas").glob("*.json"))
    return {path.stem: json.loads(path.read_text("utf-8")) for path in paths}


def descriptions() -> str:
    """Return a block of documentation per field, named `stream__field`."""
    blocks = [
        f"{{% docs {stream}__{path} %}}\n{text}\n{{% enddocs %}}\n"
        for stream, schema in schemas().items()
        for path, text in fields(schema)
    ]
    return "\n".join(["<!-- From schemas/, by `make documents`. -->\n", *blocks])


def sources() -> str:
    """Return the streams as sources of dbt."""
    tables = [
        {
            "name": stream,
            "description": schema["description"],
            "columns": [
                {"name": name, "description": f"{{{{ doc('{stream}__{name}') }}}}"}
                for name in schema["properties"]
            ],
        }
        for stream, schema in schemas().items()
    ]
    source = {
        "name": "toggl_hire",
        "description": "What tap-toggl-hire loads.",
        "database": "{{ var('toggl_hire_database') or target.database }}",
        "schema": "{{ var('toggl_hire_schemas')[0] }}",
        # All streams are as fresh as the last complete run.
        "config": {
            "loaded_at_query": "{{ toggl_hire.oldest_complete_run() }}",
            "freshness": {
                "warn_after": {"count": 1, "period": "day"},
                "error_after": {"count": 3, "period": "day"},
            },
        },
        "tables": tables,
    }
    content: str = yaml.safe_dump(
        {"sources": [source]}, allow_unicode=True, sort_keys=False, width=88
    )
    return f"# From schemas/, by `make documents`.\n{content}"


def fields(schema: Schema) -> Iterator[tuple[str, str]]:
    """Yield each field, at every depth, with its description."""
    for name, field in schema.get("properties", {}).items():
        yield name, field["description"]
        nested = field.get("items", field)
        yield from ((f"{name}__{path}", text) for path, text in fields(nested))


FILES = {DESCRIPTIONS: descriptions, SOURCES: sources}
