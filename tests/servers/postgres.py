"""A private PostgreSQL on a socket of its own, without durability: for tests of what it makes of our statements.

Here: start, stop, where it is. Not here: pytest (`tests/conftest.py`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

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

    def __init__(self) -> None:
        found = programs()
        assert found is not None
        self.folder = Path(tempfile.mkdtemp(prefix="allegra-pg-"))
        self._programs = found
        if os.getuid() == 0:
            shutil.chown(self.folder, USER, USER)
        self._run(
            "initdb", "-D", self._data, "-U", "test", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"
        )
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off -c full_page_writes=off -c shared_buffers=32MB"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", self._data, "-w", "-t", "60", "-l", log, "-o", options, "start")

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    @property
    def where(self) -> str:
        """What a client is told to find it."""
        return f"host={self.folder} user=test dbname=postgres"

    def stop(self) -> None:
        """End the server and remove its files."""
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *words: str) -> None:
        prefix = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups"] if os.getuid() == 0 else []
        command = [*prefix, str(self._programs / program), *words]
        done = subprocess.run(
            command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")
