"""What every directory promises: who is who, who may do what, and changes that can be repeated."""

from __future__ import annotations

import pytest

from engine.model.desk import AccountStatus
from engine.model.draft import Role
from engine.model.plan import AddPerson
from engine.store.errors import NotFound, Refused
from engine.store.permissions import OF_MAIL, PERMISSIONS


@pytest.fixture
def directory(store):
    return store.directory


def test_an_account_is_found_by_any_address_in_any_case(directory):
    match = directory.account("BOB.lund@EXAMPLE.com", "+")
    assert (match.account.login, match.by) == ("bob", "exact")
    assert directory.account("nobody@example.com", "+").account is None


def test_F061_a_plain_address_finds_the_account_that_has_it_with_a_suffix(directory):
    directory.put_account("ci", emails=["build+jenkins@example.com"])
    assert (directory.account("build@example.com", "+").by, directory.account("build@example.com", "").by) == (
        "suffix", "",
    )  # fmt: skip
    assert directory.account("build+other@example.com", "+").account is None


def test_logins_are_exact_and_numbers_lead_back(directory):
    jane = directory.login("jane")
    assert directory.login("Jane") is None
    assert directory.account_by_id(jane.id) == jane and directory.account_by_id(10_000) is None


@pytest.mark.parametrize("text", ["bob", "bob@example.com", "Bob  LUND"])
def test_F087_people_are_found_by_login_address_and_name(directory, text):
    assert directory.person(text).login == "bob"


def test_a_name_of_two_people_finds_nobody(directory):
    directory.put_account("bob2", name="bob lund")
    assert directory.person("Bob Lund") is None


def test_groups_are_found_in_any_case_and_tell_who_can_be_written_to(directory):
    directory.put_account("mute", groups=["staff"])
    directory.put_account("gone", groups=["staff"], emails=["gone@example.com"], status="locked")
    assert (directory.group("STAFF"), directory.group("nobody")) == ("staff", "")
    assert directory.group_logins("Staff") == ("anna", "bob")
    assert dict(directory.groups())["staff"] == ("anna", "bob", "gone", "mute")


def test_permissions_come_from_membership_publicity_and_administration(directory):
    directory.put_account("guest", status="guest")
    directory.put_role("reader", ["view_items"])
    assert directory.put_member("finance", "reader", group="customers") == "added"
    assert directory.may("jane", "view_items", "finance") and not directory.may("jane", "edit_items", "finance")
    assert directory.may("guest", "add_items", "support") and not directory.may("guest", "edit_items", "support")
    assert directory.may("anna", "edit_items", "finance") and not directory.may("bob", "view_items", "finance")
    directory.put_account("jane", status="locked")
    assert not directory.may("jane", "view_items", "finance") and not directory.may("anna", "view_items", "nowhere")


def test_all_that_somebody_may_is_what_is_permitted_when_it_is_asked_for(directory, store):
    store.items.put_workspace("ops", public=False)
    directory.put_account("guest", status="guest")
    directory.put_account("gone", status="locked", groups=["staff"])
    directory.put_role("lead", PERMISSIONS)
    directory.put_role("reader", ["view_mail", "read_mail"])
    directory.put_member("finance", "lead", user="bob")
    directory.put_member("ops", "reader", group="staff")
    for login in ("anna", "bob", "jane", "guest", "gone", "nobody"):
        told = directory.permitted(login)
        for place in ("support", "finance", "ops", "nowhere"):
            may = {word for word in PERMISSIONS if directory.may(login, word, place)}
            assert told.get(place, set()) == may
        assert all(told.values())
    assert directory.permitted("bob")["ops"] == {"view_mail", "read_mail"}
    directory.put_role("reader", ["view_mail"])
    assert directory.permitted("bob")["ops"] == {"view_mail"}


def test_in_a_public_workspace_no_mail_is_seen_without_a_role(directory):
    assert "view_items" in directory.permitted("jane")["support"]
    assert not any(word in directory.permitted("jane")["support"] for word in OF_MAIL)


def test_roles_are_listed_with_what_they_permit(directory):
    directory.put_role("Writer", ["add_items", "view_items"])
    directory.put_role("nothing", [])
    listed = dict(directory.roles())
    assert listed["Writer"] == ("add_items", "view_items") and listed["nothing"] == ()
    assert list(listed) == sorted(listed, key=str.casefold)


def test_members_are_listed_with_kind_and_role(directory):
    directory.put_role("Reader", ["view_items"])
    directory.put_member("finance", "reader", user="jane")
    directory.put_member("finance", "reader", group="staff")
    assert directory.members("finance") == [("group", "staff", "Reader"), ("user", "jane", "Reader")]
    assert directory.members("support") == []


def test_accounts_are_listed_by_login(directory):
    assert [each.login for each in directory.accounts()] == ["anna", "bob", "jane"]


def test_accounts_in_a_list_are_told_as_one_alone_is(directory):
    directory.put_account("eve", emails=["Eve@example.com", "a@example.com"], groups=["staff"], language="de")
    directory.put_account("old", admin=True, status="locked")
    listed = directory.accounts()
    assert listed == [directory.login(each.login) for each in listed] and len(listed) == 5
    assert [each.login for each in directory.admins()] == [
        each.login for each in listed if each.admin and each.status == AccountStatus.ACTIVE
    ]


def test_putting_the_same_twice_changes_nothing(directory):
    def put():
        yield directory.put_account("eve", name="Eve", emails=["Eve@example.com"], groups=["staff"], admin=True)
        yield directory.put_group("team", ["jane"])
        yield directory.put_role("writer", ["add_items"])
        yield directory.put_member("finance", "writer", user="jane")

    assert list(put()) == ["added"] * 4 and list(put()) == ["same"] * 4


def test_what_is_not_given_stays_and_what_is_given_changes(directory):
    assert directory.put_account("jane", language="de") == "changed"
    assert directory.put_account("jane", groups=["staff"]) == "changed"
    jane = directory.login("jane")
    assert (jane.name, jane.language, jane.emails, jane.groups) == (
        "Jane Doe", "de", ("jane@example.com",), ("customers", "staff"),
    )  # fmt: skip
    assert directory.put_account("jane", emails=["j@example.com"]) == "changed"
    assert directory.account("jane@example.com", "").account is None


def test_what_somebody_wants_is_noted_by_workspace_and_taken_back(directory):
    assert directory.preferences("bob") == {}
    assert directory.put_preferences("bob", "", {"new": "none", "own": "yes"}) == "changed"
    assert directory.put_preferences("bob", "support", {"new": "all"}) == "changed"
    assert directory.put_preferences("bob", "support", {"new": "all"}) == "same"
    assert directory.preferences("bob") == {("", "new"): "none", ("", "own"): "yes", ("support", "new"): "all"}
    bob = directory.login("bob").id
    assert [directory.preference(bob, place, "new") for place in ("support", "finance")] == ["all", "none"]
    assert directory.preference(bob, "support", "format") == "", "nobody said so"
    assert directory.put_preferences("bob", "", {"own": None}) == "changed"
    assert directory.put_preferences("bob", "", {"own": None}) == "same"
    assert ("", "own") not in directory.preferences("bob") and directory.preferences("jane") == {}
    for ask in (directory.preferences, lambda login: directory.put_preferences(login, "", {"new": "all"})):
        with pytest.raises(NotFound):
            ask("nobody")


def test_an_address_belongs_to_one_account(directory):
    with pytest.raises(Refused, match="belongs to user bob"):
        directory.put_account("eve", emails=["BOB@example.com"])
    assert directory.login("eve") is None, "nothing of it was written"


@pytest.mark.parametrize(
    "put",
    [lambda it: it.put_account("eve", groups=["nobody"]), lambda it: it.put_group("team", ["nobody"]),
     lambda it: it.put_member("nowhere", "r", user="jane"), lambda it: it.put_member("support", "no", user="jane"),
     lambda it: it.remove_account("nobody"), lambda it: it.remove_group("nobody")],
)  # fmt: skip
def test_what_is_not_there_is_said(directory, put):
    with pytest.raises(NotFound, match="there is no"):
        put(directory)


def test_who_wrote_something_is_not_taken_away_others_are(desk, directory):
    desk.item("x", AddPerson(0, "bob", Role.READER))
    with pytest.raises(Refused, match="lock it instead"):
        directory.remove_account("jane")
    directory.remove_account("bob")
    assert directory.login("bob") is None and directory.account("bob@example.com", "").account is None
    directory.remove_group("Staff")
    assert directory.group("staff") == "" and directory.login("anna").groups == ()
