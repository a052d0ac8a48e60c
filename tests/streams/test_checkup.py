"""`--test`: a check-up of the API, in one screen."""

from __future__ import annotations

import typing as t

import pytest

from sandbox import Account, Shapes
from sandbox.distortion import PRIVATE
from sandbox.shapes import ODD_NAMES, many_names
from tests.streams.checks import settings
from tests.support import run_tap

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.support import Run

Json = dict[str, t.Any]

HABITS = "The list of candidates"


def checkup(box: Sandbox, **others: t.Any) -> Run:
    run = run_tap(settings(box, **others), "--test")
    assert run.returncode == 0, run.stderr
    assert box.stats.requests <= 12
    assert len(run.stdout.splitlines()) <= 60
    for row in box.account.list_rows():
        assert row["email"] not in run.stdout
        assert row["id"] not in run.stdout.split()
    assert PRIVATE not in run.stdout + run.stderr
    return run


def habits(run: Run) -> dict[str, str]:
    _, _, told = run.stdout.partition(f"{HABITS}\n")
    return {
        name.strip(): answer
        for name, _, answer in (line.partition(": ") for line in told.splitlines())
    }


def told_of(run: Run, resource: str) -> dict[str, set[str]]:
    """What is said of the fields of a resource, wrapped lines joined."""
    found: dict[str, set[str]] = {}
    _, _, rest = run.stdout.partition(f"\n{resource}: ")
    for line in rest.splitlines()[1:]:
        if not line.startswith("  "):
            break
        name, colon, names = line.strip().partition(": ")
        if line.startswith("    ") or not colon:
            name, names = list(found)[-1], line.strip()
        found.setdefault(name, set()).update(
            word.strip() for word in names.split(",") if word.strip()
        )
    return found


@pytest.mark.parametrize(
    ("account", "others"),
    [
        (Account.example(candidates=640, openings=12, tags=30), {}),
        (
            Account.example(candidates=300, tags=30),
            {"start_date": "2025-03-01", "candidate_filters": {"min_score": 1}},
        ),
        (Account(), {}),
    ],
    ids=["large", "filtered", "empty"],
)
def test_an_api_as_documented(
    sandbox: Callable[..., Sandbox], account: Account, others: Json
) -> None:
    box = sandbox(account)
    run = checkup(box, **others)
    head = run.stdout.splitlines()[0]
    assert "API v2.1" in head
    assert f"{box.stats.requests} requests" in head
    for word in ("unknown", "never came", "did not fit"):
        assert word not in run.stdout
    assert not run.messages
    answers = habits(run)
    assert answers["total"] == "there"
    assert answers["page_size"] == "obeyed"
    if account.listed_ids():
        assert answers["times"] == "without an offset: read as UTC"
        assert answers["after_id of nobody"] == "404"
        kinds = {request.kind for request in box.stats.log}
        assert kinds == {"openings", "categories", "tags", "candidates", "candidate"}


def test_fields_of_a_later_version(sandbox: Callable[..., Sandbox]) -> None:
    account = Account.example(candidates=40, text_ids=True)
    run = checkup(sandbox(account, versions=("v2.2",)))
    assert "API v2.2" in run.stdout.splitlines()[0]
    told = told_of(run, "candidates")
    assert told["unknown"] >= {"photo_url", "portfolio", "profile_link"}
    assert told["never came"] == {"profile_url"}
    assert told["did not fit"] == {"rating"}
    details = told_of(run, "candidate_details")
    assert "questions[].difficulty" in details["unknown"]
    assert "questions[].options[].hint" in details["unknown"]
    assert "colour" in told_of(run, "tags")["unknown"]
    assert habits(run)["ids"] == "text"


@pytest.mark.parametrize(
    ("shape", "habit", "answer"),
    [
        ({"total": "missing"}, "total", "missing"),
        ({"max_limit": 30}, "page_size", "30 rows came, not 50"),
        ({"dead_anchor": "400"}, "after_id of nobody", "400"),
        ({"dead_anchor": "empty"}, "after_id of nobody", "an empty page"),
        ({"dead_anchor": "restart"}, "after_id of nobody", "the first page"),
        ({"next_link": "bare"}, "links.next", "leads on"),
        ({"total_error": 100}, "total", "there"),
    ],
)
def test_habits(
    sandbox: Callable[..., Sandbox], shape: Json, habit: str, answer: str
) -> None:
    box = sandbox(Account.example(candidates=80), shapes=Shapes(**shape))
    assert habits(checkup(box, page_size=50))[habit] == answer


def test_odd_names_from_outside_are_not_shown(sandbox: Callable[..., Sandbox]) -> None:
    shapes = Shapes(extra_fields=ODD_NAMES)
    run = checkup(sandbox(Account.example(candidates=20), shapes=shapes))
    odd = {name for name in ODD_NAMES if not name.isidentifier() or len(name) > 40}
    assert not any(name in run.stdout for name in odd if name)
    assert "with an odd name" in told_of(run, "candidates")["unknown"]


def test_many_names_are_cut_short(sandbox: Callable[..., Sandbox]) -> None:
    shapes = Shapes(extra_fields=many_names(300))
    run = checkup(sandbox(Account.example(candidates=20), shapes=shapes))
    assert "and more" in told_of(run, "candidates")["unknown"]


def test_a_wrong_key(sandbox: Callable[..., Sandbox]) -> None:
    run = run_tap(settings(sandbox()) | {"api_key": "wrong"}, "--test")
    assert run.returncode == 1
    error = run.stderr.splitlines()[-1]
    assert "ERROR" in error
    assert "api_key" in error
    assert "wrong" not in run.stderr
    assert not run.stdout


def test_wrong_settings(sandbox: Callable[..., Sandbox]) -> None:
    box = sandbox()
    run = run_tap(settings(box, page_size=0), "--test")
    assert run.returncode == 1
    assert "Setting page_size " in run.stderr.splitlines()[-1]
    assert box.stats.requests == 0
