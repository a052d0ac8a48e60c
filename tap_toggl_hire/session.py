"""What the streams of one run share: settings, the API, and where troubles are told."""

from __future__ import annotations

import typing as t
from functools import cached_property

from tap_toggl_hire.api.client import Client
from tap_toggl_hire.api.transport import Access, Transport
from tap_toggl_hire.api.workers import Workers
from tap_toggl_hire.fields import FieldLog
from tap_toggl_hire.settings import Settings

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping

    from tap_toggl_hire.api.retry import Retry
    from tap_toggl_hire.api.throttle import Throttle
    from tap_toggl_hire.sync.stretch import Stretch


class Session:
    """Everything is made when it is first used: discovery has no settings.

    Args:
        config: The settings, defaults filled in.
        agent: How the tap introduces itself, unless a setting says otherwise.
        retry: How often a request is tried again.
        throttle: Makes what paces requests.
        stretch: Makes what tells when a STATE is due.
        logger: Where troubles are told.
    """

    def __init__(  # noqa: PLR0913 - all that a run is made of
        self,
        config: Mapping[str, t.Any],
        *,
        agent: str,
        retry: Retry,
        throttle: Callable[[int, float | None], Throttle],
        stretch: Callable[[], Stretch],
        logger: logging.Logger,
    ) -> None:
        self.logger = logger
        self.stretch = stretch
        self._config = config
        self._agent = agent
        self._retry = retry
        self._throttle = throttle
        self._warned: set[str] = set()

    @cached_property
    def settings(self) -> Settings:
        """The settings, parsed."""
        return Settings.parse(self._config)

    @cached_property
    def fields(self) -> FieldLog:
        """Told of fields that no schema declares."""
        return FieldLog(self.logger)

    @cached_property
    def workers(self) -> Workers:
        """The threads that make requests."""
        return Workers(self.settings.max_concurrency)

    @cached_property
    def client(self) -> Client:
        """The API."""
        settings = self.settings
        access = Access(
            url=settings.api_url,
            key=settings.api_key,
            user_agent=settings.user_agent or self._agent,
            timeout=settings.request_timeout,
            connections=settings.max_concurrency,
        )
        throttle = self._throttle(
            settings.max_concurrency, settings.requests_per_second
        )
        return Client(
            Transport(access, throttle),
            version=settings.api_version,
            retry=self._retry,
            setting_of=settings.setting_of,
            logger=self.logger,
        )

    def warn_once(self, message: str, *args: object) -> None:
        """Log a warning, once a run."""
        text = message % args
        if text not in self._warned:
            self._warned.add(text)
            self.logger.warning("%s", text)
