"""What people change: done whole, or refused with a sentence."""

from __future__ import annotations

from typing import Any

import databases
import pytest
from deciding import CONFIG, DATA, NOW, raw, settled

from engine.config import load
from engine.desk import acting
from engine.model import trace as traces
from engine.run.engine import Engine
from engine.run.process import process
from engine.store.errors import NotFound, Unclear
from engine.store.load import load as load_data
from engine.store.store import Store


@pytest.fixture
def filled(engine: Engine) -> Engine:
    process(engine, engine.store.ledger.spool([raw()], "a"), NOW)
    return engine


def test_a_mail_is_decided_again_and_nothing_is_kept(filled: Engine) -> None:
    row = filled.store.archive.mail("last")
    this = acting.decided_now(filled, row)
    assert this.same
    filled.store.directory.put_account("anna", status="locked")
    assert not acting.decided_now(filled, row).same
    assert filled.store.archive.mail("last") == row


def test_a_dry_replay_says_everything_that_keeping_the_result_changes(tmp_path: Any) -> None:
    rules = tmp_path / "system.toml"
    (tmp_path / "allegra.toml").write_text(CONFIG.replace("[system]\n", '[system]\nrules = "system.toml"\n'))
    rules.write_text("[[rule]]\nname = 'a'\nthen = ['add label \"old\"', 'set priority \"High\"']\n")
    config = load(tmp_path / "allegra.toml")
    with Store.open(databases.fresh()) as store:
        load_data(store, DATA)
        process(Engine(config, store), store.ledger.spool([raw()], "a"), NOW)
        row, before = store.archive.mail("last"), store.items.view(1)
        rules.write_text("[[rule]]\nname = 'a'\nthen = ['add label \"new\"', 'set priority \"Low\"']\n")
        engine = Engine(config, store)
        this = acting.decided_now(engine, row)
        assert (this.same_end, this.same) == (True, False)
        changes = [(each.name, each.before, each.after) for each in this.changes]
        assert changes == [("priority", "High", "Low"), ("labels", "old", "new, old")]
        assert (store.items.view(1), store.archive.mail("last")) == (before, row), "nothing was kept"
        list(acting.replay(engine, row))
        kept = store.items.view(1)
        assert (kept.item.priority, kept.labels) == ("Low", ("new", "old"))
        assert store.archive.text(traces.decode(store.archive.trace(row.mail)).rules[0].digest) == rules.read_text()
        assert acting.decided_now(engine, store.archive.mail("last")).same
        assert not acting.decided_now(engine, store.archive.mail("last"), as_new=True).same


def test_a_replay_updates_what_the_mail_made_and_makes_a_second_item_only_on_purpose(filled: Engine) -> None:
    row = filled.store.archive.mail("last")
    (line,) = acting.replay(filled, row)
    assert (line.outcome.value, line.item) == ("created", 1)
    assert len(filled.store.items.newest()) == 1
    list(acting.replay(filled, filled.store.archive.mail("last"), as_new=True))
    assert len(filled.store.items.newest()) == 2


def test_a_mail_whose_bytes_are_gone_is_not_decided_again(filled: Engine) -> None:
    row = filled.store.archive.mail("last")
    settled(filled)
    filled.store.archive.purge(row.mail)
    for act in (acting.decided_now, lambda engine, row: list(acting.replay(engine, row))):
        with pytest.raises(acting.Erased, match="purged"):
            act(filled, row)
    assert filled.store.archive.mail(row.mail).generation == 1


def test_pruning_tells_what_would_go_and_keeps_it(filled: Engine) -> None:
    before = filled.store.archive.raw(filled.store.archive.mail("last").mail)
    acting.prune(filled.config, filled.store, commit=False)
    assert filled.store.archive.raw(filled.store.archive.mail("last").mail) == before


@pytest.mark.parametrize(
    ("login", "emails"), [("", ()), ("a b", ()), ("a<b", ()), ("ok", ("no address",)), ("ok", ("@x",)), ("ok", ("x@",))]
)
def test_what_is_no_login_or_address_makes_no_user(engine: Engine, login: str, emails: Any) -> None:
    with pytest.raises(Unclear):
        acting.put_user(engine.store, login, emails)
    assert [each.login for each in engine.store.directory.accounts()] == ["anna"]


def test_only_what_is_given_of_a_user_changes(engine: Engine) -> None:
    assert acting.put_user(engine.store, "anna", status="locked", name=None) == "changed"
    account = engine.store.directory.login("anna")
    assert account and (account.name, account.status, account.emails) == ("Anna Berg", "locked", ("anna@example.com",))
    acting.set_user_status(engine.store, "anna", "active")
    with pytest.raises(NotFound):
        acting.set_user_status(engine.store, "anna@example.com", "locked")
    assert len(engine.store.directory.accounts()) == 1


def test_a_workspace_is_added_with_its_members_or_not_at_all(engine: Engine) -> None:
    engine.store.directory.put_role("member", ["view_items"])
    with pytest.raises(NotFound):
        acting.put_workspace(engine.store, "sales", {}, [("anna", "member"), ("nobody", "member")])
    assert engine.store.items.catalog("sales") is None
    assert acting.put_workspace(engine.store, "sales", {"types": ("Lead",)}, [("anna", "member")]) == "added"
    assert acting.put_workspace(engine.store, "sales", {}, [("anna", "member")]) == "same"
    acting.set_workspace_status(engine.store, "sales", "closed")
    catalog = engine.store.items.catalog("sales")
    assert catalog and (catalog.status, catalog.types) == ("closed", ("Lead",))
    for act in (lambda: acting.put_workspace(engine.store, "a b", {}), lambda: acting.put_group(engine.store, " ")):
        with pytest.raises(Unclear):
            act()


def test_F046_a_note_is_published_once(desk: Any) -> None:
    desk.load(
        '[[items]]\nid = 7\nworkspace = "support"\ntitle = "Old"\nauthor = "anna"\n'
        'comments = [{ author = "anna", text = "between us", internal = true }]\n'
    )
    (note,) = desk.item(7)["comments"]
    assert [desk.allegra("item", "publish", "7", str(note["id"])).exit_code for _ in range(2)] == [0, 1]
    assert [each["internal"] for each in desk.item(7)["comments"]] == [False]
