"""Nothing secret in the log, whoever writes it."""

from __future__ import annotations

import logging


class Redaction(logging.Filter):
    """Hide the API key in every line; leave out lines that quote URLs and headers.

    The tap's own lines have neither. Those of the libraries below it may.

    Args:
        secret: What no line may hold.
    """

    def __init__(self, secret: str) -> None:
        super().__init__()
        self._secret = secret

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether to log a record, its text redacted."""
        if record.name.startswith("urllib3") and record.levelno > logging.DEBUG:
            return False
        try:
            text = record.getMessage()
        except (TypeError, ValueError):  # a library's mistake, which logging tells
            return True
        if self._secret in text:
            record.msg, record.args = text.replace(self._secret, "***"), ()
        if record.exc_info:
            traceback = logging.Formatter().formatException(record.exc_info)
            record.exc_text = traceback.replace(self._secret, "***")
            record.exc_info = None  # which a formatter would print instead
        return True

    def install(self) -> None:
        """Take the place of an earlier one in all handlers of the root logger."""
        for handler in logging.getLogger().handlers:
            for earlier in handler.filters[:]:
                if isinstance(earlier, Redaction):
                    handler.removeFilter(earlier)
            handler.addFilter(self)
