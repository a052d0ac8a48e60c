"""Ways to ask a server, as the tap does."""

from __future__ import annotations

import logging
import socket
import time
import typing as t
from http import HTTPStatus

from tap_toggl_hire.api.client import Client
from tap_toggl_hire.api.requester import Requester
from tap_toggl_hire.api.retry import Retry
from tap_toggl_hire.api.throttle import Throttle
from tap_toggl_hire.api.transport import Access, Transport
from tests.support.hostile import answer

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.hostile import Asked, Hostile, Reply

    Serve = Callable[..., Hostile]

KEY = "k3y-0f-the-w0rkspace"
PAUSES = (1.0, 2.0)
LOGGER = logging.getLogger("tap-toggl-hire")


def transport(
    url: str, *, timeout: float = 30, throttle: Throttle | None = None
) -> Transport:
    """Make what sends requests to a server."""
    access = Access(
        url=url, key=KEY, user_agent="a test", timeout=timeout, connections=4
    )
    return Transport(access, throttle or Throttle(4))


class Pauses(list[float]):
    """The pauses between tries, which pass in no time."""

    def retry(self) -> Retry:
        """Three tries, two pauses."""
        return Retry(PAUSES, self.append)


def requester(
    url: str,
    pauses: Pauses | None = None,
    setting_of: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.monotonic,
    **options: t.Any,
) -> Requester:
    """Make what asks a server until there is an answer that counts.

    Args:
        url: Of the server.
        pauses: Where the pauses are noted.
        setting_of: The setting that a parameter comes from.
        clock: Seconds.
        **options: Of `transport`.
    """
    retry = (Pauses() if pauses is None else pauses).retry()
    sender = transport(url, **options)
    return Requester(sender, retry, setting_of or {}, LOGGER, clock)


def client(url: str, version: str | None = None) -> Client:
    """Make a client of a server."""
    return Client(
        transport(url),
        version=version,
        retry=Pauses().retry(),
        setting_of={},
        logger=LOGGER,
    )


def routes(answers: Mapping[str, t.Any]) -> Reply:
    """Answer by target, without `/api`: bytes as they are, all else as good JSON.

    What is not there is the API's own 404.
    """

    def reply(asked: Asked) -> list[bytes]:
        target = asked.target.removeprefix("/api")
        if target not in answers:
            return [error(404)]
        body = answers[target]
        return [body if isinstance(body, bytes) else answer(body)]

    return reply


def error(status: int, kind: str = "SomeError") -> bytes:
    """Make an answer in the API's own words."""
    return answer({"error": {"type": kind}}, status)


def page(*rows: object, after: str | None = None) -> dict[str, t.Any]:
    """Make a page of a list."""
    link = f"/candidates?after_id={after}" if after else None
    return {"data": list(rows), "links": {"next": link}}


HTML = answer(b"<h1>Not here</h1>", HTTPStatus.NOT_FOUND)


def closed_port() -> int:
    """Find a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
