"""Settings written for a shell: `key=value` of rake, options of `rdm-mailhandler.rb`, environment files, crontabs.

Here: lines that go on, quotes, prefixes of containers. Not here: what a setting means (`redmine.py`).
Invariant: nothing is run or expanded: a value that names a variable stays that name.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from engine.moving.reading import Problems
from engine.moving.settings.given import Given, plain_name

_PAIR = re.compile(r"(?:export\s+)?([A-Za-z_][\w.\-]*)=(.*)", re.DOTALL)
_TASK = re.compile(r"redmine:email:(receive_imap|receive_pop3|receive_gmail|read|test)\b")
_SCRIPT = re.compile(r"(?:^|[\s/|\"])rdm-mailhandler(?:\.rb)?(?=\s|$)")
_SHORT = {
    "u": "url", "k": "key", "p": "project", "t": "tracker", "o": "allow_override", "s": "status",
}  # fmt: skip
_FLAGS = ("no_permission_check", "no_account_notice", "no_notification", "no_check_certificate", "verbose", "v", "h")
_PREFIXES = ("openproject_", "redmine_", "receive_", "email_", "imap_attr_", "imap_")


def read(text: str, problems: Problems) -> Iterator[Given]:
    """Read shell lines: each line with a task or the script is a mailbox, pairs in lines of their own are settings."""
    group = 0
    for number, line in _lines(text):
        calls = _TASK.search(line), _SCRIPT.search(line)
        if any(calls):
            group += 1
            yield from _call(line, number, group, problems)
        elif found := _PAIR.fullmatch(line):
            yield Given(variable(found[1]), _unquoted(found[2]), number)
        elif re.search(r"(?:^|\s)(?:host|username|project)=", line):
            group += 1
            yield from _words(line, number, group, problems)
        elif not re.match(r"(?:#|--|[A-Z]+\s*:|@|[*\d]|source\b|cd\b|if\b|fi\b|set\b|exec\b|done\b|bundle\b)", line):
            problems.add("D151", "is neither KEY=VALUE nor a call of a mail task", number)


def is_call(text: str) -> bool:
    """Tell whether a text calls a mail task or the script."""
    return _TASK.search(text) is not None or _SCRIPT.search(text) is not None


def variable(name: str) -> str:
    """Give the name of a setting for that of a variable: OPENPROJECT_IMAP_HOST, IMAP_ATTR_PROJECT, host."""
    name = plain_name(name)
    for prefix in _PREFIXES:
        if name.startswith(prefix) and len(name) > len(prefix):
            name = name.removeprefix(prefix)
    return name


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The logical lines, without comments: a backslash at the end goes on."""
    first, parts = 0, list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        first = first or number
        if line.rstrip().endswith("\\"):
            parts.append(line.rstrip()[:-1])
            continue
        whole = " ".join((*parts, line)).strip()
        if whole and not whole.startswith("#"):
            yield first, whole
        first, parts = 0, []
    if parts:
        yield first, " ".join(parts).strip()


def _call(line: str, number: int, group: int, problems: Problems) -> Iterator[Given]:
    if task := _TASK.search(line):
        yield Given("task", task[1], number, group)
    else:
        yield Given("task", "rdm_mailhandler", number, group)
        line = line[_SCRIPT.search(line).end() :]  # type: ignore[union-attr]
    yield from _words(line, number, group, problems)


def _words(line: str, number: int, group: int, problems: Problems) -> Iterator[Given]:
    try:
        words = shlex.split(line.rstrip('"') if line.count('"') % 2 else line, comments=True)
    except ValueError:
        problems.add("D151", "has a quote that does not end", number)
        return
    at = 0
    while at < len(words):
        word, at = words[at], at + 1
        if word in (";", "&&", "||", "|", ">", ">>", "2>&1"):
            if at > 1 and word not in ("&&", ";"):
                return
            continue
        if not word.startswith("-"):
            if (found := _PAIR.fullmatch(word)) and found[1] not in ("RAILS_ENV", "PATH", "HOME"):
                yield Given(variable(found[1]), found[2], number, group)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        name = plain_name(_SHORT.get(name, name))
        if not equals and name not in _FLAGS and at < len(words) and not words[at].startswith("-"):
            value, at = words[at], at + 1
        elif not equals:
            value = "1"
        if name not in ("trace", "silent", "quiet", "verbose", "f", "rakefile"):
            yield Given(name, value, number, group)


def _unquoted(value: str) -> str:
    """A value of an environment file without its quotes and without a comment behind it."""
    value = value.strip()
    if value[:1] in ("'", '"') and (end := value.find(value[0], 1)) > 0:
        return value[1:end]
    return re.split(r"\s#", value, maxsplit=1)[0].rstrip()
