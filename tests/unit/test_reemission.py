"""Streams that emit something else than they did in the last run."""

from __future__ import annotations

import logging
import typing as t

import pytest

from tap_toggl_hire.reemission import (
    PREVIOUS_MODE,
    REEMITTED,
    make_changed_streams_stale,
)
from tap_toggl_hire.settings import Settings
from tap_toggl_hire.streams import CandidateStream
from tap_toggl_hire.sync.plan import (
    CANDIDATE_STREAMS,
    CANDIDATES,
    DETAILS,
    UPSERTED,
    Held,
    Known,
    Presence,
)
from tap_toggl_hire.sync.state import State
from tap_toggl_hire.tap import TapTogglHire

LOGGER = logging.getLogger(__name__)
CURRENT = (Held.CURRENT,) * len(CANDIDATE_STREAMS)


@pytest.fixture
def state() -> State:
    """Return what is known after a run with the default settings."""
    state = State()
    state.inventory["listed"] = Known(CURRENT)
    state.inventory["archived"] = Known(CURRENT, Presence.UNLISTED)
    begin_run(state)
    return state


def begin_run(
    state: State, streams: t.Collection[str] = CANDIDATE_STREAMS, **config: t.Any
) -> set[str]:
    """Compare what some streams emit under some settings; return what is stale."""
    tap = TapTogglHire(config={"api_key": "key-of-a-test", **config})
    selected = [
        stream
        for stream in tap.streams.values()
        if isinstance(stream, CandidateStream) and stream.name in streams
    ]
    settings = Settings.parse(tap.config)
    make_changed_streams_stale(selected, tap.config, settings, state, LOGGER)
    return {name for name in CANDIDATE_STREAMS if not state.inventory.current(name)}


def mapped(stream: str, **rules: str | None) -> dict[str, t.Any]:
    """Return the settings with rules of stream_maps for a stream."""
    return {"stream_maps": {stream: rules}}


def test_first_run_notes_what_it_emits_and_makes_nothing_stale() -> None:
    state = State()
    state.inventory["1"] = Known(CURRENT)
    assert begin_run(state) == set()
    assert state.fingerprints.keys() == UPSERTED


def test_same_settings_make_nothing_stale(
    state: State, caplog: pytest.LogCaptureFixture
) -> None:
    assert begin_run(state) == set()
    assert caplog.messages == []


@pytest.mark.parametrize("stream", sorted(UPSERTED))
def test_stream_with_a_new_column_is_stale(state: State, stream: str) -> None:
    new_column = mapped(stream, opening="job_opening_id")
    assert begin_run(state, **new_column) == {stream}


def test_stream_with_fewer_columns_is_not_stale(state: State) -> None:
    assert begin_run(state, **mapped(CANDIDATES, name=None)) == set()


def test_stream_that_gets_its_column_back_is_stale(state: State) -> None:
    begin_run(state, **mapped(CANDIDATES, name=None))
    assert begin_run(state) == {CANDIDATES}


def test_history_is_never_emitted_again(state: State) -> None:
    """Its rows are events of the past."""
    new_column = mapped("candidate_history", opening="job_opening_id")
    assert begin_run(state, **new_column) == set()


def test_stream_that_is_not_selected_is_compared_when_it_is(state: State) -> None:
    new_column = mapped(DETAILS, opening="job_opening_id")
    assert begin_run(state, {CANDIDATES}, **new_column) == set()
    assert begin_run(state, **new_column) == {DETAILS}


def test_change_is_noted_at_once(state: State) -> None:
    new_column = mapped(CANDIDATES, opening="job_opening_id")
    begin_run(state, **new_column)
    state.inventory["new"] = Known(CURRENT)
    assert begin_run(state, **new_column) == set()


def test_log_says_what_re_emitting_costs(
    state: State, caplog: pytest.LogCaptureFixture
) -> None:
    begin_run(state, **mapped(CANDIDATES, opening="job_opening_id"))
    begin_run(state, **mapped(DETAILS, opening="job_opening_id"))
    cost = ", which takes 2 requests"
    assert caplog.messages[:2] == [
        REEMITTED % (CANDIDATES, 2, ""),
        REEMITTED % (DETAILS, 2, cost),
    ]


@pytest.mark.parametrize(
    "config",
    [
        {"pii": "drop"},
        {"pii": "hash", "pii_hash_key": "0123456789abcdef"},
    ],
)
def test_another_pii_mode_makes_every_upserted_stream_stale(
    state: State, config: dict[str, str]
) -> None:
    assert begin_run(state, **config) == UPSERTED


def test_digest_of_the_pii_mode_is_the_same_in_every_version(state: State) -> None:
    """With another one, an update of the tap would emit everything again."""
    assert {digests[-1] for digests in state.fingerprints.values()} == {"pii-c8d6b6ed"}


def test_another_key_or_other_tags_are_another_pii_mode(state: State) -> None:
    hashed = {"pii": "hash", "pii_hash_key": "0123456789abcdef"}
    begin_run(state, **hashed)
    state.inventory["new"] = Known(CURRENT)
    assert begin_run(state, **hashed) == set()
    assert begin_run(state, **hashed, pii_tags="drop") == UPSERTED
    state.inventory["new"] = Known(CURRENT)
    hashed["pii_hash_key"] = "f" * 16
    assert begin_run(state, **hashed, pii_tags="drop") == UPSERTED


@pytest.mark.parametrize(
    ("days", "never"), [(30, ""), (0, " (never: reverify_days is 0)")]
)
def test_warning_counts_candidates_that_keep_the_previous_pii_mode(
    state: State, caplog: pytest.LogCaptureFixture, days: int, never: str
) -> None:
    state.inventory["outside"] = Known(CURRENT, Presence.OUT_OF_SCOPE)
    begin_run(state, pii="drop", reverify_days=days)
    assert caplog.messages[-1] == PREVIOUS_MODE % (2, never)


def test_warning_appears_although_the_last_stream_has_the_mode_already(
    state: State, caplog: pytest.LogCaptureFixture
) -> None:
    begin_run(state, {CANDIDATES}, pii="drop")
    caplog.clear()
    new_column = mapped(CANDIDATES, opening="job_opening_id")
    begin_run(state, pii="drop", reverify_days=30, **new_column)
    assert caplog.messages[-1] == PREVIOUS_MODE % (1, "")


def test_no_warning_without_candidates_outside_the_list(
    state: State, caplog: pytest.LogCaptureFixture
) -> None:
    state.inventory["archived"] = None
    begin_run(state, pii="drop")
    assert len(caplog.messages) == len(UPSERTED)
