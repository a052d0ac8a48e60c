"""Certificates that do not verify end the run, with the library's own reason."""

from __future__ import annotations

import ssl
import typing as t
from datetime import UTC, datetime, timedelta

import pytest
import requests
import trustme

from tap_toggl_hire.api.certificates import HOW_TO_TRUST, tls_failure
from tap_toggl_hire.errors import TapError, TransientError
from tests.support.hostile import answer, says
from tests.unit.api.asking import closed_port, transport

if t.TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.api.asking import Serve

TAGS = "/v2.1/tags"
HOST = "localhost"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A file that trusts the authority, which the environment names."""
    path = tmp_path / "bundle.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    return path


def speaks(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.mark.usefixtures("bundle")
def test_a_certificate_that_verifies(serve: Serve, authority: trustme.CA) -> None:
    server = serve(says(answer({})), speaks(authority.issue_cert(HOST)))
    assert transport(server.url).send(TAGS).status == 200


def assert_final(serve: Serve, certificate: trustme.LeafCert, reason: str) -> None:
    server = serve(says(answer({})), speaks(certificate))
    with pytest.raises(TapError, match=reason) as raised:
        transport(server.url).send(TAGS)
    told = str(raised.value)
    assert told.startswith(
        "The certificate that api_url's host shows does not verify ("
    )
    assert told.endswith("). " + HOW_TO_TRUST)
    assert not server.asked


@pytest.mark.usefixtures("bundle")
def test_one_that_has_expired(serve: Serve, authority: trustme.CA) -> None:
    now = datetime.now(UTC)
    expired = authority.issue_cert(
        HOST, not_before=now - timedelta(9), not_after=now - timedelta(1)
    )
    assert_final(serve, expired, r"\(certificate has expired\)")


@pytest.mark.usefixtures("bundle")
def test_one_of_another_host(serve: Serve, authority: trustme.CA) -> None:
    assert_final(serve, authority.issue_cert("api.example"), "Hostname mismatch")


@pytest.mark.usefixtures("bundle")
def test_one_of_another_authority(serve: Serve) -> None:
    assert_final(serve, trustme.CA().issue_cert(HOST), "unable to get local issuer")


def test_one_of_an_authority_that_nobody_knows(
    serve: Serve, authority: trustme.CA
) -> None:
    assert_final(serve, authority.issue_cert(HOST), "unable to get local issuer")


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "is not there"), (b"none", "holds no certificates that can be read")],
)
def test_a_bundle_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    content: bytes | None,
    words: str,
) -> None:
    path = tmp_path / "bundle.pem"
    if content:
        path.write_bytes(content)
    monkeypatch.setenv(name, str(path))
    with pytest.raises(TapError) as raised:
        transport(f"https://localhost:{closed_port()}/api").send(TAGS)
    assert str(raised.value) == (
        f"REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE) names {path}, which {words}: set it "
        "to a file of certificates, or unset it."
    )


def test_without_tls_a_bundle_does_not_matter(
    monkeypatch: pytest.MonkeyPatch, serve: Serve, tmp_path: Path
) -> None:
    """A connection that breaks off is not taken for its fault."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    with pytest.raises(TransientError):
        transport(serve(says()).url).send(TAGS)


@pytest.mark.usefixtures("bundle")
def test_a_bundle_in_order_is_not_to_blame() -> None:
    with pytest.raises(TransientError, match="refused"):
        transport(f"https://localhost:{closed_port()}/api").send(TAGS)


def test_a_folder_may_be_a_bundle(tmp_path: Path) -> None:
    assert tls_failure(requests.ConnectionError(), str(tmp_path)) is None


def test_what_is_no_error_of_the_network_is_no_fault_of_the_bundle() -> None:
    assert tls_failure(ValueError("a broken body"), "/not/there") is None


def test_the_reason_is_found_however_deep_it_lies() -> None:
    reason = ssl.SSLCertVerificationError()
    reason.verify_message = "it is upside down"
    wraps: list[Exception] = []
    for place in range(4):
        arguments = (reason, OSError("another")) if place == 0 else ()
        error = requests.ConnectionError(*arguments)
        if place == 1:
            error.reason = reason  # type: ignore[attr-defined]
        elif place == 2:
            error.__cause__ = reason
        elif place == 3:
            error.__context__ = reason
        wraps.append(requests.exceptions.SSLError(error))
    wraps[0].__cause__ = wraps[0]  # a circle is no endless way
    for wrap in wraps:
        assert "(it is upside down)" in str(tls_failure(wrap, None))
