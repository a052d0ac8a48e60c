"""What a sandbox was asked, and how it went."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.messages import Request

TOO_MANY_REQUESTS = 429


class Stats:
    """Counts since the sandbox started or since `reset`.

    Attributes:
        log: every request, in order.
        without_key: requests without the right key.
        in_flight: requests that wait for their answer now.
        max_in_flight: the most that ever did at once.
    """

    def __init__(self) -> None:
        """Start at nothing."""
        self.in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Forget everything but what is in flight."""
        self.log: list[Request] = []
        self.without_key = 0
        self.max_in_flight = self.in_flight

    @property
    def requests(self) -> int:
        """How many requests there were."""
        return len(self.log)

    @property
    def refused(self) -> int:
        """How many were answered with 429."""
        return sum(one.status == TOO_MANY_REQUESTS for one in tuple(self.log))

    def count(self, kind: str) -> int:
        """How many went to an endpoint; see `Request.kind`."""
        return sum(one.kind == kind for one in tuple(self.log))

    def arrived(self, request: Request, *, with_key: bool) -> None:
        """Note a request that came in."""
        self.log.append(request)
        self.without_key += not with_key
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def done(self) -> None:
        """Note that a request was answered, or that its connection is gone."""
        self.in_flight -= 1
