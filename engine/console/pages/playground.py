"""The playground: a condition asked about stored mail, a whole mail decided, and nothing kept.

Here: what was typed, as a question. Not here: answering (`desk/playground.py`), long questions (`desk/jobs.py`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import redirect, url_for
from msgspec import Struct
from msgspec.structs import replace

from engine.console.asked import Asked, Page
from engine.desk import playground, rule_places, why
from engine.desk.refusals import NotFound, Refused, Unclear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from werkzeug.wrappers import Response as Answer

    from engine.desk.installation import Engine
    from engine.desk.job import Job
    from engine.desk.rule_places import RulePlace
    from engine.desk.scope import Scope

KIND = "try"


class Tried(Struct, frozen=True):
    """What stands in the form of a mail, and what came of it."""

    written: playground.Written = playground.Written()
    source: str = ""
    ref: str = ""
    mailbox: str = ""
    rules: str = ""
    explained: dict[str, Any] | None = None
    said: str = ""


def seen(scope: Scope) -> bool:
    """Tell whether somebody may read any mail."""
    return scope.admin or bool(scope.workspaces.get("read_mail"))


def one(asked: Asked) -> Page:
    """A condition, asked about the newest mails; and the form of a mail."""
    return _page(asked, Tried(ref=asked.args.get("mail", "")))


def _page(asked: Asked, tried: Tried, status: int = 200) -> Page:
    if not seen(asked.scope):
        raise NotFound("the playground is for who may read mail")
    condition, name = asked.args.get("condition", "").strip(), asked.args.get("place", "")
    places = rule_places.places(asked.config, asked.scope)
    place = next((each.place for each in places if each.name == name), "")
    answer, said = None, ""
    try:
        if condition:
            answer = asked.engine(lambda engine: playground.ask(engine, asked.scope, condition, place))
    except Unclear as error:
        said, status = str(error), 422
    job = asked.job(KIND)
    job = job if job is not None and job.key == _key(place, condition) else None
    data = {"condition": condition, "places": places, "name": name, "answer": answer, "said": said, "tried": tried,
            "mailboxes": _mailboxes(asked), "job": job, "days": _days(asked, job), "summary": _summary(job),
            "stages": why.STAGES}  # fmt: skip
    twin = {"answer": answer, "error": said or tried.said or None, "mail": tried.explained}
    command = f"allegra rules try {_shell(condition)}" if condition else "allegra explain -"
    return Page("playground.html", "Playground", data, twin, command, status)


def _key(place: str, condition: str) -> str:
    """What a question about all mail hangs on."""
    return f"{place} {condition}"


def _shell(condition: str) -> str:
    return "'" + condition.replace("'", "'\\''") + "'"


def _mailboxes(asked: Asked) -> Sequence[str]:
    """The mailboxes to which somebody may try a mail: those whose mail they read."""
    return [box.name for box in asked.config.mailboxes if asked.scope.may("read_mail", box.workspace)]


def _days(asked: Asked, job: Job | None) -> list[tuple[str, int]]:
    """How many mails of each day match, the newest day first."""
    came = [line["received_at"][:10] for line in job.lines if "received_at" in line] if job is not None else []
    return sorted(Counter(came).items(), reverse=True)


def _summary(job: Job | None) -> dict[str, int] | None:
    return next((line["summary"] for line in job.lines if "summary" in line), None) if job is not None else None


# ── what the buttons do ───────────────────────────────────────────────────────────────────────────────────────


def act(asked: Asked) -> Page | Answer:
    """Ask about all stored mail, or try a mail."""
    if not seen(asked.scope):
        raise NotFound("the playground is for who may read mail")
    return _all(asked) if asked.form.get("act") == "all" else _mail(asked)


def _all(asked: Asked) -> Answer:
    """Ask a condition about all mail of the last weeks, in a process of its own."""
    condition, name = asked.form.get("condition", "").strip(), asked.form.get("place", "")
    place = rule_places.place(asked.config, asked.scope, name or rule_places.SYSTEM) if name else None
    where = place.place if place is not None else ""
    if wrong := asked.engine(lambda engine: playground.problems(engine, asked.scope, condition, where)):
        raise Unclear(wrong[0].message)
    hours = max(round(asked.config.console.effect / 3600), 1)
    command = ["rules", "try", "--last", f"{hours}h", "--as", asked.account.login, "--json"]
    command += ["--workspace", where] if where else []
    job = asked.jobs.begin(asked.scope.reader, KIND, [*command, "--", condition], _key(where, condition),
                           hushed=not asked.scope.admin)  # fmt: skip
    asked_for = f"condition={quote(condition)}&place={quote(name)}&job={job.id}"
    return redirect(f"{url_for('playground.one')}?{asked_for}#all", 303)


def _mail(asked: Asked) -> Page:
    """Try a mail: one that was stored, one that was given whole, or one of what was typed in fields."""
    form = asked.form
    names = ("sender", "to", "subject", "text")
    typed = Tried(playground.Written(*[form.get(name, "") for name in names]), form.get("source", ""),
                  form.get("ref", "").strip(), form.get("mailbox", ""), form.get("rules", ""))  # fmt: skip
    try:
        draft, given = _draft(asked, typed), asked.files.get("file")
        file = bytes(given.read(playground.MOST_MAIL + 1)) if given is not None and given.filename else b""
        told = asked.engine(lambda engine: _tried(engine, asked, typed, file, draft))
    except (Unclear, Refused, NotFound) as error:
        return _page(asked, replace(typed, said=str(error)), 422 if isinstance(error, (Unclear, NotFound)) else 409)
    return _page(asked, replace(typed, explained=told))


def _tried(
    engine: Engine, asked: Asked, typed: Tried, file: bytes, draft: tuple[RulePlace, str] | None
) -> dict[str, Any]:
    """What would become of it: a file goes before a source, that before a stored mail, and fields are the last."""
    if file:
        content = file
    elif typed.source.strip():
        content = playground.sourced(typed.source)
    elif typed.ref:
        return playground.try_stored(engine, asked.scope, typed.ref, draft)
    else:
        content = playground.written(typed.written)
    if typed.mailbox not in _mailboxes(asked):
        raise Unclear("choose a mailbox to which this mail comes")
    return playground.try_mail(engine, asked.scope, content, typed.mailbox, draft)


def _draft(asked: Asked, typed: Tried) -> tuple[RulePlace, str] | None:
    """The text that this person is writing for a place, where the mail is to be tried with it."""
    if not typed.rules:
        return None
    place = rule_places.place(asked.config, asked.scope, typed.rules)
    draft = asked.store.rule_files.draft(asked.account.id, place.place)
    if draft is None:
        raise Unclear(f"you have no draft for {place.name}")
    return place, draft.text
