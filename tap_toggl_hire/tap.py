"""The tap: its settings, its state and its streams, on the hooks of the SDK."""

from __future__ import annotations

import io
import json
import os
import typing as t
from copy import deepcopy
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace

import click
from singer_sdk.mapper import PluginMapper
from singer_sdk.singerlib import Catalog
from singer_sdk.tap_base import CliTestOptionValue

from tap_toggl_hire import settings
from tap_toggl_hire.api.client import NO_RETRY, Retry
from tap_toggl_hire.api.workers import Workers
from tap_toggl_hire.clock import MACHINE
from tap_toggl_hire.errors import SettingError
from tap_toggl_hire.logs import drop_sdk_details, redact
from tap_toggl_hire.messages import MessageWriter
from tap_toggl_hire.projection import selected_schema
from tap_toggl_hire.run import Run
from tap_toggl_hire.session import Session, SessionTap
from tap_toggl_hire.settings import Settings
from tap_toggl_hire.stop import Stop
from tap_toggl_hire.streams import STREAMS, ListStream
from tap_toggl_hire.sync.state import KEY, State, invalid_state, unwrap

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    # Private, for types only: `cb_config` returns it. A public name would replace it.
    from singer_sdk.plugin_base import _ConfigInput

    from tap_toggl_hire.streams import TogglHireStream


class TapTogglHire(SessionTap):
    """Singer tap for Toggl Hire: job openings, candidates and their answers."""

    name = "tap-toggl-hire"
    config_jsonschema: t.ClassVar[dict[str, t.Any]] = settings.SCHEMA
    message_writer_class = MessageWriter
    message_writer: MessageWriter
    retry = Retry()  # when a request that failed is sent again
    workers_class = Workers
    machine = MACHINE  # the clock of a run, and chance

    def __init__(self, *, parse_env_config: bool = False, **kwargs: t.Any) -> None:
        self.stop = Stop(self.machine)  # the time limit counts from here
        self.own_state = State()  # the part of the state under the tap's own key
        if parse_env_config:  # the SDK would fail without naming the variable
            self.append_builtin_config(self.config_jsonschema)
            _reject(settings.environment_problems(os.environ, self._env_var_prefix))
        drop_sdk_details(self.logger)
        super().__init__(parse_env_config=parse_env_config, **kwargs)
        if self.config.get("api_key"):  # discovery needs none
            redact(self.config["api_key"])

    @classmethod
    def cb_config(
        cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]
    ) -> _ConfigInput:
        """Read the files of `--config`; raise SettingError if one is not usable."""
        for name in value:
            if name != "ENV":
                _check_config(name)
        return super().cb_config(ctx, param, value)

    @classmethod
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Report how the API differs from what the tap knows (`--test`).

        The SDK's own test prints a record of each stream: personal data.
        """
        test = CliTestOptionValue
        if value in {test.Disabled.value, test.Schema.value}:
            super().cb_test(ctx, param, value)
            return
        if value not in {test.All.value, SHAPE}:
            raise SettingError(TEST_VALUE.format(value))
        from tap_toggl_hire.checkup import report  # noqa: PLC0415 - discovery is quick
        from tap_toggl_hire.survey import survey  # noqa: PLC0415 - likewise

        config = ctx.params["config"]
        tap = cls(config=config.config, parse_env_config=config.parse_env)
        tap.retry = NO_RETRY
        if value == SHAPE:
            click.echo(json.dumps(survey(tap), indent=1))
        else:
            click.echo(report(tap), nl=False)
        ctx.exit()

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the command line; its help says what this tap's `--test` does."""
        command = super().get_singer_command()
        for option in command.params:
            if option.name == "test":
                t.cast("click.Option", option).help = (
                    "Use --test to check the settings and to report how the API "
                    "differs from what the tap knows: one screen without personal "
                    "data, at most 12 requests. Use --test=shape to write the form of "
                    "what the API sends, without a value, for an issue: one JSON "
                    "document, at most 12 requests. Use --test=schema to write the "
                    "SCHEMA messages without requests."
                )
        return command

    @classmethod
    def invoke(
        cls,
        *,
        state: t.IO[str] | None = None,
        catalog: t.IO[str] | None = None,
        **kwargs: t.Any,
    ) -> None:
        """Run the tap; raise TapError if `--state` or `--catalog` is not usable."""
        super().invoke(
            state=None if state is None else _state_file(state.read()),
            catalog=None if catalog is None else _catalog_file(catalog.read()),
            **kwargs,
        )

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, t.Any]) -> None:
        """Add the settings of the SDK, with descriptions of our own."""
        super().append_builtin_config(config_jsonschema)
        for name, (title, description) in settings.SDK_SETTINGS.items():
            texts = {"title": title, "description": description}
            config_jsonschema["properties"][name].update(texts)

    @cached_property
    def session(self) -> Session:
        """What the streams of a run share; discovery, which needs no setting, has none.

        The handler of signals, which the SDK installs, and the run share the stop.
        """
        parsed = Settings.parse(self.config)
        if parsed.time_limit_minutes is not None:
            self.stop.limit(parsed.time_limit_minutes)
        return Session(
            parsed,
            user_agent=f"{self.name}/{self.plugin_version}",
            retry=self.retry,
            workers=self.workers_class,
            machine=self.machine,
            stop=self.stop,
            logger=self.logger,
        )

    def discover_streams(self) -> Sequence[TogglHireStream]:
        """Return all streams; a child stream comes after its parent."""
        return [stream(self) for stream in STREAMS]

    def sync_all(self) -> None:  # type: ignore[misc] # final: this tap owns its loop
        """Sync all streams, in a loop of our own: see `run`."""
        Run(self, self.own_state, self.message_writer).run()

    # Overridden hooks of the SDK

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Fill in defaults and reject invalid settings.

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
        if raise_errors:
            _reject(problems)
        return problems

    def setup_mapper(self) -> None:
        """Read the stream maps, each with the schema it is applied to.

        The SDK would give the map of a deselected stream a schema without columns.
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
            raise SettingError(f"Setting stream_maps is invalid: {error}") from error

    def load_state(self, state: t.Any) -> None:
        """Read the state, and reject one that cannot be used.

        The SDK carries over `bookmarks` alone, so the tap's own key is added here.
        """
        lists = [s.name for s in self.streams.values() if isinstance(s, ListStream)]
        state = unwrap(state, lists)
        super().load_state(state)
        self.own_state = State.load(state.get(KEY))
        if KEY in state:
            t.cast("dict[str, t.Any]", self.state)[KEY] = state[KEY]

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Ask the run to stop.

        The SDK's handler writes a state in the middle of a record, and exits with 0.
        """
        self.stop.signal(signum)


SHAPE = "shape"  # the value of `--test`
TEST_VALUE = "--test={} is unknown: use --test, --test=shape or --test=schema."


def _check_config(name: str) -> None:
    path = Path(name)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingError(f"--config {name}: no such file.") from None
    except OSError as error:
        raise SettingError(f"--config {name}: {error.strerror}.") from None
    except json.JSONDecodeError as error:
        raise SettingError(
            f"--config {name}: not valid JSON (line {error.lineno}, column "
            f"{error.colno})."
        ) from None
    except (ValueError, RecursionError):
        raise SettingError(f"--config {name}: not valid JSON in UTF-8.") from None
    if not isinstance(value, dict):
        raise SettingError(f"--config {name}: not a JSON object.")


def _state_file(text: str) -> t.IO[str]:
    if not text.strip():
        raise invalid_state("the file is empty")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise invalid_state("it is not valid JSON") from None
    if not isinstance(value, dict):  # the SDK takes [] for no state
        raise invalid_state("it is not a JSON object")
    # The SDK keeps the file for the whole run: let it drop the text once it is read.
    return t.cast("t.IO[str]", SimpleNamespace(read=[text].pop))


def _catalog_file(text: str) -> io.StringIO:
    try:
        Catalog.from_dict(json.loads(text))
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
        raise SettingError(
            "The file of --catalog is not a Singer catalog: make one with --discover."
        ) from None
    return io.StringIO(text)


def _reject(problems: list[str]) -> None:
    if problems:
        raise SettingError(" ".join(problems))
