"""What people say and change on one item: forms, as acts.

Here: what was typed into a form, as an act. Not here: what an act does and who may (`desk/items.py`), the page with the
form (`items.py`). Invariant: everything is an act of who is signed in; a form that comes twice is done once; what was
typed stays where it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import redirect, url_for
from msgspec.structs import replace

from engine.console import guard
from engine.console.asked import Asked, Page, number_in
from engine.console.pages.items import ROLES, WITH_FILES, Typed, key_of, page
from engine.console.telling import hears, telling
from engine.console.words import gettext
from engine.desk import begun_words, item_page, item_undo, items
from engine.desk.refusals import NotFound, Refused, Unclear
from engine.desk.told import heard
from engine.model.draft import Role

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.desk.installation import Engine
    from engine.model.acts import Acted
    from engine.model.stored import ItemView

MOST_FILES = 20
"""Files that come with words at once."""


def act(asked: Asked, number: int) -> Page | Answer:
    """Do what a form says; refused, the page says why, and what was typed stands in it."""
    found = item_page.view(asked.store, asked.scope, number)
    form, deed = asked.form, DEEDS.get(asked.form.get("act", ""))
    typed = Typed(form.get("words", ""), form.get("act", ""), form.get("status", ""), key=form.get("key", "")[:64])
    if form.get("try") == "keep":
        return _kept(asked, found, typed)
    if deed is None:
        return page(asked, number, replace(typed, said="choose what to do with it"), 422)
    tries = form.get("try") == "1"
    how = items.How(asked.account, via="console", key=key_of(asked, typed.key), dry_run=tries, anyway="anyway" in form)
    try:
        if into := _into(form):
            item_page.view(asked.store, asked.scope, into)  # one that is not seen is not there
        more: dict[str, Any] = {"files": _files(asked)} if typed.act in WITH_FILES else {}
        if typed.act == "undo":
            more = {"of": key_of(asked, form.get("of", "")[:64])}
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
    back = f"&undo={quote(typed.key)}" if typed.act in UNDONE and not nothing else ""
    return redirect(f"{url_for('items.one', number=number)}?did={quote(guard.said(said))}{back}", 303)


def _kept(asked: Asked, found: ItemView, typed: Typed) -> Page:
    """Keep what is being written, and say so."""
    store, scope, account = asked.store, asked.scope, asked.account
    begun_words.keep(store, scope, account, found, typed.act, typed.words, key_of(asked, typed.key))
    begun = begun_words.begun(store, scope, account, found)
    return Page("kept.html", "Item", {"kept": begun.at if begun else None}, {})


def _again(asked: Asked, found: ItemView, typed: Typed, status: int = 200) -> Page:
    """The page with what was typed in it, which is kept as well: it may be closed now."""
    if typed.act in WITH_FILES:
        with suppress(Refused, Unclear):
            begun_words.keep(
                asked.store, asked.scope, asked.account, found, typed.act, typed.words, key_of(asked, typed.key)
            )  # fmt: skip
    return page(asked, found.item.id, typed, status)


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
    said = {name: form[name].strip() for name in item_undo.FACTS if name in form}
    wanted = [(name, text) for name, text in said.items() if text != form.get(f"was-{name}", "")]
    if not wanted:
        raise Unclear("nothing is changed: what stands there is what it is")
    return items.set_values(engine, number, wanted, how)


def _undo(engine: Engine, number: int, _: Mapping[str, str], how: items.How, of: str) -> Acted:
    return item_undo.undo(engine, number, of, how)


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


DEEDS: dict[str, Callable[..., Acted]] = {
    "answer": _say, "note": _note, "draft": _draft, "send": _send, "discard": _discard, "publish": _publish,
    "set": _set, "relabel": _relabel, "undo": _undo, "join": _join, "leave": _leave, "merge": _merge,
}  # fmt: skip

UNDONE = frozenset({"set", "relabel", "undo"})
"""Acts that can be taken back on the next page."""

CHANGES = frozenset({"set", "relabel", "undo", "join", "leave", "merge"})
"""Acts that do nothing where all is so already; each change is an event."""

DONE = {
    "answer": "Answered", "note": "Noted", "draft": "Kept as a draft", "send": "The draft is sent",
    "discard": "The draft is discarded", "publish": "It is public now", "set": "The details are changed",
    "relabel": "The labels are set", "undo": "Undone", "join": "Added", "leave": "Removed", "merge": "Merged",
}  # fmt: skip


def _labels(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]
