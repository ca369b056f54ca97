"""What the engine and a worker say to each other, from the engine's side.

Here: the shape of every message, read strictly. Not here: bytes on the pipe (`frame.py`, `process.py`).
Invariant: a reply is hostile until it fits the shape exactly: types, lengths, no key too many, the nonce of its
question. Nothing in it is ever executed, formatted with or trusted to be short.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

import msgspec

from hooks import limits
from hooks.problem import ScriptProblem

_Short = Annotated[str, msgspec.Meta(max_length=400)]
_Reason = Annotated[str, msgspec.Meta(max_length=limits.REASON_CHARS)]
_Line = Annotated[str, msgspec.Meta(max_length=limits.LOG_CHARS)]
_Count = Annotated[int, msgspec.Meta(ge=-1, le=1 << 40)]
_Number = Annotated[float, msgspec.Meta(ge=0)]
_FieldText = Annotated[str, msgspec.Meta(max_length=limits.FIELD_CHARS)]
_FieldInt = Annotated[int, msgspec.Meta(ge=-limits.INTEGER, le=limits.INTEGER)]
_FieldList = Annotated[
    tuple[Annotated[str, msgspec.Meta(max_length=limits.LINE_CHARS)], ...], msgspec.Meta(max_length=limits.LIST_ITEMS)
]
FieldValue = _FieldText | _FieldInt | float | bool | None | _FieldList


class BadReply(Exception):
    """A worker said something that no honest worker says."""


class Hello(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The first message of a worker: which fences stand."""

    standing: Annotated[tuple[_Short, ...], msgspec.Meta(max_length=30)]
    missing: Annotated[dict[_Short, _Short], msgspec.Meta(max_length=30)]
    rss_kb: _Count
    cpu_ms: _Number


class Bound(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The second: what is wrong with the scripts it was given (number of the script, then a ScriptProblem)."""

    nonce: str
    problems: Annotated[
        tuple[tuple[_Count, _Short, _Reason, _Count, _Count, _Count, _Short], ...], msgspec.Meta(max_length=2_000)
    ]
    cpu_ms: _Number


class Trouble(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The exception a script ended with; `code` is set where the script has not the function it should have."""

    type: _Short
    message: _Reason
    line: _Count
    column: _Count
    length: _Count
    code: Literal["", "H108", "H109"] = ""


class Reply(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the scripts of one call said."""

    nonce: str
    outcome: Literal["ok", "runtime-error", "runtime-denied", "memory"]
    verdict: Literal["accept", "reject", "hold", "refuse"]
    reason: _Reason
    changes: Annotated[dict[_Short, FieldValue], msgspec.Meta(max_length=200)]
    dropped: Annotated[tuple[tuple[_Count, _Reason], ...], msgspec.Meta(max_length=limits.EFFECTS)]
    errors: Annotated[tuple[tuple[_Short, _Reason], ...], msgspec.Meta(max_length=limits.ERRORS)]
    log: Annotated[tuple[_Line, ...], msgspec.Meta(max_length=limits.LOG_LINES)]
    script: _Count
    error: Trouble | None
    lines: Annotated[
        dict[_Short, Annotated[dict[_Short, _Count], msgspec.Meta(max_length=70_000)]], msgspec.Meta(max_length=50)
    ]
    cpu_ms: _Number


_hello = msgspec.json.Decoder(Hello).decode
_bound = msgspec.json.Decoder(Bound).decode
_reply = msgspec.json.Decoder(Reply).decode


def read_hello(body: bytes) -> Hello:
    """Read the first message. Raises BadReply."""
    try:
        return _hello(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadReply(f"the first message: {error}") from None


def read_bound(body: bytes, nonce: str) -> Bound:
    """Read the second message. Raises BadReply."""
    try:
        bound = _bound(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadReply(f"the answer to the scripts: {error}") from None
    if bound.nonce != nonce:
        raise BadReply("the answer belongs to another question")
    return bound


def read_reply(body: bytes, nonce: str, scripts: int) -> Reply:
    """Read a reply to a call of so many scripts. Raises BadReply."""
    try:
        reply = _reply(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadReply(f"the reply: {error}") from None
    if reply.nonce != nonce:
        raise BadReply("the reply belongs to another question")
    if reply.script >= scripts or (reply.outcome == "ok") != (reply.error is None):
        raise BadReply("the reply contradicts itself")
    return reply


def problems_of(bound: Bound, number: int) -> tuple[ScriptProblem, ...]:
    """Give what is wrong with one of the scripts."""
    return tuple(
        ScriptProblem(code, message, line, column, length, help)
        for which, code, message, line, column, length, help in bound.problems
        if which == number
    )


def write_binding(nonce: str, scripts: list[tuple[str, str, str]], params: str, tables: str) -> bytes:
    """Write the message that binds a worker to scripts (name, hook, source); parameters are JSON already."""
    texts = json.dumps([list(script) for script in scripts])
    return f'{{"nonce":"{nonce}","scripts":{texts},"params":{params},"tables":{tables}}}'.encode()


def write_call(nonce: str, mail: str, item: str, context: str, option: str = "") -> bytes:
    """Write a call; mail, item and context are JSON already. `option` is trace, probe or none."""
    extra = f',"{option}":true' if option else ""
    text = f'{{"nonce":"{nonce}","mail":{mail},"item":{item},"context":{context}{extra}}}'
    return text.encode("utf-8", "replace")
