"""The trial of the console: mail of strangers comes in, is let in, answered; every page that shows it is opened.

Here: the desk, what staff do there, which pages there are, `trial` and what it found. Not here: what strangers write
(`mails.py`), opening a page (`walk.py`). Invariant: which elements a page may have is learned from pages of harmless
mail of the same shape; each page of hostile mail is rendered twice, and has to be the tree of its harmless self.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from console.offices import Office, played, served
from flask import request, template_rendered
from msgspec import Struct

from engine.config import load
from engine.console.app import create
from engine.desk.installation import Installation
from hostile.mails import HARMLESS, PIECES, mail_of
from hostile.walk import Walk, chromium

NO_LIMITS = '[gates]\nmails_per_sender = { limit = 0, per = "1 hour", then = "hold" }\n' + (
    'total_rate = { limit = 0, per = "1 hour", then = "hold" }\n'
)

LISTS = (
    "/", "/mails", "/mails?q=outcome:held", "/mails?q=newer_than:1d", "/held", "/items", "/items?q=status:open",
    "/people", "/people?q=attacker", "/outbox", "/outbox?q=state:suppressed", "/audit", "/audit?q=", "/stats",
    "/stats?show=People", "/stats?show=Rules", "/mailboxes", "/mailbox/system", "/topics", "/topic/1",
    "/playground?condition=subject+exists", "/playground?condition=not+subject+exists", "/rules",
    "/rules/support/versions", "/settings", "/hooks", "/me",
)  # fmt: skip
"""Pages of many mails; those behind their *Older* are opened as well."""

RARELY = 25
"""Of how many mails one is opened on the pages that ask the engine anew, and its HTML outside of its frame."""

AT_ONCE = 100

Say = Callable[[str], None]


class Told(Struct, frozen=True):
    """What a trial did and found."""

    mails: int
    items: int
    letters: int
    pages: int
    frames: int
    files: int
    took_s: float
    wrong: tuple[str, ...]


class Twins:
    """Keeps of each page what it were if no value in it had a sign that means something in HTML."""

    def __init__(self, app: Any) -> None:
        self._plain = app.jinja_env.overlay(finalize=_harmless)
        self._kept: dict[str, str] = {}
        template_rendered.connect(self._render, app)

    def _render(self, _: Any, template: Any, context: dict[str, Any], **__: Any) -> None:
        self._kept[request.environ["REQUEST_URI"]] = self._plain.get_template(template.name).render(context)

    def of(self, address: str) -> str | None:
        """Give the twin of the page that was given last under an address, once."""
        return self._kept.pop(address, None)


def _harmless(value: Any) -> Any:
    return value if hasattr(value, "__html__") else str(value).translate(dict.fromkeys(map(ord, "<>\"'&"), "x"))


@contextmanager
def desk(folder: Path) -> Iterator[Office]:
    """The demo without limits for senders."""
    played(folder)
    file = folder / "allegra.toml"
    text = file.read_text("utf-8").replace("[gates]\n", NO_LIMITS)
    file.write_text(f'{text}\n[console]\nauth = "none"\n', "utf-8")
    installation = Installation(file, load(file))
    try:
        yield Office(folder, installation, create(installation))
    finally:
        installation.close()


class Wave(Struct, frozen=True):
    """What came in together, and what became of it."""

    mails: tuple[tuple[str, str], ...]
    held: frozenset[str]
    items: tuple[int, ...]
    letters: tuple[int, ...]

    def addresses(self) -> Iterator[str]:
        """Every page of one mail, item, sender or letter."""
        for ref, _ in self.mails:
            yield f"/mail/{ref}"
        for number in self.items:
            yield from (f"/item/{number}", *([f"/item/{number}?all=1"] if number % RARELY == 0 else []))
        for ref, _ in self.mails:
            yield from (f"/mail/{ref}/headers", *([f"/held/{ref}"] if ref in self.held else []))
        for number in self.letters:
            yield f"/outbox/{number}"
        for sender in dict.fromkeys(sender for _, sender in self.mails):
            if "@" in sender and not sender.startswith("/"):
                yield f"/person/{quote(sender)}"
        for ref, _ in self.mails[::RARELY]:
            yield from (f"/mail/{ref}?all=1", f"/mail/{ref}/body", f"/playground?mail={ref}")
            yield from (f"/rules/support/edit?mail={ref}", f"/rules/support/edit?test={ref}")


def come(made: Office, dice: random.Random, first: int, mails: int, *, harmless: bool) -> Wave:
    """Let mails come in, let half of what is held in, answer some of it."""
    inbound, item, letter = (
        (
            made.rows(f"SELECT coalesce(max(id), 0) FROM {table}")[0][0]  # noqa: S608
            for table in ("inbound", "item", "outbox")
        )
        if first
        else (0, 0, 0)
    )
    for start in range(first, first + mails, 1000):
        many = range(start, min(start + 1000, first + mails))
        made.take(*[mail_of(dice, number, harmless=harmless) for number in many])
    waits_here = _held(made, inbound)
    held = waits_here[: len(waits_here) // 2]
    pieces = HARMLESS if harmless else PIECES
    for start in range(0, len(held), AT_ONCE):
        refs, act = held[start : start + AT_ONCE], dice.choice(("release", "release", "release", "reject", "discard"))
        _post(made, "/held", act=act, ref=refs, reason=_words(dice, pieces, 9))
    items = [number for (number,) in made.rows(f"SELECT id FROM item WHERE id > {item} ORDER BY id")]  # noqa: S608
    for number in dice.sample(items, min(len(items), max(mails // 50, 2))):
        for act in ("answer", "note", "draft"):
            words = _words(dice, pieces, 5)
            _post(made, f"/item/{number}", act=act, words=words, key=f"{number} {act}", anyway="1")
    _post(made, "/topic/1", words=_words(dice, pieces, 9), key=f"topic {first} {harmless}")
    rows = made.rows(f"SELECT ref, sender FROM inbound WHERE id > {inbound} ORDER BY id")  # noqa: S608
    of_a_kind = "GROUP BY item, class, coalesce(item, inbound_id) ORDER BY 1"
    letters = made.rows(f"SELECT min(id) FROM outbox WHERE id > {letter} {of_a_kind}")  # noqa: S608
    waits = frozenset(_held(made, inbound))
    return Wave(tuple([tuple(row) for row in rows]), waits, tuple(items), tuple([number for (number,) in letters]))


def _held(made: Office, after: int) -> list[str]:
    with made.installation.store() as store:
        refs = made.rows(f"SELECT ref FROM inbound WHERE id > {after} ORDER BY id")  # noqa: S608
        return [ref for (ref,) in refs if store.archive.mail(ref).outcome == "held"]


def _words(dice: random.Random, pieces: tuple[str, ...], many: int) -> str:
    return " ".join(dice.sample(pieces, many)).encode("utf-8", "replace").decode()


def _post(made: Office, address: str, **form: Any) -> None:
    answer = made.post(address, token=made.form_token(1), **form)
    assert answer.status_code in (303, 409, 422), (address, answer.status_code)


def trial(
    folder: Path, mails: int, seed: int = 1, *, few: int = 200, lists: tuple[str, ...] = LISTS, tabs: int = 3,
    share: float = 0.1, say: Say = print,
) -> Told:  # fmt: skip
    """Let so many mails come in, and look at all of it; at a `share` of their pages without scripts as well.

    `few` harmless mails show before that which elements there are; 0 leaves that out.
    """
    asked = Asked(mails, few, random.Random(seed), lists, tabs, share)  # noqa: S311
    with desk(folder) as made, served(made.app, threads=2 * tabs + 2) as host:
        return asyncio.run(_looked(made, host, asked, say))


class Asked(Struct, frozen=True):
    """How much is looked at."""

    mails: int
    few: int
    dice: random.Random
    lists: tuple[str, ...]
    tabs: int
    share: float


async def _looked(made: Office, host: str, asked: Asked, say: Say) -> Told:
    began, dice, tabs = time.monotonic(), asked.dice, asked.tabs

    def tell(what: str) -> None:
        say(f"{time.monotonic() - began:5.0f} s: {what}, {walk.pages} pages opened, {len(walk.wrong)} wrong")

    walk = Walk(host, tell=lambda: tell("so far"))
    async with chromium() as (started, outside):
        if asked.few:
            wave = await asyncio.to_thread(come, made, dice, 0, asked.few, harmless=True)
            for scripts in (True, False):
                await walk.all(started, [*asked.lists, *wave.addresses()], tabs, scripts=scripts)
            tell(f"{asked.few} harmless mails looked at")
        wave = await asyncio.to_thread(come, made, dice, asked.few or 1, asked.mails, harmless=False)
        tell(f"{len(wave.mails)} hostile mails came, {len(wave.items)} items, {len(wave.letters)} letters")
        walk.learns, walk.twin = False, Twins(made.app).of
        addresses = [*asked.lists, *wave.addresses()]
        await walk.all(started, addresses, tabs)
        tell("all looked at")
        await walk.all(started, dice.sample(addresses, int(len(addresses) * asked.share)), tabs, scripts=False)
    wrong = (*walk.wrong, *[f"asked of the world: {each}" for each in outside.asked if ".example" in each])
    took = time.monotonic() - began
    return Told(len(wave.mails), len(wave.items), len(wave.letters), walk.pages, walk.frames, walk.files, took, wrong)
