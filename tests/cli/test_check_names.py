"""`allegra check` asks the database: names in rules and settings that nobody and nothing here has."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import databases
import pytest
from click.testing import CliRunner

from engine.cli.main import allegra
from engine.model.desk import CustomField
from engine.store.store import Store

BASE = """
[instance]
state_dir = "var"
[system]
default_workspace = "support"
[system.mailbox]
protocol  = "maildir"
path      = "mail"
addresses = ["help@example.com"]
[workspace.support]
[workspace.finance]
"""

Say = Callable[..., str]

ITEMS = "[items]\n"


@pytest.fixture
def say(tmp_path: Path) -> Iterator[Say]:
    """Write rules and settings beside a database that holds a little of everything; give what `check` prints."""
    before = Path.cwd()
    os.chdir(tmp_path)
    for name in ("mail/new", "mail/cur", "mail/tmp", "var", "rules"):
        (tmp_path / name).mkdir(parents=True)
    with Store.open(databases.place(tmp_path / databases.FILE)) as store:
        store.directory.put_group("staff")
        store.directory.put_account(
            "anna",
            name="Anna Example",
            emails=["anna@example.com"],
            groups=["staff"],
            admin=True,
        )
        store.items.put_workspace("support", lists={"types": ["Task", "Incident"], "categories": ["Printer"]})
        store.items.put_workspace("finance", lists={"types": ["Invoice"], "priorities": ["Normal", "Super"]})
        store.directory.put_role("agent", ["edit_items"])
        for workspace in ("support", "finance"):
            store.directory.put_member(workspace, "agent", user="anna")
        store.items.put_field(CustomField("Order number"))
        store.items.put_field(CustomField("Work log", "long_text"))
        store.items.put_field(CustomField("Room", "list", ("North", "South")))

    def saying(settings: str = "", *actions: str, when: str = "", file: str = "support") -> str:
        databases.configured(tmp_path, BASE + settings)
        condition = f"when = '''{when}'''\n" if when else ""
        lines = "".join(f"  '''{action}''',\n" for action in actions)
        text = f"[[rule]]\nname = 'r'\non = 'any'\n{condition}then = [\n{lines}]\n" if actions else ""
        (tmp_path / f"rules/{file}.toml").write_text(text, encoding="utf-8")
        return CliRunner().invoke(allegra, ["check"], catch_exceptions=False).stdout

    yield saying
    os.chdir(before)


@pytest.mark.parametrize(
    ("action", "message", "underlined", "help"),
    [
        ('set priority "Urgnet"', 'W444]: "Urgnet" is no priority here', "Urgnet", "did you mean  Urgent ?"),
        ('set priority "Super"', 'W444]: "Super" is no priority here', "Super", "there are: Low, Normal, High, Urgent"),
        ('set type "Incidnet"', 'W444]: "Incidnet" is no type here', "Incidnet", "did you mean  Incident ?"),
        ('set "Room" to "Nord"', 'W444]: "Nord" is no value of Room here', "Nord", "did you mean  North ?"),
        ('set assigned_to "ana"', 'W443]: nobody and no group here is called "ana"', "ana", "did you mean  anna ?"),
        ('assign to "nobody"', 'W443]: nobody and no group here is called "nobody"', "nobody", "allegra user list"),
        ('assign to group "stuff"', "W443]: nobody and no group", "stuff", "did you mean  staff ?"),
        ('notify "nobody2"', 'W443]: nobody here is called "nobody2"', "nobody2", "allegra user list"),
        ('add "ana" as watcher', 'W443]: nobody here is called "ana"', "ana", "did you mean  anna ?"),
        ('reply with template "akc"', 'W446]: there is no template called "akc"', "akc", "did you mean  ack ?"),
        ('set "Order numbre" to "1"', "W445]: no item has a field", "Order numbre", "did you mean  Order number ?"),
        ('thread by "Ordre number" = "1"', "W445]: no item has", "Ordre number", "did you mean  Order number ?"),
    ],
)
def test_a_name_in_a_rule_that_does_not_exist_is_a_warning_with_a_suggestion(
    say: Say, action: str, message: str, underlined: str, help: str
) -> None:
    said = say("", action, "stop", when="sender.known")
    assert f"warning[{message}" in said and f"= help: {help}" in said
    source, carets = said.partition(message)[2].splitlines()[3:5]
    assert source[carets.index("^") :][: carets.count("^")] == underlined


@pytest.mark.parametrize(
    "action",
    [
        'set priority "high"',
        'set category "{plus}"',
        'set "PO number" to "{plus}"',
        'set external_ref "x"',
        "set due_date +2 days",
        "set private yes",
        "set done_ratio 50",
        "set title subject",
        'set "Order number" to subject',
        'assign to "Anna Example"',
        'assign to "staff"',
        'assign to group "staff"',
        'notify "staff"',
        'notify "somebody@else.example"',
        'add "anna@example.com" as reader',
        'reply with template "ack"',
    ],
)
def test_what_exists_or_is_free_is_no_finding(say: Say, action: str) -> None:
    said = say("", action, when="sender.known")
    assert "W44" not in said and "no problems" in said


def test_a_value_counts_where_the_mail_can_end(say: Say) -> None:
    assert "W444" not in say("", 'set priority "Super"', file="system")  # finance offers it
    assert "W444" not in say("", 'set priority "Super"', 'route to workspace "finance"')
    assert '"Supper" is no priority here' in say("", 'set priority "Supper"', file="system")


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ('thread.status is "Wating"', 'thread.status cannot be "Wating"'),
        ('sender.groups is any of ["staff", "stuff"]', 'sender.groups cannot be "stuff"'),
        ('mailbox is "suport"', 'mailbox cannot be "suport"'),
        ('thread.workspace is "finanse"', 'thread.workspace cannot be "finanse"'),
    ],
)
def test_a_comparison_with_what_does_not_exist_is_a_warning(say: Say, when: str, message: str) -> None:
    assert f"warning[W444]: this is never so: {message}" in say("", 'add label "x"', when=when)
    assert "W444" not in say("", 'add label "x"', when='thread.status is "New" and sender.groups is "Staff"')


@pytest.mark.parametrize(
    ("settings", "message", "help"),
    [
        (ITEMS + 'type = "Incidnet"', 'warning[C195]: "Incidnet" is no type here', "did you mean  Incident ?"),
        ('[workspace.finance.items]\nstatus = "Nwe"', 'warning[C195]: "Nwe" is no status here', "did you mean  New ?"),
        (ITEMS + 'category = "Printers"', 'warning[C195]: "Printers" is no category', "did you mean  Printer ?"),
        (
            ITEMS + 'assigned_to = "ana"',
            'warning[C195]: nobody and no group here is called "ana"',
            "did you mean  anna",
        ),
        (ITEMS + 'override_by = "group:stuff"', 'warning[C195]: there is no group "stuff"', "did you mean  staff ?"),
        ('[people]\ndefault_group = ["stuff"]', 'warning[C195]: there is no group "stuff"', "did you mean  staff ?"),
        (
            '[people]\nguest_user = "visitor"',
            'warning[C195]: there is no account "visitor"',
            "allegra user add visitor",
        ),
        (
            ITEMS + 'log_field = "nonsense"',
            'error[C196]: "nonsense" is none of comment, note',
            "there are: comment, note",
        ),
        (ITEMS + 'log_field = "Wrok log"', 'error[C196]: "Wrok log" is none of', "did you mean  Work log ?"),
        (ITEMS + 'allow_override = ["typ"]', 'error[C196]: there is no field "typ"', "did you mean  type ?"),
        (
            ITEMS + 'keyword_aliases = { "Raum" = "Rom" }',
            'error[C196]: there is no field "Rom"',
            "did you mean  Room ?",
        ),
    ],
)
def test_a_name_in_a_setting_that_does_not_exist_is_told_at_its_place(
    say: Say, settings: str, message: str, help: str
) -> None:
    said = say(settings)
    assert said.count(message) == 1 and f"= help: {help}" in said and "--> allegra.toml:" in said


def test_settings_that_name_what_exists_are_no_finding(say: Say) -> None:
    said = say(
        '[items]\nallow_override = ["all", "Tracker", "order number"]\nlog_field = "Work log"\n'
        'override_by = "group:staff"\n'
        'keyword_aliases = { "Raum" = "Room" }\npriority = "normal"\nassigned_to = "staff"\n'
    )
    assert "C195" not in said and "C196" not in said


@pytest.mark.sqlite
def test_an_empty_database_is_not_asked_for_people_and_values(say: Say, tmp_path: Path) -> None:
    for each in ("var/allegra.sqlite3", "var/allegra.sqlite3.pass"):
        (tmp_path / each).unlink()
    said = say('[items]\nallow_override = ["typ"]\ntype = "Bug"\n', 'assign to "nobody"', 'reply with template "akc"')
    assert "W443" not in said and "C195" not in said
    assert "warning[C196]" in said and "warning[W446]" in said
    assert not (tmp_path / "var/allegra.sqlite3").exists()


def test_a_script_may_use_the_fields_that_exist_and_is_warned_of_those_that_do_not(say: Say, tmp_path: Path) -> None:
    (tmp_path / "hooks").mkdir()
    hooks = '[hooks]\nactivity = ["a.py"]\nallow_reduced_isolation = true\n'
    known = "def activity(mail, item, ctx):\n    item['Order number'] = '1'\n    item['Room'] = item.status\n"
    (tmp_path / "hooks/a.py").write_text(known, encoding="utf-8")
    assert "H114" not in say(hooks)
    (tmp_path / "hooks/a.py").write_text(known.replace("Room", "Rom"), encoding="utf-8")
    told = say(hooks)
    assert "warning[H114]" in told and "there is no field 'Rom'" in told
