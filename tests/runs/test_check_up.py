"""`--test`: how the API differs from what the tap knows, in one screen."""

from __future__ import annotations

import json
import time
import typing as t
from concurrent.futures import Future
from unittest.mock import Mock, patch

import pytest

from sandbox import Account, Fault, Sandbox, Shapes
from sandbox.distortion import PRIVATE
from sandbox.shapes import ODD_NAMES, many_names
from tap_toggl_hire import checkup
from tap_toggl_hire.errors import TapError
from tests.support.pipeline import make_account
from tests.support.tap import invoke

if t.TYPE_CHECKING:
    from pathlib import Path

    from tests.support.pipeline import MakePipeline, Pipeline

Json = dict[str, t.Any]
Report = t.Callable[..., str]


@pytest.fixture
def report(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Report:
    """Run `--test` in this process; return what it prints."""

    def run(pipeline: Pipeline, **config: t.Any) -> str:
        path = tmp_path / "config.json"
        path.write_text(json.dumps({**pipeline.config, **config}))
        result = invoke("--config", str(path), "--test")
        assert result.exit_code == 0, repr(result.exception)
        text = str(result.stdout)
        assert pipeline.sandbox.stats.requests <= 12
        assert len(text.splitlines()) <= 60
        for row in pipeline.account.list_rows():
            assert row["email"] not in text
            assert row["id"] not in text.split()
        assert PRIVATE not in text + caplog.text
        return text

    return run


def findings(text: str) -> dict[str, str]:
    """Return what a report says of the list of candidates, by name."""
    lines = text.partition("List of candidates\n")[2].splitlines()
    pairs = (line.partition(": ") for line in lines)
    return {name.strip(): finding for name, _, finding in pairs}


@pytest.mark.parametrize(
    ("account", "config"),
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
def test_api_as_documented_has_no_findings(
    make_pipeline: MakePipeline, report: Report, account: Account, config: Json
) -> None:
    pipeline = make_pipeline(account)
    text = report(pipeline, **config)
    stats = pipeline.sandbox.stats
    head = text.splitlines()[0]
    assert "API v2.1" in head
    assert f"{stats.requests} requests" in head
    for title in ("unknown fields", "missing fields", "type mismatches"):
        assert title not in text
    assert findings(text)["total"] == "present"
    page_size = findings(text)["page size"].removesuffix(" rows")
    granted, _, expected = page_size.split()
    assert granted == expected
    if account.listed_ids():
        assert findings(text)["next link"] in {"followed", "none"}
        kinds = {request.kind for request in stats.log}
        assert kinds == {"openings", "categories", "tags", "candidates", "candidate"}


def test_fields_of_a_later_version_are_named(
    make_pipeline: MakePipeline, report: Report
) -> None:
    account = make_account(40, questions=8, text_ids=True)
    text = report(make_pipeline(Sandbox(account, versions=("v2.2",))))
    assert "API v2.2" in text.splitlines()[0]
    assert "\n  missing fields: profile_url\n  type mismatches: rating\n" in text
    for name in ("photo_url", "questions[].difficulty", "questions[].options[].hint"):
        assert name in text


@pytest.mark.parametrize("page_size", [1, 1000])
def test_lists_in_many_pages_take_at_most_12_requests(
    make_pipeline: MakePipeline, report: Report, page_size: int
) -> None:
    account = make_account(1100, openings=12, tags=30)
    shapes = Shapes(page_small_lists=1, max_limit=1000, versions=("v2",))
    pipeline = make_pipeline(Sandbox(account, shapes=shapes))
    assert "API v2," in report(pipeline, page_size=page_size)


@pytest.mark.parametrize(
    ("shape", "name", "finding"),
    [
        ({"total": "missing"}, "total", "missing"),
        ({"max_limit": 30}, "page size", "30 of 50 rows"),
        ({"next_link": "bare"}, "next link", "followed"),
    ],
)
def test_shape_of_the_list_of_candidates_is_found(
    make_pipeline: MakePipeline, report: Report, shape: Json, name: str, finding: str
) -> None:
    pipeline = make_pipeline(80)
    pipeline.sandbox.shapes = Shapes(**shape)
    assert findings(report(pipeline, page_size=50))[name] == finding


def test_candidate_that_is_deleted_meanwhile_is_left_out(
    pipeline: Pipeline, report: Report
) -> None:
    pipeline.sandbox.faults = [Fault("status", status=404, match="candidate")]
    assert "candidate_details: 0 read" in report(pipeline)


@pytest.mark.parametrize(
    ("fields", "shown"),
    [(ODD_NAMES, "(unusual name)"), (many_names(300), "and more")],
)
def test_unusual_and_many_names_are_not_shown(
    pipeline: Pipeline, report: Report, fields: Json, shown: str
) -> None:
    pipeline.sandbox.shapes = Shapes(extra_fields=fields)
    text = report(pipeline)
    unusual = {name for name in fields if not name.isidentifier() or len(name) > 40}
    assert not any(name in text for name in unusual - {""})
    assert shown in text


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://api.invalid/api", "cannot resolve host api.invalid: check api_url"),
        ("http://127.0.0.1:1/api", "connection refused or reset; check api_url"),
    ],
)
def test_unreachable_host_is_not_waited_for(
    pipeline: Pipeline, url: str, reason: str
) -> None:
    began = time.monotonic()
    run = pipeline.run_command_line("--test", config={"api_url": url})
    assert time.monotonic() - began < 10
    assert (run.returncode, run.stdout) == (1, "")
    assert f"GET /tags failed ({reason}" in run.stderr.splitlines()[-1]


def test_test_of_another_kind_is_rejected(pipeline: Pipeline) -> None:
    """The SDK's own test prints a record of each stream: personal data."""
    run = pipeline.run_command_line("--test=records")
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.splitlines()[-1].endswith(
        "--test=records is unknown: use --test, --test=shape or --test=schema."
    )


def test_search_for_a_version_is_not_repeated(pipeline: Pipeline) -> None:
    pipeline.sandbox.shapes = Shapes(versions=("v7",))
    run = pipeline.run_command_line("--test")
    assert run.returncode == 1
    assert "does not serve v2.1 or v2.2 or v2" in run.stderr.splitlines()[-1]
    assert pipeline.sandbox.stats.requests == 3


def test_search_for_a_version_ends_although_the_resolver_hangs() -> None:
    """A name server does not answer, to which `request_timeout` does not apply."""
    never = Future[str]()
    session = Mock(workers=Mock(submit=lambda _: never))
    with (
        patch("tap_toggl_hire.checkup.MAX_SEARCH", 0.01),
        pytest.raises(TapError, match=r"no version within .* check api_url"),
    ):
        checkup.report(Mock(session=session))


def test_rejected_key_is_one_line_without_the_key(pipeline: Pipeline) -> None:
    run = pipeline.run_command_line("--test", config={"api_key": "wrong"})
    assert (run.returncode, run.stdout) == (1, "")
    error = run.stderr.splitlines()[-1]
    assert "ERROR" in error
    assert "api_key" in error
    assert "wrong" not in run.stderr
