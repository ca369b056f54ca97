"""The connection under everything: deadlines, bounds, byte-stuffing."""

from __future__ import annotations

import socket
import threading

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.sources.source import SourceError
from engine.sources.wire import Overflow, Wire


class Box:
    name, host, port, timeout = "system", "mail.example", 1, 5.0
    protocol, ssl, sign_in = "imap", True, None


def wire(timeout_s=5.0):
    """A wire and the other end of it."""
    box = Box()
    box.timeout = timeout_s
    made = Wire(box)
    made.socket, other = socket.socketpair()
    made.allow()
    return made, other


def stuffed(content: bytes) -> bytes:
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


@example([b"."] * 400, 1)
@given(
    st.lists(st.binary(max_size=20) | st.sampled_from([b".", b"..", b".\r", b"\n.", b"\r\r", b""])), st.integers(1, 7)
)
def test_byte_stuffing_is_undone_exactly_however_the_bytes_arrive(lines, step):
    content = b"".join(line.replace(b"\r\n", b"") + b"\r\n" for line in lines)
    made, other = wire()
    sent = stuffed(content) + b"+OK next\r\n"

    def arrive():  # beside the reader: a few hundred single bytes fill what the kernel keeps of a socket
        for start in range(0, len(sent), step):
            other.sendall(sent[start : start + step])

    sender = threading.Thread(target=arrive)
    with other:
        sender.start()
        assert made.read_dotted(10_000) == content
        assert made.readline() == b"+OK next\r\n"
        sender.join()
        made.close()


def test_a_line_and_a_literal_are_read_apart():
    made, other = wire()
    with other:
        other.sendall(b"one\r\n\x00\x01two\nrest")
        assert (made.readline(), made.read(2), made.readline()) == (b"one\r\n", b"\x00\x01", b"two\n")
        made.close()


@pytest.mark.parametrize("size", [100, 1000, 70_000])
def test_a_line_over_the_limit_overflows(size):
    made, other = wire()
    with other:
        other.sendall(b"x" * size + b"\n")
        with pytest.raises(Overflow):
            made.readline(size)
        made.close()


def test_more_than_the_command_may_answer_overflows():
    made, other = wire()
    with other:
        made.allow(size_bytes=1000)
        with pytest.raises(Overflow):
            made.read(1001)
        other.sendall(b"x" * 2000)
        with pytest.raises(Overflow):
            made.readline()
        made.close()


def test_a_deadline_does_not_move_when_bytes_trickle_in():
    made, other = wire(0.3)
    stop = threading.Event()

    def trickle():
        while not stop.wait(0.02):
            try:
                other.sendall(b"x")
            except OSError:
                return

    thread = threading.Thread(target=trickle)
    thread.start()
    with pytest.raises(SourceError) as caught:
        made.readline()
    stop.set()
    thread.join()
    made.close()
    other.close()
    assert caught.value.code == "source.timeout"
    assert caught.value.sentence == "mailbox system: mail.example:1 did not answer in time"


def test_sending_to_somebody_who_does_not_read_ends_at_the_deadline():
    made, other = wire(0.2)
    with other, pytest.raises(SourceError, match="did not answer in time"):
        made.send(b"x" * 50_000_000)
    made.close()


def test_a_closed_connection_is_a_sentence():
    made, other = wire()
    other.close()
    with pytest.raises(SourceError, match="closed the connection"):
        made.readline()
    made.close()
    with pytest.raises(SourceError, match="not connected"):
        made.send(b"x")


@given(st.text(max_size=300))
def test_what_a_server_says_is_one_short_printable_line(said):
    shown = wire_only().quoted(said)
    assert len(shown) <= 160
    assert shown.isprintable()


def wire_only():
    return Wire(Box())


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=4, max_size=20), st.text(max_size=20))
def test_a_secret_is_never_repeated(secret, around):
    made = wire_only()
    made.hide("user", secret)
    assert secret not in made.quoted(f"{around}{secret}").replace("***", "")
