"""What runs for every mail, and every question of a decision, finds its rows through an index."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from store.desk import auto, notice
from store.plans import plan, read_whole

from engine.model.events import Kind
from engine.store import hot
from engine.store.scene import Scene
from engine.store.tagged import by_address

SMALL = (
    "mailbox", "workspace", "account", "field", "role", "member", "account_group", "schema_version", "preference",
    "address_state", "mute", "found",
)  # fmt: skip
"""Tables that are small, or read whole and remembered until they change; `found`: the few rows of a question within."""

SHORT = ("inbound_open", "presentation_planned", "outbox_queued", "outbox_digest", "outbox_state")
"""Indexes that hold only what waits."""

NO_STATEMENT = (
    hot.CLAIMED,
    hot.OPEN,
    hot.PLANNED,
    hot.TAKEN_AWAY,
    hot.DECIDED,
    hot.QUEUED,
    hot.COUNTED,
    hot.DRAFT,
    hot.IDENTIFIED,
    hot.COLLECTED,
    hot.BY_ITSELF,
    hot.TO_SEE,
    hot.OF_THE_DESK,
    hot.IN_TURN,
    hot.FOUND_THERE,
)
"""Conditions, which are part of statements."""


@pytest.fixture
def statements(desk, attached):
    """Every statement of a mail's life, from unknown key to settled, and of every question."""
    from engine.model.draft import Role
    from engine.model.plan import AddComment, AddLabel, AddPerson, Attach, Outcome, SetField

    seen = []
    for name in ("run", "one", "rows"):
        original = getattr(desk.store.database, name)

        def noting(sql, *params, original=original):
            seen.append((sql, len(params)))
            return original(sql, *params)

        setattr(desk.store.database, name, noting)
    store = desk.store
    file = attached(b"hello", b"aGVsbG8=", 0)
    item = desk.item(
        "x", AddLabel(0, "a"), AddPerson(0, "bob", Role.READER), Attach(0, file),
        told=(auto("a@b.example"),), content=b"aGVsbG8=", fields=(("ref", "1"),), message_id="<1@example.com>",
        fingerprint="f",
    ).item  # fmt: skip
    (spooled,) = desk.spool()
    desk.commit(
        spooled, AddComment(item, "", "bob"), SetField(item, "status", "Closed"), told=(notice(),),
        outcome=Outcome.COMMENT, item=item,
    )  # fmt: skip
    desk.spool(b"aGVsbG8=")
    store.mailboxes.unknown_keys("system", ["a", "b"])
    store.ledger.claim("system", 50, desk.now, desk.owner)
    store.mailboxes.actions_done("system", [(row[0], "done") for row in store.mailboxes.pending_actions("system", 50)])
    scene = Scene(store.database, store.directory, store._memory)
    ledger, people, items, outbox, archive = store.ledger, store.directory, store.items, store.outbox, store.archive
    for question in (
        lambda: items.item(item), lambda: items.topic(1), lambda: items.item_by_field("ref", "1"),
        lambda: ledger.item_by_message_ids(("<1@example.com>", "<2@example.com>")),
        lambda: ledger.duplicate("support", "f"), lambda: ledger.sender_rate("jane@example.com", 60, desk.now),
        lambda: ledger.total_rate(60, desk.later(seconds=1)),
        lambda: people.account("jane@example.com", "+"), lambda: people.account("u@example.com", "+"),
        lambda: people.person("Bob Lund"), lambda: people.may("jane", "edit_items", "finance"),
        lambda: people.group("staff"),
        lambda: archive.find_mail("m-12"), lambda: archive.find_mail("<1@example.com>"), lambda: archive.held(),
        lambda: scene.on_item(item), lambda: scene.on_topic(1), lambda: scene.members("support"),
        lambda: scene.who_wait("support", "all"), lambda: scene.first_read("system"),
        lambda: scene.lay_long(1, datetime(2020, 1, 1, tzinfo=UTC), 1.0),
        lambda: scene.heard_from("a@b.example"), lambda: store.history.of_item(item), lambda: ledger.held(),
        lambda: ledger.last_happened("desk.held", "support"), lambda: store.queue.is_anything_to_tell(desk.now),
        lambda: ledger.last_happened("template.failed", "", "ack"), lambda: ledger.carry(desk.now),
        lambda: scene.reported("a@b.example", "gate.dmarc", "system", 3600.0, 1),
        lambda: scene.admins(), lambda: scene.in_group("staff"), lambda: scene.preference(1, "support", "new"),
        lambda: scene.is_suspended("a@b.example"), lambda: scene.is_muted("a@b.example", item),
        lambda: scene.is_repeating("a@b.example", 1),
        lambda: scene.written(Kind.AUTO), lambda: scene.written(Kind.AUTO, "a@b.example", item),
        lambda: scene.refused("gate.dmarc", 86400.0, "a@b.example"),
        lambda: [outbox.context(row) for row in outbox.claim(5, desk.now, "me")], lambda: outbox.waiting(),
        lambda: outbox.told("m-12"), lambda: outbox.told(item=item),
    ):  # fmt: skip
        question()
    return sorted(set(seen))


def test_no_statement_reads_a_growing_table_from_end_to_end(desk, statements):
    slow = []
    for sql, params in statements:
        if sql.split()[0] in ("SELECT", "UPDATE", "DELETE"):
            whole = read_whole(desk.store.database, sql, params, SHORT)
            slow += [f"{line}: {' '.join(sql.split())}" for table, line in whole if table not in SMALL]
    assert len(statements) > 50
    assert slow == []


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        (hot.PLANNED_ACTIONS, "presentation_planned"),
        (hot.WAITING, "inbound_open"),
        *((sql, "inbound_sender") for sql, _ in by_address(hot.TOTAL_RATE, [], "sender", "received_at", "a@x")),
        (hot.DUE, "outbox_queued"),
        (hot.WRITTEN, "outbox_class"),
        (hot.WRITTEN_TO, "outbox_address"),
        (hot.REFUSED_TO, "outbox_address"),
        *((sql, "comment_draft") for sql in hot.DRAFTS.values()),
        (hot.REPORTED, "outbox_address"),
        (hot.TO_BE_TOLD, "outbox_digest"),
        (hot.TO_BE_TOLD, "outbox_state"),
        (hot.TO_BE_TOLD, "inbound_open"),
        (hot.DUE_TO_GO_ALONG, "outbox_digest"),
        (hot.HELD_OF_OURS, "outbox_state"),
    ],
)
@pytest.mark.sqlite  # PostgreSQL chooses among indexes by what is in the table
def test_what_waits_is_found_by_the_index_of_what_waits(desk, sql, index):
    lines = plan(desk.store.database, sql, sql.count("?"))
    assert any(index in line for line in lines), lines


def texts():
    """Every text of hot.py by its name; those in a dict by name and key."""
    for name, value in vars(hot).items():
        if name.isupper() and not name.startswith("_"):
            found = value.items() if isinstance(value, dict) else [("", value)]
            yield from (pytest.param(text, id=f"{name} {key}".strip()) for key, text in found if " " in text)


FRAGMENTS = {hot.KEYS: "(?)", hot.KEYS_TOGETHER: "(?)", hot.KEPT: "(?)", hot.UNDECIDED: "(?)"} | dict.fromkeys(
    (hot.CLAIM_ALL, hot.GIVE_BACK_ALL, hot.SPOOLED_SOME, hot.LEASE_DUE), "(?)"
) | {hot.FOUND: hot.FOUND_THERE, hot.FOUND_DUE: f" ORDER BY next_at LIMIT ?{hot.FOUND_THERE}"} | {
    hot.LET_GO: hot.ended(2), hot.WORKED: hot.ended(2, "ok_at")
}  # fmt: skip
"""Texts that go on, and what makes them whole."""


@pytest.mark.parametrize("text", [each for each in texts() if each.values[0] not in NO_STATEMENT])
def test_every_statement_names_tables_and_columns_that_are_there(desk, text):
    whole = text + FRAGMENTS.get(text, "")
    assert plan(desk.store.database, whole, whole.count("?")) or "INSERT" in whole


def test_no_statement_is_written_twice_under_one_name():
    names = re.findall(r"^([A-Z_]+) = ", Path(hot.__file__).read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(names) == sorted(set(names))
