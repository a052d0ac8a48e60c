"""The list of workspaces: what it means, and what is rejected."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml  # type: ignore[import-untyped]

from orchestration.workspaces import LISTS, Workspaces, WorkspacesError
from tools.local.meltano import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = CHECKOUT / "examples" / "workspaces.yml"
BIG = "name: big, key_variable: KEY_BIG, parts: 2"
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
    loads = workspaces.whole

    assert workspaces.at_once == 2
    assert {load.state_id for load in loads.values()} == {
        "toggl-hire-berlin",
        "toggl-hire-lisbon",
    }
    assert workspaces.environment(loads["berlin"], inherited) == {
        "PATH": "/bin",
        "TAP_TOGGL_HIRE_API_KEY": "one",
        "TAP_TOGGL_HIRE_PII": "hash",
        "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": "toggl_hire_berlin",
    }
    assert workspaces.environment(loads["lisbon"], inherited) == {
        "PATH": "/bin",
        "TAP_TOGGL_HIRE_API_KEY": "two",
        "TAP_TOGGL_HIRE_JOB_OPENING_IDS": '["1"]',
        "TAP_TOGGL_HIRE_PII": "drop",
        "TAP_TOGGL_HIRE_REVERIFY_DAYS": "7",
        "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": "people",
    }


def test_parts_share_only_the_schema_and_the_rate(tmp_path: Path) -> None:
    text = """
        workspaces:
          - name: big
            key_variable: KEY_BIG
            parts: 4
            settings: {requests_per_second: 10}
    """
    workspaces = read(tmp_path, text)
    parts = list(workspaces.loads.values())

    assert not workspaces.whole
    assert [load.name for load in parts] == [f"big-{n}-of-4" for n in range(1, 5)]
    assert len({load.state_id for load in parts}) == 4
    assert [load.excluded for load in parts] == [(), LISTS, LISTS, LISTS]
    environment = workspaces.environment(parts[1], {"KEY_BIG": "key"})
    assert environment["TAP_TOGGL_HIRE_PART"] == "2/4"
    assert environment["TAP_TOGGL_HIRE_REQUESTS_PER_SECOND"] == "2.5"
    other = read(tmp_path, text.replace("parts: 4", "parts: 5"))
    assert not {load.state_id for load in other.loads.values()} & {
        load.state_id for load in parts
    }


def test_missing_key_is_named_by_its_variable(tmp_path: Path) -> None:
    workspaces = read(tmp_path, f"workspaces: [{BERLIN}]")
    with pytest.raises(WorkspacesError, match=r"KEY_BERLIN .*api_key"):
        workspaces.environment(workspaces.loads["berlin"], {"KEY_BERLIN": ""})


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
            "workspaces: [{name: a, key_variable: K, settings: {part: 1/2}}]",
            "by candidate",
        ),
        (
            f"workspaces: [{{{BIG}, settings: {{job_opening_ids: ['1']}}}}]",
            "by candidate",
        ),
        ("workspaces: [{name: a, key_variable: K, parts: 257}]", "from 1 to 256"),
        (f"workspaces: [{BERLIN}, {BERLIN}]", "two workspaces have the name berlin"),
        (
            f"workspaces: [{BERLIN}, {{name: a, key_variable: KEY_BERLIN}}]",
            "two workspaces have the key_variable KEY_BERLIN",
        ),
        (
            f"workspaces: [{BERLIN}, {{{BIG}, schema: toggl_hire_berlin}}]",
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
    assert workspaces.whole
    assert workspaces.in_parts
    assert workspaces.at_once == yaml.safe_load(EXAMPLE.read_text())["at_once"]
