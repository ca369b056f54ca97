"""Who works where, who wants what, who takes our mail, and how much of it was written."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from store.desk import Desk, Hears, answer, auto, notice, visited

from engine.model.desk import Account
from engine.model.draft import Role
from engine.model.events import Kind
from engine.model.facts import Auto
from engine.model.hearing import AUTOMATIC
from engine.model.plan import AddComment, AddPerson, CameBack, Outcome, PostToTopic, SetField, Tell
from engine.store.database import us
from engine.store.scene import Scene
from engine.store.store import Store

DAY_S = 86400.0


def scene_of(store: Any) -> Scene:
    return Scene(store.database, store.directory, store._memory)


@pytest.fixture
def scene(desk: Desk) -> Scene:
    return scene_of(desk.store)


def logins(accounts: Any) -> list[str]:
    return [each.login if isinstance(each, Account) else each for each in accounts]


def put(store: Any, table: str, *values: Any) -> None:
    """Write a row of a small table, as whoever writes one does: inside a transaction, and saying so."""
    with store.joining():
        store.database.run(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", *values)  # noqa: S608
        store._memory.touch("accounts")


def comment(desk: Desk, item: int, text: str = "x", *, internal: bool = False, author: str = "", **more: Any) -> Any:
    (spooled,) = desk.spool()
    outcome = Outcome.NOTE if internal else Outcome.COMMENT
    return desk.commit(spooled, AddComment(item, text, author, internal), outcome=outcome, item=item, **more)


# ── items and topics ──────────────────────────────────────────────────────────────────────────────────────────


def test_an_item_knows_who_has_to_do_with_it(desk, scene):
    people = (AddPerson(0, "bob", Role.EDITOR), AddPerson(0, "anna", Role.WATCHER))
    item = desk.item("Printer", *people, fields=(("assigned_to", "bob"), ("private", True)), name="Jane Doe").item
    found = scene.on_item(item)
    assert (found.workspace, found.private, found.assigned_to) == ("support", True, "bob")
    assert (found.requester.login, found.requester_address) == ("jane", "jane@example.com")
    assert (logins(found.people), logins(found.watchers), found.writers, found.copies) == (["bob"], ["anna"], (), ())


def test_who_wrote_in_public_is_a_writer_by_account_or_address_and_once(desk, scene):
    desk.store.directory.put_account("guest", status="guest")
    item = desk.item().item
    comment(desk, item, author="bob", sender="bob@example.com")
    comment(desk, item, author="bob", sender="bob.lund@example.com")
    comment(desk, item, author="guest", sender="karl@example.org", name="Karl")
    comment(desk, item, author="guest", sender="karl@example.org", name="Karl")
    comment(desk, item, author="anna", sender="anna@example.com", internal=True)
    assert logins(scene.on_item(item).writers) == ["bob", "karl@example.org"]


def test_whose_words_do_not_count_is_no_writer(desk, scene):
    item = desk.item().item
    comment(desk, item, sender="stranger@example.org")
    desk.store.database.run("UPDATE comment SET belongs = FALSE")
    assert scene.on_item(item).writers == ()


def test_the_author_of_a_topic_hears_of_posts_there(desk, scene):
    desk.store.database.run("INSERT INTO topic (id, workspace_id, title, created_at) VALUES (7, 1, 'Which?', 0)")
    (spooled,) = desk.spool()
    desk.commit(spooled, PostToTopic(7, "This one.", "jane"), outcome=Outcome.COMMENT, item=7)
    found = scene.on_topic(7)
    assert (found.workspace, logins(found.writers)) == ("support", ["jane"])


def test_what_is_not_there_has_nobody(scene):
    assert scene.on_item(99) is None and scene.on_topic(99) is None


def test_an_item_is_asked_as_it_is_now(desk, scene):
    item = desk.item(fields=(("assigned_to", "bob"),)).item
    assert scene.on_item(item).assigned_to == "bob"
    (spooled,) = desk.spool()
    desk.commit(spooled, SetField(item, "assigned_to", "anna"), outcome=Outcome.COMMENT, item=item)
    assert scene.on_item(item).assigned_to == "anna"


# ── people ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def roles(desk: Desk) -> None:
    people = desk.store.directory
    people.put_role("agent", ("view_items", "edit_items"))
    people.put_role("reporter", ("view_items", "add_items"))


def test_members_are_who_may_edit_by_a_role_of_theirs_or_of_a_group(desk, scene, roles):
    people = desk.store.directory
    people.put_account("eve", emails=["eve@example.com"])
    people.put_account("lola", emails=["lola@example.com"], groups=["staff"], status="locked")
    people.put_member("support", "reporter", user="eve")
    people.put_member("support", "reporter", group="customers")
    people.put_member("support", "agent", group="staff")
    people.put_member("support", "agent", user="jane")
    people.put_member("finance", "agent", user="eve")
    assert logins(scene.members("support")) == ["anna", "bob", "jane"]
    assert logins(scene.members("finance")) == ["eve"]
    assert scene.members("nowhere") == ()


def test_who_is_a_member_twice_is_one(desk, scene, roles):
    desk.store.directory.put_member("support", "agent", group="staff")
    desk.store.directory.put_member("support", "agent", user="bob")
    desk.store.directory.put_member("support", "reporter", user="bob")
    assert logins(scene.members("support")) == ["anna", "bob"]


def test_admins_are_the_active_ones_that_can_be_written_to(desk, scene):
    people = desk.store.directory
    people.put_account("root", admin=True)
    people.put_account("old", emails=["old@example.com"], admin=True, status="locked")
    people.put_account("boss", emails=["boss@example.com", "b@example.com"], admin=True)
    assert logins(scene.admins()) == ["anna", "boss"]


def test_a_group_has_all_its_people_and_one_that_is_not_there_has_none(desk, scene):
    desk.store.directory.put_account("lola", groups=["staff"], status="locked")
    assert logins(scene.in_group(" Staff ")) == ["anna", "bob", "lola"], "why somebody locked hears nothing is told"
    desk.store.directory.put_group("empty")
    assert scene.in_group("empty") == () and scene.in_group("no such group") is None


def test_the_workspace_wins_over_what_is_wanted_in_general(desk, scene):
    bob = desk.store.directory.login("bob").id
    assert scene.preference(bob, "support", "new") == ""
    put(desk.store, "preference", bob, "", "new", "none")
    assert scene.preference(bob, "support", "new") == "none"
    put(desk.store, "preference", bob, "support", "new", "all")
    assert [scene.preference(bob, place, "new") for place in ("support", "finance", "")] == ["all", "none", "none"]
    assert scene.preference(bob, "support", "own") == scene.preference(bob + 1, "support", "new") == ""


def test_members_are_sorted_by_what_they_want_of_new_items(desk, scene, roles):
    people = desk.store.directory
    for login in ("anna", "bob", "jane"):
        people.put_member("support", "agent", user=login)
    people.put_preferences("bob", "", {"new": "none"})
    people.put_preferences("jane", "support", {"new": "all"})
    found = {value: logins(accounts) for value, accounts in scene.who_wait("support", "unassigned").items()}
    assert found == {"unassigned": ["anna"], "none": ["bob"], "all": ["jane"]}
    people.put_preferences("bob", "support", {"new": "all"})
    assert logins(scene.who_wait("support", "unassigned")["all"]) == ["bob", "jane"]
    assert dict(scene.who_wait("nowhere", "unassigned")) == {}


def test_it_is_known_when_a_mailbox_was_first_read_and_a_mail_first_seen(desk, scene):
    began = desk.now
    (spooled,) = desk.spool(b"x")
    assert desk.store.mailboxes.lease("system", desk.owner, desk.now)
    visited(desk.store, desk.owner)
    desk.later(days=1)
    desk.spool(b"x")
    assert desk.store.mailboxes.lease("system", desk.owner, desk.now)
    assert scene.first_read("system") == began
    day = 86400.0
    assert not scene.lay_long(spooled.row, began - timedelta(hours=23), day)
    assert scene.lay_long(spooled.row, began - timedelta(hours=25), day), "seen a second time, it lay no longer"
    assert not scene.lay_long(0, began - timedelta(days=9), day)
    assert scene.first_read("no such mailbox") is None


def test_three_refusals_for_good_suspend_an_address_and_a_mail_from_it_ends_that(desk, scene):
    receipt = desk.item(told=tuple(auto("jane@example.com", events=(f"item.{n}",)) for n in range(3)))
    for number, message_id in enumerate(desk.handed_over(), 1):
        (spooled,) = desk.spool()
        report = (CameBack(message_id, "5.1.1", "no such user"), Tell("mail.discarded", machine=Auto.BOUNCE))
        desk.commit(spooled, *report, outcome=Outcome.DISCARDED, sender="mailer-daemon@example.org")
        assert scene.is_suspended("jane@example.com") == (number == 3)
    assert {line.state for line in desk.store.outbox.told(receipt.mail)} == {"bounced"}
    with desk.store.writing():
        scene.heard_from("jane@example.com")
    assert not scene.is_suspended("jane@example.com")


def test_an_address_is_suspended_once_we_stopped_sending(desk, scene):
    put(desk.store, "address_state", "jane@example.com", 2, "5.1.1", 0)
    put(desk.store, "address_state", "old@example.com", 3, "5.1.1", us(desk.now))
    assert not scene.is_suspended("jane@example.com") and scene.is_suspended("old@example.com")
    assert not scene.is_suspended("never@example.com")


def test_a_mute_is_for_one_item_or_for_all_and_ends(desk, scene):
    until = us(desk.now) + 3_600_000_000
    put(desk.store, "mute", "jane@example.com", 7, until, "loop")
    put(desk.store, "mute", "bob@example.com", 0, until, "loop")
    assert scene.is_muted("jane@example.com", 7) and not scene.is_muted("jane@example.com", 8)
    assert not scene.is_muted("jane@example.com", 0)
    assert scene.is_muted("bob@example.com", 8) and scene.is_muted("bob@example.com", 0)
    desk.later(hours=1)
    assert not scene.is_muted("jane@example.com", 7) and not scene.is_muted("bob@example.com", 8)


def test_three_mails_of_one_sender_that_say_the_same_stop_automatic_answers_for_a_day(desk, scene):
    numbered = iter(range(99))

    def says(text, sender="jane@example.com"):
        content = f"mail {next(numbered)}".encode()
        (spooled,) = desk.spool(content)
        desk.commit(spooled, sender=sender, says=text)
        with desk.store.joining():
            return scene.is_repeating(sender, spooled.row)

    assert [says("Disk 93% full on web 7"), says("disk  94% FULL on web12\n"), says("Something else")] == [False] * 3
    assert not says("Disk 95% full on web 7", sender="other@example.com"), "somebody else says the same"
    assert not scene.is_muted("jane@example.com", AUTOMATIC)
    assert says("Disk 95% full on web 7")
    assert scene.is_muted("jane@example.com", AUTOMATIC)
    assert not scene.is_muted("jane@example.com", 1) and not scene.is_muted("jane@example.com", 0)
    (listed,) = desk.store.outbox_views.addresses(desk.now)
    assert (listed.state, listed.item, listed.until) == ("muted", 0, desk.now + timedelta(days=1))
    desk.later(hours=1, seconds=1)
    assert not says("Disk 96% full on web 7"), "an hour later they are no longer three"
    desk.later(days=1)
    assert not scene.is_muted("jane@example.com", AUTOMATIC)


def test_mails_that_say_nothing_do_not_say_the_same(desk, scene):
    for number, text in enumerate(("", " \n", "12 34", "")):
        (spooled,) = desk.spool(b"%d" % number)
        desk.commit(spooled, says=text)
    assert not scene.is_repeating("jane@example.com", spooled.row)
    assert not scene.is_repeating("jane@example.com", 0), "what a person does is no mail"


@pytest.mark.parametrize(
    ("minutes", "words", "told", "looping"),
    [
        (10, "I am away.", answer, [False] * 4 + [True]),
        (30, "I am away until 12:0{}", answer, [False] * 4 + [True]),
        (10, "I am away, says {name}.", answer, [False] * 5),
        (10, "I am away.", auto, [False] * 5),
        (70, "I am away.", answer, [False] * 5),
    ],
)
def test_G19_who_says_the_same_in_turn_with_our_mails_is_found_to_loop_however_slowly_it_goes(
    desk, scene, minutes, words, told, looping
):
    item, jane = desk.item("Printer", name="Jane Doe").item, "jane@example.com"
    words_of, reply = (AddComment(item, "x", ""),), {"outcome": Outcome.COMMENT, "item": item}
    found = []
    for number, name in enumerate(("ann", "bob", "cid", "dan", "eve")):
        (spooled,) = desk.spool(b"ours %d" % number)
        desk.commit(spooled, *words_of, **reply, sender="bob@example.com", told=(told(jane),))
        desk.later(minutes=minutes)
        (spooled,) = desk.spool(b"theirs %d" % number)
        desk.commit(spooled, *words_of, **reply, sender=jane, says=words.format(number, name=name))
        with desk.store.joining():
            found.append(scene.is_looping(jane, item))
    assert found == looping
    assert scene.is_muted(jane, item) == looping[-1]


def test_who_says_the_same_without_hearing_of_us_does_not_loop(desk, scene):
    told = tuple([answer("jane@example.com", events=(name,)) for name in ("item.answered", "item.closed")])
    item = desk.item("Printer", name="Jane Doe", told=told).item
    for number in range(7):
        (spooled,) = desk.spool(b"%d" % number)
        reply = AddComment(item, "x", "")
        desk.commit(spooled, reply, outcome=Outcome.COMMENT, item=item, says="Any news?")
        desk.later(minutes=9)
    assert not scene.is_looping("jane@example.com", item)


# ── counts ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_are_counted_by_kind_address_item_and_time(desk, scene):
    first = desk.item(told=(auto("Jane@example.com"), notice("bob@example.com"))).item
    desk.later(minutes=40)
    second = desk.item(told=(auto("jane+tag@example.com"), answer("karl@example.com"))).item
    assert [scene.written(kind) for kind in Kind] == [2, 1, 1, 0]
    assert scene.written(Kind.AUTO, "jane@example.com") == 2
    assert scene.written(Kind.AUTO, "jane@example.com", first) == 1
    assert scene.written(Kind.AUTO, "jane@example.com", second + 1) == 0
    assert scene.written(Kind.NOTICE, "jane@example.com") == 0
    desk.later(minutes=30)
    assert scene.written(Kind.AUTO) == scene.written(Kind.AUTO, "jane@example.com") == 1, "those of the last hour"
    desk.later(minutes=31)
    assert scene.written(Kind.AUTO) == scene.written(Kind.AUTO, "jane@example.com") == 0


def test_what_a_clock_that_ran_ahead_wrote_does_not_count(desk, scene):
    right = desk.now
    desk.later(days=400)
    desk.item(told=(auto(),))
    desk.store.database.clock = lambda: right
    assert scene.written(Kind.AUTO) == scene.written(Kind.AUTO, "jane@example.com") == 0


@pytest.mark.parametrize(
    ("state", "counts"),
    [("queued", 1), ("held", 1), ("suppressed", 0), ("dropped", 0)],
)
def test_what_nobody_gets_does_not_count(desk, scene, state, counts):
    assert scene.written(Kind.AUTO) == 0
    desk.item(told=(auto(state=state),))
    assert scene.written(Kind.AUTO) == scene.written(Kind.AUTO, "jane@example.com") == counts


@pytest.mark.parametrize("end", ["sent", "unknown", "failed"])
def test_what_went_out_or_was_tried_counts(desk, scene, end):
    desk.item(told=(auto(),))
    (row,) = desk.store.outbox.claim(1, desk.now, "me")
    getattr(desk.store.outbox, end)(row.id, *{"failed": ("550 no", None)}.get(end, ()))
    assert scene.written(Kind.AUTO) == scene.written(Kind.AUTO, "jane@example.com") == 1


def test_refusals_are_counted_by_their_reason_and_address(desk, scene):
    for sender in ("eve@example.com", "eve+x@example.com", "jane@example.com"):
        desk.end(Outcome.HELD)
        (spooled,) = desk.spool()
        desk.commit(
            spooled,
            Tell("mail.rejected", code="gate.dmarc"),
            told=(auto(sender), notice(sender)),
            outcome=Outcome.REJECTED,
        )
    assert scene.refused("gate.dmarc", DAY_S, "eve@example.com") == 2
    assert scene.refused("rule.reject", DAY_S, "eve@example.com") == 0
    desk.later(days=1, seconds=1)
    assert scene.refused("gate.dmarc", DAY_S, "eve@example.com") == 0


def test_what_is_remembered_of_counts_is_forgotten_when_a_row_changes_or_a_clock_is_put_back(desk, scene):
    now, views = desk.now, desk.store.outbox_views
    first, _ = desk.item(told=(auto(),)), desk.item(told=(auto(),))
    both = lambda: (scene.written(Kind.AUTO), scene.written(Kind.AUTO, "jane@example.com"))  # noqa: E731
    assert both() == (2, 2)
    number = views.lines(f"item:{first.item}", everything=True)[0][0].id
    for act, states, count in (("drop", ("queued",), 1), ("retry", ("dropped",), 2), ("hold", ("queued",), 2)):
        assert views.change(act, [number], states, "anna") == [number]
        assert both() == (count, count)
    desk.later(hours=2)
    assert both() == (0, 0)
    desk.store.database.clock = lambda: now
    assert both() == (2, 2)


@pytest.mark.sqlite
def test_a_count_looks_at_no_more_rows_than_any_cap_allows_and_at_no_older_one(desk, scene):
    database, old = desk.store.database, us(desk.now) - 30 * 86_400_000_000
    with database.writing():
        for number in range(2000):
            database.run(
                "INSERT INTO outbox (dedupe, message_id, class, address_key, payload, state, created_at) "
                "VALUES (?, ?, 'auto', 'ann@example.com', '{}', 'sent', ?)", str(number), str(number), old,
            )  # fmt: skip
    steps: list[int] = []
    database._connection.set_progress_handler(lambda: steps.append(1), 10)
    assert scene.written(Kind.AUTO) == scene.written(Kind.AUTO, "ann@example.com") == 0
    assert scene.refused("gate.dmarc", DAY_S, "ann@example.com") == 0
    assert len(steps) < 100  # each a ten of SQLite's own


# ── what is remembered ────────────────────────────────────────────────────────────────────────────────────────


def everything(scene: Scene) -> tuple[Any, ...]:
    """All that a scene remembers, as it answers now; counts are remembered where nobody writes meanwhile."""
    with scene._database.reading():
        bob = scene.person("bob")
        return (
            logins(scene.members("support")), logins(scene.admins()), logins(scene.in_group("staff") or ()),
            scene.preference(bob.id if bob else 0, "support", "new"), scene.is_suspended("a@example.com"),
            scene.is_muted("a@example.com", 1), *[scene.written(kind) for kind in Kind],
            *[scene.written(kind, address) for kind, address in TO],
        )  # fmt: skip


TO = (("auto", "jane@example.com"), ("notice", "anna@example.com"))

BEFORE = (["bob", "jane"], ["anna"], ["anna", "bob"], "", False, False, 1, 0, 0, 0, 1, 0)
AFTER = (["bob", "jane", "zoe"], ["anna", "zoe"], ["anna", "bob", "zoe"], "none", True, True, 2, 1, 0, 0, 2, 1)


def begin(desk: Desk) -> None:
    people = desk.store.directory
    people.put_role("agent", ("edit_items",))
    people.put_member("support", "agent", user="bob")
    people.put_member("support", "agent", user="jane")
    desk.item(told=(auto(),))


def change(desk: Desk) -> None:
    people, store = desk.store.directory, desk.store
    people.put_account("zoe", emails=["zoe@example.com"], groups=["staff"], admin=True)
    people.put_member("support", "agent", user="zoe")
    put(store, "preference", people.login("bob").id, "", "new", "none")
    put(store, "address_state", "a@example.com", 3, "5.1.1", 1)
    put(store, "mute", "a@example.com", 0, us(desk.now) + 1_000_000, "loop")


def tell(desk: Desk) -> None:
    desk.item(told=(auto(), notice(), auto(state="suppressed", events=("item.changed",))))


def test_what_is_remembered_is_right_after_own_writes(desk, scene):
    begin(desk)
    assert everything(scene) == everything(scene) == BEFORE
    tell(desk)
    change(desk)
    assert everything(scene) == everything(scene) == AFTER


def test_counts_are_right_after_own_writes_without_reading_them_again(desk, scene):
    begin(desk)
    with desk.store.reading():
        assert scene.written(Kind.AUTO) == scene.written(Kind.AUTO, "jane@example.com") == 1
    read: list[str] = []
    rows = desk.store.database.rows
    desk.store.database.rows = lambda sql, *values: read.append(sql) or rows(sql, *values)
    tell(desk)
    with desk.store.reading():
        assert scene.written(Kind.AUTO) == 2
        assert scene.written(Kind.AUTO, "jane@example.com") == 2
    assert not any("class" in sql for sql in read)


def test_what_is_remembered_is_right_after_another_process_wrote(file_desk):
    begin(file_desk)
    scene = scene_of(file_desk.store)
    assert everything(scene) == BEFORE
    with Store.open(file_desk.store.path, clock=file_desk.clock) as other:
        elsewhere = Desk(other, file_desk.now, numbers=iter(range(5000, 6000)))
        tell(elsewhere)
        change(elsewhere)
    scene.look_anew()
    assert everything(scene) == AFTER


def test_a_commit_counts_what_another_process_wrote(file_desk):
    """Two processes cannot both be the last below a cap."""
    seen: list[int] = []

    class Counting(Hears):
        def hear(self, batch: Any, scene: Any) -> Any:
            seen.append(scene.written(Kind.AUTO))
            return super().hear(batch, scene)

    file_desk.item(teller=Counting(auto()))
    with Store.open(file_desk.store.path, clock=file_desk.clock) as other:
        Desk(other, file_desk.now, numbers=iter(range(5000, 6000))).item(told=(auto(),))
    (spooled,) = file_desk.spool()
    file_desk.commit(spooled, Tell("mail.held"), outcome=Outcome.HELD, teller=Counting(auto()))
    assert seen == [0, 2]


def test_what_is_remembered_is_right_after_a_rollback(desk, scene):
    begin(desk)
    assert everything(scene) == BEFORE
    with suppress(RuntimeError), desk.store.writing(), desk.store.savepoint():
        change(desk)
        desk.store.database.run("UPDATE outbox SET class = 'notice'")
        assert everything(scene) != BEFORE
        raise RuntimeError
    assert everything(scene) == BEFORE
    with desk.store.rehearsal():
        tell(desk)
        change(desk)
        assert everything(scene) == AFTER
    assert everything(scene) == BEFORE


def test_a_dropped_row_counts_no_more(desk, scene):
    begin(desk)
    assert scene.written(Kind.AUTO) == scene.written(Kind.AUTO, "jane@example.com") == 1
    (row,) = desk.store.outbox.claim(1, desk.now, "me")
    desk.store.outbox.dropped(row.id, "locked")
    assert scene.written(Kind.AUTO) == scene.written(Kind.AUTO, "jane@example.com") == 0
