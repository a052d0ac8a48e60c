"""Column `extra`: whatever the API sends and no schema declares is kept, and told."""

from __future__ import annotations

import json
import typing as t

import pytest

from sandbox import Account, Shapes
from sandbox.distortion import PRIVATE
from sandbox.invented import signed_link
from sandbox.shapes import ODD_NAMES, many_names
from tests.streams.checks import (
    CANDIDATES,
    LISTS,
    assert_holds,
    details_asked,
    expected,
    history,
    loaded,
    settings,
)
from tests.support import Run, Target, catalog, extract, run_tap
from tests.support.tap import records

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

Json = dict[str, t.Any]

WITH_EXTRA = (*LISTS, *CANDIDATES[:3])


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]


def told_fields(run: Run) -> list[str]:
    """What lines on stderr say of fields."""
    return [
        line.partition("| tap-toggl-hire")[2].strip(" |")
        for line in run.stderr.splitlines()
        if "| WARNING " in line
    ]


# What is kept


def test_everything_that_is_not_declared_at_every_level(
    sandbox: Callable[..., Sandbox],
) -> None:
    box = sandbox(Account())
    account, one = box.account, box.account.add_candidate()
    account.set_field(one, "portfolio", {"links": ["a", None], "likes": 3})
    account.set_field(one, "seen", None)
    account.set_field(one, "rating", {"stars": 2, "of": 3})
    account.set_field(one, "finished_at", 1_736_150_400)
    account.set_field(one, "contact_info", {"city": "Exampleville", "pronouns": "they"})
    account.set_field(
        one,
        "questions",
        [
            {"id": 400, "content": "One?", "options": []},
            {
                "id": 401,
                "content": "Two?",
                "difficulty": 2,
                "points": "many",
                "options": [
                    {
                        "id": "500",
                        "content": "This",
                        "correct": True,
                        "hint": "x\u00fc",
                    },
                    {"id": "501", "content": "That", "correct": "no"},
                    {"id": "502", "content": "Both", "correct": False},
                ],
            },
            "no question",
        ],
    )
    account.set_field(
        one,
        "answers",
        [
            {"question_id": "401", "chosen_option_ids": {"500": True}, "seconds": 9},
            {"question_id": "400", "text_answer": "Yes"},
        ],
    )
    target = loaded(extract(settings(box)))
    of_row = {
        "portfolio": {"links": ["a", None], "likes": 3},
        "seen": None,
        "rating": {"stars": 2, "of": 3},
        "finished_at": 1_736_150_400,
        "contact_info": {"pronouns": "they"},
    }
    question = {
        "difficulty": 2,
        "points": "many",
        "options": [{"hint": "x\u00fc"}, {"correct": "no"}, None],
    }
    answer = {"chosen_option_ids": {"500": True}, "seconds": 9}
    row = target.alive("candidates")[one]
    assert json.loads(row["extra"]) == of_row
    assert (row["rating"], row["finished_at"]) == (None, None)
    assert row["contact_info"]["city"] == "Exampleville"
    details = target.alive("candidate_details")[one]
    assert json.loads(details["extra"]) == {
        **of_row,
        "questions": [None, question, "no question"],
        "answers": [answer, None],
    }
    assert "x\u00fc" in details["extra"]  # as it came, and not escaped
    rows = target.alive("candidate_answers")
    assert set(rows) == {(one, 0), (one, 1)}
    assert rows[one, 0]["extra"] is None
    assert json.loads(rows[one, 1]["extra"]) == {"question": question, "answer": answer}


@pytest.mark.parametrize("level", ["openings", "categories", "tags", "rows", "details"])
def test_only_what_has_more_has_extra(
    sandbox: Callable[..., Sandbox], level: str
) -> None:
    shapes = Shapes(extra_fields=True, extra_in=(level,))
    box = sandbox(Account.example(candidates=5), shapes=shapes)
    target = loaded(extract(settings(box)))
    assert_holds(target, expected(box.account, shapes))
    stream = {
        "openings": "job_openings",
        "rows": "candidates",
        "details": "candidate_details",
    }.get(level, level)
    for name in WITH_EXTRA:
        has_extra = {row["extra"] is not None for row in target.alive(name).values()}
        assert has_extra == {name == stream}, name


DISTORTIONS: dict[str, Json] = {
    "nested": {"extra_fields": True},
    "names": {"extra_fields": ODD_NAMES},
    "types": {"other_types": True},
    "all": {
        "extra_fields": ODD_NAMES,
        "other_types": True,
        "drop_fields": True,
        "null_fields": True,
    },
}


@pytest.mark.parametrize("shape", DISTORTIONS.values(), ids=DISTORTIONS)
def test_every_value_is_kept_through_the_command_line(
    sandbox: Callable[..., Sandbox], shape: Json
) -> None:
    shapes = Shapes(**shape)
    box = sandbox(shapes=shapes)
    run = run_tap(settings(box))
    assert run.returncode == 0, run.stderr
    target = loaded(run.messages)
    assert_holds(target, expected(box.account, shapes))
    assert PRIVATE not in run.stderr
    again = run_tap(settings(box), state=target.state)
    assert {m["stream"] for m in again.messages if m["type"] == "RECORD"} == {
        *LISTS,
        "sync_runs",
    }


def test_the_later_version_through_the_command_line(
    sandbox: Callable[..., Sandbox],
) -> None:
    """The made-up v2.2: new fields at every level, others renamed and retyped."""
    account = Account.example(candidates=150, text_ids=True)
    box = sandbox(account, versions=("v2.2",))
    run = run_tap(settings(box))
    assert run.returncode == 0, run.stderr
    target = loaded(run.messages)
    assert_holds(target, expected(account, box.shapes, version="v2.2"))
    kept = json.loads(target.alive("candidates")[account.listed_ids()[0]]["extra"])
    assert {"profile_link", "portfolio", "photo_url"} <= set(kept)
    assert len(run.stderr.splitlines()) <= 60
    told = told_fields(run)
    assert len(told) == len(set(told))
    for name in ("profile_link", "rating", "portfolio", "photo_url"):
        assert any(f"Field {name} of candidates " in line for line in told), name
    # The signed link, which changes by itself, costs no details.
    changed, gone = account.listed_ids()[3], account.listed_ids()[70]
    account.set_hire_state(changed, "hired")
    account.delete(gone)
    box.stats.reset()
    later = run_tap(settings(box), state=target.state)
    assert later.returncode == 0, later.stderr
    target.load(later.messages)
    assert_holds(target, expected(account, box.shapes, version="v2.2"), deleted=True)
    assert set(target.deleted("candidates")) == {gone}
    assert sorted(set(details_asked(box))) == sorted([changed, gone])
    assert set(history(target, "updated")) == {changed}


@pytest.mark.parametrize("mode", ["hash", "drop"])
def test_with_pii_hidden_it_is_null_and_its_names_are_told(
    sandbox: Callable[..., Sandbox], mode: str
) -> None:
    box = sandbox(shapes=Shapes(extra_fields=True))
    run = run_tap(settings(box, pii=mode, pii_hash_key="key"))
    assert run.returncode == 0, run.stderr
    for stream in CANDIDATES[:3]:
        assert {record["extra"] for record in run.records(stream)} == {None}
    of_candidates = [
        m for m in run.messages if m.get("stream") in CANDIDATES or m["type"] == "STATE"
    ]
    assert PRIVATE not in json.dumps(of_candidates)
    told = told_fields(run)
    assert any("Field new_field of candidates " in line for line in told)
    (row,) = run.records("sync_runs")
    assert json.loads(row["unknown_fields"])["candidates.new_field"] == 40


# What changes in it


class Workspace:
    """A workspace whose candidates have unknown fields, read again and again."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.account = box.account
        self.target = Target()
        self.messages: list[Json] = []

    def extract(self, *, with_extra: bool = True, **others: t.Any) -> None:
        self.box.stats.reset()
        config = settings(self.box, **others)
        chosen = catalog(config, *CANDIDATES)
        for entry in chosen["streams"]:
            for one in entry["metadata"]:
                if one["breadcrumb"][-1:] == ["extra"]:
                    one["metadata"]["selected"] = with_extra
        self.messages = extract(config, self.target.state, chosen)
        self.target.load(self.messages)

    def emitted(self, stream: str) -> list[str]:
        """The candidates of whom the last run sent records, each once."""
        found = records(self.messages, stream)
        return list(
            dict.fromkeys(str(r.get("candidate_id", r.get("id"))) for r in found)
        )


@pytest.fixture
def workspace(sandbox: Callable[..., Sandbox]) -> Workspace:
    return Workspace(sandbox(Account.example(candidates=20)))


def test_a_change_in_it_is_a_change(workspace: Workspace) -> None:
    ids = workspace.account.listed_ids()
    for one in ids[:10]:
        workspace.account.set_field(one, "portfolio", {"likes": 1})
    workspace.extract()
    # Of one that had the field, and of one that gets it.
    for one in (ids[4], ids[14]):
        workspace.account.set_field(one, "portfolio", {"likes": 2})
    workspace.extract()
    assert sorted(details_asked(workspace.box)) == sorted((ids[4], ids[14]))
    for stream in CANDIDATES[:3]:
        assert workspace.emitted(stream) == [ids[4], ids[14]], stream
    assert workspace.emitted("candidate_history") == []
    assert_holds(workspace.target, expected(workspace.account), CANDIDATES[:3])
    workspace.extract()
    assert workspace.emitted("candidates") == []
    assert details_asked(workspace.box) == []


def test_deselected_it_is_neither_sent_nor_compared(workspace: Workspace) -> None:
    one = workspace.account.listed_ids()[4]
    workspace.account.set_field(one, "portfolio", {"likes": 1})
    workspace.extract(with_extra=False)
    assert "likes" not in json.dumps(workspace.messages)
    workspace.account.set_field(one, "portfolio", {"likes": 2})
    workspace.extract(with_extra=False)
    assert workspace.emitted("candidates") == []
    assert details_asked(workspace.box) == []
    # A change of another kind is one all the same.
    workspace.account.rate(one, 3 - workspace.account.row(one)["rating"])
    workspace.extract(with_extra=False)
    assert workspace.emitted("candidates") == [one]
    # And selected, it is filled.
    workspace.extract()
    assert_holds(workspace.target, expected(workspace.account), CANDIDATES[:3])


def test_with_pii_hidden_a_change_in_it_is_none(workspace: Workspace) -> None:
    """Nobody could see it."""
    workspace.extract(pii="drop")
    workspace.account.set_field(workspace.account.listed_ids()[4], "portfolio", 1)
    workspace.extract(pii="drop")
    assert workspace.emitted("candidates") == []
    assert details_asked(workspace.box) == []


def differing(account: Account, count: int, value: int) -> list[str]:
    """So many candidates that get another value of an unknown field."""
    chosen = account.listed_ids()[:count]
    for one in chosen:
        account.set_field(one, "last_seen", value)
    return chosen


@pytest.mark.parametrize(
    ("candidates", "count", "is_volatile"),
    [(130, 100, False), (130, 101, True), (1100, 110, False), (1100, 111, True)],
)
def test_a_field_that_differs_for_many_costs_no_details(
    sandbox: Callable[..., Sandbox],
    caplog: pytest.LogCaptureFixture,
    candidates: int,
    count: int,
    is_volatile: bool,  # noqa: FBT001
) -> None:
    """For more than 100, and more than a tenth of all."""
    workspace = Workspace(sandbox(Account.example(candidates=candidates, questions=1)))
    differing(workspace.account, count, 1)
    workspace.extract()
    chosen = differing(workspace.account, count, 2)
    other = workspace.account.listed_ids()[-1]
    workspace.account.rate(other, 3 - workspace.account.row(other)["rating"])
    caplog.clear()
    workspace.extract()
    assert sorted(workspace.emitted("candidates")) == sorted([*chosen, other])
    asked = [other] if is_volatile else [*chosen, other]
    assert sorted(details_asked(workspace.box)) == sorted(asked)
    assert_holds(workspace.target, expected(workspace.account), ("candidates",))
    told = [line for line in warnings(caplog) if "deselect" in line]
    assert len(told) == is_volatile
    assert all("last_seen" in line for line in told)
    # What is emitted is known: nothing is left for the next run.
    workspace.extract()
    assert workspace.emitted("candidates") == []
    assert details_asked(workspace.box) == []


def test_a_field_that_changes_at_every_answer(
    sandbox: Callable[..., Sandbox], caplog: pytest.LogCaptureFixture
) -> None:
    shapes = Shapes(extra_fields={"photo": signed_link, "shirt": "M"})
    workspace = Workspace(sandbox(Account.example(candidates=120), shapes=shapes))
    workspace.extract()
    for _ in range(2):
        caplog.clear()
        workspace.extract()
        assert len(workspace.emitted("candidates")) == 120
        assert details_asked(workspace.box) == []
        assert workspace.emitted("candidate_details") == []
        told = [line for line in warnings(caplog) if "deselect" in line]
        assert len(told) == 1
    workspace.extract(with_extra=False)
    caplog.clear()
    workspace.extract(with_extra=False)
    assert workspace.emitted("candidates") == []
    assert not any("deselect" in line for line in warnings(caplog))


# What is told of it


def test_odd_names_are_not_told(sandbox: Callable[..., Sandbox]) -> None:
    box = sandbox(shapes=Shapes(extra_fields=ODD_NAMES))
    run = run_tap(settings(box))
    assert run.returncode == 0, run.stderr
    odd = {name for name in ODD_NAMES if not name.isidentifier() or len(name) > 40}
    assert len(odd) >= 5
    (row,) = run.records("sync_runs")
    for name in odd - {""}:
        assert name not in run.stderr
        assert name not in row["unknown_fields"]
    assert "\x1b" not in run.stderr
    told = told_fields(run)
    assert len(told) == len(set(told))
    for stream in (*LISTS, "candidates", "candidate_details"):
        sentence = f"Field with an odd name of {stream} "
        assert any(sentence in line for line in told), stream
    counts = json.loads(row["unknown_fields"])
    assert counts["tags.with an odd name"] == len(odd) * len(box.account.tags())


def test_of_many_names_twenty_are_told(sandbox: Callable[..., Sandbox]) -> None:
    shapes = Shapes(extra_fields=many_names(300), extra_in=("rows", "tags"))
    box = sandbox(Account.example(candidates=5), shapes=shapes)
    run = run_tap(settings(box))
    assert run.returncode == 0, run.stderr
    told = told_fields(run)
    for stream in ("candidates", "tags"):
        of_stream = [line for line in told if f" of {stream} is unknown" in line]
        assert len(of_stream) == 20
        assert sum(f"more such fields of {stream}." in line for line in told) == 1
    (row,) = run.records("sync_runs")
    counts = json.loads(row["unknown_fields"])
    assert len(counts) == 2 * 21
    assert sum(n for name, n in counts.items() if name.startswith("tags.")) == (
        300 * len(box.account.tags())
    )
