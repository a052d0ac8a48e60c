"""Mail the hiring report, or post to a chat, only if something needs attention.

    python3 send_attention.py [options of toggl-hire-report]

Set MAIL_TO to mail the page, WEB_HOOK to post the sentences, or both. In a crontab, on
Mondays at 7, after the pipeline of the night:

    MAIL_TO=hiring@example.com
    0 7 * * 1  cd /srv/hiring && .venv/bin/python send_attention.py

The mail goes through SMTP_HOST (localhost) and SMTP_PORT (25), from MAIL_FROM. With
SMTP_USER and SMTP_PASSWORD the connection is encrypted, and they log in. WEB_HOOK takes
`{"text": "..."}`, as Slack, Mattermost, Rocket.Chat and Google Chat do.

The page has small counts, so send it to the hiring team only.
"""

from __future__ import annotations

import json
import os
import smtplib
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from email.message import EmailMessage
from pathlib import Path

NEEDS_ATTENTION = 3


def main() -> None:
    """Ask the report, and send what it says."""
    options = sys.argv[1:]
    command = ["toggl-hire-report", *options, "--attention"]
    asked = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if asked.returncode != NEEDS_ATTENTION:
        sys.exit(asked.returncode)
    if web_hook := os.environ.get("WEB_HOOK"):
        post(web_hook, asked.stdout)
    if to := os.environ.get("MAIL_TO"):
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "report.html"
            subprocess.run(
                ["toggl-hire-report", *options, "--output", page],  # noqa: S607
                check=True,
                stdout=subprocess.DEVNULL,
            )
            mail(to, asked.stdout, page.read_bytes())


def post(web_hook: str, text: str) -> None:
    """Post to a chat."""
    request = urllib.request.Request(  # noqa: S310
        web_hook,
        json.dumps({"text": text}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60):  # noqa: S310
        pass


def mail(to: str, text: str, page: bytes) -> None:
    """Mail the page to addresses that are separated by commas."""
    message = EmailMessage()
    message["Subject"] = "Hiring: what waits for you"
    message["From"] = os.environ.get("MAIL_FROM") or to.partition(",")[0]
    message["To"] = to
    message.set_content(text)
    message.add_attachment(
        page,
        maintype="text",
        subtype="html",
        params={"charset": "utf-8"},
        filename="hiring-report.html",
    )
    host = os.environ.get("SMTP_HOST") or "localhost"
    port = int(os.environ.get("SMTP_PORT") or 25)
    with smtplib.SMTP(host, port, timeout=60) as server:
        if user := os.environ.get("SMTP_USER"):
            server.starttls(context=ssl.create_default_context())
            server.login(user, os.environ["SMTP_PASSWORD"])
        server.send_message(message)


if __name__ == "__main__":
    main()
