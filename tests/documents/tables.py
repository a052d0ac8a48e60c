"""The tables of README and ARCHITECTURE that come from the code.

`make documents` writes them; a test compares them.
"""

from __future__ import annotations

import enum
import json
import re
import typing as t
from pathlib import Path

from tap_toggl_hire.sync import plan
from tap_toggl_hire.tap import TapTogglHire

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
ARCHITECTURE = ROOT / "ARCHITECTURE.md"

Setting = dict[str, t.Any]


def settings() -> dict[str, Setting]:
    """All settings as `--about` tells them, the SDK's own among them."""
    schema = TapTogglHire.config_jsonschema
    TapTogglHire.append_builtin_config(schema)
    properties: dict[str, Setting] = schema["properties"]
    return properties


def catalog() -> dict[str, dict[str, t.Any]]:
    """The entries of the catalog, by stream, in the order of the code."""
    tap = TapTogglHire(config={"api_key": "none"}, parse_env_config=False)
    entries = {entry["tap_stream_id"]: entry for entry in tap.catalog_dict["streams"]}
    return {stream.name: entries[stream.name] for stream in tap.discover_streams()}


def kind(setting: Setting) -> str:
    """The kind of a setting, in Meltano's words."""
    if setting.get("format") == "date-time":
        return "date_iso8601"
    if "enum" in setting:
        return "options"
    name: str = next(name for name in setting["type"] if name != "null")
    return "decimal" if name == "number" else name


def settings_table() -> str:
    """One row a setting: name, kind, default, description."""
    rows = []
    for name, setting in settings().items():
        required = "null" not in setting["type"]
        default = json.dumps(setting.get("default", "")).strip('"')
        rows.append(
            (
                f"`{name}`",
                kind(setting) + (", secret" if setting.get("secret") else ""),
                "required" if required else default and f"`{default}`",
                _text(setting["description"]),
            )
        )
    return table(("setting", "kind", "default", "meaning"), rows)


def streams_table() -> str:
    """One row a stream: name, key, replication, description."""
    rows = [
        (
            f"`{name}`",
            ", ".join(f"`{key}`" for key in entry["key_properties"]),
            _replication(entry),
            _text(entry["schema"]["description"]),
        )
        for name, entry in catalog().items()
    ]
    return table(("stream", "key", "replication", "what it has"), rows)


def held_table() -> str:
    """One row for whatever the target may hold of a candidate in a stream."""
    head = ("held", "owed", "missed", "before", "buried")
    return _rules(head, plan.HELD)


def presence_table() -> str:
    """One row for wherever a candidate may have been seen last."""
    head = ("presence", "returns", "same", "wider", "other", "found", "unreadable")
    return _rules(head, plan.PRESENCE)


def replace(text: str, marker: str, content: str) -> str:
    """Put content between `<!-- marker -->` and `<!-- /marker -->`."""
    pattern = rf"(<!-- {marker} -->\n).*?(<!-- /{marker} -->)"
    replaced, count = re.subn(
        pattern, lambda match: match[1] + content + match[2], text, flags=re.DOTALL
    )
    if count != 1:
        message = f"{marker}: {count} places instead of one"
        raise ValueError(message)
    return replaced


def updated(text: str) -> str:
    """The README with its tables as the code has them."""
    text = replace(text, "settings", settings_table())
    return replace(text, "streams", streams_table())


def architecture(text: str) -> str:
    """The document with its tables as the code has them."""
    text = replace(text, "held", held_table())
    return replace(text, "presence", presence_table())


def _rules(head: tuple[str, ...], rules: Mapping[t.Any, t.Any]) -> str:
    def shown(value: object) -> str:
        if isinstance(value, bool):
            return "yes" if value else ""
        if isinstance(value, plan.Absence):
            return str(value.value)
        return f"`{value.name}`" if isinstance(value, enum.Enum) else str(value)

    rows = [(shown(member), *map(shown, rule)) for member, rule in rules.items()]
    return table(head, rows)


def _replication(entry: dict[str, t.Any]) -> str:
    method = entry["replication_method"].replace("_", " ").lower()
    key = entry.get("replication_key")
    return f"{method}, `{key}`" if key else method


def _text(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
