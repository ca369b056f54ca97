"""`re` for scripts: RE2 first, a backtracking engine with a timeout for what RE2 does not have.

Here: patterns and matches as scripts see them. Not here: the translation (`facades/pattern.py`).
Invariant: no call takes longer than linear time, or `limits.REGEX_TIMEOUT_S`; no result is longer than
`limits.TEXT_CHARS`.
Over 300 lines: what scripts know as `re`, name by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any

import re2
import regex

from hooks import limits
from hooks.attributes import DYNAMIC
from hooks.denied import DeniedAttribute, DeniedType, DeniedValue, near
from hooks.facade import Module, TypeFacade
from hooks.facades.pattern import (
    ASCII,
    DOTALL,
    IGNORECASE,
    MULTILINE,
    VERBOSE,
    NeedsBacktracking,
    Translated,
    translate,
)
from hooks.facades.template import PatternError, expander
from hooks.guards import READABLE
from hooks.text import TITLES, kind_of

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_FLAGS = ((IGNORECASE, regex.I), (MULTILINE, regex.M), (DOTALL, regex.S), (VERBOSE, regex.X), (ASCII, regex.A))


class Match:
    """What was found; as Python's match object, without a way back to the engine."""

    __slots__ = ("_found", "_owner", "_text")

    def __init__(self, owner: Pattern, found: Any, text: str) -> None:
        self._owner = owner
        self._found = found
        self._text = text

    def __getitem__(self, group: Any) -> str | None:
        return self._one(group, None)

    def _one(self, group: Any, default: str | None) -> str | None:
        start, end = self._span(group)
        return default if start < 0 else self._text[start:end]

    def _span(self, group: Any = 0) -> tuple[int, int]:
        if type(group) is str:
            if group not in self._owner._names:
                raise IndexError(f"there is no group {group!r} in this pattern")
            group = self._owner._names[group]
        if type(group) is not int or not 0 <= group <= self._owner._groups:
            raise IndexError("no such group")
        return self._found.span(group)  # type: ignore[no-any-return]

    def group(self, *groups: Any) -> Any:
        if len(groups) < 2:
            return self._one(groups[0] if groups else 0, None)
        return tuple(self._one(group, None) for group in groups)

    def groups(self, default: Any = None) -> tuple[Any, ...]:
        return tuple(self._one(number, default) for number in range(1, self._owner._groups + 1))

    def groupdict(self, default: Any = None) -> dict[str, Any]:
        return {name: self._one(number, default) for name, number in self._owner._names.items()}

    def start(self, group: Any = 0) -> int:
        return self._span(group)[0]

    def end(self, group: Any = 0) -> int:
        return self._span(group)[1]

    def expand(self, template: str) -> str:
        return expander(template)(self._one)


class Pattern:
    """A compiled pattern. `_plain` is RE2's, None where it cannot be used; the other engine is made when needed."""

    __slots__ = ("_backtracking", "_flags", "_groups", "_names", "_plain", "_source", "_translated")

    def __init__(self, source: str, flags: int) -> None:
        self._source = source
        self._flags = flags
        self._backtracking: Any = None
        self._translated: Translated | None = None
        try:
            self._translated = translate(source, flags)
            self._plain = re2.compile(self._translated.text, _OPTIONS)
            engine = self._plain
        except NeedsBacktracking:
            self._plain = None
            engine = self._other()
        except (re2.error, UnicodeEncodeError) as error:
            said = error.args[0] if error.args else ""
            raise PatternError(f"in the pattern: {said.decode() if isinstance(said, bytes) else said}") from None
        self._groups: int = engine.groups
        self._names: dict[str, int] = dict(engine.groupindex)

    def _other(self) -> Any:
        if self._backtracking is None:
            flags = regex.V0
            for ours, theirs in _FLAGS:
                if self._flags & ours:
                    flags |= theirs
            try:
                self._backtracking = regex.compile(self._source, flags)
            except regex.error as error:
                raise PatternError(f"in the pattern: {error}") from None
        return self._backtracking

    def _plain_for(self, text: Any) -> Any:
        """Give RE2's pattern if it means the same as Python's for this text, else None.

        Halves of characters (surrogates) RE2 refuses with a UnicodeEncodeError when it is asked.
        """
        if type(text) is not str:
            raise DeniedType(f"a pattern searches text, not {kind_of(text)}")
        needs = self._translated
        if self._plain is None or needs is None or (needs.ended and text.endswith("\n")):
            return None
        return self._plain if not needs.bounded or text.isascii() else None

    def _first(self, method: str, text: Any, *window: int) -> Match | None:
        plain = self._plain_for(text)
        try:
            found = self._slowly(method, text, *window) if plain is None else getattr(plain, method)(text, *window)
        except UnicodeEncodeError:
            found = self._slowly(method, text, *window)
        return None if found is None else Match(self, found, text)

    def _slowly(self, method: str, text: str, *window: int) -> Any:
        try:
            return getattr(self._other(), method)(text, *window, timeout=limits.REGEX_TIMEOUT_S)
        except TimeoutError:
            raise _slow() from None

    def _each(self, text: Any, *window: int) -> Iterator[Match]:
        """Find one match after the other.

        Behind an empty match RE2 goes on otherwise than Python does, so from the first one on it is not asked.
        """
        plain = self._plain_for(text)
        at = window[0] if window else 0
        if plain is not None:
            try:
                for found in plain.finditer(text, *window):
                    start, end = found.span()
                    if start == end:
                        break
                    yield Match(self, found, text)
                    at = end
                else:
                    return
            except UnicodeEncodeError:  # before the first match
                pass
        try:
            for found in self._other().finditer(text, at, *window[1:], timeout=limits.REGEX_TIMEOUT_S):
                yield Match(self, found, text)
        except TimeoutError:
            raise _slow() from None

    def search(self, text: Any, *window: int) -> Match | None:
        return self._first("search", text, *window)

    def match(self, text: Any, *window: int) -> Match | None:
        return self._first("match", text, *window)

    def fullmatch(self, text: Any, *window: int) -> Match | None:
        return self._first("fullmatch", text, *window)

    def finditer(self, text: Any, *window: int) -> Iterator[Match]:
        return iter(list(self._each(text, *window)))

    def findall(self, text: Any, *window: int) -> list[Any]:
        if self._groups == 0:
            return [match[0] for match in self._each(text, *window)]
        if self._groups == 1:
            return [match._one(1, "") for match in self._each(text, *window)]
        return [match.groups("") for match in self._each(text, *window)]

    def split(self, text: Any, maxsplit: int = 0) -> list[Any]:
        parts: list[Any] = []
        last = 0
        for number, match in enumerate(self._each(text), 1):
            start, end = match._span()
            parts.append(text[last:start])
            parts.extend(match.groups())
            last = end
            if number == maxsplit:
                break
        return [*parts, text[last:]]

    def sub(self, replacement: Any, text: Any, count: int = 0) -> str:
        return self.subn(replacement, text, count)[0]

    def subn(self, replacement: Any, text: Any, count: int = 0) -> tuple[str, int]:
        make: Callable[[Match], Any] = replacement
        if type(replacement) is str:
            fill = expander(replacement)

            def make(match: Match) -> str:
                return fill(match._one)

        parts: list[str] = []
        last = number = size = 0
        most = max(limits.TEXT_CHARS, len(text) if type(text) is str else 0)
        for number, match in enumerate(self._each(text), 1):
            start, end = match._span()
            made = make(match)
            if type(made) is not str:
                raise DeniedType(f"a replacement is text, not {kind_of(made)}")
            parts += (text[last:start], made)
            size += len(made) - (end - start)
            if len(text) + size > most:
                raise DeniedValue(f"this would make a text of more than {most:,} characters")
            last = end
            if number == count:
                break
        return "".join([*parts, text[last:]]), number


def _slow() -> DeniedValue:
    return DeniedValue(f"this pattern took longer than {limits.REGEX_TIMEOUT_S} s: it backtracks")


_compiled: dict[tuple[str, int], Pattern] = {}


def _compile(pattern: Any, flags: int = 0) -> Pattern:
    if type(pattern) is Pattern:
        return pattern
    if type(pattern) is not str or type(flags) is not int:
        raise DeniedType("a pattern is text")
    known = _compiled.get((pattern, flags))
    if known is None:
        if len(pattern) > limits.PATTERN_CHARS:
            raise DeniedValue(f"a pattern of more than {limits.PATTERN_CHARS:,} characters")
        if len(_compiled) >= limits.PATTERNS:
            _compiled.clear()
        known = _compiled[pattern, flags] = Pattern(pattern, flags)
    return known


def _escape(text: str) -> str:
    if type(text) is not str:
        raise DeniedType("re.escape takes text")
    return "".join("\\" + char if char in r"()[]{}?*+-|^$\.&~# " + "\t\n\r\v\f" else char for char in text)


def _function(name: str) -> Callable[..., Any]:
    method = getattr(Pattern, name)

    def function(pattern: Any, text: Any, flags: int = 0) -> Any:
        return method(_compile(pattern, flags), text)

    return function


_PATTERN_METHODS = {
    name: getattr(Pattern, name)
    for name in ("search", "match", "fullmatch", "findall", "finditer", "split", "sub", "subn")
}
_MATCH_METHODS = {name: getattr(Match, name) for name in ("group", "groups", "groupdict", "start", "end", "expand")}
_MATCH_METHODS["span"] = Match._span


def _pattern_attribute(pattern: Pattern, name: str) -> Any:
    if name in _PATTERN_METHODS:
        return MethodType(_PATTERN_METHODS[name], pattern)
    values = {"pattern": pattern._source, "flags": pattern._flags, "groups": pattern._groups}
    if name == "groupindex":
        return dict(pattern._names)
    if name not in values:
        raise DeniedAttribute(f"a pattern has no {name!r}{near(name, _PATTERN_METHODS)}")
    return values[name]


def _match_attribute(match: Match, name: str) -> Any:
    if name in _MATCH_METHODS:
        return MethodType(_MATCH_METHODS[name], match)
    if name == "string":
        return match._text
    if name == "re":
        return match._owner
    if name in ("lastindex", "lastgroup"):
        return getattr(match._found, name)
    raise DeniedAttribute(f"a match has no {name!r}{near(name, _MATCH_METHODS)}")


DYNAMIC[Pattern] = _pattern_attribute
DYNAMIC[Match] = _match_attribute
READABLE.add(Match)
TITLES[Match] = lambda match: f"<match {match[0][:50]!r} at {match.start()}>"
TITLES[Pattern] = lambda pattern: f"<pattern {pattern._source[:50]!r}>"

_NAMES = {"I": IGNORECASE, "M": MULTILINE, "S": DOTALL, "X": VERBOSE, "A": ASCII, "U": 32}
_LONG = {"IGNORECASE": IGNORECASE, "MULTILINE": MULTILINE, "DOTALL": DOTALL, "VERBOSE": VERBOSE, "ASCII": ASCII}
MODULE = Module(
    "re",
    {
        **_NAMES,
        **_LONG,
        "UNICODE": 32,
        "NOFLAG": 0,
        **{name: _function(name) for name in ("search", "match", "fullmatch", "findall", "finditer")},
        "compile": _compile,
        "escape": _escape,
        "split": lambda pattern, text, maxsplit=0, flags=0: _compile(pattern, flags).split(text, maxsplit),
        "sub": lambda pattern, repl, text, count=0, flags=0: _compile(pattern, flags).sub(repl, text, count),
        "subn": lambda pattern, repl, text, count=0, flags=0: _compile(pattern, flags).subn(repl, text, count),
        "error": PatternError,
        "PatternError": PatternError,
        "Pattern": TypeFacade("Pattern", (Pattern,), None),
        "Match": TypeFacade("Match", (Match,), None),
    },
)
