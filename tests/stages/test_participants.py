"""Stage 11: who else joins the item."""

from __future__ import annotations

import pytest
from builders import World, answers, config, draft, facts, item, mail
from msgspec.structs import replace

from engine.model.desk import Account
from engine.model.draft import Draft, PersonChange, Role, Target
from engine.model.facts import Thread
from engine.model.mail import Address
from engine.model.questions import AccountOf, May
from engine.stages.participants import MOST_ASKED, Participants
from engine.wording.sentence import sentence

WATCH = "[people.cc]\naddCcAsReader = false\naddCcAsWatcher = true\n"


def decide(
    cc: str = "", toml: str = "", before: Draft | None = None, to: str = "help@example.com", world: World | None = None
) -> Draft:
    about = mail(to=to, headers=[("Cc", cc)] if cc else [])
    return Participants(config(toml)).decide(about, facts(about), before or draft(), world or World())


def joined(decided: Draft) -> dict[str, Role]:
    return {person.login or person.address.address: person.role for person in decided.people}


def test_F123_people_in_cc_become_readers_by_default() -> None:
    assert joined(decide("Bob <bob@example.com>")) == {"bob": Role.READER}


@pytest.mark.parametrize(
    ("toml", "role"),
    [("[people.cc]\naddCcAsEditor = true\n", Role.EDITOR), (WATCH, Role.WATCHER)],
)
def test_F122_F123_people_in_cc_become_what_is_set_editor_first(toml: str, role: Role) -> None:
    assert joined(decide("bob@example.com", toml)) == {"bob": role}


def test_F124_nobody_joins_where_nothing_is_set() -> None:
    assert joined(decide("bob@example.com", "[people.cc]\naddCcAsReader = false\n")) == {}


def test_F122_people_in_to_count_as_cc_unless_that_is_off() -> None:
    to = "help@example.com, bob@example.com"
    assert joined(decide(to=to)) == {"bob": Role.READER}
    assert joined(decide(to=to, toml="[people.cc]\nalso_to = false\n")) == {}


def test_F122_somebody_else_in_to_joins_where_we_got_a_blind_copy() -> None:
    assert joined(decide(to="bob@example.com")) == {"bob": Role.READER}


FORGED = replace(draft(), item=item(7, people=("jane",)), target=Target.COMMENT)


def on_an_item(cc: str, thread: Thread, toml: str = "", works: str = "") -> Draft:
    """A reply that copies somebody; `works` is the login of who may edit items there."""
    about = mail(headers=[("Cc", cc)])
    known = replace(facts(about), thread=thread)
    world = World(answers={May: lambda asked: asked.permission == "edit_items" and asked.login == works})
    return Participants(config(toml)).decide(about, known, FORGED, world)


def test_F124_a_reply_that_nobody_proved_brings_nobody_in_but_who_works_there() -> None:
    guessed = answers(item(7), "subject", proven=False)
    decided = on_an_item("bob@example.com", guessed)
    assert joined(decided) == {}
    assert "bob@example.com: do not join, for nothing proves who wrote this" in [
        sentence(each) for each in decided.notes
    ]
    assert joined(on_an_item("bob@example.com", guessed, works="bob")) == {"bob": Role.READER}
    copied = replace(answers(item(7), "message-id", proven=True), ours=False)
    assert joined(on_an_item("bob@example.com", copied)) == {}
    made = on_an_item("new@elsewhere.example", guessed, "[people.cc]\nknown_only = false\n")
    assert (joined(made), made.new_users) == ({}, ())


def test_F124_a_reply_to_a_mail_of_ours_brings_in_who_is_copied() -> None:
    ours = replace(answers(item(7), proven=True), ours=True)
    assert joined(on_an_item("bob@example.com", ours)) == {"bob": Role.READER}


def test_F124_sender_own_addresses_and_repetitions_do_not_join() -> None:
    cc = "jane@bigcorp.example, HELP@example.com, help+i7.abc@example.com, bob@example.com, Bob.Lund@example.com"
    assert joined(decide(cc)) == {"bob": Role.READER}


def test_F124_unknown_addresses_are_told_and_left_out() -> None:
    decided = decide("who@nowhere.example")
    assert joined(decided) == {}
    assert "not known here" in sentence(decided.notes[0])


def test_unknown_addresses_get_accounts_where_that_is_set() -> None:
    toml = '[people]\ndefault_group = ["customers"]\n[people.cc]\nknown_only = false\n'
    decided = decide('"Who, Me" <who@nowhere.example>', toml)
    assert joined(decided) == {"who@nowhere.example": Role.READER}
    (user,) = decided.new_users
    assert (user.first_name, user.last_name, user.groups) == ("Me", "Who", ("customers",))


@pytest.mark.parametrize("address", ["no-reply@example.com", "dev@lists.example.com"])
def test_lists_and_robots_never_join(address: str) -> None:
    world = World(accounts=(Account(5, "robot", "Robot", (address,)),))
    assert joined(decide(address, world=world)) == {}


def test_F122_locked_people_do_not_join() -> None:
    assert joined(decide("lola@example.com")) == {}


def test_F122_who_may_not_see_items_does_not_watch_them() -> None:
    assert joined(decide("bob@example.com", WATCH, world=World(rights=frozenset()))) == {}
    toml = WATCH.replace("[people.cc]", "[people]\nno_permission_check = true\n[people.cc]")
    assert joined(decide("bob@example.com", toml, world=World(rights=frozenset()))) == {"bob": Role.WATCHER}


def test_F122_who_is_on_the_item_already_does_not_join_again() -> None:
    before = draft(target=Target.COMMENT, item=item(7, ("BOB",)))
    assert joined(decide("bob@example.com", before=before)) == {}


def test_at_most_the_limit_joins_and_the_rest_is_told() -> None:
    accounts = tuple(Account(n, f"u{n}", f"U {n}", (f"u{n}@example.org",)) for n in range(10, 60))
    cc = ", ".join(account.emails[0] for account in accounts)
    decided = decide(cc, "[people.cc]\nlimit = 5\n", world=World(accounts=accounts))
    assert len(decided.people) == 5
    assert any("people.cc.limit" in sentence(note) for note in decided.notes)


def test_ten_thousand_addresses_cost_a_bounded_number_of_questions() -> None:
    from msgspec.structs import replace

    about = replace(mail(), cc=tuple(Address(f"n{n}@nowhere.example") for n in range(10_000)))
    world = World()
    decided = Participants(config()).decide(about, facts(about), draft(), world)
    assert world.counted(AccountOf) == MOST_ASKED
    assert decided.people == ()


def test_a_rules_role_wins_over_the_options() -> None:
    assert joined(decide("bob@example.com", before=draft(cc_role=Role.EDITOR))) == {"bob": Role.EDITOR}


def test_people_that_a_rule_names_join_by_login_or_address_and_unknown_ones_are_told() -> None:
    named = (
        PersonChange(Address(""), Role.EDITOR, "anna"),
        PersonChange(Address("bob@example.com"), Role.WATCHER),
        PersonChange(Address("who@nowhere.example"), Role.READER),
    )
    decided = decide(before=draft(people=named))
    assert joined(decided) == {"anna": Role.EDITOR, "bob": Role.WATCHER}
    assert any("whom a rule names" in sentence(note) for note in decided.notes)


@pytest.mark.parametrize("target", [Target.NOTE, Target.TOPIC_POST])
def test_a_note_or_a_post_brings_nobody_in(target: Target) -> None:
    before = draft(target=target, item=item(7), people=(PersonChange(Address(""), Role.EDITOR, "anna"),))
    assert decide("bob@example.com", before=before).people == ()


def test_a_mail_to_us_alone_asks_nothing() -> None:
    before = draft()
    assert decide(before=before) is before
