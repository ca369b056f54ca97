"""Syntax trees as data: what was parsed once need not be parsed again, which spares a run the making of the grammar.

Here: trees to bytes and back. Not here: where the bytes lie, and when they are written (the program that asks).
Invariant: a tree that comes back is the one that the grammar of now makes of the same sentence. Bytes that are damaged,
foreign, or of another release, grammar or Python give none. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from rules import syntax
from rules.syntax import Action, Node

if TYPE_CHECKING:
    from rules.document import Document


class Trees(Struct, frozen=True):
    """Sentences and what the grammar makes of them."""

    conditions: Mapping[str, Node] = {}
    actions: Mapping[str, Action] = {}

    def are_of_the_sentences_of(self, other: Trees) -> bool:
        """Tell whether both hold the same sentences, and so the same trees."""
        return self.conditions.keys() == other.conditions.keys() and self.actions.keys() == other.actions.keys()


NONE = Trees()


def trees_of(documents: Iterable[Document]) -> Trees:
    """Collect the trees of every condition, definition and action of some rule files."""
    conditions: dict[str, Node] = {}
    actions: dict[str, Action] = {}
    for document in documents:
        conditions |= {each.text: each.node for each in document.definitions.values()}
        for rule in document.rules:
            if rule.when is not None and rule.condition is not None:
                conditions[rule.when] = rule.condition
            actions |= {action.text: action for _, action in rule.actions}
    return Trees(conditions, actions)


def dumped(trees: Trees, release: str) -> bytes:
    """Write trees down for programs of the same `release`."""
    body = msgspec.json.encode(trees)
    return _seal(body, release) + body


def loaded(content: bytes, release: str) -> Trees:
    """Read what `dumped` wrote, `NONE` if it is anything else."""
    seal, body = content[:SEAL_BYTES], content[SEAL_BYTES:]
    if seal != _seal(body, release):
        return NONE
    try:
        return msgspec.json.decode(body, type=Trees)
    except (msgspec.MsgspecError, RecursionError):
        return NONE


SEAL_BYTES = 32


def _seal(body: bytes, release: str) -> bytes:
    return hashlib.sha256(b"\0".join((release.encode(), _maker(), body))).digest()


@cache
def _maker() -> bytes:
    """What trees depend on beside their sentences: the grammar, the shapes of the nodes, the interpreter."""
    grammar = Path(__file__).with_name("grammar.lark").read_bytes()
    nodes = [each for each in vars(syntax).values() if isinstance(each, type) and issubclass(each, Struct)]
    shapes = [(node.__name__, node.__struct_fields__) for node in nodes]
    return b"\0".join((repr(sys.version_info).encode(), repr(shapes).encode(), grammar))
