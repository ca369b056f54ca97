"""Mail of strangers who try everything, on every page that shows some of it: it is text there, and nothing else.

The HTML is read as a browser begins to read it. Elements, attributes and addresses on pages of hostile mail are those
that stand on pages of harmless mail.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest
from console.offices import Office, office
from hostile import trial
from hostile.mails import PIECES, mail_of
from servers.chromium import missing

from engine.plain_text import STRANGE

MAILS = 40
"""As many as there is time for in a run of all tests; more of them tell the same."""

BROWSED, LISTS = 8, ("/", "/mails", "/held", "/items", "/outbox", "/people", "/audit", "/topic/1")

PLACES = {"href", "src", "action", "formaction", "data", "srcset", "poster", "background", "ping", "xlink:href"}


class Read(HTMLParser):
    """The elements of a page with the names of their attributes, the addresses in it, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.kinds, self.addresses, self.words, self.told = set[tuple[str, str]](), list[str](), list[str](), set[str]()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.kinds |= {(tag, ""), *[(tag, name) for name, _ in attrs]}
        self.words += [value or "" for _, value in attrs]
        self.addresses += [value or "" for name, value in attrs if name in PLACES]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.told.add(f"comment {data[:40]}")

    def handle_pi(self, data: str) -> None:
        self.told.add(f"instruction {data[:40]}")

    def unknown_decl(self, data: str) -> None:
        self.told.add(f"declaration {data[:40]}")


def is_ours(address: str) -> bool:
    """Tell whether an address of a page leads to a page of ours, or nowhere."""
    return address in ("", "data:,") or address.startswith(("#", "?")) or bool(re.match(r"/(?![/\\])", address))


def pages(made: Office, refs: list[str]) -> Iterator[str]:
    """Every page that shows something of these mails."""
    chosen = f"ref IN ({', '.join(repr(each) for each in refs)})"
    found = dict(made.rows(f"SELECT ref, sender FROM inbound WHERE {chosen}"))  # noqa: S608
    held, made_of = set(made.refs("outcome:held")), dict[str, int]()
    with made.installation.store() as store:
        made_of = {ref: number for ref in refs if (number := store.archive.mail(ref).item)}
    for ref in refs:
        yield from (f"/mail/{ref}", f"/mail/{ref}?all=1", f"/mail/{ref}/headers", f"/playground?mail={ref}")
        yield from (f"/rules/support/edit?mail={ref}", f"/rules/support/edit?test={ref}")
        if ref in held:
            yield f"/held/{ref}"
        if ref in made_of:
            yield from (f"/item/{made_of[ref]}", f"/item/{made_of[ref]}?all=1")
    for sender in sorted(set(found.values()))[:20]:
        if sender and "@" in sender and not sender.startswith("/"):
            yield f"/person/{quote(sender)}"
            yield f"/mails?q={quote(f'from:{sender}')}"
    yield from (
        "/",
        "/mails",
        "/mails?q=newer_than:1d",
        "/held",
        "/items",
        "/people",
        "/people?q=attacker",
        "/outbox",
        "/outbox?q=state:suppressed",
        "/audit",
        "/audit?q=",
        "/stats",
        "/stats?show=People",
        "/mailbox/system",
        "/playground?condition=subject+exists",
        "/playground?condition=not+subject+exists",
        "/topics",
    )


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, set[tuple[str, str]]]]:
    """An office, and the kinds of elements that its pages have before strangers write."""
    with office(tmp_path_factory.mktemp("hostile") / "demo") as made:
        kinds: set[tuple[str, str]] = set()
        for address in pages(made, made.refs()):
            answer = made.get(address)
            assert answer.status_code in (200, 303), address
            kinds |= Read(answer.get_data(as_text=True)).kinds
        yield made, kinds


def test_what_strangers_write_is_text_on_every_page(seen: tuple[Office, set[tuple[str, str]]]) -> None:
    made, kinds = seen
    before, dice = set(made.refs()), random.Random(20261130)  # noqa: S311
    made.take(*[mail_of(dice, number) for number in range(MAILS)])
    evil = [ref for ref in made.refs() if ref not in before]
    assert len(evil) > MAILS * 0.9
    held = [ref for ref in made.refs("outcome:held") if ref in evil]
    sent = made.post("/held", token=made.form_token(1), act="release", ref=held[:20], reason="".join(PIECES[:9]))
    assert sent.status_code == 303
    chosen = [*held[:20], *dice.sample(evil, 25)]
    wrong = list[str]()
    for address in dict.fromkeys(pages(made, chosen)):
        answer = made.get(address)
        text = answer.get_data(as_text=True)
        assert answer.status_code in (200, 303, 422), address
        read = Read(text)
        strange = sorted(read.kinds - kinds - KNOWN)
        away = [each for each in read.addresses if not is_ours(each)]
        steers = re.findall(STRANGE, re.sub(r"[\r\n\t]", "", "".join(read.words)))
        if strange or away or read.told or steers:
            wrong.append(f"{address}: {strange[:5]} {away[:3]} {sorted(read.told)[:2]} {steers[:5]}")
        if answer.status_code == 200 and "?all" not in address:
            path, mark, query = address.partition("?")
            twin = made.get(f"{'/index' if path == '/' else path}.json{mark}{query}")
            assert twin.content_type == "application/json" and json.loads(twin.data) is not None, address
    assert wrong == []


def test_what_strangers_write_does_nothing_in_a_browser(tmp_path: Path) -> None:
    """What `make hostile` does with 10,000 mails."""
    if absent := missing():
        if os.environ.get("CI") == "true":
            pytest.fail(f"not installed: {absent}")
        pytest.skip(f"not installed: {absent}")
    told = trial.trial(tmp_path / "demo", BROWSED, seed=20261130, few=0, lists=LISTS, share=0.2)
    assert told.wrong == ()
    assert told.mails > BROWSED * 0.9 and told.items and told.frames and told.files and told.pages > 4 * BROWSED


KNOWN = frozenset({("a", "rel")})
"""What harmless pages may have as well, and those of the demo have not."""
