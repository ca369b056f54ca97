"""The outbox in the console: who sees which letters, and what they do about them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from console.offices import Office, office, queue_letters
from console.test_access import become
from console.test_items import ROLES, furnish
from servers.chromium import seat


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Office, dict[str, int]]]:
    with office(tmp_path / "demo") as made:
        items = furnish(made)
        queue_letters(made)
        yield made, items


def letters(made: Office) -> dict[int, int]:
    """The item of each letter that waits."""
    return dict(made.rows("SELECT id, coalesce(item, 0) FROM outbox WHERE state = 'queued'"))


def state(made: Office, number: int) -> str:
    return str(dict(made.rows("SELECT id, state FROM outbox"))[number])


def test_letters_are_seen_and_changed_by_who_may_edit_their_item(own: tuple[Office, dict[str, int]]) -> None:
    made, items = own
    waits = letters(made)
    become(made, "editor")
    seen = {row["id"]: row["item"] for row in json.loads(made.get("/outbox.json?q=state:queued").data)["rows"]}
    with made.installation.store() as store:
        here = {row.id for row in store.items.newest("support", 100)}
    mine = {number for number, item in waits.items() if item in here}
    assert mine and {*waits} - mine and {number for number in seen if number in waits} == mine
    assert items["other"] not in seen.values() and None not in seen.values()
    token = made.form_token()
    for login in ROLES:
        become(made, login)
        edits = "edit_items" in ROLES[login]
        for number in waits:
            shown = edits and number in mine
            assert made.get(f"/outbox/{number}").status_code == (200 if shown else 404)
            if not shown:
                assert made.post("/outbox", token=token, act="hold", row=str(number)).status_code == 404
                assert state(made, number) == "queued"
    become(made, "editor")
    (one, *_) = sorted(mine)
    for act, expected in (("hold", "held"), ("retry", "queued"), ("drop", "dropped")):
        answer = made.post("/outbox", token=token, act=act, row=str(one), reason="no need")
        assert answer.status_code == 303 and state(made, one) == expected
    assert made.rows("SELECT actor, via FROM event WHERE name = 'outbox.drop'") == [("editor", "console")]


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"act": "hold"}, 422), ({"act": "nonsense", "row": "1"}, 422), ({"act": "hold", "row": "x"}, 422),
        ({"act": "hold", "row": "9" * 30}, 422), ({"act": "hold", "row": "999999"}, 404), ({}, 422),
    ],
)  # fmt: skip
def test_a_form_that_means_nothing_is_refused_with_a_sentence(
    quiet_office: Office, form: dict[str, str], status: int
) -> None:
    answer = quiet_office.post("/outbox", **form)
    assert answer.status_code == status and len(answer.get_data(as_text=True)) > 100


def test_what_was_dropped_needs_a_reason_and_stays_dropped(own_office: Office) -> None:
    queue_letters(own_office)
    (number, *_) = letters(own_office)
    assert own_office.post("/outbox", act="drop", row=str(number)).status_code == 422
    assert state(own_office, number) == "queued"
    assert own_office.post("/outbox", act="drop", row=str(number), reason="wrong person").status_code == 303
    again = own_office.post("/outbox", act="retry", row=str(number))
    assert again.status_code == 409 and "is dropped" in again.get_data(as_text=True)


@pytest.mark.server
@pytest.mark.parametrize("scripts", [True, False])
def test_a_letter_is_found_and_held(chromium: Any, own_office: Office, own_host: str, scripts: bool) -> None:
    queue_letters(own_office)
    (number, *_) = sorted(letters(own_office))
    with seat(chromium, own_host, scripts=scripts) as window:
        page = window.page
        window.go("/outbox")
        page.click("text=Waiting")
        page.check(f"input[name=row][value='{number}']")
        page.click("button[value=hold]")
        assert "1 letter: held" in page.inner_text("[role=status]")
        window.go(f"/outbox/{number}")
        assert "held" in page.inner_text("h1")
        assert window.met == []
    assert state(own_office, number) == "held"
