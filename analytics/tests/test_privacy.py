"""A data protection officer looks for what docs/privacy.md says is erased."""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
import sqlite3
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from analytics.tests.marks import needs_dbt
from tools.documents import privacy
from tools.local.meltano import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Account, Sandbox
    from tests.pipeline.warehouse import PostgresWarehouse
    from tools.local.meltano import Project

pytestmark = needs_dbt
PAGE = (CHECKOUT / "docs" / "privacy.md").read_text("utf-8")
TABLES = ("candidates", "candidate_details", "candidate_answers", "candidate_history")
PLUGINS = ("tap-toggl-hire", "target-postgres")
OF_TAGS = {
    "toggl_hire.tags",
    ".meltano/meltano.db",
    ".meltano/run/tap-toggl-hire/state.json",
}
"""The places that have the IDs of all tags of the workspace."""
Texts = dict[str, str]


class Person:
    """A candidate whose values are like no other's.

    Args:
        account: The workspace.
        candidate_id: The candidate.
        letter: What tells the values from those of others.
    """

    def __init__(self, account: Account, candidate_id: str, letter: str) -> None:
        account.unlock(candidate_id)
        paths = set()

        def mark(path: str) -> str:
            paths.add(path)
            return f"canary {letter} in {path}"

        contact = [path for path in personal_paths() if path.startswith("contact_")]
        answers = account.detail(candidate_id)["answers"]
        tag = account.add_tag(mark("tag_ids"))
        fields = {
            **{name: mark(name) for name in ("name", "email", "profile_url")},
            "contact_info": {
                **{path.partition(".")[2]: mark(path) for path in contact},
                "unknown": mark("extra"),
            },
            "answers": [
                answer | {"text_answer": mark("answers[].text_answer")}
                for answer in answers
            ],
            "tag_ids": [tag],
            "hire_state": f"decision {letter}",
            "points": 4711 + ord(letter) / 1000,
            "score": 61 + ord(letter) / 1000,
        }
        assert paths == personal_paths()
        for name, value in fields.items():
            account.set_field(candidate_id, name, value)
        self.id = candidate_id
        self.personal = {mark(path) for path in paths}
        self.others = {str(fields[n]) for n in ("hire_state", "points", "score")}
        self.tag_id = tag

    def found(self, texts: Texts) -> set[str]:
        """Return where a value is, apart from the ID.

        The tag is not the candidate's: it stays in `tags`, and its ID in the state,
        until it is deleted itself.
        """
        return {
            place
            for place, text in texts.items()
            if place != "toggl_hire.tags"
            and (
                any(value in text for value in self.personal)
                or any(has_word(text, value) for value in self.others)
                or (place not in OF_TAGS and has_word(text, self.tag_id))
            )
        }


def personal_paths() -> set[str]:
    """Return the personal and possibly personal fields of a candidate."""
    return {
        path
        for path, field in privacy.leaves(privacy.of_candidates()["candidate_details"])
        if privacy.category(field["description"]) in {"personal", "possibly personal"}
    }


def has_word(text: str, word: str) -> bool:
    return bool(re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", text))


def documented() -> set[str]:
    """Return the places in which the page says that the ID remains."""
    (rows,) = re.findall(r"<!-- remains.*?-->\n(.*?)<!-- /remains", PAGE, re.DOTALL)
    return set(re.findall(r"^\| `([^`]+)`", rows, re.MULTILINE))


def tables(fetch: Callable[[str], list[tuple[Any, ...]]]) -> Texts:
    """Return every row of every table of every schema as text, the planner's too."""
    relations = fetch(
        "select table_schema, table_name from information_schema.tables "
        "where table_schema not in ('information_schema', 'pg_catalog')"
    )
    return {
        f"{schema}.{table}": "\n".join(
            str(row)
            for (row,) in fetch(f'select cast(t as text) from "{schema}"."{table}" t')
        )
        for schema, table in relations
    }


def files(folder: Path) -> Texts:
    """Return the files of a project, without the installed plugins."""
    found = {}
    for path, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not Path(path, name).is_symlink()]
        for name in names:
            file = Path(path, name)
            found[str(file.relative_to(folder))] = file.read_text("utf-8", "replace")
    return found


def ids_in_states(database: Path) -> list[set[str]]:
    """Return the candidates in each state that Meltano's system database holds."""
    with sqlite3.connect(database) as connection:
        payloads = connection.execute("select payload from runs").fetchall()
        current = connection.execute(
            "select coalesce(completed_state, partial_state) from state"
        ).fetchall()
    connection.close()
    states = [json.loads(text or "{}") for (text,) in [*payloads, *current]]
    own = [state.get("singer_state", {}).get("tap_toggl_hire", {}) for state in states]
    return [
        set(json.loads(zlib.decompress(base64.b85decode(state["candidates"]["ids"]))))
        for state in own
        if "candidates" in state
    ]


def test_nothing_of_the_deleted_is_left_but_what_the_page_says(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    account = sandbox.account
    openings = [opening["id"] for opening in account.openings()]
    inside = [
        r["id"] for r in account.list_rows() if r["job_opening_id"] == openings[0]
    ]
    outside = [
        candidate_id
        for candidate_id in account.listed_ids()
        if candidate_id not in inside
    ]
    narrowed, hashed, dropped, living = (
        Person(account, candidate_id, letter)
        for candidate_id, letter in zip(inside, "NHDL", strict=False)
    )
    unlisted, lost = (
        Person(account, candidate_id, letter)
        for candidate_id, letter in zip(outside, "UO", strict=False)
    )
    deleted = (narrowed, unlisted, lost, hashed, dropped)

    def fetch(query: str) -> list[tuple[Any, ...]]:
        return warehouse.connection.execute(query.encode()).fetchall()

    def loaded() -> Texts:
        found = tables(fetch)
        return {name: found[name] for name in found if name.startswith("toggl_hire.")}

    # Load everything as it is.
    project.run("toggl-hire-forget-and-answers", **warehouse.settings)
    everywhere = tables(fetch)
    for person in (*deleted, living):
        for value in person.personal | person.others:
            assert any(value in text for text in everywhere.values()), value
        assert person.found(everywhere) >= {f"toggl_hire.{table}" for table in TABLES}
    due = dict(fetch(DUE))
    assert due.keys() >= {person.id for person in deleted}

    # Delete two, and narrow the settings to the opening of one.
    account.delete(narrowed.id)
    account.delete(unlisted.id)
    narrow = {"TAP_TOGGL_HIRE_JOB_OPENING_IDS": json.dumps(openings[:1])}
    project.run(*PLUGINS, **warehouse.settings, **narrow)
    for person in (narrowed, unlisted):
        assert person.found(loaded()) == {"toggl_hire.candidate_history"}

    # Delete one, and lose the state.
    account.delete(lost.id)
    project.run("--full-refresh", *PLUGINS, **warehouse.settings)
    assert lost.found(loaded()) == {f"toggl_hire.{table}" for table in TABLES}
    project.shell(warehouse.script(project.folder), **warehouse.settings)
    assert lost.found(loaded()) == {"toggl_hire.candidate_history"}

    # Hash, drop, and delete one before each.
    account.delete(hashed.id)
    key = {"TAP_TOGGL_HIRE_PII": "hash", "TAP_TOGGL_HIRE_PII_HASH_KEY": "k" * 16}
    project.run(*PLUGINS, **warehouse.settings, **key)
    assert_hidden(living, loaded())
    account.delete(dropped.id)
    drop = {"TAP_TOGGL_HIRE_PII": "drop", "TAP_TOGGL_HIRE_PII_TAGS": "drop"}
    project.run("toggl-hire-forget-and-answers", **warehouse.settings, **drop)
    warehouse.connection.execute("vacuum analyze")

    found = tables(fetch) | files(project.folder)
    samples = fetch("select pg_stats::text from pg_stats where tablename <> 'tags'")
    found["statistics"] = repr(samples)
    found["messages"] = project.log.read_text("utf-8")
    assert found.keys() >= {"report.html", ".meltano/meltano.db", "meltano.log"}
    for person in deleted:
        assert person.found(found) == set()
    assert_hidden(living, found)

    # The ID remains where the page says, and the evidence names it.
    former, *_, current = ids_in_states(project.folder / ".meltano/meltano.db")
    assert {person.id for person in deleted} <= former
    assert not {person.id for person in deleted} & current
    held = {
        place
        for place, text in found.items()
        if any(has_word(text, person.id) for person in deleted)
    }
    assert held - {"statistics"} | {".meltano/meltano.db"} == documented()
    evidence = {
        candidate_id: (at, due_is, rest)
        for candidate_id, at, due_is, rest in fetch(EVIDENCE)
    }
    assert evidence.keys() == {person.id for person in deleted}
    for candidate_id, (due_at, is_estimated, remaining) in evidence.items():
        assert (due_at, is_estimated, remaining) == (due[candidate_id], False, 0)


def test_duckdb_with_hashes(project: Project, sandbox: Sandbox) -> None:
    """Hashes are erased as names are, without a state of the warehouse, too."""
    account = sandbox.account
    person = Person(account, account.listed_ids()[0], "Q")
    key = "sixteen or more."
    hashes = {
        hmac.digest(key.encode(), value.encode(), "sha256").hex()
        for value in person.personal
    }
    person.personal |= hashes
    database = project.folder / "warehouse.duckdb"
    plugins = (
        "tap-toggl-hire",
        "target-duckdb",
        "dbt-duckdb:forget",
        "dbt-duckdb:build",
    )
    settings = {
        "TAP_TOGGL_HIRE_PII": "hash",
        "TAP_TOGGL_HIRE_PII_HASH_KEY": key,
    }

    def fetch(query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(database), read_only=True) as connection:
            rows: list[tuple[Any, ...]] = connection.execute(query).fetchall()
            return rows

    project.run(*plugins, **settings)
    before = tables(fetch)
    assert person.found(before) >= {
        "toggl_hire.candidates",
        "toggl_hire.candidate_details",
        "toggl_hire.candidate_history",
    }
    assert any(value in text for text in before.values() for value in hashes)

    account.delete(person.id)
    project.run(*plugins, **settings)

    found = tables(fetch)
    assert found.keys() == before.keys()
    assert person.found(found) == set()
    held = {place for place, text in found.items() if has_word(text, person.id)}
    assert "toggl_hire_marts_personal.toggl_hire__erasures" in held
    assert held <= documented()


def assert_hidden(living: Person, found: Texts) -> None:
    """Check that only the tag of a living candidate has its name."""
    places = {p for p, text in found.items() if any(v in text for v in living.personal)}
    assert places <= {"toggl_hire.tags"}


DUE = (
    "select candidate_id, due_at "
    "from toggl_hire_marts_personal.toggl_hire__retention_due"
)
EVIDENCE = (
    "select candidate_id, due_at, is_due_at_estimated, rows_remaining "
    "from toggl_hire_marts_personal.toggl_hire__erasures"
)
