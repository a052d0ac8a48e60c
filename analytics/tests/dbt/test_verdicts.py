"""Verdicts on questions, over twenty worlds of known truth."""

from __future__ import annotations

from collections import defaultdict
from statistics import correlation, fmean
from typing import TYPE_CHECKING

import pytest

from analytics.tests.dbt.world import World
from analytics.tests.marks import needs_dbt

if TYPE_CHECKING:
    from analytics.tests.dbt.warehouses import Warehouse

pytestmark = [pytest.mark.pipeline, pytest.mark.slow, needs_dbt]
WORLDS = {f"world_{seed}": World(seed) for seed in range(100, 120)}


def test_bad_questions_are_bad_and_good_ones_are_not(in_duckdb: Warehouse) -> None:
    for schema, world in WORLDS.items():
        tables = world.tables()
        # Who finished last was shown the newest version of a question.
        filled = ("candidate_answers", "candidates", "candidate_details")
        in_duckdb.fill(schema, {name: tables[name] for name in filled})
    only = ("--select", "+toggl_hire__questions", "--exclude-resource-type", "test")
    in_duckdb.build(list(WORLDS), *only)
    truths = {schema: discriminations(world) for schema, world in WORLDS.items()}
    verdicts = defaultdict(list)
    poor = 0
    for row in in_duckdb.rows("toggl_hire__questions"):
        schema, question_id = row["workspace"], row["question_id"]
        truth = truths[schema][question_id]
        poor += truth <= 0.2
        if row["verdict"] == "good" and truth <= 0.2:
            # A few hundred answers of a crowd may say 0.19 of a truth of 0.23.
            truth = discriminations(WORLDS[schema], crowd=30_000)[question_id]
        verdicts[row["verdict"]].append(truth)
    bad, good = verdicts["bad"], verdicts["good"]
    assert len(bad) >= len(WORLDS)
    assert len(good) >= 10 * len(WORLDS)
    assert sum(truth < 0.2 for truth in bad) >= 0.8 * len(bad)
    # Good takes 2.576 deviations: chance calls one in 200 good that is not above 0.2.
    assert sum(truth <= 0.2 for truth in good) <= 0.005 * poor
    wrong = {
        (row["workspace"], row["verdict"])
        for row in in_duckdb.rows("toggl_hire__questions")
        if row["question_id"] == WORLDS[row["workspace"]].wrong_key.id
        and row["shown"] >= 150
    }
    assert wrong
    assert {verdict for _, verdict in wrong} == {"bad"}


def discriminations(world: World, crowd: int = 3000) -> dict[str, float]:
    """What discriminations would be with very many candidates."""
    pairs: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for one in world.crowd(crowd):
        for answer in one.answers:
            fixed = answer.question.fixed_on_day
            if fixed and one.finished_day < fixed:
                continue
            rest = (sum(a.points for a in one.answers) - answer.points) / (
                one.possible - answer.question.points
            )
            share = answer.points / answer.question.points
            pairs[answer.question.id][one.opening.id].append((share, rest))
    found = {}
    for question_id, by_opening in pairs.items():
        xs: list[float] = []
        ys: list[float] = []
        for group in by_opening.values():
            mean_x, mean_y = (fmean(side) for side in zip(*group, strict=True))
            xs += [x - mean_x for x, _ in group]
            ys += [y - mean_y for _, y in group]
        found[question_id] = correlation(xs, ys)
    return found
