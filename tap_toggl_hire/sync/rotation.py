"""Re-verification: when a candidate's details are due to be re-fetched.

What no list row shows (an unlocked answer, a regrade with an equal sum) is found only
in the details. A hash of its ID gives each candidate a place on a circle of
`reverify_days` days, and so one due time per turn. A run re-fetches the candidates that
were due since the time that was reached before.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

DAY = 86400.0
_ONE_DAY = timedelta(days=1)


def due_time(
    candidate_id: str, since: datetime, until: datetime, days: int
) -> datetime | None:
    """Return the first time after `since` at which a candidate is due.

    If that is after `until`, return None; also for 0 days, which turn re-verification
    off.
    """
    if days == 0:
        return None
    turn = days * DAY
    place = _place(candidate_id)
    turns = math.floor(since.timestamp() / turn - place) + 1
    due = datetime.fromtimestamp((turns + place) * turn, UTC)
    if due <= since:  # rounded to a microsecond
        due += timedelta(days=days)
    return due if due <= until else None


def effective(stored: datetime | None, now: datetime) -> datetime:
    """Return the time that re-verification has reached.

    A time slightly in the future comes of two clocks that differ, and is kept, since
    times in the state never decrease. One that is further away counts as now: it would
    stop re-verification.
    """
    if stored is None or stored > now + _ONE_DAY:
        return now
    return stored


def _place(candidate_id: str) -> float:
    """Return the place of an ID on the circle, from 0 to 1."""
    hashed = blake2b(candidate_id.encode(), digest_size=6).digest()
    return int.from_bytes(hashed, "little") / 2**48
