"""Tables of README, docs/settings.md and ARCHITECTURE that come from the code."""

from __future__ import annotations

import enum
import json
import re
import tomllib
import typing as t
from pathlib import Path

from tap_toggl_hire.settings import SDK_SETTINGS
from tap_toggl_hire.sync import plan
from tap_toggl_hire.tap import TapTogglHire

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
SETTINGS = ROOT / "docs" / "settings.md"
ARCHITECTURE = ROOT / "ARCHITECTURE.md"

Setting = dict[str, t.Any]


def settings() -> dict[str, Setting]:
    """Return all settings as `--about` shows them, including those of the SDK."""
    schema = TapTogglHire.config_jsonschema
    TapTogglHire.append_builtin_config(schema)
    properties: dict[str, Setting] = schema["properties"]
    return properties


def catalog() -> dict[str, dict[str, t.Any]]:
    """Return the entries of the catalog by stream, in the order of the code."""
    tap = TapTogglHire(config={"api_key": "none"}, parse_env_config=False)
    entries = {entry["tap_stream_id"]: entry for entry in tap.catalog_dict["streams"]}
    return {stream.name: entries[stream.name] for stream in tap.discover_streams()}


def kind(setting: Setting) -> str:
    """Return the kind of a setting, as Meltano calls it."""
    if "enum" in setting:
        return "options"
    name = _json_type(setting)
    # A string: Meltano cannot pass a parsed decimal on to a tap.
    return {"date-time": "date_iso8601", "number": "string"}.get(name, name)


def _json_type(setting: Setting) -> str:
    """Return the type of a setting in `config.json`; times are strings there."""
    if setting.get("format") == "date-time":
        return "date-time"
    name: str = next(name for name in setting["type"] if name != "null")
    return name


def settings_table(*, of_sdk: bool) -> str:
    """Return one row per setting: name, type, default, description."""
    rows = []
    for name, setting in settings().items():
        if (name in SDK_SETTINGS) != of_sdk:
            continue
        required = "null" not in setting["type"]
        default = json.dumps(setting.get("default", "")).strip('"')
        rows.append(
            (
                f"`{name}`",
                _json_type(setting) + (", secret" if setting.get("secret") else ""),
                "required" if required else default and f"`{default}`",
                _text(setting["description"]),
            )
        )
    return table(("setting", "type", "default", "meaning"), rows)


def streams_table() -> str:
    """Return one row per stream: name, key, replication, description."""
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
    """Return one row per value of `Held`: its rule."""
    return _rules("held", plan.HELD)


def presence_table() -> str:
    """Return one row per value of `Presence`: its rule."""
    return _rules("presence", plan.PRESENCE)


def replace(text: str, marker: str, content: str) -> str:
    """Put lines between those with `<!-- marker -->` and `<!-- /marker -->`.

    In YAML, the lines begin with `# marker` and `# /marker`.
    """
    pattern = rf"(^ *(?:<!--|#) {marker}\b[^\n]*\n).*?(^ *(?:<!--|#) /{marker}\b)"
    replaced, count = re.subn(
        pattern,
        lambda match: match[1] + content + match[2],
        text,
        flags=re.DOTALL | re.MULTILINE,
    )
    if count != 1:
        message = f"{marker}: {count} places instead of one"
        raise ValueError(message)
    return replaced


def readme() -> str:
    """Return the README with its table as the code has it."""
    return replace(README.read_text("utf-8"), "streams", streams_table())


def settings_page() -> str:
    """Return docs/settings.md with its tables as the code has them."""
    text = replace(
        SETTINGS.read_text("utf-8"), "settings", settings_table(of_sdk=False)
    )
    return replace(text, "sdk-settings", settings_table(of_sdk=True))


def architecture() -> str:
    """Return ARCHITECTURE.md with its tables as the code has them."""
    text = replace(ARCHITECTURE.read_text("utf-8"), "held", held_table())
    text = replace(text, "presence", presence_table())
    return replace(text, "imports", "".join(f"- {rule}\n" for rule in import_rules()))


def import_rules() -> list[str]:
    """Return the names of the contracts that `lint-imports` checks."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    return [contract["name"] for contract in contracts]


def _rules(name: str, rules: Mapping[t.Any, t.Any]) -> str:
    def shown(value: object) -> str:
        if isinstance(value, bool):
            return "yes" if value else ""
        if isinstance(value, plan.Absence):
            return value.value
        return f"`{value.name}`" if isinstance(value, enum.Enum) else str(value)

    head = (name, *next(iter(rules.values()))._fields)
    rows = [(shown(member), *map(shown, rule)) for member, rule in rules.items()]
    return table(head, rows)


def _replication(entry: dict[str, t.Any]) -> str:
    method = entry["replication_method"].replace("_", " ").lower()
    key = entry.get("replication_key")
    return f"{method}, `{key}`" if key else method


def escaped(cells: Iterable[str]) -> tuple[str, ...]:
    """Escape the characters that have a meaning in a table."""
    return tuple(map(_text, cells))


def _text(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
