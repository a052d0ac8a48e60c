"""Run the benchmarks and print the results: `python -m tools.bench`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tools.bench import scale, sections, yardsticks
from tools.bench.picture import Picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tools.bench.table import Table

    Section = Callable[[argparse.Namespace], Iterable[Table | Picture]]

DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"
BEGIN, END = "<!-- bench -->\n", "<!-- /bench -->"


def main() -> None:
    """Run the named sections, or all."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument(
        "sections",
        nargs="*",
        metavar="SECTION",
        help=f"{', '.join(SECTIONS)}; all by default",
    )
    parser.add_argument("--candidates", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, one round")
    parser.add_argument(
        "--million", action="store_true", help="also measure a million candidates"
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="update docs/performance.md",
    )
    given = parser.parse_args()
    if given.quick:
        given.candidates, given.rounds = given.candidates // 5, 1
    wanted = given.sections or list(SECTIONS)
    if unknown := set(wanted) - set(SECTIONS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if given.write and set(wanted) != set(SECTIONS):
        parser.error("--write needs all sections: give no names")

    results = []
    for name in wanted:
        for result in SECTIONS[name](given):
            print(result, flush=True)
            results.append(result)
    if given.write:
        _write(results)


def _single_runs(
    measure: Callable[[sections.Scale], Table | Picture],
) -> Section:
    def section(given: argparse.Namespace) -> Iterable[Table | Picture]:
        later = 2_400 if given.quick else 10_000
        yield measure(sections.Scale(given.candidates, given.rounds, later))

    return section


def _scale(given: argparse.Namespace) -> Iterable[Table | Picture]:
    sizes = scale.QUICK if given.quick else scale.SIZES
    growth = scale.measure([*sizes, scale.MILLION] if given.million else sizes)
    return [*scale.tables(growth), scale.picture(growth)]


def _yardsticks(given: argparse.Namespace) -> Iterable[Table]:
    yield yardsticks.table(turns=given.rounds)


SECTIONS: dict[str, Section] = {
    "first": _single_runs(sections.first_run),
    "later": _single_runs(sections.later_run),
    "rate": _single_runs(sections.rate_limit),
    "growth": _single_runs(sections.growth),
    "scale": _scale,
    "yardsticks": _yardsticks,
}


def _write(results: list[Table | Picture]) -> None:
    """Write the results between the markers of the document, and the pictures."""
    for result in results:
        if isinstance(result, Picture):
            result.write()
    head, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, tail = rest.partition(END)
    DOCUMENT.write_text(
        "\n".join([head + BEGIN, *map(str, results)]) + "\n" + END + tail
    )


if __name__ == "__main__":
    main()
