"""The version of the API: found where it is not told, and pinned where it is."""

from __future__ import annotations

import re
import typing as t

import pytest

from sandbox import Account, Shapes
from tap_toggl_hire.errors import TapError
from tests.streams.checks import RUNS, assert_holds, expected, loaded, settings
from tests.support import extract, run_tap

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.support import Run

HTML_OR_JSON = pytest.mark.parametrize("unknown_version", ["html", "json"])


def workspace(
    sandbox: Callable[..., Sandbox], *versions: str, unknown_version: t.Any = "json"
) -> Sandbox:
    shapes = Shapes(versions=versions, unknown_version=unknown_version)
    return sandbox(Account.example(candidates=5), shapes=shapes)


def asked(box: Sandbox) -> list[str | None]:
    """The versions asked for, each once, in order."""
    return list(dict.fromkeys(request.route.version for request in box.stats.log))


def lines(run: Run, level: str) -> list[str]:
    return [line for line in run.stderr.splitlines() if f"| {level} " in line]


@HTML_OR_JSON
@pytest.mark.parametrize("taken", ["v2.2", "v2"])
def test_where_v2_1_is_gone_another_is_taken_with_one_warning(
    sandbox: Callable[..., Sandbox],
    taken: str,
    unknown_version: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    known = ("v2.2", "v2") if taken == "v2.2" else ("v2", "v3")
    tried = ["v2.1", "v2.2", "v2"][: 2 if taken == "v2.2" else 3]
    box = workspace(sandbox, *known, unknown_version=unknown_version)
    assert_holds(loaded(extract(settings(box))), expected(box.account))
    warnings = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert len(warnings) == 1
    assert f"; {taken} was taken" in warnings[0]
    assert f"set api_version to {taken}." in warnings[0]
    assert asked(box) == tried
    refused = [r for r in box.stats.log if r.route.version != taken]
    assert len(refused) == len(tried) - 1  # each once
    assert box.stats.without_key == 0


def test_where_v2_1_is_gone_through_the_command_line(
    sandbox: Callable[..., Sandbox],
) -> None:
    box = workspace(sandbox, "v2.2", unknown_version="html")
    run = run_tap(settings(box))
    assert run.returncode == 0, run.stderr
    assert_holds(loaded(run.messages), expected(box.account))
    warnings = lines(run, "WARNING")
    assert len(warnings) == 1
    assert "set api_version to v2.2." in warnings[0]
    assert lines(run, "ERROR") == []


def test_where_v2_1_is_there_nothing_else_is_asked(
    sandbox: Callable[..., Sandbox], caplog: pytest.LogCaptureFixture
) -> None:
    box = workspace(sandbox, "v2.1", "v2.2", "v2")
    extract(settings(box))
    assert asked(box) == ["v2.1"]
    assert "WARNING" not in {record.levelname for record in caplog.records}


@pytest.mark.parametrize("pinned", ["v2.2", "v2", "v7.0"])
def test_a_pinned_version_and_no_other(
    sandbox: Callable[..., Sandbox], pinned: str, caplog: pytest.LogCaptureFixture
) -> None:
    box = workspace(sandbox, "v2.1", pinned)
    messages = extract(settings(box, api_version=pinned))
    assert_holds(loaded(messages), expected(box.account))
    assert asked(box) == [pinned]
    assert "WARNING" not in {record.levelname for record in caplog.records}


PINNED = "404 for version v2.1: set api_version to one that it knows"
ALL_GONE = r"404 or 410 for each known version \(v2.1, v2.2, v2\): check api_url"


@HTML_OR_JSON
def test_a_pinned_version_that_is_gone(
    sandbox: Callable[..., Sandbox], unknown_version: str
) -> None:
    box = workspace(sandbox, "v2.2", "v2", unknown_version=unknown_version)
    with pytest.raises(TapError, match=PINNED):
        extract(settings(box, api_version="v2.1"))
    assert asked(box) == ["v2.1"]
    assert box.stats.requests == 1


@HTML_OR_JSON
def test_all_versions_gone(
    sandbox: Callable[..., Sandbox], unknown_version: str
) -> None:
    box = workspace(sandbox, "v3", unknown_version=unknown_version)
    with pytest.raises(TapError, match=ALL_GONE):
        extract(settings(box))
    assert asked(box) == ["v2.1", "v2.2", "v2"]
    assert box.stats.requests == 3


@pytest.mark.parametrize(
    ("others", "sentence"), [({"api_version": "v2.1"}, PINNED), ({}, ALL_GONE)]
)
def test_versions_gone_through_the_command_line(
    sandbox: Callable[..., Sandbox], others: dict[str, str], sentence: str
) -> None:
    box = workspace(sandbox, "v3", unknown_version="html")
    run = run_tap(settings(box, **others))
    assert run.returncode == 1
    errors = lines(run, "ERROR")
    assert errors == run.stderr.splitlines()[-1:]
    assert re.search(sentence, errors[0])
    assert lines(run, "WARNING") == []
    assert {m["stream"] for m in run.messages if m["type"] == "RECORD"} == {RUNS}
    assert "Traceback" not in run.stderr


def test_a_url_that_leads_elsewhere(sandbox: Callable[..., Sandbox]) -> None:
    box = workspace(sandbox, "v2.1")
    with pytest.raises(TapError, match="check api_url"):
        extract(settings(box) | {"api_url": f"{box.url}/elsewhere"})


@pytest.mark.parametrize("ending", ["", "/", "//"])
def test_a_slash_at_the_end_of_the_url_does_not_matter(
    sandbox: Callable[..., Sandbox], ending: str
) -> None:
    box = workspace(sandbox, "v2.1")
    messages = extract(settings(box) | {"api_url": box.url + ending})
    assert_holds(loaded(messages), expected(box.account))
