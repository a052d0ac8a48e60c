"""What is new, changed or gone since the state was written.

One place decides whether a candidate differs from what the target holds, and so
whether its details are fetched and in which streams it is emitted:

1. every row of the list is compared with its digests;
2. the details of those that differ are fetched, many at once;
3. a known candidate that is missing from the list is asked for: 404 is the proof of
   its deletion, and nothing else is.
"""

from __future__ import annotations

import itertools
import time
import typing as t
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import msgspec

from tap_toggl_hire.digests import (
    STREAMS,
    Digests,
    Entry,
    Held,
    Seen,
    Selection,
    digest,
)
from tap_toggl_hire.errors import NotServedError, TapError
from tap_toggl_hire.records import UNFIT
from tap_toggl_hire.rotation import Rotation
from tap_toggl_hire.sweep import row_id

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_toggl_hire.api.client import Client, Row
    from tap_toggl_hire.api.workers import Workers
    from tap_toggl_hire.progress import Progress
    from tap_toggl_hire.records import Record, Report
    from tap_toggl_hire.sweep import Sweep

CANDIDATES, DETAILS, ANSWERS, HISTORY = STREAMS
UPSERTED = {CANDIDATES, DETAILS, ANSWERS}
"""Streams that hold one row per thing, not per event."""
FROM_DETAILS = {DETAILS, ANSWERS}
"""Streams that need a request for each candidate."""

HISTORY_FIELDS = (
    "job_opening_id",
    "category_id",
    "hire_state",
    "rating",
    "points",
    "score",
)
"""Fields of the list row whose changes make the history; `tag_ids` is the other."""

SMALLEST_BATCH = 100
LARGEST_BATCH = 400
"""Candidates that are emitted together, stream after stream, with one state. It grows
with the book, so that all states of a run are a small part of what it writes."""
LIGHT = 0.25
"""What a candidate counts in a batch for whom no details are read."""
BATCH_SECONDS = 20.0
"""Time after which a batch is emitted though it is not full."""
AHEAD = 4
"""Details asked for ahead of the one that is waited for, per worker."""
FEW = 20
"""Deletions in one run that are never suspicious."""


Answer = dict[str, t.Any] | NotServedError | None
"""What came of a request for a candidate; None: it is not there."""
Call = t.Callable[[], Answer]


@dataclass(slots=True)
class Change:
    """A candidate that is to be emitted, or only to be noted."""

    id: str
    streams: set[str] = field(default_factory=set)
    row: Record | None = None
    tag_ids: list[str] = field(default_factory=list)
    event: str | None = None
    details: msgspec.Raw | None = None
    """As JSON, which takes a tenth of the memory until the batch is full."""
    digests: tuple[int, int] | None = None
    """Of the history fields and of the row; None for one that the list lacks."""
    details_digest: int | None = None
    is_torn: bool = False
    """Whether the details are of another moment than the row and the tags."""
    is_due: bool = False
    """Whether it is its turn to be re-verified."""
    is_gone: bool = False
    answers_held: int = 0
    """Rows of `candidate_answers` that the target holds of it so far."""
    answers: int = 0
    """Rows of `candidate_answers` that it will hold."""

    @property
    def is_asked(self) -> bool:
        """Whether `/candidates/{id}` is asked for it."""
        is_missing = self.digests is None
        return is_missing or self.is_due or bool(self.streams & FROM_DETAILS)


class Changes:
    """The changes of one run.

    Args:
        client: The API.
        workers: Where requests are made.
        sweep: Reads the list.
        digests: What the target holds; kept up to date by `note`.
        selection: The selection of this run.
        selected: The streams to emit.
        full_table: The streams that emit every candidate.
        to_row: Fits a list row to its schema, personal data treated.
        to_details: The same for details.
        privacy: Tells one treatment of personal data from another.
        reverify_days: Days in which each candidate's details are read again; 0 for
            never.
        progress: Told how far the run is.
        report: Told of what does not fit.
    """

    def __init__(  # noqa: PLR0913 - all that a run depends on
        self,
        *,
        client: Client,
        workers: Workers,
        sweep: Sweep,
        digests: Digests,
        selection: Selection,
        selected: set[str],
        full_table: set[str],
        to_row: Callable[[Row], Record],
        to_details: Callable[[Row], Record],
        privacy: str,
        reverify_days: int,
        progress: Progress,
        report: Report,
    ) -> None:
        self._client = client
        self._workers = workers
        self._sweep = sweep
        self._digests = digests
        self._book = digests.book
        self._selection = selection
        self._selected = selected
        self._full_table = full_table
        self._to_row = to_row
        self._to_details = to_details
        self._privacy = privacy
        self._progress = progress
        self._report = report
        self._members: dict[str, list[str]] = {}
        self._gone: list[str] = []
        self._not_served: list[NotServedError] = []
        self._rotation = Rotation(digests, datetime.now(UTC), reverify_days)
        self._known = 0  # of the book, the candidates that this run looks for
        self._known_selections = list(digests.selections)
        if not any(earlier.covers(selection) for earlier in digests.selections):
            digests.selections.append(selection)

    def batches(self) -> Iterator[list[Change]]:
        """Find the changes, in batches.

        Yields:
            Changes to `announce`, to emit, and then to `note`. The book may have
            changed though there are none.

        Raises:
            TapError: If the run cannot go on. What was found before is yielded.
        """
        yield from self._batched(self._workers.ordered(self._listed(), self._ahead))
        yield from self._batched(self._workers.ordered(self._missing(), self._ahead))
        yield from self._tombstones()
        if not self._sweep.is_complete:
            msg = (
                f"The API's list of candidates is short: {len(self._sweep.seen)} came "
                f"of {self._sweep.total}. What came was extracted and nothing was "
                "taken for deleted; run again later."
            )
            raise TapError(msg)
        if self._not_served:
            raise self._not_served[0]
        if self._selection == Selection():  # else no ACTIVATE_VERSION is sent
            for stream in self._full_table:
                self._note_unlisted(stream)
        self._digests.selections = _widest(self._selection, self._known_selections)
        self._digests.anchors = self._sweep.anchors
        if self._selected & FROM_DETAILS or not any(
            entry.holds(stream)
            for entry in self._book.values()
            for stream in FROM_DETAILS
        ):  # else whose turn it was is verified by the next run that reads details
            self._rotation.finish()

    def first(self) -> Iterator[list[Change]]:
        """Find the first candidates of the list only, each in a batch: a test run."""
        for row in self._sweep.first_page():
            change = self._compare(row)
            if change is not None:
                call = self._call(change)
                if self._complete(change, call and call()):
                    yield [change]
        if self._not_served:
            raise self._not_served[0]

    def announce(self, changes: Iterable[Change]) -> None:
        """Note that changes are about to be emitted: the target may hold them.

        Should the run die, the next one emits them again, whatever they are by then.
        If they are deleted by then, it knows of whom.
        """
        for change in changes:
            if change.is_gone:
                continue
            entry = self._book.setdefault(change.id, Entry())
            for stream in change.streams:
                if entry.holds(stream) is Held.NOTHING:
                    entry.set_held(stream, Held.ANNOUNCED)
                elif entry.holds(stream) is Held.CURRENT:
                    entry.set_held(stream, Held.STALE)
            if entry.seen is Seen.GONE:  # and is back, with what was not selected then
                for stream in UPSERTED - change.streams:
                    if entry.holds(stream) is Held.CURRENT:
                        entry.set_held(stream, Held.STALE)
            entry.seen = Seen.LISTED
            if ANSWERS in change.streams:
                entry.answers = max(entry.answers, change.answers)

    def note(self, changes: Iterable[Change]) -> None:
        """Note that changes were emitted: the target holds them."""
        for change in changes:
            if change.is_gone:
                self._note_gone(change)
            else:
                self._note_present(change)

    # The list

    def _listed(self) -> Iterator[tuple[Change, Call | None] | None]:
        is_as_before = self._known_selections[:1] == [self._selection]
        anchors = self._digests.anchors if is_as_before else {}
        tag_lists = self._sweep.tag_lists(
            key for row in self._client.tags if (key := row_id(row))
        )
        pages = self._sweep.pages(anchors)  # while the tags are read
        self._members = self._sweep.tag_members(tag_lists)
        for rows in pages:
            self._progress.total = self._sweep.total
            for row in rows:
                change = self._compare(row)
                if change is None:
                    self._progress.done += 1
                else:
                    yield change, self._call(change)
            yield None

    def _compare(self, raw: Row) -> Change | None:
        """Tell what a row of the list changes; None if nothing."""
        key = row_id(raw)
        if key is None:
            self._report("id", UNFIT)
            return None
        row = self._to_row(raw)
        tag_ids = self._members.get(key, [])
        digests = (
            digest([[row[name] for name in HISTORY_FIELDS], tag_ids]),
            digest([self._privacy, row]),
        )
        entry = self._book.get(key, _UNKNOWN)
        self._known += entry is not _UNKNOWN
        is_changed = entry.seen is Seen.GONE or digests != (entry.history, entry.row)
        streams = {
            stream
            for stream in self._selected
            if is_changed
            or stream in self._full_table
            or entry.holds(stream) is not Held.CURRENT
        }
        event = None
        if HISTORY in streams:
            event = self._event(entry, digests[0])
            if event is None:
                streams.discard(HISTORY)
        is_due = bool(self._selected & FROM_DETAILS) and self._rotation.is_due(
            key, entry
        )
        if not streams and not is_due:
            entry.seen = Seen.LISTED
            return None
        return Change(
            key,
            streams,
            row=row,
            tag_ids=tag_ids,
            event=event,
            digests=digests,
            is_due=is_due,
            answers_held=entry.answers,
        )

    def _event(self, entry: Entry, history: int) -> str | None:
        held = entry.holds(HISTORY)
        if held in {Held.NOTHING, Held.ANNOUNCED}:
            return "created"
        if held is Held.STALE or entry.history != history:
            return "updated"
        return None

    # Details

    @property
    def _ahead(self) -> int:
        return AHEAD * self._workers.size

    def _call(self, change: Change) -> Call | None:
        """The request that a change needs, if any."""
        return partial(self._ask, change.id) if change.is_asked else None

    def _ask(self, candidate_id: str) -> Answer:
        """Ask for a candidate.

        One whom the API does not serve, while it serves others, holds up nobody: the
        run goes on, and fails at its end.
        """
        try:
            return self._client.candidate(candidate_id)
        except NotServedError as error:
            if self._workers.size > 1 and self._client.is_serving():
                return error
            raise

    def _complete(self, change: Change, answer: Answer) -> bool:
        """Take the details of a change.

        Returns:
            Whether the change is to be emitted.
        """
        if isinstance(answer, NotServedError):
            self._not_served.append(answer)
            if len(self._not_served) == self._workers.size:
                raise answer
            return False
        if change.digests is None:
            self._found_missing(change.id, answer)
            return False
        self._progress.done += 1
        if not change.is_asked:
            return True
        if answer is None:  # deleted a moment ago
            self._gone.append(change.id)
            return False
        details = self._to_details(answer)
        change.details = msgspec.Raw(msgspec.json.encode(details))
        change.details_digest = digest(change.details)
        change.is_torn = _is_torn(change.row or {}, change.tag_ids, details)
        change.answers = len(details["questions"] or ())
        entry = self._book.get(change.id, _UNKNOWN)
        if change.details_digest != entry.details:
            change.streams |= self._selected & FROM_DETAILS
        if not change.streams:
            entry.seen = Seen.LISTED
            entry.is_verified |= change.is_due
        return bool(change.streams)

    def _batched(
        self, results: Iterable[tuple[Change, Answer] | None]
    ) -> Iterator[list[Change]]:
        batch: list[Change] = []
        read = 0.0
        opened = time.monotonic()
        try:
            for result in results:
                if result is not None:
                    read += 1 if result[0].is_asked else LIGHT
                    if self._complete(*result):
                        batch.append(result[0])
                size = min(max(SMALLEST_BATCH, len(self._book) // 10), LARGEST_BATCH)
                if read and (read >= size or time.monotonic() - opened > BATCH_SECONDS):
                    yield batch
                    batch = []
                    read = 0.0
                    opened = time.monotonic()
                self._progress.tick()
        except TapError:
            if batch:
                yield batch
            raise
        if batch:
            yield batch

    # Deletions

    def _missing(self) -> Iterator[tuple[Change, Call | None] | None]:
        """Ask for the known candidates that the list lacks."""
        if not self._sweep.is_complete:
            return
        missing = [
            key
            for key, entry in self._book.items()
            if key not in self._sweep.seen and self._is_asked_for(key, entry)
        ]
        self._known += len(missing)
        if self._are_many(len(missing), self._known):
            # So many at once are rather a fault than deletions: ask for a few first.
            sample = missing[: FEW + 1]
            futures = [self._workers.submit(self._client.candidate, k) for k in sample]
            if not any(future.result() for future in futures):
                raise self._mass_deletion(len(missing), self._known)
        for key in missing:
            change = Change(key)
            yield change, self._call(change)

    def _is_asked_for(self, key: str, entry: Entry) -> bool:
        """Tell whether a candidate that is not in the list is to be asked for.

        What an earlier selection took in and this one may not is no deletion; such a
        candidate is looked at again in the rotation, or once it should be listed.
        """
        earlier = self._known_selections
        if entry.seen is Seen.GONE:
            return False
        if self._rotation.is_due(key, entry):
            return True
        if not all(map(self._selection.covers, earlier[:1])):
            entry.seen = Seen.OUTSIDE
        if entry.seen in {Seen.LISTED, Seen.MISSED}:
            return True
        is_widened = [self._selection] != earlier[:1]
        covers_all = all(map(self._selection.covers, earlier))
        if entry.seen is Seen.OUTSIDE:
            return covers_all
        return is_widened

    def _found_missing(self, key: str, answer: Row | None) -> None:
        entry = self._book[key]
        if answer is None:
            self._gone.append(key)
            return
        entry.is_verified = True
        if entry.seen is Seen.LISTED:
            entry.seen = Seen.MISSED
        elif entry.seen is Seen.MISSED or all(
            map(self._selection.covers, self._known_selections)
        ):
            entry.seen = Seen.UNLISTED

    def _tombstones(self) -> Iterator[list[Change]]:
        known = [key for key in self._gone if key in self._book]
        listed = self._sweep.seen.intersection(self._gone)
        if self._are_many(len(known), self._known):
            raise self._mass_deletion(len(known), self._known)
        if self._are_many(len(listed), len(self._sweep.seen)):
            raise self._mass_deletion(len(listed), len(self._sweep.seen))
        waiting = (k for k, entry in self._book.items() if entry.seen is Seen.GONE)
        changes = []
        for key in dict.fromkeys(itertools.chain(known, waiting)):
            if key in self._sweep.seen and key not in known:
                continue  # it was gone, and is back
            entry = self._book[key]
            streams = {s for s in self._selected if entry.holds(s) is not Held.NOTHING}
            changes.append(
                Change(
                    key,
                    streams,
                    event="deleted",
                    is_gone=True,
                    answers_held=entry.answers,
                )
            )
        for start in range(0, len(changes), LARGEST_BATCH):
            yield changes[start : start + LARGEST_BATCH]

    def _are_many(self, gone: int, known: int) -> bool:
        return gone > FEW and 2 * gone > known and CANDIDATES not in self._full_table

    def _mass_deletion(self, gone: int, known: int) -> TapError:
        return TapError(
            f"{gone} of {known} known candidates seem to be deleted: more than half, "
            "which is rather a fault (another workspace's API key?). Nothing was "
            "deleted. If they are gone, set the replication method of stream "
            "candidates to FULL_TABLE for one run."
        )

    # What was emitted

    def _note_present(self, change: Change) -> None:
        entry = self._book.setdefault(change.id, Entry())
        before = (entry.history, entry.row)
        digests = change.digests or before
        is_changed = digests != before
        has_new_details = change.details_digest not in {None, entry.details}
        entry.history, entry.row = digests
        if change.details_digest is not None:
            entry.details = change.details_digest
        if ANSWERS in change.streams:
            entry.answers = change.answers
        for stream in STREAMS:
            if stream in change.streams:
                # What the row does not vouch for is read again by the next run, unless
                # it was read twice like this: then the API's two answers differ.
                is_torn = change.is_torn and has_new_details
                is_stale = is_torn and stream in FROM_DETAILS
                entry.set_held(stream, Held.STALE if is_stale else Held.CURRENT)
            elif (
                stream not in self._selected
                and (is_changed or (has_new_details and stream in FROM_DETAILS))
                and entry.holds(stream) is Held.CURRENT
                and (stream != HISTORY or digests[0] != before[0])
            ):
                entry.set_held(stream, Held.STALE)
        entry.seen = Seen.LISTED
        entry.is_verified |= change.is_due

    def _note_unlisted(self, stream: str) -> None:
        """Note that ACTIVATE_VERSION marks whom a full table leaves out."""
        for key, entry in self._book.items():
            if key not in self._sweep.seen and entry.holds(stream) is Held.CURRENT:
                entry.set_held(stream, Held.STALE)

    def _note_gone(self, change: Change) -> None:
        entry = self._book[change.id]
        entry.seen = Seen.GONE
        for stream in change.streams:
            entry.set_held(stream, Held.NOTHING)
        if not entry.held:
            del self._book[change.id]


_UNKNOWN = Entry()


def _widest(present: Selection, earlier: list[Selection]) -> list[Selection]:
    """Leave out the selections that others cover; the present one comes first."""
    others = [one for one in earlier if not present.covers(one)]
    return [
        present,
        *(o for o in others if not any(p != o and p.covers(o) for p in others)),
    ]


def _is_torn(row: Record, tag_ids: list[str], details: Record) -> bool:
    """Tell whether a candidate changed between the list and its details.

    Should the change be undone before the next run, no list would show it. Contact
    details do not count: those of a locked candidate need not be the same in both.
    """
    tags = details["tag_ids"]
    if tags is not None and sorted(filter(None, tags)) != tag_ids:
        return True
    return any(
        details[name] not in (None, value)
        for name, value in row.items()
        if name != "contact_info"
    )
