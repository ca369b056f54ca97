"""Old mail makes items and tells nobody, whoever decides on it and whenever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

JANE = "jane@big.example"
LOOK = """[[rule]]
name = "Look"
when = 'subject contains "look"'
then = ['hold because "it says so"']
"""
MORE = '[people]\nunknown_user = "accept"\n'


@pytest.fixture
def public(desk: Any, post: Any) -> Any:
    """A desk that everybody may write to, at which Anna waits for new items."""
    desk.allegra("user", "add", "guest", "--status", "guest")
    post.configure(more=MORE)
    return post


def received(at: datetime) -> list[str]:
    return [f"Received: from mx.big.example by mail.example.com; {format_datetime(at)}"]


def test_a_first_run_over_three_years_of_mail_makes_items_and_tells_nobody(desk: Any, public: Any) -> None:
    now = datetime.now(UTC)
    for month in range(36):
        came = received(now - timedelta(days=30 * month + 2))
        desk.mail(f"Month {month}", f"Text {month}\n", sender=JANE, headers=came)
    assert {line["outcome"] for line in desk.run()} == {"created"}
    assert len(desk.lines("item", "list", "--limit", "100")) == 36
    assert public.mails() == []
    assert {row[3:] for row in desk.told()} == {("suppressed", "old")}
    assert {row[0] for row in desk.told()} == {JANE, "anna@example.com"}
    desk.mail("Today", sender=JANE, headers=received(now))
    desk.run()
    assert sorted(to for to, _ in public.mails()) == ["anna@example.com", JANE], "what comes now is told"


def test_old_mail_that_waited_for_a_person_is_old_when_it_is_released(desk: Any, public: Any) -> None:
    desk.rules("system.toml", LOOK)
    public.configure('rules = "rules/system.toml"', more=MORE)
    now = datetime.now(UTC)
    desk.mail("Please look, old", "One\n", sender=JANE, headers=received(now - timedelta(days=400)))
    desk.mail("Please look, new", "Two\n", sender=JANE, headers=received(now))
    (old, new) = desk.run()
    assert (old["outcome"], new["outcome"]) == ("held", "held")
    public.mails()
    for mail in (old, new):
        assert desk.allegra("held", "release", mail["mail"]).exit_code == 0
    desk.run()
    assert sorted(to for to, _ in public.mails()) == ["anna@example.com", JANE]
    assert {item["title"] for item in desk.lines("item", "list")} == {"Please look, old", "Please look, new"}
    created = [row[3:] for row in desk.told() if row[2].startswith("item.created")]
    assert sorted(created) == [("sent", "")] * 2 + [("suppressed", "old")] * 2
