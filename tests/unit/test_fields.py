"""Fields that are unknown or do not fit: each told once, all counted."""

from __future__ import annotations

import logging

import pytest

from tap_toggl_hire.fields import MOST_NAMES, ODD, FieldLog, plain
from tap_toggl_hire.records import UNFIT, UNKNOWN


@pytest.fixture
def fields() -> FieldLog:
    return FieldLog(logging.getLogger("fields"))


def test_each_trouble_is_told_once_and_counted(
    fields: FieldLog, caplog: pytest.LogCaptureFixture
) -> None:
    report = fields.of("candidates")
    for _ in range(3):
        report("one.two[]", UNKNOWN)
    report("one.two[]", UNFIT)
    fields.of("candidates")("one.two[]", UNKNOWN)
    fields.of("tags")("one.two[]", UNKNOWN)
    assert caplog.messages == [
        f"Field one.two[] of candidates {UNKNOWN}.",
        f"Field one.two[] of candidates {UNFIT}.",
        f"Field one.two[] of tags {UNKNOWN}.",
    ]
    assert fields.unknown == {"candidates.one.two[]": 4, "tags.one.two[]": 1}
    assert fields.unfit == {"candidates.one.two[]": 1}


def test_of_many_names_the_first_are_told(
    fields: FieldLog, caplog: pytest.LogCaptureFixture
) -> None:
    report = fields.of("tags")
    for _ in range(2):
        for number in range(MOST_NAMES + 5):
            report(f"field{number}", UNKNOWN)
        report("field0", UNFIT)
    assert len(caplog.messages) == MOST_NAMES + 2  # two troubles with the others
    assert caplog.messages[MOST_NAMES:] == ["There are more such fields of tags."] * 2
    assert fields.unknown["tags.more"] == 10
    assert sum(fields.unknown.values()) == 2 * (MOST_NAMES + 5)
    assert fields.unfit == {"tags.more": 2}


@pytest.mark.parametrize(
    "name",
    ["a", "_x", "contact_info.phone", "answers[].a-b", "x[][]", "A1." + "b" * 40],
)
def test_a_plain_name_is_told(name: str) -> None:
    assert plain(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "me@example.com", "a b", "a\nb", "1a", "a..b", ".a", "a.", "a[]b"),
        *("\u00fc", "b" * 41, "a.\x1b[31m", "Zo\u00eb", "a\n"),
    ],
)
def test_an_odd_name_is_not_repeated(
    fields: FieldLog, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    assert plain(name) == ODD
    fields.of("tags")(name, UNKNOWN)
    assert caplog.messages == [f"Field {ODD} of tags {UNKNOWN}."]
