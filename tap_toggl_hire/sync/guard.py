"""When deletions are rather a fault: of the API, or the wrong workspace's key."""

from __future__ import annotations

from tap_toggl_hire.errors import TapError

FEW = 20
"""Deletions in one run that are never suspicious."""
FEW_LISTED = 2
"""Those of candidates that the list shows, which hardly ever happen."""


def is_mass(missing: int, known: int) -> bool:
    """Return whether so many candidates missing, of those known, are suspicious."""
    return missing > FEW and 2 * missing > known


def is_mass_of_listed(gone: int, asked: int) -> bool:
    """Return whether so many answering 404, of those listed and asked, are."""
    return gone > FEW_LISTED and 2 * gone > asked


def mass_deletion(gone: int, known: int) -> TapError:
    """Return the failure of a run in which too many candidates are gone."""
    return TapError(
        f"{gone} of {known} known candidates seem to be deleted: more than half, "
        "which is rather a fault (another workspace's API key?). Nothing was "
        "deleted. If they are gone, set the replication method of stream candidates "
        "to FULL_TABLE for one run."
    )


def mass_of_listed(gone: int, asked: int) -> TapError:
    """Return the failure of a run in which too many listed candidates answer 404."""
    return TapError(
        f"The API lists candidates and says that {gone} of {asked} of them are not "
        "there: more than half, which is rather a fault. Nothing was deleted; run "
        "again later."
    )


def missing_alive(missing: int, known: int) -> TapError:
    """Return the failure of a run whose list lacks most candidates, who are there."""
    return TapError(
        f"The API's list of candidates is short: it lacks {missing} of {known} known "
        "candidates, and those that were asked for are there. What came was "
        "extracted and nothing was taken for deleted; run again later. If most "
        "candidates were archived, set the replication method of stream candidates "
        "to FULL_TABLE for one run."
    )


def short_list(came: int, total: int | None) -> TapError:
    """Return the failure of a run whose list brought less than the API counts."""
    return TapError(
        f"The API's list of candidates is short: {came} came of {total}. What came "
        "was extracted and nothing was taken for deleted; run again later."
    )


BELIEVED = (
    "The API counts more candidates than it lists, the same in two readings with two "
    "page sizes: the list is believed."
)
SHORT_TAGS = (
    "The API's list of the candidates that have a tag is short. All else was "
    "extracted, and tags were left as they are known; run again later."
)
