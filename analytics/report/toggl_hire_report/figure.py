"""A value of `--json`, as the page shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UNKNOWN = "-"


class Figure:
    """A value that knows its key, so that each number on the page carries it.

    Args:
        value: of the figures.
        key: the names that lead to it.
    """

    def __init__(self, value: Any, key: tuple[str | int, ...] = ()) -> None:
        self.value = value
        self._key = key

    def __getitem__(self, name: str | int) -> Figure:
        """Return a value of an object or a list."""
        return Figure(self.value[name], (*self._key, name))

    def __iter__(self) -> Iterator[Figure]:
        """Return the values of a list."""
        return (self[place] for place in range(len(self.value)))

    def shown(self, form: Callable[[Any], str] = str) -> Markup:
        """The value with its key."""
        text = UNKNOWN if self.value is None else form(self.value)
        key = ".".join(map(str, self._key))
        return Markup('<span data-key="{}">{}</span>').format(key, text)

    def count(self) -> Markup:
        """A count of candidates or answers."""
        return self.shown(whole)

    def estimate(self, name: str, form: Callable[[Any], str]) -> Markup:
        """A value of this object with its interval, where there is one."""
        value = self[name].shown(form)
        if self.value["low"] is None and self.value["high"] is None:
            return value
        low, high = self["low"].shown(form), self["high"].shown(form)
        return Markup("{} ({} to {})").format(value, low, high)


def number(value: float) -> str:
    """A number with a decimal where it has one."""
    return f"{value:,.1f}".removesuffix(".0")


def whole(value: float | str) -> str:
    """A count, or a text as it is."""
    return value if isinstance(value, str) else f"{value:,}"


def percent(share: float) -> str:
    """A share in whole percent."""
    return f"{100 * share:.0f}"


def signed(value: float) -> str:
    """A coefficient."""
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")
