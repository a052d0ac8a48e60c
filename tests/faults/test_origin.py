"""The API key goes to the API's own origin, and nowhere else.

Every form of a link or redirect is tested in `tests/unit/api`.
"""

from __future__ import annotations

import typing as t

import pytest

from sandbox import Fault, Sandbox
from tests.faults.trials import account, assert_true, attempt, small
from tests.support import run_tap
from tests.support.streams import DETAILS

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.streams.checks import Start

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def elsewhere(sandbox: Start) -> Iterator[Sandbox]:
    """Another origin, where no request may arrive."""
    box = sandbox(account(3), api_key="another-key")
    yield box
    assert box.stats.requests == 0
    assert not box.connections


def host(box: Sandbox) -> str:
    return box.url.removeprefix("http://").removesuffix("/api")


FOREIGN = {
    # {own} and {foreign} are host and port of both, {port} is the foreign one.
    "another port": "http://{foreign}/api/v2.1/candidates?limit=5",
    "another host": "http://localhost:{port}/api/v2.1/candidates",
    "another scheme": "https://{own}/api/v2.1/candidates",
    "no scheme": "//{foreign}/api/v2.1/candidates",
    "as user": "http://{own}@{foreign}/api/v2.1/candidates",
    "a tab in the scheme": "ht\ttp://{foreign}/api/v2.1/candidates",
    "backslashes": "http:\\\\{foreign}\\api\\v2.1\\candidates",
    "slash and backslash": "/\\{foreign}/api/v2.1/candidates",
    "a backslash before the host": "http://{own}\\@{foreign}/api",
    "a fragment before the host": "http://{foreign}#@{own}/api",
    "full-width digits": "http://\uff11\uff12\uff17.0.0.1:{port}/api",
}


def link(what: str, own: Sandbox, foreign: Sandbox) -> str:
    port = host(foreign).split(":")[1]
    return FOREIGN[what].format(own=host(own), foreign=host(foreign), port=port)


@pytest.mark.parametrize("what", FOREIGN)
def test_no_link_leads_to_another_origin(
    sandbox: Start, elsewhere: Sandbox, what: str
) -> None:
    box = sandbox(account(12))
    box.faults = [Fault("next", next=link(what, box, elsewhere), match="candidates")]
    trial = attempt(small(box))
    # A URL with backslashes is a path at home, where a page may lead to itself.
    assert "origin" in trial.sentence or "loop" in trial.sentence


@pytest.mark.parametrize("what", FOREIGN)
def test_no_redirect_leads_to_another_origin(
    sandbox: Start, elsewhere: Sandbox, what: str
) -> None:
    box = sandbox(account(12))
    location = link(what, box, elsewhere).encode().decode("latin-1")
    box.faults = [Fault("redirect", location=location, match="candidate")]
    assert attempt(small(box)).records(DETAILS) == []


def test_netrc_and_proxies_of_the_environment(sandbox: Start, tmp_path: Path) -> None:
    """A netrc does not replace the key; NO_PROXY counts."""
    box = sandbox(account(3))
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    proxy = "http://someone:secret-word@127.0.0.1:9"
    environment = {
        "NETRC": str(netrc),
        "HOME": str(tmp_path),
        "HTTP_PROXY": proxy,
        "http_proxy": proxy,
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1"),
    }
    run = run_tap(small(box), environment=environment)
    assert run.returncode == 0, run.stderr
    assert box.stats.without_key == 0
    assert_true(run.messages, box.account)
