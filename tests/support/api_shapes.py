"""What the tap makes of an API: the text beside each file of `tests/shapes`."""

from __future__ import annotations

import json
import re
import typing as t

from tap_toggl_hire.api.client import NO_RETRY
from tap_toggl_hire.checkup import report
from tap_toggl_hire.errors import TapError
from tap_toggl_hire.survey import survey
from tap_toggl_hire.tap import TapTogglHire
from tests.support.pipeline import Pipeline
from tests.support.streams import ALL_STREAMS, SYNC_RUNS

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

FIELDS = {
    "unknown fields": "unknown_fields",
    "missing fields": "missing_fields",
    "type mismatches": "mismatched_fields",
}
"""Columns of `sync_runs`, by the title that the check-up has for them."""


def shape_of_sandbox(sandbox: Sandbox) -> dict[str, t.Any]:
    """Return what `--test=shape` writes."""
    return survey(_tap(sandbox))


def text_of(sandbox: Sandbox) -> str:
    """Return the check-up, and how a run ends that reads everything."""
    run = Pipeline(sandbox).extract(select=ALL_STREAMS, check=False)
    [row] = run.records(SYNC_RUNS) or [{"outcome": "failed"}]
    lines = [f"Run: {row['outcome']}"]
    if run.error:
        lines.append(f"  {_without_ids(str(run.error))}")
    for title, column in FIELDS.items():
        if names := json.loads(row.get(column) or "{}"):
            lines += [f"  {title}:", *(f"    {name}" for name in sorted(names))]
    return "\n".join([_check_up(lambda: report(_tap(sandbox))), *lines, ""])


def comparable(text: str) -> str:
    """Return a text without the version of the tap and the number of requests."""
    text = re.sub(r"^tap-toggl-hire \S+,", "tap-toggl-hire …,", text)
    return re.sub(r"\d+ requests", "… requests", text)


def _check_up(make: Callable[[], str]) -> str:
    try:
        return make()
    except TapError as error:
        return f"{_without_ids(str(error))}\n"


def _without_ids(message: str) -> str:
    return re.sub(r"(?<=/candidates/)[\w-]+", "…", message)


def _tap(sandbox: Sandbox) -> TapTogglHire:
    config = {"api_key": sandbox.api_key, "api_url": sandbox.url}
    tap = TapTogglHire(config=config)
    tap.retry = NO_RETRY
    return tap
