"""What the streams of a run share is as the settings say."""

from __future__ import annotations

import typing as t
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tap_toggl_hire.api.client import Retry
from tap_toggl_hire.api.throttle import Throttle
from tap_toggl_hire.errors import BadRequestError
from tap_toggl_hire.tap import TapTogglHire
from tests.support.clock import FakeClock
from tests.support.http import FakeTransport, error, in_turn, page
from tests.unit.offline_tap import KEY

if t.TYPE_CHECKING:
    from tap_toggl_hire.api.http import Response


class RecordingThrottle(Throttle):
    """A throttle that knows what it was made with."""

    def __init__(self, *args: t.Any, **options: t.Any) -> None:
        super().__init__(*args, **options)
        self.args = args


class Shared:
    """The session of a tap, whose client has a transport without sockets."""

    def __init__(self, *responses: Response, **config: t.Any) -> None:
        tap = TapTogglHire(config={**KEY, **config})
        tap.retry = Retry(pauses=(7,))
        tap.machine = clock = FakeClock(datetime.now(UTC))
        self.pauses = clock.pauses
        self.session = tap.session
        answer = in_turn(*responses)
        self.transport = FakeTransport(lambda _: answer())
        self.session.client._transport = t.cast("t.Any", self.transport)

    def read(self) -> list[t.Any]:
        """Read a list of the API."""
        return [*self.session.client.pages("/openings", {"limit": "5"})]


def test_requests_use_the_version_of_the_settings() -> None:
    shared = Shared(page(), api_version="v2.7")
    shared.read()
    assert {target.split("/")[1] for target in shared.transport.targets} == {"v2.7"}


def test_rejected_request_names_the_setting_behind_it() -> None:
    shared = Shared(page(), error(400))
    with pytest.raises(BadRequestError, match="check page_size"):
        shared.read()


def test_failed_request_is_retried_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shared = Shared(page(), error(503), page({"id": "1"}))
    assert shared.read() == [[{"id": "1"}]]
    assert len(shared.pauses) == 1
    assert caplog.messages == ["Retrying GET /openings (HTTP 503)."]


def test_clock_follows_the_api(caplog: pytest.LogCaptureFixture) -> None:
    ahead = datetime.now(UTC) + timedelta(days=3)
    shared = Shared(page()._replace(headers={"Date": format_datetime(ahead)}))
    shared.read()
    assert abs(shared.session.clock.now() - ahead) < timedelta(minutes=1)
    assert "The clock of this machine differs" in caplog.text


def test_pace_and_connections_are_those_of_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tap_toggl_hire.session.Throttle", RecordingThrottle)
    config = {**KEY, "max_concurrency": 3, "requests_per_second": 2.5}
    transport = TapTogglHire(config=config).session.client._transport
    throttle = t.cast("RecordingThrottle", transport.throttle)
    assert throttle.args == (3, 2.5)
    assert transport._adapter._pool_maxsize == 3  # type: ignore[attr-defined]
