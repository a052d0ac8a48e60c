"""The command line, with one sentence for whatever ends a run early."""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from pathlib import Path

from singer_sdk.exceptions import ConfigurationError, MappingError

from tap_toggl_hire.errors import TapError
from tap_toggl_hire.tap import TapTogglHire

logger = logging.getLogger(TapTogglHire.name)


def main() -> None:
    """Run the command line.

    Exit code 0 means that everything selected was read.
    """
    # Buffered even with PYTHONUNBUFFERED: a raw write that a signal meets is cut short.
    sys.stdout = os.fdopen(sys.stdout.fileno(), "w", encoding="utf-8", closefd=False)
    try:
        try:
            TapTogglHire.cli()
        finally:
            sys.stdout.flush()
    except TapError as error:
        _fail(str(error))
    except (ConfigurationError, MappingError) as error:  # a stream map, say
        _fail(str(error))
    except BrokenPipeError:
        # Nobody reads on; what Python still has in the buffer goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _fail("The target closed the pipe: see its log for the reason.")
    except SystemExit as stop:
        if isinstance(stop.code, int) and stop.code > 128:  # noqa: PLR2004
            name = signal.Signals(stop.code - 128).name
            logger.error(  # noqa: TRY400 - a sentence is enough
                "Stopped by %s; the state of what was emitted is written.", name
            )
        raise
    except Exception as error:  # noqa: BLE001 - the last resort
        # The text of an unknown error may hold candidates' data.
        place = traceback.extract_tb(error.__traceback__)[-1]
        _fail(
            f"Unexpected {type(error).__name__} in {Path(place.filename).name}, "
            f"line {place.lineno}: please report it. With "
            "TAP_TOGGL_HIRE_LOGLEVEL=DEBUG, the log has the traceback."
        )


def _fail(sentence: str) -> None:
    logger.debug("The run failed.", exc_info=sys.exc_info())
    logger.error("%s", sentence)
    sys.exit(1)


if __name__ == "__main__":
    main()
