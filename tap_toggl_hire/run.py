"""One run of the tap: the proof of the workspace, lists, candidates, `sync_runs`.

It is a loop of our own on the public surface of the SDK's streams. The SDK's loop would
sync a child stream once per candidate, with SCHEMA, log lines and a STATE each time.
"""

from __future__ import annotations

import contextlib
import os
import time
import typing as t
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from hashlib import blake2b

from singer_sdk import metrics
from singer_sdk.metrics import Metric
from singer_sdk.singerlib import StateMessage

from tap_toggl_hire import projection
from tap_toggl_hire.api.client import Client
from tap_toggl_hire.api.http import Access, Transport
from tap_toggl_hire.api.workers import Workers
from tap_toggl_hire.clock import Clock, moment
from tap_toggl_hire.errors import (
    NotFoundError,
    OutputError,
    RequestError,
    StateError,
    StoppedError,
    TapError,
)
from tap_toggl_hire.messages import BatchOutput, output_of
from tap_toggl_hire.privacy import pii_fingerprint
from tap_toggl_hire.progress import Progress
from tap_toggl_hire.records import EXTRA, FieldLog, as_text
from tap_toggl_hire.settings import Settings
from tap_toggl_hire.streams import WITHOUT_ID, ListStream, SyncRuns, Tags
from tap_toggl_hire.sync import plan, rotation
from tap_toggl_hire.sync.changes import Changes, Observer
from tap_toggl_hire.sync.lists import ScopeLists, Source
from tap_toggl_hire.sync.loop import Counts, Loop
from tap_toggl_hire.sync.plan import CANDIDATES, DETAILS, FROM_DETAILS, UPSERTED
from tap_toggl_hire.sync.scope import ALL_PARTS
from tap_toggl_hire.sync.state import KEY
from tap_toggl_hire.sync.tags import TagLists

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from singer_sdk import Tap

    from tap_toggl_hire.api.client import Retry
    from tap_toggl_hire.api.throttle import Throttle
    from tap_toggl_hire.messages import MessageWriter, Output
    from tap_toggl_hire.streams import CandidateStream
    from tap_toggl_hire.sync.changes import Change
    from tap_toggl_hire.sync.plan import Streams
    from tap_toggl_hire.sync.state import State

T = t.TypeVar("T")

TICK = 0.5  # seconds after which a wait looks at the stop flag
PROOFS = 20  # known candidates that are asked for at most, to prove the workspace

NOTHING_SELECTED = (
    "The catalog selects no stream of this tap: select at least one (meltano select "
    "tap-toggl-hire --list --all shows them)."
)
UNPROVED = (
    "None of the known candidates that were asked for exists. Either the API key "
    "belongs to another workspace than the state, or all of these candidates were "
    "deleted. Nothing was extracted. Check api_key; if they were deleted, set "
    "confirm_mass_deletion to true for one run."
)
UNNEEDED = (
    "Setting confirm_mass_deletion is true, but this run did not need it. Remove it: "
    "it turns off the protection against the API key of another workspace."
)
SUMMARY = (
    "%(candidates_listed)d candidates listed: %(candidates_created)d new, "
    "%(candidates_updated)d changed, %(candidates_deleted)d deleted, "
    "%(candidates_reverified)d re-verified; %(requests)d requests, "
    "%(requests_refused)d refused."
)
WITHOUT_DETAILS = (
    "The details of %s listed candidates were not found. Their list rows are emitted; "
    "their details stay due."
)
ACCEPTED = (
    "The API reports more candidates than it lists, the same in two readings with "
    "different page sizes. The list is taken as complete."
)
REEMITTED = (
    "Stream %s has columns, expressions or a treatment of personal data that it did "
    "not have before: all %s candidates are emitted again%s."
)
OLD_TREATMENT = (
    "%s candidates are not in the list (archived, or outside the selection). They keep "
    "the former treatment of personal data until they are re-verified%s."
)


class Stop:
    """A flag that SIGTERM and SIGINT set, and that the run looks at.

    An exception in a signal handler could come in the middle of a line of output.
    """

    signum: int | None = None  # the signal, once it came

    def check(self) -> None:
        """Raise StoppedError if the run is to stop."""
        if self.signum is not None:
            raise StoppedError(self.signum)

    def wait(self, future: Future[T]) -> T:
        """Wait for a result; raise StoppedError if the run is to stop."""
        while not future.done():
            self.check()
            with contextlib.suppress(TimeoutError):
                future.exception(timeout=TICK)
        return future.result()


@dataclass
class Session:
    """What the streams of a run share. Discovery uses none of it."""

    config: Mapping[str, t.Any]  # the settings, with defaults
    user_agent: str  # the User-Agent header, unless a setting has one
    retry: Retry  # when a request that failed is sent again
    throttle: Callable[[int, float | None], Throttle]  # makes what paces requests
    logger: logging.Logger

    def __post_init__(self) -> None:
        self.stop = Stop()
        self.clock = Clock(self.logger)
        self.fields = FieldLog(self.logger)

    @cached_property
    def settings(self) -> Settings:
        """The settings, parsed."""
        return Settings.parse(self.config)

    @cached_property
    def workers(self) -> Workers:
        """The threads that make requests."""
        return Workers(self.settings.max_concurrency)

    @cached_property
    def client(self) -> Client:
        """The API."""
        settings = self.settings
        access = Access(
            url=settings.api_url,
            key=settings.api_key,
            user_agent=settings.user_agent or self.user_agent,
            timeout=settings.request_timeout,
            connections=settings.max_concurrency,
        )
        throttle = self.throttle(settings.max_concurrency, settings.requests_per_second)
        return Client(
            Transport(access, throttle),
            version=settings.api_version,
            retry=self.retry,
            setting_of=settings.setting_of,
            clock=self.clock,
            logger=self.logger,
        )


@dataclass
class CandidateSink:
    """Writes the records of candidates, and STATE."""

    tap: Tap  # its streams, state and writers
    state: State  # what is known of candidates
    outputs: Mapping[str, Output]  # of the selected candidate streams, by name

    @property
    def written(self) -> int:
        """Bytes of records so far, those in BATCH files too."""
        writer = t.cast("MessageWriter", self.tap.message_writer)
        files = (o.written for o in self.outputs.values() if isinstance(o, BatchOutput))
        return writer.record_bytes + sum(files)

    def emit(self, change: Change, streams: Streams) -> None:
        """Write the records of a candidate to some streams."""
        for name, output in self.outputs.items():
            if name in streams:
                stream = t.cast("CandidateStream", self.tap.streams[name])
                for record in stream.records(change):
                    output.write(record)
                    self.bookmark(name, stream.replication_key, record)
                for record in stream.tombstones(change):
                    output.write_tombstone(record)
                    self.bookmark(name, stream.replication_key, record)

    def bookmark(self, name: str, key: str | None, record: dict[str, t.Any]) -> None:
        """Note the largest replication key value that a stream emitted."""
        value = record.get(key) if key else None
        bookmark = self.tap.state.setdefault("bookmarks", {}).setdefault(name, {})
        if value and not _is_later(bookmark.get("replication_key_value"), value):
            bookmark["replication_key"] = key
            bookmark["replication_key_value"] = value

    def save(self) -> int:
        """Write the records that wait for BATCH files, and a STATE; return its size."""
        for output in self.outputs.values():
            output.flush()
        # The SDK's type of a state has no key but `bookmarks`. Its StateWriter would
        # keep the text of a large state in memory a second time.
        state = t.cast("dict[str, t.Any]", self.tap.state)
        state.pop(KEY, None)
        state[KEY] = self.state.dump()
        self.tap.write_message(StateMessage(state))
        return sum(map(len, state[KEY]["candidates"].values()))


def _is_later(bookmark: t.Any, value: str) -> bool:
    try:
        return moment(bookmark) >= moment(value)
    except (TypeError, ValueError):  # missing, or not a time
        return False


class Runner:
    """Runs the tap once."""

    def __init__(self, tap: Tap, session: Session, state: State) -> None:
        self._tap = tap
        self._session = session
        self._settings = session.settings
        self._state = state
        self._outputs = {
            name: output
            for name, stream in tap.streams.items()
            if (output := output_of(tap, stream)).is_selected
        }
        self._of_candidates = {
            name: self._outputs[name] for name in plan.STREAMS if name in self._outputs
        }
        self._sink = CandidateSink(tap, state, self._of_candidates)
        self._begun = time.monotonic()
        self._is_proved = False
        self._needed_confirmation = False
        self._counts = Counts()

    def run(self) -> None:
        """Read and emit everything that is selected.

        Raises:
            TapError: If something could not be read. The state vouches for the rest.
        """
        if not self._outputs:
            raise TapError(NOTHING_SELECTED)
        self._state.take_part(self._settings.part)
        # Without known candidates, there is nothing to prove.
        self._is_proved = not self._state.inventory.ids()
        failure: Exception | None = None
        try:
            self._read()
        except Exception as error:
            failure = error
            raise
        finally:
            self._session.workers.stop()
            if self._is_proved and not isinstance(failure, OutputError):
                self._finish(failure)

    def _read(self) -> None:
        session, settings = self._session, self._settings
        stop, see = session.stop, self._state.inventory.see
        source = Source(session.client, session.workers, stop.wait, stop.check)
        streams = [self._tap.streams[name] for name in self._outputs]
        lists = [stream for stream in streams if isinstance(stream, ListStream)]
        self._read_openings(source)
        for stream in lists:
            stream.ask()
        candidates = None
        if self._of_candidates:
            scope, part = settings.scope, settings.part
            candidates = ScopeLists(source, scope, part, settings.page_size, see)
            candidates.ask()
        self._prove_workspace(source, candidates)
        for stream in lists:
            self._read_list(stream)
        if candidates is not None:
            self._read_candidates(source, candidates)
        if settings.confirm_mass_deletion and not self._needed_confirmation:
            session.logger.warning(UNNEEDED)

    def _prove_workspace(self, source: Source, lists: ScopeLists | None) -> None:
        """Prove that the key is of the workspace of the state, or raise StateError.

        A known candidate on the first page of the list is proof, and at hand if
        candidates are selected. Else some known candidates are asked for.
        """
        inventory = self._state.inventory
        known = inventory.ids()
        is_proved = (
            not known
            or (lists is not None and any(map(inventory.is_known, lists.first_ids())))
            or _exists(source, known)
        )
        if not is_proved and not self._settings.confirm_mass_deletion:
            raise StateError(UNPROVED)
        self._needed_confirmation = not is_proved
        self._is_proved = True

    # The lists

    def _read_openings(self, source: Source) -> None:
        """Read the openings in the settings once, for all streams that need them.

        One that does not exist fails the run: its list of candidates would be empty.
        """
        ids = self._settings.job_opening_ids or ()
        if self._outputs.keys() - {Tags.name, SyncRuns.name}:
            read = source.client.opening
            for opening in [source.workers.submit(read, key) for key in ids]:
                source.wait(opening)

    def _read_list(self, stream: ListStream) -> None:
        output = self._outputs[stream.name]
        is_whole = not stream.is_narrowed and self._settings.part.number == 1
        if self._settings.emit_activate_version_messages and is_whole:
            output.version = self._tap.initialized_at
        output.write_schema()
        for record in stream.get_records(None):
            output.write(record)
        output.flush()
        # An empty list is more likely a fault than the deletion of everything.
        if output.version is not None and output.count:
            output.activate(output.version)

    # The candidates

    def _read_candidates(self, source: Source, lists: ScopeLists) -> None:
        """Find the changes of candidates, and emit them."""
        settings, state, logger = self._settings, self._state, self._session.logger
        query, number = settings.scope.shared, state.inventory.number
        tags = TagLists(source, query, settings.page_size, number, settings.drops_tags)
        for _ in tags.read():
            lists.read_ahead()
        changes = Changes(state.inventory, self._selection(), self._observer(), tags)
        now = self._session.clock.now()
        state.reverified_until = rotation.effective(state.reverified_until, now)
        versioned = self._versioned()
        for output in versioned:
            output.version = self._tap.initialized_at
        for output in self._of_candidates.values():
            output.write_schema()
        self._reemit()
        loop = Loop(
            source=source,
            state=state,
            lists=lists,
            changes=changes,
            sink=self._sink,
            progress=Progress(logger),
            logger=logger,
            now=now,
            reverify_days=settings.reverify_days,
            confirmed=settings.confirm_mass_deletion,
        )
        self._counts = loop.counts
        loop.run()
        self._needed_confirmation |= loop.needed_confirmation
        state.scope, state.tags = settings.scope.key, len(tags)
        if changes.without_id:
            logger.warning(WITHOUT_ID, changes.without_id, CANDIDATES)
        if lists.is_accepted or tags.is_accepted:
            logger.warning(ACCEPTED)
        if self._counts.without_details:
            logger.warning(WITHOUT_DETAILS, f"{self._counts.without_details:,}")
        if lists.count:
            for output in versioned:
                output.activate(self._tap.initialized_at)

    def _selection(self) -> plan.Run:
        """Return what the run selects."""
        outputs, scope = self._of_candidates, self._settings.scope
        full = (name for name in UPSERTED & set(outputs) if outputs[name].is_full_table)
        return plan.Run(
            selected=frozenset(outputs),
            full_table=frozenset(full),
            narrowed=scope.is_narrowed,
            same_scope=self._state.scope == scope.key,
        )

    def _versioned(self) -> list[Output]:
        """Return the outputs whose rows of other versions are gone after this run.

        Only a run that began without a state emits every candidate, and so every row.
        """
        settings, state = self._settings, self._state
        outputs = [o for name, o in self._of_candidates.items() if name in UPSERTED]
        is_versioned = (
            settings.emit_activate_version_messages
            and not settings.scope.is_narrowed
            and settings.part == ALL_PARTS
            and not len(state.inventory)
            and not state.scope
            and not any(isinstance(output, BatchOutput) for output in outputs)
        )
        return outputs if is_versioned else []

    def _observer(self) -> Observer:
        candidates = t.cast("CandidateStream", self._tap.streams[CANDIDATES])
        details = t.cast("CandidateStream", self._tap.streams[DETAILS])
        emits_extra = CANDIDATES in self._of_candidates and any(
            EXTRA in one.raw_schema["properties"] for one in candidates.stream_maps
        )
        return Observer(candidates.redacted, details.redacted, emits_extra)

    def _reemit(self) -> None:
        """Make streams stale that emit more, or something else, than before.

        The state notes both at once: a run that dies in between is repeated.
        """
        settings, state, logger = self._settings, self._state, self._session.logger
        inventory, known = state.inventory, f"{len(state.inventory):,}"
        treatment = pii_fingerprint(
            settings.pii, settings.pii_hash_key, drops_tags=settings.drops_tags
        )
        personal = "pii-" + blake2b(treatment.encode(), digest_size=4).hexdigest()
        is_treated_anew = False
        for name in sorted(UPSERTED & set(self._of_candidates)):
            before = state.columns.get(name)
            digests = projection.fingerprints(self._tap.streams[name], self._tap.config)
            state.columns[name] = [*digests, personal]
            if before and not set(state.columns[name]) <= set(before):
                is_treated_anew |= personal not in before
                inventory.make_stale(name)
                cost = f", which takes {known} requests" if name in FROM_DETAILS else ""
                logger.warning(REEMITTED, name, known, cost)
        outside = inventory.count(plan.Presence.UNLISTED, plan.Presence.OUT_OF_SCOPE)
        if is_treated_anew and outside:
            never = "" if settings.reverify_days else " (never: reverify_days is 0)"
            logger.warning(OLD_TREATMENT, f"{outside:,}", never)

    # The end

    def _finish(self, failure: Exception | None) -> None:
        """Write the record of the run and the last STATE; log what was done."""
        output, record = self._outputs.get(SyncRuns.name), self._record(failure)
        if output is not None:
            output.write_schema()
            output.write(record)
            output.flush()
            self._sink.bookmark(SyncRuns.name, SyncRuns.replication_key, record)
        self._sink.save()
        self._log_metrics(failure)
        if failure is None:  # a failure has a last line of its own
            self._session.logger.info(SUMMARY, record, extra={"sync_run": record})

    def _record(self, failure: Exception | None) -> dict[str, t.Any]:
        session, counts = self._session, self._counts
        finished = session.clock.now()
        requests, narrowing = session.client.counts, session.settings.narrowing()
        seconds = time.monotonic() - self._begun
        is_known = isinstance(failure, TapError)
        message = str(failure) if is_known else f"Unexpected {type(failure).__name__}."
        return {
            "started_at": (finished - timedelta(seconds=seconds)).isoformat(),
            "finished_at": finished.isoformat(),
            "outcome": "complete" if failure is None else "failed",
            "is_transient": failure and getattr(failure, "is_transient", False),
            "message": None if failure is None else message,
            "tap_version": self._tap.plugin_version,
            "api_version": session.client.found_version,
            "scope": as_text(narrowing) if narrowing else None,
            "requests": requests.requests,
            "requests_refused": requests.refused,
            "requests_retried": requests.retried,
            "candidates_listed": counts.listed,
            "candidates_held": self._held(CANDIDATES),
            "details_held": self._held(DETAILS),
            "answers_held": None,
            "candidates_created": counts.created,
            "candidates_updated": counts.updated,
            "candidates_deleted": counts.deleted,
            "candidates_reverified": counts.reverified,
            "candidates_without_details": counts.without_details,
            "details_read": counts.details_read,
            "unknown_fields": _as_text(session.fields.unknown),
            "mismatched_fields": _as_text(session.fields.mismatched),
        }

    def _held(self, stream: str) -> int | None:
        """Return how many candidates' rows the target holds; None if unknown."""
        output = self._outputs.get(stream)
        if output is None or output.is_filtered:
            return None
        return self._state.inventory.count_current(stream)

    def _log_metrics(self, failure: Exception | None) -> None:
        """Log the METRIC lines of an SDK tap, once per run."""
        for name, output in self._outputs.items():
            _log_metric("counter", Metric.RECORD_COUNT, output.count, stream=name)
        requests = self._session.client.counts.by_endpoint
        for endpoint, count in sorted(requests.items()):
            _log_metric("counter", Metric.HTTP_REQUEST_COUNT, count, endpoint=endpoint)
        seconds = time.monotonic() - self._begun
        status = "succeeded" if failure is None else "failed"
        _log_metric("timer", Metric.SYNC_DURATION, seconds, status=status)


def _log_metric(kind: str, metric: Metric, value: float, **tags: str) -> None:
    point = metrics.Point(kind, metric, value, {**tags, "pid": os.getpid()})
    metrics.log(metrics.get_metrics_logger(), point)


def _exists(source: Source, known: list[str]) -> bool:
    """Ask for known candidates, spread over the inventory, until one exists.

    If none does, and one could not be read, raise its RequestError.
    """
    step = max(len(known) / PROOFS, 1)
    failure: RequestError | None = None
    for number in range(min(len(known), PROOFS)):
        key = known[int(number * step)]
        try:
            source.wait(source.workers.submit(source.client.candidate, key))
        except NotFoundError:
            continue
        except RequestError as error:
            failure = error
        else:
            return True
    if failure is not None:
        raise failure
    return False


def _as_text(fields: Mapping[str, int]) -> str | None:
    return as_text(dict(sorted(fields.items()))) if fields else None
