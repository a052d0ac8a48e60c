"""The tap: its settings, its state and its streams, on the hooks of the SDK."""

from __future__ import annotations

import json
import signal
import typing as t

import pytest

from tap_toggl_hire.errors import SettingError, StateError
from tap_toggl_hire.sync.plan import Held, Known
from tap_toggl_hire.sync.state import KEY as STATE_KEY
from tap_toggl_hire.sync.state import State
from tap_toggl_hire.tap import TapTogglHire
from tests.support.clock import FakeClock
from tests.support.streams import ALL_STREAMS, CANDIDATES
from tests.support.tap import invoke, rejection
from tests.unit.offline_tap import KEY

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Json = dict[str, t.Any]

WRONG = "s3cr3t"


@pytest.fixture
def file(tmp_path: Path) -> Callable[[t.Any], str]:
    """Write a file, bytes and text as they are and anything else as JSON."""

    def write(content: t.Any) -> str:
        path = tmp_path / "file"
        if not isinstance(content, bytes | str):
            content = json.dumps(content)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(data)
        return str(path)

    return write


# Discovery


def test_discovery_needs_no_settings() -> None:
    catalog = json.loads(invoke("--discover").stdout)
    names = [stream["tap_stream_id"] for stream in catalog["streams"]]
    assert sorted(names) == sorted(ALL_STREAMS)


def test_about_describes_the_settings_of_the_sdk_in_our_words() -> None:
    result = invoke("--about", "--format=json")
    properties = json.loads(result.stdout)["settings"]["properties"]
    assert "api_key" in properties
    assert properties["stream_maps"]["description"]
    assert all(setting.get("description") for setting in properties.values())


def test_help_says_what_test_does() -> None:
    output = invoke("--help").stdout
    assert "at most 12 requests" in " ".join(output.split())


# --config


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (f'{{"api_key":\n "{WRONG}', "not valid JSON (line 2, column 2)"),
        (b'"\xff"', "not valid JSON in UTF-8"),
        ("[" * 100_000, "not valid JSON in UTF-8"),
        ([WRONG], "not a JSON object"),
        ("", "not valid JSON (line 1, column 1)"),
    ],
)
def test_config_that_is_no_object_is_rejected(
    file: Callable[[t.Any], str], content: t.Any, words: str
) -> None:
    path = file(content)
    message = rejection("--config", path)
    assert message == f"--config {path}: {words}."  # nothing of the content


def test_config_that_cannot_be_read_is_rejected(tmp_path: Path) -> None:
    missing = tmp_path / "missing.json"
    assert rejection("--config", str(missing)) == f"--config {missing}: no such file."
    message = rejection("--config", str(tmp_path))
    assert message.startswith(f"--config {tmp_path}: ")
    assert "directory" in message


def test_invalid_settings_are_rejected_and_not_repeated(
    file: Callable[[t.Any], str],
) -> None:
    message = rejection("--config", file({**KEY, "page_size": WRONG}))
    assert "Setting page_size " in message
    assert WRONG not in message


def test_invalid_variable_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAP_TOGGL_HIRE_PAGE_SIZE", WRONG)
    message = rejection("--config=ENV")
    assert "Setting page_size " in message
    assert WRONG not in message


def test_defaults_are_filled_in() -> None:
    config = TapTogglHire(config={**KEY, "page_size": None}).config
    assert config["page_size"] == 100
    assert config["api_url"] == "https://api.hire.toggl.com/api"
    assert config["api_key"] == KEY["api_key"]


def test_stream_map_that_is_invalid_names_its_setting() -> None:
    config = {**KEY, "stream_maps": {CANDIDATES: {"name": "not valid +"}}}
    with pytest.raises(SettingError, match="Setting stream_maps is invalid"):
        TapTogglHire(config=config)


# --state and --catalog


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (" \n", "the file is empty"),
        (f'{{"{WRONG}', "it is not valid JSON"),
        ("[" * 100_000, "it is not valid JSON"),
        ([], "it is not a JSON object"),
        ({WRONG: 1}, "it lacks the key"),
        ({"type": "STATE", "value": {}}, "it is a whole STATE message"),
    ],
)
def test_file_that_is_no_state_is_rejected(
    file: Callable[[t.Any], str], tmp_path: Path, content: t.Any, words: str
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(KEY))
    message = rejection("--config", str(config), "--state", file(content))
    assert words in message
    assert WRONG not in message


@pytest.mark.parametrize(
    "content", [f'{{"{WRONG}', [], {"streams": [5]}, {"streams": [{}]}, "[" * 100_000]
)
def test_file_that_is_no_catalog_is_rejected(
    file: Callable[[t.Any], str], tmp_path: Path, content: t.Any
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(KEY))
    message = rejection("--config", str(config), "--catalog", file(content))
    assert message.startswith("The file of --catalog is not a Singer catalog")
    assert WRONG not in message


def state_of_a_run() -> Json:
    """Return a state that knows a candidate."""
    state = State()
    state.inventory["1"] = Known((Held.CURRENT,) * 4)
    bookmarks = {CANDIDATES: {"replication_key_value": "2026-01-05T09:00:00Z"}}
    return {"bookmarks": bookmarks, STATE_KEY: state.dump()}


@pytest.mark.parametrize("is_wrapped", [True, False])
def test_state_is_read_with_its_bookmarks(*, is_wrapped: bool) -> None:
    state = state_of_a_run()
    given = {"singer_state": state} if is_wrapped else state
    tap = TapTogglHire(config=KEY, state=given)
    assert [key for key, _ in tap.own_state.inventory.items()] == ["1"]
    assert tap.state == state


def test_first_run_has_no_state() -> None:
    states: list[Json | None] = [None, {}, {"bookmarks": {"tags": {}}}]
    for state in states:
        tap = TapTogglHire(config=KEY, state=state)
        assert len(tap.own_state.inventory) == 0
        assert STATE_KEY not in tap.state


def test_bookmarks_of_candidates_alone_are_rejected() -> None:
    with pytest.raises(StateError):
        TapTogglHire(config=KEY, state={"bookmarks": {CANDIDATES: {}}})


# The session


def test_time_limit_counts_from_the_start_of_the_tap() -> None:
    clock = FakeClock()

    class TimedTap(TapTogglHire):
        machine = clock

    tap = TimedTap(config={**KEY, "time_limit_minutes": 1})
    clock.now += 40
    assert tap.session.stop is tap.stop
    assert tap.stop.patience == 20 + 5
    unlimited = TapTogglHire(config=KEY)
    assert unlimited.session.stop.patience > 1e9


def test_session_is_made_once_of_the_settings() -> None:
    tap = TapTogglHire(config={**KEY, "max_concurrency": 3})
    session = tap.session
    assert session is tap.session
    assert session.workers.size == 3
    assert session.settings.api_key == KEY["api_key"]
    assert session.workers.stop is session.stop


@pytest.mark.parametrize("user_agent", [None, "etl/2"])
def test_requests_name_the_tap_or_what_the_settings_say(
    user_agent: str | None,
) -> None:
    tap = TapTogglHire(config={**KEY, "user_agent": user_agent})
    headers = tap.session.client._transport._headers
    expected = user_agent or f"tap-toggl-hire/{tap.plugin_version}"
    assert headers["User-Agent"] == expected


def test_signal_asks_the_run_to_stop() -> None:
    tap = TapTogglHire(config=KEY)
    tap._handle_termination(signal.SIGTERM, None)
    assert tap.session.stop.signum == signal.SIGTERM
