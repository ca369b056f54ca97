"""The way out: what every transport offers, and its two ways to say no.

Here: `Transport`, `Away`, `Refused`, and which transport `smtp.transport` names. Not here: any of them (`wire.py`,
`sendmail.py`, `maildir.py`), what is sent. Invariant: a transport takes one recipient a mail, and never says that a
mail was taken when it was not.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from engine.config import Smtp


class Away(Exception):
    """The way out is closed: it is not there, does not let us in or breaks off.

    `met` tells that it had let us in, so that the mail in hand may be what it broke over; `sent` that it had the mail;
    `login` that it refused our login, which is not to be tried until the account is locked.
    """

    def __init__(self, sentence: str, *, sent: bool = False, met: bool = False, login: bool = False) -> None:
        super().__init__(sentence)
        self.sent, self.met, self.login = sent, met, login


class Refused(Exception):
    """This mail is not taken. `later` tells that it may be another time; `ours` that we are, not its address."""

    def __init__(self, sentence: str, *, later: bool, ours: bool = False) -> None:
        super().__init__(sentence)
        self.later, self.ours = later, ours


class Transport(Protocol):
    """Takes mail, one after the other. Use it in a `with`."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...

    def open(self) -> object:
        """Look whether it would take mail; a connection is kept. Raises: Away."""

    def send(
        self, reverse_path: str, recipient: str, content: bytes,
        before: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:  # fmt: skip
        """Hand over one mail. All that comes before that happens inside `before`. Raises: Away, Refused."""


def transport(smtp: Smtp, name: str) -> Transport:
    """Give the transport that is configured; `name` is what we call ourselves."""
    if smtp.transport == "sendmail":
        from engine.outbox.sendmail import Sendmail

        return Sendmail(smtp)
    if smtp.transport == "maildir":
        from engine.outbox.maildir import Maildir

        return Maildir(smtp)
    from engine.outbox.wire import Wire

    return Wire(smtp, name)
