"""`--test`: how the API differs from what the tap knows, in one screen."""

from __future__ import annotations

import json
import time
import typing as t
from concurrent.futures import Future
from unittest.mock import Mock, patch

import pytest

from sandbox import Account, Shapes
from sandbox.distortion import PRIVATE
from sandbox.shapes import ODD_NAMES, many_names
from tap_toggl_hire import checkup
from tap_toggl_hire.errors import TapError
from tests.streams.checks import Start, command
from tests.support import run_tap, settings

if t.TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

Json = dict[str, t.Any]
Report = t.Callable[..., str]

LIST = "List of candidates"


@pytest.fixture
def report(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Report:
    """Run the check-up in this process; return what it prints."""

    def check_up(box: Sandbox, **more: t.Any) -> str:
        config = tmp_path / "config.json"
        config.write_text(json.dumps(settings(box, **more)))
        ended = command("--config", str(config), "--test")
        assert ended.exit_code == 0, repr(ended.exception)
        text = str(ended.stdout)
        assert box.stats.requests <= 12
        assert len(text.splitlines()) <= 60
        for row in box.account.list_rows():
            assert row["email"] not in text
            assert row["id"] not in text.split()
        assert PRIVATE not in text + caplog.text
        return text

    return check_up


def findings(text: str) -> dict[str, str]:
    """What a report says of the list of candidates."""
    lines = text.partition(f"{LIST}\n")[2].splitlines()
    pairs = (line.partition(": ") for line in lines)
    return {name.strip(): finding for name, _, finding in pairs}


@pytest.mark.parametrize(
    ("account", "more"),
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
def test_the_documented_api(
    sandbox: Start, report: Report, account: Account, more: Json
) -> None:
    box = sandbox(account)
    text = report(box, **more)
    head = text.splitlines()[0]
    assert "API v2.1" in head
    assert f"{box.stats.requests} requests" in head
    for title in ("unknown fields", "missing fields", "type mismatches"):
        assert title not in text
    found = findings(text)
    assert found["total"] == "present"
    granted, _, expected = found["page size"].removesuffix(" rows").split()
    assert granted == expected
    if account.listed_ids():
        assert found["next link"] in {"followed", "none"}
        kinds = {request.kind for request in box.stats.log}
        assert kinds == {"openings", "categories", "tags", "candidates", "candidate"}


def test_fields_of_a_later_version(sandbox: Start, report: Report) -> None:
    account = Account.example(candidates=40, text_ids=True)
    text = report(sandbox(account, versions=("v2.2",)))
    assert "API v2.2" in text.splitlines()[0]
    assert "\n  missing fields: profile_url\n  type mismatches: rating\n" in text
    for name in ("photo_url", "questions[].difficulty", "questions[].options[].hint"):
        assert name in text


@pytest.mark.parametrize("page_size", [1, 1000])
def test_paged_lists_take_at_most_12_requests(
    sandbox: Start, report: Report, page_size: int
) -> None:
    shapes = Shapes(page_small_lists=1, max_limit=1000, versions=("v2",))
    box = sandbox(Account.example(candidates=1100, openings=12, tags=30), shapes=shapes)
    assert "API v2," in report(box, page_size=page_size)


@pytest.mark.parametrize(
    ("shape", "name", "finding"),
    [
        ({"total": "missing"}, "total", "missing"),
        ({"max_limit": 30}, "page size", "30 of 50 rows"),
        ({"next_link": "bare"}, "next link", "followed"),
    ],
)
def test_the_list_of_candidates(
    sandbox: Start, report: Report, shape: Json, name: str, finding: str
) -> None:
    box = sandbox(Account.example(candidates=80), shapes=Shapes(**shape))
    assert findings(report(box, page_size=50))[name] == finding


@pytest.mark.parametrize(
    ("fields", "shown"),
    [(ODD_NAMES, "(unusual name)"), (many_names(300), "and more")],
)
def test_odd_and_many_names_are_not_shown(
    sandbox: Start, report: Report, fields: Json, shown: str
) -> None:
    shapes = Shapes(extra_fields=fields)
    text = report(sandbox(Account.example(candidates=20), shapes=shapes))
    odd = {name for name in fields if not name.isidentifier() or len(name) > 40}
    assert not any(name in text for name in odd - {""})
    assert shown in text


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://api.invalid/api", "cannot resolve host api.invalid: check api_url"),
        ("http://127.0.0.1:1/api", "connection refused or reset; check api_url"),
    ],
)
def test_unreachable_host_is_not_waited_for(
    sandbox: Start, url: str, reason: str
) -> None:
    began = time.monotonic()
    run = run_tap(settings(sandbox()) | {"api_url": url}, "--test")
    assert time.monotonic() - began < 10
    assert (run.returncode, run.stdout) == (1, "")
    assert f"GET /tags failed ({reason}" in run.stderr.splitlines()[-1]


def test_search_for_a_version_is_not_repeated(sandbox: Start) -> None:
    box = sandbox(shapes=Shapes(versions=("v7",)))
    run = run_tap(settings(box), "--test")
    assert run.returncode == 1
    assert "does not serve v2.1 or v2.2 or v2" in run.stderr.splitlines()[-1]
    assert box.stats.requests == 3


def test_search_for_a_version_ends_although_the_resolver_hangs() -> None:
    """As a name server that does not answer: `request_timeout` does not apply."""
    never = Future[str]()
    session = Mock(workers=Mock(submit=lambda _: never))
    with (
        patch("tap_toggl_hire.checkup.MAX_SEARCH", 0.01),
        pytest.raises(TapError, match=r"no version within .* check api_url"),
    ):
        checkup.report(Mock(), session)


def test_a_rejected_key(sandbox: Start) -> None:
    run = run_tap(settings(sandbox()) | {"api_key": "wrong"}, "--test")
    assert run.returncode == 1
    error = run.stderr.splitlines()[-1]
    assert "ERROR" in error
    assert "api_key" in error
    assert "wrong" not in run.stderr
    assert not run.stdout
