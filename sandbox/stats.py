"""What a sandbox was asked, and how it went."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.messages import Request

TOO_MANY_REQUESTS = 429


class Stats:
    """Counts since the sandbox started or since `reset`.

    Attributes:
        keeps_log: whether `log` is kept; a million requests take gigabytes.
        log: every request, in order.
        requests: how many there were.
        refused: how many were answered with 429.
        without_key: requests without the right key.
        in_flight: requests that wait for their answer now.
        max_in_flight: the most that ever did at once.
    """

    def __init__(self) -> None:
        """Start at nothing."""
        self.keeps_log = True
        self.in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Forget everything but what is in flight."""
        self.log: list[Request] = []
        self.requests = 0
        self.refused = 0
        self.without_key = 0
        self.max_in_flight = self.in_flight
        self._kinds: Counter[str] = Counter()

    def count(self, kind: str) -> int:
        """How many went to an endpoint; see `Request.kind`."""
        return self._kinds[kind]

    def arrived(self, request: Request, *, with_key: bool) -> None:
        """Note a request that came in."""
        if self.keeps_log:
            self.log.append(request)
        self.requests += 1
        self._kinds[request.kind] += 1
        self.without_key += not with_key
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def answered(self, request: Request, status: int | None) -> None:
        """Note with which status, None for none, a request will be answered."""
        request.status = status
        self.refused += status == TOO_MANY_REQUESTS

    def done(self) -> None:
        """Note that a request was answered, or that its connection is gone."""
        self.in_flight -= 1
