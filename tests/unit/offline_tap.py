"""The tap, with the sandbox's API without a socket and without threads."""

from __future__ import annotations

import typing as t

from tap_toggl_hire.tap import TapTogglHire
from tests.support.scheduler import Scheduler
from tests.unit.sync.world import client_of

if t.TYPE_CHECKING:
    from tests.support.http import SandboxTransport

KEY = {"api_key": "key-of-a-test"}


def offline_tap(
    transport: SandboxTransport,
    config: dict[str, t.Any] | None = None,
    **options: t.Any,
) -> TapTogglHire:
    """Return the tap, which goes by the clock of the transport.

    Args:
        transport: Answers its requests.
        config: Its settings, the key aside.
        **options: Of the tap, such as its state.
    """

    class OfflineTap(TapTogglHire):
        machine = transport.clock

    tap = OfflineTap(config={**KEY, **(config or {})}, **options)
    tap.session.workers = Scheduler(1, tap.stop)
    tap.session.client = client_of(transport, tap.stop)
    return tap
