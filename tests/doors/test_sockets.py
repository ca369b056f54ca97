"""Where a door is: whose socket it is, and who takes it away."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack
from pathlib import Path
from queue import Queue

import pytest

from engine.doors import sockets
from engine.doors.sockets import CannotListen, opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "door.sock"


def listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def test_a_socket_that_a_killed_process_left_is_taken_away(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with opened(str(path), 0o600):
        assert listens(path) and path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()


def test_the_socket_of_a_door_too_busy_to_answer_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "BACKLOG", 1)
    with opened(str(path), 0o600), ExitStack() as clients:
        for _ in range(2):
            clients.enter_context(sockets.connected(str(path), 1.0))
        before = path.lstat().st_ino
        with pytest.raises(CannotListen, match="another process listens there"), opened(str(path), 0o600):
            pass
        assert path.lstat().st_ino == before


def test_a_door_that_ends_leaves_the_socket_of_its_successor(path: Path) -> None:
    first, second = opened(str(path), 0o600), opened(str(path), 0o600)
    first.__enter__()
    path.unlink()
    with second:
        first.__exit__(None, None, None)
        assert listens(path)
    assert not path.exists()


def test_a_socket_that_somebody_removed_is_no_fault_at_the_end(path: Path) -> None:
    with opened(str(path), 0o600):
        path.unlink()
    assert not path.exists()


def test_of_doors_that_open_at_once_one_has_the_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    start, over, heard = threading.Barrier(8), threading.Event(), Queue[str]()

    def open_it() -> None:
        start.wait()
        try:
            with opened(str(path), 0o600):
                heard.put("open")
                over.wait(20)
        except CannotListen:
            heard.put("refused")

    doors = [threading.Thread(target=open_it) for _ in range(8)]
    for each in doors:
        each.start()
    assert sorted(heard.get(timeout=20) for _ in doors) == ["open", *["refused"] * 7] and listens(path)
    over.set()
    for each in doors:
        each.join()
    assert not path.exists()


def test_a_folder_that_somebody_has_locked_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "ALONE_S", 0.0)
    with sockets._alone(path.parent), pytest.raises(CannotListen, match="has locked"), opened(str(path), 0o600):
        pass
