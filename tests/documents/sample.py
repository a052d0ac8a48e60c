"""The check-up that docs/troubleshooting.md shows, of a made-up later version."""

from __future__ import annotations

import textwrap

from sandbox import Account, Sandbox
from tap_toggl_hire.checkup import Checkup
from tap_toggl_hire.tap import TapTogglHire
from tests.documents.tables import ROOT, replace

PAGE = ROOT / "docs" / "troubleshooting.md"


def checkup() -> str:
    """What `--test` says of the sandbox's v2.2."""
    account = Account.example(candidates=200, text_ids=True)
    with Sandbox(account, versions=("v2.2",)) as box:
        settings = {"api_key": box.api_key, "api_url": box.url}
        tap = TapTogglHire(config=settings)
        return Checkup(tap, tap.session).report()


def updated(text: str) -> str:
    """The page with the check-up as the code makes it."""
    return replace(text, "checkup", f"```text\n{textwrap.dedent(checkup())}```\n")
