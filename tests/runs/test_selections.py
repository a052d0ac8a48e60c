"""Settings that narrow the selection come and go: nobody is lost or buried by them."""

from __future__ import annotations

import math
import random
import typing as t
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox import Account, Sandbox
from sandbox.changes import VISIBLE
from sandbox.filters import Filters
from tests.runs.pipelines import (
    CANDIDATES,
    DETAILS,
    FAMILY,
    UPSERTED,
    Pipeline,
    pipeline,
    who,
)
from tests.support.truth import truth

if t.TYPE_CHECKING:
    from tests.support.target import Key

Settings = dict[str, t.Any]

NARROWING = ("start_date", "job_opening_ids", "candidate_filters")
KINDS = tuple(kind for kind in VISIBLE if kind != "delete_opening")
"""A setting that names an opening which is gone is refused."""
DATES = ("2025-01-20", "2025-03-01T12:00:00+05:00", "2025-05-15T00:00:00Z")


def place(count: int) -> st.SearchStrategy[int]:
    """The place of something among so many of its kind."""
    return st.integers(0, count - 1)


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "category_id": place(6),
        "tag_ids": st.lists(place(3), min_size=1, max_size=2, unique=True),
        "hire_state": st.sampled_from(["possible-hire", "rejected"]),
        "min_score": st.sampled_from([0, 30, 50.5]),
        "max_score": st.sampled_from([40, 70.25, 100]),
        "min_rating": st.integers(0, 3),
        "max_rating": st.integers(0, 3),
        "email": place(30),
    },
).filter(lambda filters: len(filters) <= 2)
SELECTIONS = st.fixed_dictionaries(
    {},
    optional={
        "start_date": st.sampled_from(DATES),
        "job_opening_ids": st.lists(place(2), min_size=1, max_size=2, unique=True),
        "candidate_filters": FILTERS,
    },
)


def account(candidates: int) -> Account:
    return Account.example(
        candidates=candidates,
        openings=2,
        tags=3,
        questions=2,
        in_progress=6,
        tagged=0.5,
    )


class Names:
    """What the places in a drawn selection stand for: as the account was at first."""

    def __init__(self, account: Account) -> None:
        self._openings = [one["id"] for one in account.openings()]
        self._categories = [one["id"] for one in account.categories()]
        self._tags = [one["id"] for one in account.tags()]
        self._emails = [row["email"] for row in account.list_rows()]

    def settings(self, drawn: Settings) -> Settings:
        """Settings of the tap."""
        made: Settings = dict(drawn)
        if "job_opening_ids" in made:
            made["job_opening_ids"] = [
                self._openings[n] for n in made["job_opening_ids"]
            ]
        if "candidate_filters" in made:
            filters = dict(made["candidate_filters"])
            if "category_id" in filters:
                filters["category_id"] = self._categories[filters["category_id"]]
            if "tag_ids" in filters:
                filters["tag_ids"] = [self._tags[n] for n in filters["tag_ids"]]
            if "email" in filters:
                filters["email"] = self._emails[filters["email"]]
            made["candidate_filters"] = filters
        return made


def wanted(account: Account, selection: Settings) -> set[str]:
    """The candidates that a selection takes in now, told without the tap's code."""
    filters = dict(selection.get("candidate_filters") or {})
    filters["tag_ids"] = frozenset(filters.pop("tag_ids", ()))
    openings = selection.get("job_opening_ids")
    start = selection.get("start_date")
    with account.lock:
        found = set()
        for key in account.find(Filters(**filters)):
            row = account.row(key.id)
            started = datetime.fromisoformat(row["started_at"]).replace(tzinfo=UTC)
            if openings is not None and row["job_opening_id"] not in openings:
                continue
            if start is not None and started < moment(start):
                continue
            found.add(key.id)
        return found


def moment(text: str) -> datetime:
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def part(rows: dict[t.Any, t.Any], ids: set[str]) -> dict[Key, t.Any]:
    """The rows of some candidates."""
    return {
        key: row
        for key, row in rows.items()
        if (key[0] if isinstance(key, tuple) else key) in ids
    }


def play(
    line: Pipeline, steps: list[tuple[Settings, int, bool]], rng: random.Random
) -> None:
    names = Names(line.account)
    held: set[str] = set()
    deleted: set[str] = set()
    buried: Counter[tuple[str, Key]] = Counter()
    before: tuple[Settings, set[str]] = ({}, set())
    for drawn, count, is_quiet in [({}, 0, False), *steps, ({}, 0, True)]:
        selection = names.settings(drawn)
        done = line.happen(rng, count, KINDS) if count else []
        deleted |= {key for kind, key in done if kind == "delete"}
        ids = line.view = wanted(line.account, selection)
        outcome = line.run(**selection)
        held |= ids
        rows = truth(line.account)
        for stream in UPSERTED:
            target = line.target
            assert part(target.alive(stream), ids) == part(rows[stream], ids), stream
            assert set(outcome.emitted(stream)) <= ids
            assert set(outcome.buried(stream)) <= deleted & held
            buried.update((stream, _key(row)) for row in outcome.tombstones(stream))
        assert not buried or max(buried.values()) == 1
        if before[0] == selection:
            gone = before[1] & deleted
            assert gone <= set(line.target.deleted(CANDIDATES))
        if not selection:
            line.assert_true(UPSERTED)
            assert set(line.target.deleted(CANDIDATES)) == held & deleted
        before = (selection, ids)
        if is_quiet:
            line.run(**selection)  # which may look once more at those outside
            quiet = line.run(**selection)
            assert not any(quiet.records(stream) for stream in FAMILY)
            assert not quiet.details


def _key(row: dict[str, t.Any]) -> Key:
    return (who(row), row["position"]) if "position" in row else who(row)


STEPS = given(
    steps=st.lists(
        st.tuples(SELECTIONS, st.integers(0, 8), st.booleans()), min_size=1, max_size=6
    ),
    page_size=st.integers(2, 50),
    concurrency=st.integers(1, 8),
    seed=st.integers(0, 2**32 - 1),
)
TUNED = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


@settings(TUNED, max_examples=8)
@STEPS
def test_selections_that_change(
    steps: list[tuple[Settings, int, bool]],
    page_size: int,
    concurrency: int,
    seed: int,
) -> None:
    with pipeline(
        account(50), page_size=page_size, max_concurrency=concurrency
    ) as line:
        play(line, steps, random.Random(seed))


def parameters(account: Account) -> dict[str, Settings]:
    """A filter for each parameter of the API, which some match and some do not."""
    tagged = next(d for d in truth(account)[DETAILS].values() if d["tag_ids"])
    placed = next(r for r in account.list_rows() if r["category_id"])
    return {
        "category_id": {"category_id": placed["category_id"]},
        "tag_ids": {"tag_ids": tagged["tag_ids"]},
        "hire_state": {"hire_state": "rejected"},
        "min_score": {"min_score": 50},
        "max_score": {"max_score": 50},
        "min_rating": {"min_rating": 2},
        "max_rating": {"max_rating": 1},
        "email": {"email": placed["email"]},
    }


@pytest.mark.parametrize("name", list(parameters(account(50))))
def test_each_filter_leaves_nobody_for_dead(name: str) -> None:
    with pipeline(account(50)) as line:
        line.run()
        filters = parameters(line.account)[name]
        inside = wanted(line.account, {"candidate_filters": filters})
        outside = set(line.account.listed_ids()) - inside
        assert inside
        assert outside
        narrowed = line.run(candidate_filters=filters)
        assert not any(narrowed.records(stream) for stream in FAMILY)
        assert not narrowed.details
        dead = {min(inside), min(outside)}
        for one in dead:
            line.account.delete(one)
        assert line.run(candidate_filters=filters).buried(CANDIDATES) == [min(inside)]
        assert line.run().buried(CANDIDATES) == [min(outside)]
        line.assert_true()


@pytest.mark.parametrize("narrowing", NARROWING)
def test_first_runs_that_are_narrow_and_then_wide(narrowing: str) -> None:
    with pipeline(account(50), page_size=10) as line:
        selection: Settings = {
            "start_date": DATES[1],
            "job_opening_ids": [line.account.openings()[0]["id"]],
            "candidate_filters": {"hire_state": "rejected"},
        }
        ids = wanted(line.account, {narrowing: selection[narrowing]})
        first = line.run(**{narrowing: selection[narrowing]})
        assert set(first.emitted(CANDIDATES)) == set(first.details) == ids
        assert 0 < len(ids) < 50
        second = line.run()
        assert set(second.details) == set(line.account.listed_ids()) - ids
        line.assert_true()


def test_who_drifts_out_of_a_filter_is_not_asked_for_in_each_run() -> None:
    filters = {"hire_state": "possible-hire"}
    with pipeline(account(50)) as line:
        line.run(candidate_filters=filters)
        drifted = sorted(wanted(line.account, {"candidate_filters": filters}))[:3]
        for one in drifted:
            line.account.set_hire_state(one, "rejected")
        for number in range(6):
            outcome = line.run(candidate_filters=filters)
            assert not any(outcome.records(stream) for stream in FAMILY)
            assert number < 2 or not outcome.details
        # One comes back as it was, one with other stars, and one stays away.
        line.account.set_hire_state(drifted[0], "possible-hire")
        line.account.set_hire_state(drifted[1], "possible-hire")
        stars = line.account.row(drifted[1])["rating"]
        line.account.rate(drifted[1], (stars + 1) % 4)
        assert line.run(candidate_filters=filters).emitted(CANDIDATES) == [drifted[1]]
        line.account.delete(drifted[0])
        assert line.run(candidate_filters=filters).buried(CANDIDATES) == [drifted[0]]
        line.run()
        line.assert_true()


def test_a_new_key_of_the_same_workspace_is_no_other_selection() -> None:
    filters = {"max_rating": 2}
    with pipeline(account(50)) as line:
        line.run(candidate_filters=filters)
        gone = min(wanted(line.account, {"candidate_filters": filters}))
        line.account.delete(gone)
        with Sandbox(line.account, api_key="another-key") as box:
            line.sandbox = box
            line.config |= {"api_key": box.api_key, "api_url": box.url}
            outcome = line.run(candidate_filters=filters)
        assert outcome.buried(CANDIDATES) == [gone]


# What a start date saves


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_start_date_reads_little_more_than_what_it_wants(concurrency: int) -> None:
    size = 10
    with pipeline(account(300), page_size=size, max_concurrency=concurrency) as line:
        selection = {"start_date": DATES[2]}
        ids = wanted(line.account, selection)
        assert 4 * size < len(ids) < 120
        memberships = Counter(
            tag
            for key, row in truth(line.account)[DETAILS].items()
            for tag in row["tag_ids"]
            if key in ids
        )
        for number in range(3):
            outcome = line.run(**selection)
            assert len(outcome.details) == (0 if number else len(ids))
            assert len(outcome.pages) <= math.ceil(len(ids) / size) + 1
            of_tags = [r for r in outcome.requests if "tag_ids" in r.query]
            assert len(of_tags) <= sum(
                math.ceil(count / size) + 1 for count in memberships.values()
            )
        # Who starts before everybody wanted, and submits now, is not wanted.
        line.account.add_candidate(started_at="2025-01-07T00:00:00")
        late = line.account.add_candidate(started_at="2025-05-15T00:00:00")
        assert line.run(**selection).emitted(CANDIDATES) == [late]
        gone = min(ids)
        line.account.delete(gone)
        assert line.run(**selection).buried(CANDIDATES) == [gone]


def test_a_start_date_that_moves_on_with_each_run() -> None:
    """The state keeps no list of all that were."""
    with pipeline(account(30)) as line:
        for day in range(1, 9):
            line.run(start_date=f"2025-01-0{day}")
        bookmark = line.run(start_date="2025-01-08").states[-1]["bookmarks"][CANDIDATES]
        selections = bookmark["digests"]["selections"]
        assert [one["start_date"][:10] for one in selections] == [
            *("2025-01-08", "2025-01-01"),
        ]


def test_a_start_date_takes_offsets_and_fractions_for_what_they_are() -> None:
    with pipeline(Account()) as line:
        opening = line.account.add_opening()
        early, same, late = (
            line.account.add_candidate(opening, started)
            for started in (
                "2025-03-01T09:59:59.999999",
                "2025-03-01T10:00:00",
                "2025-03-01T10:00:00.000001",
            )
        )
        outcome = line.run(start_date="2025-03-01T12:00:00+02:00")
        assert set(outcome.emitted(CANDIDATES)) == {same, late}
        assert set(line.run().emitted(CANDIDATES)) == {early}
