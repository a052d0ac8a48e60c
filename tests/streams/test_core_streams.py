"""All streams equal the truth, in every shape that the API may take."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from jsonschema import Draft7Validator

from sandbox import Account, Shapes
from tests.streams.checks import (
    RUNS,
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
from tests.support import KEYS, extract, run_tap

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

LastPage = t.Literal["null", "empty", "missing", "no_links", "empty_links"]
NextLink = t.Literal["absolute", "path", "bare"]
OverLimit = t.Literal["cut", "refuse"]


def test_640_candidates_through_the_command_line(
    sandbox: Callable[..., Sandbox],
) -> None:
    box = sandbox(Account.example(candidates=640, in_progress=20))
    run = run_tap(settings(box))
    assert run.returncode == 0, run.stderr
    target = loaded(run.messages)
    assert_holds(target, expected(box.account))
    everybody = set(box.account.listed_ids())
    created = history(target, "created")
    assert set(created) == everybody
    for candidate_id, row in created.items():
        assert said(row) == expected_history(box.account, candidate_id)
    asked = details_asked(box)
    assert len(asked) == 640
    assert set(asked) == everybody
    assert box.stats.without_key == 0
    assert {request.method for request in box.stats.log} == {"GET"}
    assert box.stats.max_in_flight <= 8
    # Each record of a stream once, and in the order in which they started.
    for stream, keys in KEYS.items():
        records = run.records(stream)
        assert len({tuple(r[k] for k in keys) for r in records}) == len(records)
    assert [r["id"] for r in run.records("candidates")] == box.account.listed_ids()


SHAPES = [
    Shapes(
        last_page=last_page,
        next_link=next_link,
        page_small_lists=page_small_lists,
        over_limit=over_limit,
        max_limit=4,
    )
    for last_page, next_link, page_small_lists, over_limit in itertools.product(
        *(t.get_args(hint) for hint in (LastPage, NextLink)),
        (None, 2),
        t.get_args(OverLimit),
    )
]


def name(shapes: Shapes) -> str:
    small = shapes.page_small_lists
    return f"{shapes.last_page}-{shapes.next_link}-{small}-{shapes.over_limit}"


@pytest.mark.parametrize("shapes", SHAPES, ids=name)
def test_every_shape_of_the_lists(
    sandbox: Callable[..., Sandbox], shapes: Shapes
) -> None:
    """Sixteen candidates in pages of four; openings and more in pages of two."""
    account = Account.example(candidates=16, openings=4, tags=3)
    box = sandbox(account, shapes=shapes)
    page_size = 4 if shapes.over_limit == "refuse" else 50
    target = loaded(extract(settings(box, page_size=page_size)))
    assert_holds(target, expected(account))
    asked = details_asked(box)
    assert sorted(asked) == sorted(account.listed_ids())
    assert box.stats.without_key == 0


@pytest.mark.parametrize("page_size", [1, 5, 40])
def test_pages_that_are_just_full_and_lead_to_an_empty_one(
    sandbox: Callable[..., Sandbox], page_size: int
) -> None:
    box = sandbox(shapes=Shapes(trailing_link=True))
    target = loaded(extract(settings(box, page_size=page_size)))
    assert_holds(target, expected(box.account))
    assert sorted(details_asked(box)) == sorted(box.account.listed_ids())


@pytest.mark.parametrize("trailing_link", [False, True])
def test_lists_that_do_not_tell_how_long_they_are(
    sandbox: Callable[..., Sandbox],
    trailing_link: bool,  # noqa: FBT001
) -> None:
    """Then an empty page may mean a dead anchor, which is looked for: once a list."""
    box = sandbox(shapes=Shapes(total="missing", trailing_link=trailing_link))
    target = loaded(extract(settings(box, page_size=5)))
    assert_holds(target, expected(box.account))
    lists = 1 + len(box.account.tags())
    assert len(details_asked(box)) <= 40 + lists * trailing_link


@pytest.mark.parametrize(
    ("drop", "null", "extra"),
    [one for one in itertools.product((False, True), repeat=3) if any(one)],
)
def test_every_shape_of_the_objects(
    sandbox: Callable[..., Sandbox],
    drop: bool,  # noqa: FBT001
    null: bool,  # noqa: FBT001
    extra: bool,  # noqa: FBT001
) -> None:
    shapes = Shapes(drop_fields=drop, null_fields=null, extra_fields=extra)
    box = sandbox(shapes=shapes)
    target = loaded(extract(settings(box)))
    assert_holds(target, expected(box.account, shapes))


def test_records_are_valid_and_schemas_come_first(
    sandbox: Callable[..., Sandbox],
) -> None:
    box = sandbox(shapes=Shapes(drop_fields=True, null_fields=True))
    validators: dict[str, Draft7Validator] = {}
    columns: dict[str, set[str]] = {}
    for message in extract(settings(box)):
        if message["type"] == "SCHEMA":
            stream = message["stream"]
            assert stream not in validators
            assert message["key_properties"] == list(KEYS[stream])
            columns[stream] = set(message["schema"]["properties"])
            validators[stream] = Draft7Validator(
                message["schema"], format_checker=Draft7Validator.FORMAT_CHECKER
            )
        elif message["type"] == "RECORD":
            record, stream = message["record"], message["stream"]
            assert not list(validators[stream].iter_errors(record))
            assert set(record) == columns[stream]
    assert set(validators) == set(STREAMS)


def test_a_new_field_is_reported_once_a_run_and_kept(
    sandbox: Callable[..., Sandbox],
) -> None:
    shapes = Shapes(extra_fields=True)
    box = sandbox(shapes=shapes)
    run = run_tap(settings(box))
    assert run.returncode == 0
    assert_holds(loaded(run.messages), expected(box.account, shapes))
    assert "PRIVATE" in run.records("candidates")[0]["extra"]
    assert "PRIVATE" not in run.stderr
    told = [line for line in run.stderr.splitlines() if "new_field" in line]
    assert told
    assert all("| WARNING " in line for line in told)
    fields = [line.split("Field ")[1] for line in told]
    assert len(fields) == len(set(fields))
    assert any(field.startswith("new_field of candidates ") for field in fields)
    assert any("questions[].options[].new_field of candidate_d" in f for f in fields)


def empty_account(kind: str) -> Account:
    account = Account(seed=3)
    if kind != "nothing at all":
        opening_id = account.add_opening()
        account.add_category(opening_id)
        account.add_tag()
    if kind == "candidates at the test":
        for _ in range(3):
            account.add_candidate(submitted=False)
    return account


@pytest.mark.parametrize(
    "kind", ["nothing at all", "openings alone", "candidates at the test"]
)
@pytest.mark.parametrize("last_page", ["null", "no_links"])
def test_a_workspace_without_a_candidate(
    sandbox: Callable[..., Sandbox], kind: str, last_page: t.Any
) -> None:
    box = sandbox(empty_account(kind), shapes=Shapes(last_page=last_page))
    messages = extract(settings(box))
    target = loaded(messages)
    assert_holds(target, expected(box.account))
    assert set(target.tables) == set(STREAMS)  # each has its SCHEMA
    assert target.state is not None
    assert details_asked(box) == []
    # The next run finds the first one.
    first = box.account.add_candidate()
    target.load(extract(settings(box), state=target.state))
    assert set(target.alive("candidates")) == {first}
    assert_holds(target, expected(box.account))


def test_a_workspace_without_a_candidate_through_the_command_line(
    sandbox: Callable[..., Sandbox],
) -> None:
    run = run_tap(settings(sandbox(Account())))
    assert run.returncode == 0, run.stderr
    assert {m["stream"] for m in run.messages if m["type"] == "RECORD"} == {RUNS}
    assert run.messages[-1]["type"] == "STATE"


def test_a_page_size_that_the_api_cuts_down(sandbox: Callable[..., Sandbox]) -> None:
    box = sandbox(shapes=Shapes(max_limit=9, over_limit="cut"))
    target = loaded(extract(settings(box, page_size=5000)))
    assert_holds(target, expected(box.account))
    pages = [r for r in box.stats.log if r.kind == "candidates"]
    assert {request.query["limit"] for request in pages} == {"5000"}


def test_a_page_size_that_the_api_refuses(sandbox: Callable[..., Sandbox]) -> None:
    """There are tags, too, whose lists are asked with `tag_ids`: no setting."""
    box = sandbox(shapes=Shapes(max_limit=9, over_limit="refuse"))
    run = run_tap(settings(box, page_size=10))
    assert run.returncode == 1
    error = run.stderr.splitlines()[-1]
    assert "ERROR" in error
    assert "page_size" in error
    assert "ValidationError" in error
    assert "candidate_filters" not in error
    assert "job_opening_ids" not in error
    assert not run.records("candidates")


def test_requests_say_who_asks(sandbox: Callable[..., Sandbox]) -> None:
    box = sandbox(Account.example(candidates=3))
    extract(settings(box))
    headers = [request.headers for request in box.stats.log]
    assert {one["authorization"] for one in headers} == {f"Bearer {box.api_key}"}
    assert {one["accept"] for one in headers} == {"application/json"}
    agents = {one["user-agent"] for one in headers}
    assert len(agents) == 1
    assert agents.pop().startswith("tap-toggl-hire/0.")
