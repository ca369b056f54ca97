"""Stage 10: who is the author, and may they."""

from __future__ import annotations

import pytest
from builders import ANNA, BOB, GUEST, JANE, SUPPORT, World, answers, config, draft, facts, item, mail
from msgspec.structs import replace

from engine.model.desk import AccountStatus
from engine.model.draft import Draft, Target, Verdict
from engine.model.facts import Facts, Release, Sender
from engine.model.mail import Address
from engine.stages.author import Author, named
from engine.wording.sentence import sentence


def decide(known: Facts, toml: str = "", before: Draft | None = None, world: World | None = None) -> Draft:
    return Author(config(toml)).decide(mail(), known, before or draft(), world or World())


def code(decided: Draft) -> str:
    return decided.disposition.code if decided.disposition else ""


def unknown(name: str = "Eve Stranger") -> Facts:
    return facts(sender=Sender(Address("eve@stranger.example", name)))


CREATE = '[people]\nunknown_user = "create"\n'


def test_F052_a_known_sender_is_the_author() -> None:
    assert decide(facts(account=ANNA)).author == "anna"


def test_F061_an_account_found_by_suffix_is_the_author() -> None:
    known = facts(sender=Sender(Address("jane@bigcorp.example"), JANE, "suffix"))
    decided = decide(known)
    assert decided.author == "jane"
    assert "by suffix" in sentence(decided.notes[0])


def test_the_original_sender_of_a_forwarded_mail_is_the_author() -> None:
    forwarded = draft(original=Address("Jane@bigcorp.example", "Jane"))
    decided = decide(facts(account=ANNA), before=forwarded)
    assert decided.author == "jane"
    assert "anna@example.com, who forwards" in sentence(decided.notes[0])


def test_an_original_sender_without_an_account_is_what_an_unknown_sender_is() -> None:
    forwarded = draft(original=Address("eve@stranger.example", "Eve Stranger"))
    assert decide(facts(account=ANNA), before=forwarded).author == "guest"
    decided = decide(facts(account=ANNA), CREATE, before=forwarded)
    assert (decided.author, decided.new_users[0].first_name) == ("eve@stranger.example", "Eve")


def test_an_original_sender_who_is_locked_leaves_the_forwarder_the_author() -> None:
    decided = decide(facts(account=ANNA), before=draft(original=Address("lola@example.com")))
    assert decided.author == "anna"


def test_F055_the_guest_is_the_author_for_an_unknown_sender() -> None:
    assert decide(unknown(), '[people]\nunknown_user = "accept"\n').author == "guest"


def test_F055_the_guest_needs_the_permission_too() -> None:
    world = World(rights=frozenset())
    accept = '[people]\nunknown_user = "accept"\n'
    assert code(decide(unknown(), accept, world=world)) == "draft.no_permission"
    assert decide(unknown(), accept + "no_permission_check = true\n", world=world).author == "guest"


def test_F055_without_a_guest_account_a_public_workspace_keeps_the_address_alone() -> None:
    decided = decide(unknown(), '[people]\nunknown_user = "accept"\n', world=World(accounts=(ANNA, JANE)))
    assert decided.author == "guest"
    assert "no author" in sentence(decided.notes[0])


def test_F055_without_a_guest_account_a_private_workspace_holds_the_mail() -> None:
    world = World(accounts=(ANNA, JANE), catalogs=(replace(SUPPORT, public=False),))
    decided = decide(unknown(), '[people]\nunknown_user = "accept"\n', world=world)
    assert code(decided) == "draft.no_permission"
    assert decided.disposition and decided.disposition.verdict is Verdict.HOLD


def test_F056_an_account_is_made_from_address_and_display_name() -> None:
    decided = decide(unknown(), CREATE)
    (user,) = decided.new_users
    assert (user.first_name, user.last_name) == ("Eve", "Stranger")
    assert decided.author == "eve@stranger.example"


def test_F056_what_the_mail_does_not_say_comes_from_create_defaults() -> None:
    toml = CREATE + 'create_defaults = { first_name = "New", last_name = "Caller", group = "customers" }\n'
    (user,) = decide(unknown(""), toml).new_users
    assert (user.first_name, user.last_name) == ("New", "Caller")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Ada Lovelace", ("Ada", "Lovelace")),
        ("Lovelace, Ada", ("Ada", "Lovelace")),
        ("Ada", ("Ada", "")),
        ("Maria de la Cruz", ("Maria", "de la Cruz")),
        ("  ", ("", "")),
        ("ada@example.org", ("", "")),
        ("x" * 50 + " y", ("x" * 30, "y")),
        ("Ev\u202ee \x07Stranger", ("Eve", "Stranger")),
    ],
)
def test_F056_display_names_are_split(name: str, parts: tuple[str, str]) -> None:
    assert named(name) == parts


@pytest.mark.parametrize(
    ("name", "parts"), [("", ("eve.s", "")), ("eve@stranger.example", ("eve.s", "")), ("Eve", ("Eve", ""))]
)
def test_F056_who_gives_no_name_is_called_by_the_local_part(name: str, parts: tuple[str, str]) -> None:
    known = facts(sender=Sender(Address("Eve.S+shop@stranger.example", name)))
    (user,) = decide(known, CREATE).new_users
    assert (user.first_name, user.last_name) == parts


def test_F060_created_users_join_the_default_groups_and_unknown_ones_are_told() -> None:
    toml = CREATE + 'default_group = ["Customers", "nobody"]\ncreate_defaults = { group = "tier2" }\n'
    decided = decide(unknown(), toml)
    assert decided.new_users[0].groups == ("customers", "tier2")
    assert any('no group "nobody"' in sentence(note) for note in decided.notes)


def test_F056_no_account_is_made_for_a_from_that_is_not_believed() -> None:
    doubted = facts(sender=Sender(Address("eve@stranger.example"), None, "", "two From fields"))
    decided = decide(doubted, CREATE)
    assert decided.new_users == ()
    assert decided.author == "guest"


def test_F059_who_may_not_add_items_is_refused() -> None:
    world = World(rights=frozenset())
    decided = decide(facts(), world=world)
    assert code(decided) == "draft.no_permission"
    assert decided.disposition and decided.disposition.verdict is Verdict.REJECT


def test_F059_permissions_are_not_asked_where_that_is_set() -> None:
    world = World(rights=frozenset())
    assert decide(facts(), "[people]\nno_permission_check = true\n", world=world).author == "jane"


def test_F116_who_is_on_an_item_and_has_an_account_needs_the_permission() -> None:
    before = draft(target=Target.COMMENT, item=item(7, ("jane",)))
    assert decide(facts(), before=before).author == "jane"
    assert code(decide(facts(), before=before, world=World(rights=frozenset()))) == "draft.no_permission"


def test_F116_who_is_on_an_item_without_an_account_may_comment_or_needs_what_the_guest_may() -> None:
    before, nothing = draft(target=Target.COMMENT, item=item(7, ("eve@stranger.example",))), World(rights=frozenset())
    assert decide(unknown(), before=before, world=nothing).author == "guest"
    strict = '[people]\non_item = "needs_permission"\n'
    assert code(decide(unknown(), strict, before, nothing)) == "draft.no_permission"
    assert decide(unknown(), strict, before).author == "guest"


def test_F116_who_opened_an_item_or_is_copied_on_it_may_comment_by_a_reply_that_is_proven() -> None:
    mine, nothing = item(7, ("jane",), answered=("jane@bigcorp.example",)), World(rights=frozenset())
    before, proof = draft(target=Target.COMMENT, item=mine), answers(mine)
    assert decide(facts(thread=proof), before=before, world=nothing).author == "jane"
    for known, toml in (
        (facts(thread=answers(mine, proven=False)), ""),
        (facts(thread=replace(proof, ours=False)), ""),
        (facts(thread=proof), '[people]\non_item = "needs_permission"\n'),
        (facts(account=replace(JANE, status=AccountStatus.LOCKED), thread=proof), ""),
        (facts(account=BOB, thread=proof), ""),
    ):
        assert code(decide(known, toml, before, nothing)) == "draft.no_permission"


def test_F046_whom_a_person_let_reply_needs_no_permission_unless_locked() -> None:
    let = item(7, ("jane",), authorised=("jane@bigcorp.example",))
    before, nothing = draft(target=Target.COMMENT, item=let), World(rights=frozenset())
    assert decide(facts(), before=before, world=nothing).author == "jane"
    locked = facts(account=replace(JANE, status=AccountStatus.LOCKED))
    assert code(decide(locked, before=before, world=nothing)) == "draft.no_permission"


def test_F046_a_held_reply_that_a_person_released_is_a_comment_whatever_its_writer_may() -> None:
    before = draft(target=Target.COMMENT, item=item(7, ("bob",)))
    hold, nothing = '[people]\nreply_from_stranger = "hold"\n', World(rights=frozenset())
    assert decide(facts(released=Release("anna")), hold, before, nothing).author == "jane"
    assert code(decide(facts(), hold, before, nothing)) == "draft.no_permission"


def test_F046_who_may_not_comment_is_refused() -> None:
    before = draft(target=Target.COMMENT, item=item(7, ("bob",)))
    assert code(decide(facts(), before=before, world=World(rights=frozenset()))) == "draft.no_permission"
    accept = '[people]\nreply_from_stranger = "accept"\n'
    assert decide(facts(), accept, before, World(rights=frozenset())).author == "jane"


def test_F046_a_strangers_note_needs_no_permission() -> None:
    before = draft(target=Target.NOTE, item=item(7, ("bob",)))
    assert decide(facts(account=GUEST), before=before, world=World(rights=frozenset())).author == "guest"
