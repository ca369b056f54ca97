"""Parameters of structured fields: `type; name=value; …`, and file names in them.

Here: RFC 2045 5.1 and RFC 2231, with the mistakes mail programs make. Not here: which parameters matter (`split`).
Invariant: linear in the value; sections of a parameter are joined as bytes before they are decoded.
"""

from __future__ import annotations

import re
from functools import lru_cache

from engine.mail import charset
from engine.mail.headers import CACHED_LENGTH, as_bytes, decode

_PARAMETER = re.compile(r""";\s*+([^\s=;"]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"\s*+(?=;|\Z)|([^;]*+))""", re.DOTALL)
_SECTION = re.compile(r"([^*]+)(?:\*(\d{1,4}))?(\*)?\Z")
_EXTENDED = re.compile(r"([A-Za-z][\w-]*)'[\w-]*'(.*)\Z", re.DOTALL)
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """Split `type; name=value; …` into the lower-case type and its parameters, names lower case, values still raw.

    RFC 2231 sections are put together and decoded here; encoded words in a value are not. Do not change the result.
    """
    return _cached_parameters(value) if len(value) <= CACHED_LENGTH else _parameters(value)


def _parameters(value: str) -> tuple[str, dict[str, str]]:
    head, semicolon, rest = value.partition(";")
    words = head.split(None, 1)
    if "=" in head:  # the semicolon, or the type itself, was forgotten
        words = ["", head] if "=" in words[0] else words
        rest, semicolon = f"{words[1] if len(words) > 1 else ''};{rest}", ";"
    kind = words[0].lower() if words else ""
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    if not semicolon:
        return kind, plain
    for name, quoted, bare in _PARAMETER.findall(";" + rest):
        text = _unquoted(quoted) if quoted or not bare else _bare(bare)
        parsed = _SECTION.match(name.lower())
        if parsed is None or (parsed[2] is None and parsed[3] is None):
            plain.setdefault(name.lower(), text)
        else:
            sections.setdefault(parsed[1], {}).setdefault(int(parsed[2] or 0), (text, parsed[3] is not None))
    for name, numbered in sections.items():
        plain[name] = _joined(numbered) or plain.get(name, "")
    return kind, plain


_cached_parameters = lru_cache(maxsize=1024)(_parameters)


def _unquoted(text: str) -> str:
    """Undo quoting; a lone backslash stays, because it is the one of a Windows path."""
    return text.replace("\\\\", "\\").replace('\\"', '"') if "\\" in text else text


def _bare(text: str) -> str:
    text = text.strip()
    if text.startswith('"'):
        last = text.rindex('"')
        text = _unquoted(text[1 : last or len(text)])
    return text


def _joined(numbered: dict[int, tuple[str, bool]]) -> str:
    """Join the sections of one parameter (RFC 2231 3 and 4); the first one names the charset of the encoded ones."""
    label, data = "", bytearray()
    for position, number in enumerate(sorted(numbered)):
        text, encoded = numbered[number]
        if encoded and position == 0:
            extended = _EXTENDED.match(text)
            if extended:
                label, text = extended[1], extended[2]
            elif text.startswith("''"):
                text = text[2:]
        piece = as_bytes(text)
        data += _PERCENT.sub(lambda found: bytes([int(found[1], 16)]), piece) if encoded else piece
    if label and charset.codec(label):
        return charset.decode(bytes(data), label)[0]
    return charset.guess(bytes(data))


def file_name(parameter: str, hint: str = "") -> str:
    """Decode a `filename` or `name` with encoded words, raw bytes, or RFC 2231 without its star."""
    if "''" in parameter and "%" in parameter:
        extended = _EXTENDED.match(parameter)
        if extended and charset.codec(extended[1]):
            return _joined({0: (parameter, True)})
    return decode(parameter, hint)
