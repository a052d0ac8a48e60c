"""The API as a value: a workspace in memory, without a server, a thread or a clock."""

from __future__ import annotations

import typing as t
from collections import Counter, deque
from concurrent.futures import Future

from tap_toggl_hire.api.pagination import LinksPaginator
from tap_toggl_hire.errors import NotFoundError, NotServedError, RefusedError, TapError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Json = dict[str, t.Any]

ROOT = "https://example.com/api"
ONLY_IN_DETAILS = {"questions", "answers", "tag_ids"}


class MemoryApi:
    """A workspace that answers as the API does; a stand-in for `Client`.

    Attributes:
        candidates: All that there are, by id, as their details show them.
        tag_rows: What `/tags` lists.
        hidden: Ids that no list shows, though they are there: archived.
        unreadable: Ids that lists show, though their details are 404.
        not_served: Ids whose details fail for good.
        miscounted: How many more candidates `total` counts than lists show.
        dead_anchor: What comes of an `after_id` that is gone: "error", "empty",
            "start" or "refused".
        asked: How often what was asked for.
        before_page: Called before each page of candidates, with its query.
    """

    def __init__(self, candidates: Iterable[Json] = ()) -> None:
        self.candidates = {str(one["id"]): one for one in candidates}
        self.tag_rows: list[Json] = []
        self.opening_ids: set[str] = set()
        self.hidden: set[str] = set()
        self.unreadable: set[str] = set()
        self.not_served: set[str] = set()
        self.miscounted = 0
        self.has_total = True
        self.largest_page = 1000
        self.dead_anchor = "error"
        self.serves = True
        self.asked: Counter[str] = Counter()
        self.before_page: Callable[[Json], None] = lambda _: None

    def listed(self, params: Json) -> list[Json]:
        """All candidates that a list shows, in its order."""
        wanted = set(filter(None, params.get("tag_ids", "").split(",")))
        rows = [
            one
            for key, one in self.candidates.items()
            if key not in self.hidden
            and params.get("job_opening_id", one["job_opening_id"])
            == one["job_opening_id"]
            and wanted <= set(one["tag_ids"])
        ]
        rows.sort(key=_place, reverse=params["order"] == "desc")
        return rows

    # What the tap asks for

    def candidates_page(self, params: Json) -> Json:
        self.before_page(params)
        self.asked["page"] += 1
        rows = self.listed(params)
        total = len(rows) + self.miscounted
        anchor = params.get("after_id")
        if anchor is not None:
            ids = [str(one["id"]) for one in rows]
            if anchor in ids:
                rows = rows[ids.index(anchor) + 1 :]
            elif self.dead_anchor == "error":
                msg = "gone"
                raise NotFoundError(msg)
            elif self.dead_anchor == "refused":
                msg = "refused"
                raise RefusedError(msg)
            elif self.dead_anchor == "empty":
                rows = []
        size = min(int(params["limit"]), self.largest_page)
        link = (
            f"{ROOT}/candidates?after_id={rows[size - 1]['id']}" if rows[size:] else ""
        )
        page: Json = {
            "data": [row_of(one) for one in rows[:size]],
            "links": {"next": link},
        }
        return {**page, "total": total} if self.has_total else page

    def candidate(self, candidate_id: str) -> Json | None:
        self.asked["candidate"] += 1
        if candidate_id in self.not_served:
            msg = "not served"
            raise NotServedError(msg)
        gone = candidate_id in self.unreadable
        one = None if gone else self.candidates.get(candidate_id)
        return None if one is None else dict(one)

    @property
    def tags(self) -> list[Json]:
        return list(self.tag_rows)

    def reread_tags(self) -> list[Json]:
        self.asked["tags"] += 1
        return self.tags

    def opening(self, opening_id: str) -> Json:
        self.asked["opening"] += 1
        if opening_id not in self.opening_ids:
            msg = f"no job opening {opening_id}"
            raise TapError(msg)
        return {"id": opening_id}

    def paginator(self, params: Json) -> LinksPaginator:
        return LinksPaginator(ROOT, params)

    def is_serving(self) -> bool:
        return self.serves


def candidate(number: int, **changes: t.Any) -> Json:
    """A candidate as its details show it; the number tells when it started."""
    return {
        "id": number,
        "name": f"Candidate {number}",
        "email": f"{number}@example.com",
        "started_at": f"2026-01-{number // 1440 % 28 + 1:02}"
        f"T{number // 60 % 24:02}:{number % 60:02}:00",
        "rating": 0,
        "points": 5,
        "job_opening_id": "100",
        "tag_ids": [],
        "questions": [{"id": 1, "content": "A question"}],
        "answers": [{"question_id": 1, "points": 5}],
        **changes,
    }


class InlineWorkers:
    """Makes each request at once, in the thread that asks; a stand-in for `Workers`."""

    def __init__(self, size: int = 8) -> None:
        self.size = size

    def submit(self, function: Callable[..., t.Any], *args: t.Any) -> Future[t.Any]:
        return _done(Future(), function, *args)


class SlowWorkers:
    """Makes requests when it is told to; a stand-in for `Workers`."""

    def __init__(self, size: int = 8) -> None:
        self.size = size
        self.waiting: deque[tuple[t.Any, ...]] = deque()

    def submit(self, function: Callable[..., t.Any], *args: t.Any) -> Future[t.Any]:
        future: Future[t.Any] = Future()
        self.waiting.append((future, function, *args))
        return future

    def work(self) -> None:
        """Make the request that waits for longest."""
        _done(*self.waiting.popleft())


def _done(
    future: Future[t.Any], function: Callable[..., t.Any], *args: t.Any
) -> Future[t.Any]:
    try:
        future.set_result(function(*args))
    except Exception as error:  # noqa: BLE001 - raised where the result is read
        future.set_exception(error)
    return future


def _place(one: Json) -> tuple[str, str]:
    return one["started_at"], str(one["id"])


def row_of(one: Json) -> Json:
    """What a list shows of a candidate."""
    return {name: one[name] for name in one.keys() - ONLY_IN_DETAILS}
