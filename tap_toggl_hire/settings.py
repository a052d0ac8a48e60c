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

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend
from singer_sdk import typing as th

from tap_toggl_hire.clock import moment
from tap_toggl_hire.sync.scope import ALL_PARTS, MOST_PARTS, Part, Scope

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema.protocols import Validator

_EDGE = "[!#-&(-_a-~]"  # visible ASCII without quotes


def _setting(
    name: str,
    wrapped: th.JSONTypeHelper[t.Any] | type[th.JSONTypeHelper[t.Any]],
    text: str,
    **options: t.Any,
) -> th.Property[t.Any]:
    """Declare a setting.

    The text is its description, which names the bounds, because the Hub and Meltano
    have no field for them. What stands in braces completes "Setting ... must be".
    """
    valid = re.search("{(.+)}", text)
    words = [_WORDS.get(word, word) for word in name.split("_")]
    return th.Property(
        name,
        wrapped,
        title=" ".join([words[0][0].upper() + words[0][1:], *words[1:]]),
        description=re.sub("[{}]", "", text),
        errorMessage=f"must be {valid[1] if valid else 'true or false'}",
        **options,
    )


_WORDS = {"api": "API", "id": "ID", "ids": "IDs", "pii": "PII", "url": "URL"}


def _filter(
    name: str, wrapped: th.JSONTypeHelper[t.Any], valid: str, **options: t.Any
) -> th.Property[t.Any]:
    text = f"The API's filter {name}: {{{valid}}}."
    return _setting(name, wrapped, text, **options)


def _id() -> th.CustomType:
    """Return the type of an ID: YAML and the environment turn digits into numbers."""
    return th.CustomType({"type": ["string", "integer"], "pattern": r"\S"})


_IDS = th.ArrayType(_id())
_FILTERS = th.ObjectType(
    _filter("category_id", _id(), "the ID of a category"),
    _filter("tag_ids", _IDS, 'a list of tag IDs such as ["300", "301"]', minItems=1),
    _filter(  # a candidate may have another state, but the API does not filter by it
        "hire_state",
        th.StringType(allowed_values=["possible-hire", "rejected"]),
        "possible-hire or rejected",
    ),
    *(
        _filter(f"{end}_{field}", th.NumberType(minimum=0, maximum=most), valid)
        for field, most, valid in (
            ("score", 100, "a percentage from 0 to 100"),
            ("rating", 3, "a number of stars from 0 to 3"),
        )
        for end in ("min", "max")
    ),
    _filter("email", th.EmailType(min_length=1), "an e-mail address"),
    additional_properties=False,
)
FILTERS = tuple(_FILTERS.wrapped)
"""The names of the filters."""

SCHEMA: dict[str, t.Any] = th.PropertiesList(
    _setting(
        "api_key",
        th.StringType(pattern=f"^{_EDGE}([!-~]*{_EDGE})?$"),
        "API key: {the key from the integration settings page of the workspace, "
        "without quotes, spaces or line breaks around it}.",
        required=True,
        secret=True,
    ),
    _setting(
        "api_url",
        th.URIType(pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://[^\x00-\x20\\?#@]+$"),
        "Root of the API: {a URL without a version, such as the default}.",
        default="https://api.hire.toggl.com/api",
    ),
    _setting(
        "api_version",
        th.StringType(pattern=r"^v[0-9]+(\.[0-9]+)*$"),
        "Version of the API: {a version such as v2.1}. Unset: v2.1; if the API no "
        "longer knows it, v2.2, then v2. Set: only that version.",
    ),
    _setting(
        "start_date",
        th.DateTimeType,
        "Only candidates who started the test at or after this time: {a date or time "
        "such as 2024-01-31T00:00:00Z}.",
    ),
    _setting(
        "job_opening_ids",
        _IDS,
        "Only these job openings, their categories and candidates: {a list of job "
        'opening IDs such as ["100", "101"]}. Unset: all.',
        minItems=1,
    ),
    _setting(
        "candidate_filters",
        _FILTERS,
        "Only candidates that match all of these filters of the API: {an object with "
        f"some of {', '.join(FILTERS)}}}. tag_ids selects candidates with all of these "
        "tags; scores are percentages from 0 to 100, ratings numbers of stars from 0 "
        "to 3.",
    ),
    _setting(
        "page_size",
        th.IntegerType(minimum=1),
        "Candidates per list request (the API's limit): {an integer of at least 1}.",
        default=100,
    ),
    _setting(
        "max_concurrency",
        th.IntegerType(minimum=1, maximum=256),
        "Maximum number of concurrent requests across all streams: {an integer from 1 "
        "to 256}. 1 is sequential.",
        default=8,
    ),
    _setting(
        "requests_per_second",
        th.NumberType(minimum=0.001),  # type: ignore[arg-type] # a float is fine
        "Upper limit of the request rate: {a number of at least 0.001}. Unset: the tap "
        "adapts to the API's rate limit.",
    ),
    _setting(
        "request_timeout",
        th.NumberType(exclusive_minimum=0, maximum=86400),
        "Seconds per request, from connect to the last byte: {a number greater than 0 "
        "and at most 86400}.",
        default=60,
    ),
    _setting(
        "reverify_days",
        th.IntegerType(minimum=0),
        "Every candidate's details are re-fetched once per this many days, spread "
        "evenly over the runs, to find changes that the list does not show: {an "
        "integer of at least 0}. 0 turns re-verification off.",
        default=30,
    ),
    _setting(
        "pii",
        th.StringType(allowed_values=["keep", "hash", "drop"]),
        "Treatment of name, email, profile_url, every field of contact_info, and text "
        "answers: {keep, hash or drop}. hash: keyed HMAC-SHA256 in hex, text answers "
        "become null. drop: null. Null and the empty string stay as they are. With "
        "hash and drop, the column extra is null.",
        default="keep",
    ),
    _setting(
        "pii_hash_key",
        th.StringType(min_length=16),
        "Key of the hashes: {a string of at least 16 characters}. Required if pii is "
        "hash.",
        secret=True,
    ),
    _setting(
        "pii_tags",
        th.StringType(allowed_values=["keep", "drop"]),
        "Treatment of the tag_ids of candidates if pii is hash or drop: {keep or drop} "
        "(null). A tag may say anything about a person.",
        default="keep",
    ),
    _setting(
        "part",
        th.StringType(pattern="^[1-9][0-9]{0,2}/[1-9][0-9]{0,2}$"),
        "Only the candidates whose ID falls into this part by a stable hash: {a part "
        f"such as 2/4 (the second of four; at most {MOST_PARTS} parts)}}. Each part "
        "needs its own state.",
        format="part",
    ),
    _setting(
        "confirm_mass_deletion",
        th.BooleanType,
        "For one run, after most candidates were deleted on purpose: skip the proof "
        "that the API key belongs to the workspace of the state, and the limit on "
        "deletions.",
        default=False,
    ),
    _setting(
        "user_agent",
        th.StringType(pattern="^[!-~]([ -~]*[!-~])?$"),
        "User-Agent header: {a string of printable ASCII characters}. Unset: "
        "tap-toggl-hire/<version>.",
    ),
    _setting(
        "emit_activate_version_messages",
        th.BooleanType,
        "Send ACTIVATE_VERSION after the last record of a full-table stream or of a "
        "first load of candidates, so that the target marks the rows that are gone.",
        default=False,
    ),
).to_dict()

NAMES = frozenset(SCHEMA["properties"])
"""The tap's own settings; the SDK adds its own to `SCHEMA` later."""


def problems(config: Mapping[str, t.Any]) -> list[str]:
    """Find what is wrong with the settings.

    Args:
        config: The settings, with defaults. A setting that is None is unset.

    Returns:
        One sentence per setting with a problem, which names it.
    """
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
    """Find environment variables that the SDK cannot parse.

    Args:
        environ: The environment.
        prefix: The prefix of the tap's variables.

    Returns:
        One sentence per variable, which names the setting.
    """
    return [
        f"Setting {name} {schema.get('errorMessage') or 'does not fit its type'}."
        for name, schema in SCHEMA["properties"].items()
        if not _parses(environ.get(prefix + name.upper()), schema["type"])
    ]


def warnings(
    config: Mapping[str, t.Any], environ: Mapping[str, str], prefix: str
) -> list[str]:
    """Find settings that are given and have no effect.

    Args:
        config: The settings as they were given, without defaults. `SCHEMA` has the
            SDK's settings already.
        environ: The environment.
        prefix: The prefix of the tap's variables.

    Returns:
        One sentence per setting or variable, which names it.
    """
    known = SCHEMA["properties"]
    found = [
        f"Setting {_shown(name)} is unknown and not used.{_nearest(name)}"
        for name in config
        if name not in known and not name.startswith("_")
    ]
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
            found.append(f"{_shown(variable)} is not a setting.{nearest}")
    return found


def _shown(name: str) -> str:
    return name if re.fullmatch(r"\w{1,60}", name, re.ASCII) else "with an odd name"


def _nearest(name: str, cutoff: float = 0.6) -> str:
    nearest = get_close_matches(name.lower(), SCHEMA["properties"], n=1, cutoff=cutoff)
    return f" Did you mean {nearest[0]}?" if nearest else ""


def _parses(text: str | None, types: list[str]) -> bool:
    if text is None:
        return True
    try:
        if "integer" in types:
            int(text)
        if "object" in types or ("array" in types and text.startswith("[")):
            json.loads(text)
    except ValueError:
        return False
    switches = {"true", "false", "1", "0", "yes", "no", "on", "off"}
    return "boolean" not in types or text.lower() in switches


def _given(schema: dict[str, t.Any], value: t.Any) -> t.Any:
    """Return what is validated: no nulls, and no strings for numbers.

    Null is unset. The SDK does not parse numbers in the environment.
    """
    if isinstance(value, Mapping):
        fields = schema.get("properties", {})
        return {
            name: _given(fields.get(name, {}), field)
            for name, field in value.items()
            if field is not None
        }
    if isinstance(value, str) and "number" in schema.get("type", ()):
        with suppress(ValueError):
            return float(value)
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


def _is_number(_: object, value: t.Any) -> bool:
    try:
        return not isinstance(value, (bool, str)) and math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def _is_text(_: object, value: t.Any) -> bool:
    """Return whether a value is text that can be sent: half a surrogate cannot."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeError:
        return False


def _pattern(
    validator: Validator, pattern: str, value: t.Any, _schema: dict[str, t.Any]
) -> Iterator[ValidationError]:
    # A Python `$` also matches before a final line break, a JSON Schema `$` does not.
    if validator.is_type(value, "string") and not re.search(
        re.sub(r"\$$", r"\\Z", pattern), value
    ):
        yield ValidationError("does not match")


_Validator = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {"pattern": _pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: type(value) is int,  # not 100.0
            "number": _is_number,
            "string": _is_text,
        }
    ),
)
_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("uri", raises=(AttributeError, TypeError, ValueError))
def _is_url(value: t.Any) -> bool:
    url = urlsplit(value)
    host = (url.hostname or "").removesuffix(".")
    is_versioned = re.search(r"/v[0-9]+(\.[0-9]+)*/*$", url.path)
    return all(host.split(".")) and url.port != 0 and not is_versioned


@_FORMATS.checks("date-time", raises=(TypeError, ValueError, OverflowError))
def _is_moment(value: t.Any) -> bool:
    return bool(moment(value).astimezone(UTC))


@_FORMATS.checks("part", raises=(TypeError, ValueError))
def _is_part(value: t.Any) -> bool:
    return bool(Part.parse(value))


@_FORMATS.checks("email", raises=(TypeError, AttributeError))
def _is_email(value: t.Any) -> bool:
    return value.isprintable() and " " not in value


@dataclass(frozen=True)
class Settings:
    """The settings of a run; each field is the setting of its name."""

    api_key: str
    api_url: str
    api_version: str | None
    start_date: datetime | None
    """In UTC."""
    job_opening_ids: tuple[str, ...] | None
    candidate_filters: tuple[tuple[str, str], ...]
    """As sent to the API, sorted by name."""
    page_size: int
    max_concurrency: int
    requests_per_second: float | None
    request_timeout: float
    reverify_days: int
    pii: str
    pii_hash_key: str | None
    pii_tags: str
    part: Part
    confirm_mass_deletion: bool
    user_agent: str | None
    emit_activate_version_messages: bool

    @classmethod
    def parse(cls, config: Mapping[str, t.Any]) -> Settings:
        """Parse settings that have no `problems`.

        Args:
            config: The settings, with defaults.
        """
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
        for name in ("requests_per_second", "request_timeout"):
            values[name] = float(given[name]) if name in given else None
        values["part"] = Part.parse(given["part"]) if "part" in given else ALL_PARTS
        return cls(**values)

    @cached_property
    def scope(self) -> Scope:
        """The candidates that they select; `part` is no part of it."""
        return Scope(self.start_date, self.job_opening_ids, self.candidate_filters)

    @property
    def drops_tags(self) -> bool:
        """Whether `tag_ids` of candidates are set to null."""
        return self.pii != "keep" and self.pii_tags == "drop"

    @property
    def setting_of(self) -> dict[str, str]:
        """The setting behind each parameter of a request that has one."""
        named = {
            name: f"candidate_filters.{name}" for name, _ in self.candidate_filters
        }
        if self.job_opening_ids is not None:
            named["job_opening_id"] = "job_opening_ids"
        return {**named, "limit": "page_size"}

    def narrowing(self) -> dict[str, t.Any]:
        """Return the settings that select candidates, without personal data."""
        filters = {
            name: "set" if name == "email" else value
            for name, value in self.candidate_filters
        }
        selecting = {
            "start_date": self.start_date and self.start_date.isoformat(),
            "job_opening_ids": self.job_opening_ids,
            "candidate_filters": filters,
            "part": str(self.part),
        }
        return {name: value for name, value in selecting.items() if value}
