"""The made-up v2.2: other objects behind the same candidates."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import requests

from sandbox import Account, Sandbox, Shapes
from tests.sandbox.conftest import Client
from tests.sandbox.test_awkwardness import objects

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def account() -> Account:
    return Account.example(candidates=30, in_progress=2, text_ids=True)


@pytest.fixture
def both(account: Account) -> Iterator[tuple[Client, Client]]:
    """A client of v2.1 and one of v2.2, of one workspace."""
    with Sandbox(account, versions=("v2.1", "v2.2")) as sandbox:
        yield Client(sandbox), Client(sandbox, "v2.2")


def test_every_level_has_something_new(both: tuple[Client, Client]) -> None:
    old, new = map(objects, both)
    for level in old:
        known = {name for one in old[level] for name in one}
        found = {name for one in new[level] for name in one}
        assert found - known, level
    for level in ("rows", "details"):
        lost = set(old[level][0]) - set(new[level][0])
        assert lost == {"profile_url"}
        assert [one["profile_url"] for one in old[level]] == [
            one["profile_link"] for one in new[level]
        ]
        assert {type(one["rating"]) for one in new[level]} == {dict}
        states = {one["hire_state"] for one in new[level]}
        assert states == {"new", "shortlisted", "declined"}
    for level in ("questions", "options", "answers"):
        shapes = {tuple(one) for one in new[level]}
        assert len(shapes) > 1, "not each has what is new"


def test_ids_are_no_numbers(both: tuple[Client, Client]) -> None:
    for level, found in objects(both[1]).items():
        for one in found:
            for name, value in one.items():
                if name == "id" or (name.endswith("_id") and value is not None):
                    assert re.fullmatch(r"id-[0-9a-f]+", value), (level, name)


def test_a_field_changes_by_itself(both: tuple[Client, Client]) -> None:
    links = [both[1].page("/candidates")["data"][0]["photo_url"] for _ in range(2)]
    assert links[0] != links[1]


def test_filters_and_paging_are_as_ever(
    both: tuple[Client, Client], account: Account
) -> None:
    old, new = both
    assert new.ids("/candidates", limit=4) == account.listed_ids()
    for state, renamed in (("possible-hire", "shortlisted"), ("rejected", "declined")):
        wanted = old.ids("/candidates", hire_state=state)
        assert new.ids("/candidates", hire_state=renamed) == wanted != []
    assert new.get("/candidates", hire_state="maybe").status_code == 400
    link = new.page("/candidates", limit=1)["links"]["next"]
    assert "/v2.2/" in link


def test_one_version_alone(account: Account) -> None:
    with Sandbox(account, shapes=Shapes(), versions=("v2.2",)) as sandbox:
        assert Client(sandbox).get("/tags").status_code == 404
        assert "colour" in Client(sandbox, "v2.2").page("/tags")["data"][0]


def test_v2_1_is_as_documented_beside_it(
    both: tuple[Client, Client], account: Account
) -> None:
    both[1].page("/candidates")
    assert both[0].page("/candidates")["data"] == account.list_rows()


def test_from_the_command_line() -> None:
    command = [
        sys.executable,
        "-m",
        "sandbox",
        "--candidates",
        "3",
        "--version",
        "v2.2",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, key = process.stdout.readline().split()
        headers = {"Authorization": f"Bearer {key}"}
        answers = [
            requests.get(f"{url}/{version}/candidates", headers=headers, timeout=5)
            for version in ("v2.1", "v2.2")
        ]
        process.terminate()
    assert [one.status_code for one in answers] == [404, 200]
    assert answers[1].json()["data"][0]["id"].startswith("id-")
