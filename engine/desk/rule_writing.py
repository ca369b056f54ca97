"""What somebody begins with when they write rules: a rule or a test out of a mail, a condition, an older text.

Here: `rule_from`, `test_from`, `rule_of`, `difference`, `patch`. Not here: saving (`rule_saving.py`).
Invariant: what comes of a stranger's words is a text that loads, whatever they wrote.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import tomli_w

if TYPE_CHECKING:
    from engine.model.stored import MailRow

MOST_LINES, MOST_COMPARED = 2_000, 20_000
"""Lines of a difference that are given, and lines of a text that is compared at all."""

_PLAIN = re.compile(r"[^\W_][\w .,:;+#@%-]{1,80}")
"""Words of a subject that stand in a condition as they are."""

_ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+")


def rule_from(mail: MailRow) -> str:
    """Propose a rule for mail like this one."""
    asked = [f'from is "{mail.sender}"'] if _ADDRESS.fullmatch(mail.sender) else []
    if words := _words(mail.subject):
        asked.append(f'subject contains "{words}"')
    return rule_of(" and ".join(asked) or "subject exists", f"Like {mail.mail[:8]}")


def rule_of(condition: str, name: str = "A new rule") -> str:
    """Propose a rule with a condition. It only watches until somebody says what it does."""
    lines = f"name   = {_toml(name)}", "shadow = true", f"when   = {_toml(condition)}", "then   = ['add label \"new\"']"
    return "\n".join(("", "[[rule]]", *lines, ""))


def test_from(mail: MailRow) -> str:
    """Propose a test with this mail, which expects what became of it."""
    rule = mail.by.name if str(mail.by.kind) == "rule" else ""
    expected = f"expect_rule = [{_toml(rule)}]" if rule else "expect_none = true"
    lines = f"name = {_toml(f'mail {mail.mail[:8]} as it was decided')}", f"mail = {_toml(mail.mail)}", expected
    return "\n".join(("", "[[test]]", *lines, ""))


def _toml(text: str) -> str:
    """Write a text as people write one: without escapes, where it needs none."""
    if text.isprintable() and "'" not in text:
        return f"'{text}'" if '"' in text else f'"{text}"' if "\\" not in text else f"'{text}'"
    return tomli_w.dumps({"x": text}).partition("=")[2].strip()


def _words(subject: str) -> str:
    found = [each.strip() for each in _PLAIN.findall(re.sub(r"(?i)^((re|fwd?|aw|wg)\s*:\s*)+", "", subject))]
    return max(found, key=len, default="")


def difference(before: str, after: str) -> tuple[str, ...]:
    """The lines in which two texts differ, as `diff -u` tells them; the last one says where there are more."""
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > MOST_COMPARED:
        return ("@@ these texts are too long to be compared here @@",)
    return _cut(difflib.unified_diff(old, new, lineterm="", n=2))


def patch(file: str, before: str, after: str) -> str:
    """The difference as `patch -p1` and `git apply` take it."""
    lines = difflib.unified_diff(_lines(before), _lines(after), f"a/{file}", f"b/{file}")
    return "".join([line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines])


def _lines(text: str) -> list[str]:
    """The lines of a text as tools of patches see them: nothing but a line feed ends one."""
    return re.findall(r"[^\n]*\n|[^\n]+\Z", text)


def _cut(lines: Iterable[str]) -> tuple[str, ...]:
    told = []
    for number, line in enumerate(lines):
        if number >= MOST_LINES:
            told.append("@@ and more @@")
            break
        if number > 1:  # the first two name the files
            told.append(line)
    return tuple(told)
