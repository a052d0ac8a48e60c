"""Commands of the documents, copied into a folder made from examples/meltano.yml."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Account, Sandbox
from tests.pipeline.warehouse import (
    assert_erased,
    assert_living_rows_match_api,
    duckdb_rows,
    rate_submit_and_delete,
)
from tests.support.documents import ROOT, shell_block, shell_blocks
from tools.local.meltano import CHECKOUT

if TYPE_CHECKING:
    from tests.pipeline.warehouse import PostgresWarehouse, Rows
    from tools.local.meltano import Project

    Catalog = dict[tuple[str, ...], dict[str, Any]]

pytestmark = pytest.mark.pipeline
without_duckdb = pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="target-duckdb needs a DuckDB without a wheel"
)


def run_pipe(folder: Path, sandbox: Sandbox, **settings: object) -> int:
    """Run the documented pipe without Meltano, and return its exit code."""
    config = {"api_key": sandbox.api_key, "api_url": sandbox.url, **settings}
    (folder / "config.json").write_text(json.dumps(config))
    target = CHECKOUT / ".meltano" / "loaders" / "target-jsonl" / "venv" / "bin"
    path = f"{Path(sys.executable).parent}:{target}:{os.environ['PATH']}"
    sandbox.stats.reset()
    done = subprocess.run(
        ["bash", "-euc", shell_block("docs/settings.md", "target-jsonl")],  # noqa: S607
        cwd=folder,
        env={**os.environ, "PATH": path},
        check=False,
    )
    return done.returncode


def selection_commands(purpose: str) -> str:
    """Return the commands of one row in the table of the selection."""
    page = (ROOT / "docs" / "selection.md").read_text("utf-8")
    cell, *_ = re.findall(rf"^\| {purpose} \| (.*?) \|$", page, re.MULTILINE)
    return "\n".join(re.findall(r"`(meltano [^`]+)`", cell))


def catalog(project: Project) -> dict[str, Catalog]:
    """Return the metadata of each stream by its place, as the tap gets it."""
    printed = project.meltano("invoke", "--dump=catalog", "tap-toggl-hire")
    entries = json.loads(printed[printed.index("\n{") :])["streams"]
    return {
        entry["stream"]: {
            tuple(item["breadcrumb"]): item["metadata"] for item in entry["metadata"]
        }
        for entry in entries
    }


def selected(streams: dict[str, Catalog]) -> dict[str, set[str]]:
    """Return the selected columns of each selected stream."""
    return {
        name: {
            place[1]
            for place, mark in marks.items()
            if len(place) == 2
            and (mark.get("selected") or mark["inclusion"] == "automatic")
        }
        for name, marks in streams.items()
        if marks[()]["selected"]
    }


def test_pipe_continues_from_its_last_state(tmp_path: Path, sandbox: Sandbox) -> None:
    account = sandbox.account
    candidates = account.listed_ids()

    assert run_pipe(tmp_path, sandbox, page_size=0) != 0  # before any state
    assert json.loads((tmp_path / "state.json").read_text()) == {}

    assert run_pipe(tmp_path, sandbox) == 0
    assert sandbox.stats.count("candidate") == len(candidates)

    account.rate(candidates[0], 1 + account.row(candidates[0])["rating"] % 3)
    assert run_pipe(tmp_path, sandbox) == 0
    assert sandbox.stats.count("candidate") == 1


def test_each_row_of_the_selection_does_what_it_says(newcomer: Project) -> None:
    everything = selected(catalog(newcomer))
    assert len(everything) == 8

    newcomer.shell(selection_commands("leave out a column"))
    newcomer.shell(selection_commands("emit all records of a stream once more"))
    changed = catalog(newcomer)
    columns = everything["candidates"] - {"email"}
    assert selected(changed) == {**everything, "candidates": columns}
    methods = {
        name: marks[()].get("replication-method") for name, marks in changed.items()
    }
    assert [name for name, method in methods.items() if method == "FULL_TABLE"] == [
        "candidates"
    ]
    assert "[excluded   ] candidates.email" in newcomer.shell(
        selection_commands("see what is selected")
    )

    newcomer.shell(selection_commands("load some streams"))
    assert selected(catalog(newcomer)) == {"candidates": columns}


def test_column_is_left_out_after_meltano_add(project: Project) -> None:
    """The definition says nothing of a selection, so that everything is selected."""
    assert "select:" not in (ROOT / "plugin.yaml").read_text("utf-8")
    file = project.folder / "meltano.yml"
    text, count = re.subn(r'      select:\n +- "\*\.\*"\n', "", file.read_text("utf-8"))
    assert count == 1
    file.write_text(text, "utf-8")
    everything = selected(catalog(project))
    page = (ROOT / "docs" / "selection.md").read_text("utf-8")
    (rule,) = re.findall(r"After `meltano add`, run `([^`]+)` once", page)

    project.shell(rule)
    project.shell(selection_commands("leave out a column"))

    columns = everything["candidates"] - {"email"}
    assert selected(catalog(project)) == {**everything, "candidates": columns}


@pytest.mark.slow
@without_duckdb
def test_duckdb_has_the_same_rows_forgets_and_makes_a_state(
    newcomer: Project, sandbox: Sandbox
) -> None:
    plugins = ("tap-toggl-hire", "target-duckdb")

    def table(stream: str) -> Rows:
        return duckdb_rows(newcomer.folder / "warehouse.duckdb", stream)

    newcomer.run(*plugins)
    cached = newcomer.folder / ".meltano/run/tap-toggl-hire/tap.properties.json"
    older = json.loads(cached.read_text())
    older["streams"].pop()
    cached.write_text(json.dumps(older))
    refresh = selection_commands("get new streams and columns after an upgrade")
    newcomer.shell(refresh.replace("...", " ".join(plugins)))
    assert len(json.loads(cached.read_text())["streams"]) == 8
    assert_living_rows_match_api(table, sandbox.account, empty=None)
    deleted = rate_submit_and_delete(sandbox.account)
    newcomer.meltano("state", "clear", "--force", f"dev:{'-to-'.join(plugins)}")

    printed = newcomer.shell(shell_block("docs/recovery.md", "query_duckdb"))

    assert "1 deleted" in printed
    assert_erased(table, sandbox.account, deleted, empty=None)
    newcomer.shell(shell_block("docs/privacy.md", "query_duckdb", "forget_history"))
    scores = {
        row["score"]
        for row in table("candidate_history").values()
        if row["candidate_id"] == deleted
    }
    assert scores == {None}
    kept = sandbox.account.listed_ids()[0]
    request = shell_block("docs/privacy.md", "query_duckdb", "request.sql")
    newcomer.shell(request.replace("4711", kept))
    printed = (newcomer.folder / "candidate.json").read_text("utf-8")
    assert [row["id"] for row in json.loads(printed)["candidates"]] == [kept]


@pytest.mark.slow
@without_duckdb
def test_tutorial_loads_finds_no_change_and_drops_names(
    newcomer: Project, sandbox: Sandbox
) -> None:
    blocks = shell_blocks("docs/tutorial.md")
    first = next(n for n, block in enumerate(blocks) if "meltano run" in block)

    printed = newcomer.shell("\n".join(blocks[first:]))

    count = len(sandbox.account.listed_ids())
    loads = re.findall(r"(\d+) new, (\d+) changed, 0 deleted", printed)
    assert loads == [(str(count), "0"), ("0", "0"), ("0", str(count))]
    assert printed.splitlines()[-1] == f"{count}\t0\t0"


@pytest.mark.slow
@without_duckdb
def test_readme_loads_a_workspace_and_then_only_what_has_changed(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    set_up = shell_block("README.md", "target-duckdb==").splitlines()
    assert set_up[1].startswith("pip install . ")
    load = shell_block("README.md", "--state state.json")
    target = CHECKOUT / ".meltano" / "loaders" / "target-duckdb" / "venv" / "bin"
    tap = tmp_path / "bin" / "tap-toggl-hire"
    tap.parent.mkdir()
    tap.symlink_to(Path(sys.executable).with_name("tap-toggl-hire"))
    settings = {
        "PATH": f"{target}:{tap.parent}:{os.environ['PATH']}",
        "TAP_TOGGL_HIRE_API_KEY": sandbox.api_key,
        "TAP_TOGGL_HIRE_API_URL": sandbox.url,
    }

    def bash(script: str) -> str:
        done = subprocess.run(
            ["bash", "-euc", script],  # noqa: S607
            cwd=tmp_path,
            env={**os.environ, **settings},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout

    bash("\n".join(line for line in set_up[2:] if "API_KEY" not in line))
    sandbox.stats.reset()
    printed = bash(load)
    assert sandbox.stats.count("candidate") == 60
    states = {row["hire_state"] for row in sandbox.account.list_rows()} - {""}
    assert all(state in printed for state in states)
    sandbox.account.rate(sandbox.account.listed_ids()[0], 1)
    sandbox.account.rate(sandbox.account.listed_ids()[1], 2)
    sandbox.stats.reset()
    bash(load)
    assert 0 < sandbox.stats.count("candidate") <= 2


@pytest.mark.slow
def test_one_command_loads_two_workspaces_into_a_schema_each(
    newcomer: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    shutil.copytree(CHECKOUT / "orchestration", newcomer.folder / "orchestration")
    other = Account.example(candidates=5, seed=8)
    with Sandbox(other, "key-of-lisbon") as lisbon:
        served = {"berlin": sandbox, "lisbon": lisbon}
        workspaces = [
            {
                "name": name,
                "key_variable": f"KEY_OF_{name.upper()}",
                "settings": {"api_url": workspace.url},
            }
            for name, workspace in served.items()
        ]
        file = newcomer.folder / "workspaces.yml"
        file.write_text(json.dumps({"workspaces": workspaces}), "utf-8")
        keys = {f"KEY_OF_{name.upper()}": one.api_key for name, one in served.items()}

        script = shell_block("orchestration/README.md", "python -m orchestration")
        newcomer.shell(script, **keys, **warehouse.settings)

    for name, account in {"berlin": sandbox.account, "lisbon": other}.items():
        rows = warehouse.connection.execute(
            f"select id from toggl_hire_{name}.candidates".encode()
        )
        assert {candidate_id for (candidate_id,) in rows} == set(account.listed_ids())


@pytest.mark.slow
def test_run_that_reaches_its_time_limit_is_continued(
    newcomer: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    block = shell_block("docs/operations.md", "17 * * * *")
    command = block.removeprefix("17 * * * * ")
    command = command.replace("/srv/toggl-hire", str(newcomer.folder))
    assert "TIME_LIMIT_MINUTES=50 " in command
    sandbox.latency = 2  # of 60 candidates, eight at a time

    newcomer.shell(command.replace("=50 ", "=0.2 "), **warehouse.settings)
    newcomer.shell(command, **warehouse.settings)

    assert_living_rows_match_api(warehouse.rows, sandbox.account)
    runs = warehouse.rows("sync_runs").values()
    assert [run["outcome"] for run in runs] == ["stopped", "complete"]
    details = [run["details_read"] for run in runs]
    assert sum(details) == len(sandbox.account.listed_ids())
    assert all(details)
