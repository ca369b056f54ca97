"""Tables of mail: what came in, what became of it, what goes out.

Here: mailboxes, raw mail, the ledger, presentations, receipts, effects, outbox. Not here: the protocol (docs/store.md).
Invariant: a partial index repeats its condition word for word in the queries that use it.
"""

from __future__ import annotations

from peewee import SQL, AutoField, BigIntegerField, BlobField, CompositeKey, IntegerField, TextField

from engine.store.tables import column
from engine.store.tables.column import Table
from engine.store.terms import DECIDED, OPEN, PLANNED, QUEUED, TRIED


class Mailbox(Table):
    id = AutoField()
    name = TextField(unique=True)
    epoch = column.text()
    epochs = column.number()
    uidnext = column.number()
    aside = column.text()
    lease_owner = column.text()
    lease_token = column.number()
    lease_until = column.number()
    failures = column.number()
    failing_since = column.number()
    failed_at = column.number()
    code = column.text()
    sentence = column.text()
    ok_at = column.number()
    paused = column.text()


class RawMail(Table):
    """`content` stands last: what comes behind a long value is slow to read."""

    id = AutoField()
    digest = BlobField(unique=True)
    size = IntegerField()
    truncated = column.flag()
    purged_at = BigIntegerField(null=True)
    content = BlobField(null=True)


class Inbound(Table):
    id = AutoField()
    ref = TextField(unique=True)
    mailbox = column.to(Mailbox)
    raw = column.to(RawMail)
    received_at = BigIntegerField()
    reverse_path = TextField(null=True)
    forward_paths = column.text()
    source_key = column.text()
    state = column.text("received")
    generation = column.number(1)
    attempts = column.number()
    owner = TextField(null=True)
    claimed_until = column.number()
    next_at = column.number()
    mode = column.text()
    released = column.text()
    code = column.text()
    error = column.text()
    decided_at = column.number()
    message_id = column.text()
    message_key = BlobField(null=True)
    content_key = BlobField(null=True)
    sender = column.text()
    recipients = column.text()
    subject = column.text()

    class Meta:
        indexes = ((("raw", "mailbox"), True),)


Inbound.add_index(Inbound.state, Inbound.mailbox, Inbound.next_at, where=SQL(OPEN), name="inbound_open")
Inbound.add_index(Inbound.received_at, where=SQL(DECIDED), name="inbound_received")
Inbound.add_index(Inbound.sender, Inbound.received_at, Inbound.decided_at, where=SQL(DECIDED), name="inbound_sender")
Inbound.add_index(Inbound.message_key, where=SQL("message_key IS NOT NULL"), name="inbound_message")
Inbound.add_index(Inbound.content_key, where=SQL("content_key IS NOT NULL"), name="inbound_content")


class Presentation(Table):
    mailbox = column.to(Mailbox)
    key = TextField()
    inbound = column.to(Inbound, index=True)
    size = IntegerField()
    first_seen = BigIntegerField()
    last_seen = BigIntegerField()
    action = column.text()
    folder = column.text()
    action_state = column.text("none")
    attempts = column.number()
    why = column.text()

    class Meta:
        primary_key = CompositeKey("mailbox", "key")
        without_rowid = True


Presentation.add_index(Presentation.action_state, Presentation.mailbox, where=SQL(PLANNED), name="presentation_planned")


class Receipt(Table):
    id = AutoField()
    inbound = column.to(Inbound)
    generation = IntegerField()
    outcome = TextField()
    code = TextField()
    because = TextField()
    by_kind = TextField()
    by_name = TextField()
    by_file = column.text()
    by_line = column.number()
    workspace = column.text()
    item = IntegerField(null=True)
    topic = IntegerField(null=True)
    comment = IntegerField(null=True)
    decided_at = BigIntegerField()
    trace = BlobField(null=True)

    class Meta:
        indexes = ((("inbound", "generation"), True),)


class Effect(Table):
    inbound = column.to(Inbound)
    generation = IntegerField()
    kind = TextField()
    n = IntegerField()
    object = column.number()
    detail = column.text()

    class Meta:
        primary_key = CompositeKey("inbound", "generation", "kind", "n")
        without_rowid = True


class Outbox(Table):
    id = AutoField()
    dedupe = TextField(unique=True)
    message_id = TextField(unique=True)
    inbound = column.to(Inbound, null=True)
    generation = column.number()
    kind = TextField()
    automatic = column.flag(True)
    recipient = column.text()
    item = IntegerField(null=True)
    topic = IntegerField(null=True)
    payload = TextField()
    state = column.text("queued")
    owner = TextField(null=True)
    claimed_until = column.number()
    attempts = column.number()
    next_at = column.number()
    error = column.text()
    created_at = BigIntegerField()
    tried_at = column.number()


Outbox.add_index(Outbox.next_at, where=SQL(QUEUED), name="outbox_queued")
Outbox.add_index(Outbox.tried_at, where=SQL(TRIED), name="outbox_tried")
Outbox.add_index(Outbox.recipient, Outbox.tried_at, where=SQL(TRIED), name="outbox_recipient")


class RuleText(Table):
    digest = TextField(primary_key=True)
    text = TextField()

    class Meta:
        without_rowid = True


class SchemaVersion(Table):
    version = IntegerField(primary_key=True)
    name = TextField()
    applied_at = BigIntegerField()
