"""Invalid settings are rejected in one sentence; valid ones can be used."""

from __future__ import annotations

import itertools
import typing as t
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk import Tap

from tap_toggl_hire import settings
from tap_toggl_hire.settings import Settings
from tap_toggl_hire.sync.scope import Scope

Json = dict[str, t.Any]

PREFIX = "TAP_TOGGL_HIRE_"
KEY = "k" * 16
OPTIONS: Json = {name: settings.SCHEMA["properties"][name] for name in settings.NAMES}
GOOD: Json = {
    "api_key": "a-key",
    **{
        name: option["default"]
        for name, option in OPTIONS.items()
        if "default" in option
    },
}
HALF_A_PAIR = "\ud800"
"""Valid in JSON (as `"\\ud800"`), but it cannot be encoded."""
NOT_AN_INTEGER: tuple[t.Any, ...] = (
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
NOT_A_NUMBER: tuple[t.Any, ...] = (
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
    10**400,
    Decimal("sNaN"),
)
NOT_POSITIVE: tuple[t.Any, ...] = (0, -1, 0.0, -0.5, "-3", Decimal(0), *NOT_A_NUMBER)
NOT_A_SWITCH: tuple[t.Any, ...] = ("true", "", 1, 0, "yes", [])

INVALID: dict[str, tuple[t.Any, ...]] = {
    "api_key": (
        "",
        " ",
        "a b",
        "a\nb",
        "key\n",
        "k\u00e9y",
        "k\x00y",
        5,
        True,
        [],
        {},
        '"key"',
        "'key'",
        "key'",
        "`key`",
        " key",
        "\tkey",
        "key\r\n",
    ),
    "api_url": (
        "",
        " ",
        "hire.example.com",
        "ftp://example.com/api",
        "//example.com/api",
        "http://",
        "http:///api",
        "https://:443/api",
        "https:example.com",
        "https://user:pass@example.com/api",
        "https://@example.com/api",
        "https://example.com/api?x=1",
        "https://example.com/api#x",
        "https://example.com/api?",
        "https://example.com/api#",
        "https://example.com:99999",
        "https://example.com:x",
        "https://e.com:0",
        "http://exa mple.com",
        "http://[::1",
        "https://example.com\\api",
        " https://example.com",
        "https://example.com\n",
        "http://a..b/api",
        "http://.",
        *(f"https://{host}/api" for host in (".e", f"{64 * 'a'}.e", "a\u200d.e", "%")),
        f"https://{HALF_A_PAIR}.example.com",
        f"https://e.com/{HALF_A_PAIR}",
        "https://example.com/\x00api",
        5,
        True,
        [],
        {},
        "https://e.com/api/v2.1",
        "https://e.com/api/v2/",
        "https://e.com/v2.10.3",
    ),
    "api_version": (
        "",
        "2.1",
        "v",
        "v2.",
        "v2.1/",
        "v2.1 ",
        "v2.1\n",
        "V2",
        "latest",
        "../v2",
        "v2.1?x",
        "v\uff12",
        2.1,
        True,
        [],
        {},
    ),
    "start_date": (
        "",
        "yesterday",
        "2024-13-01",
        "2024-02-30",
        "31.01.2024",
        "2024",
        "2024-01-31T25:00:00Z",
        "2024-01-31T00:00:00+99:00",
        20240131,
        True,
        [],
        {},
        # Out of range once they are in UTC.
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
    ),
    "job_opening_ids": (
        [],
        "",
        "100",
        [""],
        [" "],
        [None],
        [1.5],
        [True],
        [["100"]],
        {},
        100,
        True,
        [HALF_A_PAIR],
    ),
    "candidate_filters": ("", "x", "{}", [], ["email"], 1, True),
    "page_size": (0, *NOT_AN_INTEGER),
    "max_concurrency": (0, 257, *NOT_AN_INTEGER),
    "requests_per_second": (0.0009, *NOT_POSITIVE),
    "request_timeout": (*NOT_POSITIVE, 86400.1, 1e12),
    "reverify_days": NOT_AN_INTEGER,
    "pii": ("", "KEEP", "hash ", "none", True, 0, ["hash"], {"hash": True}),
    "pii_hash_key": ("", "k" * 15, 20 * HALF_A_PAIR, 10**16, True, [], {}),
    "pii_tags": ("", "hash", "DROP", True, ["drop"]),
    "confirm_mass_deletion": NOT_A_SWITCH,
    "time_limit_minutes": NOT_POSITIVE,
    "user_agent": ("", " ", "a\nb", "\u00fcnicode", " lead", "trail ", "a\x00b", 5, []),
    "emit_activate_version_messages": NOT_A_SWITCH,
}
INVALID_FILTERS: dict[str, tuple[t.Any, ...]] = {
    **{
        name: ("", " ", HALF_A_PAIR, 1.5, True, [], ["100"], {})
        for name in ("category_id", "hire_state")
    },
    "email": (
        "",
        " ",
        HALF_A_PAIR,
        1.5,
        100,
        True,
        [],
        ["100"],
        {},
        "a b@example.com",
        "a@example.com\n",
        "a\x00@example.com",
        "a\u2028@b.com",
    ),
    **dict.fromkeys(("min_score", "max_score"), (*NOT_A_NUMBER, -1, 100.5, "101")),
    **dict.fromkeys(("min_rating", "max_rating"), (*NOT_A_NUMBER, -0.5, 3.5, 4)),
    "tag_ids": (
        [],
        "",
        "300",
        "300,301",
        [""],
        [None],
        [1.5],
        [True],
        300,
        {},
        True,
        [HALF_A_PAIR],
    ),
}
VALID: dict[str, tuple[t.Any, ...]] = {
    "api_key": ("11ZU1ZOJ0PDOQ", "a:b/c+d=", "x"),
    "api_url": (
        "http://127.0.0.1:8080/api",
        "https://example.com",
        "https://e.com/api/",
        "http://[::1]:80/api",
        "HTTPS://EXAMPLE.COM/api",
        "https://example.com/v2/api",
        "https://example.com/preview2",
    ),
    "api_version": ("v2", "v2.1", "v2.10.3", "v3"),
    "start_date": (
        "2024-01-31",
        "2024-01-31T00:00:00Z",
        "2024-01-31T00:00:00.123+05:30",
        "2024-01-31 10:00:00",
    ),
    "job_opening_ids": (["100"], [100, "101"]),
    "candidate_filters": (
        {},
        {"hire_state": "rejected"},
        {"tag_ids": ["300", 301]},
        {"min_score": 0, "max_score": "70.5"},
        {"min_score": 100},
        {"email": None},
        {"email": "so@example.com"},
        {"email": "s\u00f8ren@example.com"},
        {"min_rating": 0, "max_rating": 3},
    ),
    "page_size": (1, 100, 1000),
    "max_concurrency": (1, 256),
    "requests_per_second": (0.001, 0.5, 10, "2.5", Decimal("2.5")),
    "request_timeout": (0.5, 86400, 60, "7", Decimal("2.5")),
    "reverify_days": (0, 30),
    "pii": ("keep", "drop"),
    "pii_hash_key": (KEY, 16 * "\u00fc"),
    "pii_tags": ("keep", "drop"),
    "confirm_mass_deletion": (True, False),
    "time_limit_minutes": (0.1, 50, 1e6, "50", Decimal("7.5")),
    "user_agent": ("tap/1 (me@example.com)", "x"),
    "emit_activate_version_messages": (True, False),
}


def rows(table: dict[str, tuple[t.Any, ...]]) -> list[t.Any]:
    return [
        pytest.param(name, value, id=f"{name}={value!a:.40}")
        for name, values in table.items()
        for value in values
    ]


def only(name: str, sentences: list[str]) -> str:
    """The only sentence, which is about this setting."""
    (sentence,) = sentences
    assert sentence.startswith(f"Setting {name} ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


@pytest.fixture(scope="module", autouse=True)
def _settings_of_the_sdk() -> None:
    Tap.append_builtin_config(settings.SCHEMA)  # as the SDK does for each tap


def test_each_setting_has_its_cases() -> None:
    assert set(INVALID) == set(VALID) == settings.NAMES
    assert set(INVALID_FILTERS) == set(settings.FILTERS)


@pytest.mark.parametrize(("name", "value"), rows(INVALID))
def test_invalid_value_is_rejected(name: str, value: object) -> None:
    only(name, settings.problems({**GOOD, name: value}))


@pytest.mark.parametrize(("name", "value"), rows(INVALID_FILTERS))
def test_invalid_filter_is_rejected(name: str, value: object) -> None:
    sentences = settings.problems({**GOOD, "candidate_filters": {name: value}})
    only(f"candidate_filters.{name}", sentences)


@pytest.mark.parametrize(("name", "value"), rows(VALID))
def test_valid_value_is_accepted(name: str, value: object) -> None:
    assert settings.problems({**GOOD, name: value}) == []


def test_unknown_filter_is_rejected_with_the_known_ones() -> None:
    for name in ("", "Email", "state", "job_opening_id", "limit"):
        sentences = settings.problems({**GOOD, "candidate_filters": {name: "x"}})
        sentence = only("candidate_filters", sentences)
        assert all(known in sentence for known in settings.FILTERS)


@pytest.mark.parametrize("field", ["score", "rating"])
def test_minimum_above_the_maximum_is_rejected(field: str) -> None:
    cases: list[tuple[t.Any, t.Any, int]] = [(2, 1, 1), ("2", 1.5, 1), (1, "1", 0)]
    for low, high, count in cases:
        filters = {f"min_{field}": low, f"max_{field}": high}
        sentences = settings.problems({**GOOD, "candidate_filters": filters})
        assert len(sentences) == count
        for sentence in sentences:
            assert f"max_{field}" in only(f"candidate_filters.min_{field}", [sentence])


def test_null_is_unset() -> None:
    for name in settings.NAMES - {"api_key"}:
        assert settings.problems({**GOOD, name: None}) == []


@pytest.mark.parametrize(
    ("name", "config", "words"),
    [
        ("api_key", {"api_key": None}, "--config=ENV"),
        ("api_key", {"api_key": '"key"'}, "quotes, spaces or line breaks"),
        ("api_url", {"api_url": "https://e.com/api/v2.1"}, "without a version"),
        ("page_size", {"page_size": 0}, "must be an integer of at least 1."),
        ("pii_hash_key", {"pii": "hash"}, "required if pii is hash"),
        ("pii_hash_key", {"pii_hash_key": "short"}, "at least 16 characters"),
        ("batch_config", {"batch_config": {"encoding": {}}}, "encoding and storage"),
        ("stream_maps", {"stream_maps": {"__else__": 1}}, "__else__"),
        ("flattening_max_depth", {"flattening_max_depth": "s3cr3t"}, "integer"),
    ],
)
def test_problem_says_what_to_do_and_no_secret(
    name: str, config: Json, words: str
) -> None:
    sentence = only(name, settings.problems({**GOOD, **config}))
    assert words in sentence
    assert "s3cr3t" not in sentence


def test_each_problem_has_its_own_sentence() -> None:
    filters = {"min_score": "x", "tag_ids": ["", ""], "new": 1}
    config = {**GOOD, "page_size": 0, "start_date": "x", "candidate_filters": filters}
    assert sorted(sentence.split()[1] for sentence in settings.problems(config)) == [
        "candidate_filters",
        "candidate_filters.min_score",
        "candidate_filters.tag_ids",
        "page_size",
        "start_date",
    ]


@pytest.mark.parametrize(
    "config",
    [
        {"pii": "hash", "pii_hash_key": KEY},
        {"candidate_filters": {"max_score": 0, "max_rating": 0.5}},
        {"candidate_filters": {"min_score": 100, "min_rating": 3}},
        {
            "batch_config": {
                "encoding": {"format": "jsonl"},
                "storage": {"root": "file://"},
            }
        },
    ],
    ids=str,
)
def test_settings_that_fit_each_other_are_accepted(config: Json) -> None:
    assert settings.problems({**GOOD, **config}) == []


@pytest.mark.parametrize("missing", ["encoding", "storage"])
def test_batch_config_needs_encoding_and_storage(missing: str) -> None:
    whole = {"encoding": {"format": "jsonl"}, "storage": {"root": "file://"}}
    batch_config = {name: part for name, part in whole.items() if name != missing}
    (sentence,) = settings.problems({**GOOD, "batch_config": batch_config})
    assert sentence == "Setting batch_config must have encoding and storage."


def test_descriptions_name_the_bounds() -> None:
    """The Hub and Meltano show nothing else of them."""
    filters = OPTIONS["candidate_filters"]["properties"]
    for name, schema in {**OPTIONS, **filters}.items():
        assert schema["title"], name
        text = schema["description"]
        assert text.endswith(".")
        for bound in ("minimum", "maximum", "exclusiveMinimum", "minLength"):
            if schema.get(bound, 1) != 1:
                assert str(schema[bound]) in text, name
        for value in schema.get("enum", ()):
            assert value in text, name


# Any JSON

CANARY = "c4n4ry"
NUMBERS = st.integers() | st.floats() | st.decimals(allow_nan=False)
TEXTS = st.just(HALF_A_PAIR) | st.tuples(st.text(), st.text()).map(CANARY.join)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text() | TEXTS
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
def test_any_value_is_valid_or_rejected_without_repeating_it(
    name: str, value: object
) -> None:
    for sentence in settings.problems({**GOOD, "pii_hash_key": KEY, name: value}):
        assert sentence.startswith(f"Setting {name}")
        assert "\n" not in sentence
        assert CANARY not in sentence


# The environment


UNPARSED: dict[str, tuple[str, ...]] = {
    "page_size": ("", "abc", "1.5", "0x10", "ten"),
    "candidate_filters": ("", "{", "email=x", "{'a': 1}"),
    "job_opening_ids": ("[", "['100']", "[100"),
    "confirm_mass_deletion": ("", "maybe", "2"),
    "flattening_max_depth": ("deep",),  # a setting of the SDK
}


@pytest.mark.parametrize(("name", "text"), rows(UNPARSED))
def test_variable_that_cannot_be_parsed_is_rejected(name: str, text: str) -> None:
    sentences = settings.environment_problems({PREFIX + name.upper(): text}, PREFIX)
    sentence = only(name, sentences)
    assert len(text) < 3 or text not in sentence


def test_variable_that_cannot_be_parsed_is_described() -> None:
    environment = {PREFIX + "PAGE_SIZE": "x", PREFIX + "FLATTENING_MAX_DEPTH": "x"}
    assert settings.environment_problems(environment, PREFIX) == [
        "Setting page_size must be an integer of at least 1.",
        "Setting flattening_max_depth does not fit its type.",
    ]


@pytest.mark.parametrize(
    "switch", ["true", "false", "1", "0", "yes", "no", "on", "off"]
)
def test_every_form_of_a_switch_is_parsed(switch: str) -> None:
    for text in (switch, switch.upper()):
        environment = {PREFIX + "CONFIRM_MASS_DELETION": text}
        assert settings.environment_problems(environment, PREFIX) == []


def test_variable_that_can_be_parsed_is_accepted() -> None:
    texts = {
        "API_KEY": "[k",  # only an array is parsed as JSON
        "PAGE_SIZE": "50",
        "CANDIDATE_FILTERS": '{"min_score": 4}',
        "REQUESTS_PER_SECOND": "2.5",
        "JOB_OPENING_IDS": '["1"]',
        "PART": "1/2",
        "CONFIRM_MASS_DELETION": "True",
        "FLATTENING_MAX_DEPTH": "2",
    }
    environment = {PREFIX + name: text for name, text in texts.items()}
    unrelated = {"PAGE_SIZE": "x", "TAP_OTHER_PAGE_SIZE": "x"}
    assert settings.environment_problems({**environment, **unrelated}, PREFIX) == []


# Settings without effect


def test_settings_and_variables_with_an_effect_give_no_warning() -> None:
    config = {**GOOD, "stream_maps": {}, "_select": ["*.*"], "reverify_days": 0}
    used = (*map(str.upper, config), "LOGLEVEL", "LOG_CONFIG", "_CATALOG")
    environment = {
        **{PREFIX + name: "x" for name in used},
        PREFIX + "CANDIDATE_FILTERS_MIN_SCORE": "40",  # Meltano's, from an object
        PREFIX + "PART": "",
        "PART": "1/2",
        "TAP_OTHER_PART": "1/2",
    }
    assert settings.warnings(config, environment, PREFIX) == []
    hidden = {**GOOD, "pii": "drop", "pii_tags": "drop"}
    assert settings.warnings(hidden, {}, PREFIX) == []


@pytest.mark.parametrize(
    ("config", "environment", "start", "end"),
    [
        (
            {"start_dat": CANARY},
            {},
            "Ignoring an unknown setting start_dat.",
            "Did you mean start_date?",
        ),
        (
            {"Page_Size": CANARY},
            {},
            "Ignoring an unknown setting Page_Size.",
            "Did you mean page_size?",
        ),
        ({"zzz": CANARY}, {}, "Ignoring an unknown setting zzz", "."),
        ({"pii_tags": "drop"}, {}, "Setting pii_tags has no effect", "drop."),
        ({"pii": None, "pii_tags": "drop"}, {}, "Setting pii_tags has no effect", "."),
        ({}, {"PII_HASH_KEY": CANARY}, f"{PREFIX}PII_HASH_KEY is in the", "settings."),
        (
            {},
            {"START_DAT": CANARY},
            f"Ignoring an unknown variable {PREFIX}START_DAT.",
            "start_date?",
        ),
        *(
            ({name: 1}, {}, "Ignoring an unknown setting whose name", "characters.")
            for name in ("a\nb", "me@example.com", "x" * 61, "\x1b[31m", "s\u00f8")
        ),
    ],
)
def test_settings_without_effect_give_a_warning(
    config: Json, environment: dict[str, str], start: str, end: str
) -> None:
    variables = {PREFIX + name: value for name, value in environment.items()}
    (sentence,) = settings.warnings({**GOOD, **config}, variables, PREFIX)
    assert sentence.startswith(start)
    assert sentence.endswith(end)
    assert CANARY not in sentence
    assert sentence.isprintable()


def test_each_unknown_name_has_its_own_warning() -> None:
    environment = {
        "LOGLEVEL": "x",
        PREFIX + "START_DAT": "x",
        PREFIX + "LOGLEVEL": "x",
        PREFIX + "PAGE_SIZ": "x",
    }
    sentences = settings.warnings({**GOOD, "zzz": 1, "yyy": 1}, environment, PREFIX)
    assert sentences == [
        "Ignoring an unknown setting zzz.",
        "Ignoring an unknown setting yyy.",
        f"Ignoring an unknown variable {PREFIX}START_DAT. Did you mean start_date?",
        f"Ignoring an unknown variable {PREFIX}PAGE_SIZ. Did you mean page_size?",
    ]


UNENCRYPTED = (
    "The API key is sent without encryption, since api_url begins with http://. Set it "
    "to an address with https://."
)


def test_unencrypted_requests_to_another_machine_give_a_warning() -> None:
    safe = (
        "https://api.example/api",
        "http://localhost:8000/api",
        "http://sandbox.localhost/api",
        "http://127.1.2.3/api",
        "http://[::1]:80/api",
    )
    unsafe = (
        "http://api.example/api",
        "HTTP://10.0.0.1/api",
        "http://notlocalhost/api",
        "http://example.com/.localhost/",
        "http://localhost.example.com/",
    )
    for url in (*safe, *unsafe):
        sentences = settings.warnings({**GOOD, "api_url": url}, {}, PREFIX)
        assert sentences == [UNENCRYPTED] * (url in unsafe)


# Parsed settings


def test_defaults_select_every_candidate() -> None:
    parsed = Settings.parse(GOOD)
    assert (parsed.scope, parsed.narrowing()) == (Scope(), {})


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("start_date", "2024-01-31T02:00:00+02:00", "2024-01-31T00:00:00+00:00"),
        ("start_date", "2024-01-31", "2024-01-31T00:00:00+00:00"),
        ("job_opening_ids", [101, "100", "101"], ("101", "100")),
        (
            "candidate_filters",
            {"tag_ids": [300, "301"], "min_score": None, "email": "me@example.com"},
            {"email": "set", "tag_ids": "300,301"},
        ),
    ],
)
def test_narrowing_shows_no_personal_data(
    name: str, value: t.Any, shown: t.Any
) -> None:
    parsed = Settings.parse({**GOOD, name: value})
    assert parsed.narrowing() == {name: shown}
    assert parsed.scope.is_narrowed


def test_numbers_in_the_environment_are_strings() -> None:
    filters = {"candidate_filters": {"min_score": "40"}}
    numbers = {
        "requests_per_second": "2.5",
        "request_timeout": "7",
        "time_limit_minutes": "0.5",
    }
    parsed = Settings.parse({**GOOD, **numbers, **filters})
    assert (parsed.requests_per_second, parsed.request_timeout) == (2.5, 7.0)
    assert parsed.time_limit_minutes == 0.5
    assert parsed.candidate_filters == (("min_score", "40"),)


def test_parameters_of_requests_lead_to_their_settings() -> None:
    filters = {"min_score": 4, "tag_ids": ["300"]}
    config = {**GOOD, "job_opening_ids": ["1"], "candidate_filters": filters}
    assert Settings.parse(GOOD).setting_of == {"limit": "page_size"}
    assert Settings.parse(config).setting_of == {
        "job_opening_id": "job_opening_ids",
        "limit": "page_size",
        "min_score": "candidate_filters.min_score",
        "tag_ids": "candidate_filters.tag_ids",
    }
    # Without such a filter, the tap asks by tag all the same.
    assert "tag_ids" not in Settings.parse(GOOD).setting_of


def test_tags_are_dropped_only_with_other_personal_data() -> None:
    both = itertools.product(("keep", "hash", "drop"), ("keep", "drop"))
    assert [
        (pii, tags)
        for pii, tags in both
        if Settings.parse({**GOOD, "pii": pii, "pii_tags": tags}).drops_tags
    ] == [("hash", "drop"), ("drop", "drop")]
