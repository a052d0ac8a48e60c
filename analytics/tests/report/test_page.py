"""The report of a world of known truth."""

from __future__ import annotations

import re
from collections import defaultdict
from copy import copy
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import fmean, median, quantiles
from time import monotonic
from typing import TYPE_CHECKING

import duckdb
import pytest
from toggl_hire_report.__main__ import main

from analytics.tests.dbt.warehouses import InDuckDB
from analytics.tests.dbt.world import START, STEPS, at
from analytics.tests.marks import needs_dbt
from analytics.tests.report.fields import add_field

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from analytics.tests.dbt.world import Candidate, World
    from analytics.tests.report.conftest import Report

pytestmark = [pytest.mark.pipeline, needs_dbt]


def states(
    world: World, candidate: Candidate
) -> list[tuple[float, tuple[str, str | None]]]:
    """What the looks saw of a candidate."""
    return [(day, candidate.state(day)) for day in world.seen(candidate)]


def counts_between(world: World, first: float, end: float) -> dict[str, int]:
    """What happened from a day on, and before another one."""
    found: dict[str, set[str]] = {
        name: set() for name in ("finished", "moved_on", "rejected", "possible_hires")
    }
    for candidate in world.candidates:
        looks = states(world, candidate)
        if looks and first <= candidate.finished_day < end:
            found["finished"].add(candidate.id)
        places = candidate.opening.categories
        before: tuple[str, str | None] = places[0], None
        for day, state in looks:
            if first <= day < end:
                if places.index(state[0]) > places.index(before[0]):
                    found["moved_on"].add(candidate.id)
                if state[1] == "rejected" != before[1]:
                    found["rejected"].add(candidate.id)
                if state[1] == "possible-hire" != before[1]:
                    found["possible_hires"].add(candidate.id)
            before = state
    return {name: len(candidates) for name, candidates in found.items()}


def test_weeks_that_an_outage_touches_are_not_usual(
    world: World, tmp_path: Path, report: Callable[..., Report]
) -> None:
    """The week after it gets the decisions that were missed."""
    warehouse = InDuckDB(tmp_path)
    outage = copy(world)
    last_monday = world.last_look - at(world.last_look).weekday()
    gap = last_monday - 20, last_monday - 13  # from a Tuesday until a Tuesday
    outage.looks = [day for day in world.looks if not gap[0] < day < gap[1]]
    warehouse.fill("toggl_hire", outage.tables())
    warehouse.build(["toggl_hire"], "--exclude-resource-type", "test")
    path = str(tmp_path / "warehouse.duckdb")
    week = report("--duckdb", path).figures["week"]
    assert week["usual_weeks"] == 2


def test_last_complete_week_comes_first(world: World, for_team: Report) -> None:
    monday = at(world.last_look).replace(hour=0, minute=0)
    monday -= timedelta(days=monday.weekday())
    now = (monday - START) / timedelta(days=1)
    week = for_team.figures["week"]
    assert week["last_day"] == f"{monday - timedelta(days=1):%Y-%m-%d}"
    together = week["openings"]["All"]
    before = [counts_between(world, now - n, now - n + 7) for n in (14, 21, 28, 35)]
    for name, count in counts_between(world, now - 7, now).items():
        assert together[name] == count
        usual = fmean(week_before[name] for week_before in before)
        assert together[f"{name}_usual"] == pytest.approx(usual, abs=0.06)
        openings = (
            of_opening[name]
            for key, of_opening in week["openings"].items()
            if key != "All"
        )
        assert sum(openings) == count
    assert week["so_far"] == counts_between(world, now, now + 7)
    assert for_team.page.count("so far this week") == len(week["so_far"])


def test_on_a_monday_there_is_no_week_so_far(
    world: World, tmp_path: Path, report: Callable[..., Report]
) -> None:
    warehouse = InDuckDB(tmp_path)
    days_since_monday = at(world.last_look).weekday()
    earlier = world.until(world.last_look - days_since_monday)
    warehouse.fill("toggl_hire", earlier.tables())
    warehouse.build(schemas=["toggl_hire"])
    path = str(tmp_path / "warehouse.duckdb")
    week = report("--duckdb", path).figures["week"]
    assert week["last_day"] == f"{at(earlier.last_look) - timedelta(days=1):%Y-%m-%d}"
    assert week["so_far"] is None


def test_median_wait_is_near_the_truth(world: World, for_team: Report) -> None:
    waits = [
        candidate.decided_day - candidate.finished_day
        if candidate.decided_day
        else float("inf")
        for candidate in world.candidates
    ]
    found = for_team.figures["waits"]["All"]
    assert found["median"] == pytest.approx(median(waits), abs=1)
    assert found["low"] < found["median"] < found["high"]
    within = sum(wait <= 7 for wait in waits) / len(waits)
    assert found["within_7"] == pytest.approx(within, abs=0.06)


def test_minutes_are_those_of_the_half_and_of_the_quickest_tenth(
    world: World, for_team: Report
) -> None:
    for opening in world.openings:
        minutes = [
            candidate.minutes
            for candidate in world.living
            if candidate.opening is opening
        ]
        found = for_team.figures["minutes"][opening.name]
        assert found["candidates"] == len(minutes)
        assert found["median"] == median(minutes)
        tenth = quantiles(minutes, n=10, method="inclusive")[0]
        assert found["quickest_tenth"] == pytest.approx(tenth, abs=0.06)


def test_funnel_is_in_order_and_adds_up(for_team: Report) -> None:
    for name, figures in for_team.figures["funnel"].items():
        if name == "All":
            continue
        steps = figures["steps"]
        assert tuple(step["category"] for step in steps[:4]) == STEPS
        for step, following in pairwise(steps):
            assert step["advanced"] == following["reached"]
            rest = step["rejected"] + step["waiting"] + step["erased"]
            assert step["reached"] == step["advanced"] + rest
        finished = sum(month["reached"] for month in figures["months"])
        assert finished == steps[0]["reached"]


def test_closed_openings_come_last(world: World, for_team: Report) -> None:
    closed = next(
        closed_opening.name
        for closed_opening in world.openings
        if closed_opening.closed_day
    )
    names = list(for_team.figures["openings"])
    assert names[-1] == closed


def test_wrong_key_is_the_first_bad_question(world: World, for_team: Report) -> None:
    first = for_team.figures["questions"][0]
    assert (first["question_id"], first["verdict"]) == (world.wrong_key.id, "bad")
    marked, *others = for_team.figures["distractors"]["options"]
    assert marked["is_correct"]
    assert marked["strong"] < marked["weak"]
    assert any(question["strong"] > question["weak"] for question in others)


def waiting(world: World, opening: str) -> dict[str, list[Candidate]]:
    """The candidates of an opening who wait, by step, the longest first."""
    found: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in world.living:
        if candidate.opening.name == opening and states(world, candidate):
            category, hire_state = states(world, candidate)[-1][1]
            if hire_state is None:
                found[STEPS[candidate.opening.categories.index(category)]].append(
                    candidate
                )
    for candidates in found.values():
        candidates.sort(key=lambda candidate: waiting_since(world, candidate))
    return found


def waiting_since(world: World, candidate: Candidate) -> float:
    """The day of the look that saw the last move, or of the end of the test."""
    seen = states(world, candidate)
    last = seen[-1][1]
    place = next(n for n in range(len(seen)) if all(s == last for _, s in seen[n:]))
    return seen[place][0] if place else candidate.finished_day


def test_every_candidate_who_waits_is_there(world: World, for_team: Report) -> None:
    found = {
        of_opening["opening"]: of_opening
        for of_opening in for_team.figures["waiting"]["openings"]
    }
    for opening in world.openings:
        steps = waiting(world, opening.name)
        shown = found[opening.name]["steps"] if opening.name in found else []
        assert {step["category"]: step["waiting"] for step in shown} == {
            category: len(candidates) for category, candidates in steps.items()
        }
        for step in shown:
            waits = [
                world.last_look - waiting_since(world, candidate)
                for candidate in steps[step["category"]]
            ]
            assert step["longest_days"] == pytest.approx(waits[0], abs=0.6)
            beyond = [wait - step["usual_days"] for wait in waits]
            assert step["beyond_usual"] == sum(days > 0 for days in beyond)
            least, most = (
                sum(0 < days <= limit for days in beyond) for limit in (6.99, 7.01)
            )
            assert least <= step["beyond_usual_new"] <= most


def test_those_whose_retention_has_ended_are_counted_and_not_listed(
    world: World, for_team: Report
) -> None:
    for opening in for_team.figures["waiting"]["openings"]:
        steps = waiting(world, opening["opening"])
        for step in opening["steps"]:
            candidates = [
                candidate.id
                for candidate in steps[step["category"]]
                if world.last_look - candidate.finished_day < 180
            ]
            assert [candidate["id"] for candidate in step["longest"]] == candidates[:3]
    ended = [
        candidate
        for candidate in world.living
        if world.last_look - candidate.finished_day > 180
    ]
    last = [states(world, candidate)[-1][1][1] for candidate in ended]
    new = [
        states(world, candidate)[-1][1][1]
        for candidate in ended
        if world.last_look - candidate.finished_day <= 187
    ]
    assert for_team.figures["waiting"]["retention"] == {
        "rejected": last.count("rejected"),
        "rejected_new": new.count("rejected"),
        "undecided": last.count(None),
        "undecided_new": new.count(None),
        "possible_hires": last.count("possible-hire"),
    }


def test_steps_with_somebody_beyond_usual_come_first(for_team: Report) -> None:
    table = for_team.page.partition("Waiting for you")[2].partition("</table>")[0]
    rows = [
        tuple(re.findall(rf'steps\.\d+\.{name}">([\d,-]+)<', row)[0] for name in names)
        for row in re.findall(r"<tr .*?</tr>", table, re.DOTALL)[1:]
        for names in [("beyond_usual", "longest_days")]
    ]
    order = [(not int(beyond), -int(longest)) for beyond, longest in rows]
    assert len(order) > 5
    assert order == sorted(order)


def test_page_names_candidates_only_if_asked(
    report: Callable[..., Report], for_team: Report
) -> None:
    assert "Without names of candidates" in for_team.page
    named = report("--names")
    assert "With names of candidates" in named.page
    for opening in named.figures["waiting"]["openings"]:
        for step in opening["steps"]:
            for candidate in step["longest"]:
                number = candidate["id"]
                assert candidate["name"] == f"Name {number}"
                assert f"Name {number} ({number}@example.com)" in named.page


def test_hashed_names_are_not_shown(
    warehouse: Path, tmp_path: Path, report: Callable[..., Report]
) -> None:
    hashed = tmp_path / "hashed.duckdb"
    hashed.write_bytes(warehouse.read_bytes())
    with duckdb.connect(str(hashed)) as connection:
        connection.execute(
            "update toggl_hire_marts_personal.toggl_hire__candidates "
            "set name = sha256(name), email = null"
        )
    named = report("--names", "--duckdb", str(hashed))
    step = named.figures["waiting"]["openings"][0]["steps"][0]
    assert {candidate["name"] for candidate in step["longest"]} == {None}
    assert f">{step['longest'][0]['id']}</span>, " in named.page


def test_candidates_are_links_if_their_address_is_given(
    report: Callable[..., Report],
) -> None:
    linked = report("--candidate-link", "https://hire.example.com/?a=1&id={id}")
    candidate = linked.figures["waiting"]["openings"][0]["steps"][0]["longest"][0]
    address = f"https://hire.example.com/?a=1&amp;id={candidate['id']}"
    assert f'<a href="{address}"><span' in linked.page


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--candidate-link", "javascript:alert({id})"], "is not an address"),
        (["--candidate-link", "https://x.example/"], "is not an address"),
    ],
)
def test_candidate_link_that_is_no_address_is_rejected(
    arguments: list[str],
    sentence: str,
    report: Callable[..., Report],
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        report(*arguments)
    assert sentence in capsys.readouterr().err


def test_no_name_is_on_the_page(for_team: Report) -> None:
    assert not re.search(r"Name \d|@example|Words of|\+00 ", for_team.page)


def test_one_opening_has_a_page_of_its_own(
    report: Callable[..., Report], for_team: Report
) -> None:
    own = report("--opening", "Opening 1")
    assert list(own.figures["openings"]) == ["Opening 1"]
    assert own.figures["waits"]["Opening 1"] == for_team.figures["waits"]["Opening 1"]
    assert "Opening 0" not in own.page
    assert "<h1>Hiring report: Opening 1</h1>" in own.page


def test_title_has_the_name_that_is_given_and_no_schema(
    report: Callable[..., Report], for_team: Report
) -> None:
    assert "<h1>Hiring report</h1>" in for_team.page
    assert "toggl_hire" not in re.sub(r"data-key=\"[^\"]*\"", "", for_team.page)
    named = report("--title", "Bakery & Sons")
    assert "<h1>Hiring report: Bakery &amp; Sons</h1>" in named.page
    assert named.figures["title"] == "Bakery & Sons"


def test_months_younger_than_the_slowest_tenth_of_waits_are_still_open(
    world: World, for_team: Report
) -> None:
    closed = at(world.last_look) - timedelta(
        days=for_team.figures["waits"]["All"]["slowest_tenth"]
    )
    for month in for_team.figures["funnel"]["All"]["months"]:
        end = date.fromisoformat(f"{month['month']}-01") + timedelta(days=31)
        is_young = end.replace(day=1) > closed.date()
        assert month["is_still_open"] == is_young, month


def test_trend_is_said_only_where_the_intervals_are_apart(for_team: Report) -> None:
    said = set(re.findall(r"(More|Fewer) go on beyond", for_team.page))
    apart = set()
    for name, opening in for_team.figures["funnel"].items():
        if name != "All" and for_team.figures["openings"][name]["is_open"]:
            first = opening["steps"][0]
            if first["recent_low"] > first["before_high"]:
                apart.add("More")
            if first["recent_high"] < first["before_low"]:
                apart.add("Fewer")
    assert said == apart


def test_complete_data_are_one_line(for_team: Report) -> None:
    assert for_team.figures["health"]["problems"] == []
    (section,) = re.findall(
        r"Can these data be trusted\?</h2>(.*?)</section>", for_team.page, re.DOTALL
    )
    assert section.strip().startswith("<p>Yes: the last complete run ended on ")
    assert "<table" not in section


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "update toggl_hire__workspaces set candidates_missing = 3",
            "Candidates that the warehouse lacks: 3.",
        ),
        (
            (
                "delete from toggl_hire__runs where finished_at "
                "between '2025-10-10' and '2025-10-14 12:00'"
            ),
            "No run was complete in the 6.0 days before 2025-10-15 06:05 UTC.",
        ),
        (
            "update toggl_hire__workspaces set last_run_completed_at = '2025-10-26'",
            "The last complete run ended on 2025-10-26 00:00 UTC.",
        ),
        (
            (
                "update toggl_hire_marts_personal.toggl_hire__candidates "
                "set seems_locked = true where candidate_id like '%99'"
            ),
            "Candidates who seem to be locked on the workspace's plan: ",
        ),
    ],
)
def test_what_is_wrong_with_the_data_is_said(
    statement: str,
    problem: str,
    warehouse: Path,
    tmp_path: Path,
    report: Callable[..., Report],
) -> None:
    broken = tmp_path / "broken.duckdb"
    broken.write_bytes(warehouse.read_bytes())
    with duckdb.connect(str(broken)) as connection:
        connection.execute(f"use toggl_hire_marts; {statement}")
    found = report("--duckdb", str(broken))
    (sentence,) = found.figures["health"]["problems"]
    assert sentence.startswith(problem)
    assert f"Not fully. {problem}" in found.page.replace("&#39;", "'")


def test_columns_that_tables_lack_are_a_line_of_data_health(
    warehouse: Path, tmp_path: Path, report: Callable[..., Report]
) -> None:
    path = tmp_path / "columns.duckdb"
    path.write_bytes(warehouse.read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "update toggl_hire_marts.toggl_hire__workspaces "
            "set columns_missing = 'candidates.rating, candidates.score'"
        )
    line = (
        "Columns that the loaded tables lack, so that figures made of them are "
        "unknown: `candidates.rating` and `candidates.score`."
    )
    found = report("--duckdb", str(path))
    assert found.figures["health"]["problems"] == []
    assert f"<li>{line}</li>" in found.page


def test_fields_of_the_api_are_in_data_health(
    warehouse: Path, tmp_path: Path, report: Callable[..., Report]
) -> None:
    """A field that is unknown is no problem; a column that became null is one."""
    path = tmp_path / "fields.duckdb"
    path.write_bytes(warehouse.read_bytes())
    with duckdb.connect(str(path)) as connection:
        add_field(connection, "candidates.rank", "unknown", "2025-10-01")
    unknown = (
        "Fields that the tap does not know, kept in the column `extra` if `pii` is "
        "`keep`: `rank`."
    )
    found = report("--duckdb", str(path))
    assert unknown in found.figures["health"]["notes"]
    assert found.figures["health"]["problems"] == []
    assert f"<li>{unknown}</li>" in found.page
    with duckdb.connect(str(path)) as connection:
        add_field(connection, "candidates.score", "missing", "2025-10-01")
    found = report("--duckdb", str(path))
    assert "Not fully. Null since the API changed: `score`." in found.page
    assert "`score` missing since 1 October 2025" in found.page


def test_period_leaves_out_what_was_before(report: Callable[..., Report]) -> None:
    since = report("--since", "2025-08-01").figures
    assert since["funnel"]["All"]["months"][0]["month"] == "2025-08"


def test_same_data_make_the_same_bytes(
    report: Callable[..., Report], for_team: Report
) -> None:
    again = report()
    assert again.page == for_team.page
    assert again.figures == for_team.figures


def test_page_needs_nothing_from_outside(for_team: Report) -> None:
    assert "://" not in for_team.page
    assert not re.search(r"<(script|link|img|iframe)|\ssrc=", for_team.page)
    assert len(for_team.page.encode()) < 150_000


def test_colours_have_contrast(for_team: Report) -> None:
    """WCAG asks for 3:1 in graphics and 4.5:1 in text, against the card behind them."""

    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
            for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    blocks = re.findall(r":root \{([^}]*--card[^}]*)\}", for_team.page)
    assert len(blocks) == 3  # light, dark, and printed
    for block in blocks:
        colours = dict(re.findall(r"--(\w+): (#\w{6})", block))
        assert colours.keys() >= {"c1", "ink", "quiet"}
        card = luminance(colours["card"])
        for name, colour in colours.items():
            light, dark = sorted((luminance(colour), card), reverse=True)
            ratio = (light + 0.05) / (dark + 0.05)
            if re.fullmatch(r"c\d", name):
                assert ratio >= 3, name
            elif name in {"ink", "quiet"}:
                assert ratio >= 4.5, name


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--duckdb", "{missing}"], "there is no such file"),
        (["--duckdb", "{empty}"], "are not complete"),
        (["--duckdb", "{models}", "--schema", "elsewhere"], "elsewhere and elsewhere_"),
        (["--duckdb", "{models}", "--opening", "Cook"], "Known: Opening 0, Opening 1"),
        (["--duckdb", "{text}"], "cannot be opened"),
        ([], "PostgreSQL cannot be reached"),
    ],
)
def test_errors_are_sentences(
    arguments: list[str],
    sentence: str,
    warehouse: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    duckdb.connect(str(tmp_path / "empty.duckdb")).close()
    (tmp_path / "text").write_text("not a database, but long enough to be read" * 99)
    places = {
        "{missing}": tmp_path / "missing",
        "{empty}": tmp_path / "empty.duckdb",
        "{models}": warehouse,
        "{text}": tmp_path / "text",
    }
    monkeypatch.setenv("TARGET_POSTGRES_HOST", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    given = [str(places.get(argument, argument)) for argument in arguments]
    monkeypatch.setattr("sys.argv", ["toggl-hire-report", *given])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert sentence in str(stopped.value)
    assert len(str(stopped.value)) < 500


def test_without_rows_there_is_a_page_too(
    warehouse: Path, tmp_path: Path, report: Callable[..., Report]
) -> None:
    empty = tmp_path / "empty.duckdb"
    empty.write_bytes(warehouse.read_bytes())
    with duckdb.connect(str(empty)) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() "
            "where schema_name like 'toggl_hire_marts%'"
        ).fetchall()
        for schema, table in tables:
            connection.execute(f"delete from {schema}.{table}")
    page = report("--duckdb", str(empty)).page
    assert "No run of the tap has been loaded yet." in page
    assert "<table" not in page


def test_period_in_the_future_is_empty(report: Callable[..., Report]) -> None:
    assert report("--since", "2100-01-01").figures["waits"]["All"]["median"] is None


@pytest.mark.slow
def test_20_000_candidates_take_less_than_ten_seconds(
    warehouse: Path, tmp_path: Path, report: Callable[..., Report]
) -> None:
    many = tmp_path / "many.duckdb"
    many.write_bytes(warehouse.read_bytes())
    with duckdb.connect(str(many)) as connection:
        connection.execute("use toggl_hire_marts_personal")
        for name in ("candidates", "candidate_stages", "answers", "retention_due"):
            table = f"toggl_hire__{name}"
            connection.execute(f"create table copies as from {table}")
            for _ in range(44):
                connection.execute(f"insert into copies from {table}")
            connection.execute(f"drop table {table}")
            connection.execute(f"alter table copies rename to {table}")
        found = connection.execute("select count(*) from toggl_hire__candidates")
        assert found.fetchall()[0][0] > 20_000
    started = monotonic()
    page = report("--duckdb", str(many)).path
    assert monotonic() - started < 10
    assert page.stat().st_size < 150_000


def test_as_of_is_the_last_look_and_not_the_clock(
    world: World, for_team: Report
) -> None:
    as_of = datetime.fromisoformat(for_team.figures["as_of"]).replace(tzinfo=None)
    assert timedelta() <= as_of - at(world.last_look) < timedelta(minutes=10)
