"""Tables of rule files: their texts, what stood in them when and by whom, what somebody is writing.

Here: texts and versions. Not here: the files, which are in force (`rulebook/book.py`).
Invariant: a text is kept once, by its digest; a version is never changed.
"""

from __future__ import annotations

from peewee import AutoField, BigIntegerField, CompositeKey, TextField

from engine.store.tables import column
from engine.store.tables.column import Table
from engine.store.tables.people import Account


class RuleText(Table):
    digest = TextField(primary_key=True)
    text = TextField()

    class Meta:
        without_rowid = True


class RuleVersion(Table):
    """What stood in the file of a place ("" is that of all mail), since when, by whom and why.

    `actor` is "" where it was found there: somebody wrote it by other means.
    """

    id = AutoField()
    place = TextField()
    digest = TextField()
    at = BigIntegerField()
    actor = column.text()
    via = column.text()
    reason = column.text()

    class Meta:
        indexes = ((("place", "id"), False),)


class RuleDraft(Table):
    """What an account is writing for a place, begun from the text with the digest `base`."""

    account = column.to(Account)
    place = TextField()
    base = TextField()
    text = TextField()
    at = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("account", "place")
        without_rowid = True
