"""examples/send_attention.py, with a mail server and a web hook on this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from analytics.tests.marks import needs_dbt
from tools.local.meltano import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

    from analytics.tests.report.conftest import Report

controller = pytest.importorskip(
    "aiosmtpd.controller", reason="the group `analytics` has a mail server"
)
pytestmark = [pytest.mark.pipeline, needs_dbt]


class MailServer:
    """Keeps the mails that arrive."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Accept a mail."""
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@pytest.fixture
def mail_server() -> Iterator[tuple[MailServer, dict[str, str]]]:
    """A mail server, and the settings that lead to it."""
    handler = MailServer()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = controller.Controller(handler, hostname="127.0.0.1", port=port)
    server.start()
    yield (
        handler,
        {
            "MAIL_TO": "hiring@example.com",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(port),
        },
    )
    server.stop()


@pytest.fixture
def web_hook() -> Iterator[tuple[list[Any], dict[str, str]]]:
    """What was posted to a chat, and its address."""
    posts: list[Any] = []

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            posts.append(json.loads(self.rfile.read(size)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Chat)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield posts, {"WEB_HOOK": f"http://127.0.0.1:{server.server_port}/hook"}
    server.shutdown()
    thread.join()
    server.server_close()


def send(warehouse: Path, **settings: str) -> int:
    """Run the example."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    script = CHECKOUT / "examples" / "send_attention.py"
    done = subprocess.run(
        [sys.executable, script, "--duckdb", warehouse],
        env={**os.environ, "PATH": path, **settings},
        check=False,
    )
    return done.returncode


def test_page_is_mailed_with_the_sentences(
    warehouse: Path, for_team: Report, mail_server: tuple[MailServer, dict[str, str]]
) -> None:
    received, settings = mail_server
    assert send(warehouse, **settings) == 0
    (mail,) = received.mails
    assert mail["To"] == "hiring@example.com"
    body = mail.get_body()
    assert body is not None
    text = " ".join(body.get_content().split())
    assert all(sentence in text for sentence in for_team.figures["attention"]["new"])
    (page,) = mail.iter_attachments()
    assert page.get_content() == for_team.page


def test_sentences_are_posted_to_a_chat(
    warehouse: Path, for_team: Report, web_hook: tuple[list[Any], dict[str, str]]
) -> None:
    posts, settings = web_hook
    assert send(warehouse, **settings) == 0
    (posted,) = posts
    attention = for_team.figures["attention"]
    expected = [*attention["new"], attention["standing"]]
    assert posted["text"].splitlines()[-len(expected) :] == expected


def test_nothing_is_sent_if_nothing_needs_attention(
    warehouse: Path,
    tmp_path: Path,
    mail_server: tuple[MailServer, dict[str, str]],
    web_hook: tuple[list[Any], dict[str, str]],
) -> None:
    quiet = tmp_path / "quiet.duckdb"
    quiet.write_bytes(warehouse.read_bytes())
    with duckdb.connect(str(quiet)) as connection:
        connection.execute("use toggl_hire_marts")
        connection.execute("delete from toggl_hire__grading_backlog")
        connection.execute(
            "update toggl_hire__workspaces set last_run_completed_at = $1",
            [datetime.now(UTC).replace(tzinfo=None)],
        )
        for model in ("candidates", "retention_due"):
            connection.execute(
                f"delete from toggl_hire_marts_personal.toggl_hire__{model}"
            )
    assert send(quiet, **mail_server[1], **web_hook[1]) == 0
    assert (mail_server[0].mails, web_hook[0]) == ([], [])


def test_error_of_the_report_is_that_of_the_example(tmp_path: Path) -> None:
    assert send(tmp_path / "missing.duckdb") == 1
