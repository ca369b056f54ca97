"""The texts of outgoing mail: built in for eight languages, overridden by files.

Here: finding a template, rendering it. Not here: what becomes of subject and body (`compose.py`).
Invariant: templates run in Jinja2's sandbox on plain values; a value is never a template. A file that is missing or
broken falls back to the text built in, so that a mail is always made.
A template is text whose first line is `Subject: …`, then an empty line, then the body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from rules.problem import Problem, Severity

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl")
NAMES = ("ack", "comment_ack", "rejected", "held", "unknown_sender", "account", "report", "forward", "config_error",
         "notify")  # fmt: skip
FILE_LIMIT_BYTES = 256 << 10
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_SUBJECT = re.compile(r"\s*Subject:[ \t]*([^\n]*)\n\n?(.*)", re.DOTALL)


@cache
def built_in(language: str) -> Mapping[str, str]:
    """The texts of one language by template name."""
    import tomllib
    from importlib.resources import files

    return tomllib.loads((files("engine.outbox") / "texts" / f"{language}.toml").read_text("utf-8"))


@cache
def _environment(strict: bool) -> Any:
    from jinja2 import StrictUndefined, Undefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    undefined = StrictUndefined if strict else Undefined
    return ImmutableSandboxedEnvironment(undefined=undefined, trim_blocks=True, lstrip_blocks=True)


class Templates:
    """The templates of one directory over those built in."""

    def __init__(self, directory: Path | None, language: str = "en") -> None:
        """`language` is the one to fall back to."""
        self._directory = directory
        self._fallback = language if language in LANGUAGES else "en"
        self._made: dict[tuple[str, str], Any] = {}

    def render(self, name: str, language: str, values: Mapping[str, object]) -> tuple[str, str]:
        """Give subject and body. A template that fails while it runs is replaced by the one built in."""
        from jinja2 import TemplateError

        language = language[:2].lower()
        try:
            return split(self._template(name, language).render(values))
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError):
            return split(_environment(False).from_string(self._built_in(name, language)).render(values))

    def exists(self, name: str) -> bool:
        """Tell whether there is such a template, built in or as a file in any language."""
        return name in NAMES or any(self._file(name, language) for language in LANGUAGES)

    def _template(self, name: str, language: str) -> Any:
        if (name, language) not in self._made:
            self._made[name, language] = _environment(False).from_string(self._text(name, language))
        return self._made[name, language]

    def _text(self, name: str, language: str) -> str:
        """The file in that language, else the text built in for it, else the file in the language of the instance."""
        for tried in dict.fromkeys((language, self._fallback)):
            if (file := self._file(name, tried)) is not None:
                return read(file)
            if name in NAMES and tried in LANGUAGES:
                return built_in(tried)[name]
        return self._built_in(name, language)

    def _built_in(self, name: str, language: str) -> str:
        texts = built_in(language if language in LANGUAGES else self._fallback)
        return texts.get(name) or texts["notify"]

    def _file(self, name: str, language: str) -> Path | None:
        if self._directory is None or not _NAME.fullmatch(name) or language not in LANGUAGES:
            return None
        file = self._directory / f"{name}.{language}.txt"
        return file if file.is_file() else None


def read(file: Path) -> str:
    """The text of a template file, as much as a template may have."""
    with file.open("rb") as stream:
        return stream.read(FILE_LIMIT_BYTES).decode("utf-8", "replace").replace("\r\n", "\n")


def split(rendered: str) -> tuple[str, str]:
    """Take subject and body apart; a text without a subject line is all body."""
    found = _SUBJECT.fullmatch(rendered)
    return (found[1].strip(), found[2].strip("\n") + "\n") if found else ("", rendered.strip("\n") + "\n")


SAMPLE: Mapping[str, object] = {
    "instance": "Example help desk",
    "item": 4711,
    "title": "Printer does not print",
    "subject": "Printer does not print",
    "workspace": "Support",
    "person": "Anna Example",
    "sender": "Anna Example <anna@example.com>",
    "reason": "attachments of this type are not accepted",
    "text": "The printer on the second floor.",
    "trace": "route: rule 2",
    "url": "https://allegra.example.com/items/4711",
    "marker": "[#4711]",
}
"""Values of every kind a template may use; docs/config.md lists them."""


def check(directory: Path) -> tuple[tuple[Path, tuple[Problem, ...]], ...]:
    """Compile and try every template file; each with its problems."""
    files = sorted(directory.glob("*.txt")) if directory.is_dir() else []
    return tuple((file, tuple(_problems(file))) for file in files)


def _problems(file: Path) -> list[Problem]:
    from jinja2 import TemplateError, TemplateSyntaxError

    name, _, language = file.name.removesuffix(".txt").rpartition(".")
    found = []
    if language not in LANGUAGES or not _NAME.fullmatch(name):
        said = f"{file.name} is not named  NAME.LANGUAGE.txt  and is not used"
        advice = f"languages are {' '.join(LANGUAGES)}"
        found.append(Problem("C180", said, file.name, help=advice, severity=Severity.WARNING))
    source = read(file)
    try:
        rendered = _environment(True).from_string(source).render(SAMPLE)
        if not split(rendered)[0]:
            said = "the template has no subject: its first line must be  Subject: …"
            found.append(Problem("C181", said, file.name, 1, severity=Severity.WARNING))
    except TemplateSyntaxError as error:
        lines = source.split("\n")
        excerpt = lines[error.lineno - 1] if error.lineno <= len(lines) else ""
        found.append(Problem("C182", str(error.message), file.name, error.lineno, excerpt=excerpt))
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        advice = f"a template may use {', '.join(SAMPLE)}"
        found.append(Problem("C183", f"the template fails: {error}", file.name, help=advice))
    return found
