"""The page tells what the models hold, and nothing of single candidates."""

from __future__ import annotations

import json
import random
import re
import time
import typing as t
from collections import defaultdict
from datetime import timedelta
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
import yaml  # type: ignore[import-untyped]
from toggl_hire_report.__main__ import main
from toggl_hire_report.page import render
from toggl_hire_report.warehouse import connect

from analytics.tests.dbt.expected import Look, Looks, model
from sandbox import Account, Sandbox
from sandbox.changes import CANDIDATE
from tests.runs.pipelines import Pipeline

MODELS = Path(__file__).parents[2] / "dbt/models/marts"
Row = dict[str, t.Any]
Table = list[dict[str, str]]


class Tables(HTMLParser):
    """The tables of a page, by the heading above them, and its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = defaultdict(list)
        self.attributes: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self._heading = self._tag = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag == "h2":
            self._heading = ""
        elif tag == "tr":
            self.tables[self._heading].append([])

    def handle_data(self, data: str) -> None:
        if self._tag == "h2":
            self._heading += data.strip()
        elif self._tag in {"td", "th"} and data.strip():
            self.tables[self._heading][-1].append(data)

    def table(self, heading: str) -> Table:
        """The rows of a table."""
        names, *rows = self.tables[heading]
        return [dict(zip(names, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def story() -> tuple[Account, Looks]:
    """Half a year of runs."""
    rng = random.Random(5)
    account = Account.example(candidates=250, in_progress=10, seed=5, openings=2)
    looks = []
    with Sandbox(account) as sandbox:
        line = Pipeline(sandbox)
        line.interval = timedelta(days=10)
        for _ in range(12):
            line.happen(rng, 40, tuple(CANDIDATE))
            looks.append(Look.now(account, line.clock))
            line.clock += line.interval
    return account, Looks(looks)


@pytest.fixture(scope="module")
def models(
    story: tuple[Account, Looks], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The models of the story in a file of DuckDB."""
    path = tmp_path_factory.mktemp("models") / "models.duckdb"
    fill(path, lambda name: model(name, story[1]))
    return path


def fill(path: Path, rows: t.Callable[[str], list[Row]]) -> None:
    """Make the tables that the contracts tell of, with rows of one workspace."""
    lines = path.with_suffix(".jsonl")
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema toggl_hire_marts; use toggl_hire_marts")
        for file in sorted(MODELS.glob("*.yml")):
            for made in yaml.safe_load(file.read_text("utf-8")).get("models", ()):
                name = made["name"]
                types = {c["name"]: c["data_type"] for c in made["columns"]}
                lines.write_text(
                    "".join(
                        json.dumps({"workspace": "toggl_hire", **row}, default=plain)
                        + "\n"
                        for row in rows(name)
                    )
                )
                connection.execute(
                    f"create table {name} as from read_json('{lines}', "
                    f"format = 'newline_delimited', columns = {types})"
                )


def plain(value: object) -> str | float:
    """What JSON does not know."""
    return float(value) if isinstance(value, Fraction) else str(value)


def page_of(path: Path) -> str:
    with connect("toggl_hire_marts", str(path)) as warehouse:
        return render(warehouse)


@pytest.fixture(scope="module")
def page(models: Path) -> str:
    return page_of(models)


def test_its_numbers_are_those_of_the_models(
    page: str, story: tuple[Account, Looks]
) -> None:
    looks = story[1]
    tables = Tables(page)
    openings = {row["job_opening_id"]: row for row in model("openings_enhanced", looks)}
    scored = {row["scored"] for row in openings.values()}
    scores = tables.table("How they score")
    assert {int(row["Candidates"]) for row in scores} == scored
    for row in scores:
        (opening,) = [
            one
            for one in openings.values()
            if one["scored"] == int(row["Candidates"])
            and round(one["median_score"], 1) == float(row["Median"])
        ]
        for label, column in (("20-40 %", "from_20"), ("40-60 %", "from_40")):
            assert row[label] in {"-", str(opening[f"scored_{column}"])}

    reached: dict[t.Any, int] = defaultdict(int)
    for step in model("funnel", looks):
        key = step["job_opening_id"], step["category_id"]
        reached[key] += step["reached"]
    shown = [int(row["Reached"]) for row in tables.table("Where candidates drop out")]
    assert sorted(shown) == sorted(n for n in reached.values() if n >= 5)

    questions = tables.table("A map of the questions")
    assert sorted(float(row["Discrimination"]) for row in questions) == sorted(
        round(row["discrimination"], 2)
        for row in model("question_analysis", looks)
        if row["shown"] >= 5 and row["discrimination"] is not None
    )
    assert len(tables.table("The 10 questions to look at first")) == 10
    last = max(row["day"] for row in model("pipeline_daily", looks)).isoformat()
    candidates = len(model("candidates_enhanced", looks))
    day = [row for row in tables.table("The pipeline over time") if row["Day"] == last]
    assert sum(int(row["Candidates"]) for row in day) == pytest.approx(
        candidates, abs=30
    )


def test_no_cell_stands_for_few(page: str) -> None:
    counts = {
        "Reached",
        "Went on",
        "Still here",
        "Rejected",
        "Candidates",
        "Finished the test",
        "Possible hires",
        "Undecided",
        "Shown",
        "Stays",
        "below 20 %",
        "20-40 %",
        "40-60 %",
        "60-80 %",
        "80-100 %",
    }
    tables = Tables(page)
    cells = [
        value
        for heading in tables.tables
        for row in tables.table(heading)
        for name, value in row.items()
        if name in counts
    ]
    assert "-" in cells
    assert len(cells) > 100
    assert not {"1", "2", "3", "4"} & set(cells)


def test_nothing_in_it_is_anybody_s(page: str, story: tuple[Account, Looks]) -> None:
    account = story[0]
    candidates = model("candidates_enhanced", story[1])
    secrets = {
        str(row[name])
        for row in candidates
        for name in ("candidate_id", "name", "email", "full_name", "phone", "linkedin")
        if row[name]
    }
    secrets |= {
        line
        for one in account.listed_ids()
        for answer in account.detail(one)["answers"]
        for line in (answer["text_answer"] or "").splitlines()
        if len(line) > 8 and line != "SELECT name"  # which a question has, too
    }
    assert len(secrets) > 500
    assert not [secret for secret in secrets if secret in page]


def test_it_needs_nothing_from_outside(page: str) -> None:
    tables = Tables(page)
    assert "://" not in page
    assert not {"script", "link", "img", "iframe", "image"} & set(tables.tags)
    assert not {"src", "href", "xlink:href"} & {name for name, _ in tables.attributes}
    assert len(page.encode()) < 2_000_000


def test_each_chart_is_told_in_words_and_numbers(page: str) -> None:
    tables = Tables(page)
    charts = tables.tags.count("svg")
    labels = [value for name, value in tables.attributes if name == "aria-label"]
    assert charts == 8
    assert (
        len(
            [
                text
                for text in labels
                if "In numbers" not in text and ": a chart." in text
            ]
        )
        == charts
    )
    assert tables.tags.count("details") == charts
    assert page.count('<svg aria-hidden="true"') == charts


def test_it_adapts_to_phones_and_to_the_dark(page: str) -> None:
    assert 'name="viewport" content="width=device-width' in page
    assert "prefers-color-scheme: dark" in page
    widths = [float(w) for w in re.findall(r'<svg[^>]* width="([\d.]+)"', page)]
    assert max(widths) < 400  # as drawn; a wider page scales it up


def test_the_same_data_make_the_same_page(models: Path, page: str) -> None:
    assert page_of(models) == page


def test_without_candidates_there_is_a_page_too(tmp_path: Path) -> None:
    path = tmp_path / "models.duckdb"
    fill(path, lambda _: [])
    page = page_of(path)
    assert "<svg" not in page
    assert page.count("too few candidates") > 3


def test_the_command_says_where_the_page_is(
    models: Path,
    tmp_path: Path,
    page: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "report.html"
    arguments = ["--duckdb", str(models), "--output", str(output)]
    monkeypatch.setattr("sys.argv", ["toggl-hire-report", *arguments])
    main()
    assert output.read_text("utf-8") == page
    assert capsys.readouterr().out == f"{output}\n"


@pytest.mark.slow
def test_20_000_candidates_take_less_than_ten_seconds(
    story: tuple[Account, Looks], tmp_path: Path
) -> None:
    path = tmp_path / "models.duckdb"
    fill(path, lambda name: model(name, story[1]))
    people = ("candidates_enhanced", "candidate_stages", "skill_scores")
    with duckdb.connect(str(path)) as connection:
        connection.execute("use toggl_hire_marts")
        for name in people:
            connection.execute(
                f"insert into {name} select {name}.* replace "
                f"(candidate_id || '-' || n as candidate_id) "
                f"from {name}, range(80) as copies (n)"
            )
        (count,) = connection.execute(
            "select count(*) from candidates_enhanced"
        ).fetchone() or (0,)
    assert count > 19_000
    started = time.monotonic()
    page_of(path)
    assert time.monotonic() - started < 10
