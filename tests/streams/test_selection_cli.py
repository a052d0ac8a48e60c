"""Any streams may be selected without the others."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from sandbox import Account
from tests.streams.checks import (
    CANDIDATES,
    FROM_DETAILS,
    STREAMS,
    assert_holds,
    details_asked,
    expected,
    expected_history,
    history,
    loaded,
    said,
    settings,
)
from tests.support import Target, catalog, extract, run_tap

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

ALONE = [(stream,) for stream in STREAMS]
PAIRS = list(itertools.combinations(STREAMS, 2))


def assert_right(box: Sandbox, target: Target, selected: tuple[str, ...]) -> None:
    """See that the selected streams are whole, no other came, and what it cost."""
    assert set(target.tables) == set(selected)
    rows = expected(box.account)
    assert_holds(target, rows, selected)
    if "candidate_history" in selected:
        created = history(target, "created")
        assert set(created) == set(box.account.listed_ids())
        for candidate_id, row in created.items():
            assert said(row) == expected_history(box.account, candidate_id)
    asked = details_asked(box)
    if set(selected) & set(FROM_DETAILS):
        assert sorted(asked) == sorted(box.account.listed_ids())
    else:
        assert asked == []
    if not set(selected) & set(CANDIDATES):
        assert box.stats.count("candidates") == 0


@pytest.mark.parametrize("selected", [*ALONE, *PAIRS], ids=" ".join)
def test_each_stream_alone_and_each_pair(
    sandbox: Callable[..., Sandbox], selected: tuple[str, ...]
) -> None:
    box = sandbox(Account.example(candidates=12, in_progress=2))
    config = settings(box)
    target = loaded(extract(config, catalog=catalog(config, *selected)))
    assert_right(box, target, selected)


@pytest.mark.parametrize(
    "selected",
    [("candidate_answers",), ("candidate_details", "tags"), ("candidates",)],
    ids=" ".join,
)
def test_through_the_command_line(
    sandbox: Callable[..., Sandbox], selected: tuple[str, ...]
) -> None:
    box = sandbox(Account.example(candidates=12))
    config = settings(box)
    run = run_tap(config, catalog=catalog(config, *selected))
    assert run.returncode == 0, run.stderr
    assert_right(box, loaded(run.messages), selected)


def test_nothing_selected_asks_for_nothing(sandbox: Callable[..., Sandbox]) -> None:
    box = sandbox()
    config = settings(box)
    run = run_tap(config, catalog=catalog(config))
    assert run.returncode == 0, run.stderr
    assert run.messages == []
    assert box.stats.requests == 0


@pytest.mark.parametrize("selected", [(child,) for child in CANDIDATES[1:]])
def test_a_child_alone_has_its_bookmarks_and_a_quiet_second_run(
    sandbox: Callable[..., Sandbox], selected: tuple[str, ...]
) -> None:
    box = sandbox(Account.example(candidates=12))
    config = settings(box)
    chosen = catalog(config, *selected)
    target = loaded(extract(config, catalog=chosen))
    box.stats.reset()
    messages = extract(config, state=target.state, catalog=chosen)
    assert [m for m in messages if m["type"] == "RECORD"] == []
    assert details_asked(box) == []
    # A change is emitted here, and nowhere else.
    changed = box.account.listed_ids()[5]
    box.account.set_hire_state(changed, "rejected")
    box.account.rate(changed, 3)
    box.account.rate(changed, 2)
    target.load(extract(config, state=target.state, catalog=chosen))
    assert set(target.tables) == set(selected)
    assert len(details_asked(box)) == (selected[0] in FROM_DETAILS)
    rows = expected(box.account)
    assert_holds(target, rows, selected)
    assert len(history(target, "updated")) == (selected[0] == "candidate_history")


def test_a_stream_that_is_selected_later_is_filled_in_full(
    sandbox: Callable[..., Sandbox],
) -> None:
    box = sandbox(Account.example(candidates=12))
    config = settings(box)
    target = Target()
    selected: tuple[str, ...] = ()
    for stream in ("candidates", "candidate_history", "candidate_answers", *LATE):
        selected += (stream,)
        chosen = catalog(config, *selected)
        messages = extract(config, state=target.state, catalog=chosen)
        target.load(messages)
        streams = {m["stream"] for m in messages if m["type"] == "RECORD"}
        assert streams - set(LATE) <= {stream}  # the others have no news
    assert_holds(target, expected(box.account))
    assert len(history(target, "created")) == 12


LATE = ("candidate_details", "tags", "categories", "job_openings")
