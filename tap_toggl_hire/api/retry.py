"""What fails for a moment is tried again; what fails for good becomes a sentence."""

from __future__ import annotations

import email.utils
import random
import re
import time
import typing as t
from datetime import UTC

import requests
from urllib3.exceptions import LocationValueError, ReadTimeoutError

from tap_toggl_hire.errors import (
    AskedToWaitError,
    KeyRefusedError,
    NoLongerError,
    NotFoundError,
    RefusedError,
    TapError,
    TransientError,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = t.TypeVar("T")

PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each further try of a request that failed for a moment."""
JITTER = 0.25
"""Share by which a pause is longer or shorter, so that workers do not march."""
TRANSIENT_STATUSES = {408, 425}
"""Beside 5xx: the server, or a proxy before it, asks to come again."""
LONGEST_PAUSE = 86400.0
"""The most seconds that a Retry-After is believed."""

MALFORMED = (
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    LocationValueError,
    UnicodeError,
)
"""What is raised for an address that is none."""

LATE = "it does not answer within request_timeout"


class Retry:
    """Try again what fails for a moment, after pauses that grow and differ.

    Args:
        pauses: Seconds before each further try; so there is one try more.
        sleep: Waits for so many seconds.
    """

    def __init__(
        self,
        pauses: Sequence[float] = PAUSES,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.pauses = pauses
        self._sleep = sleep

    @property
    def tries(self) -> int:
        """The most tries of one request."""
        return len(self.pauses) + 1

    def run(
        self, attempt: Callable[[], T], on_failure: Callable[[TransientError], object]
    ) -> T:
        """Call until it succeeds, or has failed too often.

        Args:
            attempt: What to call.
            on_failure: Called with each failure after which there is another try.

        Raises:
            TransientError: The last failure.
        """
        pauses = iter(self.pauses)
        while True:
            try:
                return attempt()
            except AskedToWaitError:
                continue  # that is no failure; the throttle waits, with all requests
            except TransientError as failure:
                pause = next(pauses, None)
                if pause is None:
                    raise
                on_failure(failure)
            self._sleep(pause * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311


def of_exception(error: Exception) -> TransientError | TapError:
    """Judge a request that got no answer, to a host that could be one.

    The text of the exception is not told, since it quotes the URL.

    Args:
        error: What `requests` or `urllib3` raised.
    """
    if isinstance(error, MALFORMED):
        return TapError(
            "The address of the proxy is malformed, or of a kind that is not "
            "supported: check the variables HTTPS_PROXY, HTTP_PROXY and ALL_PROXY."
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return TransientError("the proxy does not connect")
    if isinstance(error, (requests.exceptions.Timeout, ReadTimeoutError)):
        return TransientError(LATE)
    if isinstance(error, requests.exceptions.ConnectionError):
        return TransientError(
            "the connection is refused or breaks off (see api_url, and the network)"
        )
    return TransientError("the answer breaks off")


def of_status(
    status: int, kind: str | None, endpoint: str, settings: Sequence[str]
) -> TransientError | TapError:
    """Judge an answer that is neither 200 nor 429.

    Args:
        status: Of the answer.
        kind: The API's `error.type`, if it may be shown.
        endpoint: What was asked for, without ids.
        settings: The settings that had a part in the query.
    """
    if status >= requests.codes.server_error or status in TRANSIENT_STATUSES:
        return TransientError(f"it answers {status}")
    told = f"{status}, {kind}" if kind else str(status)
    if status in {401, 403}:
        return KeyRefusedError(
            f"The API refuses the key ({told}): check setting api_key, and that it "
            "belongs to the workspace."
        )
    if status == requests.codes.bad_request:
        return RefusedError(
            f"The API refuses the request to {endpoint} ({told}): check "
            f"{' and '.join(settings) or 'api_version'}."
        )
    kinds = {404: NotFoundError, 410: NoLongerError}
    return kinds.get(status, TapError)(
        f"The API answers {told} for {endpoint}: check api_url and api_version."
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or a date (RFC 9110)."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return min(float(value), LONGEST_PAUSE)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:  # HTTP dates are in Greenwich time
        moment = moment.replace(tzinfo=UTC)
    return min(moment.timestamp() - time.time(), LONGEST_PAUSE)
