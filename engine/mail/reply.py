"""The new part of a reply: what the sender wrote, what is earlier mail, what is signature.

Here: `cut`, one pass over the lines and the assembly of the three parts; `new_lines` for a text made from HTML. Not
here: what a line is (`reply_lines.py`, `reply_attribution.py`), the words of the languages (`phrases.py`), the patterns
of the settings (`reply_patterns.py`).
Invariant: nothing is lost, every line lands in exactly one part; a cut that would leave nothing is no cut;
time is linear in the text.
Over 300 lines: one pass over the lines of a mail; its steps share what it has seen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import compress, islice
from typing import Any, Final

from engine.mail import reply_attribution, reply_patterns
from engine.mail import reply_lines as look
from engine.mail.reply_lines import FIRST_WORDS
from engine.model.facts import Cut

_NEW, _QUOTED, _SIGNATURE = 0, 1, 2
_ONLY: Final = tuple(bytes(number == kind for number in range(256)) for kind in (_QUOTED, _SIGNATURE))
_TAKEN: Final = bytes(number != _NEW for number in range(256))
_BLANKED: Final = re.compile(r"[^\n]+")
_MARKS: Final = frozenset("-_*=~#<([|‐‑‒–—―─━+")
_ENDS: Final = frozenset(":：>-")
_OTHERS: Final = frozenset(reply_attribution.OTHER_MARKS + reply_attribution.DIRECTIONS)
_CLOSER_LOOKS = 1000
_FRAGMENT_AFTER, _FRAGMENT = 60, 45
_LOOSE_SIGNATURE_LINES = 12


def cut(text: str, settings: Any = None, html: bool = False, subject: str = "") -> Cut:
    """Cut earlier mail and signature off the text of a mail.

    `settings` is a `[body]` section or None for what is built in; `html` tells that the text was made from HTML, where
    the space of the "-- " line is gone; a `subject` that says "Fwd:" keeps the mail below it (F099-F104). Of a section
    with `cut = "own"` only its patterns cut, with "off" nothing does.
    """
    if not text or text.isspace():
        return Cut()
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if settings is not None and settings.cut == "off":
        return Cut(text.strip())
    patterns = reply_patterns.prepare(settings)
    made = _cut(text, patterns, html, subject, truncate=True)
    if made is None and patterns is not reply_patterns.NONE:  # answered below our own line, which is quoted above
        made = _cut(text, patterns, html, subject, truncate=False)
    return made or Cut(text.strip())


def _cut(text: str, patterns: reply_patterns.Patterns, html: bool, subject: str, truncate: bool) -> Cut | None:
    """Cut once; None where nothing new would be left."""
    tail, why = "", ""
    cuttings: list[str] = []
    if patterns is not reply_patterns.NONE:
        text, cuttings = _without(text, reply_patterns.cut_spans(text, patterns))
        at, why = reply_patterns.truncation(text, patterns) if truncate else (-1, "")
        if at >= 0:
            text, tail = text[:at], text[at:]
    pass_ = _Pass(text, patterns, html, look.forwards(subject))
    pass_.run()
    if not pass_.marked and not tail and not cuttings:
        return Cut(text.strip())
    new, quoted, signature = pass_.parts()
    if not new or new.isspace():
        return None
    why = pass_.why or why or ("pattern: cut_patterns" if cuttings else "")
    rest = [quoted, tail.strip("\n"), *cuttings]
    return Cut(new, "\n".join(one for one in rest if one and not one.isspace()), signature, why)


def new_lines(lines: Sequence[str], settings: Any, subject: str = "") -> list[bool]:
    """Tell of each line of a text made from HTML whether `cut` would keep it, or a part of it."""
    text = "\n".join(lines)
    patterns = reply_patterns.prepare(settings)
    for start, end in reply_patterns.cut_spans(text, patterns):
        text = f"{text[:start]}{_BLANKED.sub(' ', text[start:end])}{text[end:]}"
    at = reply_patterns.truncation(text, patterns)[0]
    if at >= 0:
        text = text[:at]
    pass_ = _Pass(text, patterns, True, look.forwards(subject))
    pass_.run()
    kinds = [kind for at, kind in enumerate(pass_.kinds) if at not in pass_.rests]
    left = text.split("\n")
    return [
        at < len(kinds) and kinds[at] == _NEW and bool(not line or left[at].strip()) for at, line in enumerate(lines)
    ]


def _without(text: str, spans: list[tuple[int, int]]) -> tuple[str, list[str]]:
    """Take spans out of the text."""
    kept, taken, last = [], [], 0
    for start, end in spans:
        kept.append(text[last:start])
        taken.append(text[start:end])
        last = end
    return "".join([*kept, text[last:]]) if spans else text, taken


class _Pass:
    """One pass over the lines of a text: `kinds` says of each line where it goes."""

    __slots__ = ("_forward_at", "_forwarded", "_html", "_looks", "_patterns", "_plain", "_signs", "_stripped", "kinds",
                 "lines", "marked", "rests", "why")  # fmt: skip

    def __init__(self, text: str, patterns: reply_patterns.Patterns, html: bool, forwarded: bool) -> None:
        self.lines = text.split("\n")
        self._plain = text.isascii()
        self.why = ""
        self.marked = False
        self.rests: set[int] = set()  # lines that were the end of the one above
        self._patterns = patterns
        self._html = html
        self._forwarded = forwarded
        self._looks = _CLOSER_LOOKS
        self._signs: list[tuple[int, str]] = []
        self._forward_at = -1

    def run(self) -> None:
        """Mark every line."""
        lines = self.lines
        self._stripped = [line.strip() for line in lines]
        self.kinds = bytearray(len(lines))
        if self._patterns.builtin:
            self._built_in()
        if self._patterns.delimiters or self._patterns.introductory:
            self._patterned()
        self._sign()

    def _built_in(self) -> None:
        """Find what mail programs write, in any language."""
        lines = self.lines
        if not self._plain and not _OTHERS.isdisjoint([line[0] for line in self._stripped if line]):
            self._stripped = reply_attribution.with_plain_marks(self._stripped)
        stripped = self._stripped
        at, count = 0, len(lines)
        previous = ""
        while at < count:
            line = stripped[at]
            if not line:
                previous = line
                at += 1
                continue
            first = line[0]
            if first == ">":
                if self._forwarded and look.announces_forward(line.lstrip("> ")):
                    self._forward(at)  # Apple Mail puts quote marks before it
                    break
                if look.is_quote(line, previous, stripped[at + 1] if at + 1 < count else ""):
                    self._quote(at)
                at += 1
            elif (
                line[-1] in _ENDS or first in _MARKS or first >= "⺀" or line.partition(" ")[0] in FIRST_WORDS
            ) and self._looks:
                at = self._closer(at, line)
                count = len(lines)
            else:
                if previous[:1] == ">":
                    self._fragment(at, line)
                at += 1
            previous = line
        self._product()

    def parts(self) -> tuple[str, str, str]:
        """Put the three texts together."""
        quoted, signature = ("\n".join(compress(self.lines, self.kinds.translate(only))) for only in _ONLY)
        return self._new().strip(), quoted.strip("\n"), signature.strip("\n")

    def _new(self) -> str:
        """Join the pieces of new text; a blank line at an edge of what was taken out stays as one."""
        taken = self.kinds.translate(_TAKEN)
        pieces: list[str] = []
        start, count = 0, len(taken)
        blank = False
        while start < count:
            end = taken.find(not taken[start], start)
            end = end if end >= 0 else count
            piece = "" if taken[start] else "\n".join(self.lines[start:end]).strip("\n")
            if piece and not piece.isspace():
                if pieces:
                    pieces.append("\n\n" if blank or not self._stripped[start] else "\n")
                pieces.append(piece)
                blank = not self._stripped[end - 1]
            else:
                blank = blank or not self._stripped[start] or not self._stripped[end - 1]
            start = end
        return "".join(pieces)

    def _product(self) -> None:
        """What a mail program says of itself, with a link, on the last line above the earlier mail or of all."""
        quoted = self.kinds.find(_QUOTED)
        stop = self._forward_at if self._forward_at >= 0 else len(self.lines)
        for end in {quoted if 0 <= quoted < stop else stop, stop}:
            at = end - 1
            while at >= 0 and not self._stripped[at]:
                at -= 1
            above = self._stripped[at - 1] if at > 0 else "own"
            if not above and self.kinds[at] == _NEW and look.from_product(self._stripped[at]):
                self._signs.append((at, "phone"))

    def _mark(self, start: int, end: int, kind: int) -> None:
        """Mark the lines from `start` to before `end`."""
        self.kinds[start:end] = bytes((kind,)) * (end - start)
        self.marked = True

    def _quote(self, at: int) -> None:
        if at and self.kinds[at - 1] == _NEW:
            above = at - 1 if self._stripped[at - 1] or at < 2 else at - 2
            if self._stripped[above] and reply_attribution.heads_quote(self._stripped[above]):
                self._mark(above, at, _QUOTED)
        self._mark(at, at + 1, _QUOTED)
        self.why = self.why or "quote marks"

    def _fragment(self, at: int, line: str) -> None:
        """The rest of a quoted line that a mail program wrapped without repeating the mark is quoted, too."""
        after = self._stripped[at + 1] if at + 1 < len(self.lines) else ""
        if (
            after[:1] == ">"
            and len(line) <= _FRAGMENT
            and (line[0].islower() or line[0] in "(<)/")
            and len(self.lines[at - 1]) >= _FRAGMENT_AFTER
            and self.kinds[at - 1] == _QUOTED
        ):
            self._mark(at, at + 1, _QUOTED)

    def _follows(self, at: int) -> str:
        """The next line below `at` that is not empty, at most six below."""
        return next((line for line in self._stripped[at + 1 : at + 7] if line), "")

    def _closer(self, at: int, line: str) -> int:
        """Look closer at a line that may begin something; give the next line to look at."""
        self._looks -= 1
        flags = FIRST_WORDS.get(line.partition(" ")[0], 0)
        if line[-1] in _ENDS:
            after = self._attributed(at, line)
            if after:
                return after
        unspaced = line[0] >= "⺀"
        if line[0] in _MARKS:
            after = self._delimited(at, line)
            if after:
                return after
            flags |= look.LABEL | look.PHONE
        if (flags & look.LABEL or unspaced) and look.label(line)[0]:
            end = look.header_block(self._stripped, at)
            if end >= 0:
                return self._earlier(at, end, f"header block: {line[:60]}")
        if flags & look.FORWARD and look.announces_forward(line):
            return self._forward(at)
        if (flags & look.PHONE or unspaced) and look.from_device(line):
            self._signs.append((at, "phone"))
        elif flags & look.FOOTER and look.is_footer(line):
            self._signs.append((at, "footer"))
        return at + 1

    def _attributed(self, at: int, line: str) -> int:
        """Handle a line that may end an attribution; 0 if it does not."""
        quote_follows = self._follows(at)[:1] == ">"
        if line[-1] == ">" and not quote_follows:
            return 0
        start = reply_attribution.attribution(self._stripped, at, quote_follows)
        if start < 0:
            return 0
        split = reply_attribution.shared(self.lines[start]) if start == at else 0
        if split:
            whole = self.lines[at]
            self.lines[at : at + 1] = [whole[:split], whole[split:]]
            self._stripped[at : at + 1] = [whole[:split].strip(), whole[split:].strip()]
            self.kinds.insert(at, _NEW)
            start = at = at + 1
            self.rests.add(at)
        return self._earlier(start, at, f"attribution: {self._stripped[start][:60]}")

    def _delimited(self, at: int, line: str) -> int:
        """Handle a line of dashes, with or without words; 0 if it says nothing."""
        if line == "--" and self._patterns.signature == "":
            self._signs.append((at, "sure" if self.lines[at] == "-- " or self._html else "loose"))
            return at + 1
        kind = look.delimiter(line)
        if kind == "forward":
            return self._forward(at)
        if kind == "original" or kind == "wrote":
            below = at + 1
            while below < len(self._stripped) and not self._stripped[below] and below < at + 3:
                below += 1
            end = look.header_block(self._stripped, below) if below < len(self._stripped) else -1
            return self._earlier(at, max(end, at), f"original message: {line[:60]}")
        if kind == "above":
            return self._earlier(at, len(self.lines) - 1, f"truncate line: {line[:60]}")
        if look.is_separator(line) and any(look.is_footer(one) for one in self._stripped[at + 1 : at + 4] if one):
            self._signs.append((at, "footer"))
            return at + 1
        return 0

    def _forward(self, at: int) -> int:
        """A forwarded mail is kept whole: it is what the sender wants to show."""
        self._forward_at = at
        return len(self.lines)

    def _earlier(self, start: int, end: int, why: str) -> int:
        """An earlier mail begins: lines with quote marks are cut one by one, without them all that follows is."""
        quote_follows = self._follows(end)[:1] == ">"
        if self._forwarded and not quote_follows:
            return self._forward(start)
        self.why = why if not self.why or self.why == "quote marks" else self.why
        above = start
        while above and (not self._stripped[above - 1] or look.is_separator(self._stripped[above - 1])):
            above -= 1
            if self._stripped[above] == "--":
                above += 1
                break
        after = end + 1 if quote_follows else len(self.lines)
        self._mark(above, after, _QUOTED)
        return after

    def _patterned(self) -> None:
        """iTop's way: a line that a delimiter pattern matches goes, with the introductory line above it (F102)."""
        delimiters = self._patterns.delimiters
        for at, line in enumerate(self._stripped if delimiters else ()):
            is_new = self.kinds[at] == _NEW and line
            if is_new and any(one.may_match(line) and one.pattern.search(line) for one in delimiters):
                self._quote(at)
        at = self.kinds.find(_QUOTED) if self._patterns.introductory else -1
        while at >= 0:
            above = at - 1
            while above > 0 and above > at - 3 and not self._stripped[above]:
                above -= 1
            line = self._stripped[above].replace("\xa0", " ") if above >= 0 else ""
            if line and self.kinds[above] == _NEW and any(one.search(line) for one in self._patterns.introductory):
                self._mark(above, at, _QUOTED)
            end = self.kinds.find(_NEW, at)
            at = self.kinds.find(_QUOTED, end) if end >= 0 else -1

    def _sign(self) -> None:
        """Mark the signatures that stand at the end of a piece of new text."""
        signature = self._patterns.signature
        if signature is not None and not isinstance(signature, str):
            found = signature.search("\n".join(self.lines))
            if found:
                self._signs.append(("\n".join(self.lines).count("\n", 0, found.start()), "sure"))
        for at, kind in self._signs:
            if self.kinds[at] == _NEW and (self._forward_at < 0 or at < self._forward_at):
                end = self._end_of_new(at)
                if kind == "phone":
                    end = self._end_of_phone(at, end)
                elif (
                    kind != "sure"
                    and len(self._below(at - 1, end, _LOOSE_SIGNATURE_LINES + 1)) > _LOOSE_SIGNATURE_LINES
                ):
                    continue
                self._mark(at, end, _SIGNATURE)
                self.why = self.why or f"signature: {self._stripped[at][:60]}"

    def _end_of_new(self, at: int) -> int:
        """Where the piece of new text that holds line `at` ends."""
        stop = self._forward_at if self._forward_at >= 0 else len(self.lines)
        quoted = self.kinds.find(_QUOTED, at, stop)
        return quoted if quoted >= 0 else stop

    def _end_of_phone(self, at: int, end: int) -> int:
        """A device adds one line; a few short ones below it at the end of the text go with it."""
        below = self._below(at, end, 4)
        if len(below) <= 3 and all(len(line) < 80 for line in below):
            return end
        return at + 1

    def _below(self, at: int, end: int, limit: int) -> list[str]:
        """The lines below `at` and before `end` that are not empty, no more than `limit`."""
        below = range(at + 1, end)
        return list(islice((self._stripped[one] for one in below if self._stripped[one]), limit))
