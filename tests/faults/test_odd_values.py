"""Values that no documentation mentions: the run goes on, and nothing is made up.

That any JSON becomes a record that fits its schema is tested in
`tests/unit/test_records.py`; here, the worst of it goes through whole runs.
"""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from sandbox import Account, Sandbox
from tests.faults.trials import Rewrites, Trial, account, assert_true, attempt, small
from tests.streams.checks import assert_columns, of
from tests.support.streams import ANSWERS, CANDIDATES, DETAILS, FAMILY, LISTS

if t.TYPE_CHECKING:
    from sandbox.messages import Request
    from tests.streams.checks import Start

Json = dict[str, t.Any]

pytestmark = pytest.mark.usefixtures("clock")

ODD: tuple[t.Any, ...] = (
    *(
        None,
        "",
        " ",
        "\0",
        "a\0b",
        "\ud800",
        "x\udfff!",
        "\u2028",
        "\x7f",
        "\U0001f642",
    ),
    *("null", "true", "-0", "1e5", " 7 ", "\u0663", "0x10", "NaN", True, False),
    *(0, 2**63, -(2**64), 10**40, 0.1, -0.0, 1e308, [], {}, [[]], [None], {"a": {}}),
    *("2024-01-31", "2024-01-31T00:00:00+99:99", "2024-13-31T00:00:00", "24:00"),
    *("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"),
)
"""Values for any field."""
OTHER_FIELDS = (
    *("name", "email", "profile_url", "contact_info", "started_at", "finished_at"),
    *("points", "score", "rating", "hire_state", "category_id", "job_opening_id"),
    *("questions", "answers"),
)


def assert_valid(trial: Trial) -> None:
    """Each record fits its schema."""
    assert_columns(trial.messages)
    schemas = {m["stream"]: m["schema"] for m in of(trial.messages, "SCHEMA")}
    checks = {name: Draft7Validator(schema) for name, schema in schemas.items()}
    for message in of(trial.messages, "RECORD"):
        record, stream = message["record"], message["stream"]
        assert not [*checks[stream].iter_errors(record)], (stream, record)


JUNK: tuple[t.Any, ...] = ("", None, [], {"a": "b"}, 1.5, True)
"""Rows that are none, and IDs that cannot be used."""


def test_every_odd_value_in_every_field_of_candidates(
    sandbox: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """One candidate per value, all of whose fields have it, nested ones too."""
    workspace = Account.example(candidates=len(ODD), openings=1, tags=1, questions=2)
    box = sandbox(workspace)
    values = dict(zip(workspace.listed_ids(), ODD, strict=True))

    def rewrite(request: Request, body: Json) -> Json:
        for one in [body] if request.kind == "candidate" else body["data"]:
            value = values[one["id"]]
            for name in OTHER_FIELDS:
                one[name] = value
            if request.kind == "candidate" and isinstance(value, str):
                nested = {"id": value, "content": value, "options": [{"id": value}]}
                one["questions"] = [nested, value]
                one["answers"] = [{"question_id": value, "points": value}, value]
        if request.kind == "candidates":
            body["data"][2:2] = [*({"id": value} for value in JUNK), *JUNK]
        return body

    box.faults = [Rewrites(rewrite, match=lambda one: one.kind.startswith("candidate"))]
    config = small(box, reverify_days=0)
    trial = attempt(config).good()
    assert_valid(trial)
    assert "rows of candidates have no ID and were left out" in caplog.text
    for stream in (CANDIDATES, DETAILS):
        assert sorted(trial.ids(stream)) == sorted(values)
    details = {row["id"]: row for row in trial.records(DETAILS)}
    for row in trial.records(CANDIDATES):
        value = values[row["id"]]
        if isinstance(value, str):
            paired = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            assert row["name"] == paired.replace("\0", "\ufffd")
            assert row["hire_state"] == details[row["id"]]["name"] == row["name"]
        elif value is None:
            assert row["name"] is None
    assert all(row["answered"] for row in trial.records(ANSWERS) if row["question_id"])
    # Odd as they are, they are the same in the next run.
    later = attempt(config, state=trial.state).good()
    assert not any(later.records(stream) for stream in FAMILY)


@pytest.mark.parametrize(
    ("kind", "stream"),
    [("openings", "job_openings"), ("categories", "categories"), ("tags", "tags")],
)
def test_odd_rows_of_the_other_lists(sandbox: Start, kind: str, stream: str) -> None:
    """Values that do not fit are null; rows without a usable ID are left out."""
    box = sandbox(account(4))
    ids = [one["id"] for one in getattr(box.account, kind)()]

    def rewrite(_: Request, body: Json) -> Json:
        first = body["data"][0]
        odd = [{**first, "id": f"odd{n}", "name": value} for n, value in enumerate(ODD)]
        without = [{**first, "id": value} for value in JUNK]
        body["data"] = [*odd, *without, *JUNK, *body["data"]]
        return body

    box.faults = [Rewrites(rewrite, match=kind)]
    trial = attempt(small(box)).good()
    assert_valid(trial)
    expected = [f"odd{number}" for number in range(len(ODD))] + ids
    assert sorted(trial.ids(stream)) == sorted(expected)
    others = [name for name in (*LISTS, CANDIDATES, DETAILS) if name != stream]
    assert_true(trial.messages, box.account, streams=others)


IDS = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]),
    min_size=1,
    max_size=12,
) | st.sampled_from(
    ["...", "%2e", "a?b", "a#b", "007", "+1", "1e3", "9" * 30, "a b", "a,b"]
)
# An ID that would change the path is not requested: see the tests of the client.
IDS = IDS.filter(lambda key: key not in {".", ".."})


@given(ids=st.lists(IDS, min_size=3, max_size=4, unique=True))
@rules(max_examples=15)
def test_ids_of_any_form(ids: list[str]) -> None:
    workspace = Account(seed=1)
    opening = workspace.add_opening()
    for key in ids:
        workspace.add_candidate(opening, id=key)
    with Sandbox(workspace) as box:
        config = small(box, page_size=2)
        trial = attempt(config).good()
        assert_true(trial.messages, workspace)
        workspace.rate(ids[0], 3 - workspace.row(ids[0])["rating"])
        workspace.delete(ids[-1])
        later = attempt(config, state=trial.state).good()
        assert sorted(later.ids(CANDIDATES)) == sorted([ids[0], ids[-1]])
