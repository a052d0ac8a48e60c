"""The list of workspaces: what it means, and what is rejected."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml  # type: ignore[import-untyped]

from orchestration.workspaces import Workspaces, WorkspacesError
from tools.local.meltano import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = CHECKOUT / "examples" / "workspaces.yml"
A = "name: a, key_variable: K"
SCHEMA = "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA"
BERLIN = "{name: berlin, key_variable: KEY_BERLIN}"


def read(folder: Path, text: str) -> Workspaces:
    path = folder / "workspaces.yml"
    path.write_text(text)
    return Workspaces.read(path)


def test_workspaces_have_separate_schemas_states_and_environments(
    tmp_path: Path,
) -> None:
    text = f"""
        at_once: 2
        workspaces:
          - {BERLIN}
          - name: lisbon
            key_variable: KEY_LISBON
            schema: people
            settings: {{pii: drop, reverify_days: 7, job_opening_ids: ["1"]}}
    """
    workspaces = read(tmp_path, text)
    inherited = {
        "KEY_BERLIN": "one",
        "KEY_LISBON": "two",
        "TAP_TOGGL_HIRE_PII": "hash",
        "PATH": "/bin",
    }
    berlin, lisbon = workspaces.by_name.values()

    assert workspaces.at_once == 2
    assert berlin.state_id == "toggl-hire-berlin"
    assert lisbon.state_id == "toggl-hire-lisbon"
    assert workspaces.environment(berlin, inherited) == {
        "PATH": "/bin",
        "TAP_TOGGL_HIRE_API_KEY": "one",
        "TAP_TOGGL_HIRE_PII": "hash",
        "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": "toggl_hire_berlin",
    }
    assert workspaces.environment(lisbon, inherited) == {
        "PATH": "/bin",
        "TAP_TOGGL_HIRE_API_KEY": "two",
        "TAP_TOGGL_HIRE_JOB_OPENING_IDS": '["1"]',
        "TAP_TOGGL_HIRE_PII": "drop",
        "TAP_TOGGL_HIRE_REVERIFY_DAYS": "7",
        "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": "people",
    }


def test_workspace_in_another_database_has_variables_of_its_own(
    tmp_path: Path,
) -> None:
    text = f"""
        workspaces:
          - {BERLIN}
          - name: oslo
            key_variable: KEY_OSLO
            environment:
              MELTANO_ENVIRONMENT: north
              TARGET_POSTGRES_PASSWORD: $PASSWORD_OSLO
    """
    workspaces = read(tmp_path, text)
    berlin, oslo = workspaces.by_name.values()
    shared = {"TARGET_POSTGRES_PASSWORD": "of-all", "PASSWORD_OSLO": "of-oslo"}
    inherited = {"KEY_BERLIN": "one", "KEY_OSLO": "two", **shared}

    of_berlin = workspaces.environment(berlin, inherited)
    assert of_berlin["TARGET_POSTGRES_PASSWORD"] == "of-all"  # noqa: S105 - invented
    assert "MELTANO_ENVIRONMENT" not in of_berlin
    of_oslo = workspaces.environment(oslo, inherited)
    assert of_oslo["TARGET_POSTGRES_PASSWORD"] == "of-oslo"  # noqa: S105 - invented
    assert of_oslo["MELTANO_ENVIRONMENT"] == "north"

    del inherited["PASSWORD_OSLO"]
    with pytest.raises(WorkspacesError, match=r"PASSWORD_OSLO .*_PASSWORD of .*oslo"):
        workspaces.environment(oslo, inherited)


def test_missing_key_is_named_by_its_variable(tmp_path: Path) -> None:
    workspaces = read(tmp_path, f"workspaces: [{BERLIN}]")
    with pytest.raises(WorkspacesError, match=r"KEY_BERLIN .*api_key"):
        workspaces.environment(workspaces.find("berlin"), {"KEY_BERLIN": ""})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "workspaces"),
        ("[", "is not valid YAML"),
        ("workspaces: []", "at least one workspace"),
        ("workspaces: [berlin]", "a workspace must have"),
        (f"workspaces: [{BERLIN}]\nat_most: 3", "has the unknown key at_most"),
        (f"workspaces: [{BERLIN}]\nat_once: 0", "at_once must be an integer from 1"),
        (f"workspaces: [{BERLIN}]\nat_once: true", "at_once must be an integer from 1"),
        (
            "workspaces: [{name: Berlin, key_variable: K}]",
            "name of a workspace must be",
        ),
        ("workspaces: [{name: berlin}]", "key_variable of workspace berlin must be"),
        (
            "workspaces: [{name: a, key_variable: K, api_key: x}]",
            "has the unknown key api_key",
        ),
        (
            "workspaces: [{name: a, key_variable: K, settings: {api_key: x}}]",
            "api_key of workspace a is a secret",
        ),
        (
            "workspaces: [{name: a, key_variable: K, settings: {pii_hash_key: x}}]",
            "pii_hash_key of workspace a is a secret",
        ),
        (
            "workspaces: [{name: a, key_variable: K, settings: [pii]}]",
            "settings of workspace a must be settings of the tap",
        ),
        (
            "workspaces: [{name: a, key_variable: K, environment: {PORT: 5432}}]",
            "numbers need quotation marks",
        ),
        (
            "workspaces: [{name: a, key_variable: K, environment: {port: '1'}}]",
            "a variable of workspace a must be like",
        ),
        (
            f"workspaces: [{{{A}, environment: {{TAP_TOGGL_HIRE_API_KEY: $K}}}}]",
            "TAP_TOGGL_HIRE_API_KEY of workspace a is a setting of the tap",
        ),
        (
            f"workspaces: [{{{A}, environment: {{{SCHEMA}: a}}}}]",
            "is set as schema",
        ),
        *(
            (
                f"workspaces: [{{{A}, environment: {{{one}: x}}}}]",
                f"{one} of workspace a may be a secret",
            )
            for one in (
                "TARGET_POSTGRES_PASSWORD",
                "TARGET_POSTGRES_SQLALCHEMY_URL",
                "MELTANO_DATABASE_URI",
                "AWS_SECRET_ACCESS_KEY",
            )
        ),
        (f"workspaces: [{BERLIN}, {BERLIN}]", "two workspaces have the name berlin"),
        (
            f"workspaces: [{BERLIN}, {{name: a, key_variable: KEY_BERLIN}}]",
            "two workspaces have the key_variable KEY_BERLIN",
        ),
        (
            f"workspaces: [{BERLIN}, {{{A}, schema: toggl_hire_berlin}}]",
            "would mark each other's rows",
        ),
    ],
)
def test_invalid_file_is_rejected(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(WorkspacesError, match=re.escape(message)):
        read(tmp_path, text)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkspacesError, match=r"none\.yml: No such file"):
        Workspaces.read(tmp_path / "none.yml")


def test_example_has_a_workspace_of_each_kind() -> None:
    workspaces = Workspaces.read(EXAMPLE)
    ones = workspaces.by_name.values()
    assert any(one.settings for one in ones)
    assert any(one.environment for one in ones)
    assert workspaces.at_once == yaml.safe_load(EXAMPLE.read_text())["at_once"]
