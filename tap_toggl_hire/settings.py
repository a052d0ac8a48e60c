"""The settings: what there are, and what is wrong with the values given.

A problem is told in one sentence that names the setting. It never repeats the
value, which may be a secret or a person's e-mail address.
"""

from __future__ import annotations

import json
import math
import re
import typing as t
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cached_property
from urllib.parse import urlsplit

from singer_sdk import typing as th

from tap_toggl_hire.sync.scope import EVERYBODY, MOST_PARTS, Part, Scope
from tap_toggl_hire.times import moment

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEFAULT_API_URL = "https://api.hire.toggl.com/api"
LONGEST_TIMEOUT = 86400
MOST_AT_ONCE = 256
SLOWEST = 0.001

SCHEMA: dict[str, t.Any] = th.PropertiesList(
    th.Property(
        "api_key",
        th.StringType,
        required=True,
        secret=True,
        title="API key",
        description=(
            "API key of the Toggl Hire workspace, from its integration settings page."
        ),
    ),
    th.Property(
        "api_url",
        th.StringType,
        default=DEFAULT_API_URL,
        title="API URL",
        description="Root of the API, without the version.",
    ),
    th.Property(
        "api_version",
        th.StringType,
        title="API version",
        description=(
            "Version of the API, such as v2.1. Unset: v2.1 or, where the API no "
            "longer knows it, v2.2, then v2. Set: that version and no other."
        ),
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start date",
        description="Only candidates that started the test at or after this time.",
    ),
    th.Property(
        "job_opening_ids",
        th.ArrayType(th.StringType),
        title="Job opening IDs",
        description=(
            "Only these job openings, with their categories and candidates. Unset: all."
        ),
    ),
    th.Property(
        "candidate_filters",
        th.PropertiesList(
            th.Property(
                "category_id",
                th.StringType,
                title="Category ID",
                description="Candidates in this category.",
            ),
            th.Property(
                "tag_ids",
                th.ArrayType(th.StringType),
                title="Tag IDs",
                description="Candidates that have all of these tags.",
            ),
            th.Property(
                "hire_state",
                th.StringType,
                title="Hire state",
                description="Candidates in this state: possible-hire or rejected.",
            ),
            th.Property(
                "min_score",
                th.NumberType,
                title="Lowest score",
                description="Candidates with at least this score, in percent.",
            ),
            th.Property(
                "max_score",
                th.NumberType,
                title="Highest score",
                description="Candidates with at most this score, in percent.",
            ),
            th.Property(
                "min_rating",
                th.NumberType,
                title="Fewest stars",
                description="Candidates with at least so many stars, 0 to 3.",
            ),
            th.Property(
                "max_rating",
                th.NumberType,
                title="Most stars",
                description="Candidates with at most so many stars, 0 to 3.",
            ),
            th.Property(
                "email",
                th.StringType,
                title="E-mail address",
                description="The candidate with this e-mail address.",
            ),
        ),
        title="Candidate filters",
        description=(
            "Only candidates that match all of these, as the API filters them: "
            "category_id, tag_ids, hire_state, min_score, max_score, min_rating, "
            "max_rating, email."
        ),
    ),
    th.Property(
        "page_size",
        th.IntegerType,
        default=100,
        title="Page size",
        description="Candidates asked for with one request (the API's limit).",
    ),
    th.Property(
        "max_concurrency",
        th.IntegerType,
        default=8,
        title="Maximum concurrency",
        description=(
            "The most requests under way at once, over all streams. "
            "1 is strictly sequential."
        ),
    ),
    th.Property(
        "requests_per_second",
        th.NumberType,
        title="Requests per second",
        description=(
            "A ceiling that the tap never exceeds. Unset: the tap finds the pace "
            "that the API allows."
        ),
    ),
    th.Property(
        "request_timeout",
        th.NumberType,
        default=60,
        title="Request timeout",
        description="Seconds that one request may take.",
    ),
    th.Property(
        "reverify_days",
        th.IntegerType,
        default=30,
        title="Re-verification days",
        description=(
            "Every candidate's details are read again at least once in so many "
            "days, spread evenly over the runs, to find what no list shows. "
            "0: never."
        ),
    ),
    th.Property(
        "pii",
        th.StringType,
        default="keep",
        allowed_values=["keep", "hash", "drop"],
        title="Personal data",
        description=(
            "What happens to name, email, profile_url, contact_info and text "
            "answers: keep; hash (keyed HMAC-SHA256 in hex, text answers dropped); "
            "drop (null)."
        ),
    ),
    th.Property(
        "pii_hash_key",
        th.StringType,
        secret=True,
        title="Personal data hash key",
        description="Key of the hashes; required where pii is hash.",
    ),
    th.Property(
        "part",
        th.StringType,
        title="Part",
        description=(
            "Only the candidates whose ID falls into this part by a stable digest: "
            "2/4 is the second of four. Each part needs a state of its own."
        ),
    ),
    th.Property(
        "user_agent",
        th.StringType,
        title="User agent",
        description="The User-Agent header. Unset: tap-toggl-hire/<version>.",
    ),
    th.Property(
        "emit_activate_version_messages",
        th.BooleanType,
        default=False,
        title="Emit ACTIVATE_VERSION messages",
        description=(
            "After the last record of a full-table stream, send ACTIVATE_VERSION, "
            "so that the target marks the rows that are gone."
        ),
    ),
).to_dict()

NAMES = frozenset(SCHEMA["properties"])
"""The tap's own settings; the SDK adds its own to the schema later."""


def problems(config: Mapping[str, t.Any]) -> list[str]:
    """Find what is wrong with the tap's own settings.

    Args:
        config: The settings, defaults filled in. A setting that is None is unset.

    Returns:
        A sentence for each problem, naming the setting; empty where all is well.
    """
    found = [
        f"Setting {name} must be {expected}."
        for name, (valid, expected) in _RULES.items()
        if config.get(name) is not None and not valid(config[name])
    ]
    if config.get("api_key") is None:
        found.append(
            "Setting api_key is required: the workspace's API key, in the file of "
            "--config or, with --config=ENV, in the environment."
        )
    if config.get("pii") == "hash" and config.get("pii_hash_key") is None:
        found.append("Setting pii_hash_key is required where pii is hash.")
    batch = config.get("batch_config")
    if isinstance(batch, dict) and not {"encoding", "storage"} <= batch.keys():
        found.append("Setting batch_config must have encoding and storage.")
    if isinstance(filters := config.get("candidate_filters"), dict):
        found += _filter_problems(filters)
    return found


def environment_problems(environ: Mapping[str, str], prefix: str) -> list[str]:
    """Find environment variables that the SDK could not parse.

    Args:
        environ: The environment.
        prefix: What the names of the tap's variables begin with.

    Returns:
        A sentence for each, naming the setting.
    """
    found = []
    for name, schema in SCHEMA["properties"].items():
        text = environ.get(prefix + name.upper())
        for kind, (parses, expected) in _TEXTS.items():
            if text is not None and kind in schema["type"] and not parses(text):
                found.append(f"Setting {name} must be {expected}.")
    return found


def warnings(
    config: Mapping[str, t.Any], environ: Mapping[str, str], prefix: str
) -> list[str]:
    """Find settings that were given and will not be used.

    Args:
        config: The settings as they were given, without defaults. The SDK has added
            its own to the schema before.
        environ: The environment.
        prefix: What the names of the tap's variables begin with.

    Returns:
        A sentence for each, naming the setting or the variable.
    """
    known = SCHEMA["properties"]
    found = [
        f"Setting {_shown(name)} is unknown and not used.{_nearest(name)}"
        for name in config
        if name not in known and not name.startswith("_")
    ]
    for variable, text in environ.items():
        name = variable.removeprefix(prefix).lower()
        if variable == name.upper() or not text or config.get(name) is not None:
            continue
        if name in known:
            found.append(
                f"{variable} is in the environment and not read: add --config=ENV or, "
                f"with Meltano, list {name} among the tap's settings."
            )
        elif nearest := _nearest(name, cutoff=0.85):  # the log level is no setting, say
            found.append(f"{_shown(variable)} names no setting.{nearest}")
    return found


def _shown(name: str) -> str:
    return name if re.fullmatch(r"\w{1,60}", name, re.ASCII) else "with an odd name"


def _nearest(name: str, cutoff: float = 0.6) -> str:
    nearest = get_close_matches(name.lower(), SCHEMA["properties"], n=1, cutoff=cutoff)
    return f" Did you mean {nearest[0]}?" if nearest else ""


def _filter_problems(filters: dict[str, t.Any]) -> list[str]:
    found = []
    for name, value in filters.items():
        if name not in _FILTER_RULES:
            found.append(
                "Setting candidate_filters has a filter that is unknown; the API "
                f"knows {', '.join(_FILTER_RULES)}."
            )
        elif value is not None:
            valid, expected = _FILTER_RULES[name]
            if not valid(value):
                found.append(f"Setting candidate_filters.{name} must be {expected}.")
    for field in ("score", "rating"):
        bounds: list[t.Any] = [filters.get(f"{end}_{field}") for end in ("min", "max")]
        if all(map(_is_number, bounds)) and float(bounds[0]) > float(bounds[1]):
            found.append(
                f"Setting candidate_filters.min_{field} must not be above max_{field}."
            )
    return found


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def parses(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return parses


_TEXTS: dict[str, tuple[Callable[[str], bool], str]] = {
    "integer": (_parses(int), "an integer"),
    "boolean": (
        lambda text: (
            text.lower() in {"true", "false", "1", "0", "yes", "no", "on", "off"}
        ),
        "true or false",
    ),
    "array": (
        lambda text: not text.startswith("[") or _parses(json.loads)(text),
        "a JSON array",
    ),
    "object": (_parses(json.loads), "a JSON object"),
}
"""What the SDK parses in the environment, by type of setting."""


def _is_number(value: object) -> bool:
    try:
        return not isinstance(value, bool) and math.isfinite(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False


def _is_positive(value: object) -> bool:
    return _is_number(value) and float(value) > 0  # type: ignore[arg-type]


def _is_within(highest: float) -> Callable[[object], bool]:
    return lambda value: _is_number(value) and 0 <= float(value) <= highest  # type: ignore[arg-type]


def _is_integer(lowest: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and value >= lowest


def _is_id(value: object) -> bool:
    return type(value) is int or (_is_text(value) and bool(str(value).strip()))


def _is_text(value: object) -> bool:
    """Return whether a value can be sent as text: half a surrogate pair cannot."""
    try:
        return isinstance(value, str) and bool(value.encode())
    except UnicodeError:
        return False


def _is_id_list(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_id, value))


def _is_key(value: object) -> bool:
    """Return whether a value can be a key: visible ASCII, not in quotes."""
    return (
        isinstance(value, str)
        and re.fullmatch(r"[!-~]+", value) is not None
        and value.strip("\"'`") == value
    )


def _is_email(value: object) -> bool:
    return _is_text(value) and str(value).isprintable() and " " not in str(value)


def _is_header(value: object) -> bool:
    return (
        isinstance(value, str)
        and re.fullmatch(r"[!-~]([ -~]*[!-~])?", value) is not None
    )


def _is_url(value: object) -> bool:
    if not isinstance(value, str) or not re.fullmatch(r"[^\x00-\x20\\?#@]+", value):
        return False
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        return False
    return (
        url.scheme in {"http", "https"}
        and bool(url.hostname)
        and all((url.hostname or "").removesuffix(".").split("."))
        and port != 0
        and not re.search(r"/v[0-9]+(\.[0-9]+)*/*$", url.path)
    )


def _is_part(value: object) -> bool:
    try:
        Part.parse(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True


def _is_moment(value: object) -> bool:
    try:
        moment(value).astimezone(UTC)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False
    return True


_RULES: dict[str, tuple[Callable[[t.Any], bool], str]] = {
    "api_key": (
        _is_key,
        "the workspace's API key, without quotes, spaces or line breaks around it",
    ),
    "api_url": (
        _is_url,
        f"the API's root without a version, a URL such as {DEFAULT_API_URL}",
    ),
    "api_version": (
        lambda value: (
            isinstance(value, str)
            and re.fullmatch(r"v[0-9]+(\.[0-9]+)*", value) is not None
        ),
        "a version such as v2.1",
    ),
    "start_date": (_is_moment, "a date or time such as 2024-01-31T00:00:00Z"),
    "job_opening_ids": (
        _is_id_list,
        'a list of job opening IDs such as ["100", "101"]',
    ),
    "candidate_filters": (
        lambda value: isinstance(value, dict),
        "an object of filters",
    ),
    "page_size": (_is_integer(1), "an integer of at least 1"),
    "max_concurrency": (
        lambda value: _is_integer(1)(value) and value <= MOST_AT_ONCE,
        f"an integer from 1 to {MOST_AT_ONCE}",
    ),
    "requests_per_second": (
        lambda value: _is_positive(value) and float(value) >= SLOWEST,
        f"a number of at least {SLOWEST}",
    ),
    "request_timeout": (
        lambda value: _is_positive(value) and float(value) <= LONGEST_TIMEOUT,
        f"a number of seconds greater than 0 and at most {LONGEST_TIMEOUT}",
    ),
    "reverify_days": (_is_integer(0), "an integer of at least 0: days, or 0 for never"),
    "pii": (
        lambda value: value in ("keep", "hash", "drop"),
        "one of keep, hash, drop",
    ),
    "pii_hash_key": (_is_text, "a non-empty string"),
    "part": (_is_part, f"a part such as 2/4, of at most {MOST_PARTS}"),
    "user_agent": (_is_header, "a string of printable ASCII characters"),
    "emit_activate_version_messages": (
        lambda value: isinstance(value, bool),
        "true or false",
    ),
}

_SCORE = (_is_within(100), "a number from 0 to 100")
_RATING = (_is_within(3), "a number of stars from 0 to 3")
_FILTER_RULES: dict[str, tuple[Callable[[t.Any], bool], str]] = {
    "category_id": (_is_id, "the ID of a category"),
    "tag_ids": (_is_id_list, 'a list of tag IDs such as ["300", "301"]'),
    # What the API can filter by; the state of a candidate may be any other.
    "hire_state": (
        lambda value: value in ("possible-hire", "rejected"),
        "possible-hire or rejected",
    ),
    "min_score": _SCORE,
    "max_score": _SCORE,
    "min_rating": _RATING,
    "max_rating": _RATING,
    "email": (_is_email, "an e-mail address"),
}
FILTERS = tuple(_FILTER_RULES)
"""What the setting candidate_filters may hold."""


@dataclass(frozen=True)
class Settings:
    """The settings of a run, parsed once; each field is the setting of its name."""

    api_key: str
    api_url: str
    api_version: str | None
    start_date: datetime | None
    """In UTC."""
    job_opening_ids: tuple[str, ...] | None
    candidate_filters: dict[str, str]
    """As they are sent to the API."""
    page_size: int
    max_concurrency: int
    requests_per_second: float | None
    request_timeout: float
    reverify_days: int
    pii: str
    pii_hash_key: str | None
    part: Part
    user_agent: str | None
    emit_activate_version_messages: bool

    @classmethod
    def parse(cls, config: Mapping[str, t.Any]) -> Settings:
        """Parse settings in which `problems` found none, defaults filled in."""
        start = config.get("start_date")
        ids = config.get("job_opening_ids")
        rate = config.get("requests_per_second")
        return cls(
            api_key=config["api_key"],
            api_url=config["api_url"],
            api_version=config.get("api_version"),
            start_date=None if start is None else moment(start).astimezone(UTC),
            job_opening_ids=None
            if ids is None
            else tuple(dict.fromkeys(map(str, ids))),
            candidate_filters={
                name: ",".join(map(str, value))
                if isinstance(value, list)
                else str(value)
                for name, value in (config.get("candidate_filters") or {}).items()
                if value is not None
            },
            page_size=config["page_size"],
            max_concurrency=config["max_concurrency"],
            requests_per_second=None if rate is None else float(rate),
            request_timeout=float(config["request_timeout"]),
            reverify_days=config["reverify_days"],
            pii=config["pii"],
            pii_hash_key=config.get("pii_hash_key"),
            part=Part.parse(config["part"]) if config.get("part") else EVERYBODY,
            user_agent=config.get("user_agent"),
            emit_activate_version_messages=config["emit_activate_version_messages"],
        )

    @cached_property
    def scope(self) -> Scope:
        """Which candidates they take in, the part apart."""
        start = self.start_date
        return Scope.of(
            start_date=None if start is None else start.isoformat(),
            job_opening_ids=self.job_opening_ids,
            filters=self.candidate_filters,
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether they leave candidates out."""
        return self.scope != Scope() or self.part != EVERYBODY

    @property
    def setting_of(self) -> dict[str, str]:
        """The setting behind each parameter of a request that has one."""
        named = {name: f"candidate_filters.{name}" for name in self.candidate_filters}
        if self.job_opening_ids is not None:
            named["job_opening_id"] = "job_opening_ids"
        return {**named, "limit": "page_size"}

    def narrowing(self) -> dict[str, t.Any]:
        """Tell the settings that narrow the selection, without personal data."""
        hidden = {
            name: "set" if name == "email" else value
            for name, value in self.candidate_filters.items()
        }
        told = {
            "start_date": self.scope.start_date,
            "job_opening_ids": self.job_opening_ids,
            "candidate_filters": hidden or None,
            "part": str(self.part) or None,
        }
        return {name: value for name, value in told.items() if value is not None}
