"""What the streams of a run share: settings, the API, its clock and the workers."""

from __future__ import annotations

import typing as t

from singer_sdk import Tap

from tap_toggl_hire.api.client import Client
from tap_toggl_hire.api.http import Access, Transport
from tap_toggl_hire.api.throttle import Throttle
from tap_toggl_hire.clock import Clock
from tap_toggl_hire.records import FieldLog

if t.TYPE_CHECKING:
    import logging

    from tap_toggl_hire.api.client import Retry
    from tap_toggl_hire.api.workers import Workers
    from tap_toggl_hire.clock import Machine
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
        workers: type[Workers],
        machine: Machine,
        stop: Stop,
        logger: logging.Logger,
    ) -> None:
        """Make a session, without a request.

        Args:
            settings: The settings, parsed.
            user_agent: The User-Agent header, unless a setting has one.
            retry: When a request that failed is sent again.
            workers: What sends requests.
            machine: The clock of this machine, and chance.
            stop: Why and when the run is to end.
            logger: The tap's logger.
        """
        self.settings = settings
        self.machine = machine
        self.stop = stop
        self.logger = logger
        self.clock = Clock(logger, machine)
        self.fields = FieldLog(logger)
        self.workers = workers(settings.max_concurrency, stop)
        access = Access(
            url=settings.api_url,
            key=settings.api_key,
            user_agent=settings.user_agent or user_agent,
            timeout=settings.request_timeout,
            connections=settings.max_concurrency,
        )
        pace = Throttle(
            settings.max_concurrency, settings.requests_per_second, machine=machine
        )
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
