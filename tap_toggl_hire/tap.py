"""The tap: its settings, its state and its streams."""

from __future__ import annotations

import io
import json
import os
import typing as t
from copy import deepcopy
from functools import cached_property

import click
from singer_sdk import Tap
from singer_sdk.mapper import PluginMapper
from singer_sdk.plugin_base import JSONSchemaValidator
from singer_sdk.singerlib import Catalog
from singer_sdk.tap_base import CliTestOptionValue

from tap_toggl_hire import settings
from tap_toggl_hire.api.retry import Retry
from tap_toggl_hire.api.throttle import Throttle
from tap_toggl_hire.errors import SettingError, StateError, TapError
from tap_toggl_hire.projection import selected_schema
from tap_toggl_hire.redaction import Redaction
from tap_toggl_hire.session import Session
from tap_toggl_hire.streams import STREAMS
from tap_toggl_hire.sync.state import DAMAGED, DIGESTS_KEY, State
from tap_toggl_hire.sync.stretch import Stretch
from tap_toggl_hire.writer import MessageWriter

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from singer_sdk.plugin_base import _ConfigInput

    from tap_toggl_hire.bases import TogglHireStream


class TapTogglHire(Tap):
    """Singer tap for Toggl Hire: job openings, candidates and their answers."""

    name = "tap-toggl-hire"
    config_jsonschema: t.ClassVar[dict[str, t.Any]] = settings.SCHEMA
    message_writer_class = MessageWriter
    message_writer: MessageWriter
    retry = Retry()
    """How often, and after which pauses, a request is tried again."""
    throttle_class = Throttle
    stretch_class = Stretch

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
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Tell what the API sends, in place of one record of each stream."""
        if value != CliTestOptionValue.All.value:
            super().cb_test(ctx, param, value)
            return
        from tap_toggl_hire.checkup import Checkup  # noqa: PLC0415 - discovery is quick

        config = ctx.params["config"]
        tap = cls(config=config.config, parse_env_config=config.parse_env)
        click.echo(Checkup(tap, tap.session).report(), nl=False)
        ctx.exit()

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

    @cached_property
    def session(self) -> Session:
        """What the streams share."""
        return Session(
            self.config,
            agent=f"{self.name}/{self.plugin_version}",
            retry=self.retry,
            throttle=self.throttle_class,
            stretch=self.stretch_class,
            logger=self.logger,
        )

    def discover_streams(self) -> Sequence[TogglHireStream]:
        """Make all streams; a child stream comes after its parent."""
        return [stream(self, self.session) for stream in STREAMS]

    def sync_all(self) -> None:  # type: ignore[misc] # final, but for taps that own their loop
        """Sync all streams, in a loop of our own: see `runner`."""
        from tap_toggl_hire.runner import Runner  # noqa: PLC0415 - discovery is quick

        Runner(self, self.session, self.known).run()

    # Overridden hooks of the SDK

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Fill in defaults, and refuse wrong settings in sentences.

        The SDK's own check repeats the value, which may be a secret.
        """
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        if raise_errors:  # discovery uses no setting
            prefix = self._env_var_prefix
            for sentence in settings.warnings(self._config, os.environ, prefix):
                self.logger.warning("%s", sentence)
        for name, value in schema["properties"].items():
            if self._config.get(name) is None and "default" in value:
                self._config[name] = deepcopy(value["default"])
        problems = settings.problems(self._config)
        try:
            errors = list(JSONSchemaValidator(schema).iter_errors(self._config))
        except AttributeError:  # the SDK's schema of it is none
            errors = []
            problems.append("Setting stream_maps has an __else__ that is not null.")
        for error in errors:
            if error.path and error.path[0] not in settings.NAMES:
                problems.append(
                    f"Setting {error.path[0]} does not fit its schema "
                    f"({error.validator}: {error.validator_value})."
                )
        if raise_errors:
            _refuse(problems)
        return problems

    def setup_mapper(self) -> None:
        """Read the stream maps, each on the schema that it is used with.

        The SDK would give the map of a deselected stream a schema without columns.

        Raises:
            SettingError: If one is wrong.
        """
        maps = deepcopy(self.config.get("stream_maps") or {})
        config = {**self.config, "stream_maps": maps}
        try:
            # It takes `__else__` out of what it is given.
            self._mapper = PluginMapper(config, self.logger)
            for stream in self.streams.values():
                self._mapper.register_raw_stream_schema(
                    stream.name,
                    selected_schema(stream) if stream.selected else stream.schema,
                    stream.primary_keys,
                )
        except Exception as error:
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
        self.known = State.load(candidates.get(DIGESTS_KEY))

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
    if not file.seekable():
        return io.StringIO(text)
    file.seek(0)  # a state may be large: no copy of it
    return file


def _refuse(problems: list[str]) -> None:
    if problems:
        raise SettingError(" ".join(problems))
