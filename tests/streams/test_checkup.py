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

LIST = "List of candidates"


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


def findings(run: Run) -> dict[str, str]:
    """What the report says of the list of candidates."""
    _, _, lines = run.stdout.partition(f"{LIST}\n")
    return {
        name.strip(): finding
        for name, _, finding in (line.partition(": ") for line in lines.splitlines())
    }


def names_in(run: Run, resource: str) -> dict[str, set[str]]:
    """The fields that the report names for a resource, wrapped lines joined."""
    found: dict[str, set[str]] = {}
    _, _, rest = run.stdout.partition(f"\n{resource}: ")
    for line in rest.splitlines()[1:]:
        if not line.startswith("  "):
            break
        title, colon, names = line.strip().partition(": ")
        if line.startswith("    ") or not colon:
            title, names = list(found)[-1], line.strip()
        found.setdefault(title, set()).update(
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
    for title in ("unknown fields", "missing fields", "misfits"):
        assert title not in run.stdout
    assert not run.messages
    found = findings(run)
    assert found["total"] == "present"
    assert found["page_size"] == "as requested"
    if account.listed_ids():
        assert found["times"] == "without an offset: read as UTC"
        assert found["unknown after_id"] == "404"
        kinds = {request.kind for request in box.stats.log}
        assert kinds == {"openings", "categories", "tags", "candidates", "candidate"}


def test_fields_of_a_later_version(sandbox: Callable[..., Sandbox]) -> None:
    account = Account.example(candidates=40, text_ids=True)
    run = checkup(sandbox(account, versions=("v2.2",)))
    assert "API v2.2" in run.stdout.splitlines()[0]
    rows = names_in(run, "candidates")
    assert rows["unknown fields"] >= {"photo_url", "portfolio", "profile_link"}
    assert rows["missing fields"] == {"profile_url"}
    assert rows["misfits"] == {"rating"}
    details = names_in(run, "candidate_details")
    assert "questions[].difficulty" in details["unknown fields"]
    assert "questions[].options[].hint" in details["unknown fields"]
    assert "colour" in names_in(run, "tags")["unknown fields"]
    assert findings(run)["ids"] == "text"


@pytest.mark.parametrize("page_size", [1, 1000])
def test_paged_lists_and_a_late_version(
    sandbox: Callable[..., Sandbox], page_size: int
) -> None:
    shapes = Shapes(
        page_small_lists=1, max_limit=1000, versions=("v2",), dead_anchor="restart"
    )
    box = sandbox(Account.example(candidates=1100, openings=12, tags=30), shapes=shapes)
    assert "API v2," in checkup(box, page_size=page_size).stdout


def test_only_named_openings(sandbox: Callable[..., Sandbox]) -> None:
    account = Account.example(candidates=40, openings=20)
    ids = sorted({row["job_opening_id"] for row in account.list_rows()})
    run = checkup(sandbox(account), job_opening_ids=ids)
    assert "job_openings: 1 read" in run.stdout


@pytest.mark.parametrize(
    ("shape", "name", "finding"),
    [
        ({"total": "missing"}, "total", "missing"),
        ({"max_limit": 30}, "page_size", "30 rows instead of 50"),
        ({"dead_anchor": "400"}, "unknown after_id", "400"),
        ({"dead_anchor": "empty"}, "unknown after_id", "an empty page"),
        ({"dead_anchor": "restart"}, "unknown after_id", "the first page"),
        ({"next_link": "bare"}, "links.next", "followed"),
        ({"total_error": 100}, "total", "present"),
    ],
)
def test_the_list_of_candidates(
    sandbox: Callable[..., Sandbox], shape: Json, name: str, finding: str
) -> None:
    box = sandbox(Account.example(candidates=80), shapes=Shapes(**shape))
    assert findings(checkup(box, page_size=50))[name] == finding


def test_odd_names_from_outside_are_not_shown(sandbox: Callable[..., Sandbox]) -> None:
    shapes = Shapes(extra_fields=ODD_NAMES)
    run = checkup(sandbox(Account.example(candidates=20), shapes=shapes))
    odd = {name for name in ODD_NAMES if not name.isidentifier() or len(name) > 40}
    assert not any(name in run.stdout for name in odd if name)
    assert "with an odd name" in names_in(run, "candidates")["unknown fields"]


def test_many_names_are_cut_short(sandbox: Callable[..., Sandbox]) -> None:
    shapes = Shapes(extra_fields=many_names(300))
    run = checkup(sandbox(Account.example(candidates=20), shapes=shapes))
    assert "and more" in names_in(run, "candidates")["unknown fields"]


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
