"""Keep the API key, and useless lines of the SDK, out of the log."""

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


class _SdkDetails(logging.Filter):
    """Drops what the SDK logs at INFO about itself, unless the level is DEBUG."""

    messages = (
        "Added '%s' as child stream to '%s'",
        "Skipping parse of env var settings...",
    )

    def filter(self, record: logging.LogRecord) -> bool:
        is_detail = record.msg in self.messages
        return not is_detail or logging.getLogger(record.name).isEnabledFor(
            logging.DEBUG
        )


_redaction = _Redaction()
_sdk_details = _SdkDetails()


def drop_sdk_details(logger: logging.Logger) -> None:
    """Drop lines of the SDK that every command would log and no user needs."""
    logger.addFilter(_sdk_details)


def redact(secret: str) -> None:
    """Hide a secret in all log records from now on, and drop warnings of urllib3.

    It replaces the secret of an earlier call.
    """
    _redaction.secret = secret
    for handler in logging.getLogger().handlers:
        handler.addFilter(_redaction)
