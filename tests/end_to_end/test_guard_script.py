"""A guard script in the way of a mail, as an administrator installs one."""

from __future__ import annotations

from typing import Any

import pytest

from hooks.process import BOOT
from hooks.sandbox import Sandbox

GUARD = """
def guard(mail, ctx):
    if "lottery" in mail.subject.lower():
        ctx.reject("we do not play")
    return "wait" not in mail.subject.lower()
"""


@pytest.mark.parametrize(
    ("subject", "outcome", "code"),
    [
        ("Printer", "created", "draft.created"),
        ("You won the LOTTERY", "rejected", "hook.guard_reject"),
        ("Please wait", "rejected", "hook.guard_reject"),
    ],
)
def test_F045_F146_a_guard_script_lets_mail_in_or_not(desk: Any, subject: str, outcome: str, code: str) -> None:
    desk.configure(more='[hooks]\nguard = ["guard.py"]\nallow_reduced_isolation = true\n')
    desk.hook("guard.py", GUARD)
    desk.mail(subject)
    (line,) = desk.run()
    assert (line["outcome"], line["code"]) == (outcome, code)
    assert "guard" in desk.explained()


def test_F045_a_guard_script_that_fails_holds_the_mail(desk: Any) -> None:
    desk.configure(more='[hooks]\nguard = ["guard.py"]\nallow_reduced_isolation = true\n')
    desk.hook("guard.py", "def guard(mail, ctx):\n    return 1 / 0\n")
    desk.mail()
    (line,) = desk.run()
    assert (line["outcome"], line["code"]) == ("held", "hook.error")


def test_F147_an_activity_script_changes_the_item(desk: Any) -> None:
    desk.configure(more='[hooks]\nactivity = ["activity.py"]\nallow_reduced_isolation = true\n')
    desk.hook("activity.py", 'def activity(mail, item, ctx):\n    item.title = "By script: " + item.title\n')
    desk.mail("Printer")
    desk.run()
    assert desk.item(1)["title"] == "By script: Printer"


KILLED_AT_FORK = BOOT.replace(";main()", ";import hooks.kernel as k;k.fork=lambda:open('/proc/self/stat');main()")


def test_where_hooks_do_not_work_mail_is_held_cron_hears_why_and_the_script_stays_on(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fence that kills our own code, as on a Python this release does not know, is told apart from a script."""
    desk.configure(more='[hooks]\nguard = ["guard.py"]\non_error = "continue"\n')
    desk.hook("guard.py", "def guard(mail, ctx):\n    return True\n")
    for number in range(3):
        desk.mail(f"Printer {number}")
    with monkeypatch.context() as broken:
        broken.setattr("hooks.process.BOOT", KILLED_AT_FORK)
        done = desk.allegra("run")
        assert done.exit_code == 1
        assert "3 mails are held (hook.sandbox_missing): " in done.stderr
        assert "hooks do not work here, and no script is to blame" in done.stderr
        assert desk.allegra("check").exit_code == 1
    assert {row["code"] for row in desk.lines("mail", "list", "--json")} == {"hook.sandbox_missing"}
    assert desk.allegra("check").exit_code == 0
    (listed,) = desk.lines("hooks", "list", "--json")
    assert listed["state"] == "runs"
    desk.mail("Toner")
    assert desk.allegra("run").exit_code == 0


def test_only_deciding_needs_a_script_that_is_missing(desk: Any) -> None:
    desk.mail("First")
    desk.run()
    desk.configure(more='[hooks]\nguard = ["guard.py"]\nallow_reduced_isolation = true\n')
    assert desk.allegra("mail", "list").exit_code == 0 and desk.allegra("item", "show", "1").exit_code == 0
    checked = desk.allegra("check")
    assert checked.exit_code == 1 and checked.stdout.count("cannot be read: No such file or directory") == 1
    desk.mail("Second")
    told = desk.allegra("run", "--json")
    assert told.exit_code == 1 and '"code":"config.broken"' in told.stdout and "there is no script" in told.stdout
    assert desk.allegra("hooks", "new", "guard").exit_code == 0
    desk.allegra("mail", "reset-status", "last")
    assert [line["outcome"] for line in desk.run()] == ["created"]


def test_only_deciding_needs_a_rule_file_that_is_missing(desk: Any) -> None:
    desk.configure(more='[workspace.sales]\nrules = "rules/sales.toml"\n')
    assert desk.allegra("mail", "list").exit_code == 0
    assert desk.allegra("check").stdout.count("error[E002]: this rule file cannot be read") == 1


SLOW = """
def activity(mail, item, ctx):
    count = 0
    for again in range(%d):
        for number in range(2_000_000):
            count = count + number
"""
"""Takes some 0.1 s each time, so that twelve are far longer than a batch waits for scripts."""


def test_a_script_that_takes_long_does_not_stop_the_mails_that_need_none(desk: Any) -> None:
    """Items have the numbers of the order in which they are committed."""
    desk.configure(
        system='rules = "rules/system.toml"', more='[hooks]\ntimeout = "20 s"\nallow_reduced_isolation = true\n'
    )
    desk.rules(
        "system.toml", "[[rule]]\nname = 'a'\nwhen = 'subject contains \"long\"'\nthen = ['run hook \"slow\"']\n"
    )
    desk.hook("slow.py", SLOW % 12)
    for subject in ("A long one", "Printer", "Another long one", "Toner"):
        desk.mail(subject)
    lines = desk.run()
    assert [line["subject"] for line in lines] == ["A long one", "Printer", "Another long one", "Toner"]
    assert [(line["outcome"], line["code"]) for line in lines] == [("created", "draft.created")] * 4, lines
    assert [desk.item(number)["title"] for number in (1, 2)] == ["Printer", "Toner"]


def test_scripts_that_take_long_for_every_mail_are_waited_for(desk: Any) -> None:
    desk.configure(more='[hooks]\nactivity = ["slow.py"]\ntimeout = "20 s"\nallow_reduced_isolation = true\n')
    desk.hook("slow.py", SLOW % 1)
    for number in range(6):
        desk.mail(f"Printer {number}")
    assert [line["outcome"] for line in desk.run()] == ["created"] * 6
    assert [desk.item(number)["title"] for number in range(1, 7)] == [f"Printer {number}" for number in range(6)]


def test_a_script_that_takes_long_runs_once_though_another_mail_of_the_batch_needs_none(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one is settled before the scripts are asked, and nobody is left who need not wait."""
    desk.configure(
        more='[hooks]\nactivity = ["slow.py"]\ntimeout = "20 s"\nallow_reduced_isolation = true\n',
        gates='empty_subject = "reject"',
    )
    desk.hook("slow.py", SLOW % 12)
    desk.mail("Printer")
    desk.mail("")
    begin, begun = Sandbox.begin, []
    monkeypatch.setattr(Sandbox, "begin", lambda self, call: begun.append(call.option) or begin(self, call))
    assert [line["code"] for line in desk.run()] == ["draft.created", "gate.empty_subject"]
    assert [option for option in begun if option != "probe"] == [""]
