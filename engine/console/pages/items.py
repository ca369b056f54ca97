"""Items: the list, one item with its conversation and with what stands in its form.

Here: looking. Not here: what people say and change there (`item_acts.py`), who hears of it (`desk/item_page.py`).
Invariant: what somebody may not see is not there.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING

from flask import Response
from msgspec import Struct
from msgspec.structs import replace

from engine.console import guard
from engine.console.asked import Asked, Page, number_in
from engine.console.pages.mail import FRAME, download
from engine.desk import begun_words, item_page, item_undo, plain
from engine.desk.exporting import ITEMS, STEP, Table, by_number
from engine.desk.refusals import Unclear
from engine.model.draft import Role

if TYPE_CHECKING:
    pass

ROWS = 50

SHOWN_FILES = 200
"""Files of an entry that a page shows."""

SHOWN_WORDS, SHOWN_TEXT = 50, 10_000
"""Entries of a conversation beside the first, and characters of each, that a page shows; `?all=1` shows all of them."""


ROLES = tuple([each.value for each in (Role.WATCHER, Role.READER, Role.EDITOR)])
"""What somebody may be on an item, as the form offers it."""

WITH_FILES = frozenset({"answer", "note", "draft"})
"""Acts that say something, with files where some came."""

WAYS = (
    ("Open", "status:open"), ("Unanswered", "unanswered"), ("Nobody's", "status:open assigned:-"),
    ("Mine", "status:open assigned:{login}"),
)  # fmt: skip
"""Searches that are asked for most."""


FACETS = (("status", "Status"), ("assigned", "Assigned to"), ("workspace", "Workspace"))
"""What items are told apart by beside the list: a word of the search, and its name."""


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
        found = item_page.searched(asked.store, scope, query, ROWS, before)
    except Unclear as error:
        said = str(error)
    ways = [(name, way.format(login=asked.account.login)) for name, way in WAYS]
    data = {"query": query, "rows": found.rows, "more": found.more, "beyond": found.beyond, "before": before,
            "said": said, "ways": ways, "kinds": found.kinds, "facets": FACETS,
            "did": guard.heard(asked.args.get("did", ""))}  # fmt: skip
    twin = {"items": found.rows, "next": found.rows[-1].id if found.more else None, "error": said or None,
            "facets": found.kinds}  # fmt: skip
    command = f"allegra item list {query}".strip()
    table = Table("items", by_number(lambda store, before: item_page.listed(store, scope, query, STEP, before).rows),
                  ITEMS, query)  # fmt: skip
    return Page("items.html", query or "Items", data, twin, command, 422 if said else 200, table)


def one(asked: Asked, number: int) -> Page:
    """An item with its conversation."""
    return page(asked, number, Typed())


def page(asked: Asked, number: int, typed: Typed, status: int = 200) -> Page:
    """An item with what was typed in its form."""
    shown = item_page.seen(asked.store, asked.scope, number, asked.zone)
    if begun := begun_words.begun(asked.store, asked.scope, asked.account, shown.view):
        typed = replace(typed, kept=begun.at)
        if typed.act not in WITH_FILES:
            typed = replace(typed, words=begun.words, act=begun.mode)
    key, talk = typed.key or secrets.token_hex(8), shown.conversation
    most = len(talk) if "all" in asked.args else SHOWN_WORDS
    data = {"page": shown, "row": shown.item, "typed": typed, "key": key, "most_files": SHOWN_FILES, "roles": ROLES,
            "talk": (talk[0], *talk[1:][-most:]), "most_text": SHOWN_TEXT if "all" not in asked.args else None,
            "did": guard.heard(asked.args.get("did", "")), "undo": _undoes(asked, number)}  # fmt: skip
    title, command = f"#{number} {shown.item.title}", f"allegra item show {number}"
    return Page("item.html", title, data, lambda: plain.item(asked.store, asked.config, shown.view), command, status,
                reads="conversation")  # fmt: skip


def _undoes(asked: Asked, number: int) -> str:
    """The key of the act that this page tells of, where it can be taken back."""
    key = asked.args.get("undo", "")[:64]
    return key if key and item_undo.changed(asked.store, number, key_of(asked, key)) else ""


def key_of(asked: Asked, key: str) -> str:
    """The key of an act: nobody but who sent the form knows it again."""
    return f"console {asked.account.id} {key}" if key else ""


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


BYTES = frozenset({body, file})
"""Views that give bytes, which have no twin."""
