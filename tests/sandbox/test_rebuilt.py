"""To the tap, a sandbox that is rebuilt from a shape is as the original."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t

import pytest

from sandbox import Account, Sandbox, Shapes
from sandbox.differences import Difference, apply, invent
from sandbox.messages import encode
from sandbox.rebuilt import rebuild
from tests.support.api_shapes import comparable, shape_of_sandbox, text_of

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox.messages import Answer, Request

Json = dict[str, t.Any]
Change = t.Callable[[Json], Json]
CANDIDATES = ("candidates", "candidate")
LISTS = ("openings", "categories", "tags", "candidates")


class OtherApi(Sandbox):
    """A sandbox whose bodies a function changes."""

    def __init__(self, change: Callable[[str, Json], t.Any], **options: t.Any) -> None:
        super().__init__(Account.example(candidates=120, openings=6), **options)
        self._change = change

    def answer(self, request: Request) -> Answer:
        """Return the response with another body."""
        answer = super().answer(request)
        if answer.status == 200:
            body = json.loads(answer.body)
            answer.body = encode(self._change(request.kind, body))
        return answer


def objects(change: Change, *kinds: str) -> Callable[[str, Json], t.Any]:
    """Change each object of some kinds of responses."""

    def changed(kind: str, body: Json) -> Json:
        if kind not in kinds:
            return body
        if kind == "candidate":
            return change(body)
        return {**body, "data": [change(row) for row in body["data"]]}

    return changed


def renamed(old: str, new: str) -> Change:
    return lambda row: {new if name == old else name: row[name] for name in row}


def converted(name: str, convert: Callable[[t.Any], t.Any]) -> Change:
    return lambda row: {**row, name: convert(row[name])}


def without(name: str) -> Change:
    return lambda row: {key: value for key, value in row.items() if key != name}


def flat(row: Json) -> Json:
    """Return a candidate without an object for the contact details."""
    return {**without("contact_info")(row), **(row["contact_info"] or {})}


def questions(change: Change) -> Change:
    return converted("questions", lambda asked: [change(each) for each in asked])


def linked_elsewhere(kind: str, body: Json) -> Json:
    links = body.pop("links", None) if kind == "candidates" else None
    return body if links is None else {**body, "next": links["next"]}


VARIANTS: dict[str, Callable[[str, Json], t.Any]] = {
    "a field has another name": objects(renamed("score", "result"), *CANDIDATES),
    "a field is gone": objects(without("job_opening_id"), *CANDIDATES),
    "a field is always null": objects(converted("email", lambda _: None), *CANDIDATES),
    "a number is text": objects(converted("score", lambda n: f"{n:.2f}"), *CANDIDATES),
    "a number is other text": objects(converted("rating", str), *CANDIDATES),
    "a text is an object": objects(
        converted("hire_state", lambda text: {"name": text}), *CANDIDATES
    ),
    "a time is a number": objects(
        converted("started_at", lambda _: 1_700_000_000), *CANDIDATES
    ),
    "a time has an offset": objects(
        converted("started_at", lambda time: f"{time}+00:00"), *CANDIDATES
    ),
    "a time is a date": objects(
        converted("finished_at", lambda time: time[:10]), *CANDIDATES
    ),
    "IDs are numbers": objects(converted("id", int), *LISTS, "candidate"),
    "an object is flat": objects(flat, *CANDIDATES),
    "there are new fields": objects(
        lambda row: {**row, "source": {"kind": "ad", "cost": 1.5}, "labels": ["a"]},
        *CANDIDATES,
    ),
    "questions are gone": objects(without("questions"), "candidate"),
    "questions have pages": objects(
        converted("questions", lambda asked: {"data": asked}), "candidate"
    ),
    "questions have another ID": objects(questions(renamed("id", "key")), "candidate"),
    "answers have another name": objects(renamed("answers", "replies"), "candidate"),
    "details are in an envelope": lambda kind, body: (
        {"data": body} if kind == "candidate" else body
    ),
    "lists are in no envelope": lambda kind, body: (
        body["data"] if kind in LISTS else body
    ),
    "lists are in another envelope": lambda kind, body: (
        renamed("data", "items")(body) if kind in LISTS else body
    ),
    "links are elsewhere": linked_elsewhere,
    "the total is text": lambda kind, body: (
        {**body, "total": "120"} if kind == "candidates" else body
    ),
    "tags have no ID": objects(without("id"), "tags"),
}


def texts(sandbox: Sandbox, other: Sandbox) -> tuple[str, str, list[str]]:
    """Return what the tap makes of an API, and of the one that is rebuilt from it.

    Args:
        sandbox: the API.
        other: the same one, since a sandbox starts only once.
    """
    with sandbox:
        rebuilt = rebuild(json.loads(json.dumps(shape_of_sandbox(sandbox))))
    with other, rebuilt.sandbox() as made:
        found = comparable(text_of(other)), comparable(text_of(made))
    return (*found, rebuilt.not_rebuilt)


@pytest.mark.parametrize("variant", VARIANTS)
def test_tap_makes_the_same_of_the_rebuilt_objects(variant: str) -> None:
    change = VARIANTS[variant]
    original, made, not_rebuilt = texts(OtherApi(change), OtherApi(change))
    assert made == original
    expected = {"links are elsewhere": ["1 other names in candidates (list)"]}
    assert not_rebuilt == expected.get(variant, [])


@pytest.mark.parametrize(
    "options",
    [
        {"total": "missing"},
        {"max_limit": 30},
        {"next_link": "path"},
        {"next_link": "bare"},
        {"last_page": "empty"},
        {"last_page": "no_links"},
        {"page_small_lists": 2},
    ],
    ids=str,
)
def test_pages_are_rebuilt(options: Json) -> None:
    def api() -> Sandbox:
        account = Account.example(candidates=120, openings=6)
        return Sandbox(account, shapes=Shapes(**options))

    original, made, not_rebuilt = texts(api(), api())
    assert made == original
    assert not_rebuilt == []
    with api() as sandbox:
        rebuilt = rebuild(json.loads(json.dumps(shape_of_sandbox(sandbox))))
    assert options.items() <= vars(rebuilt.shapes).items()


def test_counted_names_are_not_rebuilt(tmp_path: Path) -> None:
    change = objects(lambda row: {**row, f"key{row['id']}": 1}, *CANDIDATES)
    path = tmp_path / "shape.json"
    with OtherApi(change) as sandbox:
        path.write_text(json.dumps(shape_of_sandbox(sandbox)))
    arguments = [sys.executable, "-m", "sandbox", "--shape", str(path)]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://")
        process.terminate()
        _, errors = process.communicate()
    assert "not rebuilt: 120 other names in candidates\n" in errors


# Differences


def test_difference_affects_a_share_of_the_objects() -> None:
    rows = [{"id": str(number), "a": 1} for number in range(400)]
    difference = Difference(("a",), "left out", 0.25)
    left = [row for row in rows if "a" in apply([difference], row, str(row["id"]))]
    assert 250 < len(left) < 350
    assert apply([difference], rows[0], "0") == apply([difference], rows[0], "0")


def test_example_shows_each_difference() -> None:
    new = Difference(("a",), "invented", 0.01, {"types": {"integer": 1}}, "tags/1")
    assert "a" in apply([new], {}, "tags/1")
    gone = Difference(("a",), "left out", 0.99, example="tags/1")
    assert apply([gone], {"a": 1}, "tags/1") == {"a": 1}
    shape = {"types": {"null": 1, "string": 999}, "forms": {"url, up to 32": 999}}
    other = Difference(("a",), "converted", shape=shape, example="tags/1")
    assert apply([other], {"a": "x"}, "tags/1") == {"a": None}


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        ("time with offset, up to 32", "2025-01-06T08:00:00", "2025-01-06T08:00:00Z"),
        ("date, up to 32", "2025-01-06T08:00:00", "2025-01-06"),
        ("decimal, up to 8", 85, "85.0"),
        ("integer, up to 8", "12", "12"),
    ],
)
def test_conversion_keeps_what_a_value_says(
    form: str, value: t.Any, expected: str
) -> None:
    shape = {"types": {"string": 1}, "forms": {form: 1}, "reform": True}
    difference = Difference(("a",), "converted", shape=shape)
    assert apply([difference], {"a": value}, "x") == {"a": expected}


def test_invented_value_has_the_shape() -> None:
    shape = {
        "types": {"object": 1},
        "fields": {
            "a": {
                "missing": 0,
                "types": {"string": 1},
                "forms": {"uuid, up to 128": 1},
            },
            "b": {"missing": 1, "types": {}},
            "c": {
                "missing": 0,
                "types": {"array": 1},
                "items": {"types": {"boolean": 1}},
            },
        },
    }
    value = invent(shape, "x")
    assert value.keys() == {"a", "c"}
    assert len(value["a"]) == 36
    assert {type(item) for item in value["c"]} == {bool}
