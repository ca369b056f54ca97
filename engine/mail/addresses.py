"""Address fields: text -> addresses, and whether From can be believed.

Here: RFC 5322 3.4 with its obsolete forms, groups and comments, and the mistakes mail programs make.
Not here: who an address belongs to.
Invariant: what stands between angle brackets is the address, whatever the display name claims; a display name is
decoded only after the structure was read, so an encoded word can never bring an address along. `oddity` names every
reading that another parser could have made differently. Linear throughout.
Over 300 lines: one scanner and the oddities it has to name.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from engine.mail import headers
from engine.model.mail import Address, Mail

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]"
_SIMPLE = re.compile(
    rf"""\s*+(?:(?:"([^"\\]*+)"\s*+|([^"<>,;:@()\[\]\\]*+))<({_ATEXT}++@[A-Za-z0-9.-]++)>|({_ATEXT}++@[A-Za-z0-9.-]++))"""
    r"\s*+(?:,|\Z)"
)
_TOKEN = re.compile(
    r"""(?P<blank>\s+)|(?P<word>=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=)|(?P<special>[<>,;:@()\[\]\\"])|(?P<atom>[^\s<>,;:@()\[\]\\"]+)"""
)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_IN_COMMENT = re.compile(r"[()]|\\.", re.DOTALL)
_ADDR_SPEC = re.compile(
    r"""(?:[^\s@<>()\[\],;:"\\\x00-\x1f]+|"(?:[^"\\\x00-\x1f]|\\.)*")@(?:[^\s@<>()\[\],;:"\\\x00-\x1f]+|\[[^\s\[\]\\]*\])"""
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_BLANKS = re.compile(r"\s+")
_STRANGE = frozenset('[]\\>:;"')
_CACHED_LENGTH = 200
_HIDDEN = "the address is hidden in an encoded word"


class Reading(NamedTuple):
    """What an address field says. `oddity` is "" or why the reading is not the only one; `more` were left out."""

    addresses: tuple[Address, ...]
    oddity: str = ""
    more: bool = False


def parse(value: str, limit: int) -> tuple[Address, ...]:
    """Read an address field, at most `limit` addresses."""
    return read(value, limit).addresses


def read(value: str, limit: int, hint: str = "") -> Reading:
    """Read an address field; `value` is raw (encoded words not decoded), `hint` a charset for bytes beyond ASCII."""
    return _read_cached(value, limit, hint) if len(value) <= _CACHED_LENGTH else _read(value, limit, hint)


def _read(value: str, limit: int, hint: str) -> Reading:
    found: list[Address] = []
    position = 0
    while position < len(value):
        simple = _SIMPLE.match(value, position)
        if simple is None:
            return _Reader(value, limit, hint).read()
        if len(found) >= limit:
            return Reading(tuple(found), more=True)
        quoted, phrase, angle, bare = simple.groups()
        name = quoted if quoted is not None else (phrase or "").strip()
        found.append(Address(angle or bare, _name(name, hint) if name else ""))
        position = simple.end()
    return Reading(tuple(found))


_read_cached = lru_cache(maxsize=4096)(_read)


def sender(mail: Mail) -> tuple[Address, str]:
    """Tell who writes, and why not to believe it: "" for exactly one From field with exactly one address (F053).

    Where From gives nothing, Sender and then Reply-To are named, with the problem beside them.
    """
    fields = len(mail.header_values("from"))
    if not mail.from_:
        other = next((addresses[0] for addresses in (mail.sender, mail.reply_to) if addresses), Address(""))
        return other, "From holds no address" if fields else "there is no From"
    first = mail.from_[0]
    if fields > 1:
        return first, f"there are {fields} From fields"
    if len(mail.from_) > 1:
        return first, f"From names {len(mail.from_)} addresses"
    odd = next((defect.detail for defect in mail.defects if defect.code == "from_odd"), "")
    if not odd and not _ADDR_SPEC.fullmatch(first.address):
        odd = f"{first.address!r} is no mail address"
    return first, odd


def is_address(text: str) -> bool:
    """Tell whether a text is one whole address (RFC 5322, addr-spec)."""
    return _ADDR_SPEC.fullmatch(text) is not None


class _Entry:
    """What was read of one entry of the list so far."""

    __slots__ = ("angle", "at", "comments", "pieces", "route", "strange")

    def __init__(self) -> None:
        self.pieces: list[tuple[str, str]] = []  # (kind, text): word, atom, quoted, blank, special
        self.angle: list[tuple[str, str]] | None = None
        self.comments: list[str] = []
        self.at = False  # an unquoted @ stands before the angle bracket
        self.strange = False  # and a character that has no business there
        self.route = False  # within an obsolete route, `<@one,@two:jane@example.com>`


class _Reader:
    """Reads a field that is not plain: one pass over the tokens."""

    def __init__(self, value: str, limit: int, hint: str) -> None:
        self.value, self.limit, self.hint = value, limit, hint
        self.found: list[Address] = []
        self.oddity = ""
        self.more = False
        self.entry = _Entry()
        self.inside = False  # between < and >
        self.dangling = ""  # words before a comma that hold no address: "Doe, Jane <…>"
        self.quotes, self.parentheses = True, True  # become False when one was never closed

    def read(self) -> Reading:
        position, value = 0, self.value
        while position < len(value) and not self.more:
            token = _TOKEN.match(value, position)
            if token is None:
                break
            kind, text = token.lastgroup or "", token.group()
            position = token.end()
            if kind == "special":
                position = self._special(text, token.start())
            else:
                self._add(kind, text)
        if self.inside and not (value.count("@") == value.count("<") == 1):
            self._odd("an angle bracket that is never closed")  # with one address in the field it is the one meant
        self._finish()
        if not self.found and self.dangling[:1].isalnum() and " " not in self.dangling:
            self._emit(self.dangling, "", [])
        return Reading(tuple(self.found), self.oddity, self.more)

    def _add(self, kind: str, text: str) -> None:
        entry = self.entry
        if self.inside and entry.angle is not None:
            entry.route = text == "@" if not entry.angle else entry.route and text != ":"
            if kind != "blank" or entry.angle:
                entry.angle.append((kind, text))
            return
        if entry.angle is not None and kind != "blank":  # something behind the address
            self._odd("text behind an address")
            self._finish()
            entry = self.entry
        entry.pieces.append((kind, text))
        entry.at = entry.at or text == "@"
        entry.strange = entry.strange or (kind == "special" and text in _STRANGE)

    def _special(self, char: str, start: int) -> int:
        """Take one special character; give the position to go on from."""
        if char == '"' and self.quotes:
            quoted = _QUOTED.match(self.value, start)
            if quoted:
                self._add("quoted", quoted[1])
                return quoted.end()
            self.quotes = False
            self._odd("a quote that is never closed")
        elif char == "(" and self.parentheses:
            end = self._comment_end(start)
            if end:
                self.entry.comments.append(self.value[start + 1 : end - 1])
                return end
            self.parentheses = False
            self._odd("a comment that is never closed")
        elif char == "<":
            self._open()
        elif char == ">":
            if self.inside:
                self.inside = False
            elif self.entry.angle is None:
                self._add("special", char)
        elif char in ",;" and not (self.inside and self.entry.route):
            if self.inside:
                self._odd("an angle bracket that is never closed")
            self._finish()
        elif char == ":" and not self.inside and self.entry.angle is None:
            self._group()
        else:
            self._add("special", char)
        return start + 1

    def _comment_end(self, start: int) -> int:
        depth = 0
        for found in _IN_COMMENT.finditer(self.value, start):
            if found.group() == "(":
                depth += 1
            elif found.group() == ")":
                depth -= 1
                if depth == 0:
                    return found.end()
        return 0

    def _open(self) -> None:
        entry = self.entry
        if entry.angle is not None:
            if any(kind != "blank" for kind, _ in entry.angle):
                self._odd("more than one angle bracket")
                if not self.inside:
                    self._finish()
                    entry = self.entry
        elif entry.strange and entry.at:
            self._odd("an address in front of the angle bracket")
        entry.angle = []
        self.inside = True

    def _group(self) -> None:
        """A colon behind words without an address opens a group; its name is nobody."""
        if self.entry.at:
            self._add("special", ":")
        else:
            self.entry = _Entry()
            self.dangling = ""

    def _odd(self, why: str) -> None:
        self.oddity = self.oddity or why

    def _finish(self) -> None:
        """Make addresses of the entry and begin the next one."""
        entry, self.entry, self.inside = self.entry, _Entry(), False
        if entry.angle is not None:
            address = self._joined(entry.angle)
            if address.startswith("@") and ":" in address:
                address = address.rpartition(":")[2]
            if address[:7].lower() == "mailto:":
                address = address[7:]
            hidden = self._hidden(entry.angle)
            if hidden and _ADDR_SPEC.fullmatch(hidden):
                self._odd(_HIDDEN)
                self._emit(hidden, _raw(entry.pieces), entry.comments)
            elif address and "@" not in address and entry.at:
                self._odd("name and address are swapped")
                self._bare(entry)
            elif address:
                self._emit(address, _raw(entry.pieces), entry.comments)
        elif any(kind != "blank" for kind, _ in entry.pieces):
            self._bare(entry)

    def _joined(self, pieces: list[tuple[str, str]]) -> str:
        """Put an addr-spec together; blanks are allowed only around dots and the at sign (RFC 5322 4.4)."""
        text = _raw(pieces, quote=True)
        if _BLANKS.search(text):
            text = re.sub(r"\s*([@.:,])\s*", r"\1", text.strip())
            if _BLANKS.search(text) and '"' not in text:
                self._odd("a blank in an address")
        return text

    def _bare(self, entry: _Entry) -> None:
        """Read an entry without angle brackets: an address, words and an address, or only words."""
        if hidden := self._hidden(entry.pieces):
            inner = read(hidden, self.limit - len(self.found), self.hint)
            self._odd(_HIDDEN)
            self.found += inner.addresses
            return
        text = self._joined(entry.pieces)
        if _ADDR_SPEC.fullmatch(text):
            self._emit(text, "", entry.comments)
            return
        words = text.split()
        addresses = [word for word in words if "@" in word]
        if addresses:
            self._odd("words and an address without angle brackets" if len(words) > 1 else "an address that is none")
            name = " ".join(word for word in words if "@" not in word) if len(addresses) == 1 else ""
            for address in addresses:
                self._emit(address.rstrip(">"), name, entry.comments)
            return
        raw = _raw(entry.pieces)
        self.dangling = f"{self.dangling}, {raw}" if self.dangling else raw

    def _hidden(self, pieces: list[tuple[str, str]]) -> str:
        """Decode an entry whose only at sign stands in an encoded word, "" for every other."""
        raw = _raw(pieces)
        if "=?" not in raw or any("@" in text for kind, text in pieces if kind != "word"):
            return ""
        decoded = headers.decode(raw, self.hint).strip()
        return decoded if "@" in decoded and "=?" not in decoded else ""

    def _emit(self, address: str, name: str, comments: list[str]) -> None:
        if len(self.found) >= self.limit:
            self.more = True
            return
        if not _ADDR_SPEC.fullmatch(address):
            self._odd(f"{_shown(address)} is no mail address")
        if self.dangling and address != self.dangling:
            name = f"{self.dangling}, {name}" if name else ""
        self.dangling = ""
        if shown := _shown(address).strip():
            self.found.append(Address(shown, _name(name or (comments[0] if comments else ""), self.hint)))


def _raw(pieces: list[tuple[str, str]], quote: bool = False) -> str:
    """Put tokens together again, quotes kept or undone."""
    return "".join(
        (f'"{text}"' if quote else _ESCAPED.sub(r"\1", text)) if kind == "quoted" else text for kind, text in pieces
    ).strip()


def _shown(address: str) -> str:
    """Make raw bytes of an address readable (RFC 6532), without decoding encoded words."""
    return address if address.isprintable() else headers.decode(address.replace("=?", "= ?"))


def _name(raw: str, hint: str) -> str:
    """Decode a display name and make its blanks single."""
    name = headers.decode(raw, hint)
    return _BLANKS.sub(" ", name).strip() if "  " in name or name[:1] == " " or name[-1:] == " " else name
