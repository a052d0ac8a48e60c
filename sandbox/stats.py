"""Counts of the requests to a sandbox."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.messages import Request

TOO_MANY_REQUESTS = 429


class Stats:
    """Counts since the start of the sandbox, or since `reset`.

    Attributes:
        keeps_log: whether `log` is kept; a million requests take gigabytes.
        log: every request, in order.
        requests: number of requests.
        refused: number of requests answered with 429.
        without_key: requests without the right key.
        in_flight: requests that wait for a response now.
        max_in_flight: maximum of `in_flight`.
    """

    def __init__(self) -> None:
        """Start at zero."""
        self.keeps_log = True
        self.in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Reset everything except requests in flight."""
        self.log: list[Request] = []
        self.requests = 0
        self.refused = 0
        self.without_key = 0
        self.max_in_flight = self.in_flight
        self._kinds: Counter[str] = Counter()

    def count(self, kind: str) -> int:
        """Return the number of requests to an endpoint; see `Request.kind`."""
        return self._kinds[kind]

    def arrived(self, request: Request, *, with_key: bool) -> None:
        """Count an incoming request."""
        if self.keeps_log:
            self.log.append(request)
        self.requests += 1
        self._kinds[request.kind] += 1
        self.without_key += not with_key
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def answered(self, request: Request, status: int | None) -> None:
        """Record the status of a request's response; None without one."""
        request.status = status
        self.refused += status == TOO_MANY_REQUESTS

    def done(self) -> None:
        """Count a request that was answered, or whose connection is gone."""
        self.in_flight -= 1
