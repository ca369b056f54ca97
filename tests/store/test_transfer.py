"""A desk carried to the other database and back is the same desk; what is not carried whole is not carried."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peewee import ForeignKeyField
from store.desk import Desk, furnish
from store.test_retention import settle

from engine.model.mail import Part
from engine.model.plan import Attach, CreateItem
from engine.store import bulk, migrations, shapes, transfer
from engine.store.connecting import connection
from engine.store.errors import Busy, Refused, StoreError
from engine.store.locks import owner
from engine.store.place import Url, Where
from engine.store.sqlite import Sqlite
from engine.store.store import Store
from engine.store.tables.every import TABLES

pytestmark = pytest.mark.server

SHAPES = shapes.shapes()


@contextmanager
def on_the_server(postgres: Any) -> Iterator[Url]:
    name = postgres.empty()
    yield Url(postgres.url_of(name))
    postgres.drop(name)


@pytest.fixture
def url(postgres: Any) -> Iterator[Url]:
    with on_the_server(postgres) as made:
        yield made


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Desk]:
    """A desk in a file, which the test may go on with."""
    with Store.open(tmp_path / "old.db", clock=lambda: made.now) as store:
        made = Desk(store)
        furnish(store)
        yield made


def dump(where: Where) -> dict[str, list[tuple[Any, ...]]]:
    with closing(connection(where)) as database:
        database.connect(create=False)
        with database.reading():
            return {table.name: [*database.bulk().rows(table)] for table in SHAPES}


ODD = st.sampled_from(["", "plain", "Zoë 🦊", "\x01\x7f", "\ufffe\ufffd", "a\\N\tb\r\n", "'so' \"so\" ?", "ß" * 3000])
NUMBERS = st.sampled_from([0, 1, -1, 2**31, 2**62, -(2**62)])


def rows_of(table: Any, count: int, data: st.DataObject) -> list[tuple[Any, ...]]:
    """Make rows of everything a table can hold; the n-th refers to the n-th of another table."""

    def value(field: Any, number: int) -> Any:
        key = field in table._meta.get_primary_keys()
        if field.null and data.draw(st.booleans()):
            return None
        if isinstance(field, ForeignKeyField):
            return reference(field, number)
        kind = kinds[field.column_name]
        if key and kind == "int8":
            return number
        if field.column_name in ("state", "action_state"):
            return data.draw(st.sampled_from(["received", "done", "held", "sending", "pending", "digest", "sent"]))
        if kind == "text":
            text: str = data.draw(ODD)
            return f"{number}-{text}"
        return {"bytea": b"%d \0\xff" % number, "bool": data.draw(st.booleans()), "int8": data.draw(NUMBERS)}[kind]

    def reference(field: Any, number: int) -> Any:
        while isinstance(field, ForeignKeyField):
            field = field.rel_field
        return number

    kinds = next(shape.kinds for shape in SHAPES if shape.name == table._meta.table_name)
    return [tuple(value(field, number) for field in table._meta.sorted_fields) for number in range(1, count + 1)]


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_there_and_back_every_table_is_the_same(postgres: Any, data: st.DataObject) -> None:
    with TemporaryDirectory() as folder, on_the_server(postgres) as url:
        first, last = Path(folder) / "first.db", Path(folder) / "last.db"
        migrations.migrate(first)
        with closing(Sqlite(first)) as database:
            database.connect()
            with database.writing():
                for table, shape in zip([t for t in TABLES if t.__name__ != "Trail"], SHAPES, strict=True):
                    if shape.name == "schema_version":
                        continue
                    rows = rows_of(table, 3, data)
                    database.bulk().fill(shape, rows)
        before = dump(first)
        assert all(rows for rows in before.values())
        there = transfer.copy(first, url)
        assert there.rows == sum(map(len, before.values())) and there.replaced == 0
        assert dump(url) == before
        transfer.copy(url, last)
        assert dump(last) == before == dump(first)


def test_a_desk_of_real_mails_goes_on_where_it_was_carried_to(old: Desk, url: Url) -> None:
    receipt = old.item("Printer", content=b"From: a@example.com\n\nfirst")
    settle(old)
    transfer.copy(old.store.where, url)
    with Store.open(url, clock=lambda: old.now) as store:
        new = Desk(store, old.now, numbers=iter(range(500, 999)))
        assert new.spool(b"From: a@example.com\n\nfirst")[0].seen_before
        assert store.items.view(receipt.item).item.title == "Printer"
        assert new.item("Scanner").item == receipt.item + 1


def test_a_server_knows_how_much_it_was_given_before_somebody_asks(old: Desk, url: Url) -> None:
    for _ in range(20):
        old.item()
    transfer.copy(old.store.path, url)
    with Store.open(url) as there:
        ((rows,),) = there.database.rows("SELECT reltuples FROM pg_class WHERE relname = 'inbound'")
        assert int(rows) == 20


def test_the_number_of_an_item_that_is_gone_is_not_given_again(old: Desk, url: Url) -> None:
    last = old.item("Printer").item
    old.store.database.run("INSERT INTO numbering (kind, above) VALUES ('item', 500)")
    transfer.copy(old.store.where, url)
    with Store.open(url, clock=lambda: old.now) as store:
        assert last < 500 < Desk(store, numbers=iter(range(500, 999))).item("Scanner").item


@pytest.mark.parametrize("backwards", [False, True])
def test_a_copy_with_one_changed_byte_is_refused_and_nothing_is_left_of_it(
    old: Desk, url: Url, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backwards: bool
) -> None:
    old.item("Printer", content=b"From: a@example.com\n\nwhole")
    source: Where = old.store.where
    target: Where = url
    if backwards:
        transfer.copy(source, url)
        source, target = url, tmp_path / "new.db"
    kind = bulk.SqliteBulk if backwards else bulk.PostgresBulk
    fill = kind.fill

    def breaks(self: Any, table: Any, rows: Any) -> None:
        broken = ([each.replace(b"whole", b"whale") if isinstance(each, bytes) else each for each in r] for r in rows)
        fill(self, table, broken if table.name == "raw_mail" else rows)

    before = dump(source)
    monkeypatch.setattr(kind, "fill", breaks)
    with pytest.raises(StoreError, match="not the same in table raw_mail: a row is not what it was; nothing is left"):
        transfer.copy(source, target)
    monkeypatch.undo()
    assert dump(source) == before
    if isinstance(target, Path):
        assert [each.name for each in tmp_path.glob("new.db*")] == ["new.db.pass"]
    else:
        with closing(connection(target)) as database:
            database.connect()
            assert database.tables() == frozenset()
    transfer.copy(source, target)
    assert dump(target) == before


def test_a_row_that_is_missing_is_found(old: Desk, url: Url, monkeypatch: pytest.MonkeyPatch) -> None:
    old.item("Printer")
    fill = bulk.PostgresBulk.fill
    monkeypatch.setattr(
        bulk.PostgresBulk, "fill", lambda self, table, rows: fill(self, table, [*rows][table.name == "event" :])
    )
    with pytest.raises(StoreError, match="not the same in table event: 1 rows there, 0 here"):
        transfer.copy(old.store.where, url)


def test_a_target_with_something_in_it_is_refused(old: Desk, postgres_url: str, tmp_path: Path) -> None:
    url = Url(postgres_url)
    with Store.open(url) as store:
        furnish(store)
    with pytest.raises(Refused, match="is not empty: there are rows in its table account"):
        transfer.copy(old.store.where, url)
    with pytest.raises(Refused, match="is not empty"):
        transfer.copy(url, old.store.where)
    with pytest.raises(Refused, match="db backup"):
        transfer.copy(old.store.where, tmp_path / "new.db")


def test_an_empty_target_with_our_tables_will_do(old: Desk, postgres_url: str, tmp_path: Path) -> None:
    url = Url(postgres_url)
    old.item("Printer")
    transfer.copy(old.store.where, url)
    Store.open(tmp_path / "new.db").close()
    transfer.copy(url, tmp_path / "new.db")
    assert dump(tmp_path / "new.db") == dump(old.store.where)


def test_a_database_of_something_else_is_no_target(old: Desk, postgres: Any, url: Url) -> None:
    postgres.run("CREATE TABLE other (id int)", url.name.partition(" ")[0])
    with pytest.raises(StoreError, match="is a database of something else"):
        transfer.copy(old.store.where, url)


@pytest.mark.parametrize("statement", [
    "UPDATE inbound SET owner = ?, claimed_until = 9e15",
    "UPDATE mailbox SET lease_owner = ?, lease_until = 9e15",
    "UPDATE outbox SET owner = ?, state = 'sending', claimed_until = 9e15",
])  # fmt: skip
def test_what_is_in_hand_is_not_copied_and_what_the_dead_left_is(old: Desk, url: Url, statement: str) -> None:
    from store.desk import notice

    old.item("Printer", told=(notice(),))
    statement = statement.replace("9e15", "9000000000000000")
    old.store.database.run(statement, owner())
    with pytest.raises(Refused, match=r"something is in hand in .*old\.db: .*; stop what works on it"):
        transfer.copy(old.store.where, url)
    old.store.database.run(statement, owner().rpartition("/")[0] + "/1")
    transfer.copy(old.store.where, url)
    assert dump(url) == dump(old.store.where)


def test_a_running_pass_and_whoever_writes_stand_in_the_way(old: Desk, url: Url, tmp_path: Path) -> None:
    lock = old.store.database.pass_lock(shared=True)
    assert lock is not None and lock.acquire()
    with pytest.raises(Busy, match="a pass is running"):
        transfer.copy(old.store.where, url, wait_s=0)
    lock.release()
    transfer.copy(old.store.where, url)
    with Store.open(url) as store:
        shared = store.database.pass_lock(shared=True)
        assert shared is not None and shared.acquire()
        with pytest.raises(Busy, match="a pass is running"):
            transfer.copy(url, tmp_path / "new.db", wait_s=0)


def test_a_worker_that_waits_for_mail_stands_in_the_way(old: Desk, url: Url, tmp_path: Path) -> None:
    transfer.copy(old.store.where, url)
    with Store.open(url) as store:
        assert store.database.workers is not None
        store.database.workers.attend()
        with pytest.raises(Refused, match=r"is in hand in .*: a worker lives \(process \d+ on "):
            transfer.copy(url, tmp_path / "new.db")
    transfer.copy(url, tmp_path / "new.db")


def test_nobody_writes_in_the_source_meanwhile(
    old: Desk, url: Url, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer.copy(old.store.where, url)
    tried: list[str] = []

    def write(where: Where) -> None:
        with Store.open(where, busy_s=0.05) as store:
            try:
                store.directory.put_group("late")
            except Busy:
                tried.append("busy")

    fill = bulk.SqliteBulk.fill
    monkeypatch.setattr(bulk.SqliteBulk, "fill", lambda self, table, rows: (write(url), fill(self, table, rows)))
    transfer.copy(url, tmp_path / "new.db")
    assert tried and set(tried) == {"busy"}


def test_a_nul_in_a_text_becomes_a_sign_for_it_and_is_told(old: Desk, url: Url) -> None:
    old.store.database.run("UPDATE account SET name = ? WHERE login = 'anna'", "An\0na")
    assert transfer.copy(old.store.where, url).replaced == 1
    with Store.open(url) as store:
        assert store.database.one("SELECT name FROM account WHERE login = 'anna'") == ("An\ufffdna",)


def test_a_value_that_no_index_takes_is_told_with_its_table(old: Desk, url: Url) -> None:
    old.store.database.run("UPDATE account SET login = ? WHERE login = 'anna'", os.urandom(4000).hex())
    with pytest.raises(StoreError, match=r"the table account cannot be copied: .* refuses a row: index row size"):
        transfer.copy(old.store.where, url)


def test_an_older_schema_is_not_copied(old: Desk, url: Url) -> None:
    old.store.database.run("DELETE FROM schema_version WHERE version >= 3")
    said = f"has schema 2, this release copies schema {len(migrations.STEPS)}: run `allegra db migrate`"
    with pytest.raises(StoreError, match=said):
        transfer.copy(old.store.where, url)


def test_without_bytes_mails_are_there_as_if_purged_and_what_items_show_is(old: Desk, url: Url, attached: Any) -> None:
    content = b"From: a@example.com\n\nSGVsbG8=\n<b>Hi</b>"
    file = attached(b"Hello", b"SGVsbG8=", content.index(b"SGV"))
    html = Part("text/html", content.index(b"<b>"), len(content), "8bit", "utf-8")
    (spooled,) = old.spool(content)
    shown = old.commit(spooled, CreateItem("support", "x", "hi", "jane", html_part=html), Attach(0, file))
    plain = old.item("Scanner", content=b"From: b@example.com\n\nplain")
    settle(old)
    waits = old.spool(b"From: c@example.com\n\nwaits")[0]
    old.store.database.run("UPDATE inbound SET owner = NULL")
    before = dump(old.store.where)
    done = transfer.copy(old.store.where, url, without_bytes=True)
    assert done.left_behind == 2 and dump(old.store.where) == before
    with Store.open(url) as store:
        assert store.archive.raw(shown.mail) is None and store.archive.raw(plain.mail) is None
        assert store.archive.raw(waits.mail).content == waits.raw.content
        assert store.items.blob(file.digest) == b"Hello"
        assert store.items.html(store.items.view(shown.item).html) == "<b>Hi</b>"
        assert Desk(store).spool(content)[0].seen_before
