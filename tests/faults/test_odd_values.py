"""Values that nobody expects: the run goes on, and nothing is made up."""

from __future__ import annotations

import json
import logging
import re
import typing as t
from collections import Counter
from datetime import datetime
from decimal import Decimal, InvalidOperation

import pytest
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from sandbox import Account, Fault, Sandbox, Shapes
from tests.faults.trials import (
    FAMILY,
    LISTS,
    Trial,
    assert_true,
    attempt,
    endpoint,
    settings,
)
from tests.support.truth import truth

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.messages import Answer, Request

    Start = Callable[..., Sandbox]
    Json = dict[str, t.Any]
    Path = tuple[str | int, ...]

pytestmark = pytest.mark.usefixtures("clock")


class Rewrites(Fault):
    """Answers rightly, but for what a function makes of the decoded body."""

    def __init__(
        self, change: Callable[[Request, t.Any], t.Any], **options: t.Any
    ) -> None:
        super().__init__("empty", **options)
        self._change = change

    def answer(self, request: Request, ordinary: Callable[[], Answer]) -> Answer:
        answer = ordinary()
        if answer.status == 200:
            body = self._change(request, json.loads(answer.body))
            # With escapes: half a surrogate pair may be written in no other way.
            answer.body = json.dumps(body).encode()
        return answer


# What may stand in a field

ODD_TEXTS = st.sampled_from(
    [
        *(
            "",
            " ",
            "\0",
            "a\0b",
            "\ud800",
            "x\udfff!",
            "\ufffe",
            "🙂",
            "\u2028",
            "\x7f",
        ),
        *("null", "true", "0", "-0", "1e5", " 7 ", "٣", "0x10", "NaN"),
        *("2024-01-31", "2024-01-31T00:00:00", "2024-01-31T00:00:00+99:99"),
        *("2024-13-31T00:00:00", "24:00", "2024-01-31T24:00:00", "9999-12-31T23:59:60"),
        *("2024-01-31T00:00:00.\u0661", "\u0662\u0660\u0662\u0664-01-31T00:00:00"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63, 2**64, -(2**64), 10**40, 10**400]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    ODD_TEXTS,
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(
                st.text(max_size=5), st.sampled_from(["id", "content", "points"])
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=5,
)


def paths(value: t.Any, path: Path = ()) -> list[Path]:
    """The places in a JSON value where something else could stand."""
    found = [path] if path else []
    if isinstance(value, dict):
        items: t.Iterable[tuple[str | int, t.Any]] = value.items()
    else:
        items = enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        if path or name != "id":
            found += paths(inner, (*path, name))
    return found


def put(target: t.Any, path: Path, value: t.Any) -> None:
    """Put a value somewhere, if the place is still there."""
    *way, last = path
    place: t.Any = target
    for name in way:
        if not has(place, name):
            return
        place = place[name]
    if has(place, last):
        place[last] = value


def has(place: t.Any, name: str | int) -> bool:
    """Whether a JSON value has such a field or element."""
    if isinstance(place, dict):
        return name in place
    return isinstance(place, list) and isinstance(name, int) and name < len(place)


# What may become of it


def printable(text: str) -> str:
    """A text as a target can take it."""
    paired = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return paired.replace("\0", "\ufffd")


def as_text(value: t.Any) -> t.Any:
    """A JSON value, all of whose texts a target can take."""
    if isinstance(value, dict):
        return {printable(name): as_text(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return printable(value) if isinstance(value, str) else value


def is_time(text: str) -> bool:
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)"
    try:
        return bool(
            re.fullmatch(pattern, text, re.ASCII)
            and datetime.fromisoformat(text.upper())
        )
    except ValueError:
        return False


def assert_honest(schema: Json, sent: t.Any, emitted: t.Any, path: str) -> None:
    """See that what is emitted is what was sent, or null: lost only if it is odd."""
    if emitted is None:
        assert not is_of_its_type(schema, sent), f"{path} was lost"
    elif "object" in schema["type"]:
        assert isinstance(sent, dict), f"{path} was made up"
        known = {printable(name): value for name, value in sent.items()}
        for name, inner in schema["properties"].items():
            # What is lost here is in `extra`: the tests of records see to that.
            if not name.startswith("_sdc") and name != "extra":
                assert_honest(inner, known.get(name), emitted[name], f"{path}.{name}")
    elif "array" in schema["type"]:
        assert isinstance(sent, list), f"{path} was made up"
        assert len(sent) == len(emitted), path
        for one, other in zip(sent, emitted, strict=True):
            assert_honest(schema["items"], one, other, f"{path}[]")
    else:
        assert says_the_same(schema, sent, emitted), f"{path}: {emitted!r} of {sent!r}"


def is_of_its_type(schema: Json, sent: t.Any) -> bool:
    """Whether a value is of the type of its field; times have a test of their own."""
    kinds: dict[str, type | tuple[type, ...]] = {
        "object": dict,
        "array": list,
        "number": (int, float),
        "boolean": bool,
        "string": str,
    }
    (kind,) = (
        {schema["type"]}
        if isinstance(schema["type"], str)
        else {*schema["type"]} - {"null"}
    )
    if "format" in schema or (kind == "number" and isinstance(sent, bool)):
        return False
    return isinstance(sent, kinds[kind])


def says_the_same(schema: Json, sent: t.Any, emitted: t.Any) -> bool:
    """Whether a value that is no object and no array is the one that was sent."""
    if "number" in schema["type"]:
        text = sent if isinstance(sent, str) else json.dumps(sent)
        try:
            return Decimal(text) == Decimal(json.dumps(emitted))
        except InvalidOperation:
            return False
    if "boolean" in schema["type"]:
        return sent is emitted
    if "format" in schema:
        return (
            isinstance(sent, str)
            and is_time(emitted)
            and emitted.startswith(sent[:10])
            and sent[11:19] in emitted
        )
    if isinstance(sent, str):
        return bool(emitted == printable(sent))
    return bool(json.loads(emitted) == as_text(sent))


def schemas(trial: Trial) -> dict[str, Json]:
    return {m["stream"]: m["schema"] for m in trial.messages if m["type"] == "SCHEMA"}


def assert_valid(trial: Trial) -> None:
    """See that each record is what its schema says."""
    checks = {name: Draft7Validator(schema) for name, schema in schemas(trial).items()}
    for message in trial.messages:
        if message["type"] == "RECORD":
            record, stream = message["record"], message["stream"]
            assert not [*checks[stream].iter_errors(record)], (stream, record)
            assert record.keys() == schemas(trial)[stream]["properties"].keys()


def assert_answers_are_of_the_details(trial: Trial) -> None:
    """See that rows of `candidate_answers` say what `candidate_details` says."""
    details = {row["id"]: row for row in trial.records("candidate_details")}
    for row in trial.records("candidate_answers"):
        detail = details[row["candidate_id"]]
        question = detail["questions"][row["position"]]
        assert row["question_id"] == question["id"]
        assert row["question"] == question["content"]
        assert row["options"] == question["options"]
        assert row["question_points"] == question["points"]
        matching = [
            answer
            for answer in detail["answers"] or ()
            if answer
            and answer["question_id"] is not None
            and answer["question_id"] == question["id"]
        ]
        assert row["answered"] == bool(matching)
        if not matching:
            assert row["text_answer"] is row["points"] is None


def a_few() -> Account:
    return Account.example(candidates=4, openings=2, tags=2, questions=2, seed=6)


SAMPLE = a_few().detail(a_few().listed_ids()[0])
CHANGES = st.lists(st.tuples(st.sampled_from(paths(SAMPLE)), ANYTHING), max_size=5)


@given(changes=st.lists(CHANGES, min_size=4, max_size=4))
@rules(max_examples=50)
def test_odd_values_of_candidates(
    changes: list[list[tuple[Path, t.Any]]],
) -> None:
    account = a_few()
    sent_rows: dict[str, Json] = {}
    sent_details: dict[str, Json] = {}
    by_id = dict(zip(account.listed_ids(), changes, strict=True))

    def rewrite(request: Request, body: Json) -> Json:
        objects = [body] if request.kind == "candidate" else body["data"]
        for one in objects:
            for path, value in by_id[one["id"]]:
                put(one, path, value)
            kept = sent_details if request.kind == "candidate" else sent_rows
            kept[one["id"]] = one
        return body

    with Sandbox(account) as box:
        box.faults = [
            Rewrites(rewrite, match=lambda one: one.kind.startswith("candidate"))
        ]
        config = settings(box, reverify_days=0)
        trial = attempt(config).good()
        assert_valid(trial)
        assert_answers_are_of_the_details(trial)
        for stream, sent in (
            ("candidates", sent_rows),
            ("candidate_details", sent_details),
        ):
            records = {row["id"]: row for row in trial.records(stream)}
            assert records.keys() == set(account.listed_ids())
            for key, record in records.items():
                assert_honest(schemas(trial)[stream], sent[key], record, stream)
        # Odd as they are, they are the same in the next run.
        later = attempt(config, state=trial.state).good()
        assert later.records("candidates") == []


LIST_CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["name", "slug", "created_at", "closed_at", "job_opening_id"]),
        ANYTHING,
    ),
    max_size=4,
)


@given(changes=LIST_CHANGES, junk=st.lists(ANYTHING, max_size=3))
@rules(max_examples=30)
def test_odd_values_of_the_other_lists(
    changes: list[tuple[str, t.Any]], junk: list[t.Any]
) -> None:
    account = a_few()
    sent: dict[str, dict[str, Json]] = {}

    def rewrite(request: Request, body: Json) -> Json:
        for one in body["data"]:
            for name, value in changes:
                if name in one:
                    one[name] = value
        sent[request.kind] = {one["id"]: one for one in body["data"]}
        without_id = [
            {k: v for k, v in item.items() if printable(k) != "id"}
            if isinstance(item, dict)
            else item
            for item in junk
        ]
        body["data"][1:1] = without_id
        return body

    with Sandbox(account) as box:
        box.faults = [
            Rewrites(
                rewrite,
                match=lambda one: one.kind in {"openings", "categories", "tags"},
            )
        ]
        trial = attempt(settings(box)).good()
    assert_valid(trial)
    assert_true(trial.messages, account, streams=("candidates", "candidate_details"))
    for stream, kind in (
        ("job_openings", "openings"),
        ("categories", "categories"),
        ("tags", "tags"),
    ):
        records = {row["id"]: row for row in trial.records(stream)}
        assert records.keys() == sent[kind].keys()
        for key, record in records.items():
            assert_honest(schemas(trial)[stream], sent[kind][key], record, stream)


@given(junk=st.lists(ANYTHING, min_size=1, max_size=5), place=st.integers(0, 9))
@rules(max_examples=30)
def test_rows_that_are_no_candidates(junk: list[t.Any], place: int) -> None:
    account = Account.example(candidates=12, openings=1, tags=1, questions=1)

    def rewrite(_: Request, body: Json) -> Json:
        for number, item in enumerate(junk):
            if isinstance(item, dict):
                item["id"] = (None, "", [], {}, 1.5, False)[number]
            body["data"].insert(place, item)
        return body

    with Sandbox(account) as box:
        box.faults = [Rewrites(rewrite, match="candidates")]
        config = settings(box)
        trial = attempt(config).good()
        assert_true(trial.messages, account)
        again = attempt(config, state=trial.state).good()
        assert again.records("candidates") == []


@pytest.mark.parametrize("kind", ["openings", "categories", "tags"])
@pytest.mark.parametrize("value", ["", None, [], {"a": "b"}, 1.5, True])
def test_an_id_that_is_none_is_no_row(sandbox: Start, kind: str, value: object) -> None:
    box = sandbox(a_few())

    def rewrite(_: Request, body: Json) -> Json:
        body["data"].append({**body["data"][0], "id": value})
        return body

    box.faults = [Rewrites(rewrite, match=kind)]
    trial = attempt(settings(box)).good()
    assert_true(trial.messages, box.account)


def test_ids_that_are_numbers_everywhere(sandbox: Start) -> None:
    """As question ids are already."""
    box = sandbox(Account.example(candidates=12, openings=2, tags=2, questions=2))

    def numbered(value: t.Any, name: str = "") -> t.Any:
        if isinstance(value, dict):
            return {key: numbered(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [numbered(item, name.removesuffix("s")) for item in value]
        is_id = name == "id" or name.endswith("_id")
        return int(value) if is_id and isinstance(value, str) else value

    box.faults = [Rewrites(lambda _, body: numbered(body))]
    trial = attempt(settings(box)).good()
    assert_true(trial.messages, box.account)
    assert_valid(trial)
    again = attempt(settings(box), state=trial.state).good()
    assert again.records("candidate_details") == []


IDS = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]),
    min_size=1,
    max_size=12,
) | st.sampled_from(
    [
        "...",
        "%2e",
        "a?b",
        "a#b",
        "007",
        "-1",
        "+1",
        "1e3",
        "9" * 30,
        "a b",
        "🙂",
        "a,b",
    ]
)


# An id that would change the path is never asked for: see the tests of the client.
IDS = IDS.filter(lambda key: key not in {".", ".."})


@given(ids=st.lists(IDS, min_size=1, max_size=4, unique=True))
@rules(max_examples=30)
def test_ids_of_any_form(ids: list[str]) -> None:
    account = Account(seed=1)
    opening = account.add_opening()
    for key in ids:
        account.add_candidate(opening, id=key)
    with Sandbox(account) as box:
        config = settings(box, page_size=2)
        trial = attempt(config).good()
        assert_true(trial.messages, account)
        account.rate(ids[0], 3 - account.row(ids[0])["rating"])
        account.delete(ids[-1])
        later = attempt(config, state=trial.state).good()
        emitted = [row["id"] for row in later.records("candidates")]
        assert sorted(emitted) == sorted({ids[0], ids[-1]})


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": [{"id": "1", "name": "a", "name": "b", "id": "2"}]}',
        b'\xef\xbb\xbf{"data": [{"id": "2", "name": "b"}]}',
        b'{"data": [{"id": "2", "name": "b"}], "data ": [], "links": 5, "total": {}}',
        b'{"data": [{"id": "2", "name": "b"}], "links": {"next": 5}}',
        b'{"data": [{"id": "2", "name": "b"}], "links": []}',
        b'{"data": [{"id": "2", "name": "b"}], "links": {"next": {"href": "/tags"}}}',
        b'  {"data" :\n[{"id": "2", "name": "\\u0062"}]}\n\n',
        '{"data": [{"id": "2", "name": "b"}]}'.encode("utf-16"),
    ],
)
def test_odd_bodies_of_a_list(sandbox: Start, body: bytes) -> None:
    box = sandbox(Account())
    box.faults = [Fault("body", body=body, match="tags")]
    trial = attempt(settings(box)).good()
    assert trial.records("tags") == [{"id": "2", "name": "b", "extra": None}]


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": [NaN]}',
        b'{"data": [Infinity]}',
        b'{"data": [{"id": "1", "name": 1e999}]}',
        b'{"data": [{"id": "1", "name": ' + b"9" * 5000 + b"}]}",
        b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"data": ' + b"[" * 100_000,
        b'{"data": [{"id": "1", "name": "\x00"}]}',
        b'{"data": [{"id": "1", "name": "\xc3\x28"}]}',
        b'{"data": [{"id": "1", "name": "\xed\xa0\x80"}]}',
        b'{"data": []}{"data": []}',
        b"{'data': []}",
        b'{"data": [],}',
        b"\xff\xfe",
        b"-",
    ],
)
def test_bodies_that_no_try_mends_end_in_a_sentence(
    sandbox: Start, body: bytes
) -> None:
    box = sandbox(a_few())
    box.faults = [Fault("body", body=body, match="tags")]
    assert "/tags" in attempt(settings(box)).sentence


@pytest.mark.parametrize(
    "total", [None, "40", -1, 0, 3, 12.0, True, [], {}, 10**30, 1e308]
)
def test_any_total_loses_nothing(sandbox: Start, total: object) -> None:
    """One that is too high is a list that is too short: the run says so."""
    box = sandbox(Account.example(candidates=12, openings=1, tags=1, questions=1))
    box.faults = [
        Rewrites(lambda _, body: {**body, "total": total}, match=endpoint("candidates"))
    ]
    trial = attempt(settings(box))
    assert_true(trial.messages, box.account, streams=("candidates",))
    if trial.error:
        assert isinstance(total, (int, float))
        assert total > 12
        assert "short" in trial.sentence


@pytest.mark.parametrize("text", ["1_000", "12345678901234567890123", "1e-400"])
def test_a_text_that_is_no_number_without_loss_is_none(
    sandbox: Start, text: str
) -> None:
    account = a_few()
    box = sandbox(account)
    for key in account.listed_ids():
        account.set_field(key, "points", text)
    trial = attempt(settings(box)).good()
    made = {row["points"] for row in trial.records("candidates")}
    assert made <= {None, 12345678901234567890123}


def test_a_question_and_an_answer_without_ids_do_not_belong_together(
    sandbox: Start,
) -> None:
    box = sandbox(a_few())

    def rewrite(_: Request, body: Json) -> Json:
        for question in body["questions"]:
            question["id"] = None
        for answer in body["answers"]:
            answer["question_id"] = None
        return body

    box.faults = [Rewrites(rewrite, match="candidate")]
    trial = attempt(settings(box)).good()
    assert_valid(trial)
    assert {row["answered"] for row in trial.records("candidate_answers")} == {False}


# What the vendor may do one day


@pytest.mark.parametrize("extra", [False, True])
@pytest.mark.parametrize("null", [False, True])
@pytest.mark.parametrize("drop", [False, True])
def test_fields_that_are_new_null_or_missing(
    sandbox: Start,
    caplog: pytest.LogCaptureFixture,
    *,
    extra: bool,
    null: bool,
    drop: bool,
) -> None:
    shapes = Shapes(extra_fields=extra, null_fields=null, drop_fields=drop)
    account = Account.example(candidates=40, openings=3, tags=3, questions=3, seed=2)
    box = sandbox(account, shapes=shapes)
    caplog.set_level(logging.WARNING)
    trial = attempt(settings(box)).good()
    assert_true(trial.messages, account, shapes)
    assert_valid(trial)
    warnings = Counter(
        record.getMessage() for record in caplog.records if record.levelno >= 30
    )
    assert all(count == 1 for count in warnings.values())
    told = " ".join(warnings)
    for stream in (*LISTS, "candidates", "candidate_details"):
        assert (f"Field new_field of {stream} " in told) == extra
    for path in ("contact_info.", "questions[].", "answers[]."):
        assert (f"Field {path}newObject of candidate_details " in told) == extra
    caplog.clear()
    again = attempt(settings(box), state=trial.state).good()
    assert not any(again.records(stream) for stream in FAMILY[1:])


def test_a_field_that_is_added_between_two_runs_is_one_change(
    sandbox: Start,
) -> None:
    box = sandbox(Account.example(candidates=30, tags=2, questions=2))
    first = attempt(settings(box)).good()
    box.shapes.extra_fields = True
    second = attempt(settings(box, reverify_days=0), state=first.state).good()
    assert_true(first.messages + second.messages, box.account, box.shapes)
    assert not second.records("candidate_history")
    box.stats.reset()
    third = attempt(settings(box, reverify_days=0), state=second.state).good()
    assert box.stats.count("candidate") == 0
    assert not any(third.records(stream) for stream in FAMILY)


def test_what_does_not_fit_is_told_once_a_run_and_by_field(
    sandbox: Start, caplog: pytest.LogCaptureFixture
) -> None:
    account = Account.example(candidates=30, tags=1, questions=2)
    box = sandbox(account)
    for key in account.listed_ids():
        account.set_field(key, "score", "a lot")
        account.set_field(key, "finished_at", "yesterday")
    caplog.set_level(logging.WARNING)
    trial = attempt(settings(box)).good()
    told = Counter(record.getMessage() for record in caplog.records)
    assert told == {
        f"Field {field} of {stream} has a value that does not fit its type: it is "
        "null, and kept in the column extra.": 1
        for field in ("score", "finished_at")
        for stream in ("candidates", "candidate_details")
    }
    expected = truth(account)["candidates"]
    for row in trial.records("candidates"):
        assert row == expected[row["id"]]
        assert row["score"] is row["finished_at"] is None
