"""Messages on stdout: whole, and a state never ahead of its records."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import typing as t

import pytest
from singer_sdk.singerlib import RecordMessage, StateMessage

from tap_toggl_hire import writer
from tap_toggl_hire.errors import TapError
from tap_toggl_hire.writer import MessageWriter

if t.TYPE_CHECKING:
    from collections.abc import Callable


class Pipe(io.RawIOBase):
    """Where stdout leads to: what has arrived there, and what happens meanwhile."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.arrived = b""
        self.meanwhile: list[Callable[[], object]] = []
        self._monkeypatch = monkeypatch

    def writer(self) -> MessageWriter:
        """Make a writer; only now, as pytest itself moves stdout before a test."""
        buffer = io.BufferedWriter(self, buffer_size=1 << 20)
        self._monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer))
        return MessageWriter()

    def writable(self) -> bool:
        return True

    def write(self, data: t.Any) -> int:
        while self.meanwhile:
            self.meanwhile.pop()()
        self.arrived += bytes(data)
        return len(data)

    @property
    def messages(self) -> list[dict[str, t.Any]]:
        return [json.loads(line) for line in self.arrived.splitlines()]


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Pipe:
    return Pipe(monkeypatch)


class Alarms:
    """Stands in for the process's one alarm, which the test runner needs itself."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds: list[int] = []
        self.handlers: dict[int, Callable[..., t.Any]] = {}
        monkeypatch.setattr(signal, "alarm", self.seconds.append)
        monkeypatch.setattr(signal, "signal", self.handlers.__setitem__)


@pytest.fixture
def alarms(monkeypatch: pytest.MonkeyPatch) -> Alarms:
    return Alarms(monkeypatch)


def record(number: int, **fields: t.Any) -> RecordMessage:
    return RecordMessage(stream="tags", record={"id": str(number), **fields})


def ids(pipe: Pipe) -> list[str]:
    return [m["record"]["id"] for m in pipe.messages if m["type"] == "RECORD"]


def test_a_message_is_one_line_of_json(pipe: Pipe) -> None:
    messages = pipe.writer()
    messages.write_message(record(1, name="two\nlines, \u201cquoted\u201d \U0001f642"))
    messages.write_message(StateMessage({"bookmarks": {}}))
    assert pipe.arrived.count(b"\n") == 2
    assert pipe.messages == [
        {
            "type": "RECORD",
            "stream": "tags",
            "record": {"id": "1", "name": "two\nlines, \u201cquoted\u201d \U0001f642"},
        },
        {"type": "STATE", "value": {"bookmarks": {}}},
    ]


def test_records_wait_in_the_buffer_and_a_state_takes_them_along(pipe: Pipe) -> None:
    messages = pipe.writer()
    messages.write_message(record(1))
    messages.write_message(record(2))
    assert pipe.arrived == b""
    messages.write_message(StateMessage({"bookmarks": {}}))
    assert [message["type"] for message in pipe.messages] == [
        "RECORD",
        "RECORD",
        "STATE",
    ]


def test_a_stop_between_messages_ends_at_once(pipe: Pipe, alarms: Alarms) -> None:
    messages = pipe.writer()
    messages.write_message(record(1))
    with pytest.raises(SystemExit) as stopped:
        messages.stop(signal.SIGTERM)
    assert stopped.value.code == 128 + signal.SIGTERM
    assert alarms.seconds == [writer.LONGEST_STOP]
    messages.write_message(StateMessage({}))  # on the way out
    assert ids(pipe) == ["1"]


def test_a_stop_within_a_message_waits_for_its_end(pipe: Pipe, alarms: Alarms) -> None:
    messages = pipe.writer()
    pipe.meanwhile = [lambda: messages.stop(signal.SIGINT)]
    with pytest.raises(SystemExit) as stopped:
        messages.write_message(StateMessage({"bookmarks": {"tags": {}}}))
    assert stopped.value.code == 128 + signal.SIGINT
    assert pipe.messages == [{"type": "STATE", "value": {"bookmarks": {"tags": {}}}}]
    assert alarms.seconds == [writer.LONGEST_STOP, writer.LONGEST_STOP]
    messages.write_message(StateMessage({}))  # on the way out, which may be written
    assert len(pipe.messages) == 2


def test_a_write_that_never_ends_is_left_with_the_code_of_the_signal(
    pipe: Pipe, alarms: Alarms, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    messages = pipe.writer()
    pipe.meanwhile = [
        lambda: alarms.handlers[signal.SIGALRM](signal.SIGALRM, None),  # time is up
        lambda: messages.stop(signal.SIGTERM),
    ]
    with pytest.raises(SystemExit):
        messages.write_message(StateMessage({}))
    assert codes == [128 + signal.SIGTERM]


def test_a_write_that_fails_is_no_write_under_way(pipe: Pipe) -> None:
    def broken() -> t.NoReturn:
        raise BrokenPipeError

    messages = pipe.writer()
    pipe.meanwhile = [broken]
    with pytest.raises(TapError, match="closed the pipe"):
        messages.write_message(StateMessage({}))
    with pytest.raises(SystemExit):
        messages.stop(signal.SIGTERM)
    sys.stdout.flush()


@pytest.mark.usefixtures("alarms")
def test_a_second_signal_does_not_hold_up_the_last_state(pipe: Pipe) -> None:
    messages = pipe.writer()
    with pytest.raises(SystemExit):
        messages.stop(signal.SIGINT)
    messages.stop(signal.SIGTERM)
    messages.write_message(StateMessage({"bookmarks": {}}))
    assert [message["type"] for message in pipe.messages] == ["STATE"]
