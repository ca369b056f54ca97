"""The kinds of values an option may have, and how each is read and shown.

Here: durations, sizes, patterns, addresses, paths, texts. Not here: which option has which kind; words and bare
numbers, which msgspec reads.
Invariant: a reader either gives the value or says in one sentence what it expected; nothing of a kind can hold a
control character, so nothing from the configuration breaks a protocol line or a header; `Lines` are for bodies only.
Over 300 lines: a reader, a way to show it and a shape for the schema, kind by kind.
"""

from __future__ import annotations

import ipaddress
import os
import re
from datetime import UTC, date, datetime, time, tzinfo
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from engine.config.section import Kind, Wrong
from rules.pattern import Pattern, PatternError, compile_pattern

Verb = Literal["off", "warn", "hold", "reject", "discard"]

FORMAT = 1
"""The format of `allegra.toml` that this version reads."""

_SECONDS = {"ms": 0.001, "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600,
            "d": 86400, "day": 86400, "w": 604800, "week": 604800, "month": 2592000, "y": 31536000,
            "year": 31536000}  # fmt: skip
_BYTES = {"": 1, "b": 1, "k": 1 << 10, "kb": 1 << 10, "m": 1 << 20, "mb": 1 << 20, "g": 1 << 30, "gb": 1 << 30}
_AMOUNT = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([a-zA-Z]*)")
_PIXELS = r"(\d{1,5})\s*[xX×]\s*(\d{1,5})"
_TIME_OF_DAY = r"([01]?\d|2[0-3]):([0-5]\d)"
_CONTROL = re.compile(r"[\0-\x1f\x7f\x85\u2028\u2029]")
_CONTROL_IN_LINES = re.compile(r"[\0-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
_ADDRESS = r'[^\s<>@"(),:;\[\]\\]+@[^\s<>@"(),:;\[\]\\]+'
_URL = r"https://[^\s/@]+(?:/\S*)?|http://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?(?:/\S*)?"
_MAILBOX = rf"(?:[^<>]*<({_ADDRESS})>|({_ADDRESS}))"


def read_text(value: Any, folder: Path = Path()) -> str:
    """Text on one line without control characters."""
    if not isinstance(value, str):
        raise Wrong("C102", "this must be text in quotes")
    if found := _CONTROL.search(value):
        raise Wrong("C107", f"the character U+{ord(found[0]):04X} is not allowed here", found.start())
    return value


def read_lines(value: Any, folder: Path = Path()) -> str:
    """Text of several lines, as people write it."""
    if not isinstance(value, str):
        raise Wrong("C102", "this must be text in quotes")
    text = value.replace("\r\n", "\n")
    if found := _CONTROL_IN_LINES.search(text):
        raise Wrong("C107", f"the character U+{ord(found[0]):04X} is not allowed here", found.start())
    return text


def read_duration(value: Any, folder: Path = Path()) -> float:
    """Seconds, from "60 s", "1 hour", "90 days" or a bare number of seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1e10:
        return float(value)
    found = _AMOUNT.fullmatch(value.strip()) if isinstance(value, str) else None
    unit = found[2].lower() if found else ""
    seconds = _SECONDS.get(unit) or _SECONDS.get(unit.rstrip("s")) if unit else None
    if found is None or seconds is None:
        raise Wrong("C106", "this is no duration", advice='write "30 s", "5 min", "1 hour", "90 days" or "5 years"')
    return float(found[1]) * seconds


def show_duration(seconds: float) -> str:
    """The shortest exact way to write a duration."""
    for unit, length in (("days", 86400), ("hours", 3600), ("min", 60)):
        if seconds and seconds % length == 0:
            count = int(seconds // length)
            return f"{count} {unit.rstrip('s') if count == 1 else unit}"
    return f"{int(seconds) if seconds == int(seconds) else seconds} s"


def read_moment(value: Any, folder: Path = Path()) -> datetime | None:
    """A day or a time of a day, "2026-11-01" or "2026-11-01 12:40", with or without an offset; "" is None."""
    if value == "":
        return None
    try:
        if isinstance(value, date):  # TOML has dates of its own
            found = value if isinstance(value, datetime) else datetime.combine(value, time())
        else:
            found = datetime.fromisoformat(read_text(value).strip())
    except ValueError:
        found = datetime.min
    if not 1970 < found.year < 9999:
        raise Wrong("C106", "this is no date", advice='write "2026-11-01" or "2026-11-01 12:40"')
    return found


def show_moment(moment: datetime | None) -> str:
    """The shortest way to write a moment; "" for None."""
    if moment is None:
        return ""
    plain = moment.tzinfo is None and moment.time() == time()
    return f"{moment:%Y-%m-%d}" if plain else moment.isoformat(" ", "seconds" if moment.second else "minutes")


def in_zone(moment: datetime, timezone: str) -> datetime:
    """Give a moment its place in time: without an offset it is told in the time zone of the instance."""
    if moment.tzinfo is not None:
        return moment
    zone: tzinfo = UTC
    if timezone != "UTC":
        from zoneinfo import ZoneInfo

        try:
            zone = ZoneInfo(timezone)
        except (OSError, ValueError, KeyError):  # C114 tells
            zone = UTC
    return moment.replace(tzinfo=zone)


def read_silence(value: Any, folder: Path = Path()) -> float | str:
    """Seconds without mail, "auto" for what is unusual, 0 for ""."""
    return 0.0 if value == "" else "auto" if value == "auto" else read_duration(value)


def _shown_silence(silence: float | str) -> str:
    return show_duration(silence) if isinstance(silence, float) and silence else str(silence or "")


def read_size(value: Any, folder: Path = Path()) -> int:
    """Bytes, from "10 MB", "256 kB", "3M" or a bare number; 1 kB is 1024 bytes."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    found = _AMOUNT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or (factor := _BYTES.get(found[2].lower())) is None:
        raise Wrong("C106", "this is no size", advice='write "10 MB", "256 kB" or a number of bytes')
    return int(float(found[1]) * factor)


def read_poll(value: Any, folder: Path = Path()) -> float:
    """Seconds between two looks, one at least."""
    if (seconds := read_duration(value)) < 1:
        raise Wrong("C106", "this is too often", advice='write "1 s" or more')
    return seconds


def read_room(value: Any, folder: Path = Path()) -> int | str:
    """Bytes, or "auto"."""
    return "auto" if value == "auto" else read_size(value)


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
    found = re.fullmatch(_PIXELS, value.strip()) if isinstance(value, str) else None
    if found is None:
        raise Wrong("C106", "this is no size in pixels", advice='write "100x20", or "" for none')
    return int(found[1]), int(found[2])


def read_pattern(value: Any, folder: Path = Path()) -> Pattern:
    """A pattern: /…/i, |…|i or bare text."""
    if not isinstance(value, str):
        raise Wrong("C102", "a pattern must be text in quotes")
    try:
        return compile_pattern(value)
    except PatternError as error:
        raise Wrong("C104", str(error.message), error.position, error.help) from None


def read_optional_pattern(value: Any, folder: Path = Path()) -> Pattern | None:
    """A pattern, or None for ""."""
    return None if value == "" else read_pattern(value)


def read_path(value: Any, folder: Path) -> Path:
    """A path, taken from the folder of the file."""
    if isinstance(value, Path):
        return folder / value
    if not read_text(value):
        raise Wrong("C102", "this must be a path", advice="leave the option out for the default")
    try:
        return folder / Path(value).expanduser()
    except RuntimeError:
        raise Wrong("C113", "nobody here has this home directory") from None


def read_optional_path(value: Any, folder: Path) -> Path | None:
    """A path, or None for ""."""
    return None if value in (None, "") else read_path(value, folder)


def read_address(value: Any, folder: Path = Path()) -> str:
    """One address without a name."""
    text = read_text(value)
    if not re.fullmatch(_ADDRESS, text):
        raise Wrong("C105", f'"{text}" is no mail address')
    return text


def is_address(text: str) -> bool:
    """Tell whether a text is one address without a name."""
    return re.fullmatch(_ADDRESS, text) is not None


def read_host(value: Any, folder: Path = Path()) -> str:
    """The name or address of a server, and nothing else: no port, no scheme."""
    text = read_text(value).strip()
    if found := re.fullmatch(r"(?:[a-zA-Z]\w*://)?(?:\[([^\]/]+)\]|([^:/\s]+))(?::(\d+))?/?", text):
        host, port = found[1] or found[2], found[3]
        if host == text:
            return text
        advice = f'write  host = "{host}"' + (f"  and  port = {port}" if port else "")
        raise Wrong("C105", "this is more than the name of a server", advice=advice)
    if text and (set(text) & set("/ \t[]") or not set(text) <= set("0123456789abcdefABCDEF:.%")):
        raise Wrong("C105", f'"{text}" is no name of a server', advice="write a name such as imap.example.com")
    return text


def read_url(value: Any, folder: Path = Path()) -> str:
    """The address of something that is asked by HTTPS, by plain HTTP on this machine only; "" where there is none."""
    from urllib.parse import urlsplit

    text = read_text(value).strip()
    try:
        sound = not text or (re.fullmatch(_URL, text) is not None and urlsplit(text).port != 0)
    except ValueError:  # of the port, or of an address in brackets
        sound = False
    if not sound:
        advice = "write it without a name and a password" if "@" in text else "it begins with  https://"
        raise Wrong("C105", f'"{text}" is no address that secrets may be sent to', advice=advice)
    return text


LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""The addresses of this machine that only this machine reaches."""


SOCKET_PATH = 107
"""Bytes that the path of a unix socket may have (unix(7))."""


def read_listen(value: Any, folder: Path = Path()) -> str:
    """Where a door is: a unix socket by its path, or an address of this machine with a port."""
    text = read_text(value).strip()
    found = re.fullmatch(r"(?:\[([^\]/]+)\]|([^:/\s]*)):(\d{1,5})", text)
    if found is None:
        path = str(read_path(text, folder))
        if (size := len(os.fsencode(path))) > SOCKET_PATH:
            said = f"a socket cannot lie here: its path has {size} bytes, and {SOCKET_PATH} are the most"
            raise Wrong("C105", said, advice="write a shorter path, as  /run/allegra/lmtp.sock")
        return path
    host = found[1] or found[2]
    if host not in LOOPBACK or int(found[3]) > 65535:
        advice = "write  127.0.0.1:PORT, [::1]:PORT, or the path of a unix socket"
        raise Wrong("C105", f"{text} is no address that only this machine reaches", advice=advice)
    return text


def read_sign_in(value: Any, folder: Path = Path()) -> str:
    """Who comes into the console: accounts, none or proxy-header:NAME."""
    text = read_text(value)
    if text in ("accounts", "none") or re.fullmatch(r"proxy-header:[A-Za-z0-9-]{1,64}", text):
        return text
    raise Wrong("C103", f'"{text}" is none of accounts, none, proxy-header:NAME', advice="NAME is that of a header")


def read_proxy(value: Any, folder: Path = Path()) -> str:
    """Who is believed: an address, a network, or whoever comes by the unix socket."""
    text = read_text(value).strip()
    if text == "unix":
        return text
    try:
        return str(ipaddress.ip_network(text) if "/" in text else ipaddress.ip_address(text))
    except ValueError:
        advice = 'write "127.0.0.1", "10.0.0.0/8" or "unix"'
        raise Wrong("C105", f'"{text}" is no address and no network', advice=advice) from None


def read_mode(value: Any, folder: Path = Path()) -> int:
    """Who may use a unix socket, as chmod writes it: "0660"."""
    text = value if isinstance(value, str) else ""
    if not re.fullmatch(r"0?[0-7]{3}", text):
        raise Wrong("C103", "this is no mode of a file", advice='write "0660", "0600" or "0666"')
    return int(text, 8)


def read_mailbox(value: Any, folder: Path = Path()) -> str:
    """One address, with or without a name: Help desk <help@example.com>; "" where there is none."""
    text = read_text(value)
    if text and not re.fullmatch(_MAILBOX, text):
        raise Wrong(
            "C105", f'"{text}" is no mail address', advice="write  Name <name@example.com>  or the address alone"
        )
    return text


def read_override(value: Any, folder: Path = Path()) -> str:
    """Who may use keywords: anyone, known or group:NAME."""
    text = read_text(value)
    if text in ("anyone", "known") or (text.startswith("group:") and len(text) > len("group:")):
        return text
    raise Wrong("C103", f'"{text}" is none of anyone, known, group:NAME')


def read_command(value: Any, folder: Path = Path()) -> tuple[str, ...]:
    """A program with its arguments, as a list or as one line that is split as a shell would, without a shell."""
    import shlex

    try:
        if isinstance(value, str):
            return tuple(shlex.split(value))
        return tuple(map(read_text, value if isinstance(value, list) else [None]))
    except (ValueError, Wrong):
        raise Wrong("C102", "this must be a program with its arguments, as text or as a list of texts") from None


def read_time_of_day(value: Any, folder: Path = Path()) -> str:
    """A time of the day, as in "07:00"."""
    text = f"{value:%H:%M}" if isinstance(value, time) else value
    found = re.fullmatch(_TIME_OF_DAY, text.strip()) if isinstance(text, str) else None
    if found is None:
        raise Wrong("C106", "this is no time of the day", advice='write "07:00" or "18:30"')
    return f"{int(found[1]):02}:{found[2]}"


def read_reason(value: Any, folder: Path = Path()) -> str:
    """A reason code, or its first words."""
    from engine.model.reasons import REASONS
    from rules.near import near_names

    text = read_text(value).removesuffix(".*")
    codes = [code for code, reason in REASONS.items() if not reason.trace_only]
    families = {code.rpartition(".")[0] for code in codes}
    if text not in codes and text not in families:
        near = near_names(text, [*codes, *sorted(families)], 1)
        advice = f"did you mean  {near[0]} ?" if near else "docs/stages.md lists them"
        raise Wrong("C103", f'no mail ends with the reason "{text}"', advice=advice)
    return text


def read_format(value: Any, folder: Path = Path()) -> int:
    """The version of the format of the file; there is one."""
    if value != FORMAT or isinstance(value, bool):
        advice = f"write  schema = {FORMAT}, or use the version of the program that the file was written for"
        raise Wrong("C108", f"this version of the program reads files of format {FORMAT} only", advice=advice)
    return FORMAT


def _source(pattern: Pattern | None) -> str:
    return "" if pattern is None else pattern.source


def _shown_pixels(size: tuple[int, int] | None) -> str:
    return "x".join(map(str, size)) if size else ""


def _shown_path(path: Path | None) -> str:
    return str(path or "")


def _text(pattern: str = "", *examples: str) -> dict[str, Any]:
    """A JSON Schema of a text."""
    schema: dict[str, Any] = {"type": "string", "pattern": pattern or r"^[^\u0000-\u001f\u007f\u0085\u2028\u2029]*$"}
    return {**schema, "examples": list(examples)} if examples else schema


_SEVERAL_LINES = r"^([^\u0000-\u0008\u000b-\u001f\u007f\u0085\u2028\u2029]|\r\n)*$"
_NUMBER = r"^\s*\d{1,12}(\.\d{1,6})?\s*"
_DAY = r"^\s*(\d{4}-?\d\d-?\d\d([ T]\S+)?)?\s*$"
_DAYS = "2026-11-01", "2026-11-01 12:40"
_ANY = {"type": "string"}
_PROGRAM = {"anyOf": [_ANY, {"type": "array", "items": _text()}]}
_TIME = {"anyOf": [_text(_NUMBER + r"[A-Za-z]+\s*$"), {"type": "number", "minimum": 0, "maximum": 1e10}],
         "examples": ["30 s", "5 min", "1 hour", "90 days", "5 years"]}  # fmt: skip
_AMOUNT_OF_BYTES = {"anyOf": [_text(_NUMBER + r"([kKmMgG]?[bB]?)\s*$"), {"type": "integer", "minimum": 0}],
                    "examples": ["256 kB", "10 MB"]}  # fmt: skip

Line = Annotated[str, Kind("text", read_text, _text())]
Lines = Annotated[str, Kind("text", read_lines, _text(_SEVERAL_LINES))]
Format = Annotated[int, Kind("format", read_format, {"enum": [FORMAT]}, int)]
Host = Annotated[str, Kind("text", read_host, _text())]
Url = Annotated[str, Kind("text", read_url, _text(rf"^\s*({_URL})?\s*$"))]
Duration = Annotated[float, Kind("duration", read_duration, _TIME, show_duration)]
Poll = Annotated[float, Kind("duration", read_poll, _TIME, show_duration)]
Moment = Annotated[datetime | None, Kind("date", read_moment, _text(_DAY, *_DAYS), show_moment)]
TimeOfDay = Annotated[str, Kind("time of the day", read_time_of_day, _text(rf"^\s*{_TIME_OF_DAY}\s*$", "07:00"))]
ReasonText = Annotated[str, Kind("reason", read_reason, _text())]
Silence = Annotated[
    float | str,
    Kind("duration", read_silence, {"anyOf": [{"enum": ["auto", ""]}, *_TIME["anyOf"]], "examples": ["auto", "2 days"]},
         _shown_silence),
]  # fmt: skip
Room = Annotated[
    int | str,
    Kind("size", read_room, {"anyOf": [{"const": "auto"}, *_AMOUNT_OF_BYTES["anyOf"]], "examples": ["auto", "1 GB"]},
         lambda room: room if isinstance(room, str) else show_size(room)),
]  # fmt: skip
Size = Annotated[int, Kind("size", read_size, _AMOUNT_OF_BYTES, show_size)]
Pixels = Annotated[
    tuple[int, int] | None,
    Kind("pixel size", read_pixels, _text(r"^(\s*\d{1,5}\s*[xX×]\s*\d{1,5}\s*)?$", "100x20"), _shown_pixels),
]
PatternText = Annotated[Pattern, Kind("pattern", read_pattern, _ANY, _source)]
OptionalPattern = Annotated[Pattern | None, Kind("pattern", read_optional_pattern, _ANY, _source)]
FilePath = Annotated[Path, Kind("path", read_path, {**_text(), "minLength": 1}, _shown_path)]
OptionalPath = Annotated[Path | None, Kind("path", read_optional_path, _text(), _shown_path)]
AddressText = Annotated[str, Kind("address", read_address, _text(rf"^{_ADDRESS}$"))]
MailboxText = Annotated[str, Kind("address", read_mailbox, _text(rf"^({_MAILBOX})?$"))]
OverrideBy = Annotated[str, Kind("who", read_override, _text("^(anyone|known|group:.+)$", "known", "group:staff"))]
Listen = Annotated[str, Kind("address", read_listen, _text(), str)]
SignIn = Annotated[
    str, Kind("who", read_sign_in, _text("^(accounts|none|proxy-header:[A-Za-z0-9-]{1,64})$", "accounts", "none"))
]
Proxy = Annotated[str, Kind("address", read_proxy, _text("", "127.0.0.1", "unix"))]
Mode = Annotated[int, Kind("mode", read_mode, _text(r"^0?[0-7]{3}$", "0660"), "{:04o}".format)]
Command = Annotated[tuple[str, ...], Kind("program", read_command, _PROGRAM, list)]
Count = Annotated[int, Meta(ge=0, le=2**31)]
Positive = Annotated[int, Meta(ge=1, le=2**31)]
Port = Annotated[int, Meta(ge=0, le=65535)]


def patterns(*sources: str) -> tuple[Pattern, ...]:
    """Make the patterns of a default."""
    return tuple(map(Pattern.of_ours, sources))
