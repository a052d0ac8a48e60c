"""Streams that emit more than in the last run, or something else.

A stream with new columns, expressions or another `pii` mode emits all its records
again. Fewer columns, titles and descriptions cost nothing.
"""

from __future__ import annotations

import typing as t
from hashlib import blake2b

from tap_toggl_hire import projection
from tap_toggl_hire.privacy import pii_fingerprint
from tap_toggl_hire.sync.plan import FROM_DETAILS, UPSERTED, Presence

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Mapping

    from tap_toggl_hire.settings import Settings
    from tap_toggl_hire.streams import CandidateStream
    from tap_toggl_hire.sync.state import State

REEMITTED = (
    "Columns, stream maps or pii settings of stream %s changed; re-emitting all %s "
    "candidates%s."
)
PREVIOUS_MODE = (
    "%s candidates are not in the list (archived, or outside the filters). They keep "
    "the previous pii mode until they are re-verified%s."
)


def make_changed_streams_stale(
    streams: Iterable[CandidateStream],
    config: Mapping[str, t.Any],
    settings: Settings,
    state: State,
    logger: logging.Logger,
) -> None:
    """Mark streams as stale that emit something new, and log what that costs.

    The state notes both at once: a run that dies in between is repeated.

    Args:
        streams: The selected candidate streams.
        config: The settings as the SDK has them, with stream maps.
        settings: The settings, parsed.
        state: What the last run emitted; changed.
        logger: For warnings.
    """
    inventory, known = state.inventory, f"{len(state.inventory):,}"
    mode = pii_fingerprint(
        settings.pii, settings.pii_hash_key, drops_tags=settings.drops_tags
    )
    personal = "pii-" + blake2b(mode.encode(), digest_size=4).hexdigest()
    has_new_mode = False
    for stream in sorted(streams, key=lambda stream: stream.name):
        name = stream.name
        if name not in UPSERTED:
            continue
        before = state.fingerprints.get(name)
        now = [*projection.fingerprints(stream, config), personal]
        state.fingerprints[name] = now
        if before and not set(now) <= set(before):
            has_new_mode |= personal not in before
            inventory.make_stale(name)
            cost = f", which takes {known} requests" if name in FROM_DETAILS else ""
            logger.warning(REEMITTED, name, known, cost)
    outside = inventory.count(Presence.UNLISTED, Presence.OUT_OF_SCOPE)
    if has_new_mode and outside:
        never = "" if settings.reverify_days else " (never: reverify_days is 0)"
        logger.warning(PREVIOUS_MODE, f"{outside:,}", never)
