"""ACTIVATE_VERSION for candidates: the target marks the rows that a whole read lacks.

A full table has a version of its own run. A first load has one of its own too, over
all the runs that it takes; so rows of candidates that were deleted while there was no
state are marked.
"""

from __future__ import annotations

import typing as t

from tap_toggl_hire.output import BatchOutput
from tap_toggl_hire.sync.plan import UPSERTED, make_stale

if t.TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from tap_toggl_hire.output import Output
    from tap_toggl_hire.settings import Settings
    from tap_toggl_hire.sync.engine import Engine
    from tap_toggl_hire.sync.plan import Known, Run
    from tap_toggl_hire.sync.state import State


class Activation:
    """The versions of one run.

    Args:
        settings: Whether versions are told, and whether candidates are left out.
        version: Of this run.
        state: Keeps the version of a first load.
        outputs: Those of the selected streams of candidates, by stream.
    """

    def __init__(
        self,
        settings: Settings,
        version: int,
        state: State,
        outputs: Mapping[str, Output],
    ) -> None:
        self._state = state
        self._is_narrowed = settings.is_narrowed
        self._outputs = {n: output for n, output in outputs.items() if n in UPSERTED}
        self.full_table = frozenset(
            name for name, output in self._outputs.items() if output.is_full_table
        )
        """Streams that emit every candidate."""
        is_versioned = settings.emit_activate_version_messages and not any(
            isinstance(output, BatchOutput) for output in self._outputs.values()
        )
        if not is_versioned:
            state.load_version = 0
        elif state.is_new and not self._is_narrowed:
            state.load_version = version
        for name, output in self._outputs.items() if is_versioned else ():
            is_full = name in self.full_table
            output.version = version if is_full else state.load_version
            output.version = output.version or None

    def send(self, engine: Engine, run: Run, seen: Container[str]) -> None:
        """End the load: rows of another version are gone.

        Not where the run leaves candidates out, nor where one that its lists lack
        turned out to be there.
        """
        if engine.found_missing or self._is_narrowed:
            return
        for output in self._outputs.values():
            if output.version is not None:
                output.activate(output.version)
        self._state.load_version = 0

        def forget(candidate_id: str, known: Known) -> Known:
            if candidate_id not in seen:
                for name in run.full_table & run.selected:  # it marks those, too
                    known = make_stale(known, name)
            return known

        if run.full_table:
            engine.rewrite(forget)
