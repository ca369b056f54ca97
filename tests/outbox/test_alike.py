"""What mails say alike is made once, and each mail is the same as if it were the only one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import builders
import databases
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import meta
from msgspec.structs import replace
from outbox.offices import Office

from engine.config import Config
from engine.model.events import EVENTS, Kind, Part
from engine.model.hearing import Change
from engine.model.stored import OutboxRow
from engine.outbox import alike
from engine.outbox.compose import compose
from engine.outbox.contents import Gone, letter
from engine.outbox.names import EMPTY
from engine.outbox.sandbox import environment
from engine.outbox.templates import LANGUAGES, Templates, built_in
from engine.store.store import Store

NOTE = "s3cret words of a note"
KINDS = (Kind.AUTO, Kind.NOTICE, Kind.ANSWER)
EDITS = (
    "UPDATE comment SET text = text || '!' WHERE internal = FALSE", "UPDATE item SET title = title || '!'",
    "UPDATE item SET status = 'Closed', assigned_to = 'anna'", "DELETE FROM comment WHERE internal = FALSE",
    "UPDATE account SET name = name || '!'", "UPDATE account SET status = 'locked' WHERE login = 'jane'",
    "UPDATE attachment SET name = 'other.txt'", "UPDATE comment SET author_id = NULL, sender = 'x@y.example'",
    "INSERT INTO item_copy (item_id, address_key, address, name) SELECT id, 'c@d.example', 'c@d.example', '' FROM item"
    " WHERE TRUE ON CONFLICT DO NOTHING",
)  # fmt: skip
OWN = """
[replies]
quote = "none"
signature = "Somebody else"
attach_up_to = "1 kB"
"""


def opened(folder: Path) -> Store:
    """One more connection to a database on the disk, which need not survive the test."""
    store = Store.open(databases.place(folder / "desk.sqlite3"), clock=lambda: builders.NOW)
    if not databases.ON_SERVER:
        store.database.run("PRAGMA synchronous = OFF")
    return store


class _Busy(Office):
    """An office on the disk with an item about which something was said to everybody, and to people inside."""

    def __init__(self, folder: Path) -> None:
        super().__init__(opened(folder), folder)
        self.configs = (self.config, self.configure(OWN))
        self.config = self.configs[0]
        self.store.directory.put_account("jane", admin=True)
        mail = self.mail()
        self.about: list[dict[str, Any]] = [{"mail": mail}, {}]
        item = self.item(mail)
        public, note = self.comment(item), self.comment(item, NOTE, internal=True)
        self.file(item, b"of the words", "a.txt", public)
        self.file(item, b"of the note", NOTE, note)
        self.about += [{"item": item}, *({"item": item, "comment": words} for words in (public, note))]


def bytes_of(store: Store, config: Config, row: OutboxRow) -> bytes:
    """A mail as delivery makes it, or why there is none."""
    try:
        made = letter(row, store, config, builders.NOW)
    except Gone as error:
        return str(error).encode()
    directory = config.settings(made.workspace).replies.directory
    return compose(made, Templates(directory, config.instance.language, made.workspace)).content


def alone(office: _Busy, config: Config, row: OutboxRow) -> bytes:
    """The same mail where none was made before it."""
    alike._made.cache_clear()
    with opened(office.folder) as store:
        return bytes_of(store, config, row)


class _Broken(Exception):
    """What is written is taken back."""


def write(office: _Busy, other: Store, how: str, row: OutboxRow) -> None:
    """Write something that any mail may be made of: here, from elsewhere, or not at last."""
    edit, who = how.split(" by ")
    writer = other if who == "another" else office.store
    with suppress(_Broken), writer.writing():
        writer.database.run(edit)
        if "account" in edit:  # as the parts of a store do, who remember people
            writer._memory.touch("accounts")
        if who == "me in vain":
            bytes_of(writer, office.config, row)
            raise _Broken


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_F119_every_mail_of_many_has_the_bytes_it_had_alone_whatever_is_written_between_them(
    tmp_path_factory: pytest.TempPathFactory, data: Any
) -> None:
    busy = _Busy(tmp_path_factory.mktemp("busy"))
    with busy.store, opened(busy.folder) as other:
        kind, event = data.draw(st.sampled_from(KINDS)), data.draw(st.sampled_from(EVENTS))
        about, config = data.draw(st.sampled_from(busy.about)), data.draw(st.sampled_from(busy.configs))
        told = {
            "template": data.draw(st.sampled_from(("", event.template, event.auto))), "actor": "Anna Berg",
            "actor_inside": data.draw(st.booleans()), "actor_address": "anna@example.com",
            "changes": (Change("status", "New", "Closed"), Change("priority", "Low", NOTE)),
        }  # fmt: skip
        rows = []
        for _ in range(data.draw(st.integers(2, 6))):
            inside, login = data.draw(st.booleans()), data.draw(st.sampled_from(("anna", "jane", "")))
            parts = data.draw(st.lists(st.sampled_from(Part), max_size=2))
            language, name = data.draw(st.sampled_from(("en", "de", "ja"))), data.draw(st.sampled_from(("", "X")))
            to = {"login": login, "inside": inside, "parts": parts, "language": language, "name": name}
            rows.append(busy.row(kind, event.name, **to, **told, **about))
        for row in rows:
            if data.draw(st.booleans()):
                who = data.draw(st.sampled_from(("me", "another", "me in vain")))
                write(busy, other, f"{data.draw(st.sampled_from(EDITS))} by {who}", row)
            made = bytes_of(busy.store, config, row)
            assert row.told.inside or NOTE.encode() not in made
            assert made == alone(busy, config, row)


def test_F119_a_note_to_somebody_inside_leaves_nothing_in_the_next_mail_to_somebody_outside(office: Office) -> None:
    item = office.item()
    about = {"item": item, "comment": office.comment(item, NOTE, internal=True), "event": "item.noted"}
    sides = (True, False, True, True, False)
    rows = [office.row(Kind.NOTICE, login="anna" if inside else "", inside=inside, **about) for inside in sides]
    assert tuple(NOTE.encode() in office.composed(row).content for row in rows) == sides


def test_what_is_alike_is_made_once_for_each_language_and_side(office: Office) -> None:
    office.store.directory.put_account("jane", admin=True)
    item = office.item()
    about = {"item": item, "comment": office.comment(item)}
    alike._made.cache_clear()
    for language, inside in (("en", True), ("en", False), ("de", True), ("de", False)):
        for login in ("anna", "jane", "anna"):
            row = office.row(Kind.NOTICE, login=login, inside=inside, language=language, **about)
            said = office.letter(row).values
            assert (str(said["person"]).split()[0].lower(), bool(said["status"])) == (login, inside)
    found = alike._made.cache_info()
    assert (found.misses, found.hits) == (4, 8)
    assert found.maxsize is not None and found.maxsize <= 4  # words may be long


def test_of_what_is_alike_nothing_is_of_who_gets_it(office: Office) -> None:
    mail = office.mail()
    item = office.item(mail)
    row = office.row(
        Kind.NOTICE, item=item, mail=mail, comment=office.comment(item), login="anna", to="anna@example.com",
        inside=True, parts=(Part.WATCHER,), name="Anna",
    )  # fmt: skip
    other = replace(
        row, id=99, key="other", message_id="<other>", account=office.account("jane"), address_key="jane@big.example",
        told=replace(row.told, to="jane@big.example", parts=(Part.OWNER,), name="Jane"),
    )  # fmt: skip
    about = office.store.outbox.context(row)
    first, second = (alike.alike(each, about, office.config, "en", ()) for each in (row, other))
    assert first is second and first.keys() == EMPTY.keys()
    assert [first[name] for name in ("person", "roles", "why", "note_address", "unsubscribe")] == ["", (), "", "", ""]


def test_sentences_are_made_of_what_is_alike_only() -> None:
    """Names that hold something of one mail only would be empty in them."""
    of_one = {"person", "roles", "why", "note_address", "unsubscribe", "mail", "trace", "mails", "number", "more",
              "entries"}  # fmt: skip
    for language in LANGUAGES:
        for said in built_in(language)["sentence"].values():
            assert not meta.find_undeclared_variables(environment().parse(said)) & of_one


def test_a_mail_to_many_keeps_no_more_than_one_to_a_few(offices: Callable[[], Office]) -> None:
    office = offices()
    item = office.item()
    for number in range(12):
        comment = office.comment(item, f"{number}" * 100_000)
        office.letter(office.row(Kind.NOTICE, item=item, comment=comment, login="anna", inside=True))
    assert alike._made.cache_info().currsize <= 4
