"""A private pgbouncer before a private PostgreSQL.

Here: start, stop, where it is. Not here: pytest.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

PROGRAM = Path("/usr/sbin/pgbouncer")
PORT = 6432


def missing() -> str:
    """Name what is not installed; "" when all is there."""
    return "" if PROGRAM.exists() else "pgbouncer"


class Pgbouncer:
    """The pooler; `mode` is session, transaction or statement."""

    def __init__(self, server: Path, mode: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="allegra-pgb-"))
        file = self.folder / "pgbouncer.ini"
        file.write_text(
            f"[databases]\n* = host={server}\n[pgbouncer]\npool_mode = {mode}\nlisten_addr =\nlisten_port = {PORT}\n"
            f"unix_socket_dir = {self.folder}\nauth_type = any\ndefault_pool_size = 4\n"
            f"ignore_startup_parameters = extra_float_digits\nlogfile = {self.folder}/log\n"
        )
        file.write_text(file.read_text().replace("* = host=", "* = user=test host="))
        prefix: list[str] = []
        if os.getuid() == 0:
            for each in (self.folder, file):
                shutil.chown(each, "postgres", "postgres")
            prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        self._process = subprocess.Popen([*prefix, str(PROGRAM), "-q", str(file)], cwd="/")
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + 20
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as tried:
                    tried.connect(str(self.folder / f".s.PGSQL.{PORT}"))
                    return
            except OSError:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise
                time.sleep(0.02)

    def url_of(self, database: str) -> str:
        """The URL of a database behind it."""
        return f"postgresql://test@/{database}?host={self.folder}&port={PORT}"

    def close(self) -> None:
        """End it, and remove its files."""
        self._process.terminate()
        self._process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Pgbouncer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
