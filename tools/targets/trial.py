"""Try one target: four runs with every value compared, and a load that is killed."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sandbox import Account, Sandbox
from tests.pipeline.warehouse import expected_rows, keyed
from tests.support.tap import run_tap
from tools.targets import processes, programs
from tools.targets.processes import ProgramError
from tools.targets.readers import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.pipeline.warehouse import Rows
    from tools.local.postgres import Postgres
    from tools.targets.pairings import Pairing
    from tools.targets.readers import Row

CANDIDATES = ("candidates", "candidate_details", "candidate_answers")
PERSONAL = ("name", "email", "profile_url", "text_answer", "question")
DELETED_AT = "_sdc_deleted_at"
ODD_TEXTS = (
    "",
    "one\ntwo\r\nthree",
    "a\tb",
    "back\\slash \\n \\",
    "\"quoted\" 'quoted', with commas",
    "line\u2028end",
    "👩‍💻 é",
)
STRIDE = 10
"""Number of records between two STATEs of a load that is killed."""


@dataclass(frozen=True)
class Findings:
    """The result of a trial.

    Attributes:
        version: Version of the target.
        differences: Values that equal neither the API's nor the expected deviations.
        deleted: What remains of a candidate that was deleted between two runs.
        deleted_without_state: What remains of a candidate that was deleted while the
            state was lost.
        activation: Effect of ACTIVATE_VERSION on the target.
    """

    version: str
    differences: tuple[str, ...]
    deleted: str
    deleted_without_state: str
    activation: str


class Trial:
    """Run the tap into one target.

    Args:
        pairing: The target and its settings.
        place: Where it loads to.
        sandbox: The API.
    """

    def __init__(self, pairing: Pairing, place: Place, sandbox: Sandbox) -> None:
        self._pairing = pairing
        self._place = place
        self._sandbox = sandbox
        self._program = programs.program(
            pairing.package, pairing.program, *pairing.requirements
        )
        self._differences: list[str] = []

    def run(self) -> Findings:
        """Run a first load, changes with deletions, no changes, and no state."""
        account = self._sandbox.account
        add_odd_texts(account)
        gone, lost, rated, tagged = account.listed_ids()[-4:]
        state = self._load(None)

        account.delete(gone)
        account.rate(rated, 1 + account.row(rated)["rating"] % 3)
        account.tag(tagged, account.add_tag("new"))
        account.submit(account.in_progress_ids()[0])
        state = self._load(state)
        deleted = self._remains_of(gone)

        state = self._load(state)

        account.delete(lost)
        account.rate(rated, 1 + account.row(rated)["rating"] % 3)
        self._load(None)
        return Findings(
            programs.version(self._program, self._pairing.package),
            tuple(self._differences),
            deleted,
            self._remains_of(lost),
            "supported" if self._pairing.activate else self._activation(),
        )

    def rows_behind_state(self, **settings: Any) -> int:
        """Kill a load; count lost rows that the last confirmed STATE commits.

        Args:
            settings: Settings of the target, in addition to the recommended ones.
        """
        messages = list(_with_states(self._extracted(None)))
        config = self._config(**self._pairing.batch, **settings)
        fed = messages[: len(messages) * 2 // 3]
        printed = processes.killed_when_quiet(self._program, config, fed)
        state = _last_state(printed)
        count = state["tap_toggl_hire"]["records"] if state else 0
        records = [m for m in messages if m["type"] == "RECORD"][:count]
        lost = 0
        for stream in {message["stream"] for message in records}:
            sent = (m["record"] for m in records if m["stream"] == stream)
            wanted = keyed(stream, sent)
            lost += len(wanted.keys() - self._rows(stream).keys())
        return lost

    def _activation(self) -> str:
        """Return the effect of ACTIVATE_VERSION on a target without support for it."""
        known = len(self._differences)
        try:
            self._load(None, activate=True)
        except ProgramError:
            return "fails"
        return "loses rows" if self._differences[known:] else "ignored"

    def _load(self, state: Row | None, *, activate: bool | None = None) -> Row | None:
        """Run the tap into the target, and compare the tables with the API."""
        messages = self._extracted(state, activate=activate)
        printed = processes.output_of(self._program, self._config(), messages)
        self._compare()
        return _last_state(printed) or state

    def _extracted(
        self, state: Row | None, *, activate: bool | None = None
    ) -> list[Row]:
        config = {
            "api_url": self._sandbox.url,
            "api_key": self._sandbox.api_key,
            "emit_activate_version_messages": (
                self._pairing.activate if activate is None else activate
            ),
        }
        run = run_tap(config, state=state)
        assert run.returncode == 0, run.stderr
        if self._pairing.maps is None:
            return run.messages
        mapper = programs.program(programs.MAPPER, programs.MAPPER)
        settings = {"stream_maps": self._pairing.maps}
        mapped = processes.output_of(mapper, settings, run.messages)
        return [json.loads(line) for line in mapped.split(b"\n") if line]

    def _config(self, **settings: Any) -> Row:
        place = self._pairing.place(self._place)
        return {**place, **self._pairing.settings, **settings}

    def _compare(self) -> None:
        for stream, truth in expected_rows(self._sandbox.account).items():
            held = _living(self._rows(stream))
            for key in truth.keys() - held.keys():
                self._differ(stream, f"{key} is missing")
            for key, row in truth.items():
                wanted = self._pairing.mapped(row)
                for deviation in self._pairing.deviations:
                    wanted = deviation.change(wanted)
                for name, value in wanted.items():
                    found = held.get(key, wanted).get(name, "no column")
                    if name != DELETED_AT and not alike(value, found):
                        self._differ(stream, f"{name}: {found!r} for {value!r}")

    def _differ(self, stream: str, what: str) -> None:
        self._differences.append(f"{stream}: {what}")

    def _rows(self, stream: str) -> Rows:
        return keyed(stream, self._pairing.rows(self._place, stream))

    def _remains_of(self, candidate_id: str) -> str:
        """Describe what remains of a candidate in the three streams."""
        remains = set()
        for stream in CANDIDATES:
            rows = self._pairing.rows(self._place, stream)
            name = "candidate_id" if stream == "candidate_answers" else "id"
            remains.add(_remains([row for row in rows if row[name] == candidate_id]))
        return "; ".join(sorted(remains))


def add_odd_texts(account: Account) -> None:
    """Give some candidates texts that a target may misread."""
    for one, text in zip(account.listed_ids(), ODD_TEXTS, strict=False):
        for name in ("name", "email", "hire_state"):
            account.set_field(one, name, text)
        account.set_contact_info(one, full_name=text, city=None)
        question = {"id": 7, "content": text, "points": 1, "options": []}
        answer = {"question_id": "7", "text_answer": text, "points": None}
        account.set_field(one, "questions", [question])
        account.set_field(one, "answers", [answer])


def alike(wanted: object, found: object) -> bool:
    """Return whether a value equals the API's, in any form that a target stores."""
    if isinstance(found, str) and not isinstance(wanted, str):
        with contextlib.suppress(ValueError):
            found = json.loads(found.lower() if isinstance(wanted, bool) else found)
    return bool(wanted == found)


def _remains(rows: list[Row]) -> str:
    """Describe what remains of a candidate in one stream."""
    if not rows:
        return "removed"
    held = [any(row.get(name) for name in PERSONAL) for row in rows]
    is_marked = bool(rows[-1].get(DELETED_AT))
    if held[-1]:
        return "marked, **data stays**" if is_marked else "**stays**"
    earlier = "; **earlier lines stay**" if any(held) else ""
    return ("key and time remain" if is_marked else "key remains") + earlier


def _living(rows: Rows) -> Rows:
    """Return the rows that are neither marked as deleted nor tombstones."""
    return {
        key: row
        for key, row in rows.items()
        if not row[DELETED_AT] and row.get("job_opening_id", row) not in ("", None)
    }


def _last_state(printed: bytes) -> Row | None:
    """Return the last state that a target confirmed; None without one."""
    lines = [line for line in printed.split(b"\n") if line.strip()]
    return cast("Row | None", json.loads(lines[-1])) if lines else None


def _with_states(messages: list[Row]) -> Iterator[Row]:
    """Yield messages with a STATE at the start and after every few records.

    Each STATE is laid out like the tap's: a bookmark per stream, and beside them a key
    for all streams together.
    """
    counts: Counter[str] = Counter()
    yield _state(counts)
    for message in messages:
        if message["type"] != "STATE":
            yield message
        if message["type"] == "RECORD":
            counts[message["stream"]] += 1
            if counts.total() % STRIDE == 0:
                yield _state(counts)


def _state(counts: Counter[str]) -> Row:
    bookmarks = {stream: {"records": count} for stream, count in counts.items()}
    value = {"bookmarks": bookmarks, "tap_toggl_hire": {"records": counts.total()}}
    return {"type": "STATE", "value": value}


@contextlib.contextmanager
def trial(pairing: Pairing, postgres: Postgres) -> Iterator[Trial]:
    """Yield a trial with a database, a folder and an account of its own."""
    with postgres.connect() as connection:
        connection.execute("drop database if exists trial")
        connection.execute("create database trial")
        server = connection.info
        login = {"host": server.host, "port": server.port, "user": server.user}
    login |= {"password": "none", "dbname": "trial"}
    account = Account.example(
        candidates=24, in_progress=1, openings=2, tags=3, questions=3, seed=5
    )
    with tempfile.TemporaryDirectory() as folder, Sandbox(account) as sandbox:
        place = Place(Path(folder), postgres.url("trial"), login)
        yield Trial(pairing, place, sandbox)
