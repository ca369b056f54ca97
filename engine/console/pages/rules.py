"""Rules: the files, one as cards, what stood in it before.

Here: what was asked, as places and versions. Not here: writing (`rule_edit.py`), what stands in a file and who sees it
(`desk/rule_reading.py`, `desk/rule_places.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import Response

from engine.console import guard
from engine.console.asked import Asked, Page, number_in
from engine.console.pages.mail import download
from engine.desk import rule_places, rule_reading
from engine.desk.exporting import RULES, Table, at_once
from engine.desk.refusals import NotFound
from engine.desk.rule_writing import difference

if TYPE_CHECKING:
    from engine.desk.rule_places import RulePlace
    from engine.desk.scope import Scope

SHOWN = 200
"""Rules of a file that a page shows; `?all=1` shows all of them."""

VERSIONS = 50


def seen(scope: Scope) -> bool:
    """Tell whether somebody sees any rules."""
    return scope.admin or bool(scope.workspaces.get("view_mail"))


def listed(asked: Asked) -> Page:
    """The files that somebody sees."""
    places = rule_places.places(asked.config, asked.scope)
    if not places:
        raise NotFound("there are no rules that you see")
    read = asked.engine(lambda engine: rule_reading.pages(engine, asked.scope, places))
    rows = list(zip(places, read, strict=True))
    twin = [
        {"file": place.file, "place": place.name, "owner": place.owner, "rules": page.cards, "problems": page.problems}
        for place, page in rows
    ]
    table = _table(asked, places)
    return Page("rules.html", "Rules", {"rows": rows}, {"files": twin}, "allegra rules list", table=table)


def _table(asked: Asked, places: Sequence[RulePlace], name: str = "") -> Table:
    """All rules of some files, in the order in which they are read."""
    rows = at_once(lambda _: asked.engine(lambda engine: rule_reading.rows(engine, asked.scope, places)))
    return Table("rules", rows, RULES, name)


def one(asked: Asked, name: str) -> Page:
    """One file: its rules in the order in which they are read."""
    place = rule_places.place(asked.config, asked.scope, name)
    page = asked.engine(lambda engine: rule_reading.page(engine, asked.scope, place))
    most = len(page.cards) if "all" in asked.args else SHOWN
    data = {"place": place, "page": page, "cards": page.cards[:most], "did": guard.heard(asked.args.get("did", ""))}
    twin = {"file": place.file, "digest": page.digest, "loads": page.loads, "rules": page.cards,
            "problems": page.problems}  # fmt: skip
    table = _table(asked, [place], place.name)
    return Page("rule_file.html", f"Rules of {place.name}", data, twin, "allegra rules list", table=table)


def text(asked: Asked, name: str) -> Response:
    """The file as it stands there, to be kept."""
    place = rule_places.place(asked.config, asked.scope, name)
    return download(rule_reading.now(place)[0].encode(), place.path.name, "application/toml")


def versions(asked: Asked, name: str) -> Page:
    """What stood in a file, the newest first."""
    place, before = rule_places.place(asked.config, asked.scope, name), number_in(asked.args.get("before", ""))
    found = asked.store.rule_files.versions(place.place, VERSIONS + 1, before)
    data = {"place": place, "versions": found[:VERSIONS], "more": len(found) > VERSIONS}
    twin = {"versions": found[:VERSIONS], "next": found[VERSIONS - 1].number if len(found) > VERSIONS else None}
    return Page("rule_versions.html", f"Versions of {place.name}", data, twin)


def version(asked: Asked, name: str, number: int) -> Page:
    """What stood in a file at a time, and in what it differs from the one before and from now."""
    place = rule_places.place(asked.config, asked.scope, name)
    found = asked.store.rule_files.version(number)
    if found is None or found.place != place.place:
        raise NotFound("there is no such version")
    was = asked.store.archive.text(found.digest)
    earlier = next(iter(asked.store.rule_files.versions(place.place, 1, number)), None)
    before = asked.store.archive.text(earlier.digest) if earlier is not None else ""
    data = {"place": place, "version": found, "text": was, "changed": difference(before, was),
            "since": difference(was, rule_reading.now(place)[0])}  # fmt: skip
    return Page("rule_version.html", f"{place.name}, version {number}", data, {"version": found, "text": was})


BYTES = frozenset({text})
"""Views that give bytes, which have no twin."""
