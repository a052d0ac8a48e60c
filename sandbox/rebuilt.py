"""A sandbox of the shape that `tap-toggl-hire --test=shape` has written.

The candidates are the sandbox's own; what differs is the difference between the shape
and that of the documented v2.1.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox.account import Account
from sandbox.differences import ITEMS, REFORM, Difference, invent, share_of
from sandbox.server import Sandbox
from sandbox.shapes import Shapes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from sandbox.differences import Shape

    Names = tuple[str, ...]
    Link = Literal["absolute", "path", "bare"]

DOCUMENTED = Path(__file__).parents[1] / "tests" / "shapes" / "v2.1.json"
"""The shape of the documented version."""
DETAILS = "candidate_details"
KINDS = {"job_openings": "openings", "candidates": "rows"}
"""Kinds of objects of a `Distortion`, by lists that have another name than these."""
LINKS: dict[str, Link] = {
    "URL": "absolute",
    "path": "path",
    "path without root": "bare",
}
MORE = 50
"""Candidates beyond the pages that were read, if there are any."""
TOLERANCE = 0.2
"""Share of objects by which a field may be rarer by chance."""


class Rebuilt(NamedTuple):
    """What a sandbox needs to serve a shape.

    Attributes:
        account: with as many objects as were seen.
        shapes: with the differences.
        has_date: whether responses have a `Date` header.
        not_rebuilt: parts of the shape that the sandbox does not serve.
    """

    account: Account
    shapes: Shapes
    has_date: bool
    not_rebuilt: list[str]

    def sandbox(self, api_key: str = "sandbox-key", **options: Any) -> Sandbox:
        """Return a sandbox with it; `options` are those of `Sandbox`."""
        now = partial(datetime.now, UTC) if self.has_date else None
        return Sandbox(self.account, api_key, shapes=self.shapes, now=now, **options)


def rebuild(shape: Shape, documented: Shape | None = None) -> Rebuilt:
    """Return what serves a shape.

    Args:
        shape: what `--test=shape` has written.
        documented: the shape of the documented version; by default `DOCUMENTED`.

    Raises:
        KeyError: if it is not such a shape.
    """
    if documented is None:
        documented = json.loads(DOCUMENTED.read_text("utf-8"))
    rebuilding = _Rebuilding(shape, documented)
    return rebuilding.result()


class _Rebuilding:
    """The shapes of a sandbox, and what they do not express."""

    def __init__(self, shape: Shape, documented: Shape) -> None:
        self._shape = shape
        self._documented = documented
        self._shapes = Shapes(versions=(shape["api"],))
        self._not_rebuilt: list[str] = []
        self._examples: dict[str, list[str]] = {}

    def result(self) -> Rebuilt:
        """Compare the parts of the shape one after the other."""
        resources = self._shape["resources"]
        account = _account(resources)
        self._examples = {
            "job_openings": [f"openings/{row['id']}" for row in account.openings()],
            "categories": [f"categories/{row['id']}" for row in account.categories()],
            "tags": [f"tags/{row['id']}" for row in account.tags()],
            "candidates": [f"candidates/{key}" for key in account.listed_ids()],
        }
        documented = self._documented["resources"]
        for name in sorted(resources.keys() - {DETAILS}):
            if name in documented:
                self._list(name, resources[name], documented[name])
            else:
                self._not_rebuilt.append(f"the list {name}")
        self._details(resources[DETAILS])
        self._wrong_id()
        self._filter()
        headers = self._headers()
        return Rebuilt(
            account,
            self._shapes,
            "date" in headers,
            list(dict.fromkeys(self._not_rebuilt)),
        )

    def _list(self, name: str, found: Shape, usual: Shape) -> None:
        rows = _rows(found["body"]), _rows(usual["body"])
        differences = self._compared(*rows, (), name)
        kind = KINDS.get(name, name)
        self._shapes.differences[kind] = self._with_example(differences, name)
        if name == "candidates":
            self._pages_of_candidates(found["body"], found["paging"])
        else:
            self._small_pages(found["paging"])
        self._envelope(name, found, usual["body"])

    def _envelope(self, name: str, found: Shape, usual: Shape) -> None:
        """Compare what is around the rows."""
        body = found["body"]
        if "array" in body["types"]:
            self._shapes.envelopes[name] = (Difference((), "converted", shape=body),)
            return
        self._unnamed(body, usual, f"{name} (list)")
        differences: list[Difference] = []
        for field, shape in body.get("fields", {}).items():
            known = usual["fields"].get(field)
            if field == "data":
                without_items = ({**shape, "items": None}, {**known, "items": None})
                differences += self._field(field, *without_items, (), name)
            elif field == "total" and known["types"]:
                if shape["types"]:  # otherwise `Shapes.total` says that it is missing
                    differences += self._compared(shape, known, (field,), name)
            elif field == "links" and known["types"]:
                if _is_linkless(found["paging"]):
                    differences += self._field(field, shape, known, (), name)
                else:
                    self._unnamed(shape, known, f"{name} links")
            elif field == "total":
                self._shapes.total_of_small_lists |= bool(shape["types"])
            elif field != "links" or self._shapes.page_small_lists is None:
                differences += self._field(field, shape, known, (), name)
        self._shapes.envelopes[name] = (*differences,)

    def _details(self, found: Shape) -> None:
        usual = self._documented["resources"][DETAILS]["body"]
        differences = self._compared(found["body"], usual, (), DETAILS)
        self._shapes.differences["details"] = self._with_example(
            differences, "candidates"
        )
        for status, count in found["statuses"].items():
            if status != "200":
                self._not_rebuilt.append(f"HTTP {status} for {count} candidates")

    def _with_example(
        self, differences: tuple[Difference, ...], name: str
    ) -> tuple[Difference, ...]:
        """Let the first object of a list show what any object has."""
        example = next(iter(self._examples.get(name, [])), "")
        return tuple(each._replace(example=example) for each in differences)

    # Objects

    def _compared(
        self, found: Shape, usual: Shape, path: Names, name: str
    ) -> tuple[Difference, ...]:
        return tuple(self._differences(found, usual, path, name))

    def _differences(
        self, found: Shape, usual: Shape, path: Names, name: str
    ) -> Iterator[Difference]:
        """Yield the differences at a path and below it."""
        if not sum(found["types"].values()):
            return  # nothing was seen there
        reform = _has_other_forms(found, usual, path)
        if reform or _has_other_types(found, usual):
            shape = _different_first(found, usual)
            shape = {**shape, REFORM: True} if reform else shape
            yield Difference(path, "converted", shape=shape)
            if not _types(found) & _types(usual) & {"object", "array"}:
                self._unnamed(found, {}, ".".join((name, *path)), deep=True)
                return
        if any(not seen for seen in found.get("words", {}).values()) and found.get(
            "other_words"
        ):
            yield Difference(path, "reworded", shape=found)
        if found.get("items") and usual.get("items"):
            below = (*path, ITEMS)
            yield from self._differences(found["items"], usual["items"], below, name)
        self._unnamed(found, usual, ".".join((name, *path)))
        for field, shape in found.get("fields", {}).items():
            known = usual.get("fields", {}).get(field)
            yield from self._field(field, shape, known, path, name)

    def _field(
        self, field: str, found: Shape, usual: Shape | None, path: Names, name: str
    ) -> Iterator[Difference]:
        """Yield the differences of a field of the objects at a path."""
        share, below = share_of(found), (*path, field)
        if usual is None or not usual["types"]:
            if share:
                yield Difference(below, "invented", share, found)
                self._unnamed(found, {}, ".".join((name, *below)), deep=True)
            return
        usual_share = share_of(usual)
        if not share or share < usual_share == 1 or share < usual_share - TOLERANCE:
            yield Difference(below, "left out", 1 - share / usual_share)
        yield from self._differences(found, usual, below, name)

    def _unnamed(
        self, found: Shape, usual: Shape, name: str, *, deep: bool = False
    ) -> None:
        """Note names that were only counted; `deep`: below, too."""
        count = found.get("other_names", 0)
        if count > usual.get("other_names", 0):
            self._not_rebuilt.append(f"{count} other names in {name}")
        if deep:
            for field, shape in found.get("fields", {}).items():
                self._unnamed(shape, {}, f"{name}.{field}", deep=True)
            if items := found.get("items"):
                self._unnamed(items, {}, f"{name}.{ITEMS}", deep=True)

    # Pages

    def _small_pages(self, paging: Shape) -> None:
        if paging["next"]["form"] == "none":
            return
        self._shapes.page_small_lists = max(1, paging["rows"])
        self._links(paging)

    def _pages_of_candidates(self, body: Shape, paging: Shape) -> None:
        last = paging.get("next_of_second_page", paging["next"])
        is_whole = last["form"] == "none" and not _is_linkless(paging)
        self._total(body, paging, is_whole=is_whole)
        if paging["next"]["form"] != "none":
            self._links(paging)
            if paging["rows"] < paging["limit"]:
                self._shapes.max_limit = paging["rows"]
        if is_whole:
            self._last_page(body)
        if paging["second_page"] == "repeats rows":
            self._not_rebuilt.append("a second page that repeats rows of the first")
        if paging["order"] not in {"ascending", "not tried"}:
            self._not_rebuilt.append("the order of the list of candidates")

    def _total(self, body: Shape, paging: Shape, *, is_whole: bool) -> None:
        """Decide what the total is; `is_whole`: all rows were read."""
        if not body.get("fields", {}).get("total", {}).get("types", {}):
            self._shapes.total = "missing"
        if paging["total"].startswith("smaller"):
            self._shapes.total_error = -1
        elif paging["total"].startswith("larger") and is_whole:
            self._shapes.total_error = 1
        if self._shapes.total_error:
            self._not_rebuilt.append("by how much the total is wrong")
        if paging["total"].startswith("equal") and not is_whole:
            self._not_rebuilt.append("a total that is the number of rows read")

    def _links(self, paging: Shape) -> None:
        form = paging["next"]["form"]
        if form in LINKS:
            self._shapes.next_link = LINKS[form]
        else:
            self._not_rebuilt.append(f"links of this form: {form}")
        usual = self._documented["resources"]["candidates"]["paging"]["next"]
        if not {*paging["next"]["parameters"]} <= {*usual["parameters"]}:
            self._not_rebuilt.append("the parameters of links")

    def _last_page(self, body: Shape) -> None:
        """Decide how the list ends."""
        links = body.get("fields", {}).get("links", {})
        after = links.get("fields", {}).get("next", {"missing": 0, "types": {}})
        forms = {form.partition(",")[0] for form in after.get("forms", {})}
        if links.get("missing"):
            self._shapes.last_page = "no_links"
        elif after["missing"]:
            self._shapes.last_page = "empty_links"
        elif "empty" in forms:
            self._shapes.last_page = "empty"

    # Other answers

    def _wrong_id(self) -> None:
        found, usual = self._shape["wrong_id"], self._documented["wrong_id"]
        if found not in ("not tried", usual):
            self._shapes.wrong_id = (found["status"], found["body"])
            self._unnamed(found["body"], {}, "the answer for a wrong ID", deep=True)

    def _filter(self) -> None:
        (found,) = self._shape["filter"].values()
        if found not in {"not tried", "matching rows only"}:
            self._not_rebuilt.append(f"a filter that leaves: {found}")

    def _headers(self) -> set[str]:
        """Invent the headers that are not usual; return their names."""
        usual = self._documented["headers"]["fields"]
        found = self._shape["headers"]["fields"]
        new = {name: shape for name, shape in found.items() if name not in usual}
        self._shapes.headers = tuple(
            (name, invent(shape, name)) for name, shape in new.items() if name != "date"
        )
        return set(new)


def _is_linkless(paging: Shape) -> bool:
    """Return whether the first page lacks a link although more rows follow."""
    has_more = paging["total"].startswith("larger")
    is_full = paging["rows"] >= paging["limit"]
    return bool(is_full and has_more and paging["next"]["form"] == "none")


def _rows(body: Shape) -> Shape:
    """Return the shape of the rows in the shape of a list's body."""
    body = body.get("fields", {}).get("data", body)
    rows: Shape = body.get("items", {"types": {}})
    return rows


def _account(resources: Shape) -> Account:
    """Return an account with as many objects as were seen."""

    def seen(name: str) -> int:
        return sum(_rows(resources[name]["body"])["types"].values())

    paging = resources["candidates"]["paging"]
    last = paging.get("next_of_second_page", paging["next"])
    details = resources[DETAILS]["body"]
    fields = details.get("fields", {})
    ids = _forms(_rows(resources["candidates"]["body"]).get("fields", {}).get("id", {}))
    questions = sum(_items(fields, "questions").values())
    has_more = last["form"] != "none" or _is_linkless(paging)
    account = Account.example(
        candidates=seen("candidates") + MORE * has_more,
        openings=max(1, seen("job_openings")),
        tags=seen("tags"),
        questions=round(questions / max(1, sum(details["types"].values()))) or 1,
        text_ids=bool(ids) and "integer" not in ids,
    )
    for opening in account.openings()[seen("job_openings") :]:
        account.delete_opening(opening["id"])
    for category in account.categories()[seen("categories") :]:
        account.delete_category(category["id"])
    return account


def _items(fields: Shape, name: str) -> dict[str, int]:
    types: dict[str, int] = fields.get(name, {}).get("items", {}).get("types", {})
    return types


def _forms(shape: Shape) -> set[str]:
    """Return the forms of the strings at a place, without their length."""
    return {form.partition(",")[0] for form in shape.get("forms", {})} - {"empty"}


def _has_other_types(found: Shape, usual: Shape) -> bool:
    """Return whether there are types that the usual ones do not cover."""
    types, usual_types = _types(found), _types(usual)
    return not types <= usual_types or (types == {"null"} != usual_types)


def _different_first(found: Shape, usual: Shape) -> Shape:
    """Return a shape whose types and forms that are not usual come first."""
    types, forms = _types(usual), _forms(usual)

    def kind(name: str) -> bool:
        return ("number" if name == "integer" else name) in types

    def form(name: str) -> bool:
        return name.partition(",")[0] in forms

    return {
        **found,
        "types": {
            name: found["types"][name] for name in sorted(found["types"], key=kind)
        },
        "forms": {
            name: found["forms"][name]
            for name in sorted(found.get("forms", {}), key=form)
        },
    }


def _types(shape: Shape) -> set[str]:
    """Return the JSON types at a place; a whole number may be any number."""
    return {"number" if kind == "integer" else kind for kind in shape["types"]}


def _has_other_forms(found: Shape, usual: Shape, path: Names) -> bool:
    """Return whether strings have forms that the usual ones do not have.

    The form of IDs is the account's, and a text may have any.
    """
    forms, usual_forms = _forms(found), _forms(usual)
    if not forms or not usual_forms or re.search(r"(^|_)ids?$", _last_name(path)):
        return False
    if usual_forms.isdisjoint({"other", "url"}):
        return not forms <= usual_forms
    return forms.isdisjoint(usual_forms) and "other" not in usual_forms


def _last_name(path: Names) -> str:
    return next((name for name in reversed(path) if name != ITEMS), "")
