"""Random changes to an account, for tests that play histories."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from sandbox.account import Account

    Change = Callable[[Account, Random], str | None]


def _someone(account: Account, rng: Random) -> str | None:
    ids = account.listed_ids()
    return rng.choice(ids) if ids else None


def _add(account: Account, _: Random) -> str:
    return account.add_candidate()


def _submit(account: Account, rng: Random) -> str | None:
    waiting = account.in_progress_ids()
    if not waiting:
        return None
    candidate_id = rng.choice(waiting)
    account.submit(candidate_id)
    return candidate_id


def _grade(account: Account, rng: Random) -> str | None:
    candidate_id = _someone(account, rng)
    if candidate_id is None:
        return None
    detail = account.detail(candidate_id)
    points = {answer["question_id"]: answer["points"] for answer in detail["answers"]}
    places = [
        (position, grade)
        for position, question in enumerate(detail["questions"])
        for grade in (0, question["points"] / 2, question["points"])
        if points.get(str(question["id"]), grade) != grade
    ]
    if not places:
        return None
    account.grade(candidate_id, *rng.choice(places))
    return candidate_id


def _set(name: str, values: tuple[object, ...]) -> Change:
    def change(account: Account, rng: Random) -> str | None:
        candidate_id = _someone(account, rng)
        if candidate_id is not None:
            now = account.row(candidate_id)[name]
            others = [value for value in values if value != now]
            account.set_field(candidate_id, name, rng.choice(others))
        return candidate_id

    return change


def _move(account: Account, rng: Random) -> str | None:
    candidate_id = _someone(account, rng)
    if candidate_id is None:
        return None
    row = account.row(candidate_id)
    opening_id = row["job_opening_id"]
    steps = [c["id"] for c in account.categories() if c["job_opening_id"] == opening_id]
    others = [step for step in (None, *steps) if step != row["category_id"]]
    if not others:
        return None
    account.move(candidate_id, rng.choice(others))
    return candidate_id


def _tag(account: Account, rng: Random) -> str | None:
    candidate_id = _someone(account, rng)
    if candidate_id is None:
        return None
    held = account.detail(candidate_id)["tag_ids"]
    others = [tag["id"] for tag in account.tags() if tag["id"] not in held]
    if not others:
        return None
    account.tag(candidate_id, rng.choice(others))
    return candidate_id


def _untag(account: Account, rng: Random) -> str | None:
    ids = account.listed_ids()
    for candidate_id in rng.sample(ids, min(20, len(ids))):
        held = account.detail(candidate_id)["tag_ids"]
        if held:
            account.untag(candidate_id, rng.choice(held))
            return candidate_id
    return None


def _set_contact_info(account: Account, rng: Random) -> str | None:
    ids = account.listed_ids()
    for candidate_id in rng.sample(ids, min(20, len(ids))):
        # A candidate without contact details may be locked, which hides a change.
        if account.row(candidate_id)["contact_info"] is not None:
            phone = f"+000 556 {rng.randrange(10**9)}"
            account.set_contact_info(candidate_id, phone=phone)
            return candidate_id
    return None


def _delete(account: Account, rng: Random) -> str | None:
    candidate_id = _someone(account, rng)
    if candidate_id is not None:
        account.delete(candidate_id)
    return candidate_id


def _unlock(account: Account, rng: Random) -> str | None:
    locked = account.locked_ids()
    if not locked:
        return None
    candidate_id = rng.choice(locked)
    account.unlock(candidate_id)
    return candidate_id


def _regrade(account: Account, rng: Random) -> str | None:
    ids = account.listed_ids()
    for candidate_id in rng.sample(ids, min(20, len(ids))):
        try:
            account.regrade_equal_sum(candidate_id)
        except ValueError:
            continue
        return candidate_id
    return None


def _set_questions(account: Account, rng: Random) -> str | None:
    candidate_id = _someone(account, rng)
    if candidate_id is not None:
        count = len(account.detail(candidate_id)["questions"])
        account.set_questions(candidate_id, max(0, count + rng.choice((-2, -1, 1, 2))))
    return candidate_id


def _archive(account: Account, rng: Random) -> str | None:
    candidate_id = _someone(account, rng)
    if candidate_id is not None:
        account.archive(candidate_id)
    return candidate_id


def _add_opening(account: Account, _: Random) -> str:
    return account.add_opening()


def _delete_opening(account: Account, rng: Random) -> str | None:
    openings = account.openings()
    if not openings:
        return None
    opening_id: str = rng.choice(openings)["id"]
    account.delete_opening(opening_id)
    return opening_id


def _add_category(account: Account, rng: Random) -> str | None:
    openings = account.openings()
    return account.add_category(rng.choice(openings)["id"]) if openings else None


def _rename_category(account: Account, rng: Random) -> str | None:
    categories = account.categories()
    if not categories:
        return None
    category_id: str = rng.choice(categories)["id"]
    account.rename_category(category_id, f"Step №{rng.randrange(10**9)}")
    return category_id


def _delete_category(account: Account, rng: Random) -> str | None:
    categories = account.categories()
    if not categories:
        return None
    category_id: str = rng.choice(categories)["id"]
    account.delete_category(category_id)
    return category_id


def _add_tag(account: Account, _: Random) -> str:
    return account.add_tag()


def _delete_tag(account: Account, rng: Random) -> str | None:
    tags = account.tags()
    if not tags:
        return None
    tag_id: str = rng.choice(tags)["id"]
    account.delete_tag(tag_id)
    return tag_id


CANDIDATE: dict[str, Change] = {
    "add_candidate": _add,
    "submit": _submit,
    "grade": _grade,
    "rate": _set("rating", (0, 1, 2, 3)),
    "set_hire_state": _set("hire_state", ("", "possible-hire", "rejected")),
    "move": _move,
    "tag": _tag,
    "untag": _untag,
    "set_contact_info": _set_contact_info,
    "delete": _delete,
}
WORKSPACE: dict[str, Change] = {
    "add_opening": _add_opening,
    "delete_opening": _delete_opening,
    "add_category": _add_category,
    "rename_category": _rename_category,
    "delete_category": _delete_category,
    "add_tag": _add_tag,
    "delete_tag": _delete_tag,
}
UNSEEN: dict[str, Change] = {
    "unlock": _unlock,
    "regrade_equal_sum": _regrade,
    "set_questions": _set_questions,
}
_CHANGES = CANDIDATE | WORKSPACE | UNSEEN | {"archive": _archive}

VISIBLE = (*CANDIDATE, *WORKSPACE)
"""Kinds of change that some list shows."""
HIDDEN = tuple(UNSEEN)
"""Kinds of change that only a candidate's details show."""
EVERY = tuple(_CHANGES)
"""All kinds, including archiving, which the documentation leaves open."""


def random_change(
    account: Account, rng: Random, kinds: Sequence[str] = VISIBLE
) -> tuple[str, str]:
    """Make the first possible change of `kinds`, in random order.

    By default, kinds that a list shows.

    Returns:
        Its kind and the ID of the changed object.

    Raises:
        ValueError: if no change of `kinds` is possible.
    """
    for kind in rng.sample(kinds, len(kinds)):
        changed = _CHANGES[kind](account, rng)
        if changed is not None:
            return kind, changed
    raise ValueError(f"nothing to change by any of {', '.join(kinds)}")
