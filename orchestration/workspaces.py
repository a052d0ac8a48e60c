"""Read the list of workspaces, `workspaces.yml`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import yaml  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

AT_ONCE = 4
MOST_PARTS = 256
LISTS = ("job_openings", "categories", "tags")
"""Streams that the first part of a workspace reads for all parts."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_SECRETS = {"api_key", "pii_hash_key"}
_UNIQUE = {
    "name": "Each workspace has a state of its own, by its name.",
    "key_variable": "An API key opens one workspace.",
    "schema": (
        "A run marks rows that it does not see as deleted: two workspaces in one "
        "schema would mark each other's rows."
    ),
}


class WorkspacesError(Exception):
    """Raised if the file is missing or invalid; the message says what to change."""


@dataclass(frozen=True)
class Workspace:
    """One workspace of Toggl Hire.

    Attributes:
        name: Name of letters, digits and underscores.
        key_variable: Environment variable with its API key.
        schema: Schema of its tables, used by no other workspace.
        settings: Settings of the tap for this workspace.
        parts: Number of loads that share its candidates.
    """

    name: str
    key_variable: str
    schema: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    parts: int = 1

    @property
    def loads(self) -> list[Load]:
        """Return its loads: one, or one per part."""
        return [Load(self, number) for number in range(1, self.parts + 1)]


@dataclass(frozen=True)
class Load:
    """The extent of one run: a workspace, or one part of its candidates."""

    workspace: Workspace
    number: int = 1

    @property
    def part(self) -> str | None:
        """Return the part, such as `2-of-4`; None for a workspace without parts."""
        parts = self.workspace.parts
        return f"{self.number}-of-{parts}" if parts > 1 else None

    @property
    def name(self) -> str:
        """Return the name for messages and tasks."""
        return (
            f"{self.workspace.name}-{self.part}" if self.part else self.workspace.name
        )

    @property
    def state_id(self) -> str:
        """Return the ID of its state, which is also the name of its run folder.

        It contains the number of parts, since a state fits one part only.
        """
        return f"toggl-hire-{self.name}"

    @property
    def excluded(self) -> tuple[str, ...]:
        """Return the streams that are left to the first part.

        One run only may say which rows of a complete list are missing.
        """
        return LISTS if self.number > 1 else ()

    def variables(self) -> dict[str, str]:
        """Return the environment variables of its run, without the key."""
        settings = dict(self.workspace.settings)
        if self.part:
            settings["part"] = f"{self.number}/{self.workspace.parts}"
            pace = settings.get("requests_per_second")
            if pace is not None:  # the parts share the rate limit
                settings["requests_per_second"] = pace / self.workspace.parts
        return {
            f"TAP_TOGGL_HIRE_{name.upper()}": value
            if isinstance(value, str)
            else json.dumps(value)
            for name, value in settings.items()
        } | {"TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": self.workspace.schema}


@dataclass(frozen=True)
class Workspaces:
    """All workspaces.

    Attributes:
        at_once: Maximum number of concurrent loads, over all workspaces.
        by_name: The workspaces by name.
    """

    at_once: int
    by_name: Mapping[str, Workspace]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            WorkspacesError: If it is missing or invalid.
        """
        try:
            document = yaml.safe_load(path.read_text("utf-8"))
        except OSError as error:
            raise WorkspacesError(f"{path}: {error.strerror}.") from error
        except yaml.YAMLError as error:
            raise WorkspacesError(f"{path} is not valid YAML: {error}") from error
        try:
            return cls._parse(document)
        except ValueError as error:
            raise WorkspacesError(f"{path}: {error}") from error

    @property
    def whole(self) -> dict[str, Load]:
        """Return the loads of the workspaces without parts, by name."""
        return {one.name: one.loads[0] for one in self if one.parts == 1}

    @property
    def in_parts(self) -> list[Workspace]:
        """Return the workspaces that are loaded in parts."""
        return [one for one in self if one.parts > 1]

    @property
    def loads(self) -> dict[str, Load]:
        """Return all loads by name."""
        return {load.name: load for one in self for load in one.loads}

    def find(self, name: str) -> Load:
        """Return a load by its name.

        Raises:
            WorkspacesError: If no load has this name.
        """
        if name not in self.loads:
            raise WorkspacesError(f"workspaces.yml has no workspace or part {name}.")
        return self.loads[name]

    def __iter__(self) -> Iterator[Workspace]:
        return iter(self.by_name.values())

    def environment(self, load: Load, inherited: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a load, without the keys of other workspaces.

        Raises:
            WorkspacesError: If the key is not in `inherited`.
        """
        key = inherited.get(load.workspace.key_variable)
        if not key:
            raise WorkspacesError(
                f"The environment variable {load.workspace.key_variable} is not set: "
                f"it holds the API key (api_key) of workspace {load.workspace.name}."
            )
        keys = {one.key_variable for one in self}
        return {
            **{name: value for name, value in inherited.items() if name not in keys},
            **load.variables(),
            "TAP_TOGGL_HIRE_API_KEY": key,
        }

    @classmethod
    def _parse(cls, document: Any) -> Self:
        top = _mapping(document, "the file", {"at_once", "workspaces"})
        entries = top.get("workspaces")
        if not isinstance(entries, list) or not entries:
            raise ValueError("workspaces must be a list of at least one workspace.")
        at_once = _count(top.get("at_once", AT_ONCE), "at_once", 10_000)
        workspaces = [_workspace(entry) for entry in entries]
        for attribute, reason in _UNIQUE.items():
            values = [getattr(one, attribute) for one in workspaces]
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(
                    f"two workspaces have the {attribute} {twice[0]}. {reason}"
                )
        return cls(at_once, {one.name: one for one in workspaces})


def _workspace(entry: Any) -> Workspace:
    known = {"name", "key_variable", "schema", "settings", "parts"}
    entry = _mapping(entry, "a workspace", known)
    name = _text(entry.get("name"), _NAME, "name of a workspace", "berlin")
    variable = _text(
        entry.get("key_variable"),
        _VARIABLE,
        f"key_variable of workspace {name}",
        "TOGGL_HIRE_KEY_BERLIN",
    )
    schema = _text(
        entry.get("schema", f"toggl_hire_{name}"),
        _NAME,
        f"schema of workspace {name}",
        "toggl_hire_berlin",
    )
    settings = entry.get("settings") or {}
    if not isinstance(settings, dict) or not all(
        isinstance(one, str) for one in settings
    ):
        raise ValueError(f"settings of workspace {name} must be settings of the tap.")
    if secret := sorted(_SECRETS & settings.keys()):
        raise ValueError(
            f"{secret[0]} of workspace {name} is a secret: set it in the environment. "
            "This file has only the name of the key's variable, as key_variable."
        )
    if "part" in settings or ("job_opening_ids" in settings and "parts" in entry):
        raise ValueError(
            f"workspace {name} has parts by candidate: remove part and job_opening_ids "
            "from its settings, and set the number of parts as parts."
        )
    pace = settings.get("requests_per_second")
    if pace is not None and not _is_number(pace):
        raise ValueError(f"requests_per_second of workspace {name} must be a number.")
    parts = _count(entry.get("parts", 1), f"parts of workspace {name}", MOST_PARTS)
    return Workspace(name, variable, schema, settings, parts)


def _mapping(value: Any, what: str, known: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} must have {', '.join(sorted(known))}.")  # noqa: TRY004
    if unknown := sorted(map(str, value.keys() - known)):
        raise ValueError(
            f"{what} has the unknown key {unknown[0]}; known keys: "
            f"{', '.join(sorted(known))}."
        )
    return value


def _text(value: Any, pattern: re.Pattern[str], what: str, example: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{what} must be like {example} ({pattern.pattern}).")
    return value


def _count(value: Any, what: str, most: int) -> int:
    if not _is_number(value) or value != int(value) or not 1 <= value <= most:
        raise ValueError(f"{what} must be an integer from 1 to {most}.")
    return int(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
