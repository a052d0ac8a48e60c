from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.pipeline.warehouse import expected, living, tombstones

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.pipeline.warehouse import PostgresWarehouse
    from tools.local.meltano import Project

pytestmark = [pytest.mark.pipeline, pytest.mark.postgres]
PLUGINS = ("tap-toggl-hire", "target-postgres")
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


def test_everything_lands_row_by_row(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    project.run(*PLUGINS, **warehouse.settings)

    for stream, rows in expected(sandbox.account).items():
        assert warehouse.rows(stream) == rows, stream
    history = warehouse.rows("candidate_history").values()
    assert {row["event"] for row in history} == {"created"}
    assert {row["candidate_id"] for row in history} == set(sandbox.account.listed_ids())


def test_changes_and_deletions_land_too(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    account = sandbox.account
    opening, tag = account.add_opening("Short-lived"), account.add_tag("unloved")
    rated, tagged, deleted, *_ = account.listed_ids()
    late = account.in_progress_ids()[0]
    project.run(*PLUGINS, **warehouse.settings)
    created = len(warehouse.rows("candidate_history"))
    answers = {key for key in warehouse.rows("candidate_answers") if key[0] == deleted}
    account.rate(rated, 1 + account.row(rated)["rating"] % 3)
    account.tag(tagged, account.add_tag("new"))
    account.submit(late)
    account.delete(deleted)
    account.delete_opening(opening)
    account.delete_tag(tag)
    sandbox.stats.reset()

    project.run("toggl-hire-to-postgres", **warehouse.settings)

    for stream, rows in expected(account).items():
        assert living(warehouse.rows(stream)) == rows, stream
    for stream, keys, columns in (
        ("job_openings", {opening}, None),
        ("categories", set(), None),
        ("tags", {tag}, None),
        ("candidates", {deleted}, {"id"}),
        ("candidate_details", {deleted}, {"id"}),
        ("candidate_answers", answers, {"candidate_id", "position"}),
    ):
        marked = tombstones(warehouse.rows(stream))
        assert set(marked) == keys, stream
        if columns is not None:
            for filled in marked.values():
                assert filled == columns | {"_sdc_deleted_at"}, stream
    history = [
        (row["candidate_id"], row["event"])
        for row in warehouse.rows("candidate_history").values()
    ]
    assert len(history) == created + 4
    for event in (
        (rated, "updated"),
        (tagged, "updated"),
        (late, "created"),
        (deleted, "deleted"),
    ):
        assert event in history
    # Of the rated, the tagged and the late; and the 404 of the deleted.
    assert sandbox.stats.count("candidate") == 4


def test_odd_texts_land_as_they_are_and_go_when_deleted(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    account = sandbox.account
    ids = account.listed_ids()[: len(ODD_TEXTS) + 1]
    for one, text in zip(ids, (*ODD_TEXTS, None), strict=True):
        for name in ("name", "email", "profile_url", "hire_state"):
            account.set_field(one, name, text)
        account.set_field(one, "contact_info", {"full_name": text, "city": None})
        options = [{"id": "8", "content": text, "correct": True}]
        question = {"id": 7, "content": text, "points": 1, "options": options}
        answer = {"question_id": "7", "text_answer": text, "points": None}
        account.set_field(one, "questions", [question])
        account.set_field(one, "answers", [answer])
        account.add_tag(text)
        account.add_opening(text)
    project.run(*PLUGINS, **warehouse.settings)
    for stream, rows in expected(account).items():
        assert warehouse.rows(stream) == rows, stream

    for one in ids:  # into rows that are there, by way of a temporary table
        account.set_field(one, "name", f"{account.row(one)['name']}\t\\N\n")
    account.delete(ids[0])
    account.delete(ids[-1])
    project.run(*PLUGINS, **warehouse.settings)
    for stream, rows in expected(account).items():
        assert living(warehouse.rows(stream)) == rows, stream
    for stream in ("candidates", "candidate_details"):
        marked = tombstones(warehouse.rows(stream))
        assert set(marked) == {ids[0], ids[-1]}
        assert all(filled == {"id", "_sdc_deleted_at"} for filled in marked.values())
    marked = tombstones(warehouse.rows("candidate_answers"))
    key = {"candidate_id", "position", "_sdc_deleted_at"}
    assert marked == {(ids[0], 0): key, (ids[-1], 0): key}


def test_a_flat_warehouse_forgets_too(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    """Flattening turns contact details into columns; deletion empties them all."""
    deleted = sandbox.account.listed_ids()[0]
    settings = {
        "TAP_TOGGL_HIRE_FLATTENING_ENABLED": "true",
        "TAP_TOGGL_HIRE_FLATTENING_MAX_DEPTH": "1",
        **warehouse.settings,
    }
    project.run(*PLUGINS, **settings)
    landed = warehouse.rows("candidates")
    for candidate_id, row in expected(sandbox.account)["candidates"].items():
        contact = row["contact_info"] or {}
        assert landed[candidate_id]["contact_info__city"] == contact.get("city")

    sandbox.account.delete(deleted)
    project.run(*PLUGINS, **settings)

    for stream in ("candidates", "candidate_details"):
        marked = tombstones(warehouse.rows(stream))
        assert marked == {deleted: {"id", "_sdc_deleted_at"}}, stream


def test_stream_maps_change_what_lands(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    maps = {
        "candidates": {"email": "__NULL__", "domain": "email.split('@')[-1]"},
        "tags": {"__filter__": "False"},
    }
    project.run(
        *PLUGINS, **warehouse.settings, TAP_TOGGL_HIRE_STREAM_MAPS=json.dumps(maps)
    )

    candidates = warehouse.rows("candidates")
    assert set(candidates) == set(sandbox.account.listed_ids())
    assert {row["domain"] for row in candidates.values()} == {"example.com"}
    assert all("email" not in row for row in candidates.values())
    assert not warehouse.rows("tags")


def test_batches_hold_the_same_rows(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    batches = project.folder / "batches"
    batches.mkdir()
    config = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": batches.as_uri()},
    }
    project.run(
        *PLUGINS, **warehouse.settings, TAP_TOGGL_HIRE_BATCH_CONFIG=json.dumps(config)
    )

    for stream, rows in expected(sandbox.account).items():
        assert warehouse.rows(stream) == rows, stream


def test_parts_together_equal_the_whole(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    """One run a part, each with a state of its own, as an orchestrator runs them."""
    for number in (1, 2, 3):
        project.meltano(
            *("el", "--no-install", f"--state-id=part-{number}", *PLUGINS),
            **warehouse.settings,
            TAP_TOGGL_HIRE_PART=f"{number}/3",
        )

    for stream, rows in expected(sandbox.account).items():
        assert warehouse.rows(stream) == rows, stream


def test_a_history_of_version_0_1_goes_on(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    """Its table had another key, and no column for the new one."""
    old = {"__key_properties__": ["candidate_id", "observed_at"], "event_id": None}
    maps = json.dumps({"candidate_history": old})
    project.run(*PLUGINS, **warehouse.settings, TAP_TOGGL_HIRE_STREAM_MAPS=maps)
    before = warehouse.rows("candidate_history")
    rated = sandbox.account.listed_ids()[0]
    sandbox.account.rate(rated, 1 + sandbox.account.row(rated)["rating"] % 3)
    project.run(*PLUGINS, **warehouse.settings)
    after = warehouse.rows("candidate_history")
    new = [row for key, row in after.items() if key not in before]
    assert [(row["candidate_id"], row["event"]) for row in new] == [(rated, "updated")]
    assert len(after) == len(before) + 1
    assert {key for key, row in after.items() if row["event_id"]} == {
        (row["candidate_id"], row["observed_at"]) for row in new
    }
