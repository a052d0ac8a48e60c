"""Plain threads: the same requests and records without any framework.

No state, log, schema or retries: a lower bound, as a script written for speed only.
"""

from __future__ import annotations

import sys
import threading
import typing as t
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import orjson
import requests

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

THREADS = 8
AHEAD = 4 * THREADS
"""Number of requests submitted ahead of the output."""

Record = dict[str, t.Any]


class Api:
    """The API, with one connection per thread."""

    def __init__(self, url: str, key: str) -> None:
        self._root = f"{url}/v2.1"
        self._key = key
        self._own = threading.local()

    def get(self, path: str) -> Record:
        """Read and decode one response."""
        return self.get_url(self._root + path)

    def get_url(self, url: str) -> Record:
        """Read and decode the response to a link."""
        if not hasattr(self._own, "session"):
            self._own.session = requests.Session()
            self._own.session.headers["Authorization"] = f"Bearer {self._key}"
        response = self._own.session.get(url, timeout=60)
        response.raise_for_status()
        answer: Record = orjson.loads(response.content)
        return answer


def write(stream: str, record: Record) -> None:
    """Write a RECORD message."""
    message = {
        "type": "RECORD",
        "stream": stream,
        "record": record,
        "time_extracted": datetime.now(UTC),
    }
    sys.stdout.buffer.write(orjson.dumps(message, option=orjson.OPT_APPEND_NEWLINE))


def candidates(api: Api, pool: ThreadPoolExecutor) -> Iterator[Record]:
    """Yield the list, and read the next page meanwhile."""
    page = pool.submit(api.get, "/candidates?limit=100").result()
    while True:
        link = page["links"]["next"]
        following = pool.submit(api.get_url, link) if link else None
        yield from page["data"]
        if following is None:
            return
        page = following.result()


def main(url: str, key: str) -> None:
    """Write the records of the five core streams."""
    api = Api(url, key)
    for stream, path in (
        ("job_openings", "/openings"),
        ("categories", "/categories"),
        ("tags", "/tags"),
    ):
        for record in api.get(path)["data"]:
            write(stream, record)
    with ThreadPoolExecutor(THREADS) as pool:
        started: deque[Future[Record]] = deque()
        for record in candidates(api, pool):
            write("candidates", record)
            started.append(pool.submit(api.get, f"/candidates/{record['id']}"))
            if len(started) > AHEAD:
                write("candidate_details", started.popleft().result())
        for details in started:
            write("candidate_details", details.result())


if __name__ == "__main__":
    main(*sys.argv[1:])
