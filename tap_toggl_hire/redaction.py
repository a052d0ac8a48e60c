"""No API key in the log, whichever library writes the line."""

from __future__ import annotations

import logging


class _Redaction(logging.Filter):
    secret = ""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("urllib3") and record.levelno > logging.DEBUG:
            return False  # these quote URLs and headers
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            return False  # a wrong call, whose arguments logging would print
        if self.secret in text:
            record.msg, record.args = text.replace(self.secret, "***"), ()
        if record.exc_info:
            traceback = logging.Formatter().formatException(record.exc_info)
            if self.secret in traceback:
                record.exc_text = traceback.replace(self.secret, "***")
                record.exc_info = None  # a formatter would prefer it to the text
        return True


_redaction = _Redaction()


def redact(secret: str) -> None:
    """Hide a secret in all log records from now on, and drop warnings of urllib3.

    It replaces the secret of an earlier call.
    """
    _redaction.secret = secret
    for handler in logging.getLogger().handlers:
        handler.addFilter(_redaction)
