"""Permanent failures: the run ends with a sentence, and the next one goes on."""

from __future__ import annotations

import itertools
import re
import typing as t

import pytest

from sandbox import Fault, Shapes
from sandbox.faults import details_of
from tests.faults.trials import (
    Clock,
    Strikes,
    account,
    assert_true,
    attempt,
    served_details,
    small,
)
from tests.support.streams import CANDIDATES, DELETED_AT, DETAILS

if t.TYPE_CHECKING:
    from tests.streams.checks import Start

Options = dict[str, t.Any]

pytestmark = pytest.mark.usefixtures("clock")

PERMANENT: dict[str, tuple[str, Options, str]] = {
    # What happens, how the sandbox does it, and what the sentence says of it.
    "500": ("status", {"status": 500}, "HTTP 500"),
    "reset": ("reset", {}, "connection refused or reset"),
    "truncated": ("cut", {}, "truncated"),
    "HTML": ("not_json", {}, "not JSON"),
    "another shape": ("wrong_shape", {}, "not what the API documents"),
}


@pytest.mark.parametrize("what", PERMANENT)
def test_the_run_ends_and_the_next_one_goes_on(sandbox: Start, what: str) -> None:
    kind, options, words = PERMANENT[what]
    box = sandbox(account())
    fault = Strikes(kind, match="candidate", after=17, **options)
    box.faults = [fault]
    first = attempt(small(box))
    assert words in first.sentence
    assert "GET /candidates/" in first.sentence
    assert "failed 6 times" in first.sentence
    assert first.error
    assert first.error.is_transient
    assert first.messages[-1]["type"] == "STATE"
    done = set(first.ids(DETAILS))
    assert len(done) == 17
    # A row of the list is emitted, although the details failed.
    assert set(first.ids(CANDIDATES)) > done
    box.faults = []
    box.stats.reset()
    second = attempt(small(box), state=first.state).good()
    assert_true(first.messages + second.messages, box.account)
    rest = set(box.account.listed_ids()) - done
    assert served_details(box) == dict.fromkeys(rest, 1)


# One candidate, or some, whose details fail


def test_malformed_details_of_one_candidate_are_not_transient(sandbox: Start) -> None:
    box = sandbox(account())
    failing = box.account.listed_ids()[0]
    box.faults = [Fault("not_json", match=details_of(failing))]
    failed = attempt(small(box))
    assert failed.error
    assert not failed.error.is_transient
    assert set(failed.ids(DETAILS)) == set(box.account.listed_ids()) - {failing}


def test_a_404_after_a_redirect_deletes_nothing(sandbox: Start) -> None:
    box = sandbox(account(12))
    state = attempt(small(box)).good().state
    gone = box.account.listed_ids()[3]
    box.account.archive(gone)  # not in the list: it is asked for
    box.faults = [Fault("redirect", location="/login", match="candidate")]
    trial = attempt(small(box), state=state)
    assert "after a redirect" in trial.sentence
    assert not any(row[DELETED_AT] for row in trial.records(CANDIDATES))


# The key, and what the API rejects


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize("status", [401, 403])
def test_a_rejected_key_stops_at_once(
    sandbox: Start, clock: Clock, status: int, *, html: bool
) -> None:
    box = sandbox(account())
    box.faults = [Fault("status", status=status, html=html)]
    trial = attempt(small(box))
    assert "setting api_key" in trial.sentence
    assert str(status) in trial.sentence
    assert box.stats.requests == 1
    assert not clock.pauses
    assert trial.records(CANDIDATES) == []


@pytest.mark.parametrize(("status", "after"), [(401, 150), (403, 150), (403, 0)])
def test_a_key_that_is_revoked_after_some_details(
    sandbox: Start, clock: Clock, status: int, after: int
) -> None:
    box = sandbox(account(200))
    fault = Fault("status", status=status, match="candidate", after=after)
    box.faults = [fault]
    first = attempt(small(box, page_size=100, max_concurrency=2))
    assert "api_key" in first.sentence
    is_for_all = "for every candidate (HTTP 403): check api_key" in first.sentence
    assert is_for_all is (after == 0)
    assert not clock.pauses
    assert fault.struck <= (2 if status == 401 else 50)
    box.faults = []
    second = attempt(small(box), state=first.state).good()
    assert_true(first.messages + second.messages, box.account)


@pytest.mark.parametrize(
    "filters", [{"min_score": 55}, {"tag_ids": ["1", "2"]}, {"email": "a@example.com"}]
)
def test_a_rejected_filter_is_named(sandbox: Start, filters: Options) -> None:
    box = sandbox(account())
    (name,) = filters
    fault = Fault("status", status=400, match=lambda one: name in one.query)
    box.faults = [fault]
    trial = attempt(small(box, candidate_filters=filters))
    assert f"candidate_filters.{name}" in trial.sentence
    assert str(filters[name]) not in trial.sentence


def test_a_rejected_page_size_is_named(sandbox: Start) -> None:
    box = sandbox(account(), shapes=Shapes(max_limit=50, over_limit="refuse"))
    trial = attempt(small(box, page_size=100))
    for word in ("page_size", "ValidationError"):
        assert word in trial.sentence
    assert "candidate_filters" not in trial.sentence
    assert not trial.records(CANDIDATES)


# 429 without end


@pytest.mark.parametrize("retry_after", [86_400, "9" * 30, 300])
def test_429_for_too_long_is_a_failure_that_says_until_when(
    sandbox: Start, clock: Clock, retry_after: object
) -> None:
    box = sandbox(account(10))
    box.faults = [Fault("429", match="candidate", after=3, retry_after=retry_after)]
    started = clock()
    # With more workers, a response may be on its way while the clock jumps.
    trial = attempt(small(box, max_concurrency=1))
    assert "HTTP 429" in trial.sentence
    assert re.search(r"again at \d{4}-\d\d-\d\d [\d:]+ UTC", trial.sentence)
    assert trial.error
    assert trial.error.is_transient
    assert clock() - started <= 901
    box.faults = []
    healed = attempt(small(box), state=trial.state).good()
    assert_true(trial.messages + healed.messages, box.account)


# Paging


@pytest.mark.parametrize("kind", ["candidates", "openings", "tags"])
def test_pages_in_a_loop_stop(sandbox: Start, kind: str) -> None:
    """Although each link has something new in it."""
    shapes = Shapes(page_small_lists=2)
    box = sandbox(account(40, openings=12, tags=12), shapes=shapes)
    numbers = itertools.count()

    def loop(request: t.Any) -> str:
        return f"/{kind}?new={next(numbers)}" if request.number < 400 else ""

    box.faults = [Fault("next", next=loop, match=kind)]
    trial = attempt(small(box, page_size=2, max_concurrency=2))
    assert box.stats.requests < 400
    assert "loop" in trial.sentence or "shorter than its total" in trial.sentence
    assert trial.error
    assert trial.error.is_transient
    assert not any(row[DELETED_AT] for row in trial.records(CANDIDATES))
