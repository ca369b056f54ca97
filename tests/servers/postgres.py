"""A private PostgreSQL on a socket of its own, without durability: for tests of what it makes of our statements.

Here: start, stop, where it is. Not here: pytest (`tests/conftest.py`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

HOME = Path("/usr/lib/postgresql")
USER = "postgres"


def programs() -> Path | None:
    """Find the programs of the newest server that is installed."""
    found = sorted(HOME.glob("*/bin/initdb"), key=lambda each: int(each.parts[-3]) if each.parts[-3].isdigit() else 0)
    return found[-1].parent if found else None


def missing() -> str:
    """Name what is not installed; "" when all is there."""
    return "" if programs() else "postgresql"


class Postgres:
    """The server. `folder` holds its socket; who runs the tests as root has it run as the user `postgres`."""

    def __init__(self, *options: str, of: Postgres | None = None) -> None:
        """Start it with further options, or as a standby `of` another one."""
        found = programs()
        assert found is not None
        self.folder = Path(tempfile.mkdtemp(prefix="allegra-pg-"))
        self._programs = found
        self._numbers = count(1)
        self._has_template = False
        if os.getuid() == 0:
            shutil.chown(self.folder, USER, USER)
        if of is None:
            self._run(
                "initdb", "-D", self._data, "-U", "test", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"
            )
        else:
            how = ("--no-sync", "-R", "-c", "fast", "-X", "stream")
            self._run("pg_basebackup", "-D", self._data, "-h", str(of.folder), "-U", "test", *how)
        own = ("fsync=off", "full_page_writes=off", "shared_buffers=32MB", "listen_addresses=", *options)
        self._options = " ".join([f"-k {self.folder}", *(f"-c {each}" for each in own)])
        self.start()

    def start(self) -> None:
        """Start it, also again after `halt`."""
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", self._data, "-w", "-t", "60", "-l", log, "-o", self._options, "start")

    def halt(self, mode: str = "immediate") -> None:
        """Let it end without a word, as in a power cut; its files stay."""
        self._run("pg_ctl", "-D", self._data, "-m", mode, "-w", "stop")

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    @property
    def where(self) -> str:
        """What a client is told to find it."""
        return f"host={self.folder} user=test dbname=postgres"

    @property
    def url(self) -> str:
        """The same as a URL."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://test@/{database}?host={self.folder}"

    def run(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement as whoever owns all of it; gives its rows."""
        import psycopg

        with psycopg.connect(self.url_of(database), autocommit=True) as connection:
            done = connection.execute(statement.encode())
            return done.fetchall() if done.description else []

    def empty(self) -> str:
        """Make an empty database; gives its name."""
        name = f"empty_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name}")
        return name

    def furnished(self) -> str:
        """Make a database with our tables, copied from one that is made once; gives its name."""
        if not self._has_template:
            from engine.store.place import Url
            from engine.store.store import Store

            self.run("CREATE DATABASE template")
            Store.open(Url(self.url_of("template"))).close()
            self._has_template = True
        return self.copied("template")

    def copied(self, database: str) -> str:
        """Make a database with what is in another one, to which nobody is connected; gives its name."""
        name = f"desk_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {database} STRATEGY file_copy")
        return name

    def drop(self, name: str) -> None:
        """Take a database away, whoever is connected to it."""
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def promote(self) -> None:
        """Let a standby take over."""
        self._run("pg_ctl", "-D", self._data, "-w", "promote")

    def dump(self, database: str, file: Path, *words: str) -> None:
        """Write a copy of a database as an administrator does."""
        self._run("pg_dump", "--format=custom", f"--file={file}", *words, self.url_of(database))

    def restore(self, database: str, file: Path) -> None:
        """Put such a copy into an empty database."""
        self._run("pg_restore", "--exit-on-error", f"--dbname={self.url_of(database)}", str(file))

    def stop(self) -> None:
        """End the server and remove its files."""
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *words: str) -> None:
        prefix = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups"] if os.getuid() == 0 else []
        command = [*prefix, str(self._programs / program), *words]
        done = subprocess.run(
            command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")
