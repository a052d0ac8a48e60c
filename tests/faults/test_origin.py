"""The key goes to the API's own origin, and nowhere else."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import typing as t
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st

from sandbox import Account, Fault, Sandbox, Shapes
from tests.faults.trials import LISTS, Clock, assert_true, attempt, settings
from tests.support import Run, run_tap

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox.messages import Request

    Start = Callable[..., Sandbox]

pytestmark = pytest.mark.usefixtures("clock")

STATUSES = (301, 302, 303, 307, 308)


def an_account() -> Account:
    return Account.example(candidates=12, openings=2, tags=2, questions=2)


@pytest.fixture
def elsewhere(sandbox: Start) -> Iterator[Sandbox]:
    """Another origin, which takes any key; nothing may ever come there."""
    box = sandbox(an_account(), api_key="another-key")
    yield box
    assert box.stats.requests == 0
    assert not box.connections


def host(box: Sandbox) -> str:
    """Host and port of a sandbox."""
    return box.url.removeprefix("http://").removesuffix("/api")


FOREIGN: dict[str, str] = {
    # what a link may try: with {own} and {foreign} for host and port of both
    "another port": "http://{foreign}/api/v2.1/candidates?limit=5",
    "another host": "http://localhost:{port}/api/v2.1/candidates",
    "another scheme": "https://{own}/api/v2.1/candidates",
    "without a scheme": "//{foreign}/api/v2.1/candidates",
    "more slashes": "////{foreign}/api/v2.1/candidates",
    "a default port": "http://127.0.0.1/api/v2.1/candidates",
    "as user": "http://{own}@{foreign}/api/v2.1/candidates",
    "as user and password": "http://user:{own}@{foreign}/api/v2.1/candidates",
    "as user of another scheme": "https://{own}:443@{foreign}/",
    "a tab in the scheme": "ht\ttp://{foreign}/api/v2.1/candidates",
    "a space before": " http://{foreign}/api/v2.1/candidates",
    "backslashes": "http:\\\\{foreign}\\api\\v2.1\\candidates",
    "backslashes without a scheme": "\\\\{foreign}\\api",
    "slash and backslash": "/\\{foreign}/api/v2.1/candidates",
    "a backslash before the host": "http://{own}\\@{foreign}/api",
    "a fragment before the host": "http://{foreign}#@{own}/api",
    "a query before the host": "http://{foreign}?@{own}/api",
    "a script": "javascript:fetch('http://{foreign}/')",
    "data": "data:application/json,{{}}",
    "a file": "file:///etc/passwd",
    "ftp": "ftp://{foreign}/",
    "a name in another script": "http://127.0.0.1.еxample:{port}/api",  # noqa: RUF001
    "full-width digits": "http://１２７.0.0.1:{port}/api",  # noqa: RUF001
    "a full stop of another kind": "http://127。0。0。1:{port}/api",
    "a number as host": "http://2130706433:{port}/api",
    "IPv6": "http://[::ffff:127.0.0.1]:{port}/api",
    "a dot behind the host": "http://127.0.0.1.:{port}/api",
}
"""None of these may lead anywhere."""


def link(what: str, own: Sandbox, foreign: Sandbox) -> str:
    port = host(foreign).split(":")[1]
    return FOREIGN[what].format(own=host(own), foreign=host(foreign), port=port)


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        *((what, "candidates") for what in FOREIGN),
        *itertools.product(
            ("another port", "as user", "without a scheme"),
            ("openings", "categories", "tags"),
        ),
    ],
)
def test_links_lead_nowhere_else(
    sandbox: Start, elsewhere: Sandbox, what: str, kind: str
) -> None:
    box = sandbox(an_account())
    box.faults = [Fault("next", next=link(what, box, elsewhere), match=kind)]
    trial = attempt(settings(box))
    # To stop is right; what is no other origin to a URL parser (a backslash is none)
    # is a path at home, where a page may lead back to itself.
    assert "link" in trial.sentence
    assert "origin" in trial.sentence or "loop" in trial.sentence


@pytest.mark.parametrize(
    ("what", "status"), list(zip(FOREIGN, itertools.cycle(STATUSES), strict=False))
)
def test_redirects_lead_nowhere_else(
    sandbox: Start, elsewhere: Sandbox, what: str, status: int
) -> None:
    box = sandbox(an_account())
    location = link(what, box, elsewhere)
    box.faults = [
        Fault(
            "redirect",
            location=location.encode().decode("latin-1"),  # as it goes over the wire
            status=status,
            match="candidate",
        )
    ]
    trial = attempt(settings(box))
    assert trial.records("candidate_details") == []


@pytest.mark.parametrize("kind", ["tags", "candidates", "candidate", "openings"])
def test_a_redirect_to_another_origin_stops_at_once(
    sandbox: Start, elsewhere: Sandbox, clock: Clock, kind: str
) -> None:
    box = sandbox(an_account())
    box.faults = [Fault("redirect", location=elsewhere.url, match=kind)]
    trial = attempt(settings(box))
    assert "redirects to another origin" in trial.sentence
    assert "api_url" in trial.sentence
    assert elsewhere.url not in trial.sentence
    assert not clock.pauses


@given(
    prefix=st.sampled_from(["http://", "https://", "//", "/", "", "http:", "\\\\"]),
    parts=st.lists(
        st.sampled_from(
            ["OWN", "FOREIGN", "@", ":", "/", "\\", "#", "?", "%2e", ".", "a", "ü", ";"]
        ),
        max_size=6,
    ),
    as_redirect=st.booleans(),
)
@rules(max_examples=100)
def test_no_made_up_link_leads_elsewhere(
    boxes: tuple[Sandbox, Sandbox],
    prefix: str,
    parts: list[str],
    as_redirect: bool,  # noqa: FBT001
) -> None:
    box, foreign = boxes
    names = {"OWN": host(box), "FOREIGN": host(foreign)}
    made = prefix + "".join(names.get(part, part) for part in parts)
    if as_redirect:
        location = made.encode().decode("latin-1")
        box.faults = [Fault("redirect", location=location, match="tags", times=1)]
    else:
        box.faults = [Fault("next", next=made, match="tags", times=1)]
    attempt(settings(box))
    assert foreign.stats.requests == 0
    assert not foreign.connections


@pytest.fixture(scope="module")
def boxes() -> Iterator[tuple[Sandbox, Sandbox]]:
    account = Account.example(candidates=1, openings=1, tags=2, questions=1)
    with Sandbox(account) as box, Sandbox(account) as foreign:
        yield box, foreign


# At home


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("tags", 301),
        ("candidates", 302),
        ("candidate", 303),
        ("openings", 307),
        ("categories", 308),
    ],
)
@pytest.mark.parametrize("form", ["absolute", "host", "path", "relative"])
def test_redirects_at_home_are_followed(
    sandbox: Start, clock: Clock, kind: str, form: str, status: int
) -> None:
    box = sandbox(an_account(), shapes=Shapes(versions=("v2.1", "moved")))

    def redirect(request: Request) -> str:
        path = request.path.replace("v2.1", "moved")
        starts = {
            "absolute": f"http://{host(box)}{path}",
            "host": f"//{host(box)}{path}",
            "path": path,
            "relative": "../" * (path.count("/") - 3) + path.removeprefix("/api/"),
        }
        if form == "relative":
            starts["relative"] = "../" + starts["relative"]
        query = urlencode(request.query)
        return starts[form] + (f"?{query}" if query else "")

    box.faults = [Away(redirect, kind=kind, status=status)]
    trial = attempt(settings(box)).good()
    assert_true(trial.messages, box.account)
    assert not clock.pauses
    assert box.stats.without_key == 0
    moved = [one for one in box.stats.log if one.route.version == "moved"]
    assert {one.kind for one in moved} == {kind}


class Away(Fault):
    """Redirects requests of version 2.1 to where a function says."""

    def __init__(
        self, where: Callable[[Request], str], *, kind: str, status: int
    ) -> None:
        super().__init__(
            "redirect",
            location="",
            match=lambda one: one.kind == kind and one.route.version == "v2.1",
        )
        self._where = where
        self._status = status

    def answer(self, request: Request, ordinary: t.Any) -> t.Any:
        self._extra = {"location": self._where(request), "status": self._status}
        return super().answer(request, ordinary)


@pytest.mark.parametrize(
    "spelled", ["http://LOCALHOST:{port}", "HTTP://localhost:{port}"]
)
def test_the_same_origin_spelled_otherwise_is_home(
    sandbox: Start, clock: Clock, spelled: str
) -> None:
    """Scheme and host of a URL are the same in capitals (RFC 3986, section 6.2.2)."""
    box = sandbox(an_account(), shapes=Shapes(next_link="path"))
    port = host(box).split(":")[1]
    location = spelled.format(port=port) + "/api/v2.1/tags?moved=1"
    box.faults = [
        Fault(
            "redirect",
            location=location,
            match=lambda one: one.kind == "tags" and not one.query,
        )
    ]
    config = settings(box, api_url=f"http://localhost:{port}/api")
    assert_true(attempt(config).good().messages, box.account)
    assert not clock.pauses


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_redirects_in_circles_stop(sandbox: Start, clock: Clock, length: int) -> None:
    box = sandbox(an_account())
    steps = itertools.count(1)
    box.faults = [
        Away(
            lambda _: f"/api/v2.1/tags?step={next(steps) % length}",
            kind="tags",
            status=302,
        )
    ]
    trial = attempt(settings(box))
    assert "redirects in circles" in trial.sentence
    assert box.stats.requests <= 30
    assert not clock.pauses


@pytest.mark.parametrize(
    "location", ["", "http://[", "http://[::1", "?", "#", "http://", ":", "http://:x/"]
)
def test_odd_redirects_end_in_a_sentence(sandbox: Start, location: str) -> None:
    box = sandbox(an_account())
    box.faults = [
        Fault(
            "redirect", location=location.encode().decode("latin-1"), match="candidate"
        )
    ]
    assert attempt(settings(box)).sentence


@pytest.mark.parametrize("later_run", [False, True])
@pytest.mark.parametrize("location", ["/login?to=toggl", "/api/v2.1/candidates/"])
def test_a_404_behind_a_redirect_is_no_proof_of_deletion(
    sandbox: Start, location: str, *, later_run: bool
) -> None:
    """Only a 404 of the candidate itself is; a proxy may send anywhere."""
    box = sandbox(an_account())
    state = None
    if later_run:
        state = attempt(settings(box)).good().state
        for key in box.account.listed_ids():
            box.account.rate(key, 3 - box.account.row(key)["rating"])
    box.faults = [Fault("redirect", location=location, match="candidate")]
    trial = attempt(settings(box), state=state)
    assert not any(row["_sdc_deleted_at"] for row in trial.records("candidates"))
    assert trial.sentence


# Links that forget, and links that go round


def test_links_that_drop_parameters_keep_the_filters(
    sandbox: Start,
) -> None:
    account = Account.example(candidates=60, tags=2, questions=2, seed=5)
    box = sandbox(account)

    def bare(request: Request) -> str:
        """Link to the next page by its anchor alone."""
        rows = [row["id"] for row in wanted]
        anchor = request.query.get("after_id")
        start = rows.index(anchor) + 1 if anchor else 0
        stop = start + int(request.query["limit"])
        last = rows[min(stop, len(rows)) - 1]
        return f"/candidates?after_id={last}" if stop < len(rows) else ""

    wanted = [row for row in account.list_rows() if row["hire_state"] == "rejected"]
    assert len(wanted) > 5
    box.faults = [
        Fault(
            "next",
            next=bare,
            match=lambda one: one.kind == "candidates" and "tag_ids" not in one.query,
        )
    ]
    filters = {"hire_state": "rejected"}
    trial = attempt(settings(box, candidate_filters=filters)).good()
    assert [row["id"] for row in trial.records("candidates")] == [
        row["id"] for row in wanted
    ]
    pages = [one for one in box.stats.log if one.kind == "candidates"]
    assert {one.query["hire_state"] for one in pages} == {"rejected"}
    assert {one.query["limit"] for one in pages} == {"5"}


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("length", "changing"),
    [*((length, False) for length in range(1, 6)), (1, True), (3, True)],
)
@pytest.mark.parametrize("kind", ["candidates", "openings", "categories", "tags"])
def test_pages_that_go_round_stop(
    sandbox: Start, kind: str, length: int, *, changing: bool
) -> None:
    """Also where each link has something new in it, so that only rows repeat."""
    account = Account.example(candidates=40, openings=12, tags=12, questions=1)
    box = sandbox(account, shapes=Shapes(page_small_lists=2))
    numbers = itertools.count()

    def loop(request: Request) -> str:
        """Lead through some pages, and from the last one to the first."""
        if request.number > 400:
            return ""  # enough: the tap would never have stopped
        step = int(request.query.get("step", 0))
        following = (step + 1) % length
        query: dict[str, t.Any] = {"step": following}
        if following:
            query["after_id"] = ids[request.kind][2 * following - 1]
        elif "after_id" in request.query:
            query["after_id"] = ""
        if changing:
            query["new"] = next(numbers)
        return f"/{request.kind}?{urlencode(query)}"

    ids = {
        "candidates": account.listed_ids(),
        "openings": [one["id"] for one in account.openings()],
        "categories": [one["id"] for one in account.categories()],
        "tags": [one["id"] for one in account.tags()],
    }
    box.faults = [Fault("next", next=loop, match=kind)]
    trial = attempt(settings(box, page_size=2, max_concurrency=2))
    assert box.stats.requests < 400
    assert "already read" in trial.sentence or "repeat" in trial.sentence
    assert all(not row["_sdc_deleted_at"] for row in trial.records("candidates"))


# The environment


def test_netrc_does_not_replace_the_key(sandbox: Start, tmp_path: Path) -> None:
    box = sandbox(an_account())
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    run = run_tap(
        settings(box), environment={"NETRC": str(netrc), "HOME": str(tmp_path)}
    )
    assert run.returncode == 0
    assert box.stats.without_key == 0
    assert_true(run.messages, box.account)


class Proxy:
    """Takes requests for others, answers each with 502, and keeps what it was sent."""

    def __init__(self) -> None:
        self.received = b""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                self.received += connection.recv(65_536)
                connection.sendall(
                    b"HTTP/1.1 502 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    proxy = Proxy()
    yield proxy
    proxy.close()


def test_a_proxy_of_the_environment_is_used(
    sandbox: Start, command_line: Callable[..., Run], proxy: Proxy
) -> None:
    box = sandbox(an_account())
    run = command_line(
        settings(box), environment={"HTTP_PROXY": proxy.url, "http_proxy": proxy.url}
    )
    assert run.returncode == 1
    assert "502" in run.stderr
    assert box.stats.requests == 0
    assert f"GET {box.url}/v2.1/tags HTTP/1.1".encode() in proxy.received


def test_where_no_proxy_is_wanted_none_is_used(sandbox: Start, proxy: Proxy) -> None:
    box = sandbox(an_account())
    run = run_tap(
        settings(box),
        environment={
            **dict.fromkeys(("HTTP_PROXY", "http_proxy"), proxy.url),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1"),
        },
    )
    assert run.returncode == 0
    assert not proxy.received
    assert_true(run.messages, box.account, streams=LISTS)


def test_a_proxy_that_is_away(
    sandbox: Start, command_line: Callable[..., Run], proxy: Proxy
) -> None:
    """Its address may hold a password: no word of it."""
    proxy.close()
    url = proxy.url.replace("http://", "http://somebody:secret-word@")
    run = command_line(
        settings(sandbox(an_account())),
        environment={"HTTP_PROXY": url, "http_proxy": url},
    )
    assert run.returncode == 1
    assert "proxy" in run.stderr.splitlines()[-1]
    assert "secret-word" not in run.stderr
