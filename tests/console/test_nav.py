"""The links beside each page."""

from __future__ import annotations

import json
import re

from console.offices import Office, queue_letters
from console.roles import EVERYBODY, become, people

from engine.console.nav import LINKS
from engine.model.sight import EVERY_ITEM


def test_every_link_leads_to_a_page_and_every_key_to_one(quiet_office: Office) -> None:
    page = quiet_office.get("/mails").get_data(as_text=True)
    side = page[page.index('<nav class="side"') : page.index("</nav>")]
    assert re.findall(r'data-go="(.)"', side) == [link.key for link in LINKS if link.key]
    assert len({link.key for link in LINKS if link.key}) == len([link for link in LINKS if link.key])
    assert side.count("<a ") == len(LINKS), "an admin sees them all"
    for address in re.findall(r'href="([^"]+)"', side):
        assert quiet_office.get(address).status_code == 200, address


def test_the_link_of_the_page_that_is_shown_is_marked(quiet_office: Office) -> None:
    for address, name in (("/items", "Items"), ("/held", "Held")):
        page = quiet_office.get(address).get_data(as_text=True)
        assert [each.strip() for each in re.findall(r'aria-current="page">([^<]+)', page)] == [name]


def numbers(office: Office) -> dict[str, str]:
    """The numbers beside the links, by the names of these."""
    return dict(
        re.findall(r">(\w+) <span class=\"count\">([^<]+)</span></a>", office.get("/mails").get_data(as_text=True))
    )


def test_a_link_says_how_much_waits_there_for_who_asks_and_nothing_where_nothing_does(own_office: Office) -> None:
    people(own_office)
    queue_letters(own_office)
    with own_office.installation.store() as store, store.writing():
        store.database.run("UPDATE outbox SET state = 'failed' WHERE state = 'queued'")
    for login in EVERYBODY:
        become(own_office, login)
        groups = re.findall(
            r'class="count">(\d+)<', own_office.get("/held").get_data(as_text=True).partition("</nav>")[2]
        )
        letters = json.loads(own_office.get("/outbox.json?q=state:failed+state:held").data)["rows"]
        expected = {"Held": sum(map(int, groups)), "Outbox": len(letters)}
        assert numbers(own_office) == {name: str(many) for name, many in expected.items() if many}
        if login in ("anna", "nobody"):
            assert all(expected.values()) is (login == "anna")


FAILED = "INSERT INTO outbox (dedupe, class, payload, state, created_at) VALUES (?, 'auto', '', 'failed', 1)"


def test_many_are_told_as_many(own_office: Office) -> None:
    with own_office.installation.store() as store:
        for many, told in ((99, "99"), (100, "99+")):
            with store.writing():
                for number in range(store.figures.letters(EVERY_ITEM, 100), many):
                    store.database.run(FAILED, f"n{number}")
            assert numbers(own_office)["Outbox"] == told
