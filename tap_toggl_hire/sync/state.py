"""What the state says: the inventory, and how the last complete run ended.

It lies under the key `tap_toggl_hire`, beside `bookmarks`: a target that confirms the
bookmarks of one stream at a time then never confirms it ahead of rows. Every state has
every key, with a value of the same type, so that states merge into valid ones. No value
is null (Meltano cannot merge it) or a float (SDK targets cannot pass it on).
`docs/state.md` describes the format.
"""

from __future__ import annotations

import typing as t
import zlib

import msgspec

from tap_toggl_hire.clock import moment
from tap_toggl_hire.errors import StateError
from tap_toggl_hire.sync.inventory import Inventory
from tap_toggl_hire.sync.plan import (
    CANDIDATE_STREAMS,
    NEW,
    UNKNOWN_VALUE,
    Held,
    Known,
    Presence,
)

if t.TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

KEY = "tap_toggl_hire"
FORMAT = 3

FROM_WAREHOUSE = (
    "make a state from the warehouse (see "
    "https://github.com/tap-toggl-hire/tap-toggl-hire/blob/main/docs/recovery.md)"
)
NOTHING = "Nothing was extracted."
DAMAGED = (
    f"The state is damaged: its checksum or its columns are wrong. {NOTHING} To "
    f"continue, {FROM_WAREHOUSE}, or run without a state (meltano run --full-refresh), "
    "which reads everything again."
)
PART = (
    "The state is of a part of the candidates (its key `part`), which this version of "
    f"tap-toggl-hire does not know. {NOTHING} To continue, {FROM_WAREHOUSE}."
)


def unwrap(value: t.Any, list_streams: Collection[str]) -> dict[str, t.Any]:
    """Return the state in a decoded `--state` file.

    A state with bookmarks of list streams alone is the state of a first run.

    Raises:
        StateError: If there is no state of this tap in it.
    """
    if isinstance(value, dict) and value.keys() == {"singer_state"}:
        value = value["singer_state"]  # what `meltano state get` prints
    if not isinstance(value, dict):
        raise invalid_state("it is not a JSON object")
    bookmarks = value.get("bookmarks", {})
    if not isinstance(bookmarks, dict) or not all(
        isinstance(bookmark, dict) for bookmark in bookmarks.values()
    ):
        raise invalid_state("its bookmarks are malformed")
    if KEY in value:
        if not isinstance(value[KEY], dict):
            raise StateError(DAMAGED)
        return value
    if "digests" in bookmarks.get("candidates", {}):
        raise StateError(
            f"The state was written by a version before 0.3. {NOTHING} To "
            f"continue, {FROM_WAREHOUSE}."
        )
    if value.get("type") == "STATE":
        raise invalid_state(
            "it is a whole STATE message; its field `value` is the state"
        )
    if value and (
        value.keys() != {"bookmarks"} or not bookmarks.keys() <= set(list_streams)
    ):
        raise invalid_state(f"it lacks the key {KEY}")
    return value


def invalid_state(what: str) -> StateError:
    """Return the error for a `--state` that is something else."""
    return StateError(
        f"--state is not a tap-toggl-hire state: {what}. {NOTHING} Pass the value of "
        "the last STATE message, or the output of `meltano state get`. For a first "
        "run, leave out --state, or pass {}."
    )


class State:
    """What is known when a run starts; the run keeps it up to date."""

    def __init__(self) -> None:
        self.inventory = Inventory()
        self.scope = ""  # its key in the last complete run; empty before the first
        self.reverified_until: datetime | None = None  # None before the first run
        # By stream, `projection.fingerprints` when it was last emitted.
        self.fingerprints: dict[str, list[str]] = {}
        self.tags: set[str] = set()  # the IDs of all tags
        self.distrusts_tags = False  # most details contradicted the lists of tags

    @classmethod
    def load(cls, value: t.Any) -> State:
        """Read the object under the key `tap_toggl_hire`; None for a first run.

        Raises:
            StateError: If it is damaged, or of another version.
        """
        if value is None:
            return cls()
        written = value.get("format") if isinstance(value, dict) else None
        if type(written) is int and written > FORMAT:
            raise StateError(
                f"The state was written by a newer version of tap-toggl-hire (format "
                f"{written}; this version reads {FORMAT}). {NOTHING} Upgrade "
                f"tap-toggl-hire, or {FROM_WAREHOUSE}."
            )
        if written != FORMAT or type(written) is not int:
            raise StateError(DAMAGED)
        if value.get("part", "") not in (None, ""):
            raise StateError(PART)
        try:
            return cls._read(msgspec.convert(value, _Stored))
        except (msgspec.ValidationError, ValueError, RecursionError) as error:
            raise StateError(DAMAGED) from error

    def dump(self) -> dict[str, t.Any]:
        """Return everything as JSON values."""
        columns = self.inventory.dump()
        until = self.reverified_until
        stored = _Stored(
            format=FORMAT,
            candidates=columns,
            checksum=_checksum(columns),
            scope=self.scope,
            reverified_until=until.isoformat() if until else "",
            fingerprints={
                stream: self.fingerprints.get(stream, [])
                for stream in CANDIDATE_STREAMS
            },
            tags=sorted(self.tags),
            distrusts_tags=self.distrusts_tags,
        )
        return msgspec.to_builtins(stored)  # type: ignore[no-any-return]

    @classmethod
    def _read(cls, stored: _Stored) -> State:
        is_given = stored.candidates or stored.checksum
        if is_given and stored.checksum != _checksum(stored.candidates):
            raise ValueError
        state = cls()
        if stored.candidates:
            state.inventory = Inventory.load(stored.candidates)
        state.scope = stored.scope
        if stored.reverified_until:
            state.reverified_until = moment(stored.reverified_until)
        state.fingerprints = stored.fingerprints
        state.tags = set(stored.tags)
        state.distrusts_tags = stored.distrusts_tags
        for candidate_id, answers in stored.held:
            known = state.inventory.get(candidate_id) or NEW
            state.inventory[candidate_id] = _held(max(answers, known.answers))
        return state


def _held(answers: int) -> Known:
    """Return a candidate that the target holds, in an unknown version."""
    held = (Held.STALE,) * len(CANDIDATE_STREAMS)
    return Known(held, Presence.LISTED, *(UNKNOWN_VALUE,) * 5, answers=answers)


def _checksum(columns: dict[str, str]) -> str:
    checksum = 0
    for name, text in sorted(columns.items()):
        checksum = zlib.crc32(f"{name} {text}".encode(), checksum)
    return f"{checksum:08x}"


_Count = t.Annotated[int, msgspec.Meta(ge=0)]


class _Stored(msgspec.Struct):
    """Format 3."""

    format: int
    candidates: dict[str, str] = {}  # the columns of the inventory
    checksum: str = ""
    scope: str = ""
    reverified_until: str = ""
    fingerprints: dict[str, list[str]] = {}
    tags: list[str] = []
    distrusts_tags: bool = False
    held: list[tuple[str, _Count]] = []
    """From the warehouse: the candidates it holds, with their number of answers."""
