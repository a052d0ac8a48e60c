"""Which version the API knows: the documented one is retired."""

from __future__ import annotations

import typing as t

from tap_toggl_hire.errors import NoLongerError, NotFoundError, TapError

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable

T = t.TypeVar("T")

VERSIONS = ("v2.1", "v2.2", "v2")
"""Tried in this order: the documented one, the current one, the vendor's latest."""


def find_version(
    asked: str | None, read_tags: Callable[[str], T], logger: logging.Logger
) -> tuple[str, T]:
    """Ask for the tags in each version until one is known.

    A workspace always has a list of tags, so a 404 speaks of the version.

    Args:
        asked: The version to use; None to find one that the API knows.
        read_tags: Reads the tags in a version.
        logger: Told of a version that is not the documented one.

    Returns:
        The version, and the tags.

    Raises:
        TapError: If the API knows none of them.
    """
    versions = VERSIONS if asked is None else (asked,)
    for version in versions:
        try:
            tags = read_tags(version)
        except (NotFoundError, NoLongerError):
            continue
        if version != versions[0]:
            logger.warning(
                "The API no longer knows version %s; %s was taken. To pin it and to be "
                "rid of this warning, set api_version to %s.",
                versions[0],
                version,
                version,
            )
        return version, tags
    if asked is None:
        msg = (
            "The API answers 404 or 410 for each known version "
            f"({', '.join(versions)}): check api_url."
        )
    else:
        msg = (
            f"The API answers 404 for version {asked}: set api_version to one that it "
            "knows, or unset it."
        )
    raise TapError(msg)
