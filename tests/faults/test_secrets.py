"""Logs and state keep the key, personal data and response bodies to themselves."""

from __future__ import annotations

import itertools
import json
import logging
import typing as t
from urllib.parse import quote

import pytest

from sandbox import Account, Fault, Sandbox, Shapes
from sandbox.messages import JSON, Answer
from tap_toggl_hire.errors import SettingError, TapError
from tap_toggl_hire.tap import TapTogglHire
from tests.faults.trials import Strikes, attempt, settings
from tests.support import Run, run_tap

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sandbox.messages import Request

    Start = Callable[..., Sandbox]
    CommandLine = Callable[..., Run]

pytestmark = pytest.mark.usefixtures("clock")

KEY = "s3cr3t_k3y_of_the_workspace"
BODY = "A-body-is-nobodys-business-0000"


class Says(Fault):
    """Answers with a status, a body and headers of one's own."""

    def __init__(
        self, status: int, body: object, *headers: tuple[str, str], **options: t.Any
    ) -> None:
        super().__init__("empty", **options)
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        self._answer = text.encode(), status, (JSON, *headers)

    def answer(self, _request: Request, _ordinary: object) -> Answer:
        return Answer(*self._answer)


def odd_header(text: str = "") -> tuple[str, str]:
    """A header with a line after it that is none."""
    return "Content-Length", f"0\r\nno header {text}"


def an_account() -> Account:
    account = Account.example(candidates=30, openings=2, tags=2, questions=3, seed=8)
    for key in account.listed_ids():
        detail = account.detail(key)
        answers = [{**one, "text_answer": f"I am {key}."} for one in detail["answers"]]
        account.set_field(key, "answers", answers)
    return account


def personal(account: Account) -> set[str]:
    """Every value that tells of a candidate."""
    found: set[str | None] = set()
    for key in account.listed_ids():
        detail = account.detail(key)
        found |= {detail[name] for name in ("name", "email", "profile_url")}
        found |= set((detail["contact_info"] or {}).values())
        found |= {answer["text_answer"] for answer in detail["answers"]}
    return {value for value in found if value}


def questions(account: Account) -> set[str]:
    """What only a response body has, beside personal data."""
    return {
        question["content"].splitlines()[0]
        for key in account.listed_ids()
        for question in account.detail(key)["questions"]
    }


def assert_silent(text: str, needles: Iterable[str]) -> None:
    told = {needle for needle in needles if needle in text}
    assert not told


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[int], str]]:
    """Everything that any logger says, from a level on."""
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
    someone = account.detail(account.listed_ids()[3])
    about = {"error": {"type": someone["name"], "message": someone["email"]}, "b": BODY}
    html = f"<h1>{someone['name']} {BODY}</h1><p>Authorization: Bearer {KEY}</p>"
    details: dict[str, t.Any] = {"match": "candidate", "after": 5}
    return {
        "none": Fault("status", times=0),
        "500": Fault("status", **details),
        "reset": Fault("reset", **details),
        "cut": Fault("cut", **details),
        "HTML": Says(200, html, **details),
        "half of a body": Says(200, json.dumps(someone)[:-9], **details),
        "somebody else": Says(200, someone, **details),
        "a wrong list": Says(200, {"data": someone}, match="candidates"),
        "500 and a body": Says(500, about, **details),
        "502 and a page": Says(502, html, **details),
        "404 and a body": Says(404, about, match="openings"),
        "a type that is a sentence": Says(400, about, **details),
        "a type that is an address": Says(
            400, {"error": {"type": someone["email"]}}, **details
        ),
        "401 and a body": Says(401, about, **details),
        "403 and a page": Says(403, html, **details),
        "418 and a body": Says(418, about, **details),
        "429 and a body": Says(429, about, **details, times=9),
        "a redirect": Says(302, about, ("Location", f"//{BODY}.example/"), **details),
        "a redirect with the key": Says(
            302, "", ("Location", f"https://elsewhere.example/?key={KEY}"), **details
        ),
        "a link with personal data": Fault(
            "next", next=f"//elsewhere.example/?{someone['email']}", match="candidates"
        ),
        "a link with the key": Fault(
            "next", next=f"/candidates?after_id={KEY}", match="candidates"
        ),
        "a key in an error": Says(
            400, {"error": {"type": KEY}}, match="candidates", after=2
        ),
        "odd headers": Says(500, "", odd_header(BODY), times=3, **details),
    }


FAILURES = tuple(failures(an_account()))


@pytest.mark.parametrize("what", FAILURES)
def test_no_log_tells_what_it_must_not(
    sandbox: Start, log: Callable[[int], str], what: str
) -> None:
    account = an_account()
    box = sandbox(account, api_key=KEY, shapes=Shapes(extra_fields=True))
    box.faults = [failures(account)[what]]
    trial = attempt(settings(box))
    ended = str(trial.error)
    below = log(logging.DEBUG)
    assert below  # there is a log to look into
    assert_silent(below + ended, [KEY])
    told = log(logging.INFO) + ended
    assert_silent(told, personal(account) | questions(account))
    assert_silent(told, [BODY, "PRIVATE-do-not-log", '{"data"', '{"id"', "<h1>"])


@pytest.mark.parametrize(
    "fault",
    [
        Strikes("status", match="candidates", times=3),
        Strikes("reset", match="candidates"),
        Strikes("status", status=400, match="candidates"),
        Strikes("429", match="candidates", times=3),
        Strikes("timeout", match="candidates", seconds=0.01),
        # Headers that are none: urllib3 warns, and quotes the URL.
        Says(500, "", odd_header(), match="candidates", times=3),
    ],
)
def test_no_log_tells_whose_address_is_the_filter(
    sandbox: Start, log: Callable[[int], str], fault: Fault
) -> None:
    account = an_account()
    box = sandbox(account, api_key=KEY)
    box.faults = [fault]
    email = account.row(account.listed_ids()[0])["email"]
    trial = attempt(settings(box, candidate_filters={"email": email}))
    told = log(logging.INFO) + str(trial.error)
    assert_silent(told, [email, quote(email), quote(email, safe="")])
    assert_silent(log(logging.DEBUG), [KEY])


def test_values_that_do_not_fit_are_reported_without_the_value(
    sandbox: Start, log: Callable[[int], str]
) -> None:
    account = an_account()
    people = personal(account)
    box = sandbox(account, api_key=KEY)
    for key, value in zip(
        account.listed_ids(),
        itertools.cycle([{"new": BODY}, [BODY], BODY]),
        strict=False,
    ):
        for name in ("points", "score", "contact_info", "questions", "started_at"):
            account.set_field(key, name, None if name == "started_at" else value)
    attempt(settings(box)).good()
    told = log(logging.INFO)
    assert "does not fit" in told
    assert_silent(told, [BODY, *people])


# On the command line


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
@pytest.mark.parametrize(
    "what", ["none", "500 and a body", "401 and a body", "half of a body"]
)
def test_stderr_of_the_command_line(
    sandbox: Start, command_line: CommandLine, what: str, level: str
) -> None:
    account = an_account()
    box = sandbox(account, api_key=KEY)
    box.faults = [failures(account)[what]]
    run = command_line(settings(box), environment={"TAP_TOGGL_HIRE_LOGLEVEL": level})
    assert run.returncode == (what != "none")
    assert_silent(run.stderr, [KEY])
    assert KEY not in run.stdout
    if level == "INFO":
        assert_silent(run.stderr, [BODY, *personal(account), *questions(account)])
        assert "Traceback" not in run.stderr
    elif what != "none":
        assert "Traceback" in run.stderr


def test_a_stream_map_that_fails_tells_no_value(
    sandbox: Start, command_line: CommandLine
) -> None:
    account = an_account()
    box = sandbox(account, api_key=KEY)
    maps = {"candidates": {"name": "int(email)"}}
    run = command_line(settings(box, stream_maps=maps))
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert_silent(run.stderr, [KEY, *personal(account)])


# Settings


WRONG: dict[str, dict[str, t.Any]] = {
    "a number": {"api_key": 31_415_926_535},
    "a list": {"api_key": [KEY]},
    "an object": {"api_key": {"key": KEY}},
    "a newline": {"api_key": f"{KEY}\n"},
    "another header": {"api_key": f"{KEY}\r\nX-Injected: 1"},
    "a space": {"api_key": f"{KEY} {KEY}"},
    "an umlaut": {"api_key": f"{KEY}ü"},
    "user information": {"api_url": f"https://me:{KEY}@api.hire.toggl.com/api"},
    "a user": {"api_url": f"https://{KEY}@api.hire.toggl.com/api"},
    "a query": {"api_url": f"https://api.hire.toggl.com/api?key={KEY}"},
    "a hash key": {"pii": "hash", "pii_hash_key": [KEY]},
    "a number as hash key": {"pii": "hash", "pii_hash_key": 31_415_926_535},
    "a mode": {"pii": KEY},
    "a filter": {"candidate_filters": {KEY: 1}},
    "a score": {"candidate_filters": {"min_score": KEY}},
    "an address": {"candidate_filters": {"email": [KEY]}},
    "filters": {"candidate_filters": KEY},
    "a date": {"start_date": KEY},
    "openings": {"job_opening_ids": KEY},
    "a user agent": {"user_agent": f"{KEY}\n"},
    "stream maps": {"stream_maps": KEY},
    "the settings of stream maps": {"stream_map_config": KEY},
    "faker": {"faker_config": {"seed": {"secret": KEY}, "locale": 1}},
    "where batches go": {
        "batch_config": {
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": f"s3://user:{KEY}@bucket",
        }
    },
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_a_setting_is_told_without_the_value(
    log: Callable[[int], str], what: str
) -> None:
    setting = list(WRONG[what])[-1]
    with pytest.raises(SettingError) as caught:
        TapTogglHire(config={"api_key": "right", **WRONG[what]})
    told = log(logging.DEBUG) + str(caught.value)
    assert setting in str(caught.value)
    assert_silent(told, [KEY, "31415926535"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"api_key": f"{KEY}\n"},
        {"api_key": 31_415_926_535},
        {"api_url": f"https://me:{KEY}@api.hire.toggl.com/api"},
    ],
)
def test_wrong_settings_on_the_command_line(wrong: dict[str, t.Any]) -> None:
    run = run_tap(
        {"api_key": "right", **wrong}, environment={"TAP_TOGGL_HIRE_LOGLEVEL": "DEBUG"}
    )
    assert run.returncode == 1
    assert not run.stdout
    assert_silent(run.stderr, [KEY, "31415926535"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_KEY", f"{KEY} {KEY}"),
        ("CANDIDATE_FILTERS", f'{{"email": "{KEY}"'),
        ("STREAM_MAP_CONFIG", KEY),
        ("STREAM_MAPS", f'{{"{KEY}"'),
        ("PAGE_SIZE", KEY),
        ("REQUESTS_PER_SECOND", KEY),
    ],
)
def test_wrong_settings_in_the_environment(name: str, value: str) -> None:
    run = run_tap(
        {},
        "--config=ENV",
        environment={
            "TAP_TOGGL_HIRE_API_KEY": "right",
            f"TAP_TOGGL_HIRE_{name}": value,
        },
    )
    assert run.returncode == 1
    assert_silent(run.stderr, [KEY])
    assert name.lower() in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr


# State


@pytest.mark.parametrize("pii", ["keep", "drop"])
def test_the_state_knows_neither_key_nor_people(sandbox: Start, pii: str) -> None:
    account = an_account()
    box = sandbox(account, api_key=KEY)
    row = account.row(account.listed_ids()[0])
    filters = {"email": row["email"]}
    trial = attempt(settings(box, candidate_filters=filters, pii=pii)).good()
    everyone = attempt(settings(box, pii=pii), state=trial.state).good()
    for state in (trial.state, everyone.state):
        text = json.dumps(state, ensure_ascii=False)
        assert_silent(text, [KEY, *personal(account)])
        assert state
        for block in state["bookmarks"]["candidates"]["digests"]["inventory"]:
            for key, record in decode_block(block):
                assert key in account.listed_ids()
                assert_silent(record.decode("latin-1"), [KEY, *personal(account)])


def test_the_state_is_the_same_whatever_the_key(sandbox: Start) -> None:
    """So a key can be rotated, and a state gives no key away."""
    account = an_account()
    filters = {"email": account.row(account.listed_ids()[0])["email"]}
    states = []
    for key in (KEY, KEY[::-1]):
        box = sandbox(account, api_key=key)
        state = attempt(settings(box, candidate_filters=filters)).good().state
        assert state
        digests = state["bookmarks"]["candidates"]["digests"]
        states.append({name: digests[name] for name in digests.keys() - {"rotation"}})
    assert states[0] == states[1]
    assert states[0]["scope"]


def test_an_error_of_the_tap_carries_no_cause_to_a_log(
    sandbox: Start, log: Callable[[int], str]
) -> None:
    """A library that logs an error of the tap logs its text alone."""
    account = an_account()
    box = sandbox(account, api_key=KEY)
    box.faults = [failures(account)["401 and a body"]]
    error = attempt(settings(box)).error
    assert isinstance(error, TapError)
    logging.getLogger("a.library").warning("It failed: %r", error)
    assert_silent(log(logging.INFO), [KEY, BODY, *personal(account)])
