"""A world of known truth, its models in a file of DuckDB, and the report of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from toggl_hire_report.__main__ import main

from analytics.tests.dbt.warehouses import InDuckDB
from analytics.tests.dbt.world import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass
class Report:
    """What one run of the command wrote."""

    page: str
    figures: dict[str, Any]
    path: Path


@pytest.fixture(scope="session")
def world() -> World:
    """Eight months of a team; the tap looked from day 45 on."""
    return World(3)


@pytest.fixture(scope="session")
def warehouse(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models of the world."""
    folder = tmp_path_factory.mktemp("models")
    made = InDuckDB(folder)
    made.fill("toggl_hire", world.tables())
    made.build(schemas=["toggl_hire"])
    return folder / "warehouse.duckdb"


@pytest.fixture(scope="session")
def report(
    warehouse: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Report]:
    """Run the command with arguments."""

    def run(*arguments: str) -> Report:
        folder = tmp_path_factory.mktemp("report")
        page, figures = folder / "report.html", folder / "report.json"
        with pytest.MonkeyPatch.context() as patch:
            options = ["--output", str(page), "--json", str(figures)]
            patch.setattr(
                "sys.argv",
                ["toggl-hire-report", "--duckdb", str(warehouse), *options, *arguments],
            )
            main()
        return Report(
            page.read_text("utf-8"), json.loads(figures.read_text("utf-8")), page
        )

    return run


@pytest.fixture(scope="session")
def for_team(report: Callable[..., Report]) -> Report:
    """The page for the team."""
    return report()


@pytest.fixture(scope="session")
def with_names(report: Callable[..., Report]) -> Report:
    """The page that names candidates, with links."""
    return report("--names", "--candidate-link", "https://hire.example.com/{id}")


@pytest.fixture(scope="session")
def with_long_names(
    report: Callable[..., Report],
    warehouse: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Report:
    """A page on which openings, steps and candidates have long names."""
    path = tmp_path_factory.mktemp("long") / "warehouse.duckdb"
    path.write_bytes(warehouse.read_bytes())
    long = "Kraftfahrzeughaftpflichtversicherungssachbearbeiterin"
    with duckdb.connect(str(path)) as connection:
        connection.execute("set search_path = 'toggl_hire_marts_personal'")
        connection.execute(
            "update toggl_hire__candidates set name = $1, email = $1 || '@example.com'",
            [long],
        )
        connection.execute("set search_path = 'toggl_hire_marts'")
        connection.execute(
            "update toggl_hire__openings set job_opening = $1 || job_opening", [long]
        )
        for model in ("funnel", "stage_order"):
            connection.execute(
                f"update toggl_hire__{model} set category = $1 || category", [long]
            )
    return report("--names", "--duckdb", str(path))
