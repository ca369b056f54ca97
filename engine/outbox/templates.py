"""The texts of outgoing mail: built in for nine languages, overridden by files.

Here: finding a template, rendering it. Not here: what becomes of subject and body (`compose.py`), what a template may
use (`names.py`), HTML beside it (`layout.py`), looking files through before a mail needs them (`checking.py`).
Invariant: templates run in Jinja2's sandbox on plain values; a value is never a template. What is not there is an
error, never a hole: then the text built in goes out in its place, and `replaced` says so.
A template is text whose first line is `Subject: …`, then an empty line, then the body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.outbox.sandbox import Unreadable, bounded, environment, failures, read, said_of

if TYPE_CHECKING:
    from engine.outbox.layout import Pages

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl", "ja")
FAMILY = ("commented", "noted", "created", "assigned", "closed", "reopened", "merged", "changed", "posted",
          "undeliverable")  # fmt: skip
"""Names that have no text of their own built in: they fall back to `notice`, which says the event's sentence."""

NAMES = ("ack", "comment_ack", "rejected", "held", "waits", "unknown_sender", "account", "answer", "notice", *FAMILY,
         "digest", "held_digest", "report", "forward", "mailbox")  # fmt: skip

ORIGINALS = ("report", "forward", "mailbox")
"""Templates of mails for who looks after a desk, which carry the original of the mail that they are about, if any."""

FORMER = {"config_error": "waits", "notify": "notice"}
"""Names of earlier releases, and what they are called now."""

_TABLES = ("sentence", "why", "words", "advice")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_SUBJECT = re.compile(r"\s*Subject:[ \t]*([^\n]*)\n\n?(.*)", re.DOTALL)


class Found(NamedTuple):
    """The text that is in force for a name: a file, else (None) the text built in, and the language it is in."""

    file: Path | None
    language: str


class Rendered(NamedTuple):
    """Subject and body; `replaced` says why a template was not used, "" where it was."""

    subject: str
    body: str
    replaced: str = ""


@cache
def built_in(language: str) -> Mapping[str, Any]:
    """The texts of one language by template name, and its tables of sentences and words."""
    import tomllib
    from importlib.resources import files

    return tomllib.loads((files("engine.outbox") / "texts" / f"{language}.toml").read_text("utf-8"))


def is_name(name: str) -> bool:
    """Tell whether a template may be called so."""
    return _NAME.fullmatch(name) is not None


def spoken(language: str, fallback: str = "en") -> str:
    """The language of a mail: the one that is wanted, where there are texts in it."""
    wanted = language[:2].lower()
    return wanted if wanted in LANGUAGES else fallback if fallback in LANGUAGES else "en"


def source(name: str, language: str) -> str:
    """A text built in, as it is written; what has none of its own is told by `notice`."""
    texts = built_in(language)
    return str(texts[name if name in texts and name not in _TABLES else "notice"])


@cache
def _own(name: str, language: str) -> Any:
    """A text built in, compiled once for all workspaces."""
    return environment().from_string(source(name, language))


@cache
def _line(table: str, key: str, language: str) -> Any:
    texts = built_in(spoken(language))[table]
    return environment().from_string(texts.get(key) or texts.get("other", ""))


def in_words(table: str, key: str, language: str) -> str:
    """A fixed text of a language, "" where there is none: of the tables `why`, `words` and `advice`."""
    texts = built_in(spoken(language))[table]
    return str(texts.get(key, ""))


def render_line(table: str, key: str, language: str, values: Mapping[str, object]) -> str:
    """A sentence of a language with its values: of the tables `sentence` and `words`."""
    return str(_line(table, key, language).render(values))


class Templates:
    """The templates of one workspace over those of the installation over those built in."""

    def __init__(self, directory: Path | None, language: str = "en", workspace: str = "") -> None:
        """`language` is the one to fall back to."""
        self._folders = [directory / workspace] if directory is not None and is_name(workspace) else []
        self._folders += [directory] if directory is not None else []
        self._fallback = spoken(language)
        self._made: dict[tuple[str, str], Any] = {}
        self._beside: dict[tuple[str, str], Path | None] = {}

    def render(self, name: str, language: str, values: Mapping[str, object], instead: str = "notice") -> Rendered:
        """Give subject and body. For a template that fails the text built in goes out: its own, else `instead`."""
        name, language = FORMER.get(name, name), spoken(language, self._fallback)
        try:
            return Rendered(*split(bounded(self._template(name, language), values)))
        except failures() as error:
            said = said_of(name, error)
        own = _own(name if name in NAMES else instead, language)
        return Rendered(*split(bounded(own, values)), said)

    @cached_property
    def pages(self) -> Pages:
        """The HTML parts."""
        from engine.outbox.layout import Pages

        return Pages(tuple(self._folders))

    def page(
        self, name: str, language: str, values: Mapping[str, object], text: str, *, own: bool, beside: bool = True,
        shown: str = "",
    ) -> tuple[str, str]:  # fmt: skip
        """Give the HTML part to a text, and why a file of it was not used; where only `own` is wanted, "" without.

        HTML `beside` the text may not be wanted; `shown` is the safe HTML of the words.
        """
        name, language = FORMER.get(name, name), spoken(language, self._fallback)
        file = self.beside(name, language) if beside else None
        return ("", "") if own and file is None else self.pages.part(text, language, values, file, shown)

    def beside(self, name: str, language: str) -> Path | None:
        """The file with HTML that stands beside the text in force."""
        if (name, language) not in self._beside:
            found = self.found(name, language)
            file = found.file.with_suffix(".html") if found is not None and found.file is not None else None
            self._beside[name, language] = file if file is not None and file.is_file() else None
        return self._beside[name, language]

    def strictly(self, name: str, language: str, values: Mapping[str, object]) -> Rendered:
        """Give subject and body, or say what is wrong with the template. Raises Unreadable."""
        try:
            return Rendered(*split(bounded(self._template(FORMER.get(name, name), language), values)))
        except failures() as error:
            raise Unreadable(said_of(name, error)) from None

    def exists(self, name: str) -> bool:
        """Tell whether there is such a template, built in or as a file in any language."""
        return name in NAMES or name in FORMER or any(self._file(name, language) for language in LANGUAGES)

    def found(self, name: str, language: str) -> Found | None:
        """Find the file in that language, else the text built in for it, else both in the one of the installation.

        A name of the family may have its file under `notice`.
        """
        for tried in dict.fromkeys((language, self._fallback, "en")):
            for own in (name, "notice") if name in FAMILY else (name,):
                if (file := self._file(own, tried)) is not None:
                    return Found(file, tried)
            if name in NAMES:
                return Found(None, tried)
        return None

    def _template(self, name: str, language: str) -> Any:
        """The compiled template. Raises one of `failures()`, each time it is asked for."""
        if (name, language) not in self._made:
            try:
                self._made[name, language] = self._compiled(name, language)
            except failures() as error:
                self._made[name, language] = error
        made = self._made[name, language]
        if isinstance(made, Exception):
            raise made
        return made

    def _compiled(self, name: str, language: str) -> Any:
        found = self.found(name, language)
        if found is None:
            raise Unreadable("there is no such template")
        return _own(name, found.language) if found.file is None else environment().from_string(read(found.file))

    def _file(self, name: str, language: str) -> Path | None:
        if not is_name(name):
            return None
        former = [old for old, new in FORMER.items() if new == name]
        files = (folder / f"{each}.{language}.txt" for folder in self._folders for each in (name, *former))
        return next((file for file in files if file.is_file()), None)


def split(rendered: str) -> tuple[str, str]:
    """Take subject and body apart; a text without a subject line is all body."""
    found = _SUBJECT.fullmatch(rendered)
    return (found[1].strip(), found[2].strip("\n") + "\n") if found else ("", rendered.strip("\n") + "\n")
