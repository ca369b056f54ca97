"""`allegra check` finds what nobody hears: held mail (C173), workspaces without people (C174), and more: C175, C176."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import databases
import pytest

from engine.config import load
from engine.store.store import Store
from engine.workbench.hearers import problems, unheard
from rules.problem import Problem, Severity

BASE = """
[system]
default_workspace = "support"
[system.mailbox]
protocol  = "maildir"
path      = "mail"
addresses = ["help@example.com"]
"""
SUPPORT = '[workspace.support]\nname = "Support"\n'
OWNED = SUPPORT + 'owner = "olga@example.com"\n'

Find = Callable[..., list[Problem]]


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(databases.fresh()) as opened:
        opened.items.put_workspace("support")
        yield opened


@pytest.fixture
def find(tmp_path: Path, store: Store) -> Find:
    def finding(text: str, base: str = BASE) -> list[Problem]:
        (tmp_path / "allegra.toml").write_text(base + text)
        config = load(tmp_path / "allegra.toml")
        found = list(problems(config, store))
        assert [each.message for each in found if each.code != "C175"] == list(unheard(config, store))
        assert {each.severity for each in found} <= {Severity.WARNING}
        return found

    return finding


def codes(found: list[Problem]) -> list[str]:
    return [each.code for each in found]


def member(store: Store, permission: str = "edit_items", **account: object) -> None:
    store.directory.put_account("anna", **account)
    store.directory.put_role("agent", [permission])
    store.directory.put_member("support", "agent", user="anna")


def test_where_nobody_is_both_are_told_at_the_workspace(find: Find) -> None:
    found = find(SUPPORT)
    assert codes(found) == ["C173", "C174"]
    assert found[0].message == "nobody hears of mail that is held in support"
    assert [each.excerpt for each in found] == ["[workspace.support]"] * 2


@pytest.mark.parametrize(
    "text", [OWNED, SUPPORT + '[errors]\nforward_to = ["ops@example.com"]\n',
             SUPPORT + '[workspace.support.errors]\nforward_to = ["ops@example.com"]\n'],
)  # fmt: skip
def test_an_owner_or_an_address_for_errors_hears(find: Find, text: str) -> None:
    assert "C173" not in codes(find(text))


def test_the_owner_of_the_system_hears_of_held_mail_where_a_workspace_has_none(find: Find) -> None:
    owned = BASE.replace("[system]\n", '[system]\nowner = "olga@example.com"\n')
    assert codes(find(SUPPORT, owned)) == ["C174"]


def test_an_admin_with_an_address_hears_where_nobody_else_does(find: Find, store: Store) -> None:
    store.directory.put_account("root", admin=True)
    assert codes(find(SUPPORT)) == ["C173", "C174"]
    store.directory.put_account("root", admin=True, emails=["root@example.com"], status="locked")
    assert codes(find(SUPPORT)) == ["C173", "C174"]
    store.directory.put_account("root", status="active")
    assert codes(find(SUPPORT)) == []


def test_a_member_who_may_edit_items_works_there_and_one_who_may_look_does_not(find: Find, store: Store) -> None:
    member(store, "view_items")
    assert codes(find(SUPPORT)) == ["C173", "C174"]
    member(store)
    assert codes(find(SUPPORT)) == ["C173"]
    store.directory.put_account("anna", status="locked")
    assert codes(find(SUPPORT)) == ["C173", "C174"]


def test_a_member_of_a_group_works_there_too(find: Find, store: Store) -> None:
    store.directory.put_group("staff")
    store.directory.put_role("agent", ["edit_items"])
    store.directory.put_member("support", "agent", group="staff")
    assert codes(find(SUPPORT)) == ["C173", "C174"]
    store.directory.put_account("bob", groups=["staff"])
    assert codes(find(SUPPORT)) == ["C173"]


def test_whom_no_mail_reaches_is_named_and_counts_as_nobody(find: Find, store: Store) -> None:
    store.directory.put_account("olga", emails=["olga@example.com"])
    assert codes(find(OWNED)) == []
    store.directory.put_account("olga", status="locked")
    found = find(OWNED)
    assert codes(found) == ["C173", "C174", "C176"]
    assert found[2].message == "no mail reaches olga@example.com, the owner of support: the account olga is locked"
    assert found[2].excerpt == 'owner = "olga@example.com"'


def test_an_owner_who_does_not_want_to_hear_of_held_mail_is_nobody(find: Find, store: Store) -> None:
    member(store, emails=["olga@example.com"])
    store.directory.put_preferences("anna", "", {"held": "no"})
    (found,) = find(OWNED)
    assert found.code == "C173" and found.message.endswith("held in support: its owner anna prefers not")
    store.directory.put_preferences("anna", "support", {"held": "yes"})
    assert codes(find(OWNED)) == []
    assert codes(find(OWNED + "[notify.defaults]\nheld = false\n")) == []


def test_an_address_from_which_mail_came_back_is_named_until_somebody_mends_it(find: Find, store: Store) -> None:
    member(store, emails=["anna@example.com"])
    with store.joining():
        store.database.run("INSERT INTO address_state VALUES ('anna@example.com', 1, '5.1.1', 0)")
    found = find(OWNED)
    assert [(each.code, each.message) for each in found] == [
        ("C176", "no mail reaches anna (anna@example.com), who works in support: what was sent there came back")
    ]
    to = 'forward_to = ["anna@example.com", "ops@example.com"]'
    (told, _) = find(OWNED + f"[workspace.support.errors]\n{to}\n")
    assert told.excerpt == to and told.message.startswith("no mail reaches anna@example.com, who hears what went wrong")
    store.outbox_views.clear("anna@example.com", "root")
    assert codes(find(OWNED)) == []


def test_nobody_is_missed_while_the_database_is_empty(tmp_path: Path) -> None:
    (tmp_path / "allegra.toml").write_text(BASE + SUPPORT)
    with Store.open(databases.fresh()) as empty:
        assert problems(load(tmp_path / "allegra.toml"), empty) == ()


@pytest.mark.parametrize(
    ("text", "underlined"),
    [
        ('[replies]\nfrom = "Help <help@elsewhere.example>"\n', '"Help <help@elsewhere.example>"'),
        ('[workspace.support.replies]\nfrom = "support@sub.example.com"\n', '"support@sub.example.com"'),
        ('[replies]\nfrom = "desk@EXAMPLE.com"\n', ""),
        ('[replies]\nfrom = ""\n', ""),
    ],
)
def test_answers_that_come_from_a_domain_we_do_not_read_are_told_where_it_is_written(
    find: Find, text: str, underlined: str
) -> None:
    found = [each for each in find(OWNED + text) if each.code == "C175"]
    assert len(found) == bool(underlined)
    for each in found:
        assert each.excerpt[each.column - 1 : each.column - 1 + each.length].strip('"') == underlined.strip('"')
        assert "example.com" in each.help
