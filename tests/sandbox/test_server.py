"""The server: faults, rate limits, counts, concurrency, and its end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import pytest
import requests

from sandbox import Account, Fault, RateLimit, Sandbox, Shapes

if TYPE_CHECKING:
    from sandbox.messages import Request
    from tests.sandbox.conftest import Client


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 500, 502, 503, 504])
def test_fault_status(client: Client, sandbox: Sandbox, status: int) -> None:
    sandbox.faults = [Fault("status", status=status, times=1)]
    response = client.get("/tags")
    assert response.status_code == status
    assert response.json()["error"]["type"].endswith("Error")
    assert client.get("/tags").status_code == 200


def test_responses_have_the_date_of_the_api_s_clock(
    client: Client, sandbox: Sandbox
) -> None:
    assert "Date" not in client.get("/tags").headers
    sandbox.now = lambda: datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    assert client.get("/tags").headers["Date"] == "Mon, 02 Mar 2026 09:30:00 GMT"
    assert "Date" in client.get("/candidates/unknown").headers


def test_fault_status_as_a_proxy_has_it(client: Client, sandbox: Sandbox) -> None:
    sandbox.faults = [Fault("status", status=502, html=True)]
    assert client.get("/tags").text.startswith("<!doctype html>")


def test_fault_status_with_a_type(client: Client, sandbox: Sandbox) -> None:
    sandbox.faults = [Fault("status", status=400, error_type="FilterError")]
    assert client.get("/tags").json() == {"error": {"type": "FilterError"}}


@pytest.mark.parametrize("retry_after", [3, "Wed, 01 Jan 2025 00:00:00 GMT", None])
def test_fault_429(
    client: Client, sandbox: Sandbox, retry_after: float | str | None
) -> None:
    sandbox.faults = [Fault("429", retry_after=retry_after)]
    response = client.get("/tags")
    assert response.status_code == 429
    given = response.headers.get("Retry-After")
    assert given == (None if retry_after is None else str(retry_after))
    assert sandbox.stats.refused == 1


@pytest.mark.parametrize("kind", ["reset", "close"])
def test_fault_without_an_answer(client: Client, sandbox: Sandbox, kind: str) -> None:
    sandbox.faults = [Fault(kind)]
    with pytest.raises(requests.ConnectionError):
        client.get("/tags")
    assert sandbox.stats.log[0].status is None


def test_fault_timeout(client: Client, sandbox: Sandbox) -> None:
    sandbox.faults = [Fault("timeout", seconds=0.2, times=1), Fault("timeout")]
    with pytest.raises(requests.ConnectionError):
        client.get("/tags")
    with pytest.raises(requests.ReadTimeout):
        client.session.get(f"{sandbox.url}/v2.1/tags", timeout=0.1)


def test_fault_cut(client: Client, sandbox: Sandbox) -> None:
    sandbox.faults = [Fault("cut")]
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.get("/tags")


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        (Fault("empty"), b""),
        (Fault("body", body=b"{\xff"), b"{\xff"),
        (Fault("wrong_shape"), b'{"data":null}'),
        (Fault("wrong_shape", value=[]), b"[]"),
    ],
)
def test_faults_of_the_body(
    client: Client, sandbox: Sandbox, fault: Fault, body: bytes
) -> None:
    sandbox.faults = [fault]
    response = client.get("/tags")
    assert response.status_code == 200
    assert response.content == body


def test_fault_not_json(client: Client, sandbox: Sandbox) -> None:
    sandbox.faults = [Fault("not_json")]
    response = client.get("/tags")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")


def test_fault_redirect(client: Client, sandbox: Sandbox) -> None:
    with Sandbox(Account()) as elsewhere:
        sandbox.faults = [
            Fault("redirect", location=f"{elsewhere.url}/v2.1/tags", status=307)
        ]
        response = requests.get(f"{sandbox.url}/v2.1/tags", timeout=5)
        assert response.history[0].status_code == 307
        assert elsewhere.stats.log[0].headers["host"] in elsewhere.url
        assert "authorization" not in elsewhere.stats.log[0].headers
    assert sandbox.stats.log[0].status == 307
    assert client.get("/tags").headers["Location"].startswith(elsewhere.url)


def test_fault_next(client: Client, sandbox: Sandbox) -> None:
    sandbox.faults = [
        Fault("next", next="https://elsewhere.example.com/", times=1),
        Fault("next", next=lambda request: request.path),
    ]
    page = client.page("/candidates", limit=2)
    assert page["links"] == {"next": "https://elsewhere.example.com/"}
    assert len(page["data"]) == 2
    assert client.page("/tags")["links"] == {"next": "/api/v2.1/tags"}
    assert client.get("/candidates/1").status_code == 404


@pytest.mark.parametrize(("total", "said"), [("true", 40), ("short", 3)])
def test_fault_short_list(
    client: Client, sandbox: Sandbox, total: str, said: int
) -> None:
    sandbox.faults = [Fault("short_list", keep=3, total=total)]
    page = client.page("/candidates", limit=10)
    assert len(page["data"]) == 3
    assert page["links"] == {"next": None}
    assert page["total"] == said
    assert client.page("/tags")["data"] == sandbox.account.tags()[:3]


def test_which_requests_a_fault_strikes(client: Client, sandbox: Sandbox) -> None:
    fault = Fault("status", match="tags", after=2, times=2)
    sandbox.faults = [fault]
    seen = []
    for _ in range(6):
        assert client.get("/openings").status_code == 200
        seen.append(client.get("/tags").status_code)
    assert seen == [200, 200, 500, 500, 200, 200]
    assert fault.struck == 2
    sandbox.faults = [Fault("status", match=lambda request: "limit" in request.query)]
    assert client.get("/candidates").status_code == 200
    assert client.get("/candidates", limit=1).status_code == 500


def test_faults_by_chance(client: Client, sandbox: Sandbox) -> None:
    def seen() -> list[int]:
        sandbox.faults = [Fault("status", probability=0.3, seed=5)]
        return [client.get("/tags").status_code for _ in range(50)]

    first = seen()
    assert set(first) == {200, 500}
    assert seen() == first


def test_faults_that_do_not_exist() -> None:
    with pytest.raises(KeyError):
        Fault("flood")
    with pytest.raises(TypeError):
        Fault("status", seconds=3)
    with pytest.raises(TypeError):
        Fault("redirect")


def test_token_bucket() -> None:
    limit = RateLimit(10, burst=3)
    assert [limit.take(100.0) for _ in range(3)] == [None] * 3
    assert limit.take(100.0) == pytest.approx(0.1)
    assert limit.take(100.05) == pytest.approx(0.05)
    assert limit.take(100.11) is None
    assert [limit.take(200.0) for _ in range(3)] == [None] * 3
    assert limit.take(200.0) is not None


def test_fixed_windows() -> None:
    limit = RateLimit(5, window=2)
    assert [limit.take(100.5) for _ in range(10)] == [None] * 10
    assert limit.take(101.5) == pytest.approx(1.0)
    assert limit.take(102.5) is None


@pytest.mark.parametrize("how", ["seconds", "date", "none"])
def test_over_the_rate_limit(
    client: Client, sandbox: Sandbox, how: Literal["seconds", "date", "none"]
) -> None:
    sandbox.rate_limit = RateLimit(0.5, burst=2, retry_after=how)
    responses = [client.get("/tags") for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 429]
    assert sandbox.stats.refused == 1
    given = responses[2].headers.get("Retry-After")
    if how == "none":
        assert given is None
    elif how == "seconds":
        assert given == "2"
    else:
        assert given is not None
        ahead = parsedate_to_datetime(given).timestamp() - time.time()
        assert 1 <= ahead <= 3


def test_counts(client: Client, sandbox: Sandbox, account: Account) -> None:
    client.pages("/candidates", limit=20)
    client.get(f"/candidates/{account.listed_ids()[0]}")
    client.get("/openings/1", a="b c")
    client.get(f"{sandbox.url}/")
    stats = sandbox.stats
    assert stats.requests == 5
    assert stats.count("candidates") == 2
    assert stats.count("candidate") == stats.count("opening") == 1
    assert stats.count("other") == 1
    assert [one.number for one in stats.log] == [1, 2, 3, 4, 5]
    assert [one.status for one in stats.log] == [200, 200, 200, 404, 404]
    assert stats.log[3].query == {"a": "b c"}
    assert stats.log[3].headers["authorization"] == "Bearer sandbox-key"
    assert stats.log[0].at <= stats.log[-1].at <= time.monotonic()
    stats.reset()
    assert stats.requests == stats.without_key == stats.max_in_flight == 0


def test_requests_in_flight(client: Client, sandbox: Sandbox) -> None:
    sandbox.latency = 0.1
    client.get("/tags")
    assert sandbox.stats.max_in_flight == 1

    def get(_: int) -> int:
        return requests.get(f"{sandbox.url}/v2.1/tags", timeout=5).status_code

    started = time.monotonic()
    with ThreadPoolExecutor(5) as pool:
        assert set(pool.map(get, range(5))) == {401}
    assert time.monotonic() - started >= 0.1
    assert 1 < sandbox.stats.max_in_flight <= 5
    assert sandbox.stats.in_flight == 0
    assert sandbox.stats.without_key == 5


def test_the_account_may_change_during_a_sweep(
    client: Client, sandbox: Sandbox, account: Account
) -> None:
    def delete_the_anchor(request: Request) -> None:
        if "after_id" in request.query:
            account.delete(request.query["after_id"])

    sandbox.on_request = delete_the_anchor
    first = client.page("/candidates", limit=3)
    assert client.get(first["links"]["next"]).status_code == 404


def test_what_on_request_raises_is_not_lost(account: Account) -> None:
    def fail(request: Request) -> None:
        raise AssertionError(f"unexpected {request.kind}")

    sandbox = Sandbox(account)
    sandbox.on_request = fail
    sandbox.start()
    assert requests.get(f"{sandbox.url}/v2.1/tags", timeout=5).status_code == 500
    with pytest.raises(AssertionError, match="unexpected tags"):
        sandbox.stop()


def test_it_ends_at_once_with_requests_hanging() -> None:
    results: list[Exception] = []

    def hang(url: str) -> None:
        try:
            requests.get(url, timeout=60)
        except requests.ConnectionError as error:
            results.append(error)

    with Sandbox(Account()) as sandbox:
        sandbox.faults = [Fault("timeout")]
        url = f"{sandbox.url}/v2.1/tags"
        thread = threading.Thread(target=hang, args=(url,))
        thread.start()
        while not sandbox.stats.in_flight:
            time.sleep(0.01)
    thread.join(timeout=5)
    assert len(results) == 1
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_it_ends_while_clients_connect() -> None:
    def connect(address: tuple[str, int]) -> None:
        with suppress(OSError), ExitStack() as held:
            while True:
                held.enter_context(socket.create_connection(address, 0.1))

    for _ in range(20):
        sandbox = Sandbox(Account())
        sandbox.start()
        at = urlsplit(sandbox.url)
        client = threading.Thread(target=connect, args=((at.hostname, at.port),))
        client.start()
        while not sandbox.connections:
            time.sleep(0.001)
        ending = threading.Thread(target=sandbox.stop, daemon=True)
        ending.start()
        ending.join(timeout=10)
        assert not ending.is_alive()
        client.join()


def test_no_http_ends_the_connection(client: Client, sandbox: Sandbox) -> None:
    address = urlsplit(sandbox.url)
    with socket.create_connection((address.hostname, address.port), 5) as connection:
        connection.sendall(b"what is this?\r\n\r\n")
        assert connection.recv(100) == b""
    assert client.get("/tags").status_code == 200


def test_many_requests_from_many_threads() -> None:
    account = Account.example(candidates=200)
    with Sandbox(account, shapes=Shapes(max_limit=10)) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.api_key}"}

        def read(ids: list[str]) -> list[Any]:
            with requests.Session() as session:
                return [
                    session.get(
                        f"{sandbox.url}/v2.1/candidates/{one}",
                        headers=headers,
                        timeout=5,
                    ).json()
                    for one in ids
                ]

        ids = account.listed_ids()
        with ThreadPoolExecutor(8) as pool:
            parts = list(pool.map(read, [ids[place::8] for place in range(8)]))
        details = {one["id"]: one for part in parts for one in part}
        assert details == {one: account.detail(one) for one in ids}
        assert sandbox.stats.requests == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_from_the_command_line(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "sandbox", "--candidates", "5", "--api-key", "k"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        url, key = process.stdout.readline().split()
        response = requests.get(
            f"{url}/v2.1/candidates",
            headers={"Authorization": f"Bearer {key}"},
            timeout=5,
        )
        process.send_signal(number)
        assert process.wait(timeout=5) == 0
    assert response.json()["total"] == 5
