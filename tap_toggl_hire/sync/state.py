"""What the state says of candidates: the inventory, and how the last runs ended.

It lies under `bookmarks.candidates.digests`, in format 2, which `docs/state.md`
describes. Every state has every key, and each key has values of one type: so one that
is merged onto another, as Meltano merges them, is as good as written whole.
"""

from __future__ import annotations

import typing as t

import msgspec

from tap_toggl_hire.errors import StateError
from tap_toggl_hire.sync import format_1
from tap_toggl_hire.sync.inventory import Inventory
from tap_toggl_hire.sync.plan import STREAMS, UNKNOWN, Held, Known, Presence
from tap_toggl_hire.sync.rotation import Turn
from tap_toggl_hire.sync.scope import EVERYBODY, Part, Scope

FORMAT = 2
DIGESTS_KEY = "digests"
"""Where it is, under `bookmarks.candidates`."""

DAMAGED = (
    "The state is damaged: its digests of candidates cannot be read. Nothing was "
    "extracted. Restore an earlier state, make one from the warehouse (see "
    "docs/state.md), or start without a state (meltano run --full-refresh), which "
    "reads everything again."
)


class State:
    """What is known when a run starts; kept up to date by the engine.

    Attributes:
        inventory: What the target holds.
        last_scope: The scope of the last complete run; None before the first.
        scopes: Others that candidates in the inventory were listed with.
        page_size: For which `anchors` are the last ids of pages, as text.
        anchors: Ids all along the list, behind which the next run may read it.
        turn: How far the rotation of re-verification has come.
        columns: For each stream of candidates, what it wrote, as `fingerprint` tells.
        load_version: Of a first load that is not complete; 0 where there is none.
        workspace: What tells the workspace, as digests.
        part: The setting `part`, empty for all; None in a state from the warehouse.
        tags: How many tags there were.
        is_upgraded: Whether it was written before unknown fields were compared.
    """

    def __init__(self) -> None:
        self.inventory = Inventory()
        self.last_scope: Scope | None = None
        self.scopes: list[Scope] = []
        self.page_size = ""
        self.anchors: list[str] = []
        self.turn = Turn()
        self.columns: dict[str, list[str]] = {}
        self.load_version = 0
        self.workspace: list[str] = []
        self.part: str | None = ""
        self.tags = 0
        self.is_upgraded = False

    @property
    def is_new(self) -> bool:
        """Whether nothing was known: a load begins."""
        return not len(self.inventory) and self.last_scope is None

    @classmethod
    def load(cls, value: t.Any) -> State:
        """Read what `dump`, or format 1, or the query on the warehouse, wrote.

        Args:
            value: JSON values; None where there are none, which leads to a full read.

        Raises:
            StateError: If it is damaged, or from a newer version.
        """
        if value is None:
            return cls()
        written = value.get("format") if isinstance(value, dict) else None
        if type(written) is not int or written < 1:
            raise StateError(DAMAGED)
        if written > FORMAT:
            msg = (
                f"The state was written by a newer version of the tap (format "
                f"{written}; this version knows {FORMAT}). Upgrade tap-toggl-hire, or "
                "restore an earlier state."
            )
            raise StateError(msg)
        try:
            if written == 1:
                return cls._upgrade(format_1.load(value))
            return cls._read(msgspec.convert(value, _Stored))
        except (msgspec.ValidationError, ValueError, RecursionError) as error:
            raise StateError(DAMAGED) from error

    def dump(self) -> dict[str, t.Any]:
        """Write everything as JSON values."""
        stored = _Stored(
            format=FORMAT,
            inventory=self.inventory.blocks(),
            scope=[] if self.last_scope is None else [_kept(self.last_scope)],
            scopes=[_kept(scope) for scope in self.scopes],
            page_size=self.page_size,
            anchors=self.anchors,
            rotation=self.turn.dump(),
            columns={stream: self.columns.get(stream, []) for stream in STREAMS},
            load_version=self.load_version,
            workspace=self.workspace,
            part=self.part or "",
            tags=self.tags,
        )
        value: dict[str, t.Any] = msgspec.to_builtins(stored)
        return value

    def keep_part(self, part: Part) -> None:
        """Forget candidates of other parts, which a state from the warehouse names."""
        if self.part is None:
            for candidate_id in [key for key, _ in self.inventory.items()]:
                if not part.has(candidate_id):
                    self.inventory[candidate_id] = None
        self.part = str(part)

    @classmethod
    def _read(cls, stored: _Stored) -> State:
        state = cls()
        state.inventory = Inventory.load(stored.inventory)
        scopes = [_scope(kept) for kept in [*stored.scope, *stored.scopes]]
        state.last_scope = scopes.pop(0) if stored.scope else None
        state.scopes = scopes
        state.page_size, state.anchors = stored.page_size, stored.anchors
        state.turn = Turn.load(stored.rotation)
        state.columns = stored.columns
        state.load_version = stored.load_version
        state.workspace = stored.workspace
        part = Part.parse(stored.part) if stored.part else EVERYBODY
        state.part = None if stored.held else str(part)
        state.tags = stored.tags
        for candidate_id, answers in stored.held:  # also where it was merged onto more
            known = state.inventory.get(candidate_id) or UNKNOWN
            state.inventory[candidate_id] = Known(
                (Held.STALE,) * len(STREAMS),
                Presence.LISTED,
                answers=max(answers, known.answers),
            )
        return state

    @classmethod
    def _upgrade(cls, old: format_1.Stored) -> State:
        state = cls()
        state.is_upgraded = True
        if old.verified is not None:
            state.turn = Turn(
                old.verified.at,
                float(old.verified.cursor),
                old.verified.pauses,
                old.verified.since,
            ).checked()
        scopes = [Scope(**selection).checked() for selection in old.selections]
        if old.verified is not None and scopes:
            state.last_scope = scopes.pop(0)
        state.scopes = scopes
        for page_size, anchors in old.anchors.items():
            state.page_size, state.anchors = page_size, anchors
        for candidate_id, known in old.book.items():
            state.inventory[candidate_id] = known
        return state


_Count = t.Annotated[int, msgspec.Meta(ge=0)]


class _Scope(msgspec.Struct, omit_defaults=True):
    """A scope; what it does not narrow is left out, so that no key is ever null."""

    start_date: str = ""
    job_opening_ids: list[str] = []
    filters: str = ""


class _Stored(msgspec.Struct):
    """Format 2; no key of format 1 has another type here, should states be merged."""

    format: int
    inventory: list[str] = []
    scope: list[_Scope] = []
    scopes: list[_Scope] = []
    page_size: str = ""
    anchors: list[str] = msgspec.field(name="list_anchors", default_factory=list)
    rotation: dict[str, t.Any] = {}
    columns: dict[str, list[str]] = {}
    load_version: _Count = 0
    workspace: list[str] = []
    part: str = ""
    tags: _Count = 0
    held: list[tuple[str, _Count]] = []
    """From the warehouse: the ids that it holds, and how many rows of answers."""


def _kept(scope: Scope) -> _Scope:
    return _Scope(
        scope.start_date or "", list(scope.job_opening_ids or ()), scope.filters or ""
    )


def _scope(kept: _Scope) -> Scope:
    return Scope(
        kept.start_date or None,
        tuple(kept.job_opening_ids) or None,
        kept.filters or None,
    ).checked()
