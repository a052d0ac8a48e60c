"""A property, an expression or a stream that is added later fills every candidate."""

from __future__ import annotations

import typing as t

import pytest

from sandbox import Account
from tests.streams.checks import (
    CANDIDATES,
    RUNS,
    assert_holds,
    details_asked,
    expected,
    settings,
)
from tests.support import Target, catalog, extract
from tests.support.tap import records

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

Json = dict[str, t.Any]

CHILDREN = ("candidate_details", "candidate_answers")
COUNT = 15


class Workspace:
    """A workspace whose candidates are read again and again, by other settings."""

    def __init__(self, box: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
        self.box = box
        self.target = Target()
        self.messages: list[Json] = []
        self._caplog = caplog

    def extract(self, *without: str, **others: t.Any) -> None:
        """Run with some properties deselected, each told as `stream.property`."""
        self.box.stats.reset()
        self._caplog.clear()
        config = settings(self.box, **others)
        chosen = catalog(config, *CANDIDATES)
        for entry in chosen["streams"]:
            for one in entry["metadata"]:
                path = entry["tap_stream_id"], *one["breadcrumb"][1:]
                if ".".join(path) in without:
                    one["metadata"]["selected"] = False
        self.messages = extract(config, self.target.state, chosen)
        self.target.load(self.messages)

    @property
    def emitted(self) -> set[str]:
        """The streams of which the last run sent records."""
        return {m["stream"] for m in self.messages if m["type"] == "RECORD"}

    @property
    def warnings(self) -> list[str]:
        return [
            record.getMessage()
            for record in self._caplog.records
            if record.levelname == "WARNING"
        ]


@pytest.fixture
def workspace(
    sandbox: Callable[..., Sandbox], caplog: pytest.LogCaptureFixture
) -> Workspace:
    return Workspace(sandbox(Account.example(candidates=COUNT)), caplog)


def assert_filled(workspace: Workspace, stream: str) -> None:
    """See that the last run filled one stream again, said so once, and that it is
    the last to do so."""
    assert workspace.emitted == {stream}
    ids = {
        record.get("candidate_id", record.get("id"))
        for record in records(workspace.messages, stream)
    }
    assert ids == set(workspace.box.account.listed_ids())
    cost = f", which takes {COUNT} requests" if stream in CHILDREN else ""
    (told,) = workspace.warnings
    assert told == (
        f"Stream {stream} has columns or expressions that it had not before: all "
        f"{COUNT} candidates are emitted again{cost}."
    )
    assert len(details_asked(workspace.box)) == COUNT * (stream in CHILDREN)


@pytest.mark.parametrize(
    ("stream", "name"),
    [
        ("candidates", "email"),
        ("candidates", "contact_info.properties.phone"),
        ("candidates", "extra"),
        ("candidate_details", "answers"),
        ("candidate_answers", "text_answer"),
    ],
)
def test_a_property_that_is_selected_later(
    workspace: Workspace, stream: str, name: str
) -> None:
    workspace.extract(f"{stream}.{name}")
    assert workspace.warnings == []
    workspace.extract(f"{stream}.{name}")
    assert workspace.emitted == set()
    workspace.extract()
    assert_filled(workspace, stream)
    assert_holds(workspace.target, expected(workspace.box.account), CANDIDATES[:3])
    workspace.extract()
    assert workspace.emitted == set()
    # A column that is deselected costs nothing; one that loses a part is another.
    workspace.extract(f"{stream}.{name}")
    assert workspace.emitted == ({stream} if "properties" in name else set())


RULES: list[tuple[Json, Json]] = [
    ({}, {"made": "'x'"}),
    ({"made": "'x'"}, {"made": "'y'"}),
    ({"job_opening_id": None}, {}),
    ({"__filter__": "position_of == 1"}, {}),
    ({"__else__": None, "job_opening_id": "job_opening_id"}, {}),
]


@pytest.mark.parametrize("stream", CANDIDATES[:3])
@pytest.mark.parametrize(("before", "after"), RULES, ids=str)
def test_an_expression_that_is_new_or_another(
    workspace: Workspace, stream: str, before: Json, after: Json
) -> None:
    keys = {"id": "id"}
    if stream == "candidate_answers":
        keys = {"candidate_id": "candidate_id", "position": "position"}
    before, after = dict(before), dict(after)
    if "__filter__" in before:
        before["__filter__"] = f"{next(iter(keys))} == ''"
    if "__else__" in before:
        before |= keys
    workspace.extract(stream_maps={stream: before} if before else {})
    workspace.extract(stream_maps={stream: after} if after else {})
    assert_filled(workspace, stream)
    workspace.extract(stream_maps={stream: after} if after else {})
    assert workspace.emitted == set()


@pytest.mark.parametrize("stream", CANDIDATES[:3])
def test_a_stream_that_a_map_takes_in_again(workspace: Workspace, stream: str) -> None:
    workspace.extract(stream_maps={stream: None})
    assert stream not in workspace.emitted
    workspace.extract()
    assert workspace.emitted == {stream}
    assert_holds(workspace.target, expected(workspace.box.account), CANDIDATES[:3])
    workspace.extract()
    assert workspace.emitted == set()


def test_flattening_that_begins_or_ends(workspace: Workspace) -> None:
    flat = {"flattening_enabled": True, "flattening_max_depth": 1}
    workspace.extract()
    workspace.extract(**flat)
    assert workspace.emitted == set(CANDIDATES[:3])  # a list of options is text then
    assert len(workspace.warnings) == 3
    workspace.extract(**flat)
    assert workspace.emitted == set()
    workspace.extract()
    assert workspace.emitted == set(CANDIDATES[:3])


def test_rows_of_the_history_are_not_told_again(workspace: Workspace) -> None:
    """They are added, and none is changed."""
    workspace.extract("candidate_history.score")
    workspace.extract()
    assert workspace.emitted == set()
    assert workspace.warnings == []


def test_whoever_a_run_that_dies_left_out_is_filled_by_the_next(
    workspace: Workspace,
) -> None:
    """The state that says what is written says who is owed it, too."""
    workspace.extract("candidates.email")
    workspace.extract()
    messages = workspace.messages
    states = [n for n, one in enumerate(messages) if one["type"] == "STATE"]
    for place in states:
        target = Target()
        target.load(messages[: place + 1])
        later = extract(settings(workspace.box), target.state)
        told = records(messages[: place + 1], "candidates") + records(
            later, "candidates"
        )
        assert {row["id"] for row in told} == set(workspace.box.account.listed_ids())
    assert RUNS not in workspace.emitted  # it was not selected
