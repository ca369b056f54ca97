"""A desk that has moved: replies to mail of the old system in real passes, and what others pay for that."""

from __future__ import annotations

from typing import Any

import databases
import pytest

ITEMS = """
[[users]]
login = "carl"
emails = ["carl@example.com"]
[[items]]
id = 1002
workspace = "support"
title = "The printer"
author = "carl"
[[items]]
id = 1003
workspace = "support"
title = "The router"
author = "anna"
"""
OLD = "<redmine.journal-15.20261101120000.7.ab12cd34@old.example>"
THREADS = f"marker,item,internal\n2,1002,\n{OLD},1002,yes\n3,1003,\n"


@pytest.fixture
def moved(desk: Any) -> Any:
    desk.load(ITEMS)
    (desk.folder / "threads.csv").write_text(THREADS, "utf-8")
    assert desk.allegra("import", "threads", "threads.csv", "--from", "redmine").exit_code == 0
    return desk


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that ask for markers of another system."""
    found, kind = list[str](), databases.kind()
    for name in ("rows", "run"):  # `one` asks for rows
        original = getattr(kind, name)

        def noting(self: Any, sql: str, *params: Any, original: Any = original) -> Any:
            if "imported_marker" in sql and "CREATE" not in sql:
                found.append(sql)
            return original(self, sql, *params)

        monkeypatch.setattr(kind, name, noting)
    return found


def outcomes(desk: Any) -> list[tuple[str, int]]:
    return [(line["outcome"], line["item"]) for line in desk.run()]


def test_F106_F108_replies_in_flight_land_on_their_items_in_a_pass(moved: Any) -> None:
    moved.mail("Re: The printer", headers=["References: <redmine.issue-2.20080101120000@old.example>"])
    moved.mail("Re: [Support - Feature #2] The printer", sender="carl@example.com")
    moved.mail("AW: [Netz - Bug #3] The router")
    assert outcomes(moved) == [("comment", 1002), ("comment", 1002), ("comment", 1003)]
    assert "(by imported: [… #3])" in " ".join(moved.explained("last").split())


def test_F117_an_answer_to_a_private_note_of_theirs_stays_one(moved: Any) -> None:
    moved.mail("Re: The printer", headers=[f"In-Reply-To: {OLD}"])
    assert outcomes(moved) == [("note", 1002)]


def test_F046_who_is_not_on_the_item_makes_a_new_one_and_a_stranger_stays_one(moved: Any) -> None:
    moved.mail("Re: [Netz - Bug #3] The router", sender="carl@example.com")
    moved.mail("Re: [Netz - Bug #3] The router", sender="eve@else.example", headers=[f"References: {OLD}"])
    (first, item), (second, _) = outcomes(moved)
    assert (first, second) == ("created", "held") and item not in (1002, 1003)
    assert moved.item(item)["labels"] == ["claims #1003"]


def test_an_automatic_answer_to_their_mail_joins_an_item_only_from_who_is_on_it(moved: Any) -> None:
    robot = ["References: <redmine.issue-2.1@old.example>", "Auto-Submitted: auto-replied"]
    moved.mail("Absent", sender="carl@example.com", headers=robot)
    moved.mail("Absent", sender="eve@else.example", headers=robot)
    assert [outcome for outcome, _ in outcomes(moved)] == ["note", "held"]


def test_what_is_proven_by_a_mail_of_ours_is_asked_first(moved: Any) -> None:
    moved.mail("Hello", message_id="<first@example.com>")
    ((_, item),) = outcomes(moved)
    headers = ["References: <first@example.com> <redmine.issue-2.1@old.example>"]
    moved.mail("Re: [Support - Feature #2] Hello", headers=headers)
    assert outcomes(moved) == [("comment", item)]


def test_where_nothing_was_brought_in_twenty_mails_cost_one_small_statement(desk: Any, asked: list[str]) -> None:
    for number in range(20):
        references = [f"References: <redmine.issue-{number}.1@old.example> <x{number}@y.example>"]
        desk.mail(f"Re: [Support - Bug #{number}] R-00{number} x", headers=references)
    assert len(desk.run()) == 20
    assert asked == ["SELECT 1 FROM imported_marker LIMIT 1"]


def test_mail_without_such_markers_costs_none(desk: Any, asked: list[str]) -> None:
    desk.mail("Printer broken")
    assert len(desk.run()) == 1 and asked == []
