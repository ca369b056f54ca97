"""All that is counted of mails, counted anew from the receipts and the traces that are left.

Here: `recount`. Not here: what is counted and how it is put together (`tallying.py`).
Invariant: the counts of mails and senders are the same as before, if they were right; of rules only those decisions
count whose traces are still kept, and what was said of DMARC, and names, are told by those.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from engine.model.stored import Recounted
from engine.model.told import Told, nobody
from engine.model.trace import hits_of
from engine.store import hot, tables
from engine.store.claims import MOST_TEXT
from engine.store.tallying import Became, Came, Counted, Sums, became, write

if TYPE_CHECKING:
    from engine.store.database import Database

ROWS_AT_ONCE = 5_000
"""Rows of the ledger that are read together."""


class _Hit(Struct, frozen=True):
    rule: int


class _File(Struct, frozen=True):
    file: str = ""
    digest: str = ""
    hits: tuple[_Hit, ...] = ()
    cut: tuple[str, ...] = ()


class _Address(Struct, frozen=True):
    name: str = ""


class _Sender(Struct, frozen=True):
    address: _Address = _Address()


class _Authentication(Struct, frozen=True):
    dmarc: str = "none"


class _Facts(Struct, frozen=True):
    sender: _Sender = _Sender()
    authentication: _Authentication = _Authentication()


class _Trace(Struct, frozen=True):
    """What is counted of a trace."""

    facts: _Facts = _Facts()
    rules: tuple[_File, ...] = ()


def recount(database: Database, told: Told = nobody) -> Recounted:
    """Count everything anew, inside `writing`; `told` hears of how many of how many rows."""
    for table in (tables.Tally, tables.RuleHit, tables.Sender):
        database.do(table.delete())
    first_read = dict(database.all(tables.Mailbox.select(tables.Mailbox.name, tables.Mailbox.first_read_at)))
    (last,) = database.first(tables.Inbound.select(tables.fn.COALESCE(tables.fn.MAX(tables.Inbound.id), 0)))
    decoder = msgspec.json.Decoder(_Trace)
    mails = decisions = untraced = 0
    for start in range(0, last, ROWS_AT_ONCE):
        sums = Sums(first_read)
        rows = database.rows(hot.RECOUNTED, start, start + ROWS_AT_ONCE)
        for (row, mailbox, received_at, sender), each in groupby(rows, key=itemgetter(0, 1, 2, 3)):
            receipts = [(_read(decoder, content), became(*said)) for content, said in map(_apart, each)]
            traces = [trace for trace, _ in receipts if trace is not None]
            mails, decisions, untraced = mails + 1, decisions + len(receipts), untraced + len(receipts) - len(traces)
            for trace in traces:
                sums.count_hits(row, received_at, hits_of(trace.rules))
            came = Came(mailbox, received_at, sender, _name(traces), _dmarc(*receipts[0]))
            newest = receipts[-1][1]
            sums.add(Counted(row, came, newest, 1))
        write(database, sums)
        told(min(start + ROWS_AT_ONCE, last), last)
    return Recounted(mails, decisions, untraced)


def _apart(row: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    return row[4], row[5:]


def _read(decoder: msgspec.json.Decoder[_Trace], content: bytes | None) -> _Trace | None:
    try:
        return decoder.decode(content) if content is not None else None
    except msgspec.MsgspecError:
        return None


def _name(traces: list[_Trace]) -> str:
    """The newest name there is."""
    return next((name for trace in reversed(traces) if (name := trace.facts.sender.address.name)), "")[:MOST_TEXT]


def _dmarc(trace: _Trace | None, first: Became) -> str:
    return trace.facts.authentication.dmarc if trace is not None and first.generation == 1 else ""
