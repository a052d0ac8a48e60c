"""Read the list of workspaces, `workspaces.yml`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import yaml  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

AT_ONCE = 4

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_REFERENCE = re.compile(r"\$([A-Z_][A-Z0-9_]*)")
_SECRETS = {"api_key", "pii_hash_key"}
_SECRET_VARIABLE = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY(_ID)?$|_UR[IL]$")
_SETTING = "TAP_TOGGL_HIRE_"
_SCHEMA = "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA"
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
        environment: Environment variables of its runs, for another database; `$NAME`
            stands for the value of another variable.
    """

    name: str
    key_variable: str
    schema: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def state_id(self) -> str:
        """Return the ID of its state, which is also the name of its run folder."""
        return f"toggl-hire-{self.name}"

    def variables(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """Return the environment variables of its run.

        Raises:
            WorkspacesError: If a variable that it refers to is not in `inherited`.
        """

        def value_of(variable: str, purpose: str) -> str:
            value = inherited.get(variable)
            if not value:
                raise WorkspacesError(
                    f"The environment variable {variable} is not set: it holds "
                    f"{purpose} of workspace {self.name}."
                )
            return value

        given = {
            name: value_of(reference[1], name)
            if (reference := _REFERENCE.fullmatch(value))
            else value
            for name, value in self.environment.items()
        }
        settings = {
            f"{_SETTING}{name.upper()}": value
            if isinstance(value, str)
            else json.dumps(value)
            for name, value in self.settings.items()
        }
        key = value_of(self.key_variable, "the API key (api_key)")
        return {**given, **settings, _SCHEMA: self.schema, f"{_SETTING}API_KEY": key}


@dataclass(frozen=True)
class Workspaces:
    """All workspaces.

    Attributes:
        at_once: Maximum number of concurrent runs.
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

    def find(self, name: str) -> Workspace:
        """Return a workspace by its name.

        Raises:
            WorkspacesError: If no workspace has this name.
        """
        if name not in self.by_name:
            raise WorkspacesError(f"workspaces.yml has no workspace {name}.")
        return self.by_name[name]

    def environment(
        self, workspace: Workspace, inherited: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the environment of a run, without the keys of other workspaces.

        Raises:
            WorkspacesError: If a variable that it needs is not in `inherited`.
        """
        keys = {one.key_variable for one in self.by_name.values()}
        return {
            **{name: value for name, value in inherited.items() if name not in keys},
            **workspace.variables(inherited),
        }

    @classmethod
    def _parse(cls, document: Any) -> Self:
        top = _mapping(document, "the file", {"at_once", "workspaces"})
        entries = top.get("workspaces")
        if not isinstance(entries, list) or not entries:
            raise ValueError("workspaces must be a list of at least one workspace.")
        at_once = _count(top.get("at_once", AT_ONCE), "at_once")
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
    known = {"name", "key_variable", "schema", "settings", "environment"}
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
    environment = _environment(entry.get("environment") or {}, name)
    return Workspace(name, variable, schema, settings, environment)


def _environment(value: Any, name: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(
        isinstance(one, str) and isinstance(content, str)
        for one, content in value.items()
    ):
        raise ValueError(
            f"environment of workspace {name} must be environment variables with "
            "texts; numbers need quotation marks."
        )
    for variable, content in value.items():
        _text(variable, _VARIABLE, f"a variable of workspace {name}", "TARGET_X_HOST")
        if variable.startswith(_SETTING):
            raise ValueError(
                f"{variable} of workspace {name} is a setting of the tap: set it in "
                "settings, and the name of the key's variable as key_variable."
            )
        if variable == _SCHEMA:
            raise ValueError(f"{variable} of workspace {name} is set as schema.")
        if _SECRET_VARIABLE.search(variable) and not _REFERENCE.fullmatch(content):
            raise ValueError(
                f"{variable} of workspace {name} may be a secret: set it in the "
                "environment as another variable, and write $ and its name here."
            )
    return value


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


def _count(value: Any, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{what} must be an integer from 1.")
    return value
