"""Whether a state is of the workspace that the API key opens.

A state of another workspace would have its candidates taken for deleted. The key
cannot tell, as it may be rotated; the job openings can.
"""

from __future__ import annotations

import typing as t
from hashlib import blake2b

if t.TYPE_CHECKING:
    from collections.abc import Iterable

MOST_SIGNS = 40
"""That are kept in the state; one in common is enough."""


def signs(openings: Iterable[t.Any]) -> list[str]:
    """Return what tells a workspace: digests of its job openings.

    The slug of an opening is unique among all workspaces; its id and time of creation
    serve where a version of the API has no slug.
    """
    found = []
    for opening in openings:
        if isinstance(opening, dict):
            created = str(opening.get("created_at"))[:19]
            found.append("i" + _digest(f"{opening.get('id')} {created}"))
            if opening.get("slug"):
                found.append("s" + _digest(str(opening["slug"])))
    return sorted(found, reverse=True)


def is_foreign(known: Iterable[str], present: Iterable[str]) -> bool:
    """Return whether signs are of another workspace than those in the state.

    Where either has none, nothing tells. Slugs count where both have some.
    """
    before, now = set(known), set(present)
    slugs = {sign for sign in before if sign.startswith("s")}
    if slugs and any(sign.startswith("s") for sign in now):
        return not slugs & now
    return bool(before and now) and not before & now


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=4).hexdigest()


FOREIGN = (
    "The state is of another workspace: the API has none of its job openings. Nothing "
    "was extracted. Check api_key, or use the state that belongs to it; if all "
    "openings were replaced, make a state from the warehouse (see docs/state.md)."
)
