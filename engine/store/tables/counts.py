"""Tables of counts: how many mails became what, which rules matched, who writes, how long and how big.

Here: what is counted in the commit of a batch. Not here: counting (`counting.py`, `tallying.py`), asking
(`figures.py`, `facets.py`).
Invariant: what stands here can be counted anew from the receipts (`db recount`), but for `measure`.
"""

from __future__ import annotations

from peewee import SQL, BigIntegerField, CompositeKey, TextField

from engine.store.tables import column
from engine.store.tables.column import Table
from engine.store.terms import STILL_HELD


class Tally(Table):
    """How many mails became what, by their newest receipts.

    `span` says of what `at` is the number: quarters of an hour or days since 1970 in UTC, by when the mails came, or
    blocks of the ledger. `lag` is the class of how long the first decision took (`model/figures.py`), 0 where that
    says nothing.
    """

    span = BigIntegerField()
    at = BigIntegerField()
    mailbox = TextField()
    workspace = TextField()
    outcome = TextField()
    code = TextField()
    by_kind = TextField()
    by_name = TextField()
    lag = BigIntegerField()
    mails = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("span", "at", "mailbox", "workspace", "outcome", "code", "by_kind", "by_name", "lag")
        without_rowid = True


Tally.add_index(Tally.workspace, Tally.mailbox, where=SQL(STILL_HELD), name="tally_held")


class RuleHit(Table):
    """In how many decisions a rule matched, by the digest of its file and its number in it.

    Of rule 0 it is counted how often texts were longer than the limit. `span` and `at` are those of `Tally`.
    """

    span = BigIntegerField()
    at = BigIntegerField()
    file = TextField()
    digest = TextField()
    rule = BigIntegerField()
    hits = BigIntegerField()
    last_at = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("span", "at", "file", "digest", "rule")
        without_rowid = True


class Sender(Table):
    """Who writes: an address as it is compared, and what became of the mail that names it, by the newest receipts.

    `passed` and `failed` count what a trusted server said of DMARC; nothing was said of the others.
    """

    address = TextField(primary_key=True)
    domain = TextField(index=True)
    name = column.text()
    first_at = BigIntegerField(index=True)
    last_at = BigIntegerField()
    mails = column.number()
    made = column.number()
    held = column.number()
    refused = column.number()
    passed = column.number()
    failed = column.number()

    class Meta:
        without_rowid = True


class Measure(Table):
    """How many things of a day (UTC) measured from a power of two up to the next: a length of time, a size.

    `what` says what was measured, `key` of what (a mailbox, a script).
    """

    at = BigIntegerField()
    what = TextField()
    key = TextField()
    power = BigIntegerField()
    many = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("at", "what", "key", "power")
        without_rowid = True
