"""The tap: its settings, its state and its streams."""

from __future__ import annotations

import io
import json
import os
import typing as t
from copy import deepcopy
from datetime import UTC, datetime
from functools import cached_property

from singer_sdk import Tap
from singer_sdk.exceptions import MappingError
from singer_sdk.plugin_base import JSONSchemaValidator
from singer_sdk.singerlib import Catalog

from tap_toggl_hire import settings
from tap_toggl_hire.api.client import Client
from tap_toggl_hire.api.retry import Retry
from tap_toggl_hire.api.throttle import Throttle
from tap_toggl_hire.api.transport import Access, Transport
from tap_toggl_hire.api.workers import Workers
from tap_toggl_hire.digests import DAMAGED, Digests, Selection
from tap_toggl_hire.errors import SettingError, StateError, TapError
from tap_toggl_hire.redaction import Redaction
from tap_toggl_hire.streams import DIGESTS_KEY, STREAMS, TogglHireStream
from tap_toggl_hire.writer import MessageWriter

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    import click
    from singer_sdk.plugin_base import _ConfigInput

    from tap_toggl_hire.api.pagination import Params


class TapTogglHire(Tap):
    """Singer tap for Toggl Hire: job openings, candidates and their answers."""

    name = "tap-toggl-hire"
    config_jsonschema: t.ClassVar[dict[str, t.Any]] = settings.SCHEMA
    message_writer_class = MessageWriter
    message_writer: MessageWriter

    retry = Retry()
    """How often, and after which pauses, a request is tried again."""
    throttle_class = Throttle

    everything = Selection()
    """The selection that leaves nobody out."""

    def __init__(self, *, parse_env_config: bool = False, **kwargs: t.Any) -> None:
        if parse_env_config:  # the SDK would fail without naming the variable
            self.append_builtin_config(self.config_jsonschema)
            _refuse(settings.environment_problems(os.environ, self._env_var_prefix))
        super().__init__(parse_env_config=parse_env_config, **kwargs)
        if self.config.get("api_key"):  # discovery needs none
            Redaction(self.config["api_key"]).install()

    @classmethod
    def cb_config(
        cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]
    ) -> _ConfigInput:
        """Read the files of `--config`.

        Raises:
            SettingError: If one is no JSON object.
        """
        try:
            return super().cb_config(ctx, param, value)
        except (OSError, TypeError, ValueError) as error:
            files = ", ".join(value)
            msg = f"Of --config {files}, a file cannot be read as a JSON object."
            raise SettingError(msg) from error

    @classmethod
    def invoke(
        cls,
        *,
        state: t.IO[str] | None = None,
        catalog: t.IO[str] | None = None,
        **kwargs: t.Any,
    ) -> None:
        """Run the tap.

        Raises:
            StateError: If the file of `--state` is no JSON object.
            SettingError: If the file of `--catalog` is no catalog.
        """
        super().invoke(
            state=_json_file(state, dict, StateError(DAMAGED)),
            catalog=_json_file(
                catalog,
                Catalog.from_dict,
                SettingError("The file of --catalog is no Singer catalog."),
            ),
            **kwargs,
        )

    def discover_streams(self) -> Sequence[TogglHireStream]:
        """Make all streams; a child stream comes after its parent."""
        return [stream(self) for stream in STREAMS]

    # What the settings mean

    @cached_property
    def start(self) -> datetime | None:
        """Only candidates that started at or after this time."""
        text = self.config.get("start_date")
        return None if text is None else settings.moment(text).astimezone(UTC)

    @cached_property
    def opening_ids(self) -> list[str] | None:
        """Only these job openings; None for all."""
        ids = self.config.get("job_opening_ids")
        return None if ids is None else list(dict.fromkeys(map(str, ids)))

    @cached_property
    def candidate_params(self) -> Params:
        """The query that every list of candidates begins with."""
        return {
            **self._filters,
            "limit": str(self.config["page_size"]),
            # With a start date, the newest first, as far back as it says.
            "order": "asc" if self.start is None else "desc",
        }

    @property
    def _filters(self) -> Params:
        filters = self.config.get("candidate_filters") or {}
        return {
            name: ",".join(map(str, value)) if isinstance(value, list) else str(value)
            for name, value in filters.items()
            if value is not None
        }

    @property
    def _setting_of(self) -> dict[str, str]:
        """The setting behind each parameter of a request that has one."""
        return {
            **{name: f"candidate_filters.{name}" for name in self._filters},
            **(
                {}
                if self.opening_ids is None
                else {"job_opening_id": "job_opening_ids"}
            ),
            "limit": "page_size",
        }

    @cached_property
    def selection(self) -> Selection:
        """Which candidates the settings select."""
        return Selection.of(
            start_date=None if self.start is None else self.start.isoformat(),
            job_opening_ids=self.opening_ids,
            filters=self._filters,
            key=self.config["api_key"],
        )

    # What the streams share

    @cached_property
    def workers(self) -> Workers:
        """The threads that make requests."""
        return Workers(self.config["max_concurrency"])

    @cached_property
    def client(self) -> Client:
        """The API."""
        concurrency = self.config["max_concurrency"]
        rate = self.config.get("requests_per_second")
        access = Access(
            url=self.config["api_url"],
            key=self.config["api_key"],
            user_agent=self.config.get("user_agent")
            or f"{self.name}/{self.plugin_version}",
            timeout=float(self.config["request_timeout"]),
            connections=concurrency,
        )
        throttle = self.throttle_class(
            concurrency, None if rate is None else float(rate)
        )
        return Client(
            Transport(access, throttle),
            version=self.config.get("api_version"),
            retry=self.retry,
            setting_of=self._setting_of,
            logger=self.logger,
        )

    # Overridden hooks of the SDK

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Fill in defaults, and refuse wrong settings in sentences.

        The SDK's own check repeats the value, which may be a secret.
        """
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        for name, value in schema["properties"].items():
            if self._config.get(name) is None and "default" in value:
                self._config[name] = deepcopy(value["default"])
        problems = settings.problems(self._config)
        for error in JSONSchemaValidator(schema).iter_errors(self._config):
            if error.path and error.path[0] not in settings.NAMES:
                problems.append(
                    f"Setting {error.path[0]} does not fit its schema "
                    f"({error.validator}: {error.validator_value})."
                )
        batch = self._config.get("batch_config")
        if isinstance(batch, dict) and not {"encoding", "storage"} <= batch.keys():
            problems.append("Setting batch_config must have encoding and storage.")
        if raise_errors:
            _refuse(problems)
        return problems

    def setup_mapper(self) -> None:
        """Read the stream maps.

        Raises:
            SettingError: If one is wrong.
        """
        try:
            super().setup_mapper()
        except MappingError as error:
            msg = f"Setting stream_maps is wrong: {error}"
            raise SettingError(msg) from error

    def load_state(self, state: t.Any) -> None:
        """Read the state; refuse one that cannot be used before anything is read.

        Raises:
            StateError: If it is damaged, or from a newer version of the tap.
        """
        bookmarks = state.get("bookmarks", {}) if isinstance(state, dict) else None
        if not isinstance(bookmarks, dict) or not all(
            isinstance(bookmark, dict) for bookmark in bookmarks.values()
        ):
            raise StateError(DAMAGED)
        super().load_state(state)
        candidates = bookmarks.get("candidates", {})
        self.digests = Digests.load(candidates.get(DIGESTS_KEY))

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Stop between two messages; the state is written on the way out.

        The SDK would write the state in the middle of a record, and exit with 0.
        """
        self.message_writer.stop(signum)


def _json_file(
    file: t.IO[str] | None, read: Callable[[t.Any], object], refusal: TapError
) -> t.IO[str] | None:
    """Refuse a file that cannot be read as what it should be."""
    if file is None:
        return None
    try:
        text = file.read()
        read(json.loads(text))
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise refusal from error
    return io.StringIO(text)


def _refuse(problems: list[str]) -> None:
    if problems:
        raise SettingError(" ".join(problems))
