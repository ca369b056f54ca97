"""Raw bytes -> the MIME tree, as offsets: nothing is copied and nothing decoded.

Here: RFC 2045 5 and RFC 2046 5.1 with the mistakes mail programs make. Not here: what the parts hold (`parts`) and
which of them are the body (`body`).
Invariant: every leaf is a slice of the raw bytes; slices do not overlap and stand in the order of the mail. Outer
boundaries win over inner ones, so a part that was never closed ends where its parent goes on. Parts, depth and
boundary lines looked at are bounded. On mail without mistakes the tree is that of the standard library (tested).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from msgspec import Struct

from engine.mail import headers
from engine.mail.parameters import parameters as read_parameters
from engine.model.mail import Defect


class TreeLimits(headers.HeaderLimits, Protocol):
    """The part of `[limits]` a tree is read under: counts."""

    @property
    def parts(self) -> int: ...
    @property
    def depth(self) -> int: ...


class Node(Struct):
    """An entity: a leaf with the slice of its body, or a multipart with children. Values are raw, not decoded."""

    content_type: str
    parameters: dict[str, str]
    start: int
    end: int
    path: str
    disposition: str = ""
    filename: str = ""
    encoding: str = ""
    content_id: str = ""
    location: str = ""
    typed: bool = True  # a Content-Type was given
    alternative: bool = False
    related: bool = False
    children: tuple[Node, ...] | None = None

    def leaves(self) -> Iterator[Node]:
        """All leaves, in the order of the mail."""
        if self.children is None:
            yield self
        else:
            for child in self.children:
                yield from child.leaves()


_OPAQUE = frozenset({"base64", "quoted-printable"})
_GUESSED = re.compile(rb"^--([!-~](?:[ -~]{0,68}[!-~])?)[ \t]*\r?\n(?=content-)", re.MULTILINE | re.IGNORECASE)
_TYPE = re.compile(r"[^\s/;]+/[^\s/;]+")
CANDIDATES_PER_PART = 200
DEEPEST = 100
GUESSED_WITHIN = 1_000_000


class Splitter:
    """One walk over one mail."""

    def __init__(self, raw: bytes, limits: TreeLimits, note: list[Defect]) -> None:
        self.raw, self.limits, self.note = raw, limits, note
        self.parts_left = limits.parts
        self.candidates_left = limits.parts * CANDIDATES_PER_PART

    def tree(self, fields: headers.Fields, body: int) -> Node:
        """Split the mail whose header fields are `fields` and whose body begins at `body`."""
        root = self._entity(fields, body, len(self.raw), "", 1, "text/plain")
        if root.children is None:
            root.path = "1"
        return root

    def _entity(self, fields: headers.Fields, start: int, end: int, path: str, depth: int, default_type: str) -> Node:
        node = _described(fields, start, end, path, default_type)
        if node.content_type[:10] == "multipart/":
            self._split(node, depth)
        return node

    def _split(self, node: Node, depth: int) -> None:
        """Give a multipart its children; what cannot be split stays one leaf."""
        if self.parts_left <= 0:
            return
        if depth > min(self.limits.depth, DEEPEST):
            self._odd("mime_too_deep", f"multiparts nested more than {self.limits.depth} deep")
            return
        if node.encoding in _OPAQUE:
            self._odd("mime_encoded_multipart", f"a multipart says it is {node.encoding}")
        slices = self._slices(node)
        if not slices:
            node.content_type, node.parameters = "text/plain", {}
            return
        kind = node.content_type
        default = "message/rfc822" if kind == "multipart/digest" else "text/plain"
        alternative, related = kind == "multipart/alternative", kind == "multipart/related"
        children = []
        for number, (start, end) in enumerate(slices, 1):
            fields, body = headers.read(self.raw, start, end, self.limits, self.note)
            path = f"{node.path}.{number}" if node.path else str(number)
            child = self._entity(fields, min(body, end), end, path, depth + 1, default)
            child.alternative = child.alternative or alternative
            child.related = related
            children.append(child)
        node.children = tuple(children)
        if node.alternative or alternative:
            _mark_alternative(node.children)

    def _slices(self, node: Node) -> list[tuple[int, int]]:
        """Find where the parts of a multipart are, by its boundary, else by the looks of it."""
        boundary = node.parameters.get("boundary", "").rstrip()
        slices = self._between(headers.as_bytes(boundary), node.start, node.end) if boundary else []
        if slices:
            return slices
        guessed = _GUESSED.search(self.raw, node.start, min(node.end, node.start + GUESSED_WITHIN))
        if guessed is None:
            self._odd("mime_no_boundary", f"{node.content_type} without parts")
            return []
        self._odd("mime_boundary_guessed", guessed[1].decode("ascii"))
        return self._between(guessed[1], node.start, node.end)

    def _between(self, boundary: bytes, start: int, end: int) -> list[tuple[int, int]]:
        """List the slices between the delimiter lines of `boundary` (RFC 2046 5.1.1)."""
        raw, marker = self.raw, b"--" + boundary
        slices: list[tuple[int, int]] = []
        open_at, closed = -1, False
        position = start
        while True:
            found = raw.find(marker, position, end)
            if found < 0:
                break
            position = found + len(marker)
            if found > start and raw[found - 1] != 10:
                continue
            self.candidates_left -= 1
            if self.candidates_left < 0:
                self._odd("mime_too_many_parts", "too many lines that look like a boundary")
                break
            newline = raw.find(b"\n", position, end)
            line_end = newline if newline >= 0 else end
            tail = raw[position:line_end].strip(b" \t\r") if line_end - position < 200 else b"?"
            if tail not in (b"", b"--"):
                continue
            if open_at >= 0:
                slices.append((open_at, _without_newline(raw, open_at, found)))
                open_at = -1
            if tail:
                closed = True
                continue
            if self.parts_left <= 0:
                self._odd("mime_too_many_parts", f"more than {self.limits.parts} parts")
                closed = True
                break
            self.parts_left -= 1
            if closed:
                self._odd("mime_part_after_end", "a part stands behind the end of its multipart")
            open_at, closed = line_end + 1 if newline >= 0 else end, False
        if open_at >= 0:
            slices.append((open_at, _without_newline(raw, open_at, end) if end == len(raw) else end))
        if slices and not closed:
            self._odd("mime_no_end", "the end of a multipart is missing")
        return slices

    def _odd(self, code: str, detail: str) -> None:
        self.note.append(Defect(code, detail))


def _without_newline(raw: bytes, start: int, end: int) -> int:
    """Leave out the line break in front of a delimiter: it belongs to the delimiter."""
    if end > start and raw[end - 1] == 10:
        end -= 1
        if end > start and raw[end - 1] == 13:
            end -= 1
    return end


def _mark_alternative(nodes: tuple[Node, ...]) -> None:
    for node in nodes:
        node.alternative = True
        if node.children is not None:
            _mark_alternative(node.children)


def _described(fields: headers.Fields, start: int, end: int, path: str, default_type: str) -> Node:
    """Read the fields that describe an entity; of several of one name the first counts."""
    kind, typed = default_type, False
    parameters: dict[str, str] = {}
    disposition = filename = encoding = content_id = location = ""
    for name, value in fields:
        if name[:8].lower() != "content-":
            continue
        field = name[8:].lower()
        if field == "type" and not typed:
            kind, parameters = read_parameters(value)
            typed = True
        elif field == "transfer-encoding" and not encoding:
            encoding = value.partition(";")[0].partition("(")[0].strip().lower()
        elif field == "disposition" and not disposition:
            disposition, about = read_parameters(value)
            filename = about.get("filename") or about.get("name", "")
        elif field == "id" and not content_id:
            content_id = value.strip("<> \t")
        elif field == "location" and not location:
            location = "".join(value.strip('"<> \t').split())  # RFC 2557 4.4.2: blanks are from folding
    if not _TYPE.fullmatch(kind):
        kind = "text/html" if kind == "html" else "text/plain"
    filename = filename or parameters.get("name", "")
    last = location.rpartition("/")[2]
    if not filename and "." in last and kind[:5] != "text/":
        filename = last  # RFC 2557: the only name some pictures have
    return Node(kind, parameters, start, end, path, disposition, filename, encoding, content_id, location, typed)
