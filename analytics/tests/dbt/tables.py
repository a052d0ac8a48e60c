"""Types of the source tables, as the targets of `meltano.yml` create them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

TYPES = {
    "text": {
        "job_openings": "id name",
        "categories": "id name job_opening_id",
        "tags": "id name",
        "candidates": "id name email profile_url hire_state category_id job_opening_id",
        "candidate_details": (
            "id name email profile_url hire_state category_id job_opening_id"
        ),
        "candidate_answers": (
            "candidate_id job_opening_id question_id question_type skill question"
            " text_answer"
        ),
        "candidate_history": (
            "event_id candidate_id event job_opening_id category_id hire_state"
        ),
        "sync_runs": (
            "outcome scope tap_version api_version"
            " unknown_fields mismatched_fields missing_fields"
        ),
        "colleagues": "workspace candidate_id",
    },
    "timestamp": {
        "job_openings": "created_at published_at closed_at _sdc_deleted_at",
        "categories": "_sdc_deleted_at",
        "tags": "_sdc_deleted_at",
        "candidates": "started_at finished_at _sdc_deleted_at",
        "candidate_details": "started_at finished_at _sdc_deleted_at",
        "candidate_answers": "_sdc_deleted_at",
        "candidate_history": "observed_at finished_at",
        "sync_runs": "started_at finished_at",
    },
    "double precision": {
        "candidates": "points score rating",
        "candidate_details": "points score rating",
        "candidate_answers": "question_points points",
        "candidate_history": "points score rating",
    },
    "json": {
        "candidates": "contact_info",
        "candidate_details": "contact_info tag_ids",
        "candidate_answers": "options chosen_option_ids",
        "candidate_history": "tag_ids",
    },
    "boolean": {"candidate_answers": "answered correct", "sync_runs": "is_transient"},
    "bigint": {
        "candidate_answers": "position",
        "sync_runs": (
            "candidates_listed candidates_held details_held answers_held"
            " candidates_without_details details_read"
        ),
    },
}


def columns(table: str, leave_out: Sequence[str] = ()) -> dict[str, str]:
    """Columns of a table, with their types."""
    return {
        column: kind
        for kind, tables in TYPES.items()
        for column in tables.get(table, "").split()
        if column not in leave_out
    }
