"""Try targets, and print or write the tables of `docs/targets.md`.

`make targets` runs `python -m tools.targets [NAME ...] [--write]`. Targets that are not
installed yet are installed into `.targets`.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from tools.documents.tables import ROOT, replace, table
from tools.local.postgres import Postgres
from tools.targets.pairings import PAIRINGS, STREAM_BY_STREAM
from tools.targets.trial import trial

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tools.targets.pairings import Pairing
    from tools.targets.trial import Findings

DOCUMENT = ROOT / "docs" / "targets.md"
HEAD = (
    *("target", "version", "settings", "ACTIVATE_VERSION", "a deleted candidate"),
    *("deleted while the state was lost", "other differences"),
)
STATE_HEAD = ("target", "`flush_all_streams: false`", "`flush_all_streams: true`")


def main() -> None:
    """Try the named targets, or all."""
    parser = argparse.ArgumentParser(prog="python -m tools.targets")
    parser.add_argument("names", nargs="*", metavar="NAME", help="all by default")
    parser.add_argument("--write", action="store_true", help="update docs/targets.md")
    given = parser.parse_args()
    if given.names and given.write:
        parser.error("--write needs all targets: give no names")
    chosen = [
        pairing
        for pairing in PAIRINGS
        if not given.names or any(name in pairing.name for name in given.names)
    ]

    with Postgres() as postgres:
        findings = [(one, _findings(one, postgres)) for one in chosen]
        states = [
            _state_row(one, postgres) for one in STREAM_BY_STREAM if one in chosen
        ]
    tables = {
        "targets": table(HEAD, [_row(*one) for one in findings]),
        "states": table(STATE_HEAD, states),
    }
    text = DOCUMENT.read_text("utf-8")
    for marker, content in tables.items():
        print(content)  # noqa: T201
        text = replace(text, marker, content)
    if given.write:
        DOCUMENT.write_text(text, "utf-8")
    sys.exit("\n".join(_unexpected(findings)) or 0)


def _findings(pairing: Pairing, postgres: Postgres) -> Findings:
    print(f"{pairing.name} ...", file=sys.stderr)  # noqa: T201
    with trial(pairing, postgres) as one:
        return one.run()


def _row(pairing: Pairing, found: Findings) -> tuple[str, ...]:
    settings = ", ".join(
        f"`{name}: {json.dumps(value)}`" for name, value in pairing.settings.items()
    )
    deviations = "; ".join(one.text for one in pairing.deviations)
    deleted = (found.deleted, found.deleted_without_state)
    return (
        *(pairing.name, found.version, settings, found.activation, *deleted),
        deviations,
    )


def _state_row(pairing: Pairing, postgres: Postgres) -> tuple[str, ...]:
    """Return what a killed load loses, without and with `flush_all_streams`."""
    cells = []
    for value in (False, True):
        with trial(pairing, postgres) as one:
            lost = one.rows_behind_state(flush_all_streams=value)
        cells.append("**ahead of rows**" if lost else "behind the rows")
    return (pairing.name, *cells)


def _unexpected(findings: Iterable[tuple[Pairing, Findings]]) -> list[str]:
    """Return the differences that `pairings` does not list."""
    return sorted(
        f"{pairing.name}: {difference}"
        for pairing, found in findings
        for difference in set(found.differences)
    )


if __name__ == "__main__":
    main()
