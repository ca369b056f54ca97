"""Laying out HTML as text.

Here: one renderer with two sources, a tree and a tokenizer. Not here: which source is right for what (`html`).
Invariant: all words between tags come out, in order, except those of scripts, styles and titles; both sources give
the same text for HTML without mistakes (tested); no recursion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import unescape

SKIP = frozenset({"script", "style", "title", "template", "svg", "math", "noframes"})
_LINES = """div tr ul ol dl dt dd section article header footer main aside nav address center form figure figcaption
fieldset caption tbody thead tfoot option body html"""
_PARAGRAPHS = "p h1 h2 h3 h4 h5 h6 blockquote pre table"
_BLOCK = dict.fromkeys(_LINES.split(), 1) | dict.fromkeys(_PARAGRAPHS.split(), 2)
_EMPTY = "br hr img meta link input col area base wbr embed param source"
VOID = frozenset(_EMPTY.split())
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_BREAKS = re.compile(r"[\t\r\n]+")
_SCHEME = re.compile(r"(?:https?|ftp)://|mailto:|tel:", re.IGNORECASE)
INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f]+")
_HUGE_REFERENCE = re.compile(r"&#[xX]?[0-9A-Fa-f]{8,}")
LONGEST_URL = 2000
DEEPEST_QUOTE = 20
MOST_EMPTY_LINES = 2
MOST_LAID_OUT = 4_000_000
RULE = "_" * 32


class Renderer:
    """Takes tags and words in order, gives text."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.pending = 0  # line breaks owed before the next word
        self.open = False  # there is something in the line
        self.space = False  # a blank is owed
        self.quotes = self.quotes_before = 0
        self.pre = 0
        self.lists: list[int] = []  # -1 for ul, the next number for ol
        self.links: list[tuple[str, int]] = []  # address and where its words begin in `out`

    def start(self, tag: str, attributes: Mapping[str, str | None]) -> None:
        """Take a start tag."""
        if tag == "br":
            self._line_break()
            return
        gap = _BLOCK.get(tag)
        if gap:
            self._break(gap if not (self.lists and tag in ("ul", "ol", "p")) else 1)
        if tag == "a":
            self.end("a")  # links do not nest
            self.links.append(((attributes.get("href") or "").strip(), len(self.out)))
        elif tag == "blockquote":
            self.quotes += 1
        elif tag == "pre":
            self.pre += 1
        elif tag in ("ul", "ol"):
            self.lists.append(-1 if tag == "ul" else 1)
        elif tag == "li":
            self._item()
        elif tag in ("td", "th"):
            if self.open:
                self.space = True
                self.word("  ", True)
        elif tag == "hr":
            self._break(1)
            self.word(RULE, True)
            self._break(1)
        elif tag == "img":
            described = (attributes.get("alt") or "").strip()
            if described:
                self.text(f"[{described}]")

    def end(self, tag: str) -> None:
        """Take an end tag."""
        if tag == "a" and self.links:
            self._close_link(*self.links.pop())
        elif tag == "pre":
            self.pre = max(self.pre - 1, 0)
        elif tag in ("ul", "ol") and self.lists:
            self.lists.pop()
        gap = _BLOCK.get(tag)
        if gap:
            self._break(gap if not self.lists else 1)
        elif tag == "li":
            self._break(1)
        if tag == "blockquote":
            self.quotes = max(self.quotes - 1, 0)

    def text(self, words: str) -> None:
        """Take words; outside of `pre` blanks count as one."""
        if self.pre:
            for index, line in enumerate(words.replace("\r\n", "\n").split("\n")):
                if index:
                    self._line_break()
                if line:
                    self.word(line, True)
            return
        if "\xa0" in words:
            words = words.replace("\xa0", " ") if words.strip() else words
        words = _BLANKS.sub(" ", words)
        if words[:1] == " ":
            self.space = True
        body = words.strip(" ")
        if body:
            self.word(body, False)
            self.space = words[-1] == " "

    def word(self, words: str, exact: bool) -> None:
        """Write words, after the line breaks and quote marks that are owed."""
        if self.pending or not self.out:
            if self.out:
                between = _marks(min(self.quotes, self.quotes_before)).rstrip()
                self.out.append("\n" + (between + "\n") * (self.pending - 1))
            self.out.append(_marks(self.quotes))
            self.quotes_before = self.quotes
            self.pending, self.open, self.space = 0, False, False
        if self.space and self.open and not exact:
            self.out.append(" ")
        self.out.append(words)
        self.open, self.space = True, False

    def lines(self) -> list[str]:
        """Give the lines of the text."""
        while self.links:
            self._close_link(*self.links.pop())
        joined = INVISIBLE.sub("", "".join(self.out)).replace("\xa0", " ")
        return [line.rstrip() for line in joined.split("\n")]

    def done(self) -> str:
        """Give the text."""
        return "\n".join(self.lines()).strip("\n")

    def _break(self, lines: int) -> None:
        if self.out:
            self.pending = max(self.pending, lines)
        self.open = False

    def _line_break(self) -> None:
        """End the line; in an empty one this is an empty line."""
        if not self.out:
            return
        self.pending = max(self.pending, 1) if self.open else min(self.pending + 1, MOST_EMPTY_LINES + 1)
        self.open = False

    def _item(self) -> None:
        self._break(1)
        indent = "  " * min(max(len(self.lists) - 1, 0), DEEPEST_QUOTE)
        if self.lists and self.lists[-1] > 0:
            self.word(f"{indent}{self.lists[-1]}. ", True)
            self.lists[-1] += 1
        else:
            self.word(f"{indent}* ", True)
        self.open = True

    def _close_link(self, address: str, since: int) -> None:
        """Write the address behind the words of a link, unless the words are the address (F095)."""
        address = _BREAKS.sub("", address)
        if not address or len(address) > LONGEST_URL or not _SCHEME.match(address):
            return
        said = "".join(self.out[since:]).strip()
        plain = _bare(address)
        if not plain or _bare(said) == plain:
            return
        self.space = bool(said)
        self.word(f"<{address}>" if said else address, False)


def _marks(quotes: int) -> str:
    return f"{'>' * min(quotes, DEEPEST_QUOTE)} " if quotes else ""


def _bare(address: str) -> str:
    """Compare addresses without scheme and last slash."""
    return _SCHEME.sub("", address, count=1).partition("?subject=")[0].rstrip("/").lower()


def pruned(html: str, selectors: Sequence[str]) -> str:
    """Take the elements that match any of the selectors out of HTML."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(html)
    for node in tree.css(", ".join(selectors)):
        if node.parent is not None:
            node.remove()
    return tree.html or ""


def from_tree(html: str) -> str:
    """Parse HTML into a tree and lay it out."""
    from selectolax.lexbor import LexborHTMLParser

    renderer = Renderer()
    tree = LexborHTMLParser(html)
    node = tree.root
    while node is not None:
        tag = node.tag or ""
        inner = None
        if tag == "-text":
            renderer.text(node.text_content or "")
        elif tag not in SKIP and tag[:1] not in ("-", "!", "_"):
            renderer.start(tag, node.attributes if tag in ("a", "img") else {})
            inner = node.child
            if inner is None:
                renderer.end(tag)
        following = inner if inner is not None else node.next
        while following is None:
            node = node.parent
            if node is None:
                return renderer.done()
            renderer.end(node.tag or "")
            following = node.next
        node = following
    return renderer.done()


_LOWER = {code: code + 32 for code in range(65, 91)}
_ANY_TAG = re.compile(r"<[A-Za-z/!][^<>]*>")
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:-]*)([^<>]*)>")
_ATTRIBUTE = re.compile(
    r"""(?<![\w-])(href|alt|class|id|style|type)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE
)


def from_tokens(html: str) -> str:
    """Lay out HTML tag by tag, without a tree: linear whatever comes. Of a very large one the end is only stripped."""
    if len(html) > MOST_LAID_OUT:
        cut = max(html.rfind("<", 0, MOST_LAID_OUT), 0) or MOST_LAID_OUT
        return from_tokens(html[:cut]) + "\n" + unescaped(_ANY_TAG.sub(" ", html[cut:]))
    renderer = Renderer()
    for kind, start, end, tag, attributes in tokens(html):
        if kind == TEXT:
            renderer.text(unescaped(html[start:end]))
        elif kind == END:
            renderer.end(tag)
        elif tag not in SKIP:
            renderer.start(tag, attributes_of(attributes) if tag in ("a", "img") else {})
            if tag in VOID:
                renderer.end(tag)
    return renderer.done()


TEXT, START, END = 0, 1, 2


def tokens(html: str) -> Iterator[tuple[int, int, int, str, str]]:
    """Give the words and tags of HTML in order, as (TEXT START or END, from, to, tag, its attributes as written).

    What no reader sees (comments, scripts, styles) is between them. Linear whatever comes.
    """
    lower, endless = "", set[str]()
    position, length = 0, len(html)
    comments = True
    while position < length:
        opens = html.find("<", position)
        if opens < 0:
            opens = length
        if opens > position:
            yield TEXT, position, opens, "", ""
        if opens == length:
            break
        position = opens + 1
        found = _TAG.match(html, opens)
        if found is not None:
            position = found.end()
            tag = found[2].lower()
            yield (END if found[1] else START), opens, position, tag, found[3]
            if tag in SKIP and not found[1]:
                lower = lower or html.translate(_LOWER)
                close = lower.find(f"</{tag}", position) if tag not in endless else -1
                if close >= 0:
                    position = close
                else:
                    endless.add(tag)
        elif comments and html.startswith("<!--", opens):
            close = html.find("-->", opens)
            comments = close >= 0
            position = close + 3 if comments else position
        elif html.startswith(("<!", "<?", "</"), opens):
            close = html.find(">", opens, opens + LONGEST_URL)
            position = close + 1 if close >= 0 else position
        else:
            yield TEXT, opens, position, "", ""


def attributes_of(text: str) -> dict[str, str | None]:
    return {found[1].lower(): unescaped(found[2] or found[3] or found[4] or "") for found in _ATTRIBUTE.finditer(text)}


def unescaped(words: str) -> str:
    if "&" not in words:
        return words
    return unescape(_HUGE_REFERENCE.sub("\ufffd", words))
