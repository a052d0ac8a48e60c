"""Records have the columns of their schema; personal data is redacted, nothing else."""

from __future__ import annotations

import copy
import hashlib
import hmac
import itertools
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_toggl_hire.privacy import PERSONAL_FIELDS, pii_fingerprint, scrubber
from tap_toggl_hire.sync import plan
from tests.unit.sync.observed import details_of, redacted, row_of

Json = dict[str, t.Any]

KEY = "k\u00e9y"
CONTACT: Json = {
    "full_name": "Zo\u00eb Example",
    "contact_email": "zoe@example.com",
    "linkedin": None,
    "phone": "",
    "city": "Exampleville",
    "country": "\u4f8b",
}
ROW: Json = {
    "id": "100",
    "name": "Zo\u00eb Example",
    "email": "login@example.com",
    "profile_url": "https://github.example.com/zoe",
    "contact_info": CONTACT,
    "extra": '{"nickname":"Zo"}',
    "started_at": "2019-03-10T02:39:32.59275+00:00",
    "points": 12,
    "rating": 0,
    "hire_state": "",
    "category_id": None,
}
DETAILS: Json = {
    **ROW,
    "tag_ids": ["300"],
    "questions": [{"id": "400", "content": "Zo\u00eb Example?", "options": None}],
    "answers": [
        {"question_id": "400", "text_answer": "My name is Zo\u00eb", "points": 1},
        {"question_id": "401", "text_answer": "", "points": 0},
        {"question_id": "402", "text_answer": None, "points": None},
        None,
    ],
}
SCRUBBED: Json = {
    "extra": None,
    "answers": [
        {"question_id": "400", "text_answer": None, "points": 1},
        *DETAILS["answers"][1:],
    ],
}
HIDING = pytest.mark.parametrize("mode", ["hash", "drop"])


def hashed(text: str, key: str = KEY) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def scrubbed(
    record: Json, mode: str, key: str | None = KEY, *, drops_tags: bool = False
) -> Json:
    return scrubber(mode, key, drops_tags=drops_tags)(copy.deepcopy(record))


def test_hash_is_hmac_sha256_in_hex() -> None:
    """The values are those of test case 2 of RFC 4231."""
    record = {**ROW, "name": "what do ya want for nothing?"}
    assert scrubbed(record, "hash", "Jefe")["name"] == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


def test_hash_replaces_personal_fields() -> None:
    assert scrubbed(DETAILS, "hash") == {
        **DETAILS,
        **SCRUBBED,
        "name": hashed("Zo\u00eb Example"),
        "email": hashed("login@example.com"),
        "profile_url": hashed("https://github.example.com/zoe"),
        "contact_info": {
            "full_name": hashed("Zo\u00eb Example"),
            "contact_email": hashed("zoe@example.com"),
            "linkedin": None,
            "phone": "",
            "city": hashed("Exampleville"),
            "country": hashed("\u4f8b"),
        },
    }


def test_drop_nulls_personal_fields() -> None:
    assert scrubbed(DETAILS, "drop") == {
        **DETAILS,
        **SCRUBBED,
        **dict.fromkeys(PERSONAL_FIELDS),
        "contact_info": {**dict.fromkeys(CONTACT), "phone": ""},
    }


def test_keep_changes_nothing() -> None:
    for record, drops_tags in itertools.product((ROW, DETAILS), (False, True)):
        assert scrubbed(record, "keep", None, drops_tags=drops_tags) == record


@HIDING
def test_tags_are_dropped_on_request(mode: str) -> None:
    assert scrubbed(DETAILS, mode)["tag_ids"] == ["300"]
    assert scrubbed(DETAILS, mode, drops_tags=True) == {
        **scrubbed(DETAILS, mode),
        "tag_ids": None,
    }
    # A list row has no tags, and gets no such column.
    assert scrubbed(ROW, mode, drops_tags=True) == scrubbed(ROW, mode)


@HIDING
def test_null_and_the_empty_string_stay(mode: str) -> None:
    for empty in (None, ""):
        record = {**DETAILS, "extra": None, **dict.fromkeys(PERSONAL_FIELDS, empty)}
        record["contact_info"] = dict.fromkeys(CONTACT, empty)
        record["answers"] = [{"question_id": "400", "text_answer": empty}]
        assert scrubbed(record, mode) == record
    for missing in ("contact_info", "answers", "questions"):
        assert scrubbed({**DETAILS, missing: None}, mode)[missing] is None


@given(first=st.text(min_size=1), second=st.text(min_size=1), key=st.text(min_size=1))
def test_equal_values_have_equal_hashes_and_others_do_not(
    first: str, second: str, key: str
) -> None:
    record = {**ROW, "name": first, "email": first, "profile_url": second}
    hashes = scrubbed(record, "hash", key)
    assert hashes["name"] == hashes["email"] == hashed(first, key)
    assert (hashes["name"] == hashes["profile_url"]) is (first == second)
    assert hashes["name"] != scrubbed(record, "hash", key + "x")["name"]


def test_pii_settings_have_different_fingerprints_without_the_key() -> None:
    settings = [("keep", "a secret"), ("drop", "a secret")]
    settings += [("hash", "a secret"), ("hash", "another")]
    fingerprints = {
        (mode, key, drops_tags): pii_fingerprint(mode, key, drops_tags=drops_tags)
        for mode, key in settings
        for drops_tags in (False, True)
    }
    assert fingerprints["keep", "a secret", True] == pii_fingerprint(
        "keep", None, drops_tags=False
    )
    assert fingerprints["drop", "a secret", True] == pii_fingerprint(
        "drop", None, drops_tags=True
    )
    # With keep, tags stay.
    assert len(set(fingerprints.values())) == len(fingerprints) - 1
    assert not any(key in text for text in fingerprints.values() for _, key in settings)


def test_record_has_the_columns_of_its_schema_and_extra() -> None:
    for stream, shown in (
        (plan.CANDIDATES, row_of(details_of())),
        (plan.DETAILS, details_of()),
    ):
        records = redacted(stream)
        assert set(records.columns) == shown.keys()
        assert records.of(shown).keys() == {*records.columns, "extra"}


def test_record_fits_the_schema() -> None:
    shown = row_of(details_of(rating="2", started_at="2026-01-05 09:00:00", new=[1]))
    record = redacted(plan.CANDIDATES).of(shown)
    assert record["rating"] == 2
    assert record["started_at"] == "2026-01-05T09:00:00+00:00"
    assert record["extra"] == '{"new":[1]}'


def test_personal_data_is_dropped_with_unknown_fields() -> None:
    record = redacted(plan.DETAILS, pii="drop").of(
        details_of(name="Ada Quell", new="Ada Quell", tag_ids=["300"])
    )
    assert "Ada" not in str(record)
    assert (record["name"], record["extra"]) == (None, None)
    assert record["answers"][0]["text_answer"] is None
    assert record["tag_ids"] == ["300"]


def test_personal_data_is_hashed_with_the_key() -> None:
    hashes = {
        redacted(plan.CANDIDATES, pii="hash", pii_hash_key=key).of(
            row_of(details_of())
        )["name"]
        for key in ("0123456789abcdef", "0123456789abcdeF")
    }
    assert len(hashes) == 2
    assert {len(value) for value in hashes} == {64}


@pytest.mark.parametrize(
    ("pii", "expected"), [("keep", ["300"]), ("hash", None), ("drop", None)]
)
def test_tags_are_dropped_where_personal_data_is_not_kept(
    pii: str, expected: list[str] | None
) -> None:
    records = redacted(
        plan.DETAILS, pii=pii, pii_tags="drop", pii_hash_key="0123456789abcdef"
    )
    assert records.of(details_of(tag_ids=["300"]))["tag_ids"] == expected
