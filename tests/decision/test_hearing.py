"""Who hears of what happened: the table of docs/answers.md, part by part, and the reasons of those who do not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import config
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.decision.hearing import Hearing
from engine.model.desk import Account
from engine.model.events import BY_NAME, EVENTS, Kind, Part, Why
from engine.model.facts import Auto
from engine.model.hearing import Actor, Batch, Change, Happened, Heard, OnItem
from engine.model.plan import Tell

SMTP = """
[smtp]
host = "smtp.example.com"
from = "Help <help@example.com>"
"""

ANNA = Account(1, "anna", "Anna Berg", ("anna@example.com", "berg@example.com"))
BOB = Account(2, "bob", "Bob Lund", ("bob@example.com",))
CARL = Account(3, "carl", "Carl Ek", ("carl@example.com",))
OLGA = Account(4, "olga", "Olga Owner", ("olga@example.com",))
ADA = Account(5, "ada", "Ada Admin", ("ada@example.com",), admin=True)
JANE = Account(6, "jane", "Jane Doe", ("jane@big.example",))
KARL = Account(7, "karl", "Karl Roe", ("karl@big.example",))
WANDA = Account(8, "wanda", "Wanda Watch", ("wanda@big.example",))
LOLA = Account(9, "lola", "Lola Locked", ("lola@example.com", "lola@home.example"), status="locked")
GUEST = Account(10, "guest", "Guest", (), status="guest")

EVERYBODY = (ANNA, BOB, CARL, OLGA, ADA, JANE, KARL, WANDA, LOLA, GUEST)


@dataclass
class Scene:
    """A small desk: anna, bob and carl work in `support`, jane asked, karl and wanda are customers, too."""

    on: OnItem = field(default_factory=lambda: OnItem("support", requester=JANE))
    staff: tuple[Account, ...] = (ANNA, BOB, CARL)
    root: tuple[Account, ...] = (ADA,)
    wants: dict[tuple[int, str], str] = field(default_factory=dict)
    groups: dict[str, tuple[Account, ...]] = field(default_factory=dict)
    suspended: set[str] = field(default_factory=set)
    muted: set[str] = field(default_factory=set)
    repeating: set[str] = field(default_factory=set)
    counts: dict[Kind, int] = field(default_factory=dict)
    refusals: int = 0
    reports: tuple[datetime, ...] = ()
    time: datetime = datetime(2026, 11, 29, 10, 20, tzinfo=UTC)
    looping: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    read_since: datetime | None = None
    seen: datetime | None = None

    def on_item(self, item: int, *, writers: bool = True) -> OnItem | None:
        return self.on

    def asked_before(self, item: int) -> tuple[str, ...]:
        return ()

    def on_topic(self, topic: int) -> OnItem | None:
        return self.on

    def members(self, workspace: str) -> tuple[Account, ...]:
        return self.staff

    def who_wait(self, workspace: str, usual: str) -> dict[str, tuple[Account, ...]]:
        wants = [(self.wants.get((each.id, "new"), usual), each) for each in self.staff]
        return {value: tuple(each for said, each in wants if said == value) for value in ("all", "unassigned", "none")}

    def admins(self) -> tuple[Account, ...]:
        return self.root

    def person(self, text: str) -> Account | None:
        return next((each for each in EVERYBODY if text in (each.login, *each.emails)), None)

    def in_group(self, name: str) -> tuple[Account, ...] | None:
        return self.groups.get(name)

    def may(self, login: str, permission: str, workspace: str) -> bool:
        if permission == "edit_items":
            return login in [each.login for each in self.staff]
        return login not in self.hidden

    def preference(self, account: int, workspace: str, key: str) -> str:
        return self.wants.get((account, key), "")

    def is_suspended(self, address_key: str) -> bool:
        return address_key in self.suspended

    def is_muted(self, address_key: str, item: int) -> bool:
        return address_key in self.muted

    def is_looping(self, address_key: str, item: int) -> bool:
        return address_key in self.looping

    def is_repeating(self, address_key: str, row: int) -> bool:
        return address_key in self.repeating

    def written(self, kind: Kind, address_key: str = "", item: int = 0) -> int:
        return self.counts.get(kind, 0)

    def first_read(self, mailbox: str) -> datetime | None:
        return self.read_since

    def lay_long(self, row: int, arrived: datetime, limit_s: float) -> bool:
        return self.seen is not None and arrived + timedelta(seconds=limit_s) < self.seen

    def refused(self, code: str, since_s: float, address_key: str) -> int:
        return self.refusals

    def reported(self, address_key: str, code: str, mailbox: str, since_s: float, most: int) -> tuple[datetime, ...]:
        return self.reports[:most]

    def now(self) -> datetime:
        return self.time


BY_JANE = Actor(JANE, "jane@big.example", "Jane Doe")
BY_ANNA = Actor(ANNA, "anna@example.com", "Anna Berg")


def heard(
    event: str, scene: Scene | None = None, actor: Actor = BY_JANE, *events: Happened, toml: str = SMTP, **tell: Any
) -> list[Heard]:  # fmt: skip
    """Everybody considered for one event (and others at once) on item 12."""
    topic = 12 if event.startswith("topic.") else 0
    item = 12 if event.startswith("item.") else 0
    happened = (Happened(event, item, topic, 31), *events)
    batch = Batch(happened, Tell(**tell), actor, "support", item, topic)
    return [*Hearing(config(toml)).hear(batch, scene or Scene())[1]]


def told(*args: Any, **more: Any) -> dict[str, str]:
    """Who is told, by address, and by which kind of mail; the automatic answer left out."""
    return {each.to: each.kind.value for each in heard(*args, **more)
            if each.state == "queued" and each.kind is not Kind.AUTO}  # fmt: skip


def why(who: str, *args: Any, **more: Any) -> tuple[str, str]:
    """State and reason of one person."""
    (found,) = [each for each in heard(*args, **more) if each.to == who]
    return found.state, str(found.why or "")


def test_F142_a_rules_reply_goes_to_a_colleague_too_and_an_acknowledgement_does_not() -> None:
    mail = {"answer_to": "anna@example.com", "template": "ack-night"}
    assert not [each for each in heard("item.answered", actor=BY_ANNA, **mail) if each.kind is Kind.AUTO]
    ordered = answer("item.answered", actor=BY_ANNA, ordered=True, **mail)
    assert (ordered.to, ordered.template, ordered.state) == ("anna@example.com", "ack-night", "queued")
    assert answer("item.noted", actor=BY_ANNA, ordered=True, **mail).state == "queued"


def answer(*args: Any, **more: Any) -> Heard:
    """The automatic answer."""
    (found,) = [each for each in heard(*args, **more) if each.kind is Kind.AUTO]
    return found


# ── the table ─────────────────────────────────────────────────────────────────────────────────────────────────────

INSIDE: dict[str, set[Part]] = {
    "item.answered": {Part.ASSIGNEE, Part.REQUESTER, Part.PARTICIPANT, Part.WATCHER, Part.WRITER},
    "item.commented": {Part.ASSIGNEE, Part.REQUESTER, Part.PARTICIPANT, Part.WATCHER, Part.WRITER},
    "item.noted": {Part.ASSIGNEE, Part.PARTICIPANT, Part.WATCHER, Part.WRITER},
    "item.created": {Part.ASSIGNEE, Part.WATCHER},
    "item.assigned": {Part.ASSIGNEE},
    "item.closed": {Part.ASSIGNEE, Part.REQUESTER, Part.PARTICIPANT, Part.WATCHER},
    "item.reopened": {Part.ASSIGNEE, Part.REQUESTER, Part.PARTICIPANT, Part.WATCHER},
    "item.changed": {Part.ASSIGNEE, Part.WATCHER},
}
OUTSIDE: dict[str, set[Part]] = {
    "item.answered": {Part.REQUESTER, Part.PARTICIPANT, Part.WATCHER, Part.WRITER, Part.COPY},
    "item.commented": set(),
    "item.noted": set(),
    "item.created": set(),
    "item.assigned": set(),
    "item.closed": {Part.REQUESTER, Part.WATCHER},
    "item.reopened": {Part.REQUESTER},
    "item.changed": set(),
}
PARTS = (Part.ASSIGNEE, Part.REQUESTER, Part.PARTICIPANT, Part.WATCHER, Part.WRITER, Part.COPY)


def with_part(who: Account, part: Part) -> OnItem:
    """An item on which somebody has one part and nobody else has any but carl, who is assigned."""
    on = OnItem("support", assigned_to="carl")
    if part is Part.ASSIGNEE:
        return replace(on, assigned_to=who.login)
    if part is Part.REQUESTER:
        return replace(on, requester=who)
    if part is Part.COPY:
        return replace(on, copies=who.emails)
    name = {Part.PARTICIPANT: "people", Part.WATCHER: "watchers", Part.WRITER: "writers"}[part]
    return replace(on, **{name: (who,)})


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("event", INSIDE)
def test_who_is_inside_hears_of_an_event_in_these_parts(event: str, part: Part) -> None:
    actor = BY_ANNA if event == "item.answered" else BY_JANE
    name = "item.commented" if event == "item.answered" else event
    hears = "bob@example.com" in told(name, Scene(with_part(BOB, part)), actor)
    assert hears == (part in INSIDE[event])


@pytest.mark.parametrize("part", [each for each in PARTS if each is not Part.ASSIGNEE])
@pytest.mark.parametrize("event", OUTSIDE)
def test_who_is_outside_hears_of_an_event_in_these_parts(event: str, part: Part) -> None:
    name = "item.commented" if event == "item.answered" else event
    actor = BY_JANE if event == "item.commented" else BY_ANNA
    if event == "item.commented":
        actor = Actor(WANDA, "wanda@big.example", "Wanda")
    found = told(name, Scene(with_part(KARL, part)), actor)
    assert ("karl@big.example" in found) == (part in OUTSIDE[event])
    assert found.get("karl@big.example", "answer") == "answer"


def test_the_table_here_is_that_of_the_engine_but_for_who_is_found_otherwise() -> None:
    for event in EVENTS:
        if event.name in INSIDE:
            assert set(event.inside) - {Part.FORMER, Part.NAMED} == INSIDE[event.name], event.name
            assert set(event.outside) == OUTSIDE[event.name], event.name


# ── nobody assigned ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_item_that_nobody_has_goes_to_those_who_work_there() -> None:
    assert told("item.created") == {
        "anna@example.com": "notice", "bob@example.com": "notice", "carl@example.com": "notice"
    }  # fmt: skip


def test_one_that_somebody_has_goes_to_them_alone() -> None:
    assert told("item.created", Scene(OnItem("support", requester=JANE, assigned_to="bob"))) == {
        "bob@example.com": "notice"
    }


def test_who_wants_all_new_items_hears_of_one_that_somebody_has() -> None:
    scene = Scene(OnItem("support", requester=JANE, assigned_to="bob"), wants={(CARL.id, "new"): "all"})
    assert set(told("item.created", scene)) == {"bob@example.com", "carl@example.com"}


def test_who_wants_none_is_not_even_considered() -> None:
    found = heard("item.created", Scene(wants={(CARL.id, "new"): "none"}))
    assert "carl@example.com" not in [each.to for each in found]


def test_where_nobody_waits_for_new_items_the_owner_hears() -> None:
    toml = SMTP + '[workspace.support]\nname = "Support"\nowner = "Olga <olga@example.com>"\n'
    base = 'schema = 1\n[system.mailbox]\nhost = "imap.example.com"\nusername = "a"\npassword_env = "SECRET"\n'
    batch = Batch((Happened("item.created", 12),), Tell(), BY_JANE, "support", 12)
    rows = Hearing(config(toml, base)).hear(batch, Scene(staff=()))[1]
    assert [(each.to, each.inside, each.parts) for each in rows] == [("olga@example.com", True, (Part.OWNER,))]


def test_where_a_workspace_has_neither_members_nor_an_owner_the_admins_hear() -> None:
    (row,) = heard("item.created", Scene(staff=()))
    assert (row.to, row.state, row.inside, row.parts) == ("ada@example.com", "queued", True, (Part.OWNER,))
    assert set(told("item.commented", Scene(staff=()))) == {"ada@example.com"}
    wants = {(each.id, "new"): "none" for each in (ANNA, BOB, CARL)}
    assert [each.why for each in heard("item.created", Scene(wants=wants))] == [Why.NOBODY], "they chose that"


@pytest.mark.parametrize(
    ("assigned_to", "suspended"),
    [("lola", set()), ("group:night", set()), ("bob", {"bob@example.com"})],
)
def test_where_whoever_is_assigned_takes_no_mail_those_hear_who_wait(assigned_to: str, suspended: set[str]) -> None:
    scene = Scene(OnItem("support", requester=JANE, assigned_to=assigned_to), groups={"night": (LOLA,)})
    scene.suspended |= suspended
    rows = heard("item.commented", scene)
    told = {each.account for each in rows if each.state == "queued"}
    assert told == {ANNA.id, BOB.id, CARL.id} - ({BOB.id} if suspended else set())
    assert {str(each.why) for each in rows if each.account in (LOLA.id, BOB.id) and each.why} <= {"locked", "suspended"}


@pytest.mark.parametrize("event", ["item.commented", "item.noted", "item.created"])
@pytest.mark.parametrize("assigned_to", ["bob", "group:onsite"])
def test_where_whoever_is_assigned_wants_no_mail_those_hear_who_wait(event: str, assigned_to: str) -> None:
    scene = Scene(OnItem("support", requester=JANE, assigned_to=assigned_to), groups={"onsite": (BOB,)})
    scene.wants = {(BOB.id, "assigned"): "no"}
    rows = {row.to: (row.why, row.said) for row in heard(event, scene) if row.kind is not Kind.AUTO}
    no = (Why.PREFERS_NOT, "assigned = no")
    assert rows == {"bob@example.com": no, "anna@example.com": (None, ""), "carl@example.com": (None, "")}


def test_where_none_of_those_who_wait_wants_more_of_an_item_the_owner_hears() -> None:
    owned = SMTP + '[workspace.support]\nname = "Support"\nowner = "olga@example.com"\n'
    base = 'schema = 1\n[system.mailbox]\nhost = "imap.example.com"\nusername = "a"\npassword_env = "SECRET"\n'
    batch = Batch((Happened("item.commented", 12),), Tell(), BY_JANE, "support", 12)
    rows = Hearing(config(owned, base)).hear(batch, Scene(staff=(BOB,), wants={(BOB.id, "item:12"): "no"}))[1]
    assert {each.to: str(each.why or each.state) for each in rows} == {
        "bob@example.com": "prefers_not", "olga@example.com": "queued"
    }  # fmt: skip


def test_who_reopens_what_they_have_calls_nobody_else() -> None:
    scene = Scene(OnItem("support", assigned_to="anna"), wants={(ANNA.id, "changes"): "no"})
    assert [row.why for row in heard("item.reopened", scene, BY_ANNA)] == [Why.ACTOR]


def test_where_those_who_wait_and_the_owner_take_no_mail_the_admins_hear() -> None:
    owned = SMTP + '[workspace.support]\nname = "Support"\nowner = "olga@example.com"\n'
    base = 'schema = 1\n[system.mailbox]\nhost = "imap.example.com"\nusername = "a"\npassword_env = "SECRET"\n'
    gone = Scene(staff=(LOLA,), suspended={"olga@example.com"})
    batch = Batch((Happened("item.created", 12),), Tell(), BY_JANE, "support", 12)
    rows = Hearing(config(owned, base)).hear(batch, gone)[1]
    assert {each.to: str(each.why or each.state) for each in rows} == {
        "lola@example.com": "locked", "olga@example.com": "suspended", "ada@example.com": "queued",
    }  # fmt: skip


def test_where_nobody_at_all_would_hear_a_row_says_so() -> None:
    (row,) = heard("item.created", Scene(staff=(), root=()))
    assert (row.to, row.state, row.why) == ("", "suppressed", Why.NOBODY)


@pytest.mark.parametrize("event", ["item.noted", "item.changed", "item.answered", "item.closed"])
def test_what_nobody_else_has_to_do_with_leaves_a_row_that_says_so(event: str) -> None:
    (row,) = heard(event, Scene(OnItem("support")), BY_ANNA)
    assert (row.to, row.state, row.why, row.events) == ("", "suppressed", Why.NOBODY_ELSE, (event,))


def test_who_answers_what_they_wrote_about_stands_there_as_who_did_it() -> None:
    rows = heard("item.answered", Scene(OnItem("support", requester=JANE, writers=(ANNA, BOB))), BY_ANNA)
    assert {row.to: str(row.why or row.state) for row in rows} == {
        "jane@big.example": "queued", "bob@example.com": "queued", "anna@example.com": "actor"
    }  # fmt: skip


def test_nobody_is_missed_where_the_only_one_who_works_there_did_it() -> None:
    assert [each.why for each in heard("item.created", Scene(staff=(ANNA,)), BY_ANNA)] == [Why.ACTOR]


def test_a_group_that_an_item_is_assigned_to_hears_each() -> None:
    scene = Scene(OnItem("support", requester=JANE, assigned_to="group:onsite"), groups={"onsite": (ANNA, BOB)})
    assert set(told("item.commented", scene)) == {"anna@example.com", "bob@example.com"}


def test_who_had_an_item_before_hears_that_it_is_another_one_s() -> None:
    happened = Happened("item.assigned", 12, changes=(Change("assigned_to", "anna", "bob"),))
    batch = Batch((happened,), Tell(), Actor(CARL, "carl@example.com"), "support", 12)
    rows = Hearing(config(SMTP)).hear(batch, Scene(OnItem("support", assigned_to="bob")))[1]
    assert {each.to: each.parts for each in rows} == {
        "bob@example.com": (Part.ASSIGNEE,), "anna@example.com": (Part.FORMER,)
    }  # fmt: skip


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_somebody_inside_says_is_an_answer_and_reaches_the_customer_and_the_copies() -> None:
    on = OnItem("support", requester=JANE, assigned_to="anna", copies=("kim@big.example",))
    batch = Batch((Happened("item.commented", 12, comment=31),), Tell(), BY_ANNA, "support", 12)
    named, rows = Hearing(config(SMTP)).hear(batch, Scene(on))
    assert [each.event for each in named.events] == ["item.answered"]
    assert {each.to: (each.kind, each.template) for each in rows if each.state == "queued"} == {
        "jane@big.example": (Kind.ANSWER, "answer"), "kim@big.example": (Kind.ANSWER, "answer")
    }  # fmt: skip


def test_what_a_customer_says_reaches_no_other_customer() -> None:
    scene = Scene(OnItem("support", requester=JANE, assigned_to="anna", people=(KARL,), copies=("kim@big.example",)))
    assert told("item.commented", scene) == {"anna@example.com": "notice"}
    assert why("karl@big.example", "item.commented", scene) == ("suppressed", "outside")


def test_why_an_outside_person_does_not_hear_names_the_setting_where_one_decides_it() -> None:
    scene = Scene(OnItem("support", requester=JANE, assigned_to="anna", people=(KARL,), watchers=(WANDA,)))
    said = lambda event, by: {row.to: (row.why, row.said) for row in heard(event, scene, by)}  # noqa: E731
    assert said("item.commented", BY_JANE)["karl@big.example"] == (Why.OUTSIDE, "notify.relay = inside")
    assert said("item.noted", BY_ANNA)["karl@big.example"] == (Why.OUTSIDE, "")
    assert said("item.changed", BY_ANNA)["wanda@big.example"] == (Why.OUTSIDE, "")


def test_where_everybody_is_relayed_it_does_and_needs_a_proof() -> None:
    toml = SMTP + '[notify]\nrelay = "everybody"\n'
    scene = Scene(OnItem("support", requester=JANE, assigned_to="anna", people=(KARL,)))
    assert told("item.commented", scene, toml=toml) == {"anna@example.com": "notice", "karl@big.example": "answer"}
    assert why("karl@big.example", "item.commented", scene, toml=toml, proven=False) == ("held", "unproven")


def test_an_answer_without_proof_waits_for_somebody_and_people_inside_hear_of_it() -> None:
    scene = Scene(OnItem("support", requester=JANE, assigned_to="bob"))
    assert why("jane@big.example", "item.commented", scene, BY_ANNA, personal=False) == ("held", "unproven")
    assert told("item.commented", scene, BY_ANNA, personal=False) == {"bob@example.com": "notice"}


def test_a_guest_is_known_by_the_address_that_wrote() -> None:
    scene = Scene(OnItem("support", requester=GUEST, requester_address="kim@big.example", assigned_to="anna"))
    assert told("item.commented", scene, BY_ANNA) == {"kim@big.example": "answer"}


def test_a_note_that_somebody_outside_wrote_is_heard_as_their_words_are() -> None:
    staff = {"anna@example.com", "bob@example.com", "carl@example.com"}
    stranger = Actor(None, "jane@home.example")
    assert set(told("item.noted", None, stranger)) == staff
    assert set(told("item.noted", Scene(OnItem("support", requester=JANE, assigned_to="bob")), stranger)) == {
        "bob@example.com"
    }
    assert told("item.noted", None, BY_ANNA) == {}, "colleagues leave notes for who takes part"
    assert told("item.noted", None, stranger, machine=Auto.AUTO_REPLY) == {}
    (row,) = [each for each in heard("item.noted", Scene(staff=(), root=()), stranger) if not each.to]
    assert row.why is Why.NOBODY


def test_a_note_of_a_machine_tells_nobody() -> None:
    scene = Scene(OnItem("support", assigned_to="anna", people=(BOB,)))
    found = heard("item.noted", scene, Actor(None, "robot@big.example"), machine=Auto.AUTO_REPLY)
    assert {each.why for each in found} == {Why.MACHINE}


def test_an_alarm_reaches_who_works_there_and_nobody_else() -> None:
    scene = Scene(OnItem("support", requester=JANE, watchers=(WANDA,)))
    found = told("item.created", scene, Actor(None, "nagios@big.example"), machine=Auto.AUTO_GENERATED)
    assert set(found) == {"anna@example.com", "bob@example.com", "carl@example.com"}


def test_what_a_rule_did_reaches_a_customer_as_a_notice_not_as_a_person_s_words() -> None:
    scene = Scene(OnItem("support", requester=JANE, assigned_to="anna"))
    assert told("item.closed", scene, Actor()) == {"anna@example.com": "notice", "jane@big.example": "notice"}


def test_a_customer_who_closes_an_item_tells_no_other_customer() -> None:
    scene = Scene(OnItem("support", requester=KARL, assigned_to="anna"))
    assert told("item.closed", scene, BY_JANE) == {"anna@example.com": "notice"}


# ── one mail a person ─────────────────────────────────────────────────────────────────────────────────────────────


def test_who_has_several_parts_and_hears_of_several_events_gets_one_mail_led_by_the_strongest() -> None:
    scene = Scene(OnItem("support", requester=BOB, assigned_to="bob", watchers=(BOB,), writers=(BOB,)))
    closed = Happened("item.closed", 12, changes=(Change("status", "New", "Closed"),))
    (row,) = [each for each in heard("item.commented", scene, BY_ANNA, closed) if each.to == "bob@example.com"]
    assert row.events == ("item.answered", "item.closed")
    assert row.parts[:2] == (Part.ASSIGNEE, Part.REQUESTER)


def test_an_address_of_an_account_is_that_account() -> None:
    scene = Scene(OnItem("support", requester=JANE, assigned_to="anna", writers=("jane@big.example",),
                         copies=("jane@big.example",)))  # fmt: skip
    rows = [each for each in heard("item.commented", scene, BY_ANNA) if each.to == "jane@big.example"]
    assert len(rows) == 1
    assert rows[0].account == JANE.id


@pytest.mark.parametrize("tagged", ["jane+printer@big.example", "Jane+Printer@Big.Example"])
def test_an_address_with_a_tag_is_whose_it_is_without_where_they_are_there_as_well(tagged: str) -> None:
    watches = OnItem("support", requester_address=tagged, watchers=(JANE,), copies=(tagged,))
    (row,) = [each for each in heard("item.commented", Scene(watches), BY_ANNA) if each.key == "jane@big.example"]
    assert (row.account, row.to, row.kind) == (JANE.id, "jane@big.example", Kind.ANSWER)
    assert set(row.parts) == {Part.REQUESTER, Part.WATCHER, Part.COPY}


def test_what_an_address_with_a_tag_hears_is_not_lost_where_the_account_has_no_part_in_it() -> None:
    on = OnItem("support", requester_address="jane+printer@big.example", people=(JANE,))
    closed = heard("item.closed", Scene(on), BY_ANNA)
    assert [(each.account, each.state) for each in closed if each.key == "jane@big.example"] == [(JANE.id, "queued")]


def test_who_works_here_and_is_copied_at_an_address_with_a_tag_hears_once_as_a_colleague() -> None:
    on = OnItem("support", requester=JANE, assigned_to="bob", copies=("bob+x@example.com",))
    (row,) = [each for each in heard("item.commented", Scene(on), BY_ANNA) if each.key == "bob@example.com"]
    assert (row.kind, row.parts, row.to) == (Kind.NOTICE, (Part.ASSIGNEE,), "bob@example.com")


def test_who_did_it_does_not_hear_of_it_at_an_address_with_a_tag() -> None:
    on = OnItem("support", requester_address="jane+printer@big.example", assigned_to="bob")
    assert why("jane+printer@big.example", "item.reopened", Scene(on)) == ("suppressed", "actor")


def test_an_address_with_a_tag_alone_hears_where_it_is() -> None:
    on = OnItem("support", requester_address="jane+printer@big.example")
    assert "jane+printer@big.example" in told("item.commented", Scene(on), BY_ANNA)


def test_who_is_assigned_a_new_item_hears_that() -> None:
    (row,) = [each for each in heard("item.created", Scene(OnItem("support", assigned_to="bob"))) if each.account == 2]
    assert row.template == "assigned"


@pytest.mark.parametrize("event", ["item.noted", "item.assigned", "item.changed"])
def test_whom_a_rule_names_hears_outside_of_no_note_and_no_change(event: str) -> None:
    named = {"named": ("boss@partner.example", "karl", "carl")}
    rows = {each.to: (each.state, str(each.why or "")) for each in heard(event, Scene(), BY_ANNA, **named)}
    assert rows["boss@partner.example"] == rows["karl@big.example"] == ("suppressed", "outside")
    assert rows["carl@example.com"] == ("queued", "")


def test_whom_a_rule_names_hears_outside_of_words_and_of_what_others_there_hear() -> None:
    for event in ("item.created", "item.commented", "item.closed", "item.merged"):
        assert "boss@partner.example" in told(event, named=("boss@partner.example",))
    assigned = Happened("item.assigned", 12, changes=(Change("assigned_to", "", "bob"),))
    (row,) = [each for each in heard("item.created", None, BY_JANE, assigned, named=("boss@partner.example",))
              if each.to == "boss@partner.example"]  # fmt: skip
    assert row.events == ("item.created",)


# ── why not ───────────────────────────────────────────────────────────────────────────────────────────────────────

ON = OnItem("support", requester=JANE, assigned_to="bob", people=(LOLA,), watchers=(WANDA, CARL))


@pytest.mark.parametrize(
    ("who", "reason", "more"),
    [
        ("anna@example.com", "actor", {"scene": Scene(replace(ON, assigned_to="anna"))}),
        ("jane@big.example", "has_it", {"copied": ("jane@big.example",)}),
        ("carl@example.com", "has_it", {"copied": ("carl@example.com",)}),
        ("jane@big.example", "has_it", {"copied": ("jane+desk@big.example",)}),
        ("lola@example.com", "has_it", {"copied": ("lola@home.example",)}),
        ("lola@example.com", "locked", {}),
        ("wanda@big.example", "not_permitted", {"scene": Scene(ON, hidden={"wanda"})}),
        ("bob@example.com", "prefers_not", {"scene": Scene(ON, wants={(BOB.id, "assigned"): "no"})}),
        ("carl@example.com", "prefers_not", {"scene": Scene(ON, wants={(CARL.id, "watched"): "no"})}),
        ("jane@big.example", "suspended", {"scene": Scene(ON, suspended={"jane@big.example"})}),
        ("bob@example.com", "old", {"quiet": Why.OLD}),
        ("jane@big.example", "quiet", {"quiet": Why.QUIET}),
    ],
)
def test_who_is_not_told_has_a_reason(who: str, reason: str, more: dict[str, Any]) -> None:
    scene = more.pop("scene", Scene(ON))
    assert why(who, "item.commented", scene, BY_ANNA, **more) == ("suppressed", reason)


def test_who_is_assigned_hears_though_the_header_says_they_have_it() -> None:
    assert "bob@example.com" in told("item.commented", Scene(ON), BY_ANNA, copied=("bob@example.com",))


def test_a_muted_address_and_too_many_answers_wait_for_somebody() -> None:
    muted = Scene(ON, muted={"jane@big.example"})
    assert why("jane@big.example", "item.commented", muted, BY_ANNA) == ("held", "loop")
    many = Scene(ON, counts={Kind.ANSWER: 20})
    assert why("jane@big.example", "item.commented", many, BY_ANNA) == ("held", "cap.answers")


def test_mails_that_go_to_and_fro_wait_for_somebody_and_too_many_notices_for_the_end_of_the_hour() -> None:
    looping = Scene(ON, looping={"jane@big.example"})
    assert why("jane@big.example", "item.commented", looping, BY_ANNA) == ("held", "loop")
    many = Scene(ON, counts={Kind.NOTICE: 60})
    assert why("bob@example.com", "item.commented", many, BY_ANNA) == ("digest", "cap.notices")
    bob = next(row for row in heard("item.commented", many, BY_ANNA) if row.to == "bob@example.com")
    assert bob.due == datetime(2026, 11, 29, 11, tzinfo=UTC)


def test_who_wants_notices_hourly_or_daily_gets_them_then_and_answers_at_once() -> None:
    scene = Scene(ON, wants={(BOB.id, "how"): "daily", (JANE.id, "how"): "daily"})
    rows = {row.to: row for row in heard("item.commented", scene, BY_ANNA)}
    assert (rows["bob@example.com"].state, rows["bob@example.com"].why) == ("digest", None)
    assert rows["bob@example.com"].due == datetime(2026, 11, 30, 7, tzinfo=UTC)
    assert (rows["jane@big.example"].kind, rows["jane@big.example"].state) == (Kind.ANSWER, "queued")
    zone = SMTP + '[instance]\ntimezone = "Europe/Berlin"\n[notify]\ndaily_at = "18:30"\n'
    row = next(row for row in heard("item.commented", scene, BY_ANNA, toml=zone) if row.to == "bob@example.com")
    assert row.due == datetime(2026, 11, 29, 17, 30, tzinfo=UTC)
    scene.wants[BOB.id, "how"] = "hourly"
    row = next(row for row in heard("item.commented", scene, BY_ANNA) if row.to == "bob@example.com")
    assert row.due == datetime(2026, 11, 29, 11, tzinfo=UTC)


def test_reports_over_their_limit_wait_until_another_may_go() -> None:
    tell, before = Tell("mail.held", code="hook.error", report=True), datetime(2026, 11, 29, 10, tzinfo=UTC)
    batch = Batch((Happened("mail.held"),), tell, Actor(None, "x@y.example"), "support", mailbox="system", row=5)
    (first,) = Hearing(config(SMTP)).hear(batch, Scene())[1]
    assert first.state == "queued"
    (second,) = Hearing(config(SMTP)).hear(batch, Scene(reports=(before,)))[1]
    assert (second.state, second.why, second.due) == ("digest", "cap.reports", before + timedelta(hours=1))
    unlimited = SMTP + "[errors]\nreports = { limit = 0 }\n"
    (third,) = Hearing(config(unlimited)).hear(batch, Scene(reports=(before,)))[1]
    assert third.state == "queued"


def test_what_is_held_is_told_to_who_stands_in_for_an_owner() -> None:
    base = 'schema = 1\n[system.mailbox]\nhost = "imap.example.com"\nusername = "a"\npassword_env = "SECRET"\n'
    batch = Batch((Happened("desk.held"),), Tell(), Actor(), "support")
    stand_in = SMTP + '[system]\nowner = "Olga <olga@example.com>"\n'
    assert [row.to for row in Hearing(config(stand_in, base)).hear(batch, Scene())[1]] == ["olga@example.com"]
    assert [row.to for row in Hearing(config(SMTP, base)).hear(batch, Scene())[1]] == ["ada@example.com"]


@pytest.mark.parametrize("gone", ["locked", "suspended"])
def test_who_stands_in_hears_of_what_is_held_where_no_mail_reaches_the_owner(gone: str) -> None:
    base = 'schema = 1\n[system.mailbox]\nhost = "imap.example.com"\nusername = "a"\npassword_env = "SECRET"\n'
    owner = "lola@example.com" if gone == "locked" else "olga@example.com"
    owned = SMTP + f'[workspace.support]\nname = "Support"\nowner = "{owner}"\n'
    batch = Batch((Happened("desk.held"),), Tell(), Actor(), "support")
    scene = Scene(suspended={"olga@example.com"})
    rows = Hearing(config(owned, base)).hear(batch, scene)[1]
    assert [(row.to, row.why) for row in rows] == [(owner, gone), ("ada@example.com", None)]
    stand_in = owned + '[system]\nowner = "Carl <carl@example.com>"\n'
    assert [row.to for row in Hearing(config(stand_in, base)).hear(batch, scene)[1]] == [owner, "carl@example.com"]


@pytest.mark.parametrize("assignee", ["lola", "bob"])
def test_what_nobody_reads_who_has_the_item_is_heard_by_who_waits_for_new_ones(assignee: str) -> None:
    scene = Scene(OnItem("support", requester=JANE, assigned_to=assignee), suspended={"bob@example.com"})
    assert set(told("item.commented", scene)) == {"anna@example.com", "carl@example.com"}
    suspended = {"anna@example.com", "bob@example.com", "carl@example.com"}
    assert set(told("item.commented", Scene(scene.on, suspended=suspended))) == {"ada@example.com"}


def test_who_stands_in_needs_no_role_to_hear_of_what_is_held() -> None:
    base = 'schema = 1\n[system.mailbox]\nhost = "imap.example.com"\nusername = "a"\npassword_env = "SECRET"\n'
    batch = Batch((Happened("desk.held"),), Tell(), Actor(), "support")
    stand_in = SMTP + '[system]\nowner = "Olga <olga@example.com>"\n'
    (row,) = Hearing(config(stand_in, base)).hear(batch, Scene(hidden={"olga"}))[1]
    assert (row.to, row.state) == ("olga@example.com", "queued")


def test_who_works_here_reads_the_language_of_the_installation_and_a_customer_that_of_the_item() -> None:
    on = OnItem("support", requester=JANE, people=(CARL, replace(BOB, language="fr")), language="ja")
    rows = heard("item.answered", Scene(on), BY_ANNA)
    assert {each.to: each.language for each in rows} == {
        "bob@example.com": "fr", "carl@example.com": "en", "jane@big.example": "ja"
    }  # fmt: skip


def test_without_a_server_nobody_is_told_and_that_is_said() -> None:
    assert why("bob@example.com", "item.commented", Scene(ON), BY_ANNA, toml="") == ("suppressed", "no_smtp")


def test_who_wants_to_hear_of_their_own_doing_does() -> None:
    scene = Scene(replace(ON, assigned_to="anna"), wants={(ANNA.id, "own"): "yes"})
    assert "anna@example.com" in told("item.commented", scene, BY_ANNA)


@pytest.mark.parametrize("to", ["anna@example.com", "anna+desk@example.com", "berg@example.com"])
def test_who_wants_to_hear_of_their_own_doing_and_is_acknowledged_hears_once(to: str) -> None:
    scene = Scene(OnItem("support", requester=ANNA), wants={(ANNA.id, "own"): "yes"})
    ack = {"answer_to": to, "template": "ack"}
    theirs = ("anna@example.com", "berg@example.com")
    rows = [each for each in heard("item.created", scene, BY_ANNA, **ack) if each.key in theirs]
    assert [(each.kind, each.state, each.why) for each in rows] == [
        (Kind.AUTO, "queued", None), (Kind.NOTICE, "suppressed", Why.ACTOR),
    ]  # fmt: skip
    rows = heard("item.created", scene, BY_ANNA, **ack, no_answer=Why.RULE)
    assert [each.kind for each in rows if each.state == "queued" and each.account == ANNA.id] == [Kind.NOTICE]


def test_defaults_of_the_admin_stand_between_what_people_say_and_what_is_usual() -> None:
    toml = SMTP + "[notify.defaults]\nwatched = false\n"
    assert why("carl@example.com", "item.commented", Scene(ON), BY_ANNA, toml=toml) == ("suppressed", "prefers_not")
    asked = Scene(ON, wants={(CARL.id, "watched"): "yes"})
    assert "carl@example.com" in told("item.commented", asked, BY_ANNA, toml=toml)


def test_notes_and_changes_may_be_left_out_and_words_still_come() -> None:
    scene = Scene(ON, wants={(BOB.id, "notes"): "no", (BOB.id, "changes"): "no"})
    assert why("bob@example.com", "item.noted", scene, BY_ANNA) == ("suppressed", "prefers_not")
    assert why("bob@example.com", "item.changed", scene, BY_ANNA) == ("suppressed", "prefers_not")
    assert "bob@example.com" in told("item.commented", scene, BY_ANNA)


def test_more_people_than_notify_most_are_counted_in_one_row() -> None:
    crowd = tuple(Account(100 + n, f"p{n}", f"P {n}", (f"p{n}@example.com",)) for n in range(300))
    found = heard("item.created", Scene(staff=crowd))
    assert len(found) == 201
    assert (found[-1].why, found[-1].said) == (Why.CAP_HEARERS, "100 more")


def test_notify_can_be_switched_off_and_the_customer_is_still_answered() -> None:
    found = heard("item.created", toml=SMTP + "[notify]\nenabled = false\n", answer_to="jane@big.example",
                  template="ack")  # fmt: skip
    assert [(each.kind, each.state) for each in found] == [(Kind.AUTO, "queued")]


# ── who did it ────────────────────────────────────────────────────────────────────────────────────────────────────

TYPED = Actor(None, "anna@example.com", "Anna Berg", believed=False)
"""Somebody who typed a colleague's address into a form."""


def test_who_is_named_by_anybody_did_nothing_and_hears() -> None:
    mine = Scene(OnItem("support", assigned_to="anna"))
    assert told("item.created", mine, TYPED) == {"anna@example.com": "notice"}
    ack = {"answer_to": "anna@example.com", "template": "ack"}
    assert [(each.kind, each.state) for each in heard("item.created", mine, TYPED, **ack)] == [
        (Kind.AUTO, "queued"), (Kind.NOTICE, "queued")
    ]  # fmt: skip


def test_who_is_named_by_anybody_speaks_for_nobody_who_works_there() -> None:
    staff = {"anna@example.com", "bob@example.com", "carl@example.com"}
    assert set(told("item.noted", None, TYPED)) == staff
    rows = heard("item.commented", None, TYPED)
    assert {each.to for each in rows if each.state == "queued"} == staff
    assert all(each.events == ("item.commented",) and not each.actor_inside for each in rows)


@pytest.mark.parametrize("actor", [BY_ANNA, TYPED, Actor(None, "kim@big.example")])
@pytest.mark.parametrize("machine", [None, Auto.AUTO_REPLY])
def test_an_item_for_which_nobody_is_considered_says_so(actor: Actor, machine: Auto | None) -> None:
    only = Scene(staff=(ANNA,), root=(), wants={(ANNA.id, "new"): "none"})
    (row,) = heard("item.created", only, actor, machine=machine)
    assert (row.state, row.why) == ("suppressed", Why.NOBODY)


# ── the automatic answer ──────────────────────────────────────────────────────────────────────────────────────────

ACK = {"answer_to": "jane@big.example", "template": "ack", "language": "de"}


def test_the_sender_of_a_new_item_is_answered_in_their_language() -> None:
    row = answer("item.created", **ACK)
    assert (row.to, row.state, row.template, row.language, row.account) == (
        "jane@big.example",
        "queued",
        "ack",
        "de",
        6,
    )


@pytest.mark.parametrize(
    ("reason", "state", "scene", "more"),
    [
        (Why.RULE, "suppressed", Scene(), {"no_answer": Why.RULE}),
        (Why.STRANGER, "suppressed", Scene(), {"no_answer": Why.STRANGER}),
        (Why.MACHINE, "suppressed", Scene(), {"unanswerable": "the mail is a report"}),
        (Why.SUSPENDED, "suppressed", Scene(suspended={"jane@big.example"}), {}),
        (Why.OLD, "suppressed", Scene(), {"quiet": Why.OLD}),
        (Why.LOOP, "suppressed", Scene(muted={"jane@big.example"}), {}),
        (Why.LOOP, "suppressed", Scene(repeating={"jane@big.example"}), {}),
        (Why.CAP_RECIPIENT, "suppressed", Scene(counts={Kind.AUTO: 10}), {}),
        (Why.CAP_TOTAL, "held", Scene(counts={Kind.AUTO: 10}), {"toml": SMTP + "[replies]\nautomatic_total = 10\n"
                                                                       "automatic_per_recipient = 99\n"}),
    ],
)  # fmt: skip
def test_an_automatic_answer_that_does_not_go_has_a_reason(
    reason: Why, state: str, scene: Scene, more: dict[str, Any]
) -> None:
    row = answer("item.created", scene, **ACK, **more)
    assert (row.state, row.why) == (state, reason)


def test_refusals_of_one_reason_are_counted_and_the_last_one_says_so() -> None:
    refused = {"event": "mail.rejected", "code": "gate.empty_subject", "answer_to": "jane@big.example",
               "template": "rejected"}  # fmt: skip
    seen = []
    for before in range(4):
        batch = Batch((Happened("mail.rejected"),), Tell(**refused), BY_JANE, "support")
        (row,) = Hearing(config(SMTP)).hear(batch, Scene(refusals=before))[1]
        seen.append((row.state, row.last, row.why))
    assert seen == [
        ("queued", False, None), ("queued", False, None), ("queued", True, None),
        ("suppressed", False, Why.CAP_REASON),
    ]  # fmt: skip


def test_admins_hear_of_a_refusal_only_where_it_says_so() -> None:
    batch = Batch((Happened("mail.rejected"),), Tell("mail.rejected", code="x"), BY_JANE, "support")
    assert Hearing(config(SMTP)).hear(batch, Scene())[1] == []
    reported = replace(batch, tell=Tell("mail.rejected", code="x", report=True))
    assert [each.to for each in Hearing(config(SMTP)).hear(reported, Scene())[1]] == ["ada@example.com"]
    toml = SMTP + '[errors]\nforward_to = ["ops@example.com"]\n'
    assert [each.to for each in Hearing(config(toml)).hear(reported, Scene())[1]] == ["ops@example.com"]


def test_a_mail_that_broke_the_machine_reaches_admins_whoever_wrote_it() -> None:
    batch = Batch((Happened("mail.failed"),), Tell("mail.failed", code="fault.exception", report=True), Actor(), "")
    assert [(each.to, each.template) for each in Hearing(config(SMTP)).hear(batch, Scene())[1]] == [
        ("ada@example.com", "report")
    ]


# ── old mail ──────────────────────────────────────────────────────────────────────────────────────────────────────

READ_SINCE = datetime(2026, 11, 1, 12, tzinfo=UTC)


def of_mail(arrived: datetime, seen: datetime, toml: str = SMTP) -> set[str]:
    """The reasons of everybody considered for a new item whose mail arrived then and was first seen then."""
    tell = Tell(answer_to="jane@big.example", template="ack", arrived_at=arrived)
    batch = Batch((Happened("item.created", 12),), tell, BY_JANE, "support", 12, mailbox="system", row=5)
    rows = Hearing(config(toml)).hear(batch, Scene(read_since=READ_SINCE, seen=seen))[1]
    return {str(each.why or "") for each in rows}


def test_what_arrived_before_the_mailbox_was_first_read_tells_nobody() -> None:
    assert of_mail(READ_SINCE - timedelta(hours=2), READ_SINCE) == {"old"}


def test_what_arrived_in_the_hour_before_is_told() -> None:
    assert of_mail(READ_SINCE - timedelta(minutes=30), READ_SINCE) == {""}


def test_what_lay_for_longer_than_a_week_before_it_was_read_tells_nobody() -> None:
    later = READ_SINCE + timedelta(days=30)
    assert of_mail(later - timedelta(days=8), later) == {"old"}
    assert of_mail(later - timedelta(days=6), later) == {""}
    assert of_mail(later - timedelta(days=6), later, SMTP + '[notify]\nnot_older_than = "1 day"\n') == {"old"}


def test_a_mail_that_waited_here_for_weeks_is_not_old() -> None:
    arrived = READ_SINCE + timedelta(days=1)
    assert of_mail(arrived, arrived + timedelta(minutes=1)) == {""}


# ── programs ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wanted", "event", "told_of"),
    [
        ('"item.answered"', "item.commented", ["item.answered"]),
        ('"item.commented"', "item.commented", []),
        ('"item.*"', "item.closed", ["item.closed"]),
        ('"mail.error"', "mail.failed", ["mail.failed"]),
        ('"mail.failed"', "mail.failed", ["mail.failed"]),
        ('"item.*"', "mail.failed", []),
    ],
)
def test_a_webhook_hears_of_what_it_asks_for(wanted: str, event: str, told_of: list[str]) -> None:
    toml = SMTP + f'[webhooks.chat]\nurl = "https://chat.example.com/x"\nevents = [{wanted}]\n'
    rows = [each for each in heard(event, actor=BY_ANNA, toml=toml) if each.kind is Kind.WEBHOOK]
    assert [each.events[0] for each in rows] == told_of
    assert [each.to for each in rows] == ["chat"] * len(told_of)


# ── laws ──────────────────────────────────────────────────────────────────────────────────────────────────────────

people = st.sampled_from([ANNA, BOB, CARL, OLGA, JANE, KARL, WANDA, LOLA, GUEST])
several = st.lists(people, max_size=4, unique_by=lambda account: account.id).map(tuple)
addresses = st.lists(st.sampled_from(["kim@big.example", "lee@other.example", "jane@big.example"]), max_size=3).map(
    tuple
)
items = st.builds(
    OnItem, workspace=st.just("support"), private=st.booleans(), requester=st.none() | people,
    requester_address=st.sampled_from(["", "kim@big.example"]),
    assigned_to=st.sampled_from(["", "anna", "jane", "lola", "group:onsite", "nobody"]),
    people=several, watchers=several, writers=several, copies=addresses,
)  # fmt: skip
scenes = st.builds(
    Scene, on=items, staff=st.sampled_from([(), (ANNA,), (ANNA, BOB, CARL)]),
    groups=st.just({"onsite": (BOB, KARL)}), hidden=st.sets(st.sampled_from(["wanda", "karl"])),
)  # fmt: skip
actors = st.sampled_from(
    [BY_JANE, BY_ANNA, Actor(), Actor(None, "kim@big.example"), Actor(LOLA, "lola@example.com"), TYPED]
)
names = st.sampled_from([event.name for event in EVENTS if event.name.startswith("item.")])


@given(names, scenes, actors, st.booleans())
def test_nobody_is_considered_twice_and_who_is_not_told_has_a_reason(
    event: str, scene: Scene, actor: Actor, proven: bool
) -> None:
    found = heard(event, scene, actor, proven=proven, personal=proven)
    keys = [each.account or each.key for each in found if each.to]
    assert len(keys) == len(set(keys))
    for each in found:
        assert (each.why is None) == (each.state == "queued")
        assert each.state in ("queued", "held", "suppressed")
        assert each.parts or not each.to
        assert set(each.events) <= set(BY_NAME)
    assert found or not BY_NAME[event].expected


@given(scenes, actors, st.lists(st.sampled_from(["boss@out.example", "karl", "bob"]), max_size=2).map(tuple))
def test_a_note_goes_to_nobody_outside(scene: Scene, actor: Actor, named: tuple[str, ...]) -> None:
    for each in heard("item.noted", scene, actor, named=named):
        assert each.state != "queued" or each.inside


@given(scenes, actors, names)
def test_nobody_outside_hears_by_words_that_nobody_proved(scene: Scene, actor: Actor, event: str) -> None:
    for each in heard(event, scene, actor, proven=False, personal=False):
        assert each.state != "queued" or each.inside
