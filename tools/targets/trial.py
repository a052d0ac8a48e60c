"""One trial of a target: four runs, each value compared; then a cut in a load."""

from __future__ import annotations

import contextlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sandbox import Account, Sandbox
from tests.pipeline.warehouse import expected, keyed
from tests.support import run_tap
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
"""Records between two STATEs of a load that is cut."""


@dataclass(frozen=True)
class Findings:
    """What came out of a trial.

    Attributes:
        version: Of the target.
        differences: Values that are not as the API says, nor as the faults say.
        deleted: What became of a candidate that was deleted between two runs.
        deleted_without_state: And of one that was deleted while the state was lost.
        activation: What ACTIVATE_VERSION does to the target.
    """

    version: str
    differences: tuple[str, ...]
    deleted: str
    deleted_without_state: str
    activation: str


class Trial:
    """Runs of the tap into a target.

    Args:
        pairing: The target.
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
        """First load, changes with deletions, no changes, no state."""
        account = self._sandbox.account
        add_odd_texts(account)
        gone, lost, rated, tagged = account.listed_ids()[-4:]
        state = self._load(None)

        account.delete(gone)
        account.rate(rated, 1 + account.row(rated)["rating"] % 3)
        account.tag(tagged, account.add_tag("new"))
        account.submit(account.in_progress_ids()[0])
        state = self._load(state)
        deleted = self._fate(gone)

        state = self._load(state)

        account.delete(lost)
        account.rate(rated, 1 + account.row(rated)["rating"] % 3)
        self._load(None)
        return Findings(
            programs.version(self._program, self._pairing.package),
            tuple(self._differences),
            deleted,
            self._fate(lost),
            "taken" if self._pairing.activate else self._activation(),
        )

    def rows_behind_state(self, **settings: Any) -> int:
        """Cut a load, and count rows that its last STATE vouches for and that are lost.

        Args:
            settings: Of the target, beside those that make it right.
        """
        messages = list(_with_states(self._extracted(None)))
        config = self._config(**self._pairing.batch, **settings)
        fed = messages[: len(messages) * 2 // 3]
        printed = processes.killed_when_quiet(self._program, config, fed)
        told = _last_state(printed) or {"records": 0}
        records = [m for m in messages if m["type"] == "RECORD"][: told["records"]]
        lost = 0
        for stream in {message["stream"] for message in records}:
            sent = (m["record"] for m in records if m["stream"] == stream)
            wanted = keyed(stream, sent)
            lost += len(wanted.keys() - self._rows(stream).keys())
        return lost

    def _activation(self) -> str:
        """What ACTIVATE_VERSION does to a target that is not made for it, in a word."""
        known = len(self._differences)
        try:
            self._load(None, activate=True)
        except ProgramError:
            return "stops at it"
        return "loses rows by it" if self._differences[known:] else "ignored"

    def _load(self, state: Row | None, *, activate: bool | None = None) -> Row | None:
        """Run the tap into the target, and compare what is there with the API."""
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
        for stream, truth in expected(self._sandbox.account).items():
            held = _living(self._rows(stream))
            for key in truth.keys() - held.keys():
                self._differ(stream, f"{key} is missing")
            for key, row in truth.items():
                wanted = self._pairing.mapped(row)
                for fault in self._pairing.faults:
                    wanted = fault.change(wanted)
                for name, value in wanted.items():
                    found = held.get(key, wanted).get(name, "no column")
                    if name != DELETED_AT and not alike(value, found):
                        self._differ(stream, f"{name}: {found!r} for {value!r}")

    def _differ(self, stream: str, what: str) -> None:
        self._differences.append(f"{stream}: {what}")

    def _rows(self, stream: str) -> Rows:
        return keyed(stream, self._pairing.rows(self._place, stream))

    def _fate(self, candidate_id: str) -> str:
        """What is left of a candidate in the three streams, in words."""
        fates = set()
        for stream in CANDIDATES:
            rows = self._pairing.rows(self._place, stream)
            name = "candidate_id" if stream == "candidate_answers" else "id"
            fates.add(_fate([row for row in rows if row[name] == candidate_id]))
        return "; ".join(sorted(fates))


def add_odd_texts(account: Account) -> None:
    """Give some candidates texts that a target may take for something else."""
    for one, text in zip(account.listed_ids(), ODD_TEXTS, strict=False):
        for name in ("name", "email", "hire_state"):
            account.set_field(one, name, text)
        account.set_contact_info(one, full_name=text, city=None)
        question = {"id": 7, "content": text, "points": 1, "options": []}
        answer = {"question_id": "7", "text_answer": text, "points": None}
        account.set_field(one, "questions", [question])
        account.set_field(one, "answers", [answer])


def alike(wanted: object, found: object) -> bool:
    """Whether a value is the API's, in whatever form the target has it."""
    if isinstance(found, str) and not isinstance(wanted, str):
        with contextlib.suppress(ValueError):
            found = json.loads(found.lower() if isinstance(wanted, bool) else found)
    return bool(wanted == found)


def _fate(rows: list[Row]) -> str:
    """What is left of a candidate in one stream, in words."""
    if not rows:
        return "removed"
    held = [any(row.get(name) for name in PERSONAL) for row in rows]
    is_marked = bool(rows[-1].get(DELETED_AT))
    if held[-1]:
        return "marked, **data stays**" if is_marked else "**stays**"
    former = "; **former lines stay**" if any(held) else ""
    return ("key and time left" if is_marked else "key left") + former


def _living(rows: Rows) -> Rows:
    """The rows that are neither marked as deleted nor tombstones without a mark."""
    return {
        key: row
        for key, row in rows.items()
        if not row[DELETED_AT] and row.get("job_opening_id", row) not in ("", None)
    }


def _last_state(printed: bytes) -> Row | None:
    """The last state that a target confirmed, if it did."""
    lines = [line for line in printed.split(b"\n") if line.strip()]
    return cast("Row | None", json.loads(lines[-1])) if lines else None


def _with_states(messages: list[Row]) -> Iterator[Row]:
    """The messages of a longer load: a STATE every few records, that counts them."""
    count = 0
    for message in messages:
        if message["type"] != "STATE":
            yield message
        if message["type"] == "RECORD":
            count += 1
            if count % STRIDE == 0:
                yield {"type": "STATE", "value": {"records": count}}


@contextlib.contextmanager
def trial(pairing: Pairing, postgres: Postgres) -> Iterator[Trial]:
    """A trial in a place of its own, with an account of its own."""
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
