"""The API key goes to the API's own origin, and nowhere else (fault table, 10).

Every form of a link or redirect is tested in `tests/unit/api`.
"""

from __future__ import annotations

import typing as t

import pytest

from sandbox import Fault, Sandbox
from tests.support.pipeline import make_account
from tests.support.streams import DETAILS

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.pipeline import MakePipeline, Pipeline


@pytest.fixture
def elsewhere(sandbox: Callable[..., Sandbox]) -> Iterator[Sandbox]:
    """Another origin, where no request may arrive."""
    other = sandbox(make_account(3), api_key="another-key")
    yield other
    assert other.stats.requests == 0
    assert not other.connections


LINKS = {
    "another port": "http://{elsewhere}/api/v2.1/candidates?limit=5",
    "as a user": "http://{own}@{elsewhere}/api/v2.1/candidates",
    "backslashes": "http:\\\\{elsewhere}\\api\\v2.1\\candidates",
}
"""Links to another host, with its own host and the other one to be filled in."""


def link_to(elsewhere: Sandbox, own: Sandbox, form: str) -> str:
    return LINKS[form].format(own=host(own), elsewhere=host(elsewhere))


def host(sandbox: Sandbox) -> str:
    return sandbox.url.removeprefix("http://").removesuffix("/api")


@pytest.mark.parametrize("form", LINKS)
def test_no_link_leads_to_another_origin(
    make_pipeline: MakePipeline, elsewhere: Sandbox, form: str
) -> None:
    pipeline = make_pipeline(12, page_size=5)
    link = link_to(elsewhere, pipeline.sandbox, form)
    pipeline.sandbox.faults = [Fault("next", next=link, match="candidates")]
    # A URL with backslashes is a path at home, where a page leads to itself.
    pipeline.run_failing("loop" if form == "backslashes" else "another origin")


@pytest.mark.parametrize("form", LINKS)
def test_no_redirect_leads_to_another_origin(
    pipeline: Pipeline, elsewhere: Sandbox, form: str
) -> None:
    link = link_to(elsewhere, pipeline.sandbox, form)
    pipeline.sandbox.faults = [Fault("redirect", location=link, match="candidate")]
    assert pipeline.run_failing().records(DETAILS) == []


def test_netrc_does_not_replace_the_key_and_hosts_in_no_proxy_get_no_proxy(
    make_pipeline: MakePipeline, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    proxy = "http://someone:secret-word@127.0.0.1:9"
    pipeline = make_pipeline(3)
    run = pipeline.run_command_line(
        environment={
            "NETRC": str(netrc),
            "HOME": str(tmp_path),
            "HTTP_PROXY": proxy,
            "http_proxy": proxy,
            **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1"),
        }
    )
    assert run.returncode == 0, run.stderr
    assert pipeline.sandbox.stats.without_key == 0
    pipeline.assert_target_matches_api()
