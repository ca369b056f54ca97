"""The tree of a condition as people see it: definitions opened, brackets gone, every part numbered.

Here: the numbering that evaluation, trace and `explain` share. Not here: evaluation or printing.
Invariant: parts are numbered in the order they are read (pre-order), so a number means the same wherever the text is
the same; a definition's parts follow the part that names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from msgspec import Struct

from rules.syntax import Group, Many, Node, Not, Op, Test


class Shape(StrEnum):
    """What a part is; `LEAF` is the only one that looks at a value."""

    LEAF = "leaf"
    ALL = "all"
    ANY = "any"
    NOT = "not"
    DEFINITION = "definition"


class Part(Struct, frozen=True):
    """One part. `start` and `end` are places in the text of the condition, or of the definition `within`."""

    number: int
    shape: Shape
    label: str
    start: int
    end: int
    within: str = ""
    test: Test | None = None
    kids: tuple[Part, ...] = ()
    size: int = 1

    def walk(self) -> Iterator[Part]:
        """This part and all below it, in order."""
        yield self
        for kid in self.kids:
            yield from kid.walk()

    def leaves(self) -> Iterator[Part]:
        """The parts that look at values."""
        return (part for part in self.walk() if part.shape is Shape.LEAF)


class Definition(Struct, frozen=True):
    """A named condition: its text and its tree."""

    name: str
    text: str
    node: Node


def outline(node: Node, text: str, definitions: Mapping[str, Definition], number: int = 0, within: str = "") -> Part:
    """Number the parts of a condition, opening definitions."""
    while isinstance(node, Group):
        node = node.kid
    span = (node.start, node.end)
    if isinstance(node, Test):
        named = definitions.get(node.subject.name) if node.op is Op.ALONE and node.subject.key is None else None
        if named is None:
            return Part(number, Shape.LEAF, shown(text[node.start : node.end]), *span, within, node)
        kid = outline(named.node, named.text, definitions, number + 1, named.name)
        return Part(number, Shape.DEFINITION, named.name, *span, within, node, (kid,), kid.size + 1)
    kids: list[Part] = []
    size = 1
    for each in (node.kid,) if isinstance(node, Not) else node.kids:
        kid = outline(each, text, definitions, number + size, within)
        kids.append(kid)
        size += kid.size
    if isinstance(node, Not):
        return Part(number, Shape.NOT, "not", *span, within, None, tuple(kids), size)
    shape, label = (Shape.ALL, "all of these") if node.every else (Shape.ANY, "any of these")
    return Part(number, shape, label, *span, within, None, tuple(kids), size)


def shown(source: str) -> str:
    """Source text on one line."""
    return " ".join(source.split()) if "\n" in source or "  " in source else source


def bare(node: Node) -> Node:
    """A condition without the brackets around it."""
    while isinstance(node, Group):
        node = node.kid
    return node


def tests(node: Node) -> Iterator[Test]:
    """The questions a condition asks, definitions not opened."""
    node = bare(node)
    if isinstance(node, Test):
        yield node
    elif isinstance(node, Not):
        yield from tests(node.kid)
    elif isinstance(node, Many):
        for kid in node.kids:
            yield from tests(kid)
