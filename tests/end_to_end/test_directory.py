"""Senders without an account who are in a directory: whom they become, and what happens while it is away."""

from __future__ import annotations

import re
from typing import Any

import databases
import pytest

PEOPLE = """login;name;email;groups;language;disabled
jane;Jane Doe;jane@big.example, j.doe@big.example;staff, nobody here;de;
lola;Lola;lola@big.example;;;yes
anna;Another Anna;anna@big.example;staff;;
one;One;both@big.example;;;
two;Two;both@big.example;;;
;No Login;nologin@big.example;;;
"""
STAFF = '[people]\ndirectory = "staff"\n[directory.staff]\nkind = "csv"\npath = "people.csv"\n'
JANE = "J. D. <jane@big.example>"


@pytest.fixture
def staff(desk: Any) -> Any:
    """A desk with a table of people."""
    (desk.folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    desk.configure(more=STAFF)
    return desk


def users(desk: Any) -> dict[str, dict[str, Any]]:
    return {each["login"]: each for each in desk.lines("user", "list")}


def rows(desk: Any, query: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = desk.rows(query)
    return found


def test_F052_who_is_unknown_here_and_known_there_gets_an_account(staff: Any) -> None:
    staff.mail(sender=JANE)
    (line,) = staff.run()
    assert line["outcome"] == "created"
    jane = users(staff)["jane"]
    assert jane["name"] == "Jane Doe" and jane["groups"] == ["staff"] and jane["language"] == "de"
    assert jane["emails"] == ["jane@big.example", "j.doe@big.example"]
    assert staff.item(1)["author"] == "jane"
    said = staff.explained()
    assert "directory staff: known (jane, Jane Doe)" in said
    assert "jane@big.example is unknown here; the directory staff knows Jane Doe (jane)" in said


def test_a_second_address_of_the_same_person_is_the_same_account(staff: Any) -> None:
    staff.load('[[users]]\nlogin = "jane2"\nname = "J"\nemails = ["J.Doe@big.example"]\n')
    staff.mail(sender=JANE)
    staff.run()
    assert users(staff)["jane2"]["emails"] == ["J.Doe@big.example", "jane@big.example"]
    assert staff.item(1)["author"] == "jane2" and "jane" not in users(staff)
    (staff.folder / "people.csv").unlink()
    staff.mail("Again", sender=JANE)
    (line,) = staff.run()
    assert line["outcome"] == "created"


def test_a_locked_account_is_locked_whatever_the_directory_says(staff: Any) -> None:
    staff.load('[[users]]\nlogin = "j"\nemails = ["j.doe@big.example"]\nstatus = "locked"\n')
    staff.mail(sender=JANE)
    (line,) = staff.run()
    assert line["code"] == "gate.inactive_sender"


def test_a_login_that_is_somebody_elses_here_is_not_taken_over(staff: Any) -> None:
    staff.mail(sender="anna@big.example")
    staff.run()
    found = users(staff)
    assert found["anna"]["emails"] == ["anna@example.com"]
    assert found["anna@big.example"]["name"] == "Another Anna" and staff.item(1)["author"] == "anna@big.example"


@pytest.mark.parametrize(
    ("sender", "standing"),
    [("lola@big.example", "disabled"), ("both@big.example", "ambiguous"), ("eve@big.example", "unknown")],
)
def test_who_is_disabled_twice_there_or_not_there_is_not_known(staff: Any, sender: str, standing: str) -> None:
    staff.mail(sender=sender)
    (line,) = staff.run()
    assert line["code"] == "gate.unknown_sender"
    assert f"the directory staff: {sender} is {standing}" in staff.explained()


@pytest.mark.parametrize(("policy", "outcome"), [("ignore", "held"), ("accept", "created"), ("create", "created")])
def test_unknown_user_decides_about_those_whom_the_directory_does_not_know(
    staff: Any, policy: str, outcome: str
) -> None:  # fmt: skip
    staff.load('[[users]]\nlogin = "guest"\nstatus = "guest"\n')
    staff.configure(more=STAFF.replace("[people]\n", f'[people]\nunknown_user = "{policy}"\n'))
    staff.mail(sender="eve@big.example")
    staff.mail(sender=JANE, subject="Second")
    first, second = staff.run()
    assert (first["outcome"], second["outcome"]) == (outcome, "created")
    assert ("eve@big.example" in users(staff)) is (policy == "create") and "jane" in users(staff)


def test_while_the_directory_is_away_mail_waits_and_is_not_held(staff: Any) -> None:
    (staff.folder / "people.csv").rename(staff.folder / "away.csv")
    staff.mail(sender=JANE)
    staff.mail(sender="anna@example.com", subject="Known here")
    result = staff.allegra("run")
    assert result.exit_code == 69 and "1 mail waits until" in result.stderr
    assert "people.csv cannot be read: No such file or directory" in result.stderr
    assert [each["outcome"] for each in staff.lines("mail", "list")] == ["created", "deferred"]
    health = staff.allegra("health").stdout
    assert "'directory staff'=" in health
    assert rows(staff, "SELECT said FROM trouble WHERE name = 'directory staff'")[0][0].endswith(
        "No such file or directory"
    )
    (staff.folder / "away.csv").rename(staff.folder / "people.csv")
    staff.allegra("mail", "retry", "last")
    staff.change("UPDATE inbound SET next_at = 0")
    (line,) = staff.run()
    assert line["outcome"] == "created" and rows(staff, "SELECT * FROM trouble WHERE name = 'directory staff'") == []


@pytest.mark.parametrize("policy", ["accept", "create"])
def test_nobody_becomes_a_guest_or_a_thin_account_because_a_directory_is_away(staff: Any, policy: str) -> None:
    staff.configure(more=STAFF.replace("[people]\n", f'[people]\nunknown_user = "{policy}"\n'))
    (staff.folder / "people.csv").unlink()
    staff.mail(sender=JANE)
    (line,) = staff.run()
    assert line["code"] == "gate.directory_away" and list(users(staff)) == ["anna"]


def test_after_the_limit_the_mail_is_held_and_can_be_released(staff: Any) -> None:
    staff.configure(more=STAFF + "[errors]\ndefer_limit = 0\n")
    (staff.folder / "people.csv").unlink()
    staff.mail(sender=JANE)
    (line,) = staff.run()
    assert (line["outcome"], line["code"]) == ("held", "gate.directory_away")
    released = staff.allegra("held", "release", "last", "--reason", "I know her")
    assert released.exit_code == 0, released.output
    assert staff.lines("mail", "list")[0]["outcome"] == "created"


def test_a_dry_run_asks_and_keeps_nothing(staff: Any) -> None:
    (staff.folder / "people.csv").unlink()
    staff.mail(sender=JANE)
    before = databases.everything(staff.where)
    staff.allegra("run", "--dry-run")
    assert rows(staff, "SELECT * FROM trouble") == [] and "jane" not in users(staff)
    assert databases.everything(staff.where) == before


def test_a_workspace_has_a_directory_of_its_own(staff: Any) -> None:
    (staff.folder / "buyers.csv").write_text("email,name\nbert@big.example,Bert\n", encoding="utf-8")
    more = STAFF + '[directory.buyers]\npath = "buyers.csv"\n[workspace.finance.people]\ndirectory = "buyers"\n'
    staff.configure(more=more)
    staff.rules(
        "system.toml",
        '[[rule]]\nname = "Finance"\nwhen = \'subject contains "money"\'\nthen = [\'route to workspace "finance"\']\n',
    )
    staff.mail("Money", sender="bert@big.example")
    staff.mail("Money please", sender=JANE)
    outcomes = [each["outcome"] for each in staff.run()]
    assert outcomes[:2] == ["created", "held"] and "bert@big.example" in users(staff)


def test_rules_see_who_is_known_there(staff: Any) -> None:
    staff.rules(
        "support.toml",
        '[[rule]]\nname = "Staff"\nwhen = \'sender.groups is "staff" and sender.known\'\n'
        "then = ['set priority \"High\"']\n",
    )
    staff.mail(sender=JANE)
    staff.run()
    assert staff.item(1)["priority"] == "High"


def test_explain_and_replay_ask_again_and_keep_nothing(staff: Any) -> None:
    staff.mail(sender="eve@big.example")
    staff.run()
    with (staff.folder / "people.csv").open("a") as file:
        file.write("eve;Eve;eve@big.example;;;\n")
    assert "unknown" in staff.explained()
    shown = staff.allegra("replay", "last").stdout
    assert "created" in shown and "eve" not in users(staff)


def test_check_reads_the_table_and_find_tells_what_it_says(staff: Any) -> None:
    assert re.search(r"directory staff +✔ 6 people", staff.allegra("check").stdout)
    found = staff.allegra("user", "find", "J.Doe@BIG.example")
    assert found.exit_code == 0 and "jane@big.example, j.doe@big.example" in found.stdout
    assert staff.allegra("user", "find", "eve@big.example", "--directory", "staff").exit_code == 1
    assert staff.allegra("user", "find", "eve@big.example", "--directory", "no").exit_code == 2
    assert list(users(staff)) == ["anna"]
    (staff.folder / "people.csv").write_text("name\nx\n")
    result = staff.allegra("check")
    assert result.exit_code == 1 and 'has no column "email" in its first line' in result.stdout
    assert staff.allegra("user", "find", "eve@big.example").exit_code == 69
