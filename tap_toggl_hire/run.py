"""One run of the tap: the proof of the workspace, lists, candidates, `sync_runs`.

It is a loop of our own on the public surface of the SDK's streams. The SDK's loop would
sync a child stream once per candidate, with SCHEMA, log lines and a STATE each time.
"""

from __future__ import annotations

import os
import time
import typing as t
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import blake2b

from singer_sdk import metrics

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
from tap_toggl_hire.privacy import fingerprint
from tap_toggl_hire.progress import Progress
from tap_toggl_hire.records import EXTRA, FieldLog, as_text
from tap_toggl_hire.settings import Settings
from tap_toggl_hire.streams import CandidateStream, ListStream, SyncRuns
from tap_toggl_hire.sync import plan, rotation
from tap_toggl_hire.sync.changes import Changes, Observer
from tap_toggl_hire.sync.lists import ScopeLists, Source
from tap_toggl_hire.sync.loop import Counts, Loop
from tap_toggl_hire.sync.plan import (
    CANDIDATES,
    DETAILS,
    FROM_DETAILS,
    UPSERTED,
    Presence,
)
from tap_toggl_hire.sync.scope import ALL_PARTS
from tap_toggl_hire.sync.state import KEY
from tap_toggl_hire.sync.tags import TagLists

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future
    from types import FrameType

    from singer_sdk import Tap

    from tap_toggl_hire.api.client import Retry
    from tap_toggl_hire.api.throttle import Throttle
    from tap_toggl_hire.messages import MessageWriter, Output
    from tap_toggl_hire.sync.changes import Change
    from tap_toggl_hire.sync.plan import Streams
    from tap_toggl_hire.sync.state import State

T = t.TypeVar("T")

TICK = 0.5
"""Seconds after which a wait looks at the stop flag."""
PROOFS = 20
"""Known candidates that are asked for at most, to prove the workspace."""

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
WITHOUT_ID = "%s rows of %s have no ID and were left out."
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

    An exception in a signal handler would come at any point, in the middle of a line of
    output, say.
    """

    def __init__(self) -> None:
        self._signum: int | None = None

    def request(self, signum: int, frame: FrameType | None = None) -> None:  # noqa: ARG002
        """Ask the run to stop; the signature is that of a signal handler."""
        self._signum = signum

    def check(self) -> None:
        """Raise if the run is to stop.

        Raises:
            StoppedError: If it is.
        """
        if self._signum is not None:
            raise StoppedError(self._signum)

    def wait(self, future: Future[T]) -> T:
        """Wait for a result.

        Raises:
            StoppedError: If the run is to stop.
        """
        while not future.done():
            self.check()
            try:
                future.exception(timeout=TICK)
            except TimeoutError:
                continue
        return future.result()


class Session:
    """What the streams of a run share. Discovery uses none of it.

    Args:
        config: The settings, with defaults.
        user_agent: The User-Agent header, unless a setting has one.
        retry: When a request that failed is sent again.
        throttle: Makes the object that paces requests.
        logger: The logger.
    """

    def __init__(
        self,
        config: Mapping[str, t.Any],
        *,
        user_agent: str,
        retry: Retry,
        throttle: Callable[[int, float | None], Throttle],
        logger: logging.Logger,
    ) -> None:
        self.logger = logger
        self.stop = Stop()
        self.clock = Clock(logger)
        self.fields = FieldLog(logger)
        self._config = config
        self._user_agent = user_agent
        self._retry = retry
        self._throttle = throttle

    def wait(self, future: Future[T]) -> T:
        """Wait for a result, or for the run to be stopped.

        Raises:
            StoppedError: If the run is to stop.
        """
        return self.stop.wait(future)

    @cached_property
    def settings(self) -> Settings:
        """The settings, parsed."""
        return Settings.parse(self._config)

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
            user_agent=settings.user_agent or self._user_agent,
            timeout=settings.request_timeout,
            connections=settings.max_concurrency,
        )
        throttle = self._throttle(
            settings.max_concurrency, settings.requests_per_second
        )
        return Client(
            Transport(access, throttle),
            version=settings.api_version,
            retry=self._retry,
            setting_of=settings.setting_of,
            clock=self.clock,
            logger=self.logger,
        )


class CandidateSink:
    """Writes the records of candidates, and STATE.

    Args:
        tap: Its state and writers.
        state: What is known of candidates.
        streams: The candidate streams, by name.
        outputs: The outputs of those that are selected.
    """

    def __init__(
        self,
        tap: Tap,
        state: State,
        streams: Mapping[str, CandidateStream],
        outputs: Mapping[str, Output],
    ) -> None:
        self._tap = tap
        self._writer = t.cast("MessageWriter", tap.message_writer)
        self._state = state
        self._streams = streams
        self._outputs = outputs
        self._largest: dict[str, tuple[datetime, str]] = {}

    @property
    def written(self) -> int:
        """Bytes of records so far, those in BATCH files too."""
        files = (
            o.written for o in self._outputs.values() if isinstance(o, BatchOutput)
        )
        return sum(files) + self._writer.record_bytes

    def emit(self, change: Change, streams: Streams) -> None:
        """Write the records of a candidate to some streams."""
        for name, output in self._outputs.items():
            if name in streams:
                stream = self._streams[name]
                for record in stream.records(change):
                    output.write(record)
                    self.bookmark(name, stream.replication_key, record)
                for record in stream.tombstones(change):
                    output.write_tombstone(record)

    def bookmark(self, name: str, key: str | None, record: dict[str, t.Any]) -> None:
        """Note the largest replication key value that a stream emitted."""
        value = record.get(key) if key else None
        if not value:
            return
        time_ = moment(value)
        if name not in self._largest or time_ > self._largest[name][0]:
            self._largest[name] = time_, value
            bookmark = self._tap.state.setdefault("bookmarks", {}).setdefault(name, {})
            before = bookmark.get("replication_key_value")
            if bookmark.get("replication_key") != key or not _is_later(before, time_):
                bookmark["replication_key"] = key
                bookmark["replication_key_value"] = value

    def save(self) -> int:
        """Write a STATE, and before it the records that wait for a BATCH file.

        Returns:
            About its size in bytes.
        """
        for output in self._outputs.values():
            output.flush()
        value = self._state.dump()
        # The SDK's type of a state has no key but `bookmarks`; its writer writes all.
        t.cast("dict[str, t.Any]", self._tap.state)[KEY] = value
        self._tap.state_writer.write_state(self._tap.state)
        return sum(map(len, value["candidates"].values()))


def _is_later(text: t.Any, than: datetime) -> bool:
    """Return whether a bookmark is a later time; one that is not a time is not."""
    try:
        return moment(text) > than
    except (TypeError, ValueError):
        return False


class Runner:
    """Runs the tap once.

    Args:
        tap: Its streams, state and writers.
        session: Settings, API, workers.
        state: What is known of candidates.
    """

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
        self._streams = {
            name: stream
            for name, stream in tap.streams.items()
            if isinstance(stream, CandidateStream)
        }
        self._of_candidates = {
            name: self._outputs[name] for name in plan.STREAMS if name in self._outputs
        }
        self._sink = CandidateSink(tap, state, self._streams, self._of_candidates)
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
        lists = [
            stream
            for name, stream in self._tap.streams.items()
            if isinstance(stream, ListStream) and name in self._outputs
        ]
        for stream in lists:
            if not stream.is_narrowed:  # else they share the requests for openings
                stream.ask()
        source = Source(
            self._session.client,
            self._session.workers,
            self._session.wait,
            self._session.stop.check,
        )
        candidates = self._ask_candidates(source) if self._of_candidates else None
        self._prove_workspace(candidates)
        for stream in lists:
            self._read_list(stream)
        if candidates is not None:
            self._read_candidates(source, candidates)
        if self._settings.confirm_mass_deletion and not self._needed_confirmation:
            self._session.logger.warning(UNNEEDED)

    def _prove_workspace(self, lists: ScopeLists | None) -> None:
        """Prove that the key belongs to the workspace of the state.

        A known candidate on the first page of the list is proof, and at hand if
        candidates are selected. Else some known candidates are asked for.

        Raises:
            StateError: If there is no proof.
        """
        inventory = self._state.inventory
        known = inventory.ids()
        is_proved = (
            not known
            or (lists is not None and any(map(inventory.is_known, lists.first_ids())))
            or self._exists(known)
        )
        if not is_proved and not self._settings.confirm_mass_deletion:
            raise StateError(UNPROVED)
        self._needed_confirmation = not is_proved
        self._is_proved = True

    def _exists(self, known: list[str]) -> bool:
        """Ask for known candidates, spread over the inventory, until one exists."""
        client, workers = self._session.client, self._session.workers
        step = max(len(known) / PROOFS, 1)
        failure: RequestError | None = None
        for number in range(min(len(known), PROOFS)):
            candidate_id = known[int(number * step)]
            try:
                self._session.wait(workers.submit(client.candidate, candidate_id))
            except NotFoundError:
                continue
            except RequestError as error:  # it proves nothing
                failure = error
            else:
                return True
        if failure is not None:
            raise failure
        return False

    # The lists

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

    def _ask_candidates(self, source: Source) -> ScopeLists:
        settings, see = self._settings, self._state.inventory.see
        lists = ScopeLists(
            source, settings.scope, settings.part, settings.page_size, see
        )
        lists.ask()
        return lists

    def _read_candidates(self, source: Source, lists: ScopeLists) -> None:
        """Find the changes of candidates, and emit them.

        Raises:
            TapError: If the run is not complete. What could be read was emitted.
        """
        settings, state, logger = self._settings, self._state, self._session.logger
        query, is_dropped = settings.scope.shared, settings.drops_tags
        tags = TagLists(source, query, settings.page_size, is_dropped=is_dropped)
        tags.ask()
        tags.read()
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
        candidates = self._streams[CANDIDATES]
        emits_extra = CANDIDATES in self._of_candidates and any(
            EXTRA in one.raw_schema["properties"] for one in candidates.stream_maps
        )
        to_details = self._streams[DETAILS].treated
        return Observer(candidates.treated, to_details, compares_extra=emits_extra)

    def _reemit(self) -> None:
        """Make streams stale that emit more, or something else, than before.

        The state notes both at once: a run that dies in between is repeated.
        """
        settings, state = self._settings, self._state
        treatment = fingerprint(
            settings.pii, settings.pii_hash_key, drops_tags=settings.drops_tags
        )
        personal = "pii-" + blake2b(treatment.encode(), digest_size=4).hexdigest()
        entries = list(state.inventory.items())
        is_treated_anew = False
        for name in sorted(UPSERTED & set(self._of_candidates)):
            before = state.columns.get(name)
            state.columns[name] = [*self._of_candidates[name].fingerprint(), personal]
            if before and not set(state.columns[name]) <= set(before):
                is_treated_anew |= personal not in before
                for candidate_id, _ in entries:
                    known = state.inventory.get(candidate_id) or plan.NEW
                    state.inventory[candidate_id] = plan.make_stale(known, name)
                cost = f", which takes {len(entries):,} requests"
                self._session.logger.warning(
                    REEMITTED,
                    name,
                    f"{len(entries):,}",
                    cost if name in FROM_DETAILS else "",
                )
        if is_treated_anew:
            outside = sum(
                known.presence in {Presence.UNLISTED, Presence.OUT_OF_SCOPE}
                for _, known in entries
            )
            never = (
                "" if settings.reverify_days else ", which reverify_days 0 turns off"
            )
            if outside:
                self._session.logger.warning(OLD_TREATMENT, f"{outside:,}", never)

    # The end

    def _finish(self, failure: Exception | None) -> None:
        """Write the record of the run and the last STATE; log what was done."""
        output = self._outputs.get(SyncRuns.name)
        if output is not None:
            output.write_schema()
            record = self._record(failure)
            output.write(record)
            output.flush()
            self._sink.bookmark(SyncRuns.name, SyncRuns.replication_key, record)
        self._sink.save()
        self._log_metrics(failure)
        if failure is None:
            self._log_summary()

    def _record(self, failure: Exception | None) -> dict[str, t.Any]:
        session, counts = self._session, self._counts
        client, narrowing = session.client, session.settings.narrowing()
        finished = session.clock.now()
        elapsed = timedelta(seconds=time.monotonic() - self._begun)
        message = None
        if failure is not None:
            message = f"Unexpected {type(failure).__name__}."
            if isinstance(failure, TapError):
                message = str(failure)
        return {
            "started_at": (finished - elapsed).isoformat(),
            "finished_at": finished.isoformat(),
            "outcome": "complete" if failure is None else "failed",
            "is_transient": failure and getattr(failure, "is_transient", False),
            "message": message,
            "tap_version": self._tap.plugin_version,
            "api_version": client.found_version,
            "scope": as_text(narrowing) if narrowing else None,
            "requests": client.counts.requests,
            "requests_refused": client.counts.refused,
            "requests_retried": client.counts.retried,
            "candidates_listed": counts.listed,
            "candidates_held": self._state.inventory.current_rows,
            "candidates_created": counts.created,
            "candidates_updated": counts.updated,
            "candidates_deleted": counts.deleted,
            "candidates_reverified": counts.reverified,
            "candidates_without_details": counts.without_details,
            "details_read": counts.details_read,
            "unknown_fields": _as_text(session.fields.unknown),
            "unfit_fields": _as_text(session.fields.unfit),
        }

    def _log_metrics(self, failure: Exception | None) -> None:
        """Log the METRIC lines of an SDK tap, once per run."""
        logger = metrics.get_metrics_logger()
        pid = {metrics.Tag.PID.value: os.getpid()}

        def log(kind: str, metric: metrics.Metric, value: float, **tags: str) -> None:
            metrics.log(logger, metrics.Point(kind, metric, value, {**tags, **pid}))

        for name, output in self._outputs.items():
            log("counter", metrics.Metric.RECORD_COUNT, output.count, stream=name)
        for endpoint, count in sorted(self._session.client.counts.by_endpoint.items()):
            log("counter", metrics.Metric.HTTP_REQUEST_COUNT, count, endpoint=endpoint)
        seconds = time.monotonic() - self._begun
        status = "succeeded" if failure is None else "failed"
        log("timer", metrics.Metric.SYNC_DURATION, seconds, status=status)

    def _log_summary(self) -> None:
        counts, requests = self._counts, self._session.client.counts
        self._session.logger.info(
            "%s candidates listed: %s new, %s changed, %s deleted, %s re-verified; "
            "%s requests, %s refused, in %.0f s.",
            *(
                f"{number:,}"
                for number in (
                    *(counts.listed, counts.created, counts.updated, counts.deleted),
                    *(counts.reverified, requests.requests, requests.refused),
                )
            ),
            time.monotonic() - self._begun,
        )


def _as_text(fields: Mapping[str, int]) -> str | None:
    return as_text(dict(sorted(fields.items()))) if fields else None
