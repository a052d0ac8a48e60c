"""The targets that are tried, with the settings that make them correct."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from tools.targets import readers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tools.targets.readers import Place, Row

Config = dict[str, Any]


class Deviation(NamedTuple):
    """A known change that a target makes to values: a description, and a function."""

    text: str
    change: Callable[[Row], Row]


@dataclass(frozen=True)
class Pairing:
    """The tap with a target.

    Attributes:
        name: Name of the target, preceded by that of a mapper.
        package: Name of its package.
        place: Settings that say where it loads to.
        rows: Function that reads a table; each line of a file is a row.
        settings: Settings that it needs to be right.
        batch: Settings that make it load a few rows at a time.
        activate: Whether it supports ACTIVATE_VERSION.
        deviations: Known changes that it makes to values.
        maps: Stream maps of the mapper between the tap and the target.
        mapped: What the mapper makes of a row.
        executable: Name of its program, if it differs from that of the package.
        requirements: Packages that it needs and does not declare.
    """

    name: str
    package: str
    place: Callable[[Place], Config]
    rows: Callable[[Place, str], list[Row]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    batch: Mapping[str, Any] = field(default_factory=dict)
    activate: bool = False
    deviations: tuple[Deviation, ...] = ()
    maps: Mapping[str, Any] | None = None
    mapped: Callable[[Row], Row] = lambda row: row
    executable: str = ""
    requirements: tuple[str, ...] = ()

    @property
    def program(self) -> str:
        """Return the name of the program."""
        return self.executable or self.package


def values(change: Callable[[Any], Any]) -> Callable[[Row], Row]:
    """Return a function that changes each top-level value of a row."""
    return lambda row: {name: change(value) for name, value in row.items()}


def _with_email_hashed(row: Row) -> Row:
    email = row.get("email")
    hashed = email and hashlib.md5(email.encode()).hexdigest()  # noqa: S324
    return row | {"email": hashed or None} if "email" in row else row


def _escaped(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return value.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def _notation(value: Any) -> Any:
    return str(_exact(value)) if isinstance(value, dict | list) else value


def _exact(value: Any) -> Any:
    """Return a value as the SDK reads it: numbers with a point become decimals."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, list):
        return [_exact(one) for one in value]
    if isinstance(value, dict):
        return {name: _exact(one) for name, one in value.items()}
    return value


EMPTY_IS_NULL = Deviation(
    "empty strings become null", values(lambda value: None if value == "" else value)
)
ESCAPES = Deviation("newlines and tabs become backslash sequences", values(_escaped))
NOTATION = Deviation(
    "objects and lists are written in Python's notation", values(_notation)
)

POSTGRES = "meltanolabs-target-postgres"
METADATA = {"add_record_metadata": True}
QUICK = {"use_copy": True, "validate_records": False}
HASHED = {"email": "md5(email) if email else None"}
SAFE = {"flush_all_streams": True}


def _postgres(name: str, **settings: Any) -> Pairing:
    return Pairing(
        name,
        POSTGRES,
        place=lambda place: {
            "sqlalchemy_url": place.postgres_url,
            "default_target_schema": readers.SCHEMA,
        },
        rows=readers.postgres,
        settings=METADATA | settings,
        batch={"batch_size_rows": 20},
        activate=True,
        executable="target-postgres",
    )


PIPELINEWISE = Pairing(
    "pipelinewise-target-postgres",
    "pipelinewise-target-postgres",
    place=lambda place: {
        **place.postgres_login,
        "default_target_schema": readers.SCHEMA,
    },
    rows=readers.postgres,
    settings={"add_metadata_columns": True, **SAFE},
    batch={"batch_size_rows": 20},
    deviations=(EMPTY_IS_NULL, ESCAPES),
    executable="target-postgres",
)
DUCKDB = Pairing(
    "target-duckdb",
    "target-duckdb",
    place=lambda place: {
        "path": str(place.folder / "warehouse.duckdb"),
        "default_target_schema": readers.SCHEMA,
    },
    rows=readers.duckdb_file,
    requirements=("duckdb<1.3",),
    settings={"add_metadata_columns": True, **SAFE},
    batch={"batch_size_rows": 20},
    deviations=(EMPTY_IS_NULL,),
)
STREAM_BY_STREAM = (PIPELINEWISE, DUCKDB)
"""Targets that by default confirm a STATE when the rows of one stream are loaded."""
PAIRINGS = (
    _postgres(POSTGRES, **QUICK),
    _postgres(POSTGRES, hard_delete=True),
    replace(
        _postgres(f"meltano-map-transform, {POSTGRES}", **QUICK),
        maps=dict.fromkeys(("candidates", "candidate_details"), HASHED),
        mapped=_with_email_hashed,
    ),
    PIPELINEWISE,
    replace(PIPELINEWISE, settings={"hard_delete": True, **SAFE}),
    DUCKDB,
    replace(DUCKDB, settings={**DUCKDB.settings, "hard_delete": True}),
    Pairing(
        "target-jsonl",
        "target-jsonl",
        place=lambda place: {"destination_path": str(place.folder)},
        rows=readers.jsonl,
        settings={"do_timestamp_file": False},
    ),
    Pairing(
        "target-singer-jsonl",
        "target-singer-jsonl",
        place=lambda place: {
            "destination": "local",
            "local": {"folder": str(place.folder)},
        },
        rows=readers.singer_jsonl,
    ),
    Pairing(
        "meltanolabs-target-csv",
        "meltanolabs-target-csv",
        place=lambda place: {"output_path": str(place.folder)},
        rows=readers.csv_files,
        settings={
            **METADATA,
            "file_naming_scheme": "{stream_name}-{timestamp}.csv",
        },
        deviations=(EMPTY_IS_NULL, NOTATION),
        executable="target-csv",
    ),
)
