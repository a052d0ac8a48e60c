"""Serve an invented account: `python -m sandbox --candidates 200`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from sandbox import Account, RateLimit, Sandbox
from sandbox.rebuilt import rebuild
from sandbox.versions import DOCUMENTED


def main() -> None:
    """Print one line with the URL and the key, then serve until a signal arrives."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--openings", type=int, default=3)
    parser.add_argument("--tags", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds an answer")
    parser.add_argument("--rate-limit", type=float, help="requests a second")
    parser.add_argument("--version", default="v2.1", help="v2.2 is an invented one")
    parser.add_argument(
        "--shape",
        type=Path,
        metavar="FILE",
        help="serve what --test=shape has written, with as many objects as it saw",
    )
    parser.add_argument("--api-key", default="sandbox-key")
    given = parser.parse_args()

    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with _sandbox(given) as sandbox:
        sys.stdout.write(f"{sandbox.url} {sandbox.api_key}\n")
        sys.stdout.flush()
        stopped.wait()


def _sandbox(given: argparse.Namespace) -> Sandbox:
    """Return the sandbox that the arguments ask for; say what it does not rebuild."""
    limit = RateLimit(given.rate_limit) if given.rate_limit else None
    options = {"latency": given.latency, "rate_limit": limit, "port": given.port}
    if given.shape:
        try:
            rebuilt = rebuild(json.loads(given.shape.read_text("utf-8")))
        except (OSError, ValueError, LookupError, TypeError) as problem:
            sys.exit(
                f"--shape {given.shape}: not a document of --test=shape ({problem!r})."
            )
        for part in rebuilt.not_rebuilt:
            sys.stderr.write(f"not rebuilt: {part}\n")
        return rebuilt.sandbox(given.api_key, **options)
    account = Account.example(
        candidates=given.candidates,
        openings=given.openings,
        tags=given.tags,
        seed=given.seed,
        text_ids=given.version != DOCUMENTED,
    )
    return Sandbox(account, given.api_key, versions=(given.version,), **options)


if __name__ == "__main__":
    main()
