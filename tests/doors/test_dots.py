"""The end of a mail and the dots before its lines, however the bytes come."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.doors.dots import Dots

TEXT = st.lists(st.sampled_from([b"\r\n", b".", b"\r", b"\n", b"a", b"..", b"\r\n.", b"x" * 50]), max_size=30).map(
    b"".join
)


def on_the_wire(mail: bytes) -> bytes:
    """What a client sends: RFC 5321, 4.5.2."""
    dotted = (b"\r\n" + mail).replace(b"\r\n.", b"\r\n..")[2:]
    return dotted + (b"" if mail.endswith(b"\r\n") or not mail else b"\r\n") + b".\r\n"


def taken(wire: bytes, cuts: list[int]) -> tuple[bytes, bytes, bool]:
    places = sorted({0, len(wire), *(cut % (len(wire) + 1) for cut in cuts)})
    pieces = [wire[a:b] for a, b in pairwise(places)]
    dots = Dots(pieces.pop(0) if cuts and cuts[0] % 2 else b"")
    pieces.append(b"")
    mail = b"".join(dots.pieces(lambda: pieces.pop(0)))
    return mail, dots.rest + b"".join(pieces), dots.ended


@given(TEXT, st.lists(st.integers(0, 10_000), max_size=20))
def test_what_a_client_sends_is_what_it_had_however_it_comes(mail: bytes, cuts: list[int]) -> None:
    whole = mail if mail.endswith(b"\r\n") or not mail else mail + b"\r\n"
    assert taken(on_the_wire(mail) + b"QUIT\r\n", cuts) == (whole, b"QUIT\r\n", True)


@given(TEXT, st.lists(st.integers(0, 10_000), max_size=20))
def test_a_mail_that_breaks_off_has_no_end(mail: bytes, cuts: list[int]) -> None:
    assert taken(on_the_wire(mail)[:-1], cuts)[2] is False


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r\n. \r\n", b"\n.\r.\r\n"])
def test_G22_half_a_line_end_ends_no_mail(end: bytes) -> None:
    mail = b"one" + end + b"MAIL FROM:<evil@example.com>\r\nRCPT TO:<help@example.com>\r\nDATA\r\ntwo\r\n"
    assert taken(on_the_wire(mail), [])[0] == mail
    got, rest, ended = taken(mail + b".\r\n", [])
    assert ended and rest == b"" and b"two" in got


def test_lines_of_megabytes_are_lines() -> None:
    mail = b"x" * 5_000_000 + b"\r\n." + b"y" * 5_000_000 + b"\r\n"
    assert taken(on_the_wire(mail), [*range(0, 10_000_000, 65_536)])[0] == mail
