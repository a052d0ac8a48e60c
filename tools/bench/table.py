"""Tables in Markdown."""

from __future__ import annotations


class Table:
    """Figures, with ratios below them.

    Args:
        title: Header of the first column: what all rows have in common.
        *columns: Headers of the other columns.
    """

    def __init__(self, title: str, *columns: str) -> None:
        self._head = (title, *columns)
        self._rows: list[tuple[str, ...]] = []
        self._ratios: list[str] = []

    def add(self, name: str, *values: str) -> None:
        """Add a row."""
        self._rows.append((name, *values))

    def ratio(self, what: str, ratio: float, yardstick: str) -> None:
        """Add a ratio."""
        self._ratios.append(f"- {what}: **{ratio:.2f}** of {yardstick}")

    def __str__(self) -> str:
        rule = ("---", *["---:"] * (len(self._head) - 1))
        lines = [self._head, rule, *self._rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return "\n".join([text, "", *self._ratios]).rstrip() + "\n"
