"""What each person may: by their roles, as an owner, as an admin; and that the database is asked for the same."""

from __future__ import annotations

from collections.abc import Iterator

import builders
import databases
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store.desk import NOW, Desk, furnish

from engine.config import Config
from engine.desk.scope import EVERYTHING, NOWHERE, Scope
from engine.model.facts import Release
from engine.model.plan import Outcome
from engine.store.permissions import OF_MAIL, PERMISSIONS
from engine.store.store import Store

PLACES = ("support", "finance", "partners", NOWHERE)

BOB = "bob@example.com"

BOXES = """
[workspace.finance]
owner = "{finance}"
[workspace.finance.mailbox]
host = "imap.example.com"
username = "finance@example.com"
password_env = "SECRET"
[workspace.partners]
"""


def configured(finance: str = "", system: str = "") -> Config:
    """A system mailbox, one of finance, and two workspaces that have none; with these owners."""
    top = f'[system]\nowner = "{system}"'
    return builders.config(BOXES.format(finance=finance), builders._BASE.replace("[system]", top))


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(databases.fresh(), clock=lambda: NOW) as store:
        furnish(store)
        store.items.put_workspace("partners", public=True)
        store.directory.put_role("agent", PERMISSIONS[:-1])
        store.directory.put_role("lead", PERMISSIONS)
        store.directory.put_role("looker", ["view_mail"])
        yield store


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def scope(store: Store, login: str = "bob", config: Config | None = None) -> Scope:
    account = store.directory.login(login)
    assert account is not None
    return Scope.of(store, config or configured(), account)


def may(scope: Scope) -> dict[str, set[str]]:
    """Which words about mail somebody has, by workspace."""
    found = {place: {word for word in OF_MAIL if scope.may(word, place)} for place in PLACES}
    return {place: words for place, words in found.items() if words}


# ── who may what ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_has_no_role_may_nothing_about_mail_but_what_everybody_may_about_items(store: Store) -> None:
    assert may(scope(store)) == {} and scope(store).mailboxes == frozenset()
    assert scope(store).may("add_items", "support") and not scope(store).may("add_items", "finance")


def test_a_role_gives_its_words_in_its_workspace_to_a_person_or_a_group(store: Store) -> None:
    store.directory.put_member("support", "agent", user="bob")
    store.directory.put_member("finance", "looker", group="staff")
    assert may(scope(store)) == {"support": {"view_mail", "read_mail", "decide_mail"}, "finance": {"view_mail"}}


def test_two_roles_in_one_workspace_add_up(store: Store) -> None:
    store.directory.put_role("reads", ["read_mail"])
    for role in ("looker", "reads"):
        store.directory.put_member("support", role, user="bob")
    assert may(scope(store)) == {"support": {"view_mail", "read_mail"}}


@pytest.mark.parametrize("owner", ["BOB@example.com", "Bob <bob@example.com>", "bob.lund@example.com"])
def test_an_owner_may_all_of_it_in_the_workspace(store: Store, owner: str) -> None:
    assert may(scope(store, config=configured(owner))) == {"finance": {*OF_MAIL}}


@pytest.mark.parametrize("owner", ["Bob Lund <bob@elsewhere.example>", "anna@example.com", ""])
def test_a_name_makes_nobody_an_owner(store: Store, owner: str) -> None:
    """Anybody can be called so: accounts are made of mail, with the name that it gives."""
    assert may(scope(store, config=configured(owner, owner))) == {}


def test_the_owner_of_the_system_may_all_about_mail_without_a_workspace_and_not_its_rules(store: Store) -> None:
    assert may(scope(store, config=configured(system=BOB))) == {NOWHERE: {"view_mail", "read_mail", "decide_mail"}}


def test_an_admin_may_everything_everywhere(store: Store) -> None:
    for its in (scope(store, "anna"), EVERYTHING):
        assert all(its.may(word, place) for word in PERMISSIONS for place in (*PLACES, "nowhere")) and its.sight.all


@pytest.mark.parametrize("status", ["locked", "registered", "guest"])
def test_who_may_not_log_in_may_nothing_whoever_they_are(store: Store, status: str) -> None:
    store.directory.put_member("support", "lead", user="bob")
    store.directory.put_account("bob", status=status, admin=True)
    its = scope(store, config=configured(BOB, BOB))
    assert may(its) == {} and not its.admin and its.sight.mailboxes == its.sight.workspaces == frozenset()


def test_what_is_taken_away_is_gone_with_the_next_question(store: Store) -> None:
    store.directory.put_member("support", "agent", user="bob")
    store.directory.put_role("agent", ["view_mail"])
    assert may(scope(store)) == {"support": {"view_mail"}}


# ── which mail that is ────────────────────────────────────────────────────────────────────────────────────────────


def test_mail_belongs_to_the_workspace_of_its_newest_receipt_else_to_that_of_its_mailbox(desk: Desk) -> None:
    desk.store.directory.put_member("finance", "agent", user="bob")
    (waits,), (other,) = desk.spool(mailbox="finance"), desk.spool(mailbox="system")
    there = desk.end(Outcome.HELD, workspace="finance")
    away = desk.end(Outcome.HELD, workspace="support", content=desk.raw(mailbox="finance"))
    again = desk.end(Outcome.HELD, workspace="finance")
    desk.store.ledger.reopen(again, Release("anna"))
    its, row = scope(desk.store), desk.store.archive.mail
    for mail in (waits.mail, there, again):
        assert its.sees(row(mail)) and its.reads(row(mail)) and its.decides(row(mail))
    for mail in (other.mail, away):
        assert not (its.sees(row(mail)) or its.reads(row(mail)) or its.decides(row(mail)))


def test_who_sees_a_mail_reads_and_decides_it_only_by_a_word_for_that(desk: Desk) -> None:
    desk.store.directory.put_role("decider", ["view_mail", "decide_mail"])
    desk.store.directory.put_member("support", "looker", user="bob")
    desk.store.directory.put_member("support", "decider", user="jane")
    row = desk.store.archive.mail(desk.end(Outcome.HELD))
    bob, jane = scope(desk.store, "bob"), scope(desk.store, "jane")
    assert (bob.sees(row), bob.reads(row), bob.decides(row)) == (True, False, False)
    assert (jane.sees(row), jane.reads(row), jane.decides(row)) == (True, False, True)


def test_who_does_not_see_a_mail_neither_reads_nor_decides_it(desk: Desk) -> None:
    desk.store.directory.put_role("odd", ["read_mail", "decide_mail"])
    desk.store.directory.put_member("support", "odd", user="bob")
    row, its = desk.store.archive.mail(desk.end(Outcome.HELD)), scope(desk.store)
    assert its.may("read_mail", "support") and not (its.reads(row) or its.decides(row))


def test_mail_of_a_mailbox_that_is_configured_no_more_is_for_admins(desk: Desk) -> None:
    (waits,) = desk.spool(mailbox="gone")
    row = desk.store.archive.mail(waits.mail)
    its = scope(desk.store, config=configured(BOB, BOB))
    assert not (its.sees(row) or its.decides(row))
    assert EVERYTHING.sees(row) and EVERYTHING.reads(row) and EVERYTHING.decides(row)
    assert scope(desk.store, "anna").reads(row)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    roles=st.dictionaries(st.sampled_from(PLACES[:3]), st.sampled_from(["agent", "lead", "looker"])),
    finance=st.sampled_from(["", BOB]), system=st.sampled_from(["", BOB]),
)  # fmt: skip
def test_the_database_gives_the_mails_that_a_scope_sees(
    desk: Desk, roles: dict[str, str], finance: str, system: str
) -> None:
    store = desk.store
    if store.archive.oldest() is None:
        for box in ("system", "finance", "gone"):
            for workspace in ("", "support", "finance", "partners"):
                desk.end(Outcome.HELD, workspace=workspace, content=desk.raw(mailbox=box))
            desk.spool(mailbox=box)
    with store.rehearsal():
        for workspace, role in roles.items():
            store.directory.put_member(workspace, role, user="bob")
        its = scope(store, config=configured(finance, system))
        rows = store.archive.search("", 100).mails
        assert len(rows) == 15
        assert store.archive.search("", 100, sight=its.sight).mails == [row for row in rows if its.sees(row)]
        assert all(its.sees(row) for row in rows if its.reads(row) or its.decides(row))
