"""Logs and states have neither the key nor personal data nor response bodies."""

from __future__ import annotations

import json
import logging
import typing as t
from urllib.parse import quote

import pytest

from sandbox import Account, Fault, Shapes
from sandbox.messages import JSON, Answer
from tests.faults.trials import Strikes, account, attempt, small
from tests.support.streams import STATE_KEY

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sandbox.messages import Request
    from tests.streams.checks import Start
    from tests.support import Run

    Log = Callable[[int], str]

pytestmark = pytest.mark.usefixtures("clock")

KEY = "s3cr3t_k3y_of_the_workspace"
BODY = "A-body-is-not-for-logs-0000"


class Says(Fault):
    """Respond with a status, a body and headers."""

    def __init__(
        self, status: int, body: object, *headers: tuple[str, str], **options: t.Any
    ) -> None:
        super().__init__("empty", **options)
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        self._answer = text.encode(), status, (JSON, *headers)

    def answer(self, _request: Request, _ordinary: object) -> Answer:
        return Answer(*self._answer)


def malformed_header(text: str = "") -> tuple[str, str]:
    """A header, and a line after it that is not one: urllib3 warns of it."""
    return "Content-Length", f"0\r\nno header {text}"


def with_texts() -> Account:
    """A workspace in which every answer has a text."""
    made = account(30, questions=3, seed=8)
    for key in made.listed_ids():
        answers = made.detail(key)["answers"]
        texts = [{**one, "text_answer": f"I am {key}."} for one in answers]
        made.set_field(key, "answers", texts)
    return made


def private(account: Account) -> set[str]:
    """Every personal value, and the questions, which only a body has."""
    found: set[str | None] = set()
    for key in account.listed_ids():
        detail = account.detail(key)
        found |= {detail[name] for name in ("name", "email", "profile_url")}
        found |= set((detail["contact_info"] or {}).values())
        found |= {answer["text_answer"] for answer in detail["answers"]}
        found |= {one["content"].splitlines()[0] for one in detail["questions"]}
    return {value for value in found if value}


def assert_silent(text: str, needles: Iterable[str]) -> None:
    assert {needle for needle in needles if needle in text} == set()


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


def failures(account: Account) -> dict[str, Fault]:
    one = account.detail(account.listed_ids()[3])
    about = {"error": {"type": one["name"], "message": one["email"]}, "b": BODY}
    html = f"<h1>{one['name']} {BODY}</h1><p>Authorization: Bearer {KEY}</p>"
    details: dict[str, t.Any] = {"match": "candidate", "after": 5}
    elsewhere = "https://elsewhere.example/"
    return {
        "none": Fault("status", times=0),
        "reset": Fault("reset", **details),
        "truncated": Fault("cut", **details),
        "HTML": Says(200, html, **details),
        "another candidate": Says(200, one, **details),
        "a malformed list": Says(200, {"data": one}, match="candidates"),
        "500 and a body": Says(500, about, **details),
        "404 and a body": Says(404, about, match="openings"),
        "a type that is a name": Says(400, about, **details),
        "a type that is an address": Says(
            400, {"error": {"type": one["email"]}}, **details
        ),
        "a type that is the key": Says(400, {"error": {"type": KEY}}, **details),
        "401 and a body": Says(401, about, **details),
        "403 and a page": Says(403, html, **details),
        "429 and a body": Says(429, about, **details, times=9),
        "a redirect": Says(302, about, ("Location", f"//{BODY}.example/"), **details),
        "a redirect with the key": Says(
            302, "", ("Location", f"{elsewhere}?key={KEY}"), **details
        ),
        "a link with an address": Fault(
            "next", next=f"{elsewhere}?{one['email']}", match="candidates"
        ),
        "a link with the key": Fault(
            "next", next=f"/candidates?after_id={KEY}", match="candidates"
        ),
        "a malformed header": Says(500, "", malformed_header(BODY), times=3, **details),
    }


FAILURES = tuple(failures(with_texts()))


@pytest.mark.parametrize("what", FAILURES)
def test_no_failure_logs_a_secret(sandbox: Start, log: Log, what: str) -> None:
    box = sandbox(with_texts(), api_key=KEY, shapes=Shapes(extra_fields=True))
    box.faults = [failures(box.account)[what]]
    sentence = str(attempt(small(box)).error)
    assert log(logging.DEBUG)  # there is a log to look into
    assert_silent(log(logging.DEBUG) + sentence, [KEY])
    above = log(logging.INFO) + sentence
    assert_silent(above, private(box.account))
    assert_silent(above, [BODY, "PRIVATE-do-not-log", '{"data"', '{"id"', "<h1>"])


@pytest.mark.parametrize(
    "fault",
    [
        Strikes("status", match="candidates", times=3),
        Strikes("reset", match="candidates"),
        Strikes("status", status=400, match="candidates"),
        Strikes("429", match="candidates", times=3),
        Says(500, "", malformed_header(), match="candidates", times=3),
    ],
)
def test_an_address_in_the_filter_is_not_logged(
    sandbox: Start, log: Log, fault: Fault
) -> None:
    box = sandbox(with_texts(), api_key=KEY)
    box.faults = [fault]
    email = box.account.row(box.account.listed_ids()[0])["email"]
    trial = attempt(small(box, candidate_filters={"email": email}))
    above = log(logging.INFO) + str(trial.error)
    assert_silent(above, [email, quote(email), quote(email, safe="")])
    assert_silent(log(logging.DEBUG), [KEY])


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_stderr_of_the_command_line(
    sandbox: Start, command_line: Callable[..., Run], level: str
) -> None:
    box = sandbox(with_texts(), api_key=KEY)
    box.faults = [failures(box.account)["500 and a body"]]
    run = command_line(small(box), environment={"TAP_TOGGL_HIRE_LOGLEVEL": level})
    assert run.returncode == 1
    assert_silent(run.stderr + run.stdout, [KEY])
    assert ("Traceback" in run.stderr) is (level == "DEBUG")
    if level == "INFO":
        assert_silent(run.stderr, [BODY, *private(box.account)])


# The state


@pytest.mark.parametrize("pii", ["keep", "drop"])
def test_a_state_has_neither_the_key_nor_personal_data(
    sandbox: Start, pii: str
) -> None:
    """Nor does it depend on the key, which may be replaced by another one."""
    workspace = with_texts()
    email = workspace.row(workspace.listed_ids()[0])["email"]
    states = []
    for key in (KEY, KEY[::-1]):
        box = sandbox(workspace, api_key=key)
        filters = {"email": email}
        trial = attempt(small(box, candidate_filters=filters, pii=pii)).good()
        everyone = attempt(small(box, pii=pii), state=trial.state).good()
        for state in (trial.state, everyone.state):
            assert state
            text = json.dumps(state, ensure_ascii=False)
            assert_silent(text, [key, *private(workspace)])
        assert trial.state
        states.append({**trial.state[STATE_KEY], "reverified_until": ""})
    assert states[0] == states[1]
    assert states[0]["scope"]
