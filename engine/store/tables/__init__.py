"""The tables: what the database holds, one class each.

Here: the door to all of them, and to the words of peewee that queries are written with (`fn`, `SQL`, `Case`, `JOIN`).
Not here: queries, and what the columns mean in words (docs/store.md describes every table; a test checks that).
A change of a table needs a step in `migrations.py`.
Invariant: peewee and the classes are made when one is first asked for: a pass without mail runs the statements of
`hot.py` alone and starts a fifth sooner (docs/performance.md). Times are microseconds since 1970 in UTC, 0 for none;
lists and objects are JSON text.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.store.tables.every import (
        EXCLUDED as EXCLUDED,
    )
    from engine.store.tables.every import (
        JOIN as JOIN,
    )
    from engine.store.tables.every import (
        SQL as SQL,
    )
    from engine.store.tables.every import (
        TABLES as TABLES,
    )
    from engine.store.tables.every import (
        Account as Account,
    )
    from engine.store.tables.every import (
        AccountGroup as AccountGroup,
    )
    from engine.store.tables.every import (
        Attachment as Attachment,
    )
    from engine.store.tables.every import (
        BegunWords as BegunWords,
    )
    from engine.store.tables.every import (
        Blob as Blob,
    )
    from engine.store.tables.every import (
        Case as Case,
    )
    from engine.store.tables.every import (
        Comment as Comment,
    )
    from engine.store.tables.every import (
        Effect as Effect,
    )
    from engine.store.tables.every import (
        Email as Email,
    )
    from engine.store.tables.every import (
        FieldName as FieldName,
    )
    from engine.store.tables.every import (
        Inbound as Inbound,
    )
    from engine.store.tables.every import (
        Item as Item,
    )
    from engine.store.tables.every import (
        ItemField as ItemField,
    )
    from engine.store.tables.every import (
        ItemLabel as ItemLabel,
    )
    from engine.store.tables.every import (
        ItemPerson as ItemPerson,
    )
    from engine.store.tables.every import (
        LeftAlone as LeftAlone,
    )
    from engine.store.tables.every import (
        ListedAddress as ListedAddress,
    )
    from engine.store.tables.every import (
        Mailbox as Mailbox,
    )
    from engine.store.tables.every import (
        Measure as Measure,
    )
    from engine.store.tables.every import (
        Member as Member,
    )
    from engine.store.tables.every import (
        Membership as Membership,
    )
    from engine.store.tables.every import (
        Numbering as Numbering,
    )
    from engine.store.tables.every import (
        Outbox as Outbox,
    )
    from engine.store.tables.every import (
        Post as Post,
    )
    from engine.store.tables.every import (
        Presentation as Presentation,
    )
    from engine.store.tables.every import (
        RawMail as RawMail,
    )
    from engine.store.tables.every import (
        Receipt as Receipt,
    )
    from engine.store.tables.every import (
        Role as Role,
    )
    from engine.store.tables.every import (
        RuleDraft as RuleDraft,
    )
    from engine.store.tables.every import (
        RuleHit as RuleHit,
    )
    from engine.store.tables.every import (
        RuleText as RuleText,
    )
    from engine.store.tables.every import (
        RuleVersion as RuleVersion,
    )
    from engine.store.tables.every import (
        SchemaVersion as SchemaVersion,
    )
    from engine.store.tables.every import (
        Sender as Sender,
    )
    from engine.store.tables.every import (
        Table as Table,
    )
    from engine.store.tables.every import (
        Tally as Tally,
    )
    from engine.store.tables.every import (
        Topic as Topic,
    )
    from engine.store.tables.every import (
        Trace as Trace,
    )
    from engine.store.tables.every import (
        Trail as Trail,
    )
    from engine.store.tables.every import (
        Turn as Turn,
    )
    from engine.store.tables.every import (
        Workspace as Workspace,
    )
    from engine.store.tables.every import (
        columns as columns,
    )
    from engine.store.tables.every import (
        fn as fn,
    )


def __getattr__(name: str) -> Any:
    every = import_module("engine.store.tables.every")
    if name not in every.__all__:
        raise AttributeError(f"there is no table {name}")
    globals().update({each: getattr(every, each) for each in every.__all__})
    return globals()[name]
