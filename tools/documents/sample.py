"""The check-up in docs/troubleshooting.md, of an invented later version."""

from __future__ import annotations

import textwrap

from sandbox import Account, Sandbox
from tap_toggl_hire.checkup import report
from tap_toggl_hire.tap import TapTogglHire
from tools.documents.tables import ROOT, replace

PAGE = ROOT / "docs" / "troubleshooting.md"


def checkup() -> str:
    """Return what `--test` prints for the sandbox's v2.2."""
    account = Account.example(candidates=200, text_ids=True)
    with Sandbox(account, versions=("v2.2",)) as box:
        settings = {"api_key": box.api_key, "api_url": box.url}
        tap = TapTogglHire(config=settings)
        return report(tap)


def page() -> str:
    """Return the page with the check-up as the code makes it."""
    text = f"```text\n{textwrap.dedent(checkup())}```\n"
    return replace(PAGE.read_text("utf-8"), "checkup", text)
