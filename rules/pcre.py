"""PCRE spellings turned into RE2: what people paste from other systems, made safe to run.

Here: the translation, character by character, with the place of everything that cannot be said in RE2.
Not here: running a pattern (`pattern.py`). Invariant: one pass over the text; every `PatternError` has a position.
Letters are Unicode (`\\w`, `\\s`), digits and `\\b` are ASCII as in PCRE without UCP.
Over 300 lines: one pass over a pattern, construct by construct.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from rules.problem import PatternError

_WORD = r"\p{L}\p{N}_"
_SPACE = r"\s\x0b\x{85}\p{Z}"
_LINE = r"\n\x0b\f\r\x{85}\x{2028}\x{2029}"
_MAX_REPEAT = 1000
_MAX_DEPTH = 200

# In a positive place / inside a class. None: has no meaning inside a class.
_CLASSES: dict[str, tuple[str, str | None]] = {
    "w": (f"[{_WORD}]", _WORD),
    "W": (f"[^{_WORD}]", None),
    "s": (f"[{_SPACE}]", _SPACE),
    "S": (f"[^{_SPACE}]", r"\S"),
    "h": (r"[\t\p{Zs}]", r"\t\p{Zs}"),
    "H": (r"[^\t\p{Zs}]", None),
    "v": (f"[{_LINE}]", _LINE),
    "V": (f"[^{_LINE}]", None),
    "R": (r"(?:\r\n|\n|\r)", r"\r\n"),
    "N": (r"[^\n]", None),
    "e": (r"\x1b", r"\x1b"),
    "Z": (r"(?:\n?\z)", None),
}
_PLAIN_ESCAPES = frozenset("abdDfnrtABzQE")  # RE2 reads these as PCRE does

_REPEAT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_UNICODE_ESCAPE = re.compile(r"\\u\{?([0-9A-Fa-f]{4,6})\}?")
_HEX_ESCAPE = re.compile(r"\\x(?:\{[0-9A-Fa-f]{1,6}\}|[0-9A-Fa-f]{2})")
_PROPERTY = re.compile(r"\\[pP](?:\{\^?[A-Za-z_]+\}|[A-Z])")
_GROUP_NAME = re.compile(r"\(\?P?(?:<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')", re.ASCII)
_FLAG_GROUP = re.compile(r"\(\?([imsU]*)(-[imsU]+)?([:)])")
_POSIX_CLASS = re.compile(r"\[:\^?[a-z]+:\]")


def _unsafe(message: str, position: int, help: str, length: int = 1) -> PatternError:
    return PatternError(message, position, help, length=length, code="E202")


class Translation:
    """One pass over the body of a pattern: `text` is the RE2 spelling, `names` the named groups in order."""

    def __init__(self, body: str, offset: int, flags: str) -> None:
        self.body = body
        self.offset = offset
        self.pos = 0
        self.out: list[str] = []
        self.open: list[int] = []
        self.names: list[str] = []
        self.repeatable = False
        # `$` may stand before a last line feed in PCRE; with m (also set inside) RE2 says the same as PCRE.
        self.dollar = "$" if "m" in flags or re.search(r"\(\?[a-zA-Z]*m", body) else r"(?:\n?\z)"
        self.text = self._run()

    def _run(self) -> str:
        steps: dict[str, Callable[[], None]] = {
            "\\": self._escape,
            "[": self._class,
            "(": self._group,
            ")": self._close,
            "*": self._quantifier,
            "+": self._quantifier,
            "?": self._quantifier,
            "{": self._brace,
        }
        body, out = self.body, self.out
        while self.pos < len(body):
            char = body[self.pos]
            step = steps.get(char)
            if step is not None:
                step()
                continue
            out.append(self.dollar if char == "$" else char)
            self.repeatable = char not in "|^"
            self.pos += 1
        if self.open:
            raise PatternError(
                '"(" is never closed', self._at(self.open[-1]), r'add ")", or write \( for the character'
            )
        return "".join(out)

    def _at(self, position: int) -> int:
        return position + self.offset

    # ── escapes ───────────────────────────────────────────────────────────────────────────────────────────

    def _escape(self) -> None:
        body, start = self.body, self.pos
        if start + 1 >= len(body):
            raise PatternError("the pattern ends with a single backslash", self._at(start), r"write \\ for a backslash")
        char = body[start + 1]
        if char == "Q":
            end = body.find("\\E", start + 2)
            quoted = body[start + 2 :] if end < 0 else body[start + 2 : end]
            self.out.append(re.escape(quoted))
            self.pos = len(body) if end < 0 else end + 2
            self.repeatable = bool(quoted)
            return
        if char in "123456789kg":
            raise _unsafe(
                "a pattern cannot refer back to what it matched",
                self._at(start),
                "write the text out again, or use a hook",
                2,
            )
        if char in "KGXC":
            raise _unsafe(f"\\{char} is not available here", self._at(start), "leave it out", 2)
        if char in _CLASSES:
            self.out.append(_CLASSES[char][0])
            self.pos += 2
        else:
            self.out.append(self._plain_escape())
        self.repeatable = char not in "bBAzZE"

    def _plain_escape(self) -> str:
        """Translate an escape that means the same in and outside of a class; moves behind it."""
        body, start = self.body, self.pos
        char = body[start + 1]
        for pattern, template in ((_UNICODE_ESCAPE, r"\x{%s}"), (_HEX_ESCAPE, ""), (_PROPERTY, "")):
            found = pattern.match(body, start)
            if found:
                self.pos = found.end()
                return template % found[1] if template else found[0]
        self.pos += 2
        if char in _PLAIN_ESCAPES:
            return body[start : start + 2]
        if char == "0":
            return r"\x00"
        if char.isascii() and char.isalnum():
            raise PatternError(
                f"\\{char} has no meaning in a pattern", self._at(start), f"write  {char}  for the letter", length=2
            )
        return "\\" + char if char.isascii() and char != "_" else char

    # ── classes ───────────────────────────────────────────────────────────────────────────────────────────

    def _class(self) -> None:
        body, start = self.body, self.pos
        self.pos += 1
        negated = body.startswith("^", self.pos)
        self.pos += negated
        parts: list[str] = []
        others: list[str] = []  # complements, which RE2 cannot hold inside a class
        if body.startswith("]", self.pos):
            parts.append(r"\]")
            self.pos += 1
        while True:
            if self.pos >= len(body):
                raise PatternError('"[" is never closed', self._at(start), r'add "]", or write \[ for the character')
            char = body[self.pos]
            if char == "]":
                self.pos += 1
                break
            self._class_member(char, parts, others)
        self.repeatable = True
        self.out.append(self._class_text(start, negated, parts, others))

    def _class_member(self, char: str, parts: list[str], others: list[str]) -> None:
        body = self.body
        posix = _POSIX_CLASS.match(body, self.pos)
        if posix:
            parts.append(posix[0])
            self.pos = posix.end()
        elif char == "\\" and self.pos + 1 < len(body):
            kind = body[self.pos + 1]
            if kind == "b":
                parts.append(r"\x08")
                self.pos += 2
            elif kind in _CLASSES:
                outside, inside = _CLASSES[kind]
                (parts if inside is not None else others).append(inside if inside is not None else outside)
                self.pos += 2
            else:
                parts.append(self._plain_escape())
        else:
            parts.append("\\[" if char == "[" else char)
            self.pos += 1

    def _class_text(self, start: int, negated: bool, parts: list[str], others: list[str]) -> str:
        if not others:
            return f"[{'^' if negated else ''}{''.join(parts)}]"
        if not negated:
            return "(?:" + "|".join([*([f"[{''.join(parts)}]"] if parts else []), *others]) + ")"
        if others == [f"[^{_WORD}]"] and set(parts) <= {"_", r"\d"}:  # [^\W_], [^\W\d_]: letters, and digits
            return "[" + r"\p{L}" + ("" if r"\d" in parts else r"\p{N}") + ("" if "_" in parts else "_") + "]"
        source = self.body[start : self.pos]
        raise _unsafe(
            f"{source} cannot be turned round here",
            self._at(start),
            r"name what is allowed, such as  [\p{L}\p{N}]",
            len(source),
        )

    # ── groups ────────────────────────────────────────────────────────────────────────────────────────────

    def _group(self) -> None:
        body, start = self.body, self.pos
        if len(self.open) >= _MAX_DEPTH:
            raise _unsafe(
                f"more than {_MAX_DEPTH} brackets inside each other", self._at(start), "say it with less nesting"
            )
        self.repeatable = False
        if body.startswith("(*", start):
            raise _unsafe("verbs such as (*SKIP) are not available here", self._at(start), "leave it out", 2)
        if not body.startswith("(?", start):
            self.open.append(start)
            self.out.append("(")
            self.pos += 1
            return
        if body.startswith("(?#", start):
            end = body.find(")", start)
            if end < 0:
                raise PatternError("this comment is never closed", self._at(start), 'add ")"', length=3)
            self.pos = end + 1
            return
        for opening in ("(?=", "(?!", "(?<=", "(?<!"):
            if body.startswith(opening, start):
                raise _unsafe(
                    "a pattern cannot look ahead or behind",
                    self._at(start),
                    "split it into two conditions:  … matches /…/ and … does not match /…/",
                    len(opening),
                )
        name = _GROUP_NAME.match(body, start)
        flags = _FLAG_GROUP.match(body, start)
        if name:
            self._named(name, start)
        elif flags:
            if flags[3] == ":":
                self.open.append(start)
            self.out.append(flags[0])
            self.pos = flags.end()
        else:
            raise _unsafe("this kind of bracket is not available here", self._at(start), "write  (?:…)  or  (…)", 3)

    def _named(self, found: re.Match[str], start: int) -> None:
        name = found[1] or found[2]
        if name in self.names:
            raise PatternError(
                f'two groups are called "{name}"', self._at(start), "rename one of them", length=len(found[0])
            )
        self.names.append(name)
        self.open.append(start)
        self.out.append(f"(?P<{name}>")
        self.pos = found.end()

    def _close(self) -> None:
        if not self.open:
            raise PatternError('")" closes nothing', self._at(self.pos), r"write \) for the character")
        self.open.pop()
        self.out.append(")")
        self.repeatable = True
        self.pos += 1

    # ── repeats ───────────────────────────────────────────────────────────────────────────────────────────

    def _quantifier(self) -> None:
        char = self.body[self.pos]
        if not self.repeatable:
            raise PatternError(
                f'there is nothing that "{char}" could repeat', self._at(self.pos), f"write \\{char} for the character"
            )
        self.pos += 1
        self._repeat(char)

    def _brace(self) -> None:
        found = _REPEAT.match(self.body, self.pos)
        if not found:  # an ordinary brace, as in PCRE
            self.out.append(r"\{")
            self.repeatable = True
            self.pos += 1
            return
        if not self.repeatable:
            raise PatternError(
                f'there is nothing that "{found[0]}" could repeat', self._at(self.pos), r"write \{ for the character"
            )
        if any(int(number) > _MAX_REPEAT for number in (found[1], found[3]) if number):
            raise _unsafe(
                f"a repeat above {_MAX_REPEAT} is not available",
                self._at(self.pos),
                f"write  {{0,{_MAX_REPEAT}}},  or  *  for any number",
                len(found[0]),
            )
        self.pos = found.end()
        self._repeat(found[0])

    def _repeat(self, text: str) -> None:
        """Take `text` as a repeat, with the `?` that makes it short; a second repeat needs a bracket."""
        if self.body.startswith("?", self.pos):
            text += "?"
            self.pos += 1
        elif self.body.startswith("+", self.pos):
            raise _unsafe(
                "a repeat that gives nothing back is not available", self._at(self.pos), f"write  {text}  alone"
            )
        self.out.append(text)
        self.repeatable = False
