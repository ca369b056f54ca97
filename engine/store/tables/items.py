"""Tables of items: items, their fields, labels and people, comments, topics, attachments and the bytes of these.

Here: columns only. Not here: reading or writing them (`items.py`, `effects.py`).
Invariant: `html` is empty or a JSON object that tells where the HTML body stands (`blobs.Html`), never HTML itself.
"""

from __future__ import annotations

from peewee import SQL, AutoField, BigIntegerField, BlobField, CompositeKey, IntegerField, TextField

from engine.store.tables import column
from engine.store.tables.column import Table
from engine.store.tables.mail import Inbound, RawMail
from engine.store.tables.people import Account, FieldName, Workspace
from engine.store.terms import ASSIGNED, DRAFT


class Blob(Table):
    id = AutoField()
    digest = BlobField(unique=True)
    size = IntegerField()
    raw = column.to(RawMail, null=True, index=True)
    starts = column.number()
    ends = column.number()
    encoding = column.text()
    content = BlobField(null=True)


class Item(Table):
    id = AutoField()
    workspace = column.to(Workspace, index=True)
    title = TextField()
    text = column.text()
    quoted = column.text()
    author = column.to(Account, null=True)
    sender = column.text()
    type = column.text()
    status = column.text()
    priority = column.text()
    category = column.text()
    version = column.text()
    assigned_to = column.text()
    private = column.flag()
    created_at = BigIntegerField()
    changed_at = BigIntegerField()
    closed_at = BigIntegerField(null=True)
    inbound = column.to(Inbound, null=True)
    html = column.text()
    language = column.text()
    merged_into = column.number()


Item.add_index(
    SQL("lower(assigned_to)"), Item.id, where=SQL(f"{ASSIGNED} AND closed_at IS NULL"), name="item_assigned",
)  # fmt: skip


class Numbering(Table):
    kind = TextField(primary_key=True)
    above = BigIntegerField()

    class Meta:
        without_rowid = True


class ImportedMarker(Table):
    """What mail of another system says of an item: a digest of its marker; `internal` if that was a note of theirs."""

    key = BlobField(primary_key=True)
    item = column.to(Item)
    internal = column.flag()

    class Meta:
        without_rowid = True


class ItemField(Table):
    item = column.to(Item)
    field = column.to(FieldName)
    value = TextField()

    class Meta:
        primary_key = CompositeKey("item", "field")
        indexes = ((("field", "value", "item"), False),)
        without_rowid = True


class ItemLabel(Table):
    item = column.to(Item)
    label = TextField()

    class Meta:
        primary_key = CompositeKey("item", "label")
        without_rowid = True


class ItemPerson(Table):
    item = column.to(Item)
    account = column.to(Account)
    role = TextField()

    class Meta:
        primary_key = CompositeKey("item", "account")
        without_rowid = True


class ItemCopy(Table):
    """An address without an account that stood in To or Cc of the requester's newest mail.

    Whoever has `gone` by themselves is copied no more, and may reply all the same.
    """

    item = column.to(Item)
    address_key = TextField()
    address = TextField()
    name = column.text()
    gone = column.flag()

    class Meta:
        primary_key = CompositeKey("item", "address_key")
        without_rowid = True


class BegunWords(Table):
    """What an account is writing on an item and has not sent. The number of an item that is gone may stay: nobody asks
    for it, and it is never given again.
    """

    item = BigIntegerField()
    account = column.to(Account)
    mode = TextField()
    words = TextField()
    at = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("item", "account")
        without_rowid = True


class Comment(Table):
    """`published`: a person made it public, a note, a draft or what another item said. `belongs`: who wrote it has to
    do with the item because of that.

    A draft is a note that is meant to be said: `internal` is set as well, so whatever keeps notes inside keeps drafts.
    """

    id = AutoField()
    item = column.to(Item, index=True)
    author = column.to(Account, null=True)
    sender = column.text()
    text = column.text()
    quoted = column.text()
    internal = column.flag()
    published = column.flag()
    belongs = column.flag(True)
    created_at = BigIntegerField()
    inbound = column.to(Inbound, null=True)
    html = column.text()
    draft = column.flag()


Comment.add_index(Comment.item, where=SQL(DRAFT), name="comment_draft")


class Topic(Table):
    id = AutoField()
    workspace = column.to(Workspace, index=True)
    title = TextField()
    locked = column.flag()
    created_at = BigIntegerField()


class Post(Table):
    id = AutoField()
    topic = column.to(Topic, index=True)
    author = column.to(Account, null=True)
    sender = column.text()
    title = column.text()
    text = column.text()
    quoted = column.text()
    created_at = BigIntegerField()
    inbound = column.to(Inbound, null=True)
    html = column.text()


class Attachment(Table):
    id = AutoField()
    item = column.to(Item, null=True, index=True)
    topic = column.to(Topic, null=True)
    comment = column.number()
    blob = column.to(Blob)
    name = TextField()
    content_type = TextField()
    inline = column.flag()
    content_id = column.text()
    width_px = column.number()
    height_px = column.number()
    created_at = BigIntegerField()
