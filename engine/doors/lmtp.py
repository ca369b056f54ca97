"""LMTP (RFC 2033): a mail server hands mail over and hears of each recipient by itself.

Here: one session. Not here: sockets and threads (`listening.py`), dots (`dots.py`), the way into the spool
(`reception.py`).
Invariant: a recipient hears 250 only after the mail is stored durably for all of them; whatever goes wrong on our side
is a 4xx, so that the mail server keeps the mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.config import ConfigError
from engine.doors.body import Body
from engine.doors.dots import Dots
from engine.doors.reception import Handed
from engine.doors.taking import targets
from engine.log import Entry
from engine.plain_text import printable
from engine.store.errors import NoRoom, StoreError

if TYPE_CHECKING:
    from engine.config import Config
    from engine.doors.listening import Client
    from engine.doors.reception import Reception

MOST_RECIPIENTS = 1000
LONGEST_LINE = 4096
"""Bytes of a command: RFC 5321 wants 512, addresses in UTF-8 and XFORWARD more."""

MOST_WRONG = 20
"""Commands that are none, before the client is let go."""

SAID = 300
"""Characters of a sentence in a reply."""

FULL = b"421 4.3.2 too many connections: try again\r\n"
BROKEN = b"421 4.3.0 something broke here: try again\r\n"
CLOSING = "421 4.3.2 closing: try again"

_PATH = r"\s*<((?:\"(?:[^\"\\]|\\.)*\"|[^<>\"])*)>\s*(.*)"
_CAN = ("PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8", "XFORWARD IDENT")
_PARAMETERS = {"SIZE": r"\d{1,20}", "BODY": "7BIT|8BITMIME", "SMTPUTF8": ""}
"""What MAIL may be told, and what that looks like."""


class _Bad(Exception):
    """A command that is refused; the text is the reply."""


class _Mail(Struct):
    """A mail that is being handed over."""

    config: Config
    sender: str
    recipients: list[str] = []


class Session:
    """One client. `name` is what we call ourselves."""

    def __init__(self, client: Client, reception: Reception, timeout_s: float, name: str) -> None:
        self._client, self._reception, self._timeout_s, self._name = client, reception, timeout_s, name
        self._came = b""
        self._greeted = False
        self._queue_id = ""
        self._mail: _Mail | None = None

    def run(self) -> None:
        """Talk until one of us ends it. Raises OSError where the client has gone."""
        try:
            self._client.by(self._timeout_s)
            self._say(f"220 {self._name} LMTP Allegra mail")
            self._talk()
        except TimeoutError:
            self._client.by(1.0)
            with suppress(OSError):
                self._say("421 4.4.2 it took too long: closing")

    def _talk(self) -> None:
        wrong = 0
        while True:
            self._client.by(self._timeout_s)
            line = self._line()
            if line is None or self._client.stopping:
                return self._say(CLOSING) if self._client.stopping else None
            word, _, rest = line.partition(" ")
            if word.upper() == "QUIT":
                return self._say("221 2.0.0 bye")
            try:
                command = _COMMANDS.get(word.upper())
                if command is None:
                    raise _Bad("500 5.5.2 no such command here")
                command(self, rest.strip())
            except _Bad as bad:
                wrong += 1
                self._say(str(bad))
                if wrong >= MOST_WRONG:
                    return self._say("421 4.7.0 too many errors: closing")

    def _say(self, *lines: str) -> None:
        self._client.send("".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace"))

    def _line(self) -> str | None:
        """Read the next command, None at the end; a line that is too long is one."""
        while (end := self._came.find(b"\n")) < 0:
            if len(self._came) > LONGEST_LINE:
                self._say("500 5.5.2 the line is too long: closing")
                return None
            if self._mail is None and not self._came:
                with self._client.waiting():
                    more = self._client.read()
            else:
                more = self._client.read()
            if not more:
                return None
            self._came += more
        line, self._came = self._came[:end], self._came[end + 1 :]
        return line.rstrip(b"\r").decode("utf-8", "replace")

    # ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────

    def lhlo(self, rest: str) -> None:
        if not rest:
            raise _Bad("501 5.5.4 say LHLO and your name")
        self._greeted, self._mail = True, None
        try:
            size = [f"SIZE {self._reception.config.settings('').limits.raw}"]
        except ConfigError:
            size = []
        *first, last = (self._name, *_CAN, *size)
        self._say(*(f"250-{each}" for each in first), f"250 {last}")

    def helo(self, rest: str) -> None:
        raise _Bad("500 5.5.1 this is LMTP: say LHLO")

    def xforward(self, rest: str) -> None:
        """Hear what Postfix tells of a mail (lmtp_send_xforward_command): its queue id, encoded as xtext."""
        for each in rest.split():
            name, _, value = each.partition("=")
            if name.upper() == "IDENT":
                plain = re.sub(r"\+([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), value)
                self._queue_id = plain if re.fullmatch(r"[\w.-]{1,64}", plain) else ""
        self._say("250 2.0.0 ok")

    def mail(self, rest: str) -> None:
        if not self._greeted:
            raise _Bad("503 5.5.1 say LHLO first")
        if self._mail is not None:
            raise _Bad("503 5.5.1 there is a mail already")
        found = re.fullmatch(rf"FROM:{_PATH}", rest, re.IGNORECASE)
        if found is None:
            raise _Bad("501 5.5.4 say MAIL FROM:<address>")
        try:
            config = self._reception.config
        except ConfigError:
            return self._say("451 4.3.5 our configuration does not load: try again later")
        most = config.settings("").limits.raw
        for name, value in _parameters(found[2]):
            shape = _PARAMETERS.get(name)
            if shape is None or not re.fullmatch(shape, value, re.IGNORECASE):
                raise _Bad(f"555 5.5.4 {printable(name, 40)} is not understood")
            if name == "SIZE" and int(value) > most:
                self._refused("MAIL", f"{value} bytes are more than limits.raw")
                return self._say(f"552 5.3.4 mail is taken up to {most} bytes")
        self._mail = _Mail(config, _address(found[1]))
        self._say("250 2.1.0 ok")

    def rcpt(self, rest: str) -> None:
        if self._mail is None:
            raise _Bad("503 5.5.1 say MAIL first")
        found = re.fullmatch(rf"TO:{_PATH}", rest, re.IGNORECASE)
        if found is None or not found[1]:
            raise _Bad("501 5.5.4 say RCPT TO:<address>")
        if found[2]:
            raise _Bad("555 5.5.4 RCPT takes no parameters here")
        if len(self._mail.recipients) >= MOST_RECIPIENTS:
            return self._say(f"452 4.5.3 a mail is taken for {MOST_RECIPIENTS} recipients at a time")
        address = _address(found[1])
        if not targets(self._mail.config, [address]):
            self._refused("RCPT", f"there is no mailbox for {address}")
            return self._say(f"550 5.1.1 <{printable(address, SAID)}> there is no mailbox of this address")
        self._mail.recipients.append(address)
        self._say("250 2.1.5 ok")

    def data(self, rest: str) -> None:
        if self._mail is None or not self._mail.recipients:
            raise _Bad("503 5.5.1 there is no recipient")
        mail, self._mail = self._mail, None
        with Body(mail.config.settings("").limits.raw, mail.config.data_dir) as body:
            self._say("354 end with a line that holds nothing but a dot")
            self._client.by(self._timeout_s)
            said = self._receive(body) or self._take(mail, body)
        self._client.by(self._timeout_s)
        self._queue_id = ""
        if isinstance(said, str):
            self._refused("DATA", said.replace("{} ", ""))
            said = dict.fromkeys(mail.recipients, said)
        self._say(*(said[each].replace("{}", f"<{printable(each, SAID)}>") for each in mail.recipients))

    def rset(self, rest: str) -> None:
        self._mail = None
        self._say("250 2.0.0 ok")

    def noop(self, rest: str) -> None:
        self._say("250 2.0.0 ok")

    def vrfy(self, rest: str) -> None:
        self._say("252 2.5.0 send a mail, and see")

    # ── the mail ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _receive(self, body: Body) -> str:
        """Read a mail to its end, whatever becomes of it; gives the reply for all where our disk has no room.

        Raises ConnectionError where the client goes away before the end.
        """
        trouble = ""
        dots = Dots(self._came)
        for piece in dots.pieces(self._client.read):
            if not trouble:
                try:
                    body.write(piece)
                except OSError as error:  # no room for what does not fit into memory
                    trouble = f"451 4.3.1 {{}} there is no room now: {error.strerror}"
        if not dots.ended:
            raise ConnectionError("the client went away in the middle of a mail")
        self._came = dots.rest
        return trouble

    def _take(self, mail: _Mail, body: Body) -> str | dict[str, str]:
        """Make it ours; gives the reply for all, or for each recipient."""
        if body.too_big:
            return f"552 5.3.4 {{}} mail is taken up to {body.most} bytes"
        if body.is_blank:
            return "554 5.6.0 {} there is no mail in it"
        found = targets(mail.config, list(dict.fromkeys(mail.recipients)))
        try:
            stored = self._reception.take(Handed(body, found, "LMTP", mail.sender, self._queue_id))
        except (StoreError, ConfigError, OSError) as error:
            sentence = printable(str(error).partition("\n")[0], SAID).replace("{}", "")
            status = "4.3.1" if isinstance(error, NoRoom) else "4.3.0"
            return f"451 {status} {{}} it cannot be stored now: {sentence}"
        ids = {each.mailbox: each.mail for each in stored}
        return {each: f"250 2.0.0 {{}} {ids[name]}" for name, its in found.items() for each in its}

    def _refused(self, at: str, why: str) -> None:
        self._reception.log(Entry("warning", "lmtp.refused", f"{at}: {why}, from {self._client.name}"))


_COMMANDS = {
    "LHLO": Session.lhlo, "EHLO": Session.helo, "HELO": Session.helo, "MAIL": Session.mail, "RCPT": Session.rcpt,
    "DATA": Session.data, "RSET": Session.rset, "NOOP": Session.noop, "VRFY": Session.vrfy,
    "XFORWARD": Session.xforward,
}  # fmt: skip


def _parameters(text: str) -> Iterator[tuple[str, str]]:
    for each in text.split():
        name, _, value = each.partition("=")
        yield name.upper(), value


def _address(path: str) -> str:
    """Give an address without the route before it. Raises _Bad for one with control characters."""
    address = path.rpartition(":")[2] if path.startswith("@") else path
    if not address.isprintable():
        raise _Bad("501 5.1.3 there is a control character in the address")
    return address
