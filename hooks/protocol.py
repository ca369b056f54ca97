"""What the engine and a worker say to each other, from the engine's side.

Here: the shape of every message, read strictly. Not here: bytes on the pipe (`frame.py`, `process.py`).
Invariant: a reply is hostile until it fits the shape exactly: types, lengths, no key too many, the nonce of its
question. Nothing in it is ever executed, formatted with or trusted to be short.
"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from hooks import limits
from hooks.problem import ScriptProblem

if TYPE_CHECKING:
    from hooks.program import Call

_Short = Annotated[str, msgspec.Meta(max_length=400)]
_Reason = Annotated[str, msgspec.Meta(max_length=limits.REASON_CHARS)]
_Dropped = Annotated[str, msgspec.Meta(max_length=limits.DROP_CHARS)]
_Line = Annotated[str, msgspec.Meta(max_length=limits.LOG_CHARS)]
_Count = Annotated[int, msgspec.Meta(ge=-1, le=1 << 40)]
_Number = Annotated[float, msgspec.Meta(ge=0)]
_Index = Annotated[int, msgspec.Meta(ge=0)]
_FieldText = Annotated[str, msgspec.Meta(pattern=r"\A[^\0]*\Z")]
_FieldLine = Annotated[str, msgspec.Meta(pattern=r"\A[^\0-\x08\n-\x1f\x7f\x85\u2028\u2029]*\Z")]
_FieldInt = Annotated[int, msgspec.Meta(ge=-limits.INTEGER, le=limits.INTEGER)]
_FieldFloat = Annotated[float, msgspec.Meta(ge=-limits.INTEGER, le=limits.INTEGER)]
_FieldList = Annotated[tuple[_FieldLine, ...], msgspec.Meta(max_length=10 * limits.LIST_ITEMS)]
_FIELDS: dict[str, Any] = {
    "line": _FieldLine | None,
    "text": _FieldText | None,
    "list": _FieldList,
    "int": _FieldInt | None,
    "float": _FieldFloat | None,
    "bool": bool | None,
    "date": date | None,
}
"""What a reply may hold for each kind of field; one of another kind (`ro`) cannot be in it."""
FieldValue = str | int | float | bool | None | tuple[str, ...]
"""What any field may hold; which one may hold what is looked at when the item is known (`_changes_of`)."""


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
    changes: Annotated[dict[_Short, FieldValue], msgspec.Meta(max_length=limits.CHANGES)]
    dropped: tuple[tuple[_Index, _Dropped], ...]
    errors: Annotated[tuple[tuple[_Short, _Reason], ...], msgspec.Meta(max_length=limits.ERRORS)]
    log: Annotated[tuple[_Line, ...], msgspec.Meta(max_length=limits.LOG_LINES)]
    script: _Count
    error: Trouble | None
    lines: Annotated[
        dict[_Short, Annotated[dict[_Index, _Count], msgspec.Meta(max_length=70_000)]], msgspec.Meta(max_length=50)
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


def read_bound(body: bytes, nonce: str, scripts: int) -> Bound:
    """Read the second message, about so many scripts. Raises BadReply."""
    try:
        bound = _bound(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadReply(f"the answer to the scripts: {error}") from None
    if bound.nonce != nonce:
        raise BadReply("the answer belongs to another question")
    if any(not 0 <= problem[0] < scripts for problem in bound.problems):
        raise BadReply("the answer is about a script that it was not given")
    return bound


class _Item(msgspec.Struct, frozen=True):
    schema: dict[str, str]


class _Mail(msgspec.Struct, frozen=True):
    attachments: tuple[msgspec.Raw, ...] = ()


MOST_SHAPES = 64
_shapes: dict[str, type[msgspec.Struct]] = {}
_item = msgspec.json.Decoder(_Item).decode
_mail = msgspec.json.Decoder(_Mail).decode


def read_reply(body: bytes, nonce: str, call: Call) -> Reply:
    """Read the reply to a call. Raises BadReply."""
    try:
        reply = _reply(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadReply(f"the reply: {error}") from None
    if reply.nonce != nonce:
        raise BadReply("the reply belongs to another question")
    if why := _contradiction(reply, call):
        raise BadReply(f"the reply contradicts {why}")
    if reply.changes:
        try:
            msgspec.convert(reply.changes, _changes_of(call))
        except msgspec.ValidationError as error:
            raise BadReply(f"the reply changes the item: {error}") from None
    return reply


def _contradiction(reply: Reply, call: Call) -> str:
    """Say what a reply of the right shape cannot be an answer to, "" if it can."""
    scripts, verdict, failed = call.program.scripts, reply.verdict, reply.error is not None
    refused = verdict != "accept"
    if (reply.outcome == "ok") is failed or (failed and (reply.changes or reply.dropped)):
        return "its outcome"
    if reply.script >= len(scripts) or (reply.script < 0 and (refused or not failed)):
        return "the number of scripts"
    if refused:
        by_guard = scripts[reply.script].hook == "guard"
        fits = not reply.changes if by_guard else verdict != "refuse"
        if not fits or (verdict == "refuse" and reply.reason):
            return "its verdict"
    elif reply.reason or (reply.errors if failed else reply.script != len(scripts) - 1):
        return "its verdict"
    if reply.dropped:
        places = {index for index, _ in reply.dropped}
        if len(places) < len(reply.dropped) or max(places) >= len(_mail(call.mail).attachments):
            return "the attachments of the mail"
    if reply.lines and call.option != "trace":
        return "the question"
    return "" if "".join(_texts(reply)).replace("\t", "").isprintable() else "what can be printed"


def _texts(reply: Reply) -> list[str]:
    texts = [reply.reason, *reply.log]
    if reply.errors or reply.dropped or reply.error:
        texts += [text for pair in reply.errors for text in pair] + [reason for _, reason in reply.dropped]
        texts += [reply.error.type, reply.error.message] if reply.error else []
    return texts


def _changes_of(call: Call) -> type[msgspec.Struct]:
    """Give the shape of what a reply may change: the fields of the item that can be changed, each with its type."""
    known = _shapes.get(call.fields) if call.fields else None
    if known is None:
        schema = _item(call.item).schema
        names = {f"f{n}": name for n, (name, kind) in enumerate(schema.items()) if kind in _FIELDS}
        rows = [(slot, _FIELDS[schema[name]] | msgspec.UnsetType, msgspec.UNSET) for slot, name in names.items()]
        known = msgspec.defstruct("Changes", rows, rename=names, forbid_unknown_fields=True)
        if len(_shapes) >= MOST_SHAPES:
            _shapes.clear()
        _shapes[call.fields] = known
    return known


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


def write_call(nonce: str, mail: bytes, item: bytes, context: bytes, option: str = "") -> bytes:
    """Write a call; mail, item and context are JSON already. `option` is trace, probe or none."""
    end = f',"{option}":true}}' if option else "}"
    parts = b'{"nonce":"', nonce.encode(), b'","mail":', mail, b',"item":', item, b',"context":', context, end.encode()
    return b"".join(parts)
