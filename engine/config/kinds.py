"""The kinds of values an option may have, and how each is read and shown.

Here: durations, sizes, patterns, addresses, paths, words. Not here: which option has which kind.
Invariant: a reader either gives the value or says in one sentence what it expected; nothing of a kind can hold a
control character, so nothing from the configuration breaks a protocol line or a header.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic_core import PydanticCustomError

from engine.config.section import Kind
from rules.pattern import Pattern, PatternError, compile_pattern

Verb = Literal["off", "warn", "hold", "reject", "discard"]

_SECONDS = {"ms": 0.001, "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600,
            "d": 86400, "day": 86400, "w": 604800, "week": 604800, "month": 2592000, "y": 31536000,
            "year": 31536000}  # fmt: skip
_BYTES = {"": 1, "b": 1, "k": 1 << 10, "kb": 1 << 10, "m": 1 << 20, "mb": 1 << 20, "g": 1 << 30, "gb": 1 << 30}
_AMOUNT = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([a-zA-Z]*)")
_PIXELS = re.compile(r"(\d{1,5})\s*[xX×]\s*(\d{1,5})")
_CONTROL = re.compile(r"[\0-\x1f\x7f\x85\u2028\u2029]")
_ADDRESS = re.compile(r"[^\s<>@\"(),:;\[\]\\]+@[^\s<>@\"(),:;\[\]\\]+")
_MAILBOX = re.compile(rf"(?:[^<>]*<({_ADDRESS.pattern})>|({_ADDRESS.pattern}))")


def wrong(code: str, sentence: str, at: int = -1, advice: str = "") -> PydanticCustomError:
    """A complaint about a value; `at` is the place inside a text that the caret points to."""
    return PydanticCustomError("option", "{said}", {"said": sentence, "code": code, "at": at, "advice": advice})


def read_text(value: Any, folder: Path = Path()) -> str:
    """Text on one line without control characters."""
    if not isinstance(value, str):
        raise wrong("C102", "this must be text in quotes")
    if found := _CONTROL.search(value):
        raise wrong("C107", f"the character U+{ord(found[0]):04X} is not allowed here", found.start())
    return value


def read_duration(value: Any, folder: Path = Path()) -> float:
    """Seconds, from "60 s", "1 hour", "90 days" or a bare number of seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1e10:
        return float(value)
    found = _AMOUNT.fullmatch(value.strip()) if isinstance(value, str) else None
    unit = found[2].lower() if found else ""
    seconds = _SECONDS.get(unit) or _SECONDS.get(unit.rstrip("s")) if unit else None
    if found is None or seconds is None:
        raise wrong("C106", "this is no duration", advice='write "30 s", "5 min", "1 hour", "90 days" or "5 years"')
    return float(found[1]) * seconds


def show_duration(seconds: float) -> str:
    """The shortest exact way to write a duration."""
    for unit, length in (("days", 86400), ("hours", 3600), ("min", 60)):
        if seconds and seconds % length == 0:
            count = int(seconds // length)
            return f"{count} {unit.rstrip('s') if count == 1 else unit}"
    return f"{int(seconds) if seconds == int(seconds) else seconds} s"


def read_size(value: Any, folder: Path = Path()) -> int:
    """Bytes, from "10 MB", "256 kB", "3M" or a bare number; 1 kB is 1024 bytes."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    found = _AMOUNT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or (factor := _BYTES.get(found[2].lower())) is None:
        raise wrong("C106", "this is no size", advice='write "10 MB", "256 kB" or a number of bytes')
    return int(float(found[1]) * factor)


def show_size(size_bytes: int) -> str | int:
    """The shortest exact way to write a size."""
    for unit, factor in (("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)):
        if size_bytes and size_bytes % factor == 0:
            return f"{size_bytes // factor} {unit}"
    return size_bytes


def read_pixels(value: Any, folder: Path = Path()) -> tuple[int, int] | None:
    """Width and height from "100x20"; "" is None."""
    if value == "":
        return None
    found = _PIXELS.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise wrong("C106", "this is no size in pixels", advice='write "100x20", or "" for none')
    return int(found[1]), int(found[2])


def read_pattern(value: Any, folder: Path = Path()) -> Pattern:
    """A pattern: /…/i, |…|i or bare text."""
    if not isinstance(value, str):
        raise wrong("C102", "a pattern must be text in quotes")
    try:
        return compile_pattern(value)
    except PatternError as error:
        raise wrong("C104", str(error.message), error.position, error.help) from None


def read_optional_pattern(value: Any, folder: Path = Path()) -> Pattern | None:
    """A pattern, or None for ""."""
    return None if value == "" else read_pattern(value)


def read_path(value: Any, folder: Path) -> Path | None:
    """A path, taken from the folder of the file; "" is None."""
    if value is None or value == "":
        return None
    if isinstance(value, Path):
        return folder / value
    return folder / Path(read_text(value)).expanduser()


def read_address(value: Any, folder: Path = Path()) -> str:
    """One address without a name."""
    if not _ADDRESS.fullmatch(read_text(value)):
        raise wrong("C105", f'"{value}" is no mail address')
    return str(value)


def read_mailbox(value: Any, folder: Path = Path()) -> str:
    """One address, with or without a name: Help desk <help@example.com>; "" where there is none."""
    if value and not _MAILBOX.fullmatch(read_text(value)):
        raise wrong(
            "C105", f'"{value}" is no mail address', advice="write  Name <name@example.com>  or the address alone"
        )
    return str(value)


def read_override(value: Any, folder: Path = Path()) -> str:
    """Who may use keywords: anyone, known or group:NAME."""
    text = read_text(value)
    if text in ("anyone", "known") or (text.startswith("group:") and len(text) > len("group:")):
        return text
    raise wrong("C103", f'"{text}" is none of anyone, known, group:NAME')


def read_command(value: Any, folder: Path = Path()) -> tuple[str, ...]:
    """A program with its arguments, as a list or as one line that is split as a shell would, without a shell."""
    import shlex

    try:
        words = shlex.split(value) if isinstance(value, str) else [read_text(word) for word in value]
    except (TypeError, ValueError):
        raise wrong("C102", "this must be a program with its arguments, as text or as a list of texts") from None
    return tuple(words)


def at_least(least: int, most: int = 2**31) -> Callable[[Any, Path], int]:
    """A reader of whole numbers in a range."""

    def read(value: Any, folder: Path = Path()) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong("C102", "this must be a whole number")
        if not least <= value <= most:
            raise wrong("C106", f"this must be at least {least}" if value < least else f"this must be at most {most}")
        return value

    return read


def _source(pattern: Pattern | None) -> str:
    return "" if pattern is None else pattern.source


def _same(value: Any) -> Any:
    return value


Line = Annotated[str, Kind("text", read_text)]
Duration = Annotated[float, Kind("duration", read_duration, show_duration)]
Size = Annotated[int, Kind("size", read_size, show_size)]
Pixels = Annotated[
    tuple[int, int] | None, Kind("pixel size", read_pixels, lambda size: "x".join(map(str, size)) if size else "")
]
PatternText = Annotated[Pattern, Kind("pattern", read_pattern, _source)]
OptionalPattern = Annotated[Pattern | None, Kind("pattern", read_optional_pattern, _source)]
FilePath = Annotated[Path, Kind("path", read_path, lambda path: str(path or ""))]
OptionalPath = Annotated[Path | None, Kind("path", read_path, lambda path: str(path or ""))]
AddressText = Annotated[str, Kind("address", read_address)]
MailboxText = Annotated[str, Kind("address", read_mailbox)]
OverrideBy = Annotated[str, Kind("anyone, known or group:NAME", read_override)]
Command = Annotated[tuple[str, ...], Kind("program", read_command, list)]
Count = Annotated[int, Kind("number", at_least(0), _same)]
Positive = Annotated[int, Kind("number", at_least(1), _same)]
Port = Annotated[int, Kind("port", at_least(0, 65535), _same)]


def patterns(*sources: str) -> tuple[Pattern, ...]:
    """Compile the patterns of a default."""
    return tuple(map(compile_pattern, sources))
