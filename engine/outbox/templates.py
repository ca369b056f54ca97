"""The texts of outgoing mail: built in for nine languages, overridden by files.

Here: finding a template, rendering it. Not here: what becomes of subject and body (`compose.py`), what a template may
use (`names.py`), looking files through before a mail needs them (`checking.py`).
Invariant: templates run in Jinja2's sandbox on plain values; a value is never a template. What is not there is an
error, never a hole: then the text built in goes out in its place, and `replaced` says so.
A template is text whose first line is `Subject: …`, then an empty line, then the body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl", "ja")
FAMILY = ("commented", "noted", "created", "assigned", "closed", "reopened", "changed", "posted",
          "undeliverable")  # fmt: skip
"""Names that have no text of their own built in: they fall back to `notice`, which says the event's sentence."""

NAMES = ("ack", "comment_ack", "rejected", "held", "waits", "unknown_sender", "account", "answer", "notice", *FAMILY,
         "held_digest", "report", "forward")  # fmt: skip
FORMER = {"config_error": "waits", "notify": "notice"}
"""Names of earlier releases, and what they are called now."""

FILE_LIMIT_BYTES = 256 << 10
MOST_CHARS = 200_000
"""Characters of a rendered mail; rendering stops there, whatever a template does."""

_TABLES = ("sentence", "why", "words", "advice")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_SUBJECT = re.compile(r"\s*Subject:[ \t]*([^\n]*)\n\n?(.*)", re.DOTALL)


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


@cache
def environment() -> Any:
    """The sandbox that templates run in."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Sandbox(ImmutableSandboxedEnvironment):
        """Products stay as small as a mail."""

        intercepted_binops = frozenset({"*", "**"})

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            sizes = [each if isinstance(each, int | float) else len(each) for each in (left, right)]
            if operator == "**" or sizes[0] * sizes[1] > MOST_CHARS:
                raise OverflowError(f"the result of {operator} is too big")
            return super().call_binop(context, operator, left, right)

    return Sandbox(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@cache
def failures() -> tuple[type[Exception], ...]:
    """What may be raised by a template: whatever its author can do wrong."""
    from jinja2 import TemplateError

    return (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError,
            MemoryError)  # fmt: skip


@cache
def _own(name: str, language: str) -> Any:
    """A text built in, compiled once for all workspaces; what has none of its own is told by `notice`."""
    texts = built_in(language)
    return environment().from_string(texts[name if name in texts and name not in _TABLES else "notice"])


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


class Unreadable(ValueError):
    """A template file that is not read. The message is for people."""


class Templates:
    """The templates of one workspace over those of the installation over those built in."""

    def __init__(self, directory: Path | None, language: str = "en", workspace: str = "") -> None:
        """`language` is the one to fall back to."""
        self._folders = [directory / workspace] if directory is not None and is_name(workspace) else []
        self._folders += [directory] if directory is not None else []
        self._fallback = spoken(language)
        self._made: dict[tuple[str, str], Any] = {}

    def render(self, name: str, language: str, values: Mapping[str, object], instead: str = "notice") -> Rendered:
        """Give subject and body. For a template that fails the text built in goes out: its own, else `instead`."""
        name, language = FORMER.get(name, name), spoken(language, self._fallback)
        try:
            return Rendered(*split(bounded(self._template(name, language), values)))
        except failures() as error:
            at = line_of(error)
            said = f"template {name}{f', line {at}' if at else ''}: {error}"
        own = _own(name if name in NAMES else instead, language)
        return Rendered(*split(bounded(own, values)), said)

    def exists(self, name: str) -> bool:
        """Tell whether there is such a template, built in or as a file in any language."""
        return name in NAMES or name in FORMER or any(self._file(name, language) for language in LANGUAGES)

    def _template(self, name: str, language: str) -> Any:
        """The compiled template. Raises one of `failures()`, each time it is asked for."""
        if (name, language) not in self._made:
            try:
                self._made[name, language] = self._found(name, language)
            except failures() as error:
                self._made[name, language] = error
        made = self._made[name, language]
        if isinstance(made, Exception):
            raise made
        return made

    def _found(self, name: str, language: str) -> Any:
        """The file in that language, else the text built in for it, else a file in the language of the installation.

        A name of the family may have its file under `notice`.
        """
        for tried in dict.fromkeys((language, self._fallback, "en")):
            for own in (name, "notice") if name in FAMILY else (name,):
                if (file := self._file(own, tried)) is not None:
                    return environment().from_string(read(file))
            if name in NAMES:
                return _own(name, tried)
        raise Unreadable("there is no such template")

    def _file(self, name: str, language: str) -> Path | None:
        if not is_name(name):
            return None
        former = [old for old, new in FORMER.items() if new == name]
        files = (folder / f"{each}.{language}.txt" for folder in self._folders for each in (name, *former))
        return next((file for file in files if file.is_file()), None)


def bounded(template: Any, values: Mapping[str, object]) -> str:
    """Render piece by piece and stop where a mail is long enough."""
    made, size = [], 0
    for piece in template.generate(values):
        made.append(piece)
        size += len(piece)
        if size > MOST_CHARS:
            break
    return "".join(made)[:MOST_CHARS]


def line_of(error: BaseException) -> int:
    """The line of a template that an error came from; 0 where nobody knows."""
    line = int(getattr(error, "lineno", 0) or 0)
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def read(file: Path) -> str:
    """The text of a template file. Raises: Unreadable."""
    try:
        with file.open("rb") as stream:
            content = stream.read(FILE_LIMIT_BYTES + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise Unreadable(f"the file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"the file is not UTF-8 at byte {error.start}") from None
    if len(content) > FILE_LIMIT_BYTES:
        raise Unreadable("the file is longer than 256 kB")
    return text.replace("\r\n", "\n")


def split(rendered: str) -> tuple[str, str]:
    """Take subject and body apart; a text without a subject line is all body."""
    found = _SUBJECT.fullmatch(rendered)
    return (found[1].strip(), found[2].strip("\n") + "\n") if found else ("", rendered.strip("\n") + "\n")
