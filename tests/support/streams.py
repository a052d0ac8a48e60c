"""Names of the streams and of their columns, as the contract has them."""

from __future__ import annotations

LISTS = ("job_openings", "categories", "tags")
CANDIDATES, DETAILS, ANSWERS, HISTORY = CANDIDATE_STREAMS = (
    "candidates",
    "candidate_details",
    "candidate_answers",
    "candidate_history",
)
"""The streams of candidates."""
UPSERTED = (CANDIDATES, DETAILS, ANSWERS)
"""Those with one row per thing; `candidate_history` has one per event."""
FROM_DETAILS = (DETAILS, ANSWERS)
"""Those that cost a request per candidate."""
SYNC_RUNS = "sync_runs"
API_STREAMS = (*LISTS, *UPSERTED)
"""Those whose rows are the API's own; the tap makes those of the others."""
STREAMS = (*LISTS, *CANDIDATE_STREAMS)
"""All of them, `sync_runs` aside."""
ALL_STREAMS = (*STREAMS, SYNC_RUNS)
KEYS = {
    **dict.fromkeys((*LISTS, CANDIDATES, DETAILS), ("id",)),
    ANSWERS: ("candidate_id", "position"),
    HISTORY: ("event_id",),
    SYNC_RUNS: ("started_at",),
}
DELETED_AT = "_sdc_deleted_at"
HISTORY_FIELDS = (
    "job_opening_id",
    "category_id",
    "hire_state",
    "rating",
    "points",
    "score",
)
"""Columns of `candidate_history` that a list row has; `tag_ids` is the other."""
STATE_KEY = "tap_toggl_hire"
"""Where a STATE has what the tap knows, beside `bookmarks`."""
