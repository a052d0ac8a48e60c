"""The command line, with pauses between attempts that take no time."""

from __future__ import annotations

from tap_toggl_hire.__main__ import main
from tap_toggl_hire.api.client import Retry
from tap_toggl_hire.tap import TapTogglHire


class QuickTap(TapTogglHire):
    """The tap without pauses."""

    retry = Retry(pauses=(0.01,) * 5)


if __name__ == "__main__":
    main(QuickTap)
