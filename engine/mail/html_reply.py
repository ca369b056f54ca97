"""The new part of a reply in HTML: which spans of a page are left out, so that it says what the cut text says.

Here: `cut_page`. The page is laid out as text, with the place of every word kept; its lines are cut as those of any
text; what stands on lines that go is left out. Not here: the cutter (`reply.py`), making the rest safe (`html.py`).
Invariant: a tag goes only together with its partner, so what was well formed stays so. The sender's own words stay:
where the page cannot be cut to what the text says, the text is shown. Time is linear in the page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from engine.mail import render, reply
from engine.mail.parts import without
from engine.mail.render import END, START, TEXT, VOID
from engine.model.facts import Cut
from engine.model.mail import Cutting

Spans = tuple[tuple[int, int], ...]

QUOTES: Final = (
    "div.gmail_attr", "div.moz-cite-prefix", "div.yahoo_quoted", "div.protonmail_quote", "blockquote.protonmail_quote",
    "blockquote.tutanota_quote", "div.zmail_extra",
)  # fmt: skip
"""Elements in which mail programs put an earlier mail or its attribution, besides those of `html_tags_to_remove`."""

OPENINGS: Final = (
    "div#divRplyFwdMsg",
    "div#x_divRplyFwdMsg",
    "div#appendonsend",
    "hr#stopSpelling",
    "span#OLK_SRC_BODY_SECTION",
)
"""Elements below which mail programs put nothing but the earlier mail."""

_OUTLOOK_LINE: Final = re.compile(
    r"border:\s*none;\s*border-top:\s*solid\s*#(?:E1E1E1|B5C4DF)\s+1(?:\.0)?pt;\s*padding:\s*3(?:\.0)?pt", re.IGNORECASE
)
_SELECTOR: Final = re.compile(r"([A-Za-z*][\w-]*)?((?:[.#][\w-]+)*)")
_PICTURE = "\ufffc"  # stands where a picture is: it is something that the sender put there
_WORD: Final = re.compile(r"[^\W_]+")
_UNSAID: Final = re.compile(r"\[(?:cid:|image:|inline image)[^\]\n]{0,300}\]|<?(?:https?://|mailto:)\S+", re.IGNORECASE)
_SLACK, _SHARE = 30, 4
_NEAR = 4_000
MOST_SPANS = 500


def cut_page(page: str, text: str, how: Cutting, settings: Any) -> str:
    """Leave out of the HTML of a mail what went from its text, of which `text` is left.

    "" where a quotation went from the text and no cut makes the page say the same: the text is shown then.
    """
    quoted = "quoted" if how.quoted else ""
    spans = left_out(page, settings, Cut(text, quoted, how.signature), how.subject)
    if spans is None:
        return "" if how.quoted else page
    return without(page, spans)


class _Place:
    """Words or a picture of the page: where they stand, on which line of the text, and whether they go."""

    __slots__ = ("end", "line", "quoted", "start", "token")

    def __init__(self, token: int, start: int, end: int, line: int, quoted: bool) -> None:
        self.token, self.start, self.end, self.line, self.quoted = token, start, end, line, quoted


def left_out(page: str, settings: Any, found: Cut, subject: str = "") -> Spans | None:
    """Find what of the HTML of a mail is to be left out, as spans of characters, in order.

    `settings` is the `[body]` section, `found` how the mail's text was cut. None: no cut makes the page say what the
    text says, as where the two never said the same.
    """
    if len(page) > render.MOST_LAID_OUT:
        return None
    tokens = list(render.tokens(page))
    near = _NEAR + 4 * len(found.new)  # mostly the answer stands above, and below it all is earlier mail
    for reach, elements in ((near, True), (len(page), True), (len(page), False)):
        laid = _Laid(page, tokens, settings, elements, reach)
        lines = laid.lines()
        kept = laid.kept(lines, reply.new_lines(lines, settings, subject))
        if (laid.whole or laid.ends_quoted()) and _says_the_same(found, kept):
            spans = laid.spans()
            return spans if len(spans) <= MOST_SPANS else None
    return None


def _says_the_same(found: Cut, kept: str) -> bool:
    """Tell whether what is kept of the page has every word of the new text, and little more, as alt texts.

    A signature may stay: where no "-- " stands above it in the page, nothing tells it from the text.
    """
    wanted = _counted(_UNSAID.sub(" ", found.new))
    if not kept.strip() or wanted - _counted(kept):
        return False
    more = _counted(_UNSAID.sub(" ", kept)) - wanted - _counted(found.signature)
    return more.total() <= _SLACK + wanted.total() // _SHARE


def _counted(text: str) -> Counter[str]:
    return Counter(_WORD.findall(render.INVISIBLE.sub("", text).casefold()))


class _Laid(render.Renderer):
    """A page laid out as text as far as `reach`, that remembers where its words stand."""

    def __init__(
        self, page: str, tokens: list[tuple[int, int, int, str, str]], settings: Any, elements: bool, reach: int
    ) -> None:
        super().__init__()
        self.places: list[_Place] = []
        self.tokens = tokens
        self.whole = True
        self._line = 0
        self._page = page
        self._elements: list[tuple[str, bool]] = []
        self._inside = 0  # of elements that hold an earlier mail
        self._rest = False  # below an opening
        quotes = (*settings.html_tags_to_remove, *(QUOTES if settings.cut == "builtin" else ()))
        self._quotes = _Selectors(quotes if elements else ())
        self._openings = _Selectors(OPENINGS if elements and settings.cut == "builtin" else ())
        self._outlook = elements and settings.cut == "builtin"
        self._asked = {"a", "img", "div", *self._quotes.tags, *self._openings.tags}
        self._any = "*" in self._quotes.tags
        for number, (kind, start, end, tag, attributes) in enumerate(self.tokens):
            if start > reach:
                self.whole = False
                break
            if kind == TEXT:
                self._words(number, start, end)
            elif tag not in render.SKIP:
                self._tag(number, kind, tag, attributes)

    def word(self, words: str, exact: bool) -> None:
        if self.out and self.pending:
            self._line += self.pending
        super().word(words, exact)

    def _words(self, number: int, start: int, end: int) -> None:
        """Take a piece of text; of preformatted text line by line."""
        pieces = self._page[start:end].splitlines(keepends=True) if self.pre else [self._page[start:end]]
        for piece in pieces:
            if self.pre:
                self._piece(number, start, piece.rstrip("\r\n"))
                if piece[-1] in "\r\n":
                    self.text("\n")
            else:
                self._piece(number, start, piece)
            start += len(piece)

    def _piece(self, number: int, start: int, words: str) -> None:
        self.text(render.unescaped(words))
        if words and not words.isspace():
            self.places.append(_Place(number, start, start + len(words), self._line, self._inside > 0 or self._rest))

    def _tag(self, number: int, kind: int, tag: str, attributes: str) -> None:
        if kind == END:
            self._leave(tag)
            self.end(tag)
            return
        named = render.attributes_of(attributes) if attributes and (self._any or tag in self._asked) else {}
        if tag not in VOID:
            self._enter(tag, named)
        elif self._openings.match(tag, named):
            self._begin()
        self.start("div" if tag == "hr" else tag, named)  # a line to see, none of underscores that patterns cut at
        if tag == "img":
            self.word(_PICTURE, True)
            start, end = self.tokens[number][1:3]
            self.places.append(_Place(number, start, end, self._line, self._inside > 0 or self._rest))
        if tag in VOID:
            self.end("div" if tag == "hr" else tag)

    def _enter(self, tag: str, named: dict[str, str | None]) -> None:
        quoted = self._quotes.match(tag, named)
        if self._openings.match(tag, named) or (
            self._outlook and tag == "div" and _OUTLOOK_LINE.search(named.get("style") or "") is not None
        ):
            self._begin()
        if tag in ("div", "span", "blockquote", "pre", "p", "table", "section") or quoted:
            self._elements.append((tag, quoted))
            if quoted:
                self._inside += 1
                self.quotes += tag != "blockquote"

    def _leave(self, tag: str) -> None:
        """Close the element; those that were left open inside it end, too, if they are few."""
        for back in range(1, min(len(self._elements), 20) + 1):
            if self._elements[-back][0] == tag:
                for name, quoted in self._elements[-back:]:
                    self._inside -= quoted
                    self.quotes -= quoted and name != "blockquote"
                del self._elements[-back:]
                self.quotes = max(self.quotes, 0)
                return

    def _begin(self) -> None:
        """From here on all is earlier mail."""
        if not self._rest:
            self._rest = True
            self.quotes += 1

    def ends_quoted(self) -> bool:
        """Tell whether the last words go: what follows them goes, too."""
        return bool(self.places) and self.places[-1].quoted

    def kept(self, lines: Sequence[str], new: Sequence[bool]) -> str:
        """Decide of every word whether it stays, by the lines that are new; give the text that does."""
        for place in self.places:
            place.quoted = place.quoted or not new[place.line]
        gone = {place.line for place in self.places if place.quoted}
        return "\n".join(line for number, line in enumerate(lines) if new[number] and number not in gone)

    def spans(self) -> Spans:
        """The spans to leave out: words that go, and the tags between them that have their partner there."""
        found: list[tuple[int, int]] = []
        after, at, count = 0, 0, len(self.places)
        while at < count:
            if not self.places[at].quoted:
                after = self.places[at].end
                at += 1
                continue
            end = at
            while end < count and self.places[end].quoted:
                end += 1
            last = end == count
            first = self.places[at - 1].token + 1 if at else 0
            stop = len(self.tokens) if last else self.places[end].token
            tags = self._lonely(range(first, stop), last)
            found += _between(after, len(self._page) if last else self.places[end].start, tags)
            at = end
        return tuple(found)

    def _lonely(self, numbers: Iterable[int], last: bool) -> list[tuple[int, int]]:
        """The tags that have no partner among the tokens `numbers`; of the last ones only those that close."""
        opened: list[int] = []
        lonely: list[int] = []
        waiting: Counter[str] = Counter()
        for number in numbers:
            kind, _, _, tag, _ = self.tokens[number]
            if kind == START and tag not in VOID:
                opened.append(number)
                waiting[tag] += 1
            elif kind == END and tag not in VOID:
                if waiting[tag]:
                    while True:
                        closed = self.tokens[opened.pop()][3]
                        waiting[closed] -= 1
                        if closed == tag:
                            break
                else:
                    lonely.append(number)
        if not last:
            lonely += opened
        return [self.tokens[number][1:3] for number in sorted(lonely)]


def _between(start: int, end: int, kept: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What is left of a span when the tags that stay are taken out of it."""
    for tag_start, tag_end in kept:
        if tag_start > start:
            yield start, tag_start
        start = max(start, tag_end)
    if end > start:
        yield start, end


class _Selectors:
    """Selectors as `[body]` has them, ready to be asked of one tag after another."""

    def __init__(self, selectors: Iterable[str]) -> None:
        self._by_tag: dict[str, list[tuple[frozenset[str], frozenset[str]]]] = {}
        for one in selectors:
            found = _SELECTOR.fullmatch(one.strip())
            if found is not None and found[0]:
                marks = re.findall(r"[.#][\w-]+", found[2])
                classes = frozenset(mark[1:] for mark in marks if mark[0] == ".")
                names = frozenset(mark[1:] for mark in marks if mark[0] == "#")
                self._by_tag.setdefault((found[1] or "*").lower(), []).append((classes, names))

    @property
    def tags(self) -> Iterable[str]:
        return self._by_tag.keys()

    def match(self, tag: str, named: dict[str, str | None]) -> bool:
        """Tell whether any selector matches an element."""
        wanted = self._by_tag.get(tag)
        if "*" in self._by_tag:
            wanted = [*(wanted or ()), *self._by_tag["*"]]
        if not wanted:
            return False
        classes, name = frozenset((named.get("class") or "").split()), named.get("id") or ""
        return any(needs <= classes and names <= {name} for needs, names in wanted)
