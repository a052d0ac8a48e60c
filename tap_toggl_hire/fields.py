"""Fields of the API that no schema declares, or that do not fit: told once, counted.

Their names come from outside, so they are not trusted: one that is no plain word may
be an address, or write a line of the log of its own.
"""

from __future__ import annotations

import re
import typing as t
from collections import Counter

from tap_toggl_hire.records import UNKNOWN

if t.TYPE_CHECKING:
    import logging

    from tap_toggl_hire.records import Report

MOST_NAMES = 20
"""Names of one stream that are told."""
ODD = "with an odd name"
MORE = "more"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}(\[\])*", re.ASCII)


class FieldLog:
    """Counts what is the matter with fields, and warns of each once.

    Attributes:
        unknown: How often unknown fields came, by `stream.field`.
        unfit: How often values did not fit.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self.unknown: Counter[str] = Counter()
        self.unfit: Counter[str] = Counter()
        self._logger = logger
        self._names: dict[str, set[str]] = {}

    def of(self, stream: str) -> Report:
        """Return what is told of the fields of a stream."""
        names = self._names.setdefault(stream, set())

        def report(field: str, trouble: str) -> None:
            name = plain(field)
            is_known = f"{name} {trouble}" in names
            if not is_known and len(names) >= MOST_NAMES:
                name = MORE
                is_known = f"{name} {trouble}" in names
            counter = self.unknown if trouble == UNKNOWN else self.unfit
            counter[f"{stream}.{name}"] += 1
            if is_known:
                return
            names.add(f"{name} {trouble}")
            if name == MORE:
                self._logger.warning("There are more such fields of %s.", stream)
            else:
                self._logger.warning("Field %s of %s %s.", name, stream, trouble)

        return report


def plain(field: str) -> str:
    """Return the name of a field, if each part of it is a plain word."""
    parts = field.split(".")
    return field if all(map(_PLAIN.fullmatch, parts)) else ODD
