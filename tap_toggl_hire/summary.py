"""What a run reports: the row of `sync_runs`, METRIC lines, the last line."""

from __future__ import annotations

import os
import typing as t
from datetime import timedelta

from singer_sdk import metrics
from singer_sdk.metrics import Metric

from tap_toggl_hire.errors import TapError
from tap_toggl_hire.records import as_text
from tap_toggl_hire.sync.candidates import RunCounts
from tap_toggl_hire.sync.plan import ANSWERS, CANDIDATES, DETAILS

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_toggl_hire.messages import Output
    from tap_toggl_hire.records import Record
    from tap_toggl_hire.session import Session
    from tap_toggl_hire.sync.inventory import Inventory

SUMMARY = (
    "%(candidates_listed)d candidates listed: %(candidates_created)d new, "
    "%(candidates_updated)d changed, %(candidates_deleted)d deleted, "
    "%(candidates_reverified)d re-verified; %(requests)d requests, "
    "%(requests_rate_limited)d rate-limited."
)


class Summary:
    """The record of one run, which begins when this is made."""

    def __init__(self, session: Session, tap_version: str) -> None:
        self.counts = RunCounts()  # what was done with candidates
        self.was_stopped = False  # by the time limit
        self._session = session
        self._tap_version = tap_version
        self._begun = session.machine.monotonic()

    def record(
        self,
        failure: Exception | None,
        outputs: Mapping[str, Output],
        inventory: Inventory,
    ) -> Record:
        """Return the record of `sync_runs`; nothing in it is personal."""
        session, counts = self._session, self.counts
        finished = session.clock.now()
        requests, narrowing = session.client.counts, session.settings.narrowing()
        return {
            "started_at": (finished - timedelta(seconds=self._seconds)).isoformat(),
            "finished_at": finished.isoformat(),
            "outcome": self._outcome(failure),
            "is_transient": failure and getattr(failure, "is_transient", False),
            "message": None if failure is None else _sentence(failure),
            "tap_version": self._tap_version,
            "api_version": session.client.found_version,
            "scope": as_text(narrowing) if narrowing else None,
            "requests": requests.requests,
            "requests_rate_limited": requests.rate_limited,
            "requests_retried": requests.retried,
            "candidates_listed": counts.listed,
            **_rows_held(outputs, inventory),
            "candidates_created": counts.created,
            "candidates_updated": counts.updated,
            "candidates_deleted": counts.deleted,
            "candidates_reverified": counts.reverified,
            "candidates_without_details": counts.without_details,
            "details_read": counts.details_read,
            "unknown_fields": _sorted_text(session.fields.unknown),
            "mismatched_fields": _sorted_text(session.fields.mismatched),
            "missing_fields": _sorted_text(session.fields.missing),
        }

    def log(
        self,
        failure: Exception | None,
        outputs: Mapping[str, Output],
        record: Record,
    ) -> None:
        """Log the METRIC lines of an SDK tap, once per run, and the last line.

        A failure has a last line of its own.
        """
        for name, output in outputs.items():
            _log_metric("counter", Metric.RECORD_COUNT, output.count, stream=name)
        requests = self._session.client.counts.by_endpoint
        for endpoint, count in sorted(requests.items()):
            _log_metric("counter", Metric.HTTP_REQUEST_COUNT, count, endpoint=endpoint)
        status = "succeeded" if failure is None else "failed"
        _log_metric("timer", Metric.SYNC_DURATION, self._seconds, status=status)
        if failure is None:
            self._session.logger.info(SUMMARY, record, extra={"sync_run": record})

    @property
    def _seconds(self) -> float:
        return self._session.machine.monotonic() - self._begun

    def _outcome(self, failure: Exception | None) -> str:
        if failure is not None:
            return "failed"
        return "stopped" if self.was_stopped else "complete"


def _rows_held(
    outputs: Mapping[str, Output], inventory: Inventory
) -> dict[str, int | None]:
    """Return the rows that the state says the target has, by column.

    None where the target may have fewer: the stream is not selected, or is filtered.
    """
    counts = {
        CANDIDATES: ("candidates_held", inventory.current(CANDIDATES)),
        DETAILS: ("details_held", inventory.current(DETAILS)),
        ANSWERS: ("answers_held", inventory.current_answers),
    }
    is_whole = {name: not output.is_filtered for name, output in outputs.items()}
    return {
        column: count if is_whole.get(stream) else None
        for stream, (column, count) in counts.items()
    }


def _sentence(failure: Exception) -> str:
    is_known = isinstance(failure, TapError)
    return str(failure) if is_known else f"Unexpected {type(failure).__name__}."


def _sorted_text(fields: Mapping[str, int]) -> str | None:
    return as_text(fields) if fields else None


def _log_metric(kind: str, metric: Metric, value: float, **tags: str) -> None:
    point = metrics.Point(kind, metric, value, {**tags, "pid": os.getpid()})
    metrics.log(metrics.get_metrics_logger(), point)
