"""Which parts are the body, and its text and HTML.

Here: the choice between alternatives, the joining of several text parts (F096), uuencoded files inside text.
Not here: decoding (`parts`), HTML to text (`html`), attachments.
Invariant: a leaf is body or attachment, never both; the text never misses a part that a reader would have seen.
"""

from __future__ import annotations

import re
from html import escape

from msgspec import Struct
from msgspec.structs import replace

from engine.mail import headers, html, parts
from engine.mail.parameters import file_name
from engine.mail.split import Node
from engine.model.mail import Part

_KINDS = frozenset({"text/plain", "text/html", "text/enriched", "text/richtext"})
_BEGIN = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,250})\r?\n([!-`])", re.MULTILINE)
_ENRICHED = re.compile(r"<(?:param>[^<]*</param|/?[A-Za-z0-9-]{1,60})>")
_WORD = re.compile(r"\w+")
MOST_FILES = 100


class Body(Struct):
    """What a mail says, and the leaves that are not part of it."""

    text: str = ""
    html: str = ""
    text_parts: tuple[str, ...] = ()
    html_part: Part | None = None
    parts: tuple[Part, ...] = ()
    rest: tuple[tuple[Node, Part], ...] = ()
    defects: tuple[str, ...] = ()


class _Piece(Struct):
    """A leaf of the body with its text."""

    part: Part
    words: str

    @property
    def plain(self) -> bool:
        return self.part.content_type != "text/html"


class Reader:
    """Reads the body of one mail from its tree."""

    def __init__(self, raw: bytes, tree: Node, hint: str) -> None:
        self.raw, self.tree, self.hint = raw, tree, hint
        self.parts: list[Part] = []
        self.rest: list[tuple[Node, Part]] = []
        self.defects: list[str] = []
        self.pieces: dict[int, list[_Piece]] = {}  # by id of the node

    def read(self) -> Body:
        """Sort the leaves into body and rest, then choose and join."""
        first, alone = True, self.tree.children is None
        for leaf in self.tree.leaves():
            part = part_of(leaf, self.hint)
            if _is_body(leaf, first, alone):
                self._take(leaf, part)
                first = False
            else:
                self.parts.append(part)
                self.rest.append((leaf, part))
        shown = self._text_view(self.tree)
        chunks = tuple(_words(piece) for piece in shown)
        if len(chunks) > 1:
            chunks = tuple(chunk for chunk in chunks if chunk.strip()) or chunks[:1]
        pages = self._html_view(self.tree)
        html_part = next((piece.part for piece in pages if not piece.plain), None)
        return Body(
            text="\n".join(chunks),
            html=_page(pages) if html_part else "",
            text_parts=chunks,
            html_part=html_part,
            parts=tuple(self.parts),
            rest=tuple(self.rest),
            defects=tuple(dict.fromkeys(self.defects)),
        )

    def _take(self, leaf: Node, part: Part) -> None:
        """Read a leaf of the body; uuencoded files in plain text become parts of their own."""
        pieces = self.pieces.setdefault(id(leaf), [])
        for piece in self._without_files(part):
            self.parts.append(piece)
            if piece.encoding in parts.UUENCODE and piece is not part:
                self.rest.append((leaf, piece))
                continue
            words, odd = parts.read(self.raw, piece, self.hint)
            self.defects += odd
            if piece.content_type == "text/html" and words.count("<") >= html.MOST_UNCLOSED and html.is_wild(words):
                self.defects.append("html_wild")
            if piece.content_type in ("text/enriched", "text/richtext"):
                words = _ENRICHED.sub("", words.replace("<<", "\x00")).replace("\x00", "<")
            pieces.append(_Piece(piece, words))

    def _without_files(self, part: Part) -> list[Part]:
        """Cut a text at the uuencoded files in it: text, file, text."""
        if part.content_type != "text/plain" or part.encoding in ("base64", "quoted-printable"):
            return [part]
        if self.raw.find(b"begin", part.start, part.end) < 0:
            return [part]
        found: list[Part] = []
        position = part.start
        while len(found) < MOST_FILES:
            begin = _BEGIN.search(self.raw, position, part.end)
            if begin is None:
                break
            end = self.raw.find(b"\nend", begin.end(), part.end)
            if end < 0:
                break
            end += 4
            if not _looks_uuencoded(self.raw, begin.start(2)):
                position = begin.end()
                continue
            name = file_name(begin[1].decode("ascii", "surrogateescape").strip(), self.hint)
            if self.raw[position : begin.start()].strip():
                found.append(replace(part, start=position, end=begin.start()))
            encoding = "x-uuencode"
            found.append(
                Part("application/octet-stream", begin.start(), end, encoding, "", name, "attachment", "", part.path)
            )
            position = end + (2 if self.raw.startswith(b"\r\n", end) else 1)
        if self.raw[position : part.end].strip() or not found:
            found.append(replace(part, start=min(position, part.end)) if found else part)
        return found

    def _text_view(self, node: Node) -> list[_Piece]:
        """The pieces a reader of plain text sees."""
        if node.children is None:
            return self.pieces.get(id(node), [])
        views = [self._text_view(child) for child in node.children]
        if node.content_type == "multipart/alternative":
            views = [view for view in views if any(piece.words.strip() for piece in view)]
            return next((view for view in views if all(piece.plain for piece in view)), views[-1] if views else [])
        seen = [piece for view in views for piece in view]
        return _without_repetition(seen)

    def _html_view(self, node: Node) -> list[_Piece]:
        """The pieces a reader of HTML sees: of alternatives the last one that has HTML."""
        if node.children is None:
            return self.pieces.get(id(node), [])
        views = [self._html_view(child) for child in node.children]
        if node.content_type == "multipart/alternative":
            with_html = [view for view in views if any(not piece.plain and piece.words.strip() for piece in view)]
            return with_html[-1] if with_html else next((view for view in views if view), [])
        return [piece for view in views for piece in view]


def part_of(leaf: Node, hint: str = "") -> Part:
    """Describe a leaf as a part of the mail, its file name decoded."""
    parameters = leaf.parameters
    return Part(
        _clean(leaf.content_type),
        leaf.start,
        leaf.end,
        _clean(leaf.encoding) or "7bit",
        _clean(parameters.get("charset", "")),
        file_name(leaf.filename, hint) if leaf.filename else "",
        _clean(leaf.disposition),
        _clean(leaf.content_id),
        leaf.path,
        leaf.alternative,
        leaf.related,
        parameters.get("format", "").lower() == "flowed",
        parameters.get("delsp", "").lower() == "yes",
        _clean(leaf.location),
    )


def _clean(value: str) -> str:
    """Take raw bytes and control characters out of a value."""
    return value if value.isprintable() else headers.decode(value)


def _is_body(leaf: Node, first: bool, alone: bool) -> bool:
    """Text to be read, not a file: no file name and not marked as an attachment.

    A text that opens the mail may carry a name unless it is marked, and the only part may be marked unless it is named.
    """
    if leaf.content_type not in _KINDS:
        return False
    if leaf.disposition == "attachment":
        return alone and not leaf.filename
    return not leaf.filename or (first and (leaf.path in ("1", "1.1") or leaf.alternative))


def _looks_uuencoded(raw: bytes, start: int) -> bool:
    """Does the line have the length that its first character announces?"""
    line = raw[start : start + 80].split(b"\n")[0].rstrip(b"\r")
    needed = (((line[0] - 32) & 63) * 4 + 2) // 3
    return needed <= len(line) - 1 <= needed + 4


def _words(piece: _Piece) -> str:
    if piece.plain:
        return piece.words
    return html.to_text(piece.words)


def _without_repetition(pieces: list[_Piece]) -> list[_Piece]:
    """Leave out HTML beside plain text that says the same, where the sender forgot to call them alternatives."""
    if len(pieces) < 2 or all(piece.plain for piece in pieces) or not any(piece.plain for piece in pieces):
        return pieces
    said = " ".join(_WORD.findall(" ".join(piece.words for piece in pieces if piece.plain)))
    return [piece for piece in pieces if piece.plain or not _repeats(piece, said)]


def _repeats(piece: _Piece, said: str) -> bool:
    words = " ".join(_WORD.findall(_words(piece)))
    return not words or words in said


def _page(pieces: list[_Piece]) -> str:
    """Join the HTML a reader sees; plain text between is set as it stands."""
    if len(pieces) == 1:
        return pieces[0].words
    return "\n".join(
        f"<pre>{escape(piece.words, quote=False)}</pre>" if piece.plain and piece.words.strip() else piece.words
        for piece in pieces
    )
