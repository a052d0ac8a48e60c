"""Targets of the project, tried as `make targets` tries all of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tools.documents.tables import ROOT
from tools.targets.pairings import DUCKDB, PAIRINGS
from tools.targets.trial import alike, trial

if TYPE_CHECKING:
    from tools.local.postgres import Postgres

JSONL = next(pairing for pairing in PAIRINGS if pairing.name == "target-jsonl")
without_duckdb = pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="target-duckdb needs a DuckDB without a wheel"
)


@pytest.mark.pipeline
def test_target_that_only_appends_keeps_deleted_rows(postgres: Postgres) -> None:
    with trial(JSONL, postgres) as trial_of_jsonl:
        result = trial_of_jsonl.run()

    assert result.differences == ()
    assert result.deleted == "key and time remain; **earlier lines stay**"
    assert result.deleted_without_state == "**stays**"


@pytest.mark.slow
@pytest.mark.pipeline
@without_duckdb
@pytest.mark.parametrize("flush_all_streams", [True, False])
def test_no_confirmed_state_is_ahead_of_rows(
    postgres: Postgres,
    flush_all_streams: bool,
) -> None:
    with trial(DUCKDB, postgres) as trial_of_duckdb:
        lost = trial_of_duckdb.rows_behind_state(flush_all_streams=flush_all_streams)
    assert lost == 0


@pytest.mark.parametrize(
    ("shown", "held"),
    [("", ""), ("1", "1"), (1, "1"), (1.5, "1.5"), (True, "True"), (["a"], '["a"]')],
)
def test_value_in_another_form_is_alike(shown: object, held: object) -> None:
    assert alike(shown, held)


@pytest.mark.parametrize(
    ("shown", "held"),
    [("", None), (None, ""), ("1", 1), (True, "False"), (["a"], "a"), ("a\n", "a")],
)
def test_another_value_is_not_alike(shown: object, held: object) -> None:
    assert not alike(shown, held)


def test_document_has_every_target() -> None:
    text = (ROOT / "docs" / "targets.md").read_text("utf-8")
    _, generated, _ = text.split("targets -->\n")
    _head, _line, *rows, _end = generated.splitlines()
    names = [row.split(" | ")[0].removeprefix("| ") for row in rows]
    assert names == [pairing.name for pairing in PAIRINGS]
