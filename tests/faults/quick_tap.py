"""The tap's command line, whose pauses between tries take no time."""

from __future__ import annotations

from tap_toggl_hire import client
from tap_toggl_hire.__main__ import main

client.PAUSES = (0.01, 0.01, 0.01, 0.01, 0.01)

if __name__ == "__main__":
    main()
