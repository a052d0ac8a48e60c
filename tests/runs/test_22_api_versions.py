"""The version of the API: found if it is not set, and used alone if it is (fault
table, 3)."""

from __future__ import annotations

import typing as t

import pytest

from sandbox import Sandbox, Shapes
from tests.support.pipeline import make_account

if t.TYPE_CHECKING:
    from tests.support.pipeline import MakePipeline


@pytest.mark.parametrize("not_found", ["html", "json"])
@pytest.mark.parametrize(
    ("served", "tried"),
    [(("v2.2", "v2"), ["v2.1", "v2.2"]), (("v2", "v3"), ["v2.1", "v2.2", "v2"])],
)
def test_next_version_is_used_with_one_warning(
    make_pipeline: MakePipeline,
    served: tuple[str, ...],
    tried: list[str],
    not_found: t.Literal["html", "json"],
    caplog: pytest.LogCaptureFixture,
) -> None:
    shapes = Shapes(versions=served, unknown_version=not_found)
    pipeline = make_pipeline(Sandbox(make_account(5), shapes=shapes))
    run = pipeline.run()
    pipeline.assert_target_matches_api()
    versions = [request.route.version for request in run.requests]
    assert list(dict.fromkeys(versions)) == tried
    for version in tried[:-1]:
        assert versions.count(version) == 1
    messages = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    [warning] = [message for message in messages if "version" in message]
    assert f"using {tried[-1]}" in warning


def test_version_that_is_set_is_used_alone(make_pipeline: MakePipeline) -> None:
    shapes = Shapes(versions=("v2.1", "v3"))
    pipeline = make_pipeline(Sandbox(make_account(5), shapes=shapes), api_version="v3")
    run = pipeline.run()
    pipeline.assert_target_matches_api()
    assert {request.route.version for request in run.requests} == {"v3"}
