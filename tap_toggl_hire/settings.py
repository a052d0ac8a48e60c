"""The settings: their JSON schema, what is wrong with given values, `Settings`.

The schema holds the bounds, so that `--about` shows them. Messages name the setting
and never repeat its value, which may be a secret or an e-mail address.
"""

from __future__ import annotations

import json
import math
import re
import typing as t
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cached_property
from urllib.parse import urlsplit

from jsonschema import Draft4Validator, Draft202012Validator, FormatChecker
from jsonschema.validators import extend
from singer_sdk import typing as th
from urllib3.util import parse_url

from tap_toggl_hire.clock import moment
from tap_toggl_hire.sync.scope import Scope

if t.TYPE_CHECKING:
    from jsonschema import ValidationError

_EDGE = "[!#-&(-_a-~]"  # visible ASCII without quotes
_END = r"$(?!\n)"  # in Python, a $ also matches before a final line break
_HALF = r"\ud800-\udfff"  # of a surrogate pair: it cannot be sent
_WORDS = re.compile(r"\b(api|id|pii|url)(?=s?\b)", re.IGNORECASE)


class _Setting(t.NamedTuple):
    """A setting to be declared.

    The text is its description, which names the bounds, because the Hub and Meltano
    have no field for them. What stands in braces completes "Setting ... must be".
    """

    wrapped: th.JSONTypeHelper[t.Any] | type[th.JSONTypeHelper[t.Any]]
    text: str
    options: Mapping[str, t.Any] = {}

    def property(self, name: str) -> th.Property[t.Any]:
        valid = re.search("{(.+)}", self.text)
        title = name.replace("_", " ").capitalize()
        return th.Property(
            name,
            self.wrapped,
            title=_WORDS.sub(lambda word: word[0].upper(), title),
            description=re.sub("[{}]", "", self.text),
            errorMessage=f"must be {valid[1] if valid else 'true or false'}",
            **self.options,
        )


# YAML and the environment turn an ID of digits into a number.
_ID = {"type": ["string", "integer"], "pattern": rf"^(?!\s*$)[^{_HALF}]+{_END}"}
_IDS = th.CustomType({"type": ["array", "null"], "items": _ID, "minItems": 1})
_FILTERS = {
    "category_id": (th.CustomType(_ID), "the ID of a category"),
    "tag_ids": (_IDS, 'a list of tag IDs such as ["300", "301"]'),
    "hire_state": (  # other states exist, but the API does not filter by them
        th.StringType(allowed_values=["possible-hire", "rejected"]),
        "possible-hire or rejected",
    ),
    **{
        f"{end}_{field}": (th.NumberType(minimum=0, maximum=most), valid)
        for field, most, valid in (
            ("score", 100, "a percentage from 0 to 100"),
            ("rating", 3, "a number of stars from 0 to 3"),
        )
        for end in ("min", "max")
    },
    "email": (th.EmailType(min_length=1), "an e-mail address"),
}
FILTERS = tuple(_FILTERS)  # the names of the filters

_SETTINGS = {
    "api_key": _Setting(
        th.StringType(pattern=f"^{_EDGE}([!-~]*{_EDGE})?{_END}"),
        "API key: {the key from the integration settings page of the workspace, "
        "without quotes, spaces or line breaks around it}.",
        {"required": True, "secret": True},
    ),
    "api_url": _Setting(
        th.URIType(
            pattern=rf"^[Hh][Tt][Tt][Pp][Ss]?://[^\x00-\x20\\?#@{_HALF}]+{_END}"
        ),
        "Root of the API: {a URL without a version, such as the default}.",
        {"default": "https://api.hire.toggl.com/api"},
    ),
    "api_version": _Setting(
        th.StringType(pattern=rf"^v[0-9]+(\.[0-9]+)*{_END}"),
        "Version of the API: {a version such as v2.1}. Unset: v2.1; if the API no "
        "longer knows it, v2.2, then v2. Set: only that version.",
    ),
    "start_date": _Setting(
        th.DateTimeType,
        "Only candidates who started the test at or after this time: {a date or time "
        "such as 2024-01-31T00:00:00Z}.",
    ),
    "job_opening_ids": _Setting(
        _IDS,
        "Only these job openings, their categories and candidates: {a list of job "
        'opening IDs such as ["100", "101"]}. Unset: all.',
    ),
    "candidate_filters": _Setting(
        th.ObjectType(
            *(
                _Setting(kind, f"The API's filter {name}: {{{valid}}}.").property(name)
                for name, (kind, valid) in _FILTERS.items()
            ),
            additional_properties=False,
        ),
        "Only candidates that match all of these filters of the API: {an object with "
        f"some of {', '.join(FILTERS)}}}. tag_ids: all of these. Scores are "
        "percentages from 0 to 100, ratings are 0 to 3 stars.",
    ),
    "page_size": _Setting(
        th.IntegerType(minimum=1),
        "Candidates per page (the API's parameter limit): {an integer of at least 1}.",
        {"default": 100},
    ),
    "max_concurrency": _Setting(
        th.IntegerType(minimum=1, maximum=256),
        "Maximum number of concurrent requests across all streams: {an integer from 1 "
        "to 256}. 1 is sequential.",
        {"default": 8},
    ),
    "requests_per_second": _Setting(
        th.NumberType(minimum=0.001),  # type: ignore[arg-type] # a float is fine
        "Upper limit of the request rate: {a number of at least 0.001}. Unset: the tap "
        "adapts to the API's rate limit.",
    ),
    "request_timeout": _Setting(
        th.NumberType(exclusive_minimum=0, maximum=86400),
        "Seconds per request, from connect to the last byte: {a number greater than 0 "
        "and at most 86400}.",
        {"default": 60},
    ),
    "reverify_days": _Setting(
        th.IntegerType(minimum=0, maximum=36500),
        "Days within which the details of every candidate are re-fetched once, to find "
        "changes that no list shows: {an integer from 0 to 36500}. 0: never.",
        {"default": 30},
    ),
    "pii": _Setting(
        th.StringType(allowed_values=["keep", "hash", "drop"]),
        "What happens to name, email, profile_url, every field of contact_info, and "
        "text answers: {keep, hash or drop}. hash: keyed HMAC-SHA256 in hex. drop: "
        "null. Both modes also set text answers and extra to null; null and empty "
        "strings stay as they are.",
        {"default": "keep"},
    ),
    "pii_hash_key": _Setting(
        th.StringType(min_length=16, pattern=f"^[^{_HALF}]*{_END}"),
        "Key of the hashes: {a string of at least 16 characters}. Required if pii is "
        "hash.",
        {"secret": True},
    ),
    "pii_tags": _Setting(
        th.StringType(allowed_values=["keep", "drop"]),
        "What happens to the tag_ids of candidates if pii is hash or drop: {keep or "
        "drop} (null). A tag may say anything about a person.",
        {"default": "keep"},
    ),
    "confirm_mass_deletion": _Setting(
        th.BooleanType,
        "For one run, after most candidates were deleted on purpose: skip the limit on "
        "deletions, and the proof that the key belongs to the workspace of the state. "
        "Each run in which it is true logs a warning.",
        {"default": False},
    ),
    "time_limit_minutes": _Setting(
        th.NumberType(exclusive_minimum=0),
        "Minutes after the start of the process at which the run stops: {a number "
        "greater than 0}. The run emits what it has read, writes its state and ends "
        "with exit code 0; the next run continues. Cannot be combined with FULL_TABLE "
        "for a candidate stream: it would start over in every run. Unset: no limit.",
    ),
    "user_agent": _Setting(
        th.StringType(pattern=f"^[!-~]([ -~]*[!-~])?{_END}"),
        "User-Agent header: {a string of printable ASCII characters}. Unset: "
        "tap-toggl-hire/<version>.",
    ),
    "emit_activate_version_messages": _Setting(
        th.BooleanType,
        "Send ACTIVATE_VERSION after the last record of a full-table stream or of a "
        "first load of candidates, so that the target marks the rows that are gone.",
        {"default": False},
    ),
}
SCHEMA: dict[str, t.Any] = th.PropertiesList(
    *(setting.property(name) for name, setting in _SETTINGS.items())
).to_dict()

NAMES = frozenset(SCHEMA["properties"])
"""The tap's own settings; the SDK adds its own to `SCHEMA` later."""

SDK_SETTINGS = {
    "stream_maps": (
        "Stream maps",
        "Filters, expressions, copies and other names for streams and columns.",
    ),
    "stream_map_config": (
        "Stream map config",
        "Values that the expressions of stream_maps may use.",
    ),
    "faker_config": (
        "Faker config",
        "Seed and locale of fake in stream_maps. Needs the extra faker.",
    ),
    "flattening_enabled": (
        "Flattening enabled",
        "Whether to make a column of each nested property.",
    ),
    "flattening_max_depth": (
        "Flattening max depth",
        "Maximum depth of the properties that become columns.",
    ),
    "flattening_max_key_length": (
        "Flattening max key length",
        "Maximum length of the names of these columns.",
    ),
    "flattening_separator": (
        "Flattening separator",
        "Text between the names of a column and its property.",
    ),
    "batch_config": (
        "Batch config",
        "Encoding and storage of files, with BATCH messages in place of records.",
    ),
}
"""Title and description of the SDK's settings, whose own texts change with its version.

`TapTogglHire.append_builtin_config` puts them into `SCHEMA`.
"""


def problems(config: Mapping[str, t.Any]) -> list[str]:
    """Return a sentence per setting with a problem, which names it; None is unset."""
    given = _given(SCHEMA, config)
    try:
        errors = [*_Validator(SCHEMA, format_checker=_FORMATS).iter_errors(given)]
        found = list(dict.fromkeys(map(_sentence, errors)))
    except AttributeError:  # the SDK's schema of __else__ is invalid
        found = ["Setting stream_maps has an __else__ that is not null."]
    if given.get("pii") == "hash" and "pii_hash_key" not in given:
        found.append("Setting pii_hash_key is required if pii is hash.")
    batch = given.get("batch_config")
    if isinstance(batch, dict) and not {"encoding", "storage"} <= batch.keys():
        found.append("Setting batch_config must have encoding and storage.")
    filters = {} if found else given.get("candidate_filters", {})
    found += [
        f"Setting candidate_filters.min_{field} must not be above max_{field}."
        for field in ("score", "rating")
        if filters.get(f"min_{field}", 0) > filters.get(f"max_{field}", 100)
    ]
    return found


def environment_problems(environ: Mapping[str, str], prefix: str) -> list[str]:
    """Return a sentence per variable of this prefix that the SDK cannot parse."""
    return [
        f"Setting {name} {schema.get('errorMessage') or 'does not fit its type'}."
        for name, schema in SCHEMA["properties"].items()
        if (text := environ.get(prefix + name.upper())) is not None
        and not _parses(text, schema["type"])
    ]


def _parses(text: str, types: list[str]) -> bool:
    try:
        if "integer" in types:
            int(text)
        if "object" in types or ("array" in types and text.startswith("[")):
            json.loads(text)
    except ValueError:
        return False
    switches = {"true", "false", "1", "0", "yes", "no", "on", "off"}
    return "boolean" not in types or text.lower() in switches


def warnings(
    config: Mapping[str, t.Any], environ: Mapping[str, str], prefix: str
) -> list[str]:
    """Return a sentence per setting or variable that has no effect, or is not safe.

    The settings are those that were given, without defaults; the prefix is that of the
    tap's variables. `SCHEMA` has the SDK's settings by now.
    """
    known = SCHEMA["properties"]
    found = [
        f"Ignoring an unknown setting{_shown(name)}.{_nearest(name)}"
        for name in config
        if name not in known and not name.startswith("_")
    ]
    if _UNENCRYPTED.match(str(config.get("api_url"))):
        found.append(
            "The API key is sent without encryption, since api_url begins with "
            "http://. Set it to an address with https://."
        )
    if config.get("pii_tags") == "drop" and config.get("pii") in {None, "keep"}:
        found.append("Setting pii_tags has no effect unless pii is hash or drop.")
    for variable, text in environ.items():
        name = variable.removeprefix(prefix).lower()
        if variable == name.upper() or not text or config.get(name) is not None:
            continue
        if name in known:
            found.append(
                f"{variable} is in the environment and not read: add --config=ENV or, "
                f"with Meltano, list {name} among the tap's settings."
            )
        elif nearest := _nearest(name, cutoff=0.85):  # not LOGLEVEL, for example
            found.append(f"Ignoring an unknown variable{_shown(variable)}.{nearest}")
    return found


_UNENCRYPTED = re.compile(
    r"http://(?!(([^/:]+\.)?localhost|127(\.\d+){3}|\[::1])(:|/|$))", re.IGNORECASE
)
"""A URL that leads to another machine."""


def _shown(name: str) -> str:
    is_loggable = re.fullmatch(r"\w{1,60}", name, re.ASCII)
    return f" {name}" if is_loggable else " whose name has unusual characters"


def _nearest(name: str, cutoff: float = 0.6) -> str:
    nearest = get_close_matches(name.lower(), SCHEMA["properties"], n=1, cutoff=cutoff)
    return f" Did you mean {nearest[0]}?" if nearest else ""


def _given(schema: dict[str, t.Any], value: t.Any) -> t.Any:
    """Return what is validated: null is unset, and a number is a finite float.

    The SDK does not parse numbers in the environment.
    """
    if isinstance(value, Mapping):
        fields = schema.get("properties", {})
        return {
            name: _given(fields.get(name, {}), field)
            for name, field in value.items()
            if field is not None
        }
    if "number" in schema.get("type", ()) and not isinstance(value, bool):
        with suppress(TypeError, ValueError, OverflowError):
            if math.isfinite(number := float(value)):
                return number
        return "not a number"
    return value


def _sentence(error: ValidationError) -> str:
    """Turn a validation error into a sentence without the value."""
    if error.validator == "required" and not error.absolute_path:
        return (
            "Setting api_key is required: the workspace's API key, in the file of "
            "--config or, with --config=ENV, in the environment."
        )
    name, *rest = (str(step) for step in error.absolute_path)
    if name not in NAMES:
        return (
            f"Setting {name} does not fit its schema "
            f"({error.validator}: {error.validator_value})."
        )
    schema = SCHEMA["properties"][name]
    if rest and name == "candidate_filters":  # an unknown filter is its own error
        name, schema = f"{name}.{rest[0]}", schema["properties"][rest[0]]
    return f"Setting {name} {schema['errorMessage']}."


def _is_url(value: str) -> bool:
    host = (parse_url(value).host or "").removesuffix(".").encode("idna")
    url = urlsplit(value)
    is_versioned = re.search(r"/v[0-9]+(\.[0-9]+)*/*$", url.path)
    return host != b"" and url.port != 0 and not is_versioned


# In draft 4, 100.0 is not an integer.
_Validator = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, type_checker=Draft4Validator.TYPE_CHECKER
)
_CHECKS: dict[str, t.Callable[[t.Any], bool]] = {
    "uri": _is_url,
    "date-time": lambda value: bool(moment(value).astimezone(UTC)),
    "email": lambda value: value.isprintable() and " " not in value,
}
_FORMATS = FormatChecker(formats=())
_RAISED = (AttributeError, TypeError, ValueError, OverflowError)
for _format, _check in _CHECKS.items():
    _FORMATS.checks(_format, _RAISED)(_check)


@dataclass(frozen=True)
class Settings:
    """The settings of a run; each field is the setting of its name."""

    api_key: str
    api_url: str
    api_version: str | None
    start_date: datetime | None  # in UTC
    job_opening_ids: tuple[str, ...] | None
    candidate_filters: tuple[tuple[str, str], ...]  # as sent to the API, sorted by name
    page_size: int
    max_concurrency: int
    requests_per_second: float | None
    request_timeout: float
    reverify_days: int
    pii: str
    pii_hash_key: str | None
    pii_tags: str
    confirm_mass_deletion: bool
    time_limit_minutes: float | None
    user_agent: str | None
    emit_activate_version_messages: bool

    @classmethod
    def parse(cls, config: Mapping[str, t.Any]) -> Settings:
        """Parse settings, with defaults, that have no `problems`."""
        given = _given(SCHEMA, config)
        values = {name: given.get(name) for name in NAMES}
        if start := given.get("start_date"):
            values["start_date"] = moment(start).astimezone(UTC)
        if ids := given.get("job_opening_ids"):
            values["job_opening_ids"] = tuple(dict.fromkeys(map(str, ids)))
        values["candidate_filters"] = tuple(
            (name, ",".join(map(str, value if isinstance(value, list) else [value])))
            for name, value in sorted((config.get("candidate_filters") or {}).items())
            if value is not None
        )
        return cls(**values)

    @cached_property
    def scope(self) -> Scope:
        """The candidates that they select."""
        return Scope(self.start_date, self.job_opening_ids, self.candidate_filters)

    @property
    def drops_tags(self) -> bool:
        """Whether `tag_ids` of candidates are set to null."""
        return self.pii != "keep" and self.pii_tags == "drop"

    @property
    def setting_of(self) -> dict[str, str]:
        """The setting behind each parameter of a request that has one."""
        filters = [name for name, _ in self.candidate_filters]
        named = {name: f"candidate_filters.{name}" for name in filters}
        if self.job_opening_ids is not None:
            named["job_opening_id"] = "job_opening_ids"
        return {**named, "limit": "page_size"}

    def narrowing(self) -> dict[str, t.Any]:
        """Return the settings that select candidates, without personal data."""
        selecting = {
            "start_date": self.start_date and self.start_date.isoformat(),
            "job_opening_ids": self.job_opening_ids,
            "candidate_filters": {
                name: "set" if name == "email" else value
                for name, value in self.candidate_filters
            },
        }
        return {name: value for name, value in selecting.items() if value}
