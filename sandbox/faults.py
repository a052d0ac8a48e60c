"""Faults of an API, on request."""

from __future__ import annotations

import inspect
import json
import random
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

from sandbox.messages import JSON, Answer, Headers, encode, error, page

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.messages import Request

    Ordinary = Callable[[], Answer]

FOREVER = 86_400.0
"""Seconds: longer than any client waits."""


def details_of(*candidate_ids: str) -> Callable[[Request], bool]:
    """Return a `match` for the details of these candidates."""
    return lambda request: (
        request.kind == "candidate" and request.route.item_id in candidate_ids
    )


class Fault:
    """A fault that replaces or changes responses.

    Args:
        kind: what it does; each kind and its own arguments are described at the
            functions of this module (`KINDS`).
        times: number of requests that it affects; None is all.
        probability: of affecting a request that matches; None is 1.
        seed: of the probability.
        match: the endpoint's kind (see `Request.kind`) or a test of the request;
            None is every request.
        after: number of matching requests that pass first.
        extra: the kind's own arguments.

    Raises:
        KeyError: for an unknown kind.
        TypeError: for an argument that the kind does not have.

    Attributes:
        requests: those that it affected, in order.
    """

    def __init__(  # noqa: PLR0913
        self,
        kind: str,
        *,
        times: int | None = None,
        probability: float | None = None,
        seed: int = 0,
        match: str | Callable[[Request], bool] | None = None,
        after: int = 0,
        **extra: Any,
    ) -> None:
        self.kind = kind
        self.times = times
        self.probability = 1.0 if probability is None else probability
        self.match = match
        self.after = after
        self.requests: list[Request] = []
        self._rng = random.Random(seed)
        self._seen = 0
        self._effect = KINDS[kind]
        self._extra = extra
        inspect.signature(self._effect).bind(None, None, **extra)

    def __repr__(self) -> str:
        """Return the arguments, for the message of a failing test."""
        return f"Fault({self.kind!r}, match={self.match!r}, **{self._extra!r})"

    @property
    def struck(self) -> int:
        """The number of requests that it affected."""
        return len(self.requests)

    def strikes(self, request: Request) -> bool:
        """Return whether the fault affects this request, and count it."""
        if callable(self.match):
            if not self.match(request):
                return False
        elif self.match not in (None, request.kind):
            return False
        self._seen += 1
        if self._seen <= self.after or self.struck == self.times:
            return False
        if self._rng.random() >= self.probability:
            return False
        self.requests.append(request)
        return True

    def answer(self, request: Request, ordinary: Ordinary) -> Answer:
        """Return the faulty response; `ordinary` makes the correct one."""
        return self._effect(request, ordinary, **self._extra)


def _status(
    _: Request,
    __: Ordinary,
    *,
    status: int = 500,
    error_type: str | None = None,
    html: bool = False,
    empty: bool = False,
) -> Answer:
    """Return an error status with the API's body, a proxy's page or no body."""
    phrase = HTTPStatus(status).phrase
    if empty:
        return Answer(b"", status)
    if html:
        return page(status, f"{status} {phrase}")
    default = "".join(filter(str.isalpha, phrase.title())).removesuffix("Error")
    return error(status, error_type or f"{default}Error")


def _too_many(
    _: Request, __: Ordinary, *, retry_after: float | str | None = None
) -> Answer:
    """Return a 429, with `retry_after` in seconds, as a date, or without it."""
    wait: Headers = ()
    if retry_after is not None:
        wait = (("Retry-After", str(retry_after)),)
    return error(429, "TooManyRequestsError", wait)


def _timeout(_: Request, __: Ordinary, *, seconds: float = FOREVER) -> Answer:
    """Send nothing for `seconds`, then close the connection."""
    return Answer(delay=seconds, delivery="close")


def _reset(_: Request, __: Ordinary) -> Answer:
    """Reset the TCP connection."""
    return Answer(delivery="reset")


def _close(_: Request, __: Ordinary) -> Answer:
    """Close the connection without a response."""
    return Answer(delivery="close")


def _cut(_: Request, ordinary: Ordinary) -> Answer:
    """Return the correct response without the second half of its body."""
    answer = ordinary()
    answer.delivery = "cut"
    return answer


def _not_json(_: Request, __: Ordinary) -> Answer:
    """Return 200 and an HTML page, as a captive portal does."""
    return page(200, "Welcome")


def _empty(_: Request, __: Ordinary) -> Answer:
    """Return 200 and an empty body."""
    return Answer()


def _body(
    _: Request,
    __: Ordinary,
    *,
    body: Any,
    status: int = HTTPStatus.OK,
    headers: Headers = (),
) -> Answer:
    """Return a body: bytes as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else encode(body)
    return Answer(content, status, (JSON, *headers))


def _rewrite(
    request: Request, ordinary: Ordinary, *, change: Callable[[Request, Any], Any]
) -> Answer:
    """Return what `change` makes of the decoded body of a 200."""
    answer = ordinary()
    if answer.status == HTTPStatus.OK:
        body = change(request, json.loads(answer.body))
        # With escapes: there is no other way to write half a surrogate pair.
        answer.body = json.dumps(body).encode()
    return answer


def _wrong_shape(_: Request, __: Ordinary, *, value: Any = None) -> Answer:
    """Return 200 and JSON of another shape, `{"data": null}` by default."""
    return Answer(encode({"data": None} if value is None else value))


def _redirect(_: Request, __: Ordinary, *, location: str, status: int = 302) -> Answer:
    """Return a redirect."""
    return Answer(b"", status, (JSON, ("Location", location)))


def _next(
    request: Request,
    ordinary: Ordinary,
    *,
    next: str | Callable[[Request], str],  # noqa: A002
) -> Answer:
    """Return the correct page with another `links.next`."""

    def change(page: dict[str, Any]) -> None:
        page["links"] = {"next": next(request) if callable(next) else next}

    return _changed(ordinary(), change)


def _short_list(
    _: Request,
    ordinary: Ordinary,
    *,
    keep: int = 0,
    total: Literal["true", "short"] = "true",
) -> Answer:
    """Return the first `keep` rows of the page, without a next page.

    `total` is that of the whole list, or of the rows returned ("short").
    """

    def change(page: dict[str, Any]) -> None:
        del page["data"][keep:]
        if "links" in page:
            page["links"] = {"next": None}
        if "total" in page and total == "short":
            page["total"] = len(page["data"])

    return _changed(ordinary(), change)


def _changed(answer: Answer, change: Callable[[dict[str, Any]], None]) -> Answer:
    """Change the page in a response; leave other responses as they are."""
    if answer.status == HTTPStatus.OK:
        value = json.loads(answer.body)
        if "data" in value:
            change(value)
            answer.body = encode(value)
    return answer


KINDS: dict[str, Callable[..., Answer]] = {
    "status": _status,
    "429": _too_many,
    "timeout": _timeout,
    "reset": _reset,
    "close": _close,
    "cut": _cut,
    "not_json": _not_json,
    "empty": _empty,
    "body": _body,
    "rewrite": _rewrite,
    "wrong_shape": _wrong_shape,
    "redirect": _redirect,
    "next": _next,
    "short_list": _short_list,
}
