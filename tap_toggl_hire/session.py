"""What the streams of a run share: settings, the API, its clock and the workers."""

from __future__ import annotations

import typing as t

from singer_sdk import Tap

from tap_toggl_hire.api.client import Client
from tap_toggl_hire.api.http import Access, Transport
from tap_toggl_hire.clock import Clock
from tap_toggl_hire.records import FieldLog

if t.TYPE_CHECKING:
    import logging

    from tap_toggl_hire.api.client import Retry
    from tap_toggl_hire.api.throttle import Throttle
    from tap_toggl_hire.api.workers import Workers
    from tap_toggl_hire.settings import Settings
    from tap_toggl_hire.stop import Stop


class Session:
    """What the streams of a run share; the tap makes it when the run begins."""

    def __init__(  # noqa: PLR0913 - what a run depends on
        self,
        settings: Settings,
        *,
        user_agent: str,
        retry: Retry,
        throttle: type[Throttle],
        workers: type[Workers],
        stop: Stop,
        logger: logging.Logger,
    ) -> None:
        """Make a session, without a request.

        Args:
            settings: The settings, parsed.
            user_agent: The User-Agent header, unless a setting has one.
            retry: When a request that failed is sent again.
            throttle: What paces requests.
            workers: What sends them.
            stop: Why and when the run is to end.
            logger: The tap's logger.
        """
        self.settings = settings
        self.stop = stop
        self.logger = logger
        self.clock = Clock(logger)
        self.fields = FieldLog(logger)
        self.workers = workers(settings.max_concurrency, stop)
        access = Access(
            url=settings.api_url,
            key=settings.api_key,
            user_agent=settings.user_agent or user_agent,
            timeout=settings.request_timeout,
            connections=settings.max_concurrency,
        )
        pace = throttle(settings.max_concurrency, settings.requests_per_second)
        self.client = Client(
            Transport(access, pace),
            version=settings.api_version,
            retry=retry,
            setting_of=settings.setting_of,
            clock=self.clock,
            stop=stop,
            logger=logger,
        )


class SessionTap(Tap):
    """A tap whose streams share a session. Discovery uses none."""

    @property
    def session(self) -> Session:
        """The session of the run."""
        raise NotImplementedError
