"""The commands that look after people, places, items and the database, as a person types them."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click
import databases
import pytest
from click.testing import CliRunner, Result
from servers.limits import no_file_above

from engine.cli import common, shown
from engine.cli.admin import admin
from engine.cli.db import db
from engine.cli.group import group
from engine.cli.item import item
from engine.cli.role import role
from engine.cli.user import user
from engine.cli.workspace import workspace

CONFIG = """
schema = 1
[system.mailbox]
protocol = "maildir"
path = "Maildir"
addresses = ["help@example.com"]
"""

DATA = """
[[groups]]
name = "staff"
[[users]]
login = "anna"
name = "Anna Berg"
emails = ["anna@example.com"]
groups = ["staff"]
admin = true
[[workspaces]]
identifier = "support"
name = "Support"
[[items]]
id = 7
workspace = "support"
title = "Printer \\u001b[31mred"
author = "anna"
text = "It is\\n    on fire."
labels = ["vip"]
comments = [{ author = "anna", text = "Out." }, { author = "anna", text = "Really.", internal = true }]
"""


class Desk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        databases.configured(folder, CONFIG)
        (folder / "data.toml").write_text(DATA)

    def run(self, command: click.Command, *words: str) -> Result:
        shared = {"config": str(self.folder / "allegra.toml"), "verbose": 0, "quiet": False}
        return CliRunner().invoke(command, list(words), obj=shared)

    def load(self) -> Result:
        return self.run(admin, "load", str(self.folder / "data.toml"))

    def lines(self, command: click.Command, *words: str) -> list[dict]:
        done = self.run(command, *words, "--json")
        assert done.exit_code == 0, done.output
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def full(desk: Desk) -> Desk:
    assert desk.load().exit_code == 0
    return desk


# ── admin load ────────────────────────────────────────────────────────────────────────────────────────────────


def test_loading_says_what_was_new_and_twice_changes_nothing(desk):
    assert re.search(r"users +1 +0 +0", desk.load().stdout)
    assert re.search(r"users +0 +0 +1", desk.load().stdout)


def test_a_dry_run_keeps_nothing(desk):
    done = desk.run(admin, "load", str(desk.folder / "data.toml"), "--dry-run")
    assert re.search(r"items +1 +0 +0", done.stdout) and "dry run" in done.stderr
    assert desk.lines(user, "list") == []


def test_loading_as_json_is_one_line_a_table(desk):
    done = desk.lines(admin, "load", str(desk.folder / "data.toml"))
    assert done[0] == {"schema": "allegra.admin/1", "table": "groups", "added": 1, "changed": 0, "same": 0}


def test_problems_have_places_and_exit_1(desk):
    (desk.folder / "bad.toml").write_text('[[users]]\nlogin = "a"\nemial = "x"\n')
    done = desk.run(admin, "load", str(desk.folder / "bad.toml"))
    assert done.exit_code == 1 and done.stdout == ""
    assert "bad.toml:3:1" in done.stderr and "did you mean emails ?" in done.stderr


def test_a_file_that_is_no_toml_is_exit_1(desk):
    (desk.folder / "bad.toml").write_text("[[users]\n")
    done = desk.run(admin, "load", str(desk.folder / "bad.toml"))
    assert done.exit_code == 1 and "this is no TOML" in done.stderr


# ── people and places ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_user_is_added_shown_changed_locked_and_removed(full):
    done = full.run(user, "add", "bob", "--name", "Bob Lund", "--email", "bob@example.com", "--group", "staff")
    assert done.stdout == "user bob: added\n"
    assert full.run(user, "add", "bob", "--language", "de").stdout == "user bob: changed\n"
    assert full.run(user, "add", "bob", "--language", "de").stdout == "user bob: nothing to change\n"
    (shown,) = full.lines(user, "show", "bob@example.com")
    assert (shown["login"], shown["emails"], shown["groups"], shown["language"]) == (
        "bob", ["bob@example.com"], ["staff"], "de",
    )  # fmt: skip
    assert full.run(user, "lock", "bob").stdout == "user bob: locked\n"
    assert re.search(r"bob +Bob Lund +locked", full.run(user, "list").stdout)
    full.run(user, "unlock", "bob")
    assert "active" in full.run(user, "show", "bob").stdout
    done = {"schema": "allegra.user/1", "login": "bob", "done": "removed"}
    assert full.lines(user, "remove", "bob", "--commit") == [done]


@pytest.mark.parametrize(
    ("command", "name", "key"), [(user, "bob", "login"), (group, "ops", "name"), (workspace, "finance", "workspace")]
)
def test_nothing_is_removed_without_commit(full, command, name, key):
    full.run(command, "add", name)
    assert full.run(command, "remove", name).stdout.endswith(f"{name}: would be removed (--commit does it)\n")
    assert full.lines(command, "remove", name)[0] | {"schema": ""} == {"schema": "", key: name, "done": "nothing"}
    assert full.run(command, "show", name).exit_code == 0
    assert full.run(command, "remove", name, "--commit").stdout.endswith(f"{name}: removed\n")
    assert full.run(command, "show", name).exit_code == 1


@pytest.mark.parametrize(
    ("command", "words", "sentence"),
    [
        (user, ("show", "no"), 'there is no user "no"'),
        (user, ("lock", "no"), 'there is no user "no"'),
        (user, ("remove", "anna"), "lock it instead"),
        (user, ("add", "x", "--group", "no"), 'there is no group "no"'),
        (user, ("add", "x", "--email", "ANNA@example.com"), "belongs to user anna"),
        (group, ("show", "no"), 'there is no group "no"'),
        (group, ("add", "staff", "--member", "no"), 'there is no user "no"'),
        (workspace, ("show", "no"), 'there is no workspace "no"'),
        (workspace, ("lock", "no"), 'there is no workspace "no"'),
        (workspace, ("remove", "support"), "holds items"),
        (workspace, ("add", "support", "--member", "anna=no"), 'there is no role "no"'),
        (item, ("show", "99"), "there is no item #99"),
        (item, ("list", "--workspace", "no"), 'there is no workspace "no"'),
    ],
)
def test_what_cannot_be_done_is_a_sentence_and_exit_1(full, command, words, sentence):
    done = full.run(command, *words)
    assert (done.exit_code, done.stdout) == (1, "")
    assert sentence in done.stderr and done.stderr.startswith("allegra: ")


def test_groups_are_listed_with_their_members(full):
    full.run(group, "add", "ops", "--member", "anna")
    assert full.lines(group, "list")[0] == {"schema": "allegra.group/1", "name": "ops", "members": ["anna"]}
    assert re.search(r"ops +1 +anna", full.run(group, "list").stdout)
    assert "anna" in full.run(group, "show", "OPS").stdout
    full.run(group, "remove", "ops", "--commit")
    assert [each["name"] for each in full.lines(group, "list")] == ["staff"]


def test_a_workspace_is_added_with_lists_and_members_and_closed(full):
    (full.folder / "role.toml").write_text('[[roles]]\nname = "writer"\npermissions = ["add_items"]\n')
    full.run(admin, "load", str(full.folder / "role.toml"))
    words = ("--name", "Money", "--private", "--type", "Invoice", "--member", "anna=writer", "--member", "staff=writer")
    assert full.run(workspace, "add", "finance", *words).stdout == "workspace finance: added\n"
    assert full.run(workspace, "add", "finance", *words).stdout == "workspace finance: nothing to change\n"
    (shown,) = full.lines(workspace, "show", "finance")
    assert (shown["types"], shown["public"]) == (["Invoice"], False)
    assert [each["kind"] for each in shown["members"]] == ["group", "user"]
    assert "user anna (writer)" in full.run(workspace, "show", "finance").stdout
    full.run(workspace, "lock", "finance")
    assert re.search(r"finance +Money +closed", full.run(workspace, "list").stdout)
    assert full.run(workspace, "remove", "finance", "--commit").exit_code == 0


def test_roles_are_listed_with_what_they_permit_and_who_has_them(full):
    before = {each["name"] for each in full.lines(role, "list")}
    (full.folder / "role.toml").write_text('[[roles]]\nname = "writer"\npermissions = ["add_items", "view_items"]\n')
    full.run(admin, "load", str(full.folder / "role.toml"))
    full.run(workspace, "add", "support", "--member", "anna=writer")
    told = {each["name"]: each for each in full.lines(role, "list")}
    assert told.keys() == before | {"writer"} and told["writer"]["permissions"] == ["add_items", "view_items"]
    assert told["writer"]["members"] == [{"kind": "user", "name": "anna", "workspace": "support"}]
    assert re.search(r"writer +add_items, view_items +anna in support", full.run(role, "list").stdout)


def test_a_member_needs_a_role(full):
    assert full.run(workspace, "add", "support", "--member", "anna").exit_code == 2


# ── items ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_items_are_listed_and_hostile_titles_cannot_paint_the_terminal(full):
    shown = full.run(item, "list").stdout
    assert "\x1b" not in shown and "Printer [31mred" in shown
    (line,) = full.lines(item, "list", "--workspace", "support")
    assert (line["schema"], line["id"], line["comments"]) == ("allegra.item/1", 7, 2)


def test_an_item_is_shown_with_everything(full):
    shown = full.run(item, "show", "7").stdout
    assert "support #7" in shown and "vip" in shown and "\n      on fire.\n" in shown
    (data,) = full.lines(item, "show", "7")
    assert (data["title"], data["labels"], len(data["comments"])) == ("Printer \x1b[31mred", ["vip"], 2)
    assert data["html"] is None


def test_comments_and_notes_are_told_apart(full):
    shown = full.run(item, "comments", "7").stdout
    assert "comment 1" in shown and "note 2" in shown
    assert [each["internal"] for each in full.lines(item, "comments", "7")] == [False, True]


def test_an_item_without_attachments_says_so_on_stderr(full):
    done = full.run(item, "attachments", "7")
    assert (done.stdout, done.stderr) == ("", "item #7 has no attachments\n")
    assert full.lines(item, "attachments", "7") == []


def test_F129_html_is_shown_sanitised_and_attachments_listed(full):
    from engine.model.draft import Decider, Disposition, Verdict
    from engine.model.facts import Facts, Sender
    from engine.model.mail import Address, Attachment, Mail, Origin, Part, RawMail
    from engine.model.plan import Attach, CreateItem, Outcome, Plan
    from engine.store.store import Store

    content = b"<p onclick='x'>Hi<script>alert(1)</script></p>aGVsbG8="
    raw = RawMail(content, Origin("system", "1"), datetime(2026, 1, 1, tzinfo=UTC), "ab" * 32)
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    file = Attachment("a\x1b.txt", "text/plain", "", 5, digest, Part("text/plain", 46, 54, "base64"), inline=True)
    html = Part("text/html", 0, 46, "8bit", "utf-8")
    plan = Plan(
        Disposition(Verdict.ACCEPT, "draft.created", "", Decider("engine", "seal")), Outcome.CREATED, "support",
        (CreateItem("support", "x", "Hi", "anna", html_part=html), Attach(0, file)),
    )  # fmt: skip
    with Store.open(databases.place(full.folder / databases.FILE)) as store:
        (spooled,) = store.ledger.spool([raw], "h/b/1/1")
        with store.writing():
            store.commit(spooled, Mail(raw), Facts("system", "", Sender(Address("a@b.example"))), plan, b"{}", "", "")
    shown = full.run(item, "show", "8", "--html").stdout
    assert "<p>Hi" in shown and "script" not in shown and "onclick" not in shown
    assert re.search(r"a\.txt +text/plain +5 +yes", full.run(item, "attachments", "8").stdout)
    assert full.lines(item, "attachments", "8")[0]["digest"] == digest


# ── database ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.sqlite
def test_migrating_makes_the_database_once(desk):
    assert "took first version" in desk.run(db, "migrate").stdout
    assert "nothing to do" in desk.run(db, "migrate").stdout
    assert desk.lines(db, "migrate")[0]["version"] == 6


@pytest.mark.parametrize(("target", "said"), [("nowhere/x", "there is no folder "), ("", " is a folder: name a file")])
@pytest.mark.sqlite
def test_a_backup_that_has_no_place_says_which_folder_in_a_sentence(full, target, said):
    done = full.run(db, "backup", str(full.folder / target))
    assert done.exit_code == 1 and said in done.stderr and "Errno" not in done.stderr


@pytest.mark.sqlite
def test_a_backup_is_written_for_its_owner_only_and_never_over_a_file(full):
    target = full.folder / "backup.sqlite3"
    assert full.run(db, "backup", str(target)).exit_code == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    again = full.run(db, "backup", str(target))
    assert again.exit_code == 1 and "never overwrites" in again.stderr


@pytest.mark.sqlite
def test_a_backup_is_put_in_place_only_when_told_to(full):
    target = full.folder / "backup.sqlite3"
    full.run(db, "backup", str(target))
    assert "--commit puts it in place" in full.run(db, "restore", str(target)).stdout
    assert full.lines(db, "restore", str(target))[0]["done"] is False
    done = full.run(db, "restore", str(target), "--commit", "--gap", "20")
    assert "0 mails that were queued are held" in done.stdout and "the next item is #28" in done.stdout
    assert "mailbox reconcile NAME --commit" in done.stdout
    assert Path(full.lines(db, "restore", str(target), "--commit")[0]["kept"]).is_file()


@pytest.mark.sqlite
def test_a_backup_holds_the_secret_and_brings_it_back(full):
    target, secret = full.folder / "backup.sqlite3", full.folder / "var" / "secret"
    secret.parent.mkdir(exist_ok=True)
    secret.write_bytes(b"s" * 32)
    assert full.run(db, "backup", str(target)).stdout.endswith(" bytes, with secret\n")
    secret.write_bytes(b"t" * 32)
    done = full.run(db, "restore", str(target), "--commit")
    assert "put back: secret\n" in done.stdout and secret.read_bytes() == b"s" * 32
    assert full.lines(db, "restore", str(target), "--commit")[0]["files"] == []


@pytest.mark.sqlite
def test_a_database_and_a_backup_are_looked_at(full):
    target = full.folder / "backup.sqlite3"
    full.run(db, "backup", str(target))
    done = full.run(db, "check")
    assert done.exit_code == 0 and ": whole, " in done.stdout
    (found,) = full.lines(db, "check", str(target), "--mails")
    assert found["whole"] and found["promises"] and found["findings"] == []
    broken = bytearray(target.read_bytes())
    broken[20_000:60_000] = b"\xff" * 40_000
    target.write_bytes(broken)
    done = full.run(db, "check", str(target))
    assert done.exit_code == 1 and "restore a backup: allegra db restore FILE" in done.stdout
    assert full.run(db, "check", str(full.folder / "none")).exit_code == 1


@pytest.mark.sqlite
def test_a_file_that_is_no_backup_is_refused(full):
    text = full.folder / "notes.txt"
    text.write_text("no database")
    done = full.run(db, "restore", str(text), "--commit")
    assert done.exit_code == 1 and "notes.txt is damaged, or no backup" in done.stderr


@pytest.mark.parametrize("statement", ["", "CREATE TABLE t (a)"])
@pytest.mark.sqlite
def test_a_file_that_is_no_backup_is_refused_before_anything_is_committed_and_by_its_own_name(full, statement):
    file = full.folder / "other.db"
    with closing(sqlite3.connect(file)) as other:
        other.execute(statement)
    file.touch()
    tried = [full.run(db, "restore", str(file), *more) for more in ((), ("--commit",))]
    assert [(each.exit_code, each.stdout) for each in tried] == [(1, ""), (1, "")]
    assert tried[0].stderr == tried[1].stderr and f"{file} holds " in tried[0].stderr


@pytest.mark.sqlite
def test_a_restore_that_has_no_room_says_so_in_a_sentence(full):
    target = full.folder / "backup.sqlite3"
    full.run(db, "backup", str(target))
    with no_file_above(100_000):
        done = full.run(db, "restore", str(target), "--commit")
    assert done.exit_code == 69 and "backup.sqlite3 cannot be restored: the database " in done.stderr


def test_pruning_only_tells_unless_committed(full):
    assert "would go" in full.run(db, "prune").stdout
    assert full.lines(db, "prune", "--commit") == [
        {"schema": "allegra.db/1", "mails": 0, "bytes": 0, "traces": 0, "outbox": 0, "done": True}
    ]


# ── what all commands share ───────────────────────────────────────────────────────────────────────────────────


def test_a_configuration_that_does_not_load_is_exit_78_with_every_problem(desk):
    (desk.folder / "allegra.toml").write_text("schema = 1\nnothing = 1\n[gates]\ndmarc = 7\n")
    done = desk.run(user, "list")
    assert done.exit_code == 78 and done.stderr.count("error[") >= 2


@pytest.mark.sqlite
def test_a_database_that_is_away_is_exit_69(desk):
    (desk.folder / "var").write_text("a file where the directory should be")
    done = desk.run(user, "list")
    assert done.exit_code == 69 and done.stderr.startswith("allegra: the database")


def test_tables_line_up_whatever_is_in_them():
    text = click.unstyle(shown.table(("n", "name"), [(1, "日本"), (22, "e\u0301 x")]))
    assert text.splitlines() == [" N  NAME", " 1  日本", "22  e\u0301 x"]


@pytest.mark.parametrize("text", ["a\x1b[2Jb", "a\u202eb", "a\nb\x00", "a\x9bb", "a\x7f"])
def test_text_of_strangers_cannot_move_the_cursor(text):
    shown = common.printable(text)
    assert shown.isprintable()


def test_long_cells_are_cut():
    assert common.printable("x" * 50, 10) == "x" * 9 + "…"
