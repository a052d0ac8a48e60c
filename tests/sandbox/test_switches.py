"""What the documentation leaves open, faults, and limits: on demand."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import pytest
import requests

from sandbox import Account, Fault, RateLimit, Sandbox, details_of
from sandbox.shapes import ODD_NAMES, many_names
from tests.sandbox.conftest import Client

Json = dict[str, Any]
LastPage = Literal["null", "empty", "missing", "empty_links", "no_links"]


# Lists


def test_last_page_ends_in_each_form(client: Client, sandbox: Sandbox) -> None:
    shapes: dict[LastPage, Json] = {
        "null": {"links": {"next": None}},
        "empty": {"links": {"next": ""}},
        "empty_links": {"links": {}},
        "no_links": {},
    }
    sandbox.shapes.total = "missing"
    for shape, links in shapes.items():
        sandbox.shapes.last_page = shape
        page = client.page("/candidates")
        assert page == {"data": sandbox.account.list_rows(), **links}
    sandbox.shapes.last_page, sandbox.shapes.trailing_link = "missing", True
    pages = client.pages("/candidates", limit=20)
    assert [len(page["data"]) for page in pages] == [20, 20, 0]
    assert pages[-1]["links"].keys() == {"self"}


def test_limit_is_cut_or_refused_and_links_have_each_form(
    client: Client, sandbox: Sandbox
) -> None:
    shapes = sandbox.shapes
    shapes.max_limit, shapes.next_link = 10, "path"
    page = client.page("/candidates", limit=11)
    assert len(page["data"]) == 10
    assert page["links"]["next"].startswith("/api/v2.1/candidates?limit=11&after_id=")
    shapes.over_limit, shapes.next_link = "refuse", "bare"
    assert client.get("/candidates", limit=11).status_code == 400
    link = client.page("/candidates", limit=10)["links"]["next"]
    assert link.startswith("/candidates?limit=10&after_id=")


@pytest.mark.parametrize("path", ["/candidates", "/tags"])
def test_small_lists_have_pages_and_deleted_anchors_get_each_response(
    client: Client, sandbox: Sandbox, path: str
) -> None:
    whole = client.ids(path)
    sandbox.shapes.page_small_lists = 2
    assert client.ids(path, limit=1) == whole
    gone = whole.pop(1)
    delete = sandbox.account.delete_tag if path == "/tags" else sandbox.account.delete
    delete(gone)
    assert client.get(path, after_id=gone).status_code == 404
    sandbox.shapes.dead_anchor = "400"
    assert client.get(path, after_id=gone).status_code == 400
    sandbox.shapes.dead_anchor = "empty"
    assert client.ids(path, after_id=gone) == []
    sandbox.shapes.dead_anchor = "restart"
    assert client.ids(path, after_id=gone) == whole


# Objects


def test_unknown_fields_are_served_at_each_level(
    client: Client, sandbox: Sandbox
) -> None:
    odd = {**ODD_NAMES, **many_names(200)}
    sandbox.shapes.extra_fields = odd
    for level, objects in client.objects().items():
        assert objects, level
        assert all(shown.items() >= odd.items() for shown in objects), level
    sandbox.shapes.extra_in = ("options",)
    for level, objects in client.objects().items():
        assert {"extra" in shown for shown in objects} == {level == "options"}


@pytest.mark.parametrize("shape", ["drop_fields", "null_fields", "other_types"])
def test_distorted_objects_are_always_the_same(
    client: Client, sandbox: Sandbox, shape: str
) -> None:
    setattr(sandbox.shapes, shape, True)
    rows = client.page("/candidates")["data"]
    assert [row["id"] for row in rows] == sandbox.account.listed_ids()
    assert client.page("/candidates")["data"] == rows != sandbox.account.list_rows()


def test_invented_version_has_other_objects() -> None:
    account = Account.example(candidates=30, text_ids=True)
    with Sandbox(account, versions=("v2.1", "v2.2")) as sandbox:
        old, new = Client(sandbox), Client(sandbox, "v2.2")
        assert new.ids("/candidates", limit=4) == account.listed_ids()
        assert all(key.startswith("id-") for key in account.listed_ids())
        before, after = old.objects(), new.objects()
        for level in before:
            known = {name for shown in before[level] for name in shown}
            assert {name for shown in after[level] for name in shown} - known, level
        assert before["rows"] == account.list_rows()
        assert "profile_url" not in after["rows"][0]
        shown = old.ids("/candidates", hire_state="possible-hire")
        assert new.ids("/candidates", hire_state="shortlisted") == shown != []
        sandbox.shapes.versions = ("v2.2",)
        assert old.get("/tags").json() == {"error": {"type": "NotFoundError"}}
        sandbox.shapes.unknown_version = "html"
        assert old.get("/tags").headers["Content-Type"].startswith("text/html")


# Faults


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        (Fault("status", status=502), 502, '{"error":{"type":"BadGatewayError"}}'),
        (Fault("status", status=502, html=True), 502, "<!doctype html>"),
        (Fault("status", status=404, empty=True), 404, ""),
        (Fault("status", error_type="OddError"), 500, '{"error":{"type":"OddError"}}'),
        (Fault("429", retry_after=3), 429, '{"error":{"type":"TooManyRequestsError"}}'),
        (Fault("not_json"), 200, "<!doctype html>"),
        (Fault("empty"), 200, ""),
        (Fault("body", body=b"{oops"), 200, "{oops"),
        (Fault("wrong_shape"), 200, '{"data":null}'),
        (Fault("redirect", location="/x", status=307), 307, ""),
        (Fault("next", next="/x"), 200, '{"data":['),
        (Fault("short_list"), 200, '{"data":[]'),
    ],
    ids=repr,
)
def test_fault_replaces_the_response(
    client: Client, sandbox: Sandbox, fault: Fault, status: int, body: str
) -> None:
    sandbox.faults = [fault]
    response = client.get("/tags")
    assert response.status_code == status
    assert response.text.startswith(body)
    assert (response.text == "") == (body == "")


@pytest.mark.parametrize("kind", ["reset", "close", "cut", "timeout"])
def test_fault_breaks_the_response_off(
    client: Client, sandbox: Sandbox, kind: str
) -> None:
    sandbox.faults = [Fault(kind)]
    with pytest.raises(requests.RequestException):
        client.session.get(f"{sandbox.url}/v2.1/tags", timeout=0.2)


def test_fault_affects_the_requests_that_match(
    client: Client, sandbox: Sandbox
) -> None:
    fault = Fault("status", match="tags", after=2, times=2)
    sandbox.faults = [fault]
    statuses = [client.get("/tags").status_code for _ in range(6)]
    assert statuses == [200, 200, 500, 500, 200, 200]
    assert fault.struck == 2
    failing, other = sandbox.account.listed_ids()[:2]
    sandbox.faults = [Fault("status", match=details_of(failing))]
    assert client.get(f"/candidates/{failing}").status_code == 500
    assert client.get(f"/candidates/{other}").status_code == 200
    sandbox.faults = [Fault("status", probability=0.3, seed=5)]
    statuses = [client.get("/tags").status_code for _ in range(20)]
    assert set(statuses) == {200, 500}
    with pytest.raises(TypeError):
        Fault("status", seconds=3)


# The rate, the counts and the end


def test_rate_limit_answers_429(client: Client, sandbox: Sandbox) -> None:
    sandbox.rate_limit = RateLimit(0.5, burst=2)
    responses = [client.get("/tags") for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 429]
    assert responses[2].headers["Retry-After"] == "2"
    assert sandbox.stats.refused == 1
    sandbox.rate_limit.retry_after = "date"
    date = parsedate_to_datetime(client.get("/tags").headers["Retry-After"])
    assert 0 < date.timestamp() - time.time() <= 3
    sandbox.rate_limit.retry_after = "none"
    assert "Retry-After" not in client.get("/tags").headers


def test_requests_are_counted(client: Client, sandbox: Sandbox) -> None:
    sandbox.latency = 0.05
    ids = sandbox.account.listed_ids()
    with ThreadPoolExecutor(8) as pool:
        details = [
            *pool.map(lambda key: Client(sandbox).page(f"/candidates/{key}"), ids)
        ]
    assert details == [sandbox.account.detail(key) for key in ids]
    client.get("/openings/1", a="b c")
    stats = sandbox.stats
    assert stats.requests == 41
    assert stats.count("candidate") == 40
    assert 1 < stats.max_in_flight <= 8
    assert (stats.log[-1].status, stats.log[-1].query) == (404, {"a": "b c"})
    stats.reset()
    assert stats.requests == stats.max_in_flight == 0


def test_command_line_serves_until_sigterm() -> None:
    command = [sys.executable, "-m", "sandbox", "--candidates", "3"]
    command += ["--version", "v2.2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, key = process.stdout.readline().split()
        headers = {"Authorization": f"Bearer {key}"}
        page = requests.get(f"{url}/v2.2/candidates", headers=headers, timeout=5).json()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0
    assert page["total"] == 3


def test_responses_have_the_date_of_the_clock_that_is_set(
    client: Client, sandbox: Sandbox
) -> None:
    assert "Date" not in client.get("/tags").headers
    sandbox.now = lambda: datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    assert client.get("/tags").headers["Date"] == "Mon, 02 Mar 2026 09:30:00 GMT"
    assert "Date" in client.get("/candidates/unknown").headers
