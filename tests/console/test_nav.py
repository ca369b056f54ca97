"""The links beside each page."""

from __future__ import annotations

import re

from console.offices import Office

from engine.console.nav import LINKS


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
        assert re.findall(r'aria-current="page">([^<]+)', page) == [name]
