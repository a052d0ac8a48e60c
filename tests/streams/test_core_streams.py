"""All streams hold what the API holds, in every shape that the API may take."""

from __future__ import annotations

import typing as t

import pytest

from sandbox import Account, Shapes
from tests.streams.checks import (
    ALL,
    Start,
    Workspace,
    assert_holds,
    details_requested,
    expected,
    history,
    in_history,
    loaded,
    of,
    without_event,
)
from tests.support import KEYS, run_tap, settings
from tests.support.streams import CANDIDATES, SYNC_RUNS

Json = dict[str, t.Any]


def test_everything_on_the_command_line(sandbox: Start) -> None:
    box = sandbox(Account.example(candidates=240, in_progress=20))
    run = run_tap(settings(box))
    assert run.returncode == 0, run.stderr
    target = loaded(run.messages)
    assert_holds(target, expected(box.account))
    ids = box.account.listed_ids()
    created = history(target, "created")
    assert set(created) == set(ids)
    for candidate_id, row in created.items():
        assert without_event(row) == in_history(box.account, candidate_id)
    assert sorted(details_requested(box)) == sorted(ids)
    assert box.stats.without_key == 0
    assert {request.method for request in box.stats.log} == {"GET"}
    (agent,) = {request.headers["user-agent"] for request in box.stats.log}
    assert agent.startswith("tap-toggl-hire/0.")
    assert box.stats.max_in_flight <= 8
    schemas = {m["stream"]: m["key_properties"] for m in of(run.messages, "SCHEMA")}
    for stream, keys in KEYS.items():
        assert schemas[stream] == list(keys)
        found = [tuple(row[key] for key in keys) for row in run.records(stream)]
        assert len(set(found)) == len(found), stream


SHAPES: dict[str, Json] = {
    **{end: {"last_page": end} for end in ("null", "empty", "missing", "no_links")},
    "empty links": {"last_page": "empty_links", "page_small_lists": 2},
    **{link: {"next_link": link, "page_small_lists": 2} for link in ("path", "bare")},
    "absolute links": {"page_small_lists": 2},
    "an empty last page": {"trailing_link": True},
    "no total": {"total": "missing"},
    "no total, an empty last page": {"total": "missing", "trailing_link": True},
    "fields missing": {"drop_fields": True},
    "fields null": {"null_fields": True},
    "unknown fields": {"extra_fields": True},
    "all kinds of fields": {
        "drop_fields": True,
        "null_fields": True,
        "extra_fields": True,
        "other_types": True,
    },
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_every_shape_of_the_api(sandbox: Start, shape: Json) -> None:
    shapes = Shapes(max_limit=4, **shape)
    account = Account.example(candidates=16, openings=4, tags=3, questions=2)
    box = sandbox(account, shapes=shapes)
    workspace = Workspace(box)
    workspace.extract()
    assert_holds(workspace.target, expected(box.account, shapes))
    extra = box.stats.count("candidate") - 16
    assert extra == 0 if "total" not in shape else extra <= 4
    workspace.extract()
    assert workspace.emitted == set()
    assert details_requested(box) == []


@pytest.mark.parametrize("kind", ["nothing", "no candidate", "none submitted"])
def test_a_workspace_without_candidates(sandbox: Start, kind: str) -> None:
    account = Account(seed=3)
    if kind != "nothing":
        account.add_category(account.add_opening())
        account.add_tag()
    if kind == "none submitted":
        account.add_candidate(submitted=False)
    workspace = Workspace(sandbox(account))
    workspace.extract()
    assert_holds(workspace.target, expected(account))
    assert set(workspace.target.tables) == set(ALL)  # each has its SCHEMA
    assert workspace.messages[-1]["type"] == "STATE"
    assert len(workspace.records(SYNC_RUNS)) == 1
    first = account.add_candidate()
    workspace.extract()
    assert [row["id"] for row in workspace.records(CANDIDATES)] == [first]
    assert_holds(workspace.target, expected(account))
