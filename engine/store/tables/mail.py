"""Tables of mail: what came in, what became of it, what goes out.

Here: mailboxes, raw mail, the ledger, presentations, receipts, effects, events, the outbox and what limits it.
Not here: the protocol (docs/store.md).
Invariant: a partial index repeats its condition word for word in the queries that use it.
Over 300 lines: a table stands beside those that name it.
"""

from __future__ import annotations

from peewee import SQL, AutoField, BigIntegerField, BlobField, CompositeKey, ForeignKeyField, IntegerField, TextField

from engine.store.tables import column
from engine.store.tables.column import Table
from engine.store.tables.people import Account
from engine.store.terms import COLLECTED, COUNTED, DECIDED, HELD, IDENTIFIED, OF_THE_DESK, OPEN, PLANNED, QUEUED, TO_SEE


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
    first_read_at = column.number()
    last_mail_at = column.number()
    rhythm = column.text()
    retry_at = column.number()
    refused = column.text()
    settings = column.text()
    fault = column.text()
    faulty = column.text()
    next_at = column.number()


Mailbox.add_index(Mailbox.next_at, name="mailbox_next")


class LeftAlone(Table):
    """What lies in a mailbox that is older than its `since`, as the last pass saw it.

    `keys`, a line each, are those whose date cost a question, so that it is asked once.
    """

    mailbox = ForeignKeyField(Mailbox, primary_key=True, backref="+")
    since = BigIntegerField()
    mails = column.number()
    keys = column.text()


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
    body_key = BlobField(null=True)

    class Meta:
        indexes = ((("raw", "mailbox"), True),)


Inbound.add_index(Inbound.state, Inbound.mailbox, Inbound.next_at, where=SQL(OPEN), name="inbound_open")
# SQLite looks at the state again although the condition says it: were it not here, each row would be read.
Inbound.add_index(Inbound.code, Inbound.id, Inbound.state, where=SQL(HELD), name="inbound_held")
Inbound.add_index(Inbound.received_at, where=SQL(DECIDED), name="inbound_received")
Inbound.add_index(
    Inbound.sender, Inbound.received_at, Inbound.decided_at, Inbound.state, Inbound.body_key,
    where=SQL(DECIDED), name="inbound_sender",
)  # fmt: skip
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

    class Meta:
        indexes = ((("inbound", "generation"), True),)


Receipt.add_index(Receipt.item, where=SQL("item IS NOT NULL"), name="receipt_item")


class Trace(Table):
    """How the decision of a receipt came about; `id` is that of the receipt. Apart, for it is longer than all of it."""

    id = BigIntegerField(primary_key=True)
    content = BlobField(null=True)


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


class Act(Table):
    """What a person did; one `key` is done once."""

    id = AutoField()
    ref = TextField(unique=True)
    key = TextField(null=True, unique=True)
    by = TextField()
    typed_by = column.text()
    via = column.text()
    at = BigIntegerField()
    item = IntegerField(null=True)
    comment = column.number()
    topic = IntegerField(null=True)


class Event(Table):
    """What happened, for good. `actor` is a login or an address, "" the engine; `via` what it came by: mail, a face."""

    id = AutoField()
    at = BigIntegerField()
    name = TextField()
    actor = column.text()
    via = column.text()
    item = IntegerField(null=True)
    topic = IntegerField(null=True)
    comment = column.number()
    workspace = column.text()
    inbound = column.to(Inbound, null=True)
    generation = column.number()
    act = column.text()
    detail = column.text()


Event.add_index(Event.act, where=SQL("act <> ''"), name="event_act")
Event.add_index(Event.name, Event.workspace, where=SQL(OF_THE_DESK), name="event_desk")
Event.add_index(Event.item, where=SQL("item IS NOT NULL"), name="event_item")
Event.add_index(Event.inbound, where=SQL("inbound_id IS NOT NULL"), name="event_inbound")


class Outbox(Table):
    """`class` is the kind of mail, `event` what leads it; `address_key` compares the address without its tag.

    A row that is not sent says `why`. `content` are the bytes as they were composed for the first attempt; `queued_at`
    is when a person had it sent after all, 0 for most.
    """

    id = AutoField()
    dedupe = TextField(unique=True)
    message_id = column.text()
    inbound = column.to(Inbound, null=True)
    generation = column.number()
    act = column.text()
    event = column.text()
    kind = TextField(column_name="class")
    address_key = column.text()
    account = column.to(Account, null=True)
    roles = column.text()
    language = column.text()
    item = IntegerField(null=True)
    topic = IntegerField(null=True)
    payload = TextField()
    state = column.text("queued")
    why = column.text()
    owner = TextField(null=True)
    claimed_until = column.number()
    attempts = column.number()
    next_at = column.number()
    error = column.text()
    created_at = BigIntegerField()
    tried_at = column.number()
    queued_at = column.number()
    sent_in = IntegerField(null=True)
    content = BlobField(null=True)


Outbox.add_index(Outbox.state, Outbox.kind, Outbox.next_at, where=SQL(QUEUED), name="outbox_queued")
Outbox.add_index(Outbox.next_at, where=SQL(COLLECTED), name="outbox_digest")
Outbox.add_index(Outbox.state, Outbox.created_at, where=SQL(TO_SEE), name="outbox_state")
Outbox.add_index(Outbox.kind, Outbox.created_at, where=SQL(COUNTED), name="outbox_class")
Outbox.add_index(Outbox.address_key, Outbox.created_at, name="outbox_address")
Outbox.add_index(Outbox.message_id, unique=True, where=SQL(IDENTIFIED), name="outbox_message_id")
Outbox.add_index(Outbox.item, where=SQL("item IS NOT NULL"), name="outbox_item")
Outbox.add_index(Outbox.inbound, where=SQL("inbound_id IS NOT NULL"), name="outbox_inbound")


class AddressState(Table):
    """How an address takes our mail: `suspended_at` is when we stopped sending, 0 while we do."""

    address_key = TextField(primary_key=True)
    failures = column.number()
    last_code = column.text()
    suspended_at = column.number()

    class Meta:
        without_rowid = True


class Mute(Table):
    """Nothing goes to an address about an item until then; 0: about any, -1: no automatic answer about any."""

    address_key = TextField()
    item = column.number()
    until = BigIntegerField()
    why = column.text()

    class Meta:
        primary_key = CompositeKey("address_key", "item")
        without_rowid = True


class Trouble(Table):
    """What is wrong and since when; `told_at` is when somebody was last told of it on standard error.

    `refused` are the times of refused logins, a blank between two; `settings` is the digest of what was tried.
    """

    name = TextField(primary_key=True)
    since = BigIntegerField()
    told_at = column.number()
    said = column.text()
    refused = column.text()
    settings = column.text()

    class Meta:
        without_rowid = True


class Trail(Table):
    """What each of the last transactions touched; without `notes` it may be anything."""

    notes = BlobField(null=True)


class SchemaVersion(Table):
    version = IntegerField(primary_key=True)
    name = TextField()
    applied_at = BigIntegerField()
