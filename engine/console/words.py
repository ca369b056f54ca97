"""What the console says, in the languages of people.

Here: the catalogues (`words/LANGUAGE.po`), which one somebody reads, dates as they write them. Not here: the words
(the templates hold the English ones), what traces, checks and errors say, which stays as it was said.
Invariant: what has no translation is shown as it is; what `gettext` gives is text, which the template escapes like any
other: only the words of a `trans` block may hold marks of ours, and what is put into them is escaped.
"""

from __future__ import annotations

import gettext as plurals
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from babel.dates import format_date, format_skeleton, format_time
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from flask import g
from msgspec import Struct

if TYPE_CHECKING:
    from werkzeug.datastructures import LanguageAccept

FOLDER = Path(__file__).with_name("words")

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl")
"""The first one is that of the templates."""

_WEEK_S = 6 * 86_400


class Words(Struct, frozen=True, eq=False):
    """A language: texts by the English ones, forms of those that count, and which form a number takes.

    A text that means several things stands behind what it is said of: `key("topic", "locked")`.
    """

    language: str
    texts: Mapping[str, str] = {}
    forms: Mapping[str, tuple[str, ...]] = {}
    form_of: Callable[[int], int] = lambda number: int(number != 1)

    def gettext(self, text: str, of: str = "") -> str:
        """Say it in this language, `of` something where that makes a difference."""
        return self.texts.get(key(of, text), text)

    def ngettext(self, one: str, many: str, number: int) -> str:
        """Say how many in this language."""
        forms = self.forms.get(one)
        return forms[self.form_of(number)] if forms else (one if number == 1 else many)


def key(of: str | None, text: str) -> str:
    """By what a text is looked up."""
    return f"{of}\x04{text}" if of else text


@cache
def words(language: str) -> Words:
    """Give a language; English for one that there is none of."""
    path = FOLDER / f"{language}.po"
    if language not in LANGUAGES or not path.is_file():
        return Words("en")
    with path.open("rb") as file:
        catalog = read_po(file, locale=language)
    told = [each for each in catalog if each.id and each.string and not each.fuzzy]
    texts = {key(each.context, each.id): each.string for each in told
             if isinstance(each.id, str) and isinstance(each.string, str)}  # fmt: skip
    forms = {
        each.id[0]: tuple(map(str, each.string or ()))
        for each in told
        if isinstance(each.id, tuple) and all(each.string or ())
    }
    return Words(language, texts, forms, plurals.c2py(catalog.plural_expr))


def chosen(wanted: Iterable[str], accepted: LanguageAccept | None = None, last: str = "en") -> str:
    """The language that somebody reads: one that they or an admin said, else of their browser, else of all."""
    said = (each.replace("_", "-").partition("-")[0].lower() for each in (accepted.values() if accepted else ()))
    return next((each for each in (*wanted, *said, last) if each in LANGUAGES), "en")


def speak(environment: Any) -> None:
    """Let templates say `_(…)`, `pgettext(…)`, `{% trans %}…{% endtrans %}` in the language of whoever asks."""
    environment.add_extension("jinja2.ext.i18n")
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(gettext, ngettext, newstyle=False, pgettext=pgettext)
    environment.globals["_"] = gettext


# ── for the templates, in the language of whoever asks ────────────────────────────────────────────────────────


def mine() -> Words:
    """The language of this request."""
    return g.get("words") or words("en")


def gettext(text: str, **values: object) -> str:
    """Say a text of ours, or a name that may be one of ours; a stranger's comes back as it is."""
    said = mine().gettext(text)
    return said % values if values else said


def pgettext(of: str, text: str, **values: object) -> str:
    """Say a text of ours as it is said of something, where languages say it of other things in other words."""
    said = mine().gettext(text, of)
    return said % values if values else said


def ngettext(one: str, many: str, number: int, **values: object) -> str:
    """Say how many."""
    said = mine().ngettext(one, many, number)
    return said % values if values else said


def number(many: int) -> str:
    """Write a number with the marks between thousands that a language has."""
    language = mine().language
    return f"{many:,}" if language == "en" else format_decimal(many, locale=language)


def short(moment: datetime, now: datetime) -> str:
    """Tell a time as briefly as it is clear: 14:05, Tue 14:05, 3 May, 3 May 2024; `now` knows the zone."""
    local, language = moment.astimezone(now.tzinfo), mine().language
    if local.date() == now.date():
        return f"{local:%H:%M}"
    recent = 0 <= (now - local).total_seconds() < _WEEK_S
    if language == "en":
        day = f"{local.day} {local:%b}" if local.year == now.year else f"{local.day} {local:%b %Y}"
        return f"{local:%a %H:%M}" if recent else day
    if recent:
        return f"{format_date(local, 'EEE', locale=language)} {format_time(local, 'HH:mm', locale=language)}"
    return format_skeleton("MMMd" if local.year == now.year else "yMMMd", local, locale=language)
