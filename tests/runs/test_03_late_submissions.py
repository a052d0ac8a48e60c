"""A candidate who submits late is found, although the list sorts by the start of the
test (guarantee 3)."""

from __future__ import annotations

import typing as t

from tests.support.streams import UPSERTED

if t.TYPE_CHECKING:
    from tests.support.pipeline import Pipeline


def test_late_submission_is_found_among_candidates_that_were_read_before(
    pipeline: Pipeline,
) -> None:
    late = pipeline.account.add_candidate(
        started_at="2025-01-06T08:00:00", submitted=False
    )
    pipeline.run()
    pipeline.account.submit(late)
    run = pipeline.run()
    assert run.details_requested == [late]
    assert run.events() == [("created", late)]
    for stream in UPSERTED:
        assert run.emitted(stream) == [late]
    pipeline.assert_target_matches_api()
