"""The virus scanner: what is asked of clamd, and what its answers mean."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.run.scanner import ask

Clamd = Callable[..., Path]


@pytest.fixture
def clamd(tmp_path: Path) -> Iterator[Clamd]:
    """A clamd that checks the INSTREAM framing and gives one prepared answer; what it got is in `got`."""
    threads: list[threading.Thread] = []

    def start(answer: bytes, tcp: bool = False) -> Path:
        path = tmp_path / f"clamd{len(threads)}"
        server = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(("127.0.0.1", 0) if tcp else str(path))
        server.listen(1)
        if tcp:
            path = tmp_path / f"127.0.0.1:{server.getsockname()[1]}"

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


def test_F049_a_scanner_on_another_machine_is_asked_over_tcp(clamd: Clamd) -> None:
    path = clamd(b"stream: Eicar-Signature FOUND\0", tcp=True)
    assert ask(path.name, b"x") == "Eicar-Signature" and path.with_suffix(".got").read_bytes() == b"x"
    assert ask("127.0.0.1:1", b"x") == "unavailable" and ask("[::1]:1", b"x") == "unavailable"
    assert ask("localhost:99999", b"x") == "unavailable"


def test_F049_what_was_found_is_named(clamd: Clamd) -> None:
    assert ask(str(clamd(b"stream: Eicar-Signature FOUND\0")), b"x") == "Eicar-Signature"


@pytest.mark.parametrize("answer", [b"INSTREAM size limit exceeded. ERROR\0", b"", b"nonsense\0"])
def test_an_answer_that_is_none_means_that_nobody_knows(clamd: Clamd, answer: bytes) -> None:
    assert ask(str(clamd(answer)), b"x") == "unavailable"


def test_a_scanner_that_is_away_is_unavailable(tmp_path: Path) -> None:
    assert ask(str(tmp_path / "nothing"), b"x") == "unavailable"
