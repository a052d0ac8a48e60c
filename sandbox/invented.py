"""Invented people, questions and answers. None of these people exists."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

EPOCH = datetime(2025, 1, 6, 8)  # noqa: DTZ001 - the API's times have no offset
"""When the history of invented accounts begins; fixed, so only the seed matters."""

_GIVEN = (
    *("Zoë", "Bjørn", "Łucja", "Ömer", "Aoife", "小雨", "Иванка", "María José"),
    *("Testina", "Sandy", "Fictus", "Nemo", "Ŝajna", "ניסיון", "Dummy", "Ngũgĩ"),
)
_FAMILY = (
    *("Mustermann", "Příkladová", "Exemple-Dupont", "O'Sample", "Ejemplo", "例子"),
    *("Beispiel", "Placeholder", "Пример", "Näidis", "Örnek", "von Sandbox"),
)
_PLACES = (
    ("Exampleville", "Gibraltar"),
    ("Ñuñoa Nueva", "Chile"),
    ("Näidisküla", "Estonia"),
    ("Testingen an der Ü", "Germany"),
    ('Placeholder "Bay"', "New Zealand"),
)
_SKILLS = ("Personality", "Python", "SQL", "Data modelling", "Übersetzung")
_ROLES = ("Data Engineer", "JavaScript Developer", "Réceptionniste", "QA & Support")
_STEPS = ("Applied", "Interview", "Offer ✓", "On hold", "Vorgespräch")
_TAGS = ("optimistic", "remote", "très bien", "中文", "has, comma", "night-owl")
_CHOICE_QUESTIONS = (
    "Which one describes **you** better?",
    "What does `SELECT 1 WHERE NULL = NULL` return?",
    "Pick the *stable* sort:\n\n1. heap\n2. merge\n3. quick",
    "Was heißt „schön“ auf Englisch? 🤔",
    "A [link](https://example.com/?a=1&b=2) and a table:\n\n| a | b |\n|---|---|",
)
_OPTIONS = (
    "Done is better than perfect",
    "`NULL`, but *never* `true`",
    "no rows at all",
    "a < b && b > c",
    "“beautiful” — naïvely",
    "none of the above",
)
_TEXT_QUESTIONS = (
    "Explain in *your own words* what an index is — and when it hurts.",
    "Describe your ideal working day.\n\n> Honest answers are fine. 🙂",
)
_CODE_QUESTIONS = (
    "What is wrong here?\n\n```python\ndef f(xs=[]):\n\txs.append(1)\n\treturn xs\n```",
    'Fix the query:\n\n```sql\nSELECT name FROM "people" WHERE id IN (1, 2,);\n```',
)
_TEXTS = (
    "It depends.",
    "",
    'First line\nsecond line\n\n- a list\n- of "things"',
    "Je dirais que c'est déjà très bien; 答案是四十二。",
    "Tabs\tand back\\slashes, 100 % sure 🚀",
)
_CODES = (
    "def f(xs=None):\n    return [*(xs or []), 1]\n",
    "SELECT name\nFROM people\nWHERE id IN (1, 2);",
    "// TODO: ⚠ λ → μ\nconst f = (x) => `${x}`;",
)


def chance(rng: Random, probability: float) -> bool:
    """Return true with a `probability` of 0 to 1."""
    return rng.random() < probability


def stamp(rng: Random, when: datetime) -> str:
    """Return `when` as the API writes times: no offset, 0 to 6 digits of a second."""
    digits = rng.randint(0, 6)
    fraction = f".{when.microsecond:06d}"[: digits + 1] if digits else ""
    return f"{when:%Y-%m-%dT%H:%M:%S}{fraction}"


def some_moment(rng: Random, days: float) -> datetime:
    """Return a time in the `days` that follow `EPOCH`."""
    return EPOCH + timedelta(seconds=rng.uniform(0, days * 86_400))


def opening_name(rng: Random) -> str:
    """Return the name of a job."""
    return f"{rng.choice(('Senior', 'Junior', 'Lead'))} {rng.choice(_ROLES)}"


def category_name(rng: Random) -> str:
    """Return the name of a step of the hiring pipeline."""
    return rng.choice(_STEPS)


def tag_name(rng: Random) -> str:
    """Return the name of a tag."""
    return f"{rng.choice(_TAGS)} {rng.randint(1, 99)}"


def person(rng: Random, candidate_id: str) -> dict[str, Any]:
    """Return `name`, `email`, `profile_url`, `contact_info` of a candidate.

    As the documentation allows: an empty name, no profile URL without GitHub, and
    contact details that are null as a whole or in part, as the form is optional.
    """
    full_name = f"{rng.choice(_GIVEN)} {rng.choice(_FAMILY)}"
    city, country = rng.choice(_PLACES)
    plus = rng.choice(("", "+jobs"))
    contact: dict[str, Any] = {
        "full_name": full_name,
        "contact_email": f"person.{candidate_id}{plus}@example.com",
        "linkedin": f"https://linkedin.example.com/in/person-{candidate_id}",
        "phone": f"+000 555 {rng.randint(0, 9999):04d}",
        "city": city,
        "country": country,
    }
    if chance(rng, 0.15):
        contact[rng.choice(("linkedin", "phone", "city"))] = None
    elif chance(rng, 0.15):
        del contact[rng.choice(("linkedin", "phone", "country"))]
    github = chance(rng, 0.7)
    return {
        "name": full_name if chance(rng, 0.9) else "",
        "email": f"login.{candidate_id}{plus}@example.com",
        "profile_url": f"https://github.example.com/p{candidate_id}"
        if github
        else None,
        "contact_info": None if chance(rng, 0.1) else contact,
    }


def question(rng: Random, new_id: Callable[[], str]) -> dict[str, Any]:
    """Return a question. Its ID is a number if possible; those of options never are.

    Text questions have an empty list of options, code questions no such field.
    """
    kind = rng.choice(("single-choice", "multiple-choice", "text", "code"))
    question_id = new_id()
    fields: dict[str, Any] = {
        "id": int(question_id) if question_id.isdecimal() else question_id,
        "question_type": kind,
        "skill": rng.choice(_SKILLS),
        "content": "",
        "points": rng.randint(1, 5),
    }
    if kind == "text":
        fields |= {"content": rng.choice(_TEXT_QUESTIONS), "options": []}
    elif kind == "code":
        fields["content"] = rng.choice(_CODE_QUESTIONS)
    else:
        contents = rng.sample(_OPTIONS, rng.randint(2, 5))
        right = rng.randint(1, len(contents)) if kind == "multiple-choice" else 1
        options = [
            {"id": new_id(), "content": content, "correct": place < right}
            for place, content in enumerate(contents)
        ]
        rng.shuffle(options)
        fields |= {"content": rng.choice(_CHOICE_QUESTIONS), "options": options}
    return fields


def answer(rng: Random, asked: dict[str, Any]) -> dict[str, Any]:
    """Return an answer: choices are graded at once, texts by hand or not yet."""
    options = asked.get("options") or []
    fields: dict[str, Any] = {"question_id": str(asked["id"]), "text_answer": None}
    if options:
        right = {option["id"] for option in options if option["correct"]}
        chosen = [option["id"] for option in options if option["id"] in right]
        if chance(rng, 0.4):
            chosen = [rng.choice(options)["id"]]
        points = asked["points"] if set(chosen) == right else 0
        return fields | {"points": points, "chosen_option_ids": chosen}
    code = asked["question_type"] == "code"
    return fields | {
        "text_answer": rng.choice(_CODES if code else _TEXTS),
        "points": rng.choice((0, 0, asked["points"], asked["points"] / 2)),
        "chosen_option_ids": None if code else [],
    }


def answers(rng: Random, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return answers to most of the questions, in arbitrary order."""
    answered = [question for question in asked if chance(rng, 0.85)]
    given = [answer(rng, question) for question in answered]
    rng.shuffle(given)
    return given


def finish(rng: Random, started: datetime) -> str:
    """Return when a test that began at `started` was submitted."""
    return stamp(rng, started + timedelta(minutes=rng.uniform(5, 90)))


_signatures = itertools.count(1)


def signed_link(path: str) -> str:
    """Return a temporary link to `path`, another one for each call."""
    return f"https://files.example.com/{path}?signature={next(_signatures)}"
