"""What can go wrong, as sentences that a user can act on.

None of these carries a response body, a candidate's data or the API key.

    TapError                ends the run
    ├── SettingError        a setting has a wrong value
    ├── StateError          the state cannot be used
    ├── KeyRefusedError     401, 403: the key is wrong, for all requests
    ├── RefusedError        400: a parameter of the request is wrong
    ├── NotFoundError       404: there is no such thing, as far as the API says
    ├── NoLongerError       410: no longer there, which proves no deletion
    └── NotServedError      the API does not serve this request, but may serve others
    TransientError          failed for a moment; never leaves `api/`
    └── AskedToWaitError    429: the API asks to slow down
"""

from __future__ import annotations


class TapError(Exception):
    """A failure that ends the run; its text is the one line the user reads."""


class SettingError(TapError):
    """A setting has a wrong value."""


class StateError(TapError):
    """The state cannot be used."""


class KeyRefusedError(TapError):
    """The API answered 401 or 403: it refuses the key."""


class RefusedError(TapError):
    """The API answered 400: a parameter of the request is wrong."""


class NotFoundError(TapError):
    """The API answered 404."""


class NoLongerError(TapError):
    """The API answered 410; of a candidate, that is no proof of deletion."""


class NotServedError(TapError):
    """The API did not serve a request, however often it was tried, or never can."""


class TransientError(Exception):
    """A request failed for a moment and is tried again; the text says how it failed.

    Args:
        trouble: The text, which goes on "The API does not serve ...: ".
        content: A body that cannot be read, to tell where, should that be the end.
    """

    def __init__(self, trouble: str, content: bytes = b"") -> None:
        super().__init__(trouble)
        self.content = content


class AskedToWaitError(TransientError):
    """The API answered 429; the throttle holds the next request back.

    Args:
        pause: Seconds until requests go on.
    """

    def __init__(self, pause: float) -> None:
        super().__init__("it answers 429")
        self.pause = pause
