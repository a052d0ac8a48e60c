"""Personal data are kept, hashed with a key or dropped, and nothing else is."""

from __future__ import annotations

import copy
import hashlib
import hmac
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_toggl_hire.privacy import PERSONAL_FIELDS, fingerprint, scrubber

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
    "extra": None,
    "started_at": "2019-03-10T02:39:32.59275+00:00",
    "finished_at": None,
    "points": 12,
    "score": 85.7,
    "rating": 0,
    "hire_state": "",
    "category_id": None,
    "job_opening_id": "200",
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


def hashed(text: str, key: str = KEY) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def scrubbed(record: Json, mode: str, key: str | None = KEY) -> Json:
    return scrubber(mode, key)(copy.deepcopy(record))


def test_a_hash_is_hmac_sha256_in_hex() -> None:
    # Test case 2 of RFC 4231, so that nobody needs to trust this test's own hashing.
    record = {**ROW, "name": "what do ya want for nothing?"}
    assert scrubbed(record, "hash", "Jefe")["name"] == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


def test_hash() -> None:
    assert scrubbed(ROW, "hash") == {
        **ROW,
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


def test_drop() -> None:
    assert scrubbed(ROW, "drop") == {
        **ROW,
        "name": None,
        "email": None,
        "profile_url": None,
        "contact_info": {**dict.fromkeys(CONTACT), "phone": ""},
    }


@pytest.mark.parametrize("mode", ["hash", "drop"])
def test_unknown_fields_may_be_anything_and_are_dropped(mode: str) -> None:
    record = {**ROW, "extra": '{"nickname":"Zo"}'}
    assert scrubbed(record, mode)["extra"] is None
    assert scrubbed(record, "keep")["extra"] == record["extra"]


@pytest.mark.parametrize("mode", ["hash", "drop"])
def test_text_answers_are_dropped_and_questions_are_not(mode: str) -> None:
    details = scrubbed(DETAILS, mode)
    texts = [answer and answer["text_answer"] for answer in details["answers"]]
    assert texts == [None, "", None, None]
    assert details["questions"] == DETAILS["questions"]
    assert details["tag_ids"] == ["300"]
    assert [a and a["points"] for a in details["answers"]] == [1, 0, None, None]


@pytest.mark.parametrize("record", [ROW, DETAILS])
def test_keep_keeps_everything(record: Json) -> None:
    assert scrubbed(record, "keep", None) == record


@pytest.mark.parametrize("mode", ["hash", "drop"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_null_and_the_empty_string_stay(mode: str, nothing: str | None) -> None:
    record = {**DETAILS, **dict.fromkeys(PERSONAL_FIELDS, nothing)}
    record["contact_info"] = dict.fromkeys(CONTACT, nothing)
    record["answers"] = [{"question_id": "400", "text_answer": nothing}]
    assert scrubbed(record, mode) == record


@pytest.mark.parametrize("mode", ["hash", "drop"])
@pytest.mark.parametrize("missing", ["contact_info", "answers", "questions"])
def test_null_instead_of_a_list_or_an_object_stays(mode: str, missing: str) -> None:
    assert scrubbed({**DETAILS, missing: None}, mode)[missing] is None


@given(one=st.text(min_size=1), other=st.text(min_size=1), key=st.text(min_size=1))
def test_equal_values_stay_equal_and_others_differ(
    one: str, other: str, key: str
) -> None:
    record = {**ROW, "name": one, "email": one, "profile_url": other}
    made = scrubbed(record, "hash", key)
    assert made["name"] == made["email"] == hashed(one, key)
    assert (made["name"] == made["profile_url"]) is (one == other)
    assert made["name"] != scrubbed(record, "hash", key + "x")["name"]


def test_each_treatment_has_a_fingerprint_that_does_not_tell_the_key() -> None:
    made = [
        *(fingerprint("keep"), fingerprint("drop")),
        *(fingerprint("hash", "a secret"), fingerprint("hash", "another")),
    ]
    assert len(set(made)) == len(made)
    assert fingerprint("hash", "a secret") == made[2]
    assert fingerprint("keep", "a secret") == made[0]  # which is of no account there
    assert not any("secret" in one for one in made)
