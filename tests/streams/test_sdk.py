"""What the tap relies on in the SDK: each hook that it overrides, by what comes of it.

An upgrade of the SDK that renames a hook, or calls it elsewhere, fails here first.
"""

from __future__ import annotations

import inspect
import itertools
import json
import signal
import subprocess
import typing as t

import pytest
from singer_sdk import Stream, Tap
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.pagination import BaseAPIPaginator
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from sandbox import Account, Sandbox
from tap_toggl_hire import bases, streams, tap, writer
from tap_toggl_hire.api import pagination
from tap_toggl_hire.tap import TapTogglHire
from tests.streams.checks import (
    CANDIDATES,
    LISTS,
    RUNS,
    STREAMS,
    assert_holds,
    expected,
    loaded,
    refusal,
    settings,
    told_by,
)
from tests.support import catalog, extract, run_tap
from tests.support.tap import clean_environment, command_line

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support import Run

Json = dict[str, t.Any]

UPSERTED = ("candidates", "candidate_details", "candidate_answers")
WHOLE = (*LISTS, *UPSERTED)
"""What a first load reads whole, and upserts."""

MODULES = (bases, streams, tap, writer, pagination)
HOOKS: dict[type, tuple[str, ...]] = {
    Stream: (
        "TYPE_CONFORMANCE_LEVEL",
        *("__init__", "schema", "primary_keys", "replication_key", "get_records"),
        *("state_partitioning_keys", "parent_stream_type", "get_child_context"),
        "replication_method",
    ),
    Tap: (
        *("__init__", "name", "config_jsonschema", "message_writer_class", "invoke"),
        *("cb_config", "cb_test", "discover_streams", "load_state", "sync_all"),
        *("_validate_config", "_handle_termination", "setup_mapper"),
    ),
    MsgSpecWriter: ("write_message",),
    BaseAPIPaginator: ("__init__", "advance", "get_next"),
}
"""What is overridden, by the class of the SDK that calls it."""


def overrides() -> Iterator[tuple[type, str, t.Any]]:
    """Each name that a class here has and a class of the SDK has, too."""
    classes = [
        one
        for module in MODULES
        for one in vars(module).values()
        if inspect.isclass(one) and one.__module__ == module.__name__
    ]
    for base, listed in HOOKS.items():
        for one in classes:
            if issubclass(one, base):
                for name, value in vars(one).items():
                    own = name.startswith("__") or name == "_abc_impl"
                    if name in listed or (hasattr(base, name) and not own):
                        yield base, name, value


def test_the_hooks_are_those_that_are_overridden() -> None:
    """One that the SDK has no longer is missing; so is one that nobody listed."""
    listed = {(base, name) for base, names in HOOKS.items() for name in names}
    assert {(base, name) for base, name, _ in overrides()} == listed
    assert [(base, name) for base, name in listed if not inspect_has(base, name)] == []


def test_of_a_stream_no_private_hook_is_overridden() -> None:
    assert [n for n in HOOKS[Stream] if n.startswith("_") and n != "__init__"] == []


def inspect_has(base: type, name: str) -> bool:
    """Whether a class has a name, or says that its instances have it."""
    hints = {
        key for one in base.__mro__ for key in vars(one).get("__annotations__", {})
    }
    return hasattr(base, name) or name in hints


@pytest.mark.parametrize(
    ("base", "name", "ours"),
    [
        pytest.param(base, name, value, id=f"{base.__name__}.{name}")
        for base, name, value in overrides()
        if inspect.isfunction(value) and name != "__init__"
    ],
)
def test_a_hook_takes_what_the_sdk_gives_it(base: type, name: str, ours: t.Any) -> None:
    theirs = inspect.signature(inspect.getattr_static(base, name))
    mine = inspect.signature(ours)
    positional: list[None] = []
    named: dict[str, None] = {}
    for parameter in theirs.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = None
        elif parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            positional.append(None)
    mine.bind(*positional, **named)  # raises where it does not fit


# What the hooks bring about


def of(messages: list[Json], kind: str) -> list[Json]:
    return [message for message in messages if message["type"] == kind]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """Three batches of candidates; nobody changes them."""
    with Sandbox(Account.example(candidates=250)) as running:
        yield running


@pytest.fixture(scope="module")
def run(box: Sandbox) -> Run:
    """A first run of everything."""
    made = run_tap(settings(box, emit_activate_version_messages=True))
    assert made.returncode == 0, made.stderr
    return made


def test_one_schema_a_stream_before_its_first_record(run: Run) -> None:
    """`sync_all`: the SDK's own writes one at every sync of a child."""
    schemas = [m["stream"] for m in of(run.messages, "SCHEMA")]
    assert sorted(schemas) == sorted(STREAMS)
    seen: set[str] = set()
    for message in run.messages:
        if message["type"] == "SCHEMA":
            seen.add(message["stream"])
        elif message["type"] == "RECORD":
            assert message["stream"] in seen


def test_activate_version_is_the_last_of_a_stream_that_is_read_whole(run: Run) -> None:
    """A first load reads candidates whole, too; no stream of rows that are added."""
    told = of(run.messages, "ACTIVATE_VERSION")
    assert sorted(m["stream"] for m in told) == sorted(WHOLE)
    for message in told:
        of_stream = [m for m in run.messages if m.get("stream") == message["stream"]]
        assert of_stream[-1] == message
        versions = {m["version"] for m in of(of_stream, "RECORD")}
        assert versions == {message["version"]}
    for record in of(run.messages, "RECORD"):
        assert ("version" in record) is (record["stream"] in WHOLE)


def test_of_candidates_a_later_run_activates_no_version(run: Run, box: Sandbox) -> None:
    state = of(run.messages, "STATE")[-1]["value"]
    config = settings(box, emit_activate_version_messages=True)
    messages = extract(config, state)
    told = of(messages, "ACTIVATE_VERSION")
    assert sorted(m["stream"] for m in told) == sorted(LISTS)
    versioned = {m["stream"] for m in of(messages, "RECORD") if "version" in m}
    assert versioned == set(LISTS)


NARROWER: list[Json] = [
    {"start_date": "2025-03-01"},
    {"candidate_filters": {"min_score": 1}},
    {"part": "1/2"},
]


@pytest.mark.parametrize("narrower", NARROWER, ids=str)
def test_a_first_load_that_is_narrowed_activates_no_version_of_candidates(
    box: Sandbox, narrower: Json
) -> None:
    """It leaves out candidates that may be in the warehouse, and are not deleted."""
    config = settings(box, emit_activate_version_messages=True, **narrower)
    told = of(extract(config), "ACTIVATE_VERSION")
    assert sorted(m["stream"] for m in told) == sorted(LISTS)


def test_activate_version_is_not_told_unasked(box: Sandbox) -> None:
    assert of(extract(settings(box)), "ACTIVATE_VERSION") == []


@pytest.mark.parametrize("narrower", [{}, *NARROWER], ids=str)
def test_candidates_as_full_tables(box: Sandbox, narrower: Json) -> None:
    """Each tells its version at its end, the children too; but not of a part."""
    config = settings(box, emit_activate_version_messages=True, **narrower)
    methods = dict.fromkeys(CANDIDATES, "FULL_TABLE")
    messages = extract(config, catalog=catalog(config, *CANDIDATES, **methods))
    told = [m["stream"] for m in of(messages, "ACTIVATE_VERSION")]
    assert sorted(told) == ([] if narrower else sorted(UPSERTED))
    last = {m["stream"]: n for n, m in enumerate(messages) if m["type"] == "RECORD"}
    for place, message in enumerate(messages):
        if message["type"] == "ACTIVATE_VERSION":
            assert place > last[message["stream"]]


def test_each_run_has_a_version_of_its_own(sandbox: Callable[..., Sandbox]) -> None:
    """Two runs in one second, too: what the second lacks is marked."""
    box = sandbox(Account.example(candidates=1))
    config = settings(box, emit_activate_version_messages=True)
    gone = box.account.tags()[0]["id"]
    target = loaded(extract(config))
    box.account.delete_tag(gone)
    target.load(extract(config, target.state))
    assert set(target.deleted("tags")) == {gone}
    assert_holds(target, expected(box.account), deleted=True)


MARKERS = (
    *("partitions", "context", "progress_markers", "starting_replication_value"),
    *("replication_key_signpost", "max_replication_key_signpost", "batch"),
)


def test_the_state_has_bookmarks_and_no_marker_of_the_sdk(run: Run) -> None:
    """`sync_all`, `state_partitioning_keys`."""
    states = of(run.messages, "STATE")
    for message in states:
        text = json.dumps(message)
        assert [marker for marker in MARKERS if f'"{marker}"' in text] == []
    bookmarks = states[-1]["value"]["bookmarks"]
    latest = run.records("candidates")[-1]["started_at"]
    assert set(bookmarks["candidates"]) == {
        *("replication_key", "replication_key_value", "digests"),
    }
    for stream in ("candidates", "candidate_details"):
        assert bookmarks[stream]["replication_key"] == "started_at"
        assert bookmarks[stream]["replication_key_value"] == latest


def test_no_state_is_ahead_of_the_records(run: Run) -> None:
    """`sync_all`: only where all streams of a candidate are out."""
    for place, message in enumerate(run.messages):
        if message["type"] != "STATE":
            continue
        bookmark = message["value"]["bookmarks"].get("candidates", {})
        if "replication_key_value" in bookmark:
            before = of(run.messages[:place], "RECORD")
            ids = {
                stream: {
                    m["record"].get("candidate_id", m["record"].get("id"))
                    for m in before
                    if m["stream"] == stream
                }
                for stream in CANDIDATES
            }
            assert ids["candidates"]
            assert len({frozenset(one) for one in ids.values()}) == 1


def test_states_are_few(run: Run) -> None:
    """The SDK writes one for each stream, each sync and each 10,000 records."""
    assert 1 <= len(of(run.messages, "STATE")) <= 5


def test_a_second_run_begins_with_the_state_it_was_given(
    run: Run, box: Sandbox
) -> None:
    """`load_state` is called, and sync leaves nothing of the SDK's behind."""
    state = of(run.messages, "STATE")[-1]["value"]
    second = run_tap(settings(box), state=state)
    assert second.returncode == 0, second.stderr
    assert {m["stream"] for m in of(second.messages, "RECORD")} == {*LISTS, RUNS}
    last = of(second.messages, "STATE")[-1]["value"]["bookmarks"]
    assert (
        last["candidates"]["digests"]["inventory"]
        == (state["bookmarks"]["candidates"]["digests"]["inventory"])
    )


def test_the_records_of_a_candidate_come_together(run: Run, box: Sandbox) -> None:
    """`sync_all`: each candidate once, stream after stream."""
    records = [m for m in of(run.messages, "RECORD") if m["stream"] in CANDIDATES]
    turns = [
        (candidate_id, list(dict.fromkeys(m["stream"] for m in group)))
        for candidate_id, group in itertools.groupby(records, candidate_of)
    ]
    assert turns == [(one, list(CANDIDATES)) for one in box.account.listed_ids()]


def candidate_of(message: Json) -> str:
    record = message["record"]
    return str(record.get("candidate_id", record.get("id")))


def test_the_log_tells_of_a_run_once(run: Run) -> None:
    """`sync_all`: the SDK's own has lines for each sync of each child."""
    lines = run.stderr.splitlines()
    assert len(lines) <= 10
    assert "METRIC" not in run.stderr
    assert "context" not in run.stderr
    assert "250 candidates: 250 new, 0 changed, " in lines[-1]


def test_a_failure_is_told_in_one_line(sandbox: Callable[..., Sandbox]) -> None:
    """`sync_all`: the SDK tells of it, too, once for each stream on the way out."""
    box = sandbox(Account.example(candidates=3))
    run = run_tap(settings(box) | {"api_key": "wrong"})
    assert run.returncode == 1
    errors = [line for line in run.stderr.splitlines() if "| ERROR" in line]
    assert errors == run.stderr.splitlines()[-1:]
    assert "Traceback" not in run.stderr


def test_a_tombstone_has_every_column_and_only_its_key_and_mark_not_null(
    sandbox: Callable[..., Sandbox],
) -> None:
    """`sync_all`: the SDK would fill in nothing, or fail."""
    box = sandbox(Account.example(candidates=4))
    config = settings(box)
    target = loaded(extract(config))
    gone = box.account.listed_ids()[0]
    questions = len(box.account.detail(gone)["questions"])
    box.account.delete(gone)
    messages = extract(config, target.state)
    target.load(messages)  # which takes complete records only
    tombstones = [
        (m["stream"], told_by(m["record"]))
        for m in of(messages, "RECORD")
        if m["record"].get("_sdc_deleted_at")
    ]
    assert tombstones == [
        ("candidates", {"id": gone}),
        ("candidate_details", {"id": gone}),
        *(
            ("candidate_answers", {"candidate_id": gone, "position": position})
            for position in range(questions)
        ),
    ]


def test_the_settings_are_checked_by_the_tap(box: Sandbox) -> None:
    """`_validate_config`: defaults filled in, and problems told when asked for."""
    made = TapTogglHire(config=settings(box))
    assert made.config["page_size"] == 100
    assert made.config["pii"] == "keep"
    wrong = TapTogglHire(config={"page_size": 0}, validate_config=False)
    problems = wrong._validate_config(raise_errors=False)
    assert [problem.split()[1] for problem in problems] == ["page_size", "api_key"]


def test_messages_go_through_the_tap_s_own_writer(box: Sandbox) -> None:
    """`message_writer_class`."""
    made = TapTogglHire(config=settings(box))
    assert type(made.message_writer) is writer.MessageWriter


def test_signals_are_the_tap_s_to_handle(box: Sandbox) -> None:
    """`_handle_termination`: registered when a tap is made."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        made = TapTogglHire(config=settings(box))
        for number in SIGNALS:
            assert signal.getsignal(number) == made._handle_termination
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_a_run_with_its_state(
    sandbox: Callable[..., Sandbox], number: signal.Signals, tmp_path: Path
) -> None:
    """`_handle_termination`: the SDK would exit with 0."""
    box = sandbox(Account.example(candidates=150), latency=0.002)
    command = command_line(tmp_path, settings(box, max_concurrency=1))
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(),
        text=True,
    )

    def stop_at_the_120th(request: t.Any) -> None:
        if request.kind == "candidate" and box.stats.count("candidate") == 120:
            process.send_signal(number)

    box.on_request = stop_at_the_120th
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert f"Stopped by {number.name}" in stderr.splitlines()[-1]
    assert "Traceback" not in stderr
    messages = [json.loads(line) for line in stdout.splitlines()]
    assert messages[-1]["type"] == "STATE"
    # What came is vouched for: it is not read again.
    box.on_request = None
    target = loaded(messages)
    done = len(target.alive("candidate_history"))  # the last stream of each
    assert 100 <= done < 120
    box.stats.reset()
    target.load(extract(settings(box), target.state))
    assert box.stats.count("candidate") == 150 - done
    assert_holds(target, expected(box.account))


def test_the_command_line_hands_over_what_it_is_given() -> None:
    """`invoke`, `cb_config`: what the SDK's command line calls, and with what."""
    command = TapTogglHire.get_singer_command()
    names = {parameter.name for parameter in command.params}
    given = set(inspect.signature(Tap.invoke).parameters)
    assert given == {"about", "about_format", "config", "state", "catalog"}
    assert given <= names
    config = next(one for one in command.params if one.name == "config")
    assert config.callback == TapTogglHire.cb_config


NO_JSON = '{"api_key": "s3cr3t'


@pytest.mark.parametrize(
    ("option", "content"),
    [
        *(("--config", NO_JSON), ("--config", "[1]"), ("--config", "")),
        *(("--state", NO_JSON), ("--state", "[1]"), ("--state", '"s3cr3t"')),
        *(("--catalog", NO_JSON), ("--catalog", "[1]")),
        *(("--catalog", '{"streams": 5}'), ("--catalog", '{"streams": [{}]}')),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_told(
    sandbox: Callable[..., Sandbox], option: str, content: str, tmp_path: Path
) -> None:
    box = sandbox(Account.example(candidates=1))
    right, wrong = tmp_path / "right.json", tmp_path / "wrong.json"
    right.write_text(json.dumps(settings(box)))
    wrong.write_text(content)
    sentence = refusal("--config", str(right), option, str(wrong))
    assert option.strip("-") in sentence
    assert "\n" not in sentence
    assert "s3cr3t" not in sentence
    assert box.stats.requests == 0


# The SDK's own tests of a tap, against the sandbox

SUITE_SETTINGS: Json = {"api_key": "sandbox-key", "api_url": "http://127.0.0.1:9/api"}

SuiteOfTheSDK: t.Any = get_tap_test_class(
    TapTogglHire,
    config=SUITE_SETTINGS,
    suite_config=SuiteConfig(
        max_records_limit=20,
        ignore_no_records_for_streams=[RUNS],  # a test run is none
    ),
    parse_env_config=False,
)


# Of `_sdc_deleted_at`, it has only nulls to look at, and warns.
@pytest.mark.filterwarnings("ignore:No records were available to test")
class TestTapTogglHire(SuiteOfTheSDK):  # type: ignore[misc]
    """Offline: the sandbox starts before the SDK's runner syncs."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _api(cls) -> Iterator[None]:
        account = Account.example(candidates=12)
        with Sandbox(account, SUITE_SETTINGS["api_key"]) as running:
            SUITE_SETTINGS["api_url"] = running.url
            yield
