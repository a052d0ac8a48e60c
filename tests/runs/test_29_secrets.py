"""Logs and states have neither the key nor personal data nor response bodies."""

from __future__ import annotations

import json
import logging
import typing as t
from urllib.parse import quote

import pytest

from sandbox import Account, Fault, Sandbox, Shapes
from tests.support.pipeline import make_account
from tests.support.streams import ALL_STREAMS, STATE_KEY
from tests.support.tap import QUICK_COMMAND

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.support.pipeline import MakePipeline, Pipeline

    Log = Callable[[int], str]

KEY = "s3cr3t_k3y_of_the_workspace"
BODY = "A-body-is-not-for-logs-0000"
LATER: dict[str, t.Any] = {"match": "candidate", "after": 5}
"""The requests that fail: those for details, after five of them."""


def account_with_texts() -> Account:
    """Return a workspace in which every answer has a text."""
    account = make_account(30, questions=3, seed=8)
    for candidate_id in account.listed_ids():
        answers = account.detail(candidate_id)["answers"]
        texts = [
            {**answer, "text_answer": f"I am {candidate_id}."} for answer in answers
        ]
        account.set_field(candidate_id, "answers", texts)
    return account


@pytest.fixture
def secret_pipeline(make_pipeline: MakePipeline) -> Pipeline:
    """A pipeline with a key, names and texts that may be in no log."""
    return make_pipeline(Sandbox(account_with_texts(), KEY), page_size=5)


def secrets_of(account: Account) -> set[str]:
    """Return every personal value, and the questions, which only a body has."""
    values: set[str | None] = set()
    for candidate_id in account.listed_ids():
        detail = account.detail(candidate_id)
        values |= {detail[name] for name in ("name", "email", "profile_url")}
        values |= set((detail["contact_info"] or {}).values())
        values |= {answer["text_answer"] for answer in detail["answers"]}
        values |= {
            question["content"].splitlines()[0] for question in detail["questions"]
        }
    return {value for value in values if value}


def assert_in_none_of(secrets: Iterable[str], text: str) -> None:
    assert {secret for secret in secrets if secret in text} == set()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[Log]:
    """Everything that any logger writes, from a level on."""
    names = ("", "tap-toggl-hire", "urllib3", "singer_sdk", "singer_sdk.metrics")
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    yield lambda level: "\n".join(
        logging.Formatter().format(record)
        for record in caplog.records
        if record.levelno >= level
    )
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


def responding(
    body: object, status: int, *headers: tuple[str, str], **when: t.Any
) -> Fault:
    """Return a fault: a response with this body, text or JSON."""
    content = body.encode() if isinstance(body, str) else body
    return Fault("body", body=content, status=status, headers=headers, **when)


def malformed_header(text: str = "") -> tuple[str, str]:
    """Return a header, and a line after it that is not one: urllib3 warns of it."""
    return "Content-Length", f"0\r\nno header {text}"


def failures(account: Account) -> dict[str, Fault]:
    """Return ways to fail, with secrets wherever a response can have them."""
    person = account.detail(account.listed_ids()[3])
    about = {"error": {"type": person["name"], "message": person["email"]}, "b": BODY}
    html = f"<h1>{person['name']} {BODY}</h1><p>Authorization: Bearer {KEY}</p>"
    elsewhere = "https://elsewhere.example/"
    return {
        "no failure": Fault("status", times=0),  # of no request
        "reset": Fault("reset", **LATER),
        "truncated": Fault("cut", **LATER),
        "HTML": responding(html, 200, **LATER),
        "another candidate": responding(person, 200, **LATER),
        "a malformed list": responding({"data": person}, 200, match="candidates"),
        "500 and a body": responding(about, 500, **LATER),
        "404 and a body": responding(about, 404, match="openings"),
        "a type that is a name": responding(about, 400, **LATER),
        "a type that is an address": responding(
            {"error": {"type": person["email"]}}, 400, **LATER
        ),
        "a type that is the key": responding({"error": {"type": KEY}}, 400, **LATER),
        "401 and a body": responding(about, 401, **LATER),
        "403 and a page": responding(html, 403, **LATER),
        "429 and a body": responding(about, 429, **LATER, times=9),
        "a redirect": responding(
            about, 302, ("Location", f"//{BODY}.example/"), **LATER
        ),
        "a redirect with the key": responding(
            "", 302, ("Location", f"{elsewhere}?key={KEY}"), **LATER
        ),
        "a link with an address": Fault(
            "next", next=f"{elsewhere}?{person['email']}", match="candidates"
        ),
        "a link with the key": Fault(
            "next", next=f"/candidates?after_id={KEY}", match="candidates"
        ),
        "a malformed header": responding(
            "", 500, malformed_header(BODY), times=3, **LATER
        ),
    }


@pytest.mark.parametrize("failure", failures(account_with_texts()))
def test_no_failure_logs_a_secret(
    secret_pipeline: Pipeline, log: Log, failure: str
) -> None:
    secret_pipeline.sandbox.shapes = Shapes(extra_fields=True)
    secret_pipeline.sandbox.faults = [failures(secret_pipeline.account)[failure]]
    run = secret_pipeline.extract(check=False)
    succeeds = {"no failure", "429 and a body", "a malformed header"}
    assert (run.error is None) is (failure in succeeds)
    assert log(logging.DEBUG)  # there is a log to look into
    assert_in_none_of([KEY], log(logging.DEBUG) + str(run.error))
    above_debug = log(logging.INFO) + str(run.error)
    assert_in_none_of(secrets_of(secret_pipeline.account), above_debug)
    assert_in_none_of(
        [BODY, "PRIVATE-do-not-log", '{"data"', '{"id"', "<h1>"], above_debug
    )


@pytest.mark.parametrize(
    "fault",
    [
        ("status", {"times": 3}),
        ("reset", {}),
        ("status", {"status": 400}),
        ("429", {"times": 3}),
        (
            "body",
            {"body": b"", "status": 500, "headers": [malformed_header()], "times": 3},
        ),
    ],
    ids=str,
)
def test_address_in_the_filter_is_not_logged(
    secret_pipeline: Pipeline, log: Log, fault: tuple[str, dict[str, t.Any]]
) -> None:
    kind, options = fault
    secret_pipeline.sandbox.faults = [Fault(kind, match="candidates", **options)]
    email = secret_pipeline.account.row(secret_pipeline.ids[0])["email"]
    run = secret_pipeline.extract(check=False, candidate_filters={"email": email})
    assert {r.query.get("email") for r in run.pages_requested} == {email}
    above_debug = log(logging.INFO) + str(run.error)
    assert_in_none_of([email, quote(email), quote(email, safe="")], above_debug)
    assert_in_none_of([KEY], log(logging.DEBUG))


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_stderr_of_the_command_line_has_no_secret(
    secret_pipeline: Pipeline, level: str
) -> None:
    account = secret_pipeline.account
    secret_pipeline.sandbox.faults = [failures(account)["500 and a body"]]
    run = secret_pipeline.run_command_line(
        command=QUICK_COMMAND, environment={"TAP_TOGGL_HIRE_LOGLEVEL": level}
    )
    assert run.returncode == 1
    assert_in_none_of([KEY], run.stderr + run.stdout)
    assert ("Traceback" in run.stderr) is (level == "DEBUG")
    if level == "INFO":
        assert_in_none_of([BODY, *secrets_of(account)], run.stderr)


# The state


@pytest.mark.parametrize("pii", ["keep", "drop"])
def test_state_has_neither_the_key_nor_personal_data(
    make_pipeline: MakePipeline, pii: str
) -> None:
    """It does not depend on the key either, which may be replaced by another one."""
    account = account_with_texts()
    email = account.row(account.listed_ids()[0])["email"]
    states = []
    for key in (KEY, KEY[::-1]):
        pipeline = make_pipeline(Sandbox(account, key), pii=pii)
        narrowed = pipeline.run(candidate_filters={"email": email})
        whole = pipeline.run(select=ALL_STREAMS)
        for state in (*narrowed.states, *whole.states):
            text = json.dumps(state, ensure_ascii=False)
            assert_in_none_of([key, *secrets_of(account)], text)
        state_of_key = dict(narrowed.states[-1][STATE_KEY])
        state_of_key.pop("reverified_until", None)  # the time of the run
        states.append(state_of_key)
    assert states[0] == states[1]
    assert states[0]["scope"]
