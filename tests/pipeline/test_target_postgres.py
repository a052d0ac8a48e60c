"""The tap and target-postgres, with the settings of meltano.yml but without Meltano."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.pipeline.warehouse import (
    assert_living_rows_match_api,
    assert_rows,
    expected_rows,
    tombstone_columns,
)
from tests.support.documents import shell_block
from tools.local.meltano import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from tests.pipeline.warehouse import Json, PostgresWarehouse

VIEWS = (CHECKOUT / "examples/queries/views.sql").read_text("utf-8")
pytestmark = pytest.mark.pipeline
ODD_TEXTS = (
    "",
    " ",
    "NULL",
    "\\N",
    "\\.",
    "\\.\n",
    "a\tb\vc\fd",
    "one\ntwo\r\nthree\rfour",
    "back\\slash \\\\ \\t \\x41 \\u0041 \\",
    "\"quoted\" 'quoted' `quoted` $$quoted$$",
    '{curly,"array"}',
    "line\u2028paragraph\u2029next\u0085end",
    "\u200f\u202e\ufeff\x01\x1b[31m\x7f",
    "👩‍💻 \U0010ffff é e\u0301",
    "% %s %% :name ; -- drop",
)


def test_odd_texts_land_unchanged_and_go_with_their_candidate(
    sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    account = sandbox.account
    ids = account.listed_ids()[: len(ODD_TEXTS) + 1]
    for candidate_id, text in zip(ids, (*ODD_TEXTS, None), strict=True):
        for name in ("name", "email", "profile_url", "hire_state"):
            account.set_field(candidate_id, name, text)
        account.set_field(
            candidate_id, "contact_info", {"full_name": text, "city": None}
        )
        options = [{"id": "8", "content": text, "correct": True}]
        question = {"id": 7, "content": text, "points": 1, "options": options}
        answer = {"question_id": "7", "text_answer": text, "points": None}
        account.set_field(candidate_id, "questions", [question])
        account.set_field(candidate_id, "answers", [answer])
        account.add_tag(text)
        account.add_opening(text)

    state = warehouse.load(sandbox)

    for stream, rows in expected_rows(account).items():
        assert_rows(warehouse.rows(stream), rows)
    # The state from the warehouse has these candidates, each with one answer.
    assert warehouse.held().items() >= dict.fromkeys(ids, 1).items()

    # The rows exist now: they are merged from a temporary table.
    for candidate_id in ids:
        name = account.row(candidate_id)["name"]
        account.set_field(candidate_id, "name", f"{name}\t\\N\n")
    account.delete(ids[0])
    account.delete(ids[-1])
    warehouse.load(sandbox, state)

    assert_living_rows_match_api(warehouse.rows, account)
    for stream in ("candidates", "candidate_details"):
        marked = tombstone_columns(warehouse.rows(stream))
        assert marked.keys() == {ids[0], ids[-1]}
        assert all(filled == {"id", "_sdc_deleted_at"} for filled in marked.values())
    key = {"candidate_id", "position", "_sdc_deleted_at"}
    marked = tombstone_columns(warehouse.rows("candidate_answers"))
    assert marked == {(ids[0], 0): key, (ids[-1], 0): key}
    assert warehouse.held().keys() == set(account.listed_ids())
    for _ in range(2):  # the script can be run again
        warehouse.connection.execute(VIEWS.encode())
    for stream, rows in expected_rows(account).items():
        assert_rows(warehouse.rows(f"current_{stream}"), rows)


def test_flattened_and_mapped_columns_are_erased_with_their_candidate(
    sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    deleted = sandbox.account.listed_ids()[0]
    maps = {
        "candidates": {"email": "__NULL__", "domain": "email.split('@')[-1]"},
        "tags": {"__filter__": "False"},
    }
    settings: Json = {
        "flattening_enabled": True,
        "flattening_max_depth": 1,
        "stream_maps": maps,
    }
    state = warehouse.load(sandbox, **settings)

    landed = warehouse.rows("candidates")
    rows = expected_rows(sandbox.account)["candidates"]
    assert landed.keys() == rows.keys()
    for candidate_id, row in rows.items():
        contact = row["contact_info"] or {}
        assert landed[candidate_id]["contact_info__city"] == contact.get("city")
    assert {row["domain"] for row in landed.values()} == {"example.com"}
    assert all("email" not in row for row in landed.values())
    assert not warehouse.rows("tags")

    sandbox.account.delete(deleted)
    warehouse.load(sandbox, state, **settings)

    for stream in ("candidates", "candidate_details"):
        marked = tombstone_columns(warehouse.rows(stream))
        assert marked == {deleted: {"id", "_sdc_deleted_at"}}, stream


def test_batch_files_land_as_the_same_rows(
    tmp_path: Path, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    config = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": tmp_path.as_uri()},
    }

    warehouse.load(sandbox, batch_config=config)

    assert {path.suffix for path in tmp_path.iterdir()} == {".gz"}
    for stream, rows in expected_rows(sandbox.account).items():
        assert_rows(warehouse.rows(stream), rows)


def test_request_for_access_prints_every_row_of_one_candidate(
    tmp_path: Path, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    candidate, other, *_ = sandbox.account.listed_ids()
    state = warehouse.load(sandbox)
    sandbox.account.set_hire_state(candidate, "rejected")
    warehouse.load(sandbox, state)
    message = f"/candidates/{candidate} failed: check api_url and api_version."
    warehouse.connection.execute(
        "update toggl_hire.sync_runs set message = %s where started_at ="
        " (select min(started_at) from toggl_hire.sync_runs)",
        [message],
    )
    (tmp_path / "examples").symlink_to(CHECKOUT / "examples")
    commands = shell_block("docs/privacy.md", "psql", "request.sql")

    script = warehouse.script(tmp_path, commands.replace("4711", candidate))
    subprocess.run(["bash", "-euc", script], check=True)  # noqa: S607

    printed = (tmp_path / "candidate.json").read_text("utf-8")
    printed_rows = json.loads(printed)
    questions = sandbox.account.detail(candidate)["questions"]
    assert {table: len(rows) for table, rows in printed_rows.items()} == {
        "candidates": 1,
        "candidate_details": 1,
        "candidate_answers": len(questions),
        "candidate_history": 2,
        "sync_runs": 1,
    }
    assert (
        printed_rows["candidates"][0]["name"] == sandbox.account.row(candidate)["name"]
    )
    assert printed_rows["sync_runs"][0]["message"] == message
    assert other not in printed
