"""Items: the list, one item with its conversation, what people say and change there.

Here: what was typed into a form, as an act. Not here: what an act does and who may (`desk/items.py`), who hears of it
(`desk/item_page.py`). Invariant: everything is an act of who is signed in; a form that comes twice is done once; what
was typed stays where it is refused.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Response, redirect, url_for
from msgspec import Struct
from msgspec.structs import replace

from engine.console import guard
from engine.console.asked import Asked, Page, number_in
from engine.console.pages.mail import FRAME, download
from engine.console.telling import hears, telling
from engine.console.words import gettext
from engine.desk import begun_words, item_page, items, plain
from engine.desk.exporting import ITEMS, STEP, Table, by_number
from engine.desk.refusals import NotFound, Refused, Unclear
from engine.desk.told import heard
from engine.model.draft import Role

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.desk.installation import Engine
    from engine.model.acts import Acted
    from engine.model.stored import ItemView

ROWS = 50

SHOWN_FILES, MOST_FILES = 200, 20
"""Files of an entry that a page shows, and that come with words at once."""

SHOWN_WORDS, SHOWN_TEXT = 50, 10_000
"""Entries of a conversation beside the first, and characters of each, that a page shows; `?all=1` shows all of them."""

WAYS = (
    ("Open", "status:open"), ("Unanswered", "unanswered"), ("Nobody's", "status:open assigned:-"),
    ("Mine", "status:open assigned:{login}"),
)  # fmt: skip
"""Searches that are asked for most."""


class Typed(Struct, frozen=True):
    """What stands in the form of an item: words, how they are meant, what was said about it and who would hear.

    `kept` is when the words were kept for who writes them.
    """

    words: str = ""
    act: str = ""
    status: str = ""
    said: str = ""
    hears: str = ""
    key: str = ""
    kept: datetime | None = None


def listed(asked: Asked) -> Page:
    """The items that a search finds, the newest first, a page at a time."""
    query, before = asked.args.get("q", "").strip(), number_in(asked.args.get("before", ""))
    said, found, scope = "", item_page.Found([], more=False, beyond=False), asked.scope
    try:
        found = item_page.listed(asked.store, scope, query, ROWS, before)
    except Unclear as error:
        said = str(error)
    ways = [(name, way.format(login=asked.account.login)) for name, way in WAYS]
    data = {"query": query, "rows": found.rows, "more": found.more, "beyond": found.beyond, "before": before,
            "said": said, "ways": ways}  # fmt: skip
    twin = {"items": found.rows, "next": found.rows[-1].id if found.more else None, "error": said or None}
    command = f"allegra item list {query}".strip()
    table = Table("items", by_number(lambda store, before: item_page.listed(store, scope, query, STEP, before).rows),
                  ITEMS, query)  # fmt: skip
    return Page("items.html", query or "Items", data, twin, command, 422 if said else 200, table)


def one(asked: Asked, number: int) -> Page:
    """An item with its conversation."""
    return _page(asked, number, Typed())


def _page(asked: Asked, number: int, typed: Typed, status: int = 200) -> Page:
    page = item_page.seen(asked.store, asked.scope, number, asked.zone)
    if begun := begun_words.begun(asked.store, asked.scope, asked.account, page.view):
        typed = replace(typed, kept=begun.at)
        if typed.act not in WITH_FILES:
            typed = replace(typed, words=begun.words, act=begun.mode)
    key, talk = typed.key or secrets.token_hex(8), page.conversation
    most = len(talk) if "all" in asked.args else SHOWN_WORDS
    data = {"page": page, "row": page.item, "typed": typed, "key": key, "most_files": SHOWN_FILES, "roles": ROLES,
            "talk": (talk[0], *talk[1:][-most:]), "most_text": SHOWN_TEXT if "all" not in asked.args else None,
            "did": guard.heard(asked.args.get("did", ""))}  # fmt: skip
    title, command = f"#{number} {page.item.title}", f"allegra item show {number}"
    return Page("item.html", title, data, lambda: plain.item(asked.store, asked.config, page.view), command, status,
                reads="conversation")  # fmt: skip


def body(asked: Asked, number: int, comment: int) -> Response:
    """The HTML of an item (0) or of a comment, for the frame that shows it."""
    found = item_page.view(asked.store, asked.scope, number)
    page = item_page.page(asked.store, asked.config, found, comment)
    answer = Response(page, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = FRAME
    return answer


def file(asked: Asked, number: int, attachment: int) -> Response:
    """A file of an item, to be kept."""
    found = item_page.view(asked.store, asked.scope, number)
    name, content = item_page.content(asked.store, found, attachment)
    return download(content, name, "application/octet-stream")


# ── acting ────────────────────────────────────────────────────────────────────────────────────────────────────


def act(asked: Asked, number: int) -> Page | Answer:
    """Do what a form says; refused, the page says why, and what was typed stands in it."""
    found = item_page.view(asked.store, asked.scope, number)
    form, deed = asked.form, DEEDS.get(asked.form.get("act", ""))
    typed = Typed(form.get("words", ""), form.get("act", ""), form.get("status", ""), key=form.get("key", "")[:64])
    if form.get("try") == "keep":
        return _kept(asked, found, typed)
    if deed is None:
        return _page(asked, number, replace(typed, said="choose what to do with it"), 422)
    tries = form.get("try") == "1"
    how = items.How(asked.account, via="console", key=_key(asked, typed), dry_run=tries, anyway="anyway" in form)
    try:
        if into := _into(form):
            item_page.view(asked.store, asked.scope, into)  # one that is not seen is not there
        more = {"files": _files(asked)} if typed.act in WITH_FILES else {}
        acted = asked.engine(lambda engine: deed(engine, number, form, how, **more))
    except (Refused, Unclear, NotFound) as error:
        status = 422 if isinstance(error, Unclear | NotFound) else 409
        return _again(asked, found, replace(typed, said=str(error)), status)
    told = heard(acted, asked.zone)
    if tries:
        return _again(asked, found, replace(typed, hears=hears(told)))
    if typed.act in WITH_FILES:
        begun_words.drop(asked.store, asked.account, number)
    nothing = typed.act in CHANGES and not acted.events
    said = gettext("Nothing changed") if nothing else telling(gettext(DONE[typed.act]), told)
    return redirect(f"{url_for('items.one', number=number)}?did={quote(guard.said(said))}", 303)


def _key(asked: Asked, typed: Typed) -> str:
    return f"console {asked.account.id} {typed.key}" if typed.key else ""


def _kept(asked: Asked, found: ItemView, typed: Typed) -> Page:
    """Keep what is being written, and say so."""
    store, scope, account = asked.store, asked.scope, asked.account
    begun_words.keep(store, scope, account, found, typed.act, typed.words, _key(asked, typed))
    begun = begun_words.begun(store, scope, account, found)
    return Page("kept.html", "Item", {"kept": begun.at if begun else None}, {})


def _again(asked: Asked, found: ItemView, typed: Typed, status: int = 200) -> Page:
    """The page with what was typed in it, which is kept as well: it may be closed now."""
    if typed.act in WITH_FILES:
        with suppress(Refused, Unclear):
            begun_words.keep(
                asked.store, asked.scope, asked.account, found, typed.act, typed.words, _key(asked, typed)
            )  # fmt: skip
    return _page(asked, found.item.id, typed, status)


def _files(asked: Asked) -> tuple[items.File, ...]:
    """The files that came with words; a field in which none was chosen comes empty."""
    given = asked.files.getlist("file")
    files = [items.File(each.filename, each.read()) for each in given if each.filename]
    for each in given:
        each.close()
    if len(files) > MOST_FILES:
        raise Unclear(f"at most {MOST_FILES} files at once")
    return tuple(files)


def _say(
    engine: Engine, number: int, form: Mapping[str, str], how: items.How, files: tuple[items.File, ...] = ()
) -> Acted:
    return items.answer(engine, number, form.get("words", ""), how, files, status=form.get("status", ""))


def _note(
    engine: Engine, number: int, form: Mapping[str, str], how: items.How, files: tuple[items.File, ...] = ()
) -> Acted:
    return items.note(engine, number, form.get("words", ""), how, files)


def _draft(
    engine: Engine, number: int, form: Mapping[str, str], how: items.How, files: tuple[items.File, ...] = ()
) -> Acted:
    return items.draft(engine, number, form.get("words", ""), how, files)


def _send(engine: Engine, number: int, form: Mapping[str, str], how: items.How) -> Acted:
    return items.send(engine, number, number_in(form.get("comment", "")), how)


def _discard(engine: Engine, number: int, form: Mapping[str, str], how: items.How) -> Acted:
    return items.discard(engine, number, number_in(form.get("comment", "")), how)


def _publish(engine: Engine, number: int, form: Mapping[str, str], how: items.How) -> Acted:
    return items.publish(engine, number, number_in(form.get("comment", "")), how)


def _set(engine: Engine, number: int, form: Mapping[str, str], how: items.How) -> Acted:
    """Change what differs from what the form was made with."""
    said = {name: form[name].strip() for name in FACTS if name in form}
    wanted = [(name, text) for name, text in said.items() if text != form.get(f"was-{name}", "")]
    if not wanted:
        raise Unclear("nothing is changed: what stands there is what it is")
    return items.set_values(engine, number, wanted, how)


def _relabel(engine: Engine, number: int, form: Mapping[str, str], how: items.How) -> Acted:
    now, before = _labels(form.get("labels", "")), _labels(form.get("was-labels", ""))
    changes = [*(f"+{each}" for each in now if each not in before), *(f"-{each}" for each in before if each not in now)]
    return items.relabel(engine, number, changes, how)


def _join(engine: Engine, number: int, form: Mapping[str, str], how: items.How) -> Acted:
    if not (who := form.get("who", "").strip()):
        raise Unclear("say who: a login, an address or a name")
    if form.get("role", "") not in ROLES:
        raise Unclear(f"a role is {', '.join(ROLES)}")
    return items.join(engine, number, who, Role(form["role"]), how)


def _leave(engine: Engine, number: int, form: Mapping[str, str], how: items.How) -> Acted:
    return items.leave(engine, number, form.get("who", ""), how)


def _merge(engine: Engine, number: int, form: Mapping[str, str], how: items.How) -> Acted:
    if not (into := _into(form)):
        raise Unclear("say into which item: its number")
    return items.merge(engine, number, into, how)


def _into(form: Mapping[str, str]) -> int:
    """The item that another one is merged into; 0 for none."""
    return number_in(form.get("into", "").strip().removeprefix("#"))


ROLES = tuple([each.value for each in (Role.WATCHER, Role.READER, Role.EDITOR)])
"""What somebody may be on an item, as the form offers it."""

FACTS = ("title", "type", "status", "priority", "assigned_to", "category", "version")
"""Fields that the form of an item shows."""

WITH_FILES = frozenset({"answer", "note", "draft"})

DEEDS: dict[str, Callable[..., Acted]] = {
    "answer": _say, "note": _note, "draft": _draft, "send": _send, "discard": _discard, "publish": _publish,
    "set": _set, "relabel": _relabel, "join": _join, "leave": _leave, "merge": _merge,
}  # fmt: skip

CHANGES = frozenset({"set", "relabel", "join", "leave", "merge"})
"""Acts that do nothing where all is so already; each change is an event."""

DONE = {
    "answer": "Answered", "note": "Noted", "draft": "Kept as a draft", "send": "The draft is sent",
    "discard": "The draft is discarded", "publish": "It is public now", "set": "The details are changed",
    "relabel": "The labels are set", "join": "Added", "leave": "Removed", "merge": "Merged",
}  # fmt: skip


def _labels(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


BYTES = frozenset({body, file})
"""Views that give bytes, which have no twin."""
