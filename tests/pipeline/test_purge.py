"""examples/purge_files.py: files that targets only append to."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tools.local.meltano import CHECKOUT
from tools.targets import readers
from tools.targets.readers import Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox
    from tools.local.meltano import Project

Row = dict[str, Any]
Rows = dict[str, list[Row]]

ROWS: Rows = {
    "candidates": [
        {"id": "1", "name": "Ada Invented", "_sdc_deleted_at": None},
        {"id": "2", "name": "Zoë Invented", "_sdc_deleted_at": None},
        {"id": "3", "name": "Max Invented", "_sdc_deleted_at": None},
        {"id": "2", "name": None, "_sdc_deleted_at": "2026-03-02T00:00:00Z"},
        {"id": "3", "name": None, "_sdc_deleted_at": "2026-03-02T00:00:00Z"},
        {"id": "3", "name": "Max Invented", "_sdc_deleted_at": None},
    ],
    "candidate_answers": [
        {
            "candidate_id": "2",
            "position": 0,
            "text_answer": "Zoë",
            "_sdc_deleted_at": None,
        },
    ],
    "candidate_history": [
        {
            "candidate_id": candidate_id,
            "observed_at": at,
            "event": event,
            "score": score,
        }
        for candidate_id, at, event, score in (
            ("1", "2026-03-01T00:00:00Z", "created", 61.5),
            ("2", "2026-03-01T00:00:00Z", "created", 62.5),
            ("3", "2026-03-01T00:00:00Z", "created", 63.5),
            ("2", "2026-03-02T00:00:00Z", "deleted", None),
            ("3", "2026-03-02T00:00:00Z", "deleted", None),
            ("3", "2026-03-03T00:00:00Z", "created", 63.5),
        )
    ],
}


def write_jsonl(folder: Path, stream: str, rows: list[Row]) -> None:
    lines = [json.dumps(row) + "\n" for row in rows]
    (folder / f"{stream}.jsonl").write_text("".join(lines), "utf-8")


def write_singer(folder: Path, stream: str, rows: list[Row]) -> None:
    messages = [{"type": "SCHEMA", "stream": stream, "schema": {}}] + [
        {"type": "RECORD", "stream": stream, "record": row} for row in rows
    ]
    text = "".join(json.dumps(message) + "\n" for message in messages)
    (folder / stream).mkdir()
    path = folder / stream / f"{stream}-1.singer.gz"
    path.write_bytes(gzip.compress(text.encode()))


def write_csv(folder: Path, stream: str, rows: list[Row]) -> None:
    with (folder / f"{stream}-1.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize(
    ("write", "read"),
    [
        (write_jsonl, readers.jsonl),
        (write_singer, readers.singer_jsonl),
        (write_csv, readers.csv_files),
    ],
)
def test_only_tombstones_of_the_deleted_stay(
    tmp_path: Path,
    write: Callable[[Path, str, list[Row]], None],
    read: Callable[[Place, str], list[Row]],
) -> None:
    for stream, rows in ROWS.items():
        write(tmp_path, stream, rows)
    place = Place(tmp_path, "", {})

    assert purge(tmp_path) == "3 lines changed\n"

    names = [(row["id"], row["name"]) for row in read(place, "candidates")]
    assert names == [
        ("1", "Ada Invented"),
        ("3", "Max Invented"),
        ("2", None),
        ("3", None),
        ("3", "Max Invented"),
    ]
    assert read(place, "candidate_answers") == []
    scores = [
        (row["candidate_id"], row["event"], row["score"] and float(row["score"]))
        for row in read(place, "candidate_history")
    ]
    assert scores == [
        ("1", "created", 61.5),
        ("2", "created", None),
        ("3", "created", 63.5),
        ("2", "deleted", None),
        ("3", "deleted", None),
        ("3", "created", 63.5),
    ]
    assert purge(tmp_path) == "0 lines changed\n"


def purge(folder: Path) -> str:
    script = CHECKOUT / "examples" / "purge_files.py"
    return subprocess.run(
        [sys.executable, script, folder], check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.pipeline
def test_files_of_target_jsonl_are_purged(project: Project, sandbox: Sandbox) -> None:
    account = sandbox.account
    gone = account.listed_ids()[0]
    account.set_field(gone, "email", "erased@example.com")
    plugins = ("tap-toggl-hire", "target-jsonl")
    project.run(*plugins)
    account.delete(gone)
    project.run(*plugins)
    folder = project.folder / "output"

    def lines() -> Rows:
        place = Place(folder, "", {})
        return {stream: readers.jsonl(place, stream) for stream in KEYS}

    before = lines()
    assert "erased@example.com" in json.dumps(before)

    purge(folder)

    after = lines()
    for stream, key in KEYS.items():
        living, erased = (
            [row for row in rows[stream] if (row[key] == gone) is is_gone]
            for rows, is_gone in ((before, False), (after, True))
        )
        assert [row for row in after[stream] if row[key] != gone] == living
        assert erased
        for row in erased:
            filled = {name for name, value in row.items() if value is not None}
            assert filled <= LEFT[stream]


KEYS = {
    "candidates": "id",
    "candidate_details": "id",
    "candidate_answers": "candidate_id",
    "candidate_history": "candidate_id",
}
LEFT = {
    "candidates": {"id", "_sdc_deleted_at"},
    "candidate_details": {"id", "_sdc_deleted_at"},
    "candidate_answers": {"candidate_id", "position", "_sdc_deleted_at"},
    "candidate_history": {
        "event_id",
        "candidate_id",
        "observed_at",
        "event",
        "job_opening_id",
        "category_id",
        "finished_at",
    },
}
