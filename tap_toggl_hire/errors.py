"""What can go wrong, as sentences that a user can act on.

None of these carries a response body, a candidate's data or the API key.
"""

from __future__ import annotations


class TapError(Exception):
    """A failure that ends the run; its text is the one line the user reads."""


class SettingError(TapError):
    """A setting has a wrong value."""


class StateError(TapError):
    """The state cannot be used."""


class NotServedError(TapError):
    """The API did not serve a request, however often it was tried."""


class RefusedError(TapError):
    """The API answered 400: a parameter of the request is wrong."""


class NotFoundError(TapError):
    """The API answered 404."""


class NoLongerError(TapError):
    """The API answered 410; of a candidate, that is no proof of deletion."""
