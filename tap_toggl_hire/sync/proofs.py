"""Three questions that a few candidates answer before something is believed.

Does the key belong to the workspace of the state? It does if a known candidate exists.
Does `/candidates/{id}` work? It does if a candidate that should exist answers 200.
Are the lists of tags right again, after a run in which most details contradicted them?
They are if details agree with them.
"""

from __future__ import annotations

import typing as t
from itertools import chain

from tap_toggl_hire.errors import (
    NotFoundError,
    PaymentRequiredError,
    RequestError,
    TapError,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    from tap_toggl_hire.api.body import Body
    from tap_toggl_hire.sync.inventory import Inventory
    from tap_toggl_hire.sync.lists import Source
    from tap_toggl_hire.sync.tasks import Terms

T = t.TypeVar("T")

MAX_KNOWN = 20  # known candidates that are asked for, to prove the workspace
MAX_ASKED = 3  # candidates that are asked for, to see whether the endpoint works
MAX_TAGGED = 3  # candidates that are read to see whether the lists of tags are right


def workspace_is_proved(
    source: Source, inventory: Inventory, first_ids: Iterable[str]
) -> bool:
    """Return whether the key is of the workspace whose candidates the state knows.

    A known candidate on the first page of the list is proof, and costs nothing. Else
    some known candidates are asked for, spread over the inventory.

    Raises:
        RequestError: If none of them exists, and one of them could not be read.
    """
    if any(map(inventory.is_living, first_ids)):
        return True
    known = inventory.living()
    failure: RequestError | None = None
    for candidate_id in spread(known, MAX_KNOWN):
        try:
            source.workers.result(_request(source, candidate_id))
        except NotFoundError:
            continue
        except RequestError as error:
            failure = error
        else:
            return True
    if failure is not None:
        raise failure
    return not known  # there is nothing to prove


class Endpoint:
    """Whether `/candidates/{id}` works, as far as this run has seen."""

    def __init__(self, source: Source, inventory: Inventory) -> None:
        self.is_dead = False  # it was found not to work
        self.failure: RequestError | None = None  # of a candidate that was asked for
        self._source = source
        self._inventory = inventory
        self._served: str | None = None

    def served(self, candidate_id: str) -> None:
        """Note that the details of a candidate were read."""
        self._served = candidate_id

    def works(self) -> bool:
        """Ask for a few candidates that should exist, until one answers 200.

        That is one that was served in this run, else one that the list shows, else a
        known one that this run has not asked for. The first is asked alone, as it
        nearly always answers. A run that is stopped meanwhile, or that meets a quota,
        gets False, and leaves `is_dead` as it was.
        """
        candidates = self._candidates()
        try:
            works = self._any_exists(candidates[:1]) or self._any_exists(candidates[1:])
        except TapError as error:
            self._source.workers.stop.fail(error)
            return False  # which is no verdict: the next run asks again
        self.is_dead = not works
        return works

    def _any_exists(self, candidates: list[str]) -> bool:
        """Return whether one of some candidates answers 200, asked at the same time."""
        exists = False
        for request in [_request(self._source, key) for key in candidates]:
            try:
                self._source.workers.result(request)
            except NotFoundError:
                continue
            except PaymentRequiredError:  # a quota, which says nothing
                raise
            except RequestError as error:
                self.failure = error
            else:
                exists = True
        return exists

    def _candidates(self) -> list[str]:
        ids = self._inventory.ids
        listed = [key for key in ids if ids.is_listed(key)]
        unasked = [key for key in listed if not ids.is_requested(key)]
        known = (key for key in self._inventory.living() if not ids.is_requested(key))
        found = chain(
            [] if self._served is None else [self._served],
            spread(unasked or listed, MAX_ASKED),
            known,
        )
        return list(dict.fromkeys(found))[:MAX_ASKED]


def tags_are_right(source: Source, terms: Terms) -> bool:
    """Return whether a few tagged candidates have the tags that the lists say.

    Without candidates that have a tag, nothing is wrong. A request that fails is no
    answer.
    """
    read, workers = source.client.candidate, source.workers
    samples = terms.tags.samples(MAX_TAGGED)
    requests = {key: workers.submit(read, key) for key in samples}
    has_answer = False
    for candidate_id, request in requests.items():
        try:
            body = workers.result(request)
        except RequestError:
            continue
        details = terms.observer.details.of(body)
        if terms.tags.contradict(candidate_id, details):
            return False
        has_answer = True
    return has_answer or not samples


def spread(items: list[T], count: int) -> list[T]:
    """Return so many of the items, or all if there are fewer, evenly spread."""
    step = max(len(items) / count, 1)
    return [items[int(place * step)] for place in range(min(len(items), count))]


def _request(source: Source, candidate_id: str) -> Future[Body]:
    """Request a candidate, although the run may be about to stop."""
    read = source.client.candidate
    return source.workers.submit(read, candidate_id, urgent=True, last=True)
