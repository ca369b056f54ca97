"""From tables to sections: every value is read alone, so that one that is wrong hides no other.

Here: the walk over tables that are tidied already, and the sentences for values that are wrong. Not here: the kinds of
values (`kinds.py`), what single values cannot show (`cross.py`).
Invariant: a section comes of any table; each value that is wrong is a finding, and its option keeps the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from msgspec import UNSET, Meta, ValidationError, convert

from engine.config import unavailable
from engine.config.section import Option, Section, Wrong, options, words
from engine.config.tidy import Finding
from engine.config.tidy import Path as KeyPath
from rules.problem import Severity

S = TypeVar("S", bound=Section)


class Reader:
    """The walk: `folder` is where relative paths begin, `findings` is what was wrong so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.findings: list[Finding] = []

    def section(self, table: Mapping[str, Any], section: type[S], path: KeyPath = ()) -> S:
        """Make a section of what is sound in a table."""
        known = options(section)
        values = {}
        for name, value in table.items():
            read = self._option(value, known[name], section, (*path, name))
            if read is not UNSET:
                values[known[name].attribute] = read
        return placed(section(**values, written=frozenset(values)), self.folder)

    def _option(self, value: Any, option: Option, section: type[Section], path: KeyPath) -> Any:
        """The value of an option, UNSET if it is wrong."""
        if option.section is not None:
            return self.section(value, option.section, path) if isinstance(value, dict) else self._no_table(path)
        if option.named:
            return self._named(value, option, section, path) if isinstance(value, dict) else self._no_table(path)
        if not option.many:
            return self._value(value, option, section, path)
        listed = self._listed(value, option, path) if isinstance(value, str) else value
        if not isinstance(listed, list):
            return self._wrong(path, Wrong("C102", "this must be a list: [ … ]"))
        read = tuple(self._value(each, option, section, (*path, number)) for number, each in enumerate(listed))
        return UNSET if UNSET in read else read

    def _named(self, table: dict[str, Any], option: Option, section: type[Section], path: KeyPath) -> dict[str, Any]:
        """The entries of a table whose keys are names; one that is wrong is left out."""
        read = {}
        for name, value in table.items():
            here = (*path, name)
            if option.sections is None:
                read[name] = self._value(value, option, section, here)
            else:
                read[name] = (
                    self.section(value, option.sections, here) if isinstance(value, dict) else self._no_table(here)
                )
        return {name: value for name, value in read.items() if value is not UNSET}

    def _listed(self, text: str, option: Option, path: KeyPath) -> list[str]:
        """A list written as one text, as other systems do; a pattern may hold commas of its own."""
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if "," not in text or (option.kind is not None and option.kind.name == "pattern"):
            return [text]
        self._understood(text, f"[{', '.join(map(_shown, parts))}]", path)
        return parts

    def _value(self, value: Any, option: Option, section: type[Section], path: KeyPath) -> Any:
        try:
            if option.kind is not None:
                return option.kind.read(value, self.folder)
            return convert(value, option.type)
        except Wrong as wrong:
            return self._wrong(path, wrong)
        except ValidationError:
            if (word := _respelled(value, option, section)) is not None:
                self._understood(value, _shown(word), path)
                return word
            return self._wrong(path, _refused(value, option, section))

    def _understood(self, written: str, meant: str, path: KeyPath) -> None:
        said = f'"{written}" is understood as {meant}'
        self.findings.append(Finding("C170", said, path, severity=Severity.INFO))

    def _no_table(self, path: KeyPath) -> Any:
        return self._wrong(path, Wrong("C102", "this must be a table: { … }"))

    def _wrong(self, path: KeyPath, wrong: Wrong) -> Any:
        self.findings.append(Finding(wrong.code, wrong.sentence, path, wrong.advice, at=wrong.at))
        return UNSET


def _refused(value: Any, option: Option, section: type[Section]) -> Wrong:
    """Say what msgspec found the way an admin needs it."""
    if known := words(option.type):
        return _no_word(value, known, option, section)
    if option.type is bool:
        return Wrong("C102", "this must be true or false")
    if not isinstance(value, int) or isinstance(value, bool):
        return Wrong("C102", "this must be a whole number")
    bounds = next(extra for extra in get_args(option.type) if isinstance(extra, Meta))
    few = value < bounds.ge  # type: ignore[operator]  # every number has both bounds
    return Wrong("C106", f"this must be at least {bounds.ge}" if few else f"this must be at most {bounds.le}")


def _respelled(value: Any, option: Option, section: type[Section]) -> str | None:
    """The word that is meant by one in capitals, with other dashes, or of another system."""
    known = [word for word in words(option.type) if isinstance(word, str)]
    if not isinstance(value, str) or not known or value in known:
        return None
    plain = _plain(value)
    plain = _plain(section.words.get((option.name, plain), plain))
    return next((word for word in known if _plain(word) == plain), None)


def _plain(word: str) -> str:
    return word.strip().casefold().replace("_", "-").replace(" ", "-")


def _no_word(value: Any, known: tuple[Any, ...], option: Option, section: type[Section]) -> Wrong:
    if missing := unavailable.missing_word(section.__name__.lower(), option.name, value):
        return Wrong("C108", f"this version has no {missing}")
    import difflib

    shown = [_shown(word) for word in known]
    if len(shown) == 1:
        return Wrong("C103", f"this can only be {shown[0]}")
    near = difflib.get_close_matches(f'"{value}"', shown, 1, 0.6)
    return Wrong(
        "C103", f"{_shown(value)} is none of {', '.join(shown)}", advice=f"did you mean  {near[0]} ?" if near else ""
    )


def _shown(word: Any) -> str:
    """A word as TOML writes it."""
    return f'"{word}"' if isinstance(word, str) else str(word).lower() if isinstance(word, bool) else repr(word)


def placed(section: S, folder: Path) -> S:
    """A section whose default paths are taken from the folder of the file, also those of sections that are absent."""
    late: dict[str, Any] = {}
    for option in options(type(section)).values():
        if option.attribute in section.written:
            continue
        if isinstance(option.default, Section):
            below = placed(option.default, folder)
            if below is not option.default:
                late[option.attribute] = below
        elif isinstance(option.default, Path):
            late[option.attribute] = folder / option.default
    return section.filled(**late) if late else section
