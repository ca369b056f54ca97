"""Who is who, and who may do what."""

from __future__ import annotations

import pytest
from store.desk import notice

from engine.model.desk import CustomField, Status
from engine.store.errors import NotFound, Refused


def test_F052_addresses_find_their_account_in_any_case(desk):
    match = desk.store.directory.account("BOB.lund@EXAMPLE.com", "+")
    assert (match.account.login, match.by) == ("bob", "exact")
    assert match.account.emails == ("bob@example.com", "Bob.Lund@Example.com")


def test_F061_mail_from_the_plain_address_finds_the_account_with_a_suffix(desk):
    desk.store.directory.put_account("ci", emails=["build+jenkins@example.com"])
    assert desk.store.directory.account("build@example.com", "+").by == "suffix"
    assert desk.store.directory.account("build@example.com", "").account is None
    assert desk.store.directory.account("build@example.org", "+").account is None


@pytest.mark.parametrize(
    "address", ["build+other@example.com", "uild@example.com", "build.x@example.com", "@", "", "build"]
)
def test_F061_other_addresses_do_not(desk, address):
    desk.store.directory.put_account("ci", emails=["build+jenkins@example.com"])
    assert desk.store.directory.account(address, "+-").account is None


def test_F061_exact_comes_before_suffix(desk):
    desk.store.directory.put_account("ci", emails=["build+jenkins@example.com"])
    desk.store.directory.put_account("plain", emails=["build@example.com"])
    assert desk.store.directory.account("build@example.com", "+").account.login == "plain"


def test_F061_several_separators(desk):
    desk.store.directory.put_account("ci", emails=["build-a@example.com"])
    assert desk.store.directory.account("build@example.com", "+-").account.login == "ci"


@pytest.mark.parametrize("text", ["bob", "bob@example.com", "Bob  LUND", " Bob Lund "])
def test_F087_people_are_found_by_login_address_and_name(desk, text):
    assert desk.store.directory.person(text).login == "bob"


def test_a_name_of_two_people_finds_nobody(desk):
    desk.store.directory.put_account("bob2", name="bob lund")
    assert desk.store.directory.person("Bob Lund") is None


def test_groups_are_found_in_any_case_and_named_as_stored(desk):
    assert (desk.store.directory.group("STAFF"), desk.store.directory.group("nobody")) == ("staff", "")


def test_in_a_public_workspace_everyone_active_may_write(desk):
    desk.store.directory.put_account("guest", status="guest")
    assert desk.store.directory.may("jane", "add_items", "support") and desk.store.directory.may(
        "guest", "add_comments", "support"
    )
    assert not desk.store.directory.may("jane", "edit_items", "support")
    assert desk.store.directory.may("anna", "edit_items", "support")
    assert not desk.store.directory.may("nobody", "add_items", "support")


def test_in_a_private_workspace_members_may_what_their_roles_permit(desk):
    assert not desk.store.directory.may("jane", "view_items", "finance")
    desk.store.directory.put_role("reader", ["view_items"])
    desk.store.directory.put_role("writer", ["add_items"])
    desk.store.directory.put_member("finance", "reader", group="customers")
    desk.store.directory.put_member("finance", "writer", user="jane")
    assert desk.store.directory.may("jane", "view_items", "finance") and desk.store.directory.may(
        "jane", "add_items", "finance"
    )
    assert not desk.store.directory.may("jane", "edit_items", "finance")
    assert not desk.store.directory.may("bob", "view_items", "finance")


@pytest.mark.parametrize("status", ["locked", "registered"])
def test_who_is_not_active_may_nothing(desk, status):
    desk.store.directory.put_account("anna", status=status)
    assert not desk.store.directory.may("anna", "view_items", "support")


def test_nobody_may_anything_in_a_workspace_that_does_not_exist(desk):
    assert not desk.store.directory.may("anna", "view_items", "nowhere") and desk.store.items.catalog("nowhere") is None


def test_catalog_has_the_lists_of_the_workspace_and_the_defaults_for_the_rest(desk):
    desk.store.items.put_field(CustomField("Order number"))
    desk.store.items.put_workspace(
        "support", lists={"statuses": ["Open", {"name": "Gone", "closed": True}, "Resolved"]}
    )
    catalog = desk.store.items.catalog("support")
    assert catalog.types == ("Task", "Incident") and catalog.priorities[1] == "Normal"
    assert catalog.statuses == (Status("Open"), Status("Gone", True), Status("Resolved", True))
    assert [field.name for field in catalog.fields] == ["Order number"]


def test_a_field_that_only_a_rule_set_is_no_part_of_the_catalog(desk):
    desk.item(fields=(("external_ref", "INC1"),))
    assert desk.store.items.catalog("support").fields == ()
    desk.store.items.put_field(CustomField("External_Ref"))
    assert [field.name for field in desk.store.items.catalog("support").fields] == ["External_Ref"]


# ── changing ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_putting_the_same_thing_twice_changes_nothing(desk):
    assert desk.store.directory.put_account("carl", name="Carl", emails=["c@example.com"], groups=["staff"]) == "added"
    assert desk.store.directory.put_account("carl", name="Carl", emails=["c@example.com"], groups=["staff"]) == "same"
    assert desk.store.directory.put_account("carl", groups=["customers"]) == "changed"
    assert desk.store.directory.put_account("carl", emails=["d@example.com"]) == "changed"
    assert desk.store.directory.login("carl").emails == ("d@example.com",)
    assert desk.store.directory.login("carl").groups == ("customers", "staff")


def test_an_address_belongs_to_one_user(desk):
    with pytest.raises(Refused, match="belongs to user jane"):
        desk.store.directory.put_account("carl", emails=["JANE@example.com"])
    assert desk.store.directory.login("carl") is None


def test_unknown_groups_roles_and_people_are_named(desk):
    with pytest.raises(NotFound, match='no group "x"'):
        desk.store.directory.put_account("carl", groups=["x"])
    with pytest.raises(NotFound, match='no role "boss"'):
        desk.store.directory.put_member("support", "boss", user="jane")
    with pytest.raises(NotFound, match='no user "zoe"'):
        desk.store.directory.put_group("staff", ["zoe"])


def test_members_are_listed(desk):
    desk.store.directory.put_role("Writer", ["add_items"])
    desk.store.directory.put_member("support", "writer", user="jane")
    assert desk.store.directory.put_member("support", "WRITER", user="jane") == "same"
    desk.store.directory.put_member("support", "writer", group="staff")
    assert desk.store.directory.members("support") == [("group", "staff", "Writer"), ("user", "jane", "Writer")]


def test_who_wrote_something_is_locked_and_not_removed(desk):
    desk.item()
    with pytest.raises(Refused, match="lock it"):
        desk.store.directory.remove_account("jane")
    assert desk.store.directory.login("jane").emails == ("jane@example.com",)
    desk.store.directory.remove_account("bob")
    assert (
        desk.store.directory.login("bob") is None
        and desk.store.directory.account("bob@example.com", "").account is None
    )


def test_who_was_told_something_and_wanted_something_can_be_removed_and_the_rows_stay(desk):
    bob = desk.store.directory.login("bob").id
    desk.item(told=(notice("bob@example.com", account=bob),))
    with desk.store.writing():
        desk.store.database.run("INSERT INTO preference VALUES (?, '', 'new', 'all')", bob)
    desk.store.directory.remove_account("bob")
    assert desk.count("preference") == 0
    assert [(line.to, line.login) for line in desk.store.outbox.told(item=1)] == [("bob@example.com", "")]


def test_a_workspace_with_items_stays(desk):
    desk.item()
    with pytest.raises(Refused, match="holds items"):
        desk.store.items.remove_workspace("support")
    desk.store.items.remove_workspace("finance")
    assert [each.workspace for each in desk.store.items.workspaces()] == ["support"]


def test_a_removed_group_leaves_its_users(desk):
    desk.store.directory.remove_group("Staff")
    assert desk.store.directory.login("bob").groups == () and desk.store.directory.groups() == [
        ("customers", ("jane",))
    ]


def test_another_process_that_writes_is_noticed(file_desk):
    from engine.store.store import Store

    before = file_desk.store.versions()
    assert file_desk.store.directory.account("new@example.com", "").account is None
    with Store.open(file_desk.store.path) as other:
        other.directory.put_account("new", emails=["new@example.com"])
    assert "accounts" in file_desk.store.changed_since(before).counters
    assert file_desk.store.directory.account("new@example.com", "").account.login == "new"
