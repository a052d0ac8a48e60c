"""Fake transports: what the API answers, without sockets and in no time."""

from __future__ import annotations

import json
import typing as t
from urllib.parse import parse_qsl, unquote

from requests.structures import CaseInsensitiveDict

from sandbox import Shapes
from sandbox.api import Api
from sandbox.messages import Request, Route
from tap_toggl_hire.api.http import Response
from tap_toggl_hire.api.throttle import Throttle
from tap_toggl_hire.errors import TransientError
from tests.support.clock import FakeClock

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox import Account, Fault
    from sandbox.messages import Answer

Reply = t.Callable[[str], "Response | Exception"]


class FakeTransport:
    """Answer each request with what a function returns for its target, or raise it.

    Attributes:
        clock: Of whatever uses the transport.
        latency: Seconds of this clock that a request takes.
    """

    root = "https://api.example/api"

    def __init__(self, reply: Reply) -> None:
        self.clock = FakeClock()
        self.throttle = Throttle(8, machine=self.clock)
        self.latency = 0.0
        self.targets: list[str] = []
        self._reply = reply

    def send(self, target: str) -> Response:
        """Answer one request."""
        started = self.throttle.acquire()
        try:
            self.targets.append(target)
            self.clock.now += self.latency
            answer = self._reply(target)
        finally:
            self.throttle.release()
        if isinstance(answer, Exception):
            raise answer
        return answer._replace(started=started)


class SandboxTransport(FakeTransport):
    """Answer as the sandbox does.

    Attributes:
        account: What is served; a test changes it.
        shapes: The choices where nothing is documented; a test changes them.
        faults: The first fault that affects a request counts.
        requests: What was requested, in order.
        on_request: Called with each request before its response is made.
    """

    def __init__(self, account: Account) -> None:
        super().__init__(self._answer)
        self.account = account
        self.shapes = Shapes()
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.on_request: Callable[[Request], object] = lambda _: None
        self._api = Api(account, "key", self.root)

    def _answer(self, target: str) -> Response:
        path, _, query = f"/api{target}".partition("?")
        headers = {"authorization": "Bearer key"}
        number, route = len(self.requests) + 1, Route.of(unquote(path))
        params = dict(parse_qsl(query))
        request = Request("GET", path, params, headers, route, number, self.clock.now)
        self.requests.append(request)
        self.on_request(request)
        answer = self._answer_to(request)
        if answer.delivery != "whole":
            raise TransientError(f"no whole response ({answer.delivery})")
        return Response(answer.status, CaseInsensitiveDict(answer.headers), answer.body)

    def _answer_to(self, request: Request) -> Answer:
        def ordinary() -> Answer:
            return self._api.answer(request, self.shapes)

        for fault in self.faults:
            if fault.strikes(request):
                return fault.answer(request, ordinary)
        return ordinary()


def response(body: object, status: int = 200, **headers: str) -> Response:
    """Make a response; bytes are a body as they are, anything else is JSON.

    Args:
        body: The body.
        status: The status.
        **headers: The headers, with underscores for hyphens.
    """
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, CaseInsensitiveDict(named), content)


def error(status: int, kind: str = "SomeError", **headers: str) -> Response:
    """Make the API's own error object."""
    return response({"error": {"type": kind}}, status, **headers)


def html(status: int, **headers: str) -> Response:
    """Make a response of a proxy."""
    return response(b"<h1>Something</h1>", status, **headers)


def page(*rows: object, after: str | None = None) -> Response:
    """Make a page of a list."""
    link = f"/candidates?after_id={after}" if after else None
    return response({"data": list(rows), "links": {"next": link}})


def routes(responses: Mapping[str, Response | Exception]) -> Reply:
    """Answer by target; what is missing is a 404 in the API's own words."""
    return lambda target: responses.get(target) or error(404, "NotFoundError")


def in_turn(*responses: Response | Exception) -> Callable[[], Response | Exception]:
    """Answer with each of these once, then with the last one."""
    left = list(responses)
    return lambda: left.pop(0) if len(left) > 1 else left[0]
