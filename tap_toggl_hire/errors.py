"""Exceptions of the tap, and how a failure travels.

From one attempt to the exit code:

1. `api/http` makes the attempt. What may pass is a TransientError.
2. `api/client` retries it. What is left is a RequestError about one resource, or a
   TapError about all of them: a key, a version, a rate limit.
3. It waits in the future of a worker thread; `Workers.result` raises it where the
   result is needed, in the main thread.
4. `sync/fetch` gives a RequestError to the task that it is about, which goes on without
   details; a list keeps that of its page. Any other failure ends the reading
   (`Stop.fail`): no request is sent any more, and what was read is emitted.
5. `sync/candidates` raises the first failure once everything else is done.
6. `run` writes the record of the run and the last STATE, except after an OutputError.
7. `__main__` logs the message as the last line, and exits with 1.

A StoppedError is a signal or the time limit, not a failure: it leaves whatever waits,
and takes the same way from step 4 on.

Every message states what happened, what it means and what to do. None contains a
response body, personal data or the API key.
"""

from __future__ import annotations

import signal


class TapError(Exception):
    """A failure that ends the run; its message is the last line the user reads."""

    is_transient = False  # whether a later run may succeed without any change

    def __init__(self, message: str, *, is_transient: bool | None = None) -> None:
        super().__init__(message)
        if is_transient is not None:
            self.is_transient = is_transient


class SettingError(TapError):
    """A setting is invalid."""


class StateError(TapError):
    """The state is rejected."""


class StoppedError(TapError):
    """A signal or the time limit ends the run early."""

    is_transient = True

    def __init__(self, signum: int | None) -> None:
        """Make the error.

        Args:
            signum: The signal, SIGTERM or SIGINT; None for the time limit.
        """
        if signum is None:
            message = (
                "The time limit was reached before the first candidates were read. "
                "Nothing was extracted. Increase time_limit_minutes."
            )
        else:
            message = (
                f"Stopped by {signal.Signals(signum).name}. The next run continues "
                "from the last state."
            )
        super().__init__(message)
        self.signum = signum


class OutputError(TapError):
    """The output cannot be written: no STATE may follow what was lost."""

    is_transient = True


class BatchFileError(OutputError):
    """A file for a BATCH message cannot be written."""

    is_transient = False


class UnauthorizedError(TapError):
    """The API rejects the API key (401, or 403 for a list)."""


class RateLimitError(TapError):
    """The API answers 429 for longer than the tap waits."""

    is_transient = True


class RequestError(TapError):
    """One request failed permanently; other requests may succeed."""


class NotFoundError(RequestError):
    """The API answered 404 or 410 with its own error object."""


class BadRequestError(RequestError):
    """The API answered 400: it rejects a parameter."""


class PaymentRequiredError(RequestError):
    """The API answered 402 for a single resource: the plan allows no more of them."""

    is_transient = True


class ForbiddenError(RequestError):
    """The API answered 403 for a single resource."""


class UnavailableError(RequestError):
    """A request failed after all its retries."""

    is_transient = True


class TransientError(Exception):
    """A request attempt failed and may be retried.

    Its text is a phrase that says why.
    """

    def __init__(
        self,
        reason: str,
        *,
        retry_after: float | None = None,
        final: TapError | None = None,
        lasts: bool = False,
    ) -> None:
        super().__init__(reason)
        self.retry_after = retry_after  # seconds to wait at least, if the API says so
        self.final = final  # what the last attempt raises, instead of UnavailableError
        self.lasts = lasts  # whether a later run is likely to fail in the same way


class TooManyRequestsError(TransientError):
    """The API answered 429; the throttle delays the next attempt."""
