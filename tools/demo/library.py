"""The questions of the invented team: content, difficulty and discrimination."""

from __future__ import annotations

from typing import NamedTuple


class Item(NamedTuple):
    """A question with the parameters of its item-response model."""

    kind: str
    content: str
    difficulty: float
    """The ability, in standard deviations, at which half of the candidates succeed."""
    discrimination: float
    """How steeply success rises with ability."""
    options: tuple[str, ...] = ()
    right: int = 1
    """How many of the first options are right."""
    has_wrong_key: bool = False
    """The second option is marked as the right one."""


ONE, SOME, TEXT, CODE = "single-choice", "multiple-choice", "text", "code"

LIBRARY: dict[str, tuple[Item, ...]] = {
    "SQL": (
        Item(
            ONE,
            "What does `SELECT 1 WHERE NULL = NULL` return?",
            *(0.3, 1.5),
            ("no rows", "one row", "`NULL`", "an error"),
        ),
        Item(
            ONE,
            "Which join keeps rows of the left table that have no match?",
            *(-0.9, 1.4),
            ("`LEFT JOIN`", "`INNER JOIN`", "`CROSS JOIN`"),
        ),
        Item(
            ONE,
            "What does `COUNT(column)` count?",
            *(-0.2, 1.7),
            ("rows where the column is not null", "all rows", "distinct values"),
            has_wrong_key=True,
        ),
        Item(
            SOME,
            "Which of these may use an index on `(city, name)`?",
            *(0.7, 1.3),
            ("`WHERE city = 'Tallinn'`", "`ORDER BY city, name`", "`WHERE name = 'A'`"),
            2,
        ),
        Item(
            TEXT,
            "Explain in your own words when an index makes a query *slower*.",
            *(0.2, 1.6),
        ),
        Item(
            CODE,
            "Fix the query:\n\n```sql\nSELECT name, MAX(score) FROM results;\n```",
            *(-0.3, 1.5),
        ),
    ),
    "Python": (
        Item(
            ONE,
            "What does `[1, 2, 3][-1]` return?",
            *(-1.4, 1.2),
            ("`3`", "`1`", "an `IndexError`"),
        ),
        Item(
            ONE,
            "Which of these is hashable?",
            *(0.1, 1.6),
            ("`(1, 2)`", "`[1, 2]`", "`{1: 2}`", "`{1, 2}`"),
        ),
        Item(
            SOME,
            "Which of these create a generator?",
            *(0.8, 1.5),
            ("`(x for x in y)`", "a function with `yield`", "`[x for x in y]`"),
            2,
        ),
        Item(
            CODE,
            "What is wrong here?\n\n```python\ndef add(item, items=[]):\n"
            "    items.append(item)\n    return items\n```",
            *(0.2, 1.8),
        ),
        Item(
            ONE,
            "Which tool do you like best?",
            *(0.4, 0.1),
            ("ruff", "pylint", "flake8", "none of them"),
        ),
    ),
    "JavaScript": (
        Item(
            ONE,
            "What is `typeof null`?",
            *(-0.4, 1.3),
            ('`"object"`', '`"null"`', '`"undefined"`'),
        ),
        Item(
            ONE,
            "What does `[10, 9, 1].sort()` return?",
            *(0.6, 1.7),
            ("`[1, 10, 9]`", "`[1, 9, 10]`", "`[10, 9, 1]`"),
        ),
        Item(
            SOME,
            "Which of these run after the current task?",
            *(0.9, 1.4),
            ("`Promise.then`", "`queueMicrotask`", "`Array.map`", "`JSON.parse`"),
            2,
        ),
        Item(
            CODE,
            "Write `debounce(fn, ms)`.",
            *(0.5, 1.9),
        ),
        Item(
            TEXT,
            "When would you *not* use a framework?",
            *(-0.1, 1.2),
        ),
    ),
    "Testing": (
        Item(
            ONE,
            "A test fails once in fifty runs. What comes first?",
            *(-0.5, 1.2),
            ("reproduce it", "run it again", "delete it", "raise the time-out"),
        ),
        Item(
            SOME,
            "Which values belong to a boundary test of 1 to 100?",
            *(-0.2, 1.5),
            ("0 and 1", "100 and 101", "50", "42"),
            2,
        ),
        Item(
            ONE,
            "What does statement coverage of 100 % prove?",
            *(0.5, 1.6),
            ("that each statement ran", "that there is no bug", "that tests are good"),
        ),
        Item(
            TEXT,
            "Describe the last bug that you are proud of having found.",
            *(0.0, 1.4),
        ),
        Item(
            ONE,
            "A report says “it does not work”. What do you ask for?",
            *(-1.0, 1.3),
            ("steps to reproduce it", "a screenshot", "the vendor of the browser"),
        ),
    ),
    "Communication": (
        Item(
            ONE,
            "A customer is angry about a bug that is fixed. What comes first?",
            *(-0.9, 1.3),
            ("an apology", "a link to the changelog", "a discount"),
        ),
        Item(
            ONE,
            "Which subject line is best?",
            *(-0.3, 1.2),
            ("“Your export failed: what to do”", "“Important!!!”", "“Re: Re: Fwd:”"),
        ),
        Item(
            TEXT,
            "Decline a refund in three *friendly* sentences.",
            *(-0.4, 1.6),
        ),
        Item(
            TEXT,
            "Explain what an API is to the owner of a bakery. 🥐",
            *(0.1, 1.5),
        ),
        Item(
            SOME,
            "What belongs in a hand-over?",
            *(0.2, 1.4),
            ("what was promised", "what was tried", "who is to blame"),
            2,
        ),
    ),
    "Logic": (
        Item(
            ONE,
            "All tests are green. Some greens are bright. Are some tests bright?",
            *(0.8, 1.2),
            ("not necessarily", "yes", "no"),
        ),
        Item(
            ONE,
            "What comes next: 2, 6, 12, 20, …?",
            *(-0.3, 1.6),
            ("30", "28", "32", "24"),
        ),
        Item(
            ONE,
            "Three of five people speak Estonian, four speak Finnish. Both: at least?",
            *(0.3, 1.7),
            ("2", "1", "3", "4"),
        ),
    ),
}
"""By skill."""
