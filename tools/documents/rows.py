"""The columns in docs/tables.md, each with a value of an invented workspace."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from typing import Any

from sandbox import Account, Sandbox
from tap_toggl_hire.tap import TapTogglHire
from tools.documents.models import schemas
from tools.documents.tables import ROOT, catalog, escaped, replace, table

PAGE = ROOT / "docs" / "tables.md"
OF_THE_RUN = {
    "event_id": "1f09b6abe31c9c4a6a50c56c64b75387",
    "observed_at": "2026-06-01T08:00:03.25+00:00",
    "started_at": "2026-06-01T08:00:01.5+00:00",
    "finished_at": "2026-06-01T08:00:04.75+00:00",
}
"""Values of `candidate_history` and `sync_runs` that differ between two runs."""

Row = dict[str, Any]


def page() -> str:
    """Return the page with the columns of each stream."""
    text = PAGE.read_text("utf-8")
    rows = sample_rows()
    for stream in catalog():
        text = replace(text, stream, _columns(stream, rows[stream]))
    return text


def sample_rows() -> dict[str, Row]:
    """Return a row of each stream, as the tap emits it for a tiny workspace."""
    account = Account.example(candidates=1, openings=1, tags=1, questions=1, tagged=1)
    (candidate,) = account.listed_ids()
    account.change_tag(account.tags()[0]["id"], name="remote")
    for name, value in {
        "name": "Ada Invented",
        "email": "ada@example.com",
        "rating": 2,
        "points": 2,
        "score": 100,
        "hire_state": "possible-hire",
        "profile_url": None,
        "contact_info": {
            "full_name": "Ada Invented",
            "contact_email": "ada@example.com",
            "linkedin": None,
            "phone": "+000 555 0100",
            "city": "Lisbon",
            "country": "Portugal",
        },
        "questions": [
            {
                "id": 400,
                "question_type": "single-choice",
                "skill": "SQL",
                "content": "What does COUNT(column) count?",
                "points": 2,
                "options": [
                    {"id": "1", "content": "rows", "correct": False},
                    {"id": "2", "content": "values", "correct": True},
                ],
            }
        ],
        "answers": [
            {
                "question_id": "400",
                "text_answer": None,
                "points": 2,
                "chosen_option_ids": ["2"],
            }
        ],
    }.items():
        account.set_field(candidate, name, value)
    written = io.TextIOWrapper(io.BytesIO())
    with Sandbox(account) as sandbox, redirect_stdout(written):
        config = {"api_key": sandbox.api_key, "api_url": sandbox.url}
        TapTogglHire(config=config).sync_all()
    written.seek(0)
    messages = map(json.loads, written)
    rows = {
        message["stream"]: message["record"]
        for message in messages
        if message["type"] == "RECORD"
    }
    for stream in ("candidate_history", "sync_runs"):
        rows[stream] |= {
            name: value for name, value in OF_THE_RUN.items() if name in rows[stream]
        }
    return rows


def _columns(stream: str, row: Row) -> str:
    keys = catalog()[stream]["key_properties"]
    lines = []
    for name, field in schemas()[stream]["properties"].items():
        value = json.dumps(row[name], ensure_ascii=False)
        key = " (key)" if name in keys else ""
        lines.append((f"`{name}`{key}", f"`{value}`", field["description"]))
    return table(("column", "for example", "meaning"), map(escaped, lines))
