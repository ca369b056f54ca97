"""Patterns: the regular expressions of rules and settings, in linear time whatever the text.

Here: the three spellings (`/…/ims`, `|…|i`, bare), compiling on RE2, matches with indices of `str`.
Not here: the translation from PCRE (`pcre.py`). RE2 is loaded with the first pattern that is compiled.
Invariant: `search` takes time linear in the text and never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from rules.problem import PatternError as PatternError

if TYPE_CHECKING:
    import re2

_DELIMITED = r"(?s)\s*([/|])(.*)\1([A-Za-z]*)\s*\Z"
_FLAGS = "imsu"
_ABSENT = (-1, -1)


def encode(text: str) -> bytes:
    """Give the bytes that patterns run on; half surrogates become `?`, so every character stays one character."""
    return text.encode("utf-8", "replace")


class Match:
    """What a pattern found. All positions are indices into the text that was searched."""

    __slots__ = ("_data", "_names", "_spans", "_text")

    def __init__(self, text: str, data: bytes, spans: list[tuple[int, int]], names: Mapping[str, int]) -> None:
        self._text = text
        self._data = data
        self._spans = spans
        self._names = names

    def span(self, group: int | str = 0) -> tuple[int, int]:
        """Start and end of a group, (-1, -1) if it took no part. Raises: IndexError for a group that is not there."""
        start, end = self._spans[self._index(group)]
        if start < 0 or len(self._data) == len(self._text):
            return start, end
        first = len(self._data[:start].decode("utf-8", "ignore"))
        return first, first + len(self._data[start:end].decode("utf-8", "ignore"))

    def start(self, group: int | str = 0) -> int:
        """Where a group starts."""
        return self.span(group)[0]

    def end(self, group: int | str = 0) -> int:
        """Where a group ends."""
        return self.span(group)[1]

    def group(self, group: int | str = 0) -> str:
        """The text of a group, "" if it took no part."""
        start, end = self._spans[self._index(group)]
        return self._data[start:end].decode("utf-8", "ignore") if start >= 0 else ""

    def groupdict(self) -> dict[str, str]:
        """The named groups and their texts."""
        return {name: self.group(index) for name, index in self._names.items()}

    def _index(self, group: int | str) -> int:
        if isinstance(group, int):
            return group
        if group not in self._names:
            raise IndexError(f"no group is called {group!r}")
        return self._names[group]


class Pattern:
    """A compiled pattern. Equal and hashed by its source; `names` maps named groups to their numbers."""

    __slots__ = ("_any_case", "_match", "_regexp", "flags", "groups", "names", "source")

    def __init__(self, source: str) -> None:
        """Compile. Raises: PatternError with a position in `source`."""
        self.source = source
        self._compile()

    @classmethod
    def of_ours(cls, source: str) -> Self:
        """Make a pattern that is known to be sound: it is compiled when something is searched with it."""
        pattern = cls.__new__(cls)
        pattern.source = source
        return pattern

    def __getattr__(self, name: str) -> Any:
        if name == "source" or name not in Pattern.__slots__:
            raise AttributeError(name)
        self._compile()
        return getattr(self, name)

    def _compile(self) -> None:
        import re2

        from rules.pcre import Translation

        source = self.source
        body, offset, flags = _split(source)
        translation = Translation(body, offset, flags)
        inline = "".join(flag for flag in "ims" if flag in flags)
        try:
            regexp = re2.compile(((f"(?{inline})" if inline else "") + translation.text).encode(), _options())
        except UnicodeEncodeError as error:
            raise PatternError("this character cannot be written in UTF-8", offset + error.start) from None
        except re2.error as error:
            reason = error.args[0]
            raise _explained(reason.decode() if isinstance(reason, bytes) else str(reason), body, offset) from None
        # One step below the public interface, which spends more time in generators than in matching.
        self._match = partial(regexp._regexp.Match, re2._Anchor.UNANCHORED)
        self._regexp = regexp
        self.flags = flags
        self.groups: int = regexp.groups
        self.names: Mapping[str, int] = MappingProxyType(
            {name.decode(): index for name, index in sorted(regexp.groupindex.items(), key=lambda pair: pair[1])}
        )
        self._any_case: Pattern | None = None

    def __repr__(self) -> str:
        return f"Pattern({self.source!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and other.source == self.source

    def __hash__(self) -> int:
        return hash(self.source)

    def search(self, text: str) -> Match | None:
        """Find the first match."""
        data = encode(text)
        return self.search_encoded(text, data)

    def search_encoded(self, text: str, data: bytes) -> Match | None:
        """Find the first match where `data` is `encode(text)`, for callers that search one text often."""
        spans = self._match(data, 0, len(data))
        return None if spans[0] == _ABSENT else Match(text, data, spans, self.names)

    def found_in(self, data: bytes) -> bool:
        """Tell whether `encode`d text matches."""
        return self._match(data, 0, len(data))[0] != _ABSENT  # type: ignore[no-any-return]

    def finditer(self, text: str) -> Iterator[Match]:
        """Find all matches that do not overlap."""
        data = encode(text)
        for found in self._regexp.finditer(data):
            yield Match(text, data, [found.span(n) for n in range(self.groups + 1)], self.names)

    def in_any_case(self) -> Pattern:
        """The same pattern with `/i`."""
        if self._any_case is None:
            body = _split(self.source)[0]
            self._any_case = compile_pattern(f"/{body}/{self.flags if 'i' in self.flags else self.flags + 'i'}")
        return self._any_case


@lru_cache(maxsize=8192)
def compile_pattern(text: str) -> Pattern:
    """Compile a pattern in one of the three spellings. Raises: PatternError."""
    return Pattern(text)


def _options() -> re2.Options:
    import re2

    options = re2.Options()
    options.log_errors = False
    return options


def _split(source: str) -> tuple[str, int, str]:
    """Take the delimiters off: the body, where it starts, the flags."""
    found = re.match(_DELIMITED, source)
    if not found or (found[1] == "|" and not found[2]):
        if source.startswith("/"):
            raise PatternError(
                'the closing "/" of this pattern is missing', 0, "write  /…/  or  /…/i", length=len(source)
            )
        return source, 0, ""
    delimiter, body, flags = found[1], found[2], found[3]
    for index, flag in enumerate(flags):
        if flag not in _FLAGS:
            raise PatternError(
                f'"{flag}" is not a flag of a pattern',
                found.start(3) + index,
                "possible: i (any case), m (^ and $ at every line), s (. takes line ends)",
                code="E202" if flag in "xADUSXJ" else "E201",
            )
    if delimiter == "|" and re.search(r"(?<!\\)(?:\\\\)*\|", body):
        return source, 0, ""  # an alternative that happens to start and end with a bar
    return body, found.start(2), flags


def _explained(reason: str, body: str, offset: int) -> PatternError:
    """Turn RE2's `what: where` into a sentence and a place."""
    what, _, fragment = reason.partition(": ")
    position = body.find(fragment) if fragment else -1
    texts = {
        "invalid character class range": "this range runs backwards or is no range",
        "invalid repetition size": "all repeats together are above 1000",
        "bad repetition operator": "this repeat repeats a repeat",
        "pattern too large - compile failed": "this pattern is too big",
        "missing argument to repetition operator": "there is nothing that could be repeated",
    }
    return PatternError(
        texts.get(what, f"this pattern cannot be read ({what})"),
        offset + max(position, 0),
        "repeat less, or nest less" if "repe" in what or "large" in what else "",
        length=len(fragment) if position >= 0 and fragment else max(len(body), 1),
        code="E202" if "repe" in what or "large" in what else "E201",
    )
