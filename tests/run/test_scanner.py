"""The virus scanner: what is asked of clamd, and what its answers mean."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.run.scanner import ask

Clamd = Callable[[bytes], Path]


@pytest.fixture
def clamd(tmp_path: Path) -> Iterator[Clamd]:
    """A clamd that checks the INSTREAM framing and gives one prepared answer; what it got is in `got`."""
    threads: list[threading.Thread] = []

    def start(answer: bytes) -> Path:
        path = tmp_path / f"clamd{len(threads)}"
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(str(path))
        server.listen(1)

        def serve() -> None:
            with server, server.accept()[0] as peer, peer.makefile("rb") as stream:
                if stream.read(10) != b"zINSTREAM\0":
                    return
                got = b""
                while size := struct.unpack("!I", stream.read(4))[0]:
                    got += stream.read(size)
                path.with_suffix(".got").write_bytes(got)
                peer.sendall(answer)

        threads.append(threading.Thread(target=serve, daemon=True))
        threads[-1].start()
        return path

    yield start
    for thread in threads:
        thread.join(5)


def test_F049_a_clean_mail_is_clean_and_all_its_bytes_were_looked_at(clamd: Clamd) -> None:
    content = bytes(range(256)) * 1000
    path = clamd(b"stream: OK\0")
    assert ask(str(path), content) == "clean"
    assert path.with_suffix(".got").read_bytes() == content


def test_F049_what_was_found_is_named(clamd: Clamd) -> None:
    assert ask(str(clamd(b"stream: Eicar-Signature FOUND\0")), b"x") == "Eicar-Signature"


@pytest.mark.parametrize("answer", [b"INSTREAM size limit exceeded. ERROR\0", b"", b"nonsense\0"])
def test_an_answer_that_is_none_means_that_nobody_knows(clamd: Clamd, answer: bytes) -> None:
    assert ask(str(clamd(answer)), b"x") == "unavailable"


def test_a_scanner_that_is_away_is_unavailable(tmp_path: Path) -> None:
    assert ask(str(tmp_path / "nothing"), b"x") == "unavailable"
