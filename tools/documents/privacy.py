"""The tables of docs/privacy.md that come from the schemas, the code and the models."""

from __future__ import annotations

import copy
import re
import typing as t

import yaml  # type: ignore[import-untyped]

from tap_toggl_hire.answers import answer_rows
from tap_toggl_hire.privacy import scrubber
from tools.documents.models import schemas
from tools.documents.tables import ROOT, catalog, replace, table

PAGE = ROOT / "docs" / "privacy.md"
QUERY = ROOT / "examples" / "queries" / "forget_history.sql"
PERSONAL_MODELS = ROOT / "analytics" / "dbt" / "models" / "personal"
CATEGORIES = {  # by the words at the end of a description in schemas/
    "Pseudonymous personal data": "pseudonymous",
    "Possibly personal data": "possibly personal",
    "Personal data": "personal",
}
ABOUT = "about the candidate"
DELETED_AT = "_sdc_deleted_at"

Json = dict[str, t.Any]


def page() -> str:
    """Return the page with its generated tables."""
    text = replace(PAGE.read_text("utf-8"), "columns", columns_table())
    text = replace(text, "others", others_table())
    return replace(text, "models", models_table())


def category(description: str) -> str:
    """Return the category that a description names, or an empty string."""
    named = (name for words, name in CATEGORIES.items() if words in description)
    return next(named, "")


def of_candidates() -> dict[str, Json]:
    """Return the schemas of streams whose rows belong to a candidate."""
    return {
        stream: entry["schema"]
        for stream, entry in catalog().items()
        if any(
            category(field["description"]) == "pseudonymous"
            for field in entry["schema"]["properties"].values()
        )
    }


def columns_table() -> str:
    """Return the columns of candidates, and what `pii` and a deletion do to them."""
    kept, hashed, dropped = (_redacted(mode) for mode in ("keep", "hash", "drop"))
    untagged = _redacted("drop", drops_tags=True)

    def effect(value: t.Any, column: tuple[str, str]) -> str:
        if value is None:
            return "null"
        if value != kept[column]:
            return "hashed"
        return "kept; null with `pii_tags`" if untagged[column] is None else "kept"

    rows = []
    for stream, schema in of_candidates().items():
        groups: dict[tuple[str, ...], list[str]] = {}
        for path, field in leaves(schema):
            column = (stream, path)
            group = (
                category(field["description"]) or ABOUT,
                effect(hashed[column], column),
                effect(dropped[column], column),
                _after_deletion(stream, path),
            )
            groups.setdefault(group, []).append(f"`{path}`")
        names = [f"`{stream}`"] + [""] * len(groups)
        rows += [
            (name, ", ".join(paths), *group)
            for name, (group, paths) in zip(names, groups.items(), strict=False)
        ]
    head = ("stream", "columns", "category", "`pii: hash`", "`pii: drop`", "deleted")
    return table(head, rows)


def others_table() -> str:
    """Return the streams whose rows belong to no candidate."""
    return table(
        ("stream", "columns", "possibly personal"),
        [
            (
                f"`{stream}`",
                ", ".join(f"`{name}`" for name in schema["properties"]),
                ", ".join(
                    f"`{name}`"
                    for name, field in schema["properties"].items()
                    if category(field["description"])
                ),
            )
            for stream, schema in schemas().items()
            if stream not in of_candidates()
        ],
    )


def models_table() -> str:
    """Return the personal dbt models, with their columns that hold personal data."""
    fields = {
        f"{stream}__{path.replace('[]', '').replace('.', '__')}": field["description"]
        for stream, schema in schemas().items()
        for path, field in leaves(schema)
    }

    def described(column: Json) -> str:
        return re.sub(
            r"\{\{ doc\('(\w+)'\) \}\}",
            lambda match: fields.get(match[1], ""),
            column["description"],
        )

    rows = []
    for path in sorted(PERSONAL_MODELS.glob("*.yml")):
        for model in yaml.safe_load(path.read_text("utf-8"))["models"]:
            held: dict[str, list[str]] = {name: [] for name in CATEGORIES.values()}
            for column in model["columns"]:
                if name := category(described(column)):
                    held[name].append(f"`{column['name']}`")
            rows.append(
                (
                    f"`{model['name']}`",
                    ", ".join(held["personal"]),
                    ", ".join(held["possibly personal"]),
                )
            )
    return table(("model", "personal", "possibly personal"), rows)


def leaves(schema: Json, path: str = "") -> t.Iterator[tuple[str, Json]]:
    """Yield the columns of a schema, and the fields of those that are nested."""
    for name, field in schema["properties"].items():
        nested = field.get("items", field)
        if "properties" in nested:
            mark = "[]" if "items" in field else ""
            yield from leaves(nested, f"{path}{name}{mark}.")
        else:
            yield f"{path}{name}", field


def _redacted(mode: str, *, drops_tags: bool = False) -> dict[tuple[str, str], t.Any]:
    """Return every column's value in a redacted sample."""
    scrub = scrubber(mode, "the key of the sample", drops_tags=drops_tags)
    samples = {stream: _sample(schema) for stream, schema in of_candidates().items()}
    samples["candidate_details"]["extra"] = '{"questions": [1], "answers": [1]}'
    for stream in ("candidates", "candidate_details"):
        scrub(samples[stream])
    details = samples["candidate_details"]
    (answers,) = answer_rows("1", details)
    samples["candidate_answers"] |= answers
    samples["candidate_history"] |= {
        name: copy.deepcopy(value)
        for name, value in details.items()
        if name in samples["candidate_history"]
    }
    return {
        (stream, path): _value(samples[stream], path)
        for stream, schema in of_candidates().items()
        for path, _ in leaves(schema)
    }


def _sample(schema: Json) -> t.Any:
    if "properties" in schema:
        return {name: _sample(one) for name, one in schema["properties"].items()}
    if "items" in schema:
        return [_sample(schema["items"])]
    return 1 if "number" in schema["type"] or "integer" in schema["type"] else "1"


def _value(record: Json, path: str) -> t.Any:
    value: t.Any = record
    for name in path.replace("[]", ".0").split("."):
        value = value[0] if name == "0" else value.get(name)
    return value


def _after_deletion(stream: str, path: str) -> str:
    if stream == "candidate_history":
        query = QUERY.read_text("utf-8")
        forgotten = re.findall(r"^    (\w+) = NULL", query, re.MULTILINE)
        return "null once the history is forgotten" if path in forgotten else "stays"
    if path == DELETED_AT:
        return "the time"
    return "stays" if path in catalog()[stream]["key_properties"] else "null"
