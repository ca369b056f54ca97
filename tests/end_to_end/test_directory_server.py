"""Senders looked up in a real LDAP server by a real pass."""

from __future__ import annotations

from typing import Any

import pytest
from servers.slapd import Slapd


@pytest.fixture
def staff(desk: Any, slapd: Slapd) -> Any:
    """A desk beside a server."""
    more = '[people]\ndirectory = "staff"\n[directory.staff]\n' + slapd.settings()
    desk.configure(more=more + "groups = { 'Support Staff' = 'staff' }\n")
    (desk.folder / "allegra.toml").chmod(0o600)
    return desk


def rows(desk: Any, query: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = desk.rows(query)
    return found


def test_who_is_in_the_server_gets_an_account_and_the_answer_is_kept(staff: Any) -> None:
    staff.mail(sender="jane@example.com")
    staff.mail(sender="lola@example.com", subject="Second")
    assert [line["outcome"] for line in staff.run()] == ["created", "held"]
    (jane,) = [each for each in staff.lines("user", "list") if each["login"] == "jane"]
    assert (jane["name"], jane["groups"], jane["language"]) == ("Jane Doe", ["staff"], "de")
    assert jane["emails"] == ["jane@example.com", "j.doe@example.com"]
    kept = rows(staff, "SELECT address_key FROM listed ORDER BY 1")
    assert kept == [("jane@example.com",), ("lola@example.com",)]


def test_check_online_logs_in_and_find_asks(staff: Any, slapd: Slapd) -> None:
    online = staff.allegra("check", "--online")
    assert "directory staff" in online.stdout and "logged in" in online.stdout
    assert "directory staff" not in staff.allegra("check").stdout
    assert "Jane Doe" in staff.allegra("user", "find", "j.doe@example.com").stdout
    wrong = (staff.folder / "allegra.toml").read_text().replace(slapd.password, "hunter2-hunter2")
    (staff.folder / "allegra.toml").write_text(wrong)
    online = staff.allegra("check", "--online")
    assert online.exit_code == 1 and "refuses the login" in online.stdout and "hunter2" not in online.output
    shown = staff.allegra("config", "show").stdout
    assert "ldaps://localhost" in shown and "hunter2" not in shown


def test_a_server_that_is_away_lets_mail_wait_and_mail_of_known_people_go_on(staff: Any, slapd: Slapd) -> None:
    ports = slapd.ldap, slapd.ldaps
    slapd.stop(keep=True)
    try:
        staff.mail(sender="jane@example.com")
        staff.mail(sender="anna@example.com", subject="Second")
        result = staff.allegra("run")
        assert result.exit_code == 69
        assert (
            "(gate.directory_away): jane@example.com is unknown here, and the directory cannot be asked"
            in result.stderr
        )
        again = staff.allegra("run")
        assert again.exit_code == 69 and again.stderr == ""  # it was told within the hour
    finally:
        slapd.start(ports)
    staff.change("UPDATE inbound SET next_at = 0")
    (line,) = staff.run()
    assert line["outcome"] == "created" and staff.allegra("run").exit_code == 0
