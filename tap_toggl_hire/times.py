"""Times as the API, the settings and the state write them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(text: str) -> datetime:
    """Read a time; one without an offset is UTC.

    Args:
        text: A time in ISO 8601.

    Returns:
        The time, with its offset.

    Raises:
        ValueError: If it is none.
    """
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
