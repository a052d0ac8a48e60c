"""TLS that fails for good: certificates that do not verify, or are not there."""

from __future__ import annotations

import ssl
import typing as t
from pathlib import Path

from tap_toggl_hire.errors import TapError

if t.TYPE_CHECKING:
    from collections.abc import Iterator

HOW_TO_TRUST = (
    "If a proxy or a company's own authority signs it, set REQUESTS_CA_BUNDLE to a "
    "file with the certificate of that authority."
)


def tls_failure(error: Exception, bundle: str | None) -> TapError | None:
    """Judge whether TLS is why a request failed, for good.

    Args:
        error: What `requests` or `urllib3` raised.
        bundle: The file or folder of certificates that the environment names, if any.

    Returns:
        A sentence with the library's own reason; None where another try may succeed.
    """
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return TapError(
                "The certificate that api_url's host shows does not verify "
                f"({cause.verify_message}). {HOW_TO_TRUST}"
            )
    if bundle is None or not any(isinstance(cause, OSError) for cause in causes):
        return None
    problem = _problem(bundle)
    if problem is None:
        return None
    return TapError(
        f"REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE) names {bundle}, {problem}: set it to "
        "a file of certificates, or unset it."
    )


def _problem(bundle: str) -> str | None:
    """Tell what is wrong with a bundle of certificates, if anything is."""
    path = Path(bundle)
    if not path.exists():
        return "which is not there"
    if path.is_file():
        try:
            ssl.create_default_context(cafile=bundle)
        except OSError:  # as ssl.SSLError is
            return "which holds no certificates that can be read"
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those that it wraps, as cause, reason or argument."""
    seen: list[BaseException] = []
    left: list[t.Any] = [error]
    while left:
        cause = left.pop()
        if isinstance(cause, BaseException) and cause not in seen:
            seen.append(cause)
            yield cause
            left += [*cause.args, getattr(cause, "reason", None), cause.__cause__]
            left.append(cause.__context__)
