"""An address taken out of every text of the database, whatever table and column it stands in.

Here: `scrub`, which walks all tables by their columns, so that one which is added later is walked as well. Not here:
what is erased because of whose it is (`forgetting.py`).
Invariant: what a row is found by (a key, a digest) stays; a row whose key is the address goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from engine.store import tables
from engine.store.named import Named

if TYPE_CHECKING:
    from engine.store.database import Database

BYTES = ("content",)
"""Columns of bytes that hold text: they are emptied where they name the address; those of mails and files are not."""

ROOTS = ("raw_mail", "blob")
"""Tables whose bytes are what a mail or a file is: `forgetting.py` looks through them."""

GO = ("item_label", "item_copy", "mute", "address_state", "trouble", "sender", "tally")
"""Tables whose rows go with a key that names the address."""

ANEW = ("outbox", "act")
"""Tables whose unique texts are keys of ours and get another one."""


def scrub(database: Database, named: Named) -> Iterator[tuple[str, int | tuple[Any, ...]]]:
    """Take the addresses out of all texts; gives table and number, or key, of each row."""
    for table in tables.TABLES:
        yield from _Table(database, named, table).scrub()


class _Table:
    """One table: its columns of text and of bytes, and those that its rows are found by."""

    def __init__(self, database: Database, named: Named, table: Any) -> None:
        from peewee import BlobField, TextField

        self._database, self._named, self._table = database, named, table
        meta = table._meta
        self.name: str = meta.table_name
        fields = meta.sorted_fields  # two fields compare to a condition: they are told apart by their names
        keys = set(meta.primary_key.field_names) if meta.composite_key else {meta.primary_key.name}
        self._key = [field for field in fields if field.name in keys]
        texts = [field for field in fields if isinstance(field, TextField)]
        found_by = {field.name for field in texts if field.unique and self.name not in ANEW}
        self._goes_by = keys if self.name in GO else set()
        found_by |= keys - self._goes_by
        self._texts = [field for field in texts if field.name not in found_by]
        is_text = self.name not in ROOTS
        self._bytes = [each for each in fields if isinstance(each, BlobField) and is_text and each.name in BYTES]

    def scrub(self) -> Iterator[tuple[str, int | tuple[Any, ...]]]:
        columns = [*self._texts, *self._bytes]
        if not columns:
            return
        query = self._table.select(*self._key, *columns).where(self._may_name(columns))
        for row in self._database.all(query):
            key, values = row[: len(self._key)], row[len(self._key) :]
            changed = dict(self._changed(columns, values, key[0]))
            if not changed:
                continue
            goes = any(column.name in self._goes_by for column in changed)
            done = self._table.delete() if goes else self._table.update(changed)
            self._database.do(done.where(self._here(key)))
            yield self.name, key if len(key) > 1 or not isinstance(key[0], int) else key[0]

    def _changed(self, columns: list[Any], values: tuple[Any, ...], number: Any) -> Iterator[tuple[Any, Any]]:
        for column, value in zip(columns, values, strict=True):
            if isinstance(value, bytes):
                if self._named.stand_in(value):
                    yield column, None
            elif value and (without := self._named.without_addresses(value)) != value:
                if column.unique:
                    without = f"erased:{self.name}:{number}"
                yield column, without

    def _here(self, key: tuple[Any, ...]) -> Any:
        here = self._key[0] == key[0]
        for column, value in zip(self._key[1:], key[1:], strict=True):
            here &= column == value
        return here

    def _may_name(self, columns: list[Any]) -> Any:
        """What the database can tell quickly: the text holds both sides of an address."""
        fn, dialect, found = tables.fn, self._database.dialect, None
        for number, column in enumerate(columns):
            text = fn.LOWER(column if number < len(self._texts) else dialect.text_of(column))
            for local, domain in self._named.spellings:
                both = dialect.holds(text, f"@{domain}" if domain.isascii() else "@")
                if local.isascii():
                    both &= dialect.holds(text, local)
                found = both if found is None else found | both
        return found
