"""Requests and responses, without a socket."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

JSON = ("Content-Type", "application/json")
HTML = ("Content-Type", "text/html; charset=utf-8")
_ITEMS = {"openings": "opening", "candidates": "candidate"}

Headers = tuple[tuple[str, str], ...]


class Refused(Exception):  # noqa: N818 - not an error of the sandbox
    """A request that gets an error: a status and the documentation's `type`."""

    def __init__(self, status: int, error_type: str) -> None:
        super().__init__(f"{status} {error_type}")
        self.status = status
        self.error_type = error_type


@dataclass(slots=True)
class Route:
    """A parsed path. `version` is None outside of `/api/{version}/`."""

    kind: str
    version: str | None = None
    item_id: str = ""

    @classmethod
    def of(cls, path: str) -> Route:
        """Return the endpoint of a path; `kind` is "other" outside of the API."""
        match path.split("/"):
            case ["", "api", version, name]:
                return cls(name, version)
            case ["", "api", version, name, item_id] if item_id and name in _ITEMS:
                return cls(_ITEMS[name], version, item_id)
            case ["", "api", version, _, *_]:
                return cls("other", version)
        return cls("other")


@dataclass(slots=True)
class Request:
    """A request, as `Stats.log` keeps it.

    Attributes:
        number: its place in the log, from 1.
        at: when it came, in seconds of `time.monotonic()`.
        headers: with names in lower case; "authorization" and "host" show what
            a client disclosed, and to which server.
        status: of the response; None before it, or without one.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    route: Route
    number: int
    at: float
    status: int | None = None

    @property
    def kind(self) -> str:
        """Return the endpoint.

        It is the name of a list, opening, candidate, or other.
        """
        return self.route.kind


@dataclass(slots=True)
class Answer:
    """A response, and how the server delivers it.

    Attributes:
        delay: seconds to wait before anything is sent.
        delivery: "whole"; "cut" (all headers, half of the body, end of connection);
            "close" (the connection ends without an answer); "reset" (it breaks).
    """

    body: bytes = b""
    status: int = 200
    headers: Headers = (JSON,)
    delay: float = 0.0
    delivery: Literal["whole", "cut", "close", "reset"] = "whole"

    @property
    def sent_status(self) -> int | None:
        """Return the status that the client receives; None without one."""
        return self.status if self.delivery in ("whole", "cut") else None


def encode(value: Any) -> bytes:
    """Return a JSON value as UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def error(status: int, error_type: str, headers: Headers = ()) -> Answer:
    """Return an error as documented: `error.type` and nothing else."""
    return Answer(encode({"error": {"type": error_type}}), status, (JSON, *headers))


def page(status: int, title: str, headers: Headers = ()) -> Answer:
    """Return an answer in HTML, such as a proxy's."""
    body = f"<!doctype html><html><title>{title}</title><h1>{title}</h1></html>\n"
    return Answer(body.encode(), status, (HTML, *headers))
