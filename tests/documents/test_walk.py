"""The modules that a candidate passes, from the API's response to its RECORD."""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tap_toggl_hire
from sandbox import Account, Sandbox
from tap_toggl_hire.messages import MessageWriter
from tap_toggl_hire.tap import TapTogglHire
from tests.support.tap import catalog

if TYPE_CHECKING:
    from types import FrameType

    import pytest

PACKAGE = Path(tap_toggl_hire.__file__).parent


class Walk:
    """Collects the modules that a candidate passes, in order.

    A module counts if one of its functions has the candidate's ID or digests among its
    values. The walk ends when the RECORD of its details is written.

    Args:
        candidate_id: The ID.
    """

    def __init__(self, candidate_id: str) -> None:
        self.modules: list[str] = []
        self.has_ended = False
        self._is_in = re.compile(rf"\b{candidate_id}\b|\b(Known|Listed)\(").search

    def profile(self, frame: FrameType, event: str, value: Any) -> None:
        """Look at a call or a return, as `sys.setprofile` reports it."""
        code = frame.f_code
        path = Path(code.co_filename)
        if self.has_ended or not path.is_relative_to(PACKAGE):
            return
        module = path.relative_to(PACKAGE).as_posix()
        values = [v for name, v in frame.f_locals.items() if name != "self"]
        if module not in self.modules and self._is_in(repr([value, *values])):
            self.modules.append(module)
        if event == "return" and code is MessageWriter.write_message.__code__:
            message = frame.f_locals["message"]
            self.has_ended = getattr(message, "record", {}).get("questions") is not None


def test_candidate_passes_at_most_20_modules(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    account = Account.example(candidates=1)
    walk = Walk(*account.listed_ids())
    with Sandbox(account) as box:
        config = {"api_key": box.api_key, "api_url": box.url}
        streams = catalog(config, "candidates", "candidate_details")
        tap = TapTogglHire(config=config, catalog=streams)
        threading.setprofile(walk.profile)
        sys.setprofile(walk.profile)
        try:
            tap.sync_all()
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
    capsysbinary.readouterr()
    assert walk.has_ended
    print(f"{len(walk.modules)} modules:", *walk.modules, sep="\n  ")  # noqa: T201
    assert len(walk.modules) <= 20
