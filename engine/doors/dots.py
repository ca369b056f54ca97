"""The end of a mail in SMTP and LMTP, and the dots before its lines (RFC 5321, 4.5.2).

Here: `Dots`. Not here: commands (`lmtp.py`).
Invariant: only CRLF "." CRLF ends a mail, so that nobody hides a second one behind half a line end; lines may be of any
length, and memory holds what came at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

END, DOT, LINE = b"\r\n.\r\n", b"\r\n.", b"\r\n"


class Dots:
    """Takes off the dots that a client put before lines which begin with one, and finds the end.

    `came` is what was read already; afterwards `rest` is what came behind the mail, `ended` whether its end came.
    """

    def __init__(self, came: bytes) -> None:
        self.rest, self.ended = came, False

    def pieces(self, read: Callable[[], bytes]) -> Iterator[bytes]:
        """Give the mail piece by piece; `read` gives what comes next, b"" at the end."""
        held, first = LINE + self.rest, True  # as if a line had ended: a mail may begin with a dot
        self.rest = b""
        while (end := held.find(END)) < 0:
            keep = next((n for n in range(min(len(END) - 1, len(held)), 0, -1) if END.startswith(held[-n:])), 0)
            ready, held = held[: len(held) - keep], held[len(held) - keep :]
            if ready:
                yield _plain(ready, first)
                first = False
            if not (came := read()):
                return
            held += came
        yield _plain(held[: end + len(LINE)], first)
        self.rest, self.ended = held[end + len(END) :], True


def _plain(piece: bytes, first: bool) -> bytes:
    """Give a piece without the dots, and the first one without the line end that was put before it."""
    return piece.replace(DOT, LINE)[len(LINE) if first else 0 :]
