"""`allegra console`: it serves until it is stopped, and says what stands in its way."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from engine.desk.demo import play

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A demo whose console lets everybody in who is here."""
    play(tmp_path / "demo")
    file = tmp_path / "demo" / "allegra.toml"
    file.write_text(file.read_text("utf-8") + '\n[console]\nauth = "none"\n', "utf-8")
    return file.parent


@dataclass
class Started:
    """The command, and the line that it said first."""

    process: subprocess.Popen[str]
    said: str

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@contextmanager
def started(folder: Path, *words: str) -> Iterator[Started]:
    """Start it, and wait for the line that says where it is, or for its end."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "engine", "--config", str(folder / "allegra.toml"), "console", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stderr is not None
        try:
            yield Started(process, process.stderr.readline())
        finally:
            process.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def asked(connection: HTTPConnection, address: str) -> tuple[int, str]:
    connection.request("GET", address, headers={"Host": "localhost"})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_it_serves_until_it_is_stopped(folder: Path) -> None:
    port = free_port()
    with started(folder, "--listen", f"127.0.0.1:{port}") as console:
        assert console.said == f"allegra console: http://127.0.0.1:{port}/\n"
        with closing(HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
            assert asked(connection, "/healthz") == (200, "ok\n")
            status, page = asked(connection, "/mails")
            assert status == 200 and "Printer prints an error" in page
        assert console.stop() == 0


def health(folder: Path) -> dict[str, str]:
    """What `allegra health` says of the console."""
    command = [sys.executable, "-m", "engine", "--config", str(folder / "allegra.toml"), "health", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    return dict(next(each for each in json.loads(done.stdout)["checks"] if each["name"] == "console"))


def test_health_knows_whether_it_lives_and_when_it_answered(folder: Path) -> None:
    assert health(folder)["said"] == "does not run"
    port = free_port()
    with (
        started(folder, "--listen", f"127.0.0.1:{port}") as console,
        closing(HTTPConnection("127.0.0.1", port, timeout=20)) as connection,
    ):
        assert asked(connection, "/healthz")[0] == 200
        assert re.fullmatch(r"last answered \d+ s ago", health(folder)["said"])
        assert console.stop() == 0
    assert health(folder)["said"] == "does not run", "it ended by itself"
    with started(folder, "--listen", f"127.0.0.1:{port}") as console:
        console.process.kill()
        console.process.wait(20)
    assert health(folder)["status"] == "warning" and "ended without a word" in health(folder)["said"]


def test_it_serves_on_a_unix_socket_that_others_may_not_use(folder: Path) -> None:
    path = folder / "console.sock"
    with started(folder, "--listen", str(path)) as console:
        assert console.said == f"allegra console: {path}\n"
        assert path.stat().st_mode & 0o777 == 0o660
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            with client.makefile() as answer:
                assert answer.readline().startswith("HTTP/1.0 200")
        assert console.stop() == 0


def test_a_place_that_is_taken_is_said(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        with started(folder, "--listen", place) as console:
            assert console.process.wait(20) == 69 and f"{place} cannot be listened at" in console.said


def test_an_address_that_others_reach_is_refused(folder: Path) -> None:
    with started(folder, "--listen", "0.0.0.0:8026") as console:
        assert console.process.wait(20) == 64


def test_what_changed_in_the_file_is_in_force_and_a_broken_one_leaves_the_last_good_one(folder: Path) -> None:
    port = free_port()
    with (
        started(folder, "--listen", f"127.0.0.1:{port}") as console,
        closing(HTTPConnection("127.0.0.1", port, timeout=20)) as connection,
    ):
        assert asked(connection, "/mails")[0] == 200
        file = folder / "allegra.toml"
        good = file.read_text("utf-8")
        file.write_text(good + "\n[nonsense]\n", "utf-8")
        time.sleep(1.2)
        status, page = asked(connection, "/mails")
        assert status == 200 and "does not load any more" in page
        file.write_text(good.replace("Demo help desk", "Another name"), "utf-8")
        time.sleep(1.2)
        status, page = asked(connection, "/mails")
        assert status == 200 and "Another name" in page and "does not load" not in page
        assert console.stop() == 0
