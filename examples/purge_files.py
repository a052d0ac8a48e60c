"""Purge deleted candidates from files of target-jsonl, -singer-jsonl and -csv.

    python3 purge_files.py FOLDER

These targets only append. Of candidates whose last event in candidate_history is
`deleted`, only the tombstones stay, and of their history no score, points, rating, hire
state or tag. Files are replaced one by one; run it while no load is running.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

Row = dict[str, Any]
HISTORY = "candidate_history"
KEYS = {
    "candidates": "id",
    "candidate_details": "id",
    "candidate_answers": "candidate_id",
    HISTORY: "candidate_id",
}
FORGOTTEN = ("score", "points", "rating", "hire_state", "tag_ids")


def files(folder: Path, stream: str) -> list[Path]:
    """Return the files of a stream, whichever target wrote them."""
    patterns = ("{}.jsonl", "{}-*.jsonl", "{}[-.]*csv", "{}/*.singer.gz")
    return [path for one in patterns for path in folder.glob(one.format(stream))]


def read(path: Path) -> list[Row]:
    """Return the lines of a file as objects: rows, or Singer messages."""
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as lines:
            rows = csv.DictReader(lines)
            return [{name: row[name] or None for name in row} for row in rows]
    content = path.read_bytes()
    text = gzip.decompress(content) if path.suffix == ".gz" else content
    return [json.loads(line) for line in text.split(b"\n") if line]


def write(path: Path, lines: list[Row]) -> None:
    """Replace a file."""
    if path.suffix == ".csv":
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(lines[0]) if lines else [])
        writer.writeheader()
        writer.writerows(lines)
        content = text.getvalue().encode()
    else:
        content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    if path.suffix == ".gz":
        content = gzip.compress(content)
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(content)
    new.replace(path)


def row_of(line: Row) -> Row | None:
    """Return the row in a line; None for a Singer message that has none."""
    if "stream" in line and "type" in line:
        return line.get("record")
    return line


def deleted(folder: Path) -> set[str]:
    """Return the candidates whose last event is `deleted`."""
    rows = [row for p in files(folder, HISTORY) for row in map(row_of, read(p)) if row]
    last = {}
    for row in sorted(rows, key=lambda row: str(row["observed_at"])):
        last[row["candidate_id"]] = row["event"]
    return {candidate for candidate, event in last.items() if event == "deleted"}


def purge(folder: Path) -> int:
    """Purge the files of a folder, and return the number of lines changed."""
    gone = deleted(folder)
    changed = 0
    for stream, key in KEYS.items():
        for path in files(folder, stream):
            kept, dropped = [], 0
            for line in read(path):
                row = row_of(line)
                if row and row[key] in gone:
                    if stream == HISTORY:
                        full = [name for name in FORGOTTEN if row.get(name) is not None]
                        dropped += bool(full)
                        row |= dict.fromkeys(full)
                    elif not row["_sdc_deleted_at"]:
                        dropped += 1
                        continue
                kept.append(line)
            if dropped:
                write(path, kept)
                changed += dropped
    return changed


if __name__ == "__main__":
    print(f"{purge(Path(sys.argv[1]))} lines changed")
