"""Values that no documentation mentions: the run goes on, and makes nothing up.

That any JSON becomes a record that fits its schema is tested in
`tests/unit/test_records.py`; here, the worst of it goes through whole runs.
"""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from sandbox import Account, Fault
from tests.support.histories import WHOLE_RUNS
from tests.support.pipeline import make_account, start_pipeline
from tests.support.streams import ANSWERS, API_STREAMS, CANDIDATES, DETAILS

if t.TYPE_CHECKING:
    from sandbox.messages import Request
    from tests.support.messages import Messages
    from tests.support.pipeline import MakePipeline, Pipeline

Json = dict[str, t.Any]

ODD: tuple[t.Any, ...] = (
    # Texts
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
    # Almost numbers and truth values, and real ones
    "null",
    "true",
    "-0",
    "1e5",
    " 7 ",
    "\u0663",
    "0x10",
    "NaN",
    True,
    False,
    0,
    2**63,
    -(2**64),
    10**40,
    0.1,
    -0.0,
    1e308,
    # Lists and objects
    [],
    {},
    [[]],
    [None],
    {"a": {}},
    # Times, and what is none
    "2024-01-31",
    "2024-01-31T00:00:00+99:99",
    "2024-13-31T00:00:00",
    "24:00",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
)
"""Values for any field."""
FIELDS = (
    "name",
    "email",
    "profile_url",
    "contact_info",
    "started_at",
    "finished_at",
    "points",
    "score",
    "rating",
    "hire_state",
    "category_id",
    "job_opening_id",
    "questions",
    "answers",
)
"""All fields of a candidate but its ID and `tag_ids`."""
JUNK: tuple[t.Any, ...] = ("", None, [], {"a": "b"}, 1.5, True)
"""Rows that are none, and IDs that cannot be used."""


def assert_records_fit_their_schemas(run: Messages) -> None:
    schemas = {m["stream"]: m["schema"] for m in run.of_type("SCHEMA")}
    validators = {name: Draft7Validator(schema) for name, schema in schemas.items()}
    for message in run.of_type("RECORD"):
        errors = validators[message["stream"]].iter_errors(message["record"])
        assert not [*errors], message


def test_odd_values_in_every_field_of_candidates_become_records(
    make_pipeline: MakePipeline,
) -> None:
    """There is one candidate per value, which all its fields have, nested ones too."""
    account = Account.example(candidates=len(ODD), openings=1, tags=1, questions=2)
    pipeline = make_pipeline(account, page_size=5)
    values = dict(zip(account.listed_ids(), ODD, strict=True))

    def make_odd(request: Request, body: Json) -> Json:
        is_list = request.kind == "candidates"
        for shown in body["data"] if is_list else [body]:
            value = values[shown["id"]]
            shown.update(dict.fromkeys(FIELDS, value))
            if not is_list and isinstance(value, str):
                nested = {"id": value, "content": value, "options": [{"id": value}]}
                shown["questions"] = [nested, value]
                shown["answers"] = [{"question_id": value, "points": value}, value]
        if is_list:
            body["data"][2:2] = [*({"id": value} for value in JUNK), *JUNK]
        return body

    pipeline.sandbox.faults = [
        Fault("rewrite", change=make_odd, match="candidate"),
        Fault("rewrite", change=make_odd, match="candidates"),
    ]
    run = pipeline.run()
    assert_records_fit_their_schemas(run)
    for stream in (CANDIDATES, DETAILS):
        assert sorted(run.emitted(stream)) == sorted(values)
    names = {row["id"]: row["name"] for row in run.records(CANDIDATES)}
    by_value = {value: key for key, value in values.items() if isinstance(value, str)}
    assert names[by_value["a\0b"]] == "a\ufffdb"
    assert names[by_value["x\udfff!"]] == "x\ufffd!"
    assert names[by_value["NaN"]] == "NaN"
    assert names[by_value["\U0001f642"]] == "\U0001f642"
    assert all(row["answered"] for row in run.records(ANSWERS) if row["question_id"])
    # Odd as they are, they are the same in the next run.
    assert not pipeline.run().candidate_records


@pytest.mark.parametrize(
    ("kind", "stream"),
    [("openings", "job_openings"), ("categories", "categories"), ("tags", "tags")],
)
def test_rows_of_other_lists_without_a_usable_id_are_left_out(
    pipeline: Pipeline, kind: str, stream: str
) -> None:
    ids = [item["id"] for item in getattr(pipeline.account, kind)()]

    def add_rows(_: Request, body: Json) -> Json:
        first = body["data"][0]
        odd = [{**first, "id": f"odd{n}", "name": value} for n, value in enumerate(ODD)]
        unusable = [{**first, "id": value} for value in JUNK]
        body["data"] = [*odd, *unusable, *JUNK, *body["data"]]
        return body

    pipeline.sandbox.faults = [Fault("rewrite", change=add_rows, match=kind)]
    run = pipeline.run()
    assert_records_fit_their_schemas(run)
    odd_ids = [f"odd{number}" for number in range(len(ODD))]
    assert sorted(row["id"] for row in run.records(stream)) == sorted([*odd_ids, *ids])
    pipeline.assert_target_matches_api({*API_STREAMS} - {stream})


IDS = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]),
    min_size=1,
    max_size=12,
) | st.sampled_from(
    ["...", "%2e", "a?b", "a#b", "007", "+1", "1e3", "9" * 30, "a b", "a,b"]
)
# An ID that would change the path is not requested: see the tests of the client.
IDS = IDS.filter(lambda candidate_id: candidate_id not in {".", ".."})


@given(ids=st.lists(IDS, min_size=3, max_size=4, unique=True))
@settings(WHOLE_RUNS, max_examples=15)
def test_ids_of_any_form_are_requested_and_kept(ids: list[str]) -> None:
    account = make_account(0)
    for candidate_id in ids:
        account.add_candidate(id=candidate_id)
    with start_pipeline(account, page_size=2) as pipeline:
        pipeline.run()
        pipeline.assert_target_matches_api()
        pipeline.change_rating(ids[0])
        account.delete(ids[-1])
        run = pipeline.run()
        assert run.emitted(CANDIDATES) == [ids[0]]
        assert run.deleted(CANDIDATES) == [ids[-1]]
