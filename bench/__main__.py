"""Measure, and print what came out: `python -m bench`."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import sections

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- bench -->\n", "<!-- /bench -->"

TABLES = {
    "first": sections.first_run,
    "later": sections.later_run,
    "rate": sections.rate_limit,
    "memory": sections.memory,
}
PICTURE = "growth"


def main() -> None:
    """Measure the sections that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "sections",
        nargs="*",
        metavar="SECTION",
        help=f"{', '.join((*TABLES, PICTURE))}; all by default",
    )
    parser.add_argument("--candidates", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument(
        "--write", action="store_true", help="put the results into README.md"
    )
    given = parser.parse_args()
    wanted = given.sections or [*TABLES, PICTURE]
    if unknown := set(wanted) - {*TABLES, PICTURE}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if given.write and set(wanted) != {*TABLES, PICTURE}:
        parser.error("--write takes all sections")

    scale = sections.Scale(given.candidates, given.rounds, later=10_000, many=20_000)
    if given.quick:
        scale = sections.Scale(given.candidates // 5, 1, later=2_400, many=4_000)
    results = []
    for name in wanted:
        if name in TABLES:
            table = str(TABLES[name](scale))
            print(table, flush=True)
            results.append(table)
    picture = sections.growth(scale) if PICTURE in wanted else ""
    if given.write:
        _write(results, picture)


def _write(tables: list[str], picture: str) -> None:
    """Put tables between the markers of the README, and the picture beside it."""
    sections.PICTURE.write_text(picture)
    place = sections.PICTURE.relative_to(README.parent).as_posix()
    head, _, rest = README.read_text().partition(BEGIN)
    _, _, tail = rest.partition(END)
    image = f"![How a first run grows]({place})\n"
    README.write_text("\n".join([head + BEGIN, *tables, image]) + "\n" + END + tail)


if __name__ == "__main__":
    main()
