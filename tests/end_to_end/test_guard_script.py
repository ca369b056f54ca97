"""A guard script in the way of a mail, as an administrator installs one."""

from __future__ import annotations

from typing import Any

import pytest

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
