"""Ask the API until there is an answer that counts."""

from __future__ import annotations

import threading
import time
import typing as t
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

import requests

from tap_toggl_hire.api import retry
from tap_toggl_hire.api.body import LARGEST_ANSWER
from tap_toggl_hire.api.decoding import (
    MOST_VALUES,
    broken_row,
    decode,
    has_too_many_values,
    plain_id,
)
from tap_toggl_hire.errors import (
    AskedToWaitError,
    KeyRefusedError,
    NotServedError,
    TransientError,
)

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping

    from tap_toggl_hire.api.decoding import Json
    from tap_toggl_hire.api.pagination import Params
    from tap_toggl_hire.api.transport import Transport

WARNING_INTERVAL = 60.0
"""Seconds between two log lines on the same kind of trouble."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked for: a page of a list, or one item of it.

    Attributes:
        version: Of the API.
        path: Of the list, such as `/candidates`.
        item: The id of the item; None for a page.
        params: The query.
    """

    version: str
    path: str
    item: str | None = None
    params: Params = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        """What the user reads of it: without ids."""
        return self.path if self.item is None else f"{self.path}/{{id}}"

    @property
    def target(self) -> str:
        """Version, path and query.

        Raises:
            NotServedError: If the id is one that changes the path.
        """
        if self.item in {"", ".", ".."}:
            msg = (
                f"The API cannot be asked for {self.endpoint} with the odd id "
                f"'{self.item}': that would be another address. Ask Toggl Hire's "
                "support for another id."
            )
            raise NotServedError(msg)
        target = f"/{self.version}{self.path}"
        if self.item is not None:
            target += f"/{quote(self.item, safe='')}"
        return f"{target}?{urlencode(self.params)}" if self.params else target

    def is_met_by(self, body: Json) -> bool:
        """Return whether a body is what was asked for."""
        if not isinstance(body, dict):
            return False
        if self.item is None:
            return isinstance(body.get("data"), list)
        return str(body.get("id")) == self.item


class Requester:
    """Ask until there is an answer that counts. Safe to use from several threads.

    Args:
        transport: Sends requests.
        retry: How often, and after which pauses, a request is tried again.
        setting_of: The setting that a parameter of a request comes from, if any.
        logger: Where troubles are told.
        clock: Seconds, only ever growing.
    """

    def __init__(
        self,
        transport: Transport,
        retry: retry.Retry,
        setting_of: Mapping[str, str],
        logger: logging.Logger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._retry = retry
        self._setting_of = setting_of
        self._logger = logger
        self._clock = clock
        self._key_refusal: KeyRefusedError | None = None
        self._told: dict[str, float] = {}
        self._told_lock = threading.Lock()

    def get(self, request: Request) -> Json:
        """Ask, and ask again where that failed for a moment.

        Returns:
            The decoded body, which is what was asked for.

        Raises:
            NotServedError: If it failed as often as it was tried.
            TapError: If it failed for good.
        """

        def on_failure(failure: TransientError) -> None:
            self._transport.counts.add(retried=1)
            self._tell("retry", "Trying %s again: %s.", request.endpoint, failure)

        try:
            return self._retry.run(lambda: self.attempt(request), on_failure)
        except TransientError as failure:
            msg = (
                f"The API does not serve {request.endpoint}: {failure}"
                f"{_whose(request, failure)}, {self._retry.tries} times in a row. What "
                "was read so far is in the state; run again later."
            )
            raise NotServedError(msg) from failure

    def attempt(self, request: Request) -> Json:
        """Ask once.

        Raises:
            TransientError: If it failed for a moment; AskedToWaitError for 429.
            TapError: If it failed for good.
        """
        if self._key_refusal is not None:  # whatever else is waiting need not ask
            raise self._key_refusal
        try:
            answer = self._transport.send(request.target)
        except AskedToWaitError as asked:
            message = "The API asks to slow down (429): waiting %.0f s."
            self._tell("429", message, asked.pause)
            raise
        if answer.status == requests.codes.ok:
            if answer.content is None:
                raise _too_large(request, f"is larger than {LARGEST_ANSWER >> 20} MiB")
            if has_too_many_values(answer.content):
                raise _too_large(request, f"has more than {MOST_VALUES:,} values")
            try:
                body = decode(answer.content)
            except ValueError as error:
                trouble = "the answer is no JSON"
                raise TransientError(trouble, answer.content) from error
            if request.is_met_by(body):
                return body
            raise TransientError("the answer is not what the API's documentation says")
        if (
            answer.status == requests.codes.not_found
            and request.item is not None
            and not answer.is_of_the_api
        ):
            # The API's own 404 proves a deletion; that of a proxy before it does not.
            raise TransientError("it answers 404, but not in the API's own words")
        named = [self._setting_of[n] for n in request.params if n in self._setting_of]
        failure = retry.of_status(
            answer.status, answer.error_type, request.endpoint, named
        )
        if isinstance(failure, KeyRefusedError):
            self._key_refusal = failure
        raise failure

    def _tell(self, kind: str, message: str, *args: object) -> None:
        """Log a trouble, though not each time: there may be thousands."""
        now = self._clock()
        with self._told_lock:
            if now - self._told.get(kind, -WARNING_INTERVAL) < WARNING_INTERVAL:
                return
            self._told[kind] = now
        self._logger.warning(message, *args)


def _too_large(request: Request, how: str) -> NotServedError:
    return NotServedError(
        f"The API does not serve {request.endpoint}: its answer {how}. Check page_size "
        "and api_url."
    )


def _whose(request: Request, failure: TransientError) -> str:
    """Tell which candidate, or which row, a failure is about, where that is known."""
    if request.item is None:
        row = broken_row(failure.content)
        return f" because of the row with id {row}" if row else ""
    item = plain_id(request.item)
    return f" for id {item}" if item else ""
