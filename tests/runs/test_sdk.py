"""What the tap relies on in the SDK: each hook that it overrides, and its effect.

An upgrade of the SDK that renames a hook, or calls it elsewhere, fails here first.
"""

from __future__ import annotations

import inspect
import json
import re
import typing as t
from itertools import groupby

import pytest
from singer_sdk import Stream, Tap
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.pagination import BaseAPIPaginator
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from sandbox import Account, Sandbox
from tap_toggl_hire import messages, streams, tap
from tap_toggl_hire.api import pagination
from tap_toggl_hire.tap import TapTogglHire
from tests.support.messages import assert_one_schema_per_stream, candidate_of
from tests.support.streams import (
    ALL_STREAMS,
    CANDIDATE_STREAMS,
    CANDIDATES,
    DETAILS,
    HISTORY,
    LISTS,
    STATE_KEY,
    SYNC_RUNS,
)
from tests.support.tap import run_tap, settings

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.tap import CommandLineRun

Json = dict[str, t.Any]

MODULES = (streams, tap, messages, pagination)
HOOKS: dict[type, tuple[str, ...]] = {
    Stream: (
        "TYPE_CONFORMANCE_LEVEL",
        "__init__",
        "schema",
        "primary_keys",
        "replication_key",
        "get_records",
        "state_partitioning_keys",
        "parent_stream_type",
        "get_child_context",
        "replication_method",
    ),
    Tap: (
        "__init__",
        "config_jsonschema",
        "message_writer_class",
        "invoke",
        "cb_config",
        "cb_test",
        "discover_streams",
        "load_state",
        "sync_all",
        "_validate_config",
        "_handle_termination",
        "setup_mapper",
        "append_builtin_config",
        "get_singer_command",
    ),
    MsgSpecWriter: ("__init__", "write_message"),
    BaseAPIPaginator: ("__init__", "advance", "get_next"),
}
"""What is overridden, by the class of the SDK that calls it."""


def overrides() -> Iterator[tuple[type, str, t.Any]]:
    """Each name of a class here that a class of the SDK has, too."""
    classes = [
        cls
        for module in MODULES
        for cls in vars(module).values()
        if inspect.isclass(cls) and cls.__module__ == module.__name__
    ]
    for base, hooks in HOOKS.items():
        for cls in classes:
            if issubclass(cls, base):
                for name, value in vars(cls).items():
                    is_own = name.startswith("__") or name == "_abc_impl"
                    if name in hooks or (hasattr(base, name) and not is_own):
                        yield base, name, value


def test_overridden_hooks_exist_in_the_sdk() -> None:
    listed = {(base, name) for base, names in HOOKS.items() for name in names}
    assert {(base, name) for base, name, _ in overrides()} == listed
    assert [(base, name) for base, name in listed if not hasattr(base, name)] == []


# One run of everything


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """No test changes it."""
    with Sandbox(Account.example(candidates=250)) as running:
        yield running


@pytest.fixture(scope="module")
def run(sandbox: Sandbox) -> CommandLineRun:
    """A first run of everything, on the command line."""
    run = run_tap(settings(sandbox, emit_activate_version_messages=True))
    assert run.returncode == 0, run.stderr
    return run


def test_each_stream_has_one_schema_and_a_candidate_s_records_are_together(
    run: CommandLineRun,
) -> None:
    """The SDK's own loop writes a SCHEMA at every sync of a child stream."""
    schemas = [m["stream"] for m in run.of_type("SCHEMA")]
    assert sorted(schemas) == sorted(ALL_STREAMS)
    assert_one_schema_per_stream(run.messages)
    family = [m for m in run.of_type("RECORD") if m["stream"] in CANDIDATE_STREAMS]
    turns = [
        list(dict.fromkeys(m["stream"] for m in group))
        for _, group in groupby(family, lambda m: candidate_of(m["record"]))
    ]
    assert turns == [list(CANDIDATE_STREAMS)] * 250


MARKERS = (
    "partitions",
    "context",
    "progress_markers",
    "starting_replication_value",
    "replication_key_signpost",
    "max_replication_key_signpost",
    "batch",
)


def test_state_has_bookmarks_and_no_marker_of_the_sdk(run: CommandLineRun) -> None:
    states = run.of_type("STATE")
    assert 1 <= len(states) <= 5  # the SDK writes one per stream and sync
    for message in states:
        text = json.dumps(message)
        assert [marker for marker in MARKERS if f'"{marker}"' in text] == []
    assert states[-1]["value"].keys() == {"bookmarks", STATE_KEY}
    bookmarks = states[-1]["value"]["bookmarks"]
    for stream, key in (
        (CANDIDATES, "started_at"),
        (DETAILS, "started_at"),
        (HISTORY, "observed_at"),
        (SYNC_RUNS, "started_at"),
    ):
        largest = max(row[key] for row in run.records(stream))
        assert bookmarks[stream] == {
            "replication_key": key,
            "replication_key_value": largest,
        }


def test_second_run_begins_with_the_state_it_is_given(
    run: CommandLineRun, sandbox: Sandbox
) -> None:
    state = run.of_type("STATE")[-1]["value"]
    config = settings(sandbox, emit_activate_version_messages=True)
    second = run_tap(config, state={"singer_state": state})  # as Meltano prints it
    assert second.returncode == 0, second.stderr
    assert {m["stream"] for m in second.of_type("RECORD")} == {*LISTS, SYNC_RUNS}
    last = second.of_type("STATE")[-1]["value"]
    assert last[STATE_KEY]["candidates"] == state[STATE_KEY]["candidates"]
    # Of candidates, a run with a state activates no version.
    activated = {m["stream"] for m in second.of_type("ACTIVATE_VERSION")}
    assert activated == set(LISTS)


def test_program_finds_the_last_state_in_the_tap(
    sandbox: Sandbox, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    tap = TapTogglHire(config=settings(sandbox))
    tap.sync_all()
    last = json.loads(capsysbinary.readouterr().out.splitlines()[-1])
    assert last["value"] == tap.state
    next_tap = TapTogglHire(config=settings(sandbox), state=last["value"])
    assert dict(next_tap.state)[STATE_KEY] == last["value"][STATE_KEY]


METRIC = re.compile(r"METRIC: (\{.*\})")


def test_metrics_are_logged_once_at_the_end(run: CommandLineRun) -> None:
    lines = run.stderr.splitlines()
    points = [json.loads(m[1]) for line in lines if (m := METRIC.search(line))]
    counts = {
        p["tags"]["stream"]: p["value"] for p in points if p["metric"] == "record_count"
    }
    assert counts == {stream: len(run.records(stream)) for stream in ALL_STREAMS}
    requests = {
        p["tags"]["endpoint"]: p["value"]
        for p in points
        if p["metric"] == "http_request_count"
    }
    assert requests["/candidates/{id}"] == 250
    assert requests["/tags"] == requests["/openings"] == 1
    (duration,) = (p for p in points if p["metric"] == "sync_duration")
    assert duration["type"] == "timer"
    assert duration["tags"]["status"] == "succeeded"
    assert duration["value"] > 0
    assert len(points) == len(counts) + len(requests) + 1
    others = [line for line in lines if "METRIC" not in line]
    assert len(others) <= 10
    assert "250 candidates listed: 250 new, 0 changed, " in lines[-1]
    assert "context" not in run.stderr


# The other hooks


def test_settings_are_completed_and_checked_by_the_tap(sandbox: Sandbox) -> None:
    tap = TapTogglHire(config=settings(sandbox))
    assert (tap.config["page_size"], tap.config["pii"]) == (100, "keep")
    assert type(tap.message_writer) is messages.MessageWriter
    wrong = TapTogglHire(config={"page_size": 0}, validate_config=False)
    problems = wrong._validate_config(raise_errors=False)
    assert {problem.split()[1] for problem in problems} == {"page_size", "api_key"}


# The SDK's own tests of a tap, against the sandbox

SUITE_SETTINGS: Json = {"api_key": "sandbox-key", "api_url": "http://127.0.0.1:9/api"}

SuiteOfTheSDK: t.Any = get_tap_test_class(
    TapTogglHire,
    config=SUITE_SETTINGS,
    suite_config=SuiteConfig(
        max_records_limit=20,
        ignore_no_records_for_streams=[SYNC_RUNS],  # the SDK's loop is no run
    ),
    parse_env_config=False,
)


# Of `_sdc_deleted_at`, it finds only nulls, and warns.
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
