"""Every wrong setting is refused before the first request, in one sentence."""

from __future__ import annotations

import json
import socket
import typing as t
from copy import deepcopy
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_toggl_hire import settings
from tap_toggl_hire.privacy import scrubber
from tap_toggl_hire.settings import Settings
from tap_toggl_hire.sync.scope import Part, Scope, queries
from tap_toggl_hire.sync.state import State
from tap_toggl_hire.tap import TapTogglHire

Json = dict[str, t.Any]

PREFIX = "TAP_TOGGL_HIRE_"
GOOD: Json = {
    "api_key": "a-key",
    **{
        name: schema["default"]
        for name, schema in settings.SCHEMA["properties"].items()
        if name in settings.NAMES and "default" in schema
    },
}
HALF_A_PAIR = "\ud800"
"""JSON may hold it (as `"\\ud800"`), though no encoding has it."""
NO_INTEGER: tuple[t.Any, ...] = (
    -1,
    1.5,
    100.0,
    Decimal(100),
    True,
    False,
    "100",
    "",
    [],
    {},
)
NO_NUMBER: tuple[t.Any, ...] = (
    True,
    False,
    "",
    "abc",
    "nan",
    "inf",
    float("nan"),
    float("inf"),
    [],
    {},
)
NO_POSITIVE_NUMBER: tuple[t.Any, ...] = (0, -1, 0.0, -0.5, "-3", Decimal(0), *NO_NUMBER)

WRONG: dict[str, tuple[t.Any, ...]] = {
    "api_key": (
        *("", " ", "a b", "a\nb", "key\n", "k\u00e9y", "k\x00y", 5, True, [], {}),
        *('"key"', "'key'", "key'", "`key`", " key", "\tkey", "key\r\n"),
    ),
    "api_url": (
        *("", " ", "hire.example.com", "ftp://example.com/api", "//example.com/api"),
        *("http://", "http:///api", "https://:443/api", "https:example.com"),
        *("https://user:pass@example.com/api", "https://@example.com/api"),
        *("https://example.com/api?x=1", "https://example.com/api#x"),
        *("https://example.com/api?", "https://example.com/api#"),
        *("https://example.com:99999", "https://example.com:x", "https://e.com:0"),
        *("http://exa mple.com", "http://[::1", "https://example.com\\api"),
        *(
            " https://example.com",
            "https://example.com\n",
            "http://a..b/api",
            "http://.",
        ),
        *("https://example.com/\x00api", 5, True, [], {}),
        *("https://e.com/api/v2.1", "https://e.com/api/v2/", "https://e.com/v2.10.3"),
    ),
    "api_version": (
        *("", "2.1", "v", "v2.", "v2.1/", "v2.1 ", "v2.1\n", "V2", "latest", "../v2"),
        *("v2.1?x", "v\uff12", 2.1, True, [], {}),
    ),
    "start_date": (
        *("", "yesterday", "2024-13-01", "2024-02-30", "31.01.2024", "2024"),
        *("2024-01-31T25:00:00Z", "2024-01-31T00:00:00+99:00", 20240131, True, [], {}),
        # Times that there are not, once they are told in UTC.
        *("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"),
    ),
    "job_opening_ids": (
        *([], "", "100", [""], [" "], [None], [1.5], [True], [["100"]], {}, 100),
        *(True, [HALF_A_PAIR]),
    ),
    "candidate_filters": ("", "x", "{}", [], ["email"], 1, True),
    "page_size": (0, *NO_INTEGER),
    "max_concurrency": (0, *NO_INTEGER),
    "requests_per_second": NO_POSITIVE_NUMBER,
    "request_timeout": (*NO_POSITIVE_NUMBER, 1e12),
    "reverify_days": NO_INTEGER,
    "pii": ("", "KEEP", "hash ", "none", True, 0, ["hash"], {"hash": True}),
    "pii_hash_key": ("", HALF_A_PAIR, 5, True, [], {}),
    "part": (
        *("", "1", "0/1", "2/1", "1/0", "1/257", "1/1000", "-1/2", "01/2", "1/02"),
        *("1 / 2", "1/2\n", "1/2/3", "\uff11/\uff12", "a/b", 0.5, 1, True, [1, 2], {}),
    ),
    "user_agent": ("", " ", "a\nb", "\u00fcnicode", " lead", "trail ", "a\x00b", 5, []),
    "emit_activate_version_messages": ("true", "", 1, 0, "yes", []),
}
WRONG_FILTERS: dict[str, tuple[t.Any, ...]] = {
    **{
        name: ("", " ", HALF_A_PAIR, 1.5, True, [], ["100"], {})
        for name in ("category_id", "hire_state")
    },
    "email": (
        *("", " ", HALF_A_PAIR, 1.5, 100, True, [], ["100"], {}),
        *("a b@example.com", "a@example.com\n", "a\x00@example.com", "a\u2028@b.com"),
    ),
    **dict.fromkeys(("min_score", "max_score"), (*NO_NUMBER, -1, 100.5, "101")),
    **dict.fromkeys(("min_rating", "max_rating"), (*NO_NUMBER, -0.5, 3.5, 4)),
    "tag_ids": (
        *([], "", "300", "300,301", [""], [None], [1.5], [True], 300, {}, True),
        [HALF_A_PAIR],
    ),
}
RIGHT: dict[str, tuple[t.Any, ...]] = {
    "api_key": ("11ZU1ZOJ0PDOQ", "a:b/c+d=", "x"),
    "api_url": (
        *("http://127.0.0.1:8080/api", "https://example.com", "https://e.com/api/"),
        *("http://[::1]:80/api", "HTTPS://EXAMPLE.COM/api"),
        *("https://example.com/v2/api", "https://example.com/preview2"),
    ),
    "api_version": ("v2", "v2.1", "v2.10.3", "v3"),
    "start_date": (
        *("2024-01-31", "2024-01-31T00:00:00Z", "2024-01-31T00:00:00.123+05:30"),
        "2024-01-31 10:00:00",
    ),
    "job_opening_ids": (["100"], [100, "101"]),
    "candidate_filters": (
        *({}, {"hire_state": "rejected"}, {"tag_ids": ["300", 301]}),
        *({"min_score": 0, "max_score": "70.5"}, {"min_score": 100}, {"email": None}),
        *({"email": "so@example.com"}, {"email": "s\u00f8ren@example.com"}),
        {"min_rating": 0, "max_rating": 3},
    ),
    "page_size": (1, 100, 1000),
    "max_concurrency": (1, 64),
    "requests_per_second": (0.5, 10, "2.5", Decimal("2.5")),
    "request_timeout": (0.5, 60, "7", Decimal("2.5")),
    "reverify_days": (0, 30),
    "pii": ("keep", "drop"),
    "pii_hash_key": ("a key", "\u00fc"),
    "part": ("1/1", "2/4", "4/4", "256/256"),
    "user_agent": ("tap/1 (me@example.com)", "x"),
    "emit_activate_version_messages": (True, False),
}


def rows(table: dict[str, tuple[t.Any, ...]]) -> list[t.Any]:
    return [
        pytest.param(name, value, id=f"{name}={value!a}")
        for name, values in table.items()
        for value in values
    ]


def sentence_on(name: str, found: list[str]) -> str:
    """The one sentence that was found, which names the setting."""
    assert len(found) == 1, found
    sentence = found[0]
    assert "\n" not in sentence
    assert sentence.startswith(f"Setting {name} "), sentence
    assert sentence.endswith(".")
    return sentence


def test_each_setting_has_its_rows_here() -> None:
    assert set(WRONG) == set(RIGHT) == settings.NAMES
    assert set(WRONG_FILTERS) == set(settings.FILTERS)


@pytest.mark.parametrize(("name", "value"), rows(WRONG))
def test_a_wrong_value_is_told_in_a_sentence(name: str, value: object) -> None:
    sentence_on(name, settings.problems({**GOOD, name: value}))


@pytest.mark.parametrize(("name", "value"), rows(WRONG_FILTERS))
def test_a_wrong_filter_is_told_in_a_sentence(name: str, value: object) -> None:
    found = settings.problems({**GOOD, "candidate_filters": {name: value}})
    sentence_on(f"candidate_filters.{name}", found)


@pytest.mark.parametrize(("name", "value"), rows(RIGHT))
def test_a_right_value_is_taken(name: str, value: object) -> None:
    assert settings.problems({**GOOD, name: value}) == []


@pytest.mark.parametrize("name", ["", "Email", "state", "job_opening_id", "limit"])
def test_an_unknown_filter_is_told_with_all_that_are_known(name: str) -> None:
    found = settings.problems({**GOOD, "candidate_filters": {name: "x"}})
    sentence = sentence_on("candidate_filters", found)
    assert all(known in sentence for known in settings.FILTERS)


@pytest.mark.parametrize("field", ["score", "rating"])
def test_bounds_that_nobody_can_lie_between_are_told(field: str) -> None:
    for low, high, is_wrong in ((2, 1, True), ("2", 1.5, True), (1, "1", False)):
        filters = {f"min_{field}": low, f"max_{field}": high}
        found = settings.problems({**GOOD, "candidate_filters": filters})
        assert bool(found) is is_wrong
        if is_wrong:
            sentence = sentence_on(f"candidate_filters.min_{field}", found)
            assert f"max_{field}" in sentence


@pytest.mark.parametrize("name", sorted(settings.NAMES - {"api_key"}))
def test_null_is_unset(name: str) -> None:
    assert settings.problems({**GOOD, name: None}) == []


def test_the_key_is_required() -> None:
    for config in ({**GOOD, "api_key": None}, {"pii": "keep"}, {}):
        sentence_on("api_key", settings.problems(config))


def test_where_the_key_may_come_from_is_said_where_it_is_missing() -> None:
    sentence = sentence_on("api_key", settings.problems({}))
    assert "--config=ENV" in sentence


def test_a_version_in_the_url_is_told_as_what_to_leave_out() -> None:
    config = {**GOOD, "api_url": "https://e.com/api/v2.1"}
    assert "without a version" in sentence_on("api_url", settings.problems(config))


@pytest.mark.parametrize("key", ['"key"', " key", "key\n"])
def test_what_surrounds_the_key_is_told(key: str) -> None:
    sentence = sentence_on("api_key", settings.problems({**GOOD, "api_key": key}))
    assert "quotes, spaces or line breaks" in sentence


def test_hash_needs_its_key() -> None:
    sentence_on("pii_hash_key", settings.problems({**GOOD, "pii": "hash"}))
    with_key = {**GOOD, "pii": "hash", "pii_hash_key": "k"}
    assert settings.problems(with_key) == []


def test_each_problem_has_its_own_sentence() -> None:
    config = {
        **GOOD,
        "page_size": 0,
        "start_date": "x",
        "candidate_filters": {"min_score": "x", "tag_ids": []},
    }
    found = settings.problems(config)
    assert [sentence.split()[1] for sentence in found] == [
        "start_date",
        "page_size",
        "candidate_filters.min_score",
        "candidate_filters.tag_ids",
    ]


# Whatever JSON holds

CANARY = "c4n4ry"
LARGEST_OFFSET = timedelta(hours=23, minutes=59)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text()
    | st.just(HALF_A_PAIR)
    | st.text().map(lambda text: text + CANARY)
    | st.text().map(lambda text: CANARY + text)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text() | st.sampled_from((CANARY, *settings.FILTERS)), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@given(name=st.sampled_from(sorted(settings.NAMES)), value=JSON)
def test_any_value_is_right_or_told_without_repeating_it(
    name: str, value: object
) -> None:
    for sentence in settings.problems({**GOOD, "pii_hash_key": "k", name: value}):
        assert sentence.startswith(f"Setting {name}")
        assert "\n" not in sentence
        assert CANARY not in sentence


TEXT = st.text(max_size=5)
IDS = st.lists(TEXT | st.integers(), max_size=3)
NUMBERS = st.floats() | st.integers() | st.decimals() | st.floats().map(str)
USABLE: dict[str, st.SearchStrategy[t.Any]] = {
    "api_url": st.from_regex(r"https?://[a-z0-9.\[\]:-]+(/\S*)?", fullmatch=True),
    "start_date": st.dates().map(str)
    | st.datetimes(
        timezones=st.none()
        | st.builds(timezone, st.timedeltas(-LARGEST_OFFSET, LARGEST_OFFSET))
    ).map(datetime.isoformat),
    "job_opening_ids": IDS,
    "candidate_filters": st.dictionaries(
        st.sampled_from(settings.FILTERS), TEXT | NUMBERS | IDS, max_size=1
    ),
    "max_concurrency": st.integers(-1, 64),
    "requests_per_second": NUMBERS,
    "request_timeout": NUMBERS,
    "pii_hash_key": TEXT,
    "user_agent": TEXT,
}


@pytest.mark.parametrize("name", USABLE)
@given(data=st.data())
def test_what_is_not_refused_can_be_used(name: str, data: st.DataObject) -> None:
    config = {**deepcopy(GOOD), "pii": "hash", "pii_hash_key": "k"}
    config[name] = data.draw(USABLE[name])
    if settings.problems(config):
        return
    tap = TapTogglHire(config=config)
    parsed = Settings.parse(tap.config)
    scrub = scrubber(parsed.pii, parsed.pii_hash_key)
    nobody: Json = {"name": "N", "email": None, "profile_url": "", "contact_info": None}
    assert len(scrub(nobody)["name"]) == 64
    state = State()
    state.last_scope = parsed.scope
    assert json.dumps(state.dump(), ensure_ascii=False).encode()
    assert State.load(state.dump()).last_scope == parsed.scope
    assert json.dumps(parsed.narrowing())
    for query in queries(parsed.scope, parsed.candidate_filters):
        params = query.params(parsed.page_size)
        assert urlencode(params)
        assert tap.session.client.paginator(params).current_value == params
    assert all(quote(opening_id) for opening_id in parsed.job_opening_ids or ())
    with socket.socket() as connection:
        connection.settimeout(parsed.request_timeout)


# The environment


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("page_size", text) for text in ("", "abc", "1.5", "0x10", "ten")),
        *(("max_concurrency", text) for text in ("", "many")),
        *(("reverify_days", text) for text in ("", "seldom")),
        *(("candidate_filters", text) for text in ("", "{", "email=x", "{'a': 1}")),
        *(("job_opening_ids", text) for text in ("[", "['100']", "[100")),
        *(("emit_activate_version_messages", text) for text in ("", "maybe", "2")),
    ],
)
def test_a_variable_that_does_not_parse_is_told(name: str, text: str) -> None:
    found = settings.environment_problems({PREFIX + name.upper(): text}, PREFIX)
    sentence = sentence_on(name, found)
    assert len(text) < 3 or text not in sentence


def test_variables_that_parse_are_no_problem() -> None:
    environment = {
        PREFIX + name.upper(): text
        for name, text in {
            "api_key": "k",
            "page_size": "50",
            "reverify_days": "0",
            "candidate_filters": '{"min_score": 4}',
            "requests_per_second": "2.5",
            "job_opening_ids": '["1"]',
        }.items()
    }
    unrelated = {"PAGE_SIZE": "x", "TAP_OTHER_PAGE_SIZE": "x"}
    assert settings.environment_problems({**environment, **unrelated}, PREFIX) == []


def test_the_variables_of_the_sdks_own_settings_are_read_too() -> None:
    TapTogglHire.append_builtin_config(settings.SCHEMA)  # as each tap does
    right = {PREFIX + "FLATTENING_MAX_DEPTH": "2"}
    assert settings.environment_problems(right, PREFIX) == []
    wrong = {PREFIX + "FLATTENING_MAX_DEPTH": "deep"}
    found = settings.environment_problems(wrong, PREFIX)
    sentence_on("flattening_max_depth", found)


# What is given and not used


def test_settings_and_variables_that_are_used_give_no_warning() -> None:
    TapTogglHire.append_builtin_config(settings.SCHEMA)  # as each tap does
    config = {**GOOD, "stream_maps": {}, "_select": ["*.*"], "reverify_days": 0}
    environment = {
        **{PREFIX + name.upper(): "x" for name in config},
        **{PREFIX + name: "x" for name in ("LOGLEVEL", "LOG_CONFIG", "_CATALOG")},
        PREFIX + "CANDIDATE_FILTERS_MIN_SCORE": "40",  # Meltano's, from an object
        PREFIX + "PART": "",
        "PART": "1/2",
        "TAP_OTHER_PART": "1/2",
    }
    assert settings.warnings(config, environment, PREFIX) == []


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("start_dat", "start_date"),
        ("Page_Size", "page_size"),
        ("opening_ids", "job_opening_ids"),
    ],
)
def test_an_unknown_setting_is_warned_of_with_the_nearest_name(
    name: str, nearest: str
) -> None:
    (sentence,) = settings.warnings({**GOOD, name: CANARY}, {}, PREFIX)
    assert sentence.startswith(f"Setting {name} is unknown")
    assert sentence.endswith(f"Did you mean {nearest}?")
    assert CANARY not in sentence


def test_an_unknown_setting_like_no_other_is_warned_of_alone() -> None:
    found = settings.warnings({**GOOD, "zzz": 1}, {}, PREFIX)
    assert found == ["Setting zzz is unknown and not used."]


@pytest.mark.parametrize("name", ["a\nb", "me@example.com", "x" * 61, "\x1b[31m"])
def test_an_odd_name_is_not_repeated(name: str) -> None:
    (sentence,) = settings.warnings({**GOOD, name: 1}, {}, PREFIX)
    assert sentence.startswith("Setting with an odd name ")
    assert name not in sentence


def test_a_variable_that_is_not_read_is_warned_of() -> None:
    variable = PREFIX + "PII_HASH_KEY"
    (sentence,) = settings.warnings(GOOD, {variable: CANARY}, PREFIX)
    assert sentence.startswith(f"{variable} ")
    assert "--config=ENV" in sentence
    assert "pii_hash_key" in sentence
    assert CANARY not in sentence


def test_a_misspelt_variable_is_warned_of_with_the_nearest_name() -> None:
    found = settings.warnings(GOOD, {PREFIX + "START_DAT": CANARY}, PREFIX)
    (sentence,) = found
    assert sentence.startswith(PREFIX + "START_DAT ")
    assert sentence.endswith("Did you mean start_date?")


# Parsed


def test_what_is_not_set_is_everything() -> None:
    parsed = Settings.parse(GOOD)
    assert parsed.scope == Scope()
    assert not parsed.is_narrowed
    assert parsed.narrowing() == {}
    assert parsed.setting_of == {"limit": "page_size"}
    assert parsed.part == Part(1, 1)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("start_date", "2024-01-31T02:00:00+02:00", "2024-01-31T00:00:00+00:00"),
        ("job_opening_ids", [101, "100", "101"], ("101", "100")),
        (
            "candidate_filters",
            {"email": "me@example.com", "tag_ids": [300, "301"], "min_score": None},
            {"email": "set", "tag_ids": "300,301"},
        ),
        ("part", "2/4", "2/4"),
    ],
)
def test_what_narrows_is_told_without_personal_data(
    name: str, value: t.Any, told: t.Any
) -> None:
    parsed = Settings.parse({**GOOD, name: value})
    assert parsed.is_narrowed
    assert parsed.narrowing() == {name: told}


def test_a_parameter_of_a_request_tells_its_setting() -> None:
    parsed = Settings.parse(
        {**GOOD, "job_opening_ids": ["1"], "candidate_filters": {"min_score": 4}}
    )
    assert parsed.setting_of == {
        "job_opening_id": "job_opening_ids",
        "limit": "page_size",
        "min_score": "candidate_filters.min_score",
    }
