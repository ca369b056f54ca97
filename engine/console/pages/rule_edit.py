"""Writing rules: a text with what is wrong with it beside it, its tests, what it would change, saving it.

Here: what was typed into the form. Not here: checking, comparing and saving (`desk/rule_reading.py`,
`desk/rule_effect.py`, `desk/rule_saving.py`).
Invariant: what was typed stays: in the form where something is refused, and as a draft of this person.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import redirect, url_for
from msgspec import Struct
from msgspec.structs import replace
from werkzeug.exceptions import Forbidden

from engine.console import guard
from engine.console.asked import Asked, Page, number_in
from engine.console.pages.jobs import shown as shown_job
from engine.console.pages.mail import download
from engine.console.words import gettext
from engine.desk import looking, rule_effect, rule_places, rule_reading, rule_saving, rule_writing
from engine.desk.job import State
from engine.desk.refusals import Busy, NotFound, Refused, Unclear

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

    from engine.desk.job import Job
    from engine.desk.rule_places import RulePlace
    from engine.desk.rule_reading import CheckedText


KNOWN = 1_000
"""Versions, the newest, among which the beginning of a text is looked for."""


class Typed(Struct, frozen=True):
    """What stands in the form: a text, the digest of what it was begun from, why, and what was said about it."""

    text: str
    base: str
    reason: str = ""
    said: str = ""
    drafted: bool = False
    replaces: bool = False
    run: bool = False
    status: int = 200


def form(asked: Asked, name: str) -> Page:
    """The text of a file, or what somebody was writing, to be changed."""
    place = rule_places.place(asked.config, asked.scope, name)
    return _page(asked, place, _begun(asked, place))


def _begun(asked: Asked, place: RulePlace) -> Typed:
    """What somebody begins with: an older version, their draft, or the file, with what a mail or a condition adds."""
    text, digest = rule_reading.now(place)
    draft = asked.store.rule_files.draft(asked.account.id, place.place)
    if number := number_in(asked.args.get("version", "")):
        found = asked.store.rule_files.version(number)
        if found is None or found.place != place.place:
            raise NotFound("there is no such version")
        was = asked.store.archive.text(found.digest)
        return Typed(was, digest, f"back to version {number}", replaces=draft is not None)
    begun = Typed(draft.text, draft.base, drafted=True) if draft is not None else Typed(text, digest)
    return replace(begun, text=begun.text + _added(asked))


def _added(asked: Asked) -> str:
    if condition := asked.args.get("condition", "")[:10_000]:
        return rule_writing.rule_of(condition)
    for word, made in (("mail", rule_writing.rule_from), ("test", rule_writing.test_from)):
        if ref := asked.args.get(word, ""):
            return made(looking.seen(asked.store, ref, asked.scope.readable))
    return ""


def _page(asked: Asked, place: RulePlace, typed: Typed) -> Page:
    looked: CheckedText = asked.engine(
        lambda engine: rule_reading.checked(engine, asked.scope, place, typed.text, run=typed.run)
    )
    now, digest = rule_reading.now(place)
    job = _effect(asked, place, typed.text)
    data = {"place": place, "typed": typed, "looked": looked, "changed": rule_writing.difference(now, typed.text),
            "moved": digest != typed.base, "reads": asked.scope.may("read_mail", place.place),
            "since": _since(asked, place, typed, now), "job": job, **shown_job(job)}  # fmt: skip
    twin = {"digest": looked.digest, "loads": looked.loads, "problems": looked.problems, "tests": looked.tests}
    return Page("rule_edit.html", f"Edit {place.file}", data, twin, f"allegra rules test {place.file}", typed.status)


def _effect(asked: Asked, place: RulePlace, text: str) -> Job | None:
    """The job that looks what this text would change, or has looked."""
    try:
        key = rule_effect.key(asked.config, place, rule_saving.usual(text, place))
    except Refused:
        return None
    if done := asked.jobs.finished(asked.scope.reader, rule_effect.KIND, key):
        return done
    found = asked.job(rule_effect.KIND)
    return found if found is not None and found.key == key else None


def _since(asked: Asked, place: RulePlace, typed: Typed, now: str) -> tuple[str, ...]:
    """What others changed since this text was begun, as far as its beginning is known as one of this file."""
    is_ours = any(each.digest == typed.base for each in asked.store.rule_files.versions(place.place, KNOWN))
    was = asked.store.archive.text(typed.base) if is_ours else ""
    return rule_writing.difference(was, now) if was else ()


# ── what the buttons do ───────────────────────────────────────────────────────────────────────────────────────


def act(asked: Asked, name: str) -> Page | Answer:
    """Do what was asked for with the text that was typed; it is kept as a draft first."""
    place = rule_places.place(asked.config, asked.scope, name)
    typed = Typed(rule_saving.usual(asked.form.get("text", ""), place), asked.form.get("base", ""),
                  asked.form.get("reason", ""))  # fmt: skip
    deed = DEEDS.get(asked.form.get("act", ""), _check)
    if deed is not _drop:
        asked.store.rule_files.put_draft(asked.account.id, place.place, typed.base, typed.text)
    try:
        return deed(asked, place, typed)
    except (Refused, Unclear, Busy) as error:
        status = 422 if isinstance(error, Unclear) else 409 if isinstance(error, Refused) else 503
        return _page(asked, place, replace(typed, said=str(error), status=status))


def _check(asked: Asked, place: RulePlace, typed: Typed) -> Page:
    return _page(asked, place, typed)


def _test(asked: Asked, place: RulePlace, typed: Typed) -> Page:
    return _page(asked, place, replace(typed, run=True))


def _look(asked: Asked, place: RulePlace, typed: Typed) -> Answer:
    if not asked.scope.may("read_mail", place.place):
        raise Forbidden(f"what a rule would change is told to who may read the mail of {place.name}")
    looked = asked.engine(lambda engine: rule_reading.checked(engine, asked.scope, place, typed.text))
    if not looked.loads:
        raise Unclear("this text does not load: mend what is marked first")
    job = rule_effect.begin(asked.jobs, asked.config, asked.scope, place, typed.text)
    return redirect(url_for("rule_edit.form", name=place.name, job=job.id) + "#effect", 303)


def _save(asked: Asked, place: RulePlace, typed: Typed) -> Answer:
    if place.why_not:
        raise Forbidden(place.why_not)
    ticked = {word: bool(asked.form.get(word)) for word in ("unseen", "warned", "untested")}
    job = _effect(asked, place, typed.text)
    wish = rule_saving.Wish(
        typed.text, typed.base, typed.reason, seen=job is not None and job.state is State.DONE, **ticked
    )
    done = asked.engine(lambda engine: rule_saving.save(engine, asked.scope, asked.account.login, place, wish))
    said = gettext("Saved as version %(number)s; in force from the next run on", number=done.version)
    return redirect(f"{url_for('rules.one', name=place.name)}?did={quote(guard.said(said))}", 303)


def _drop(asked: Asked, place: RulePlace, _typed: Typed) -> Answer:
    asked.store.rule_files.drop_draft(asked.account.id, place.place)
    return redirect(url_for("rules.one", name=place.name), 303)


def _go_on(asked: Asked, place: RulePlace, typed: Typed) -> Page:
    """They saw what others changed: from now on this text was begun from what stands there."""
    begun = replace(typed, base=rule_reading.now(place)[1])
    asked.store.rule_files.put_draft(asked.account.id, place.place, begun.base, begun.text)
    return _page(asked, place, begun)


def _patch(_asked: Asked, place: RulePlace, typed: Typed) -> Answer:
    text = rule_writing.patch(place.file, rule_reading.now(place)[0], typed.text)
    return download(text.encode(), f"{place.path.name}.patch", "text/x-diff")


DEEDS: dict[str, Callable[[Asked, RulePlace, Typed], Page | Answer]] = {
    "check": _check, "test": _test, "effect": _look, "save": _save, "drop": _drop, "go_on": _go_on,
    "patch": _patch,
}  # fmt: skip
