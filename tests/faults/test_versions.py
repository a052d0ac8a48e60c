"""The version of the API: found if it is not set, and used alone if it is."""

from __future__ import annotations

import pytest

from sandbox import Account, Sandbox, Shapes
from tests.streams.checks import Start, assert_holds, expected, loaded, warnings
from tests.support import extract, settings

pytestmark = pytest.mark.usefixtures("clock")

HTML_OR_JSON = pytest.mark.parametrize("not_found", ["html", "json"])


def workspace(sandbox: Start, *versions: str, not_found: str = "json") -> Sandbox:
    shapes = Shapes(versions=versions, unknown_version=not_found)  # type: ignore[arg-type]
    return sandbox(Account.example(candidates=5), shapes=shapes)


def requested(box: Sandbox) -> list[str | None]:
    """The versions that were requested, each once, in order."""
    return list(dict.fromkeys(request.route.version for request in box.stats.log))


@HTML_OR_JSON
@pytest.mark.parametrize(
    ("served", "tried"),
    [(("v2.2", "v2"), ["v2.1", "v2.2"]), (("v2", "v3"), ["v2.1", "v2.2", "v2"])],
)
def test_the_next_version_is_used_with_one_warning(
    sandbox: Start,
    served: tuple[str, ...],
    tried: list[str],
    not_found: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    box = workspace(sandbox, *served, not_found=not_found)
    assert_holds(loaded(extract(settings(box))), expected(box.account))
    (warning,) = (line for line in warnings(caplog) if "version" in line)
    assert f"using {tried[-1]}" in warning
    assert f"Set api_version to {tried[-1]} to pin it" in warning
    assert requested(box) == tried
    others = [one for one in box.stats.log if one.route.version != tried[-1]]
    assert len(others) == len(tried) - 1  # each once
