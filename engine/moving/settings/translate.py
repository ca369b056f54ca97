"""From the settings of another system to an allegra.toml that loads.

Here: which mailbox becomes whose, the rows in order, the check by our own loader. Not here: what a row does (the
tables), the text (`made.py`).
Invariant: what is given back loads; what the loader refuses is taken out, named, and left to a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from engine.config import ConfigError, parse
from engine.moving.reading import Problems, excerpt
from engine.moving.settings import eventum, itop, redmine
from engine.moving.settings.given import Given
from engine.moving.settings.made import Made, variable_of
from engine.moving.settings.table import Row, System
from rules.problem import Severity

SYSTEMS: Mapping[str, System] = {
    "openproject": redmine.SYSTEM, "redmine": redmine.SYSTEM, "itop": itop.SYSTEM, "eventum": eventum.SYSTEM,
}  # fmt: skip
NAMES = {"openproject": "OpenProject", "redmine": "Redmine", "itop": "iTop", "eventum": "Eventum"}
_TRIES = 30
MOST_OF_A_NAME = 50
"""Characters of a name that gets a number behind it: an identifier has 63."""


class Translated(Struct, frozen=True):
    """The file, and what is left to do."""

    text: str
    left: tuple[str, ...]


def translate(given: Sequence[Given], system: str, path: Path) -> Translated:
    """Make an allegra.toml of settings, as if it stood at `path`. Raises LoadError where it cannot be made to load."""
    made, table = Made(NAMES[system]), SYSTEMS[system]
    boxes = _boxes(given, table)
    for name, settings in boxes:
        made.workspace, made.shared = name, len(boxes) > 1 and not name
        if name:
            made.open_workspace(name)
        _apply(made, settings, table)
        table.end(made, settings)
    made.workspace, made.shared = "", False
    _behave(made, table, system, boxes)
    _finish(made, boxes)
    return _loading(made, boxes, path)


def _boxes(given: Sequence[Given], table: System) -> list[tuple[str, list[Given]]]:
    """The settings of each mailbox, with the workspace it becomes ("" for the only one), and first those of none."""
    shared = [each for each in given if not each.group]
    keys = dict.fromkeys((each.file, each.group) for each in given if each.group)
    groups = [[each for each in given if (each.file, each.group) == key] for key in keys]
    if len(groups) < 2:
        return [("", [*shared, *(each for group in groups for each in group)])]
    boxes, taken = [("", shared)], {""}
    for number, group in enumerate(groups, 1):
        name = table.home(group)
        if name in taken:
            name = f"{name[:MOST_OF_A_NAME] or 'mailbox'}-{number}"
        taken.add(name)
        boxes.append((name, group))
    return boxes


def _apply(made: Made, settings: Sequence[Given], table: System) -> None:
    known = {name: (number, row) for number, row in enumerate(table.rows) for name in row.names}
    found: list[tuple[int, Row, Given]] = []
    for each in settings:
        number, row = known.get(each.name, (0, None))
        if row is None:
            if each.name not in table.silent:
                made.note(each, "is no setting of mail that is known here")
        elif row.ours and (variable := variable_of(each)) and not any("password" in option for option in row.ours):
            made.note(each, f"its value stands in the variable {variable}: write it here")
            made.todo(f"write the value of {variable} into {row.ours[0]}")
        else:
            found.append((number, row, each))
    for _, row, each in sorted(found, key=lambda one: one[0]):
        row.act(made, each)


def _behave(made: Made, table: System, system: str, boxes: Sequence[tuple[str, Sequence[Given]]]) -> None:
    """Let ours behave as theirs does where nothing was set."""
    for like in table.like:
        homes = [name for name, _ in boxes if name or len(boxes) < 2] if like.option.startswith("mailbox.") else [""]
        for made.workspace in homes:
            if like.option.startswith("mailbox.") and not made.has("mailbox.host"):
                continue
            pop3 = made.value("mailbox.protocol") == "pop3"
            if not any(made.has(each) or (each == "mailbox.pop3" and pop3) for each in like.unless):
                made.put(like.option, like.value, like.because)
        made.workspace = ""
    if system == "openproject":
        redmine.openproject(made)


def _finish(made: Made, boxes: Sequence[tuple[str, Sequence[Given]]]) -> None:
    """What every file needs: a workspace, a mailbox, its addresses."""
    if not made.workspaces:
        made.open_workspace("support")
    if not made.has("system.default_workspace") and len(boxes) < 2:
        made.put("system.default_workspace", next(iter(made.workspaces)), "where mail goes that no rule routes")
        made.todo("choose the workspace: the name is a guess")
    for made.workspace in [name for name, _ in boxes if name] or [""]:
        if not made.has("mailbox.host") and made.value("mailbox.protocol") != "pipe":
            made.change("mailbox.protocol", "pipe", "mail comes by allegra deliver")
            if not made.piped:
                made.todo("name the mailbox, if it is read from a server: host, username, password_env; none was there")
        if made.has("mailbox.host"):
            _login(made)
        if made.value("mailbox.protocol") == "pop3":
            _without_folders(made)
        if "@" not in str(made.value("mailbox.username") or "") and not made.has("mailbox.addresses"):
            sender = str(made.value("smtp.from") or "").rpartition("<")[2].rstrip("> ")
            guess = "" if "@" in sender and not made.workspace else "a guess: name yours"
            made.put("mailbox.addresses", [_guessed(made)] if guess else [sender], guess)
            made.todo("name the addresses of the mailbox in mailbox.addresses")
    made.workspace = ""
    _smtp(made)


def _guessed(made: Made) -> str:
    """An address for the mailbox in hand: no two may have the same."""
    return f"{made.workspace or 'support'}@example.com"


def _smtp(made: Made) -> None:
    """What sends our mail needs a server and a sender, and a password a user."""
    if not made.has("smtp.host"):
        written = made.options.pop("smtp", {}).get("from")
        said = (
            f"write [smtp] with host and from = {str(written.value)[:100]}" if written is not None else "write [smtp]"
        )
        made.todo(f"{said}, or nobody is sent anything")
        return
    if not made.has("smtp.from"):
        made.put("smtp.from", "support@example.com", "a guess: name yours")
        made.todo("name the sender of our mail: smtp.from")
    if made.has("smtp.username") and not made.has("smtp.password_env"):
        made.secret("smtp.password", "ALLEGRA_SMTP_PASSWORD", Given("password", "it stood nowhere"))
    if made.has("smtp.password_env") and not made.has("smtp.username"):
        made.drop("smtp.password_env")
        made.todo("if the server of [smtp] asks for a login: smtp.username, smtp.password_env")


def _login(made: Made) -> None:
    """A mailbox on a server is read by somebody with a password."""
    if not made.has("mailbox.username"):
        made.put("mailbox.username", _guessed(made), "a guess: name yours")
        made.todo("name the user of the mailbox: mailbox.username")
    if not made.has("mailbox.password_env"):
        made.secret("mailbox.password", "ALLEGRA_IMAP_PASSWORD", Given("password", "it stood nowhere"))


def _without_folders(made: Made) -> None:
    """POP3 has one folder and no marks."""
    for option in ("mailbox.folder", "mailbox.query"):
        made.drop(option)
    for option in ("mailbox.after_success", "mailbox.after_failure"):
        if made.value(option) == "seen":
            made.change(option, "keep", "POP3 marks nothing")


def _loading(made: Made, boxes: Sequence[tuple[str, Sequence[Given]]], path: Path) -> Translated:
    """Take out what the loader refuses, until it loads."""
    wrong, lines = list[tuple[int, str]](), list[str]()
    for _ in range(_TRIES):
        text = made.text()
        try:
            parse(text, path, {})
        except ConfigError as error:
            lines = text.split("\n")
            wrong = [(each.line, each.message) for each in error.problems if each.severity is Severity.ERROR]
            if not _taken_out(made, wrong, lines):
                break
            _finish(made, boxes)
        else:
            return Translated(text, tuple(made.left))
    problems = Problems(next((each.file for _, settings in boxes for each in settings), path.name))
    for line, message in wrong:
        there = f"{excerpt(lines[line - 1])}: " if 0 < line <= len(lines) else ""
        said = f"no file that loads can be made of these settings: {there}{message}"
        problems.add("D153", said, 0, "begin with `allegra init`")
    problems.end()
    raise AssertionError("unreachable")


def _taken_out(made: Made, problems: Sequence[tuple[int, str]], lines: Sequence[str]) -> bool:
    """Take out the options that stand in these lines, and mailboxes that begin there; tells whether any was."""
    any_taken = False
    for line, message in problems:
        table = next((each[1:-1] for each in reversed(lines[: max(line, 0)]) if each.startswith("[")), "")
        name = lines[line - 1].partition(" = ")[0] if 0 < line <= len(lines) else ""
        if made.options.get(table, {}).pop(name, None) is not None:
            made.todo(f"set {table}.{name}: what stood there is refused here ({message})")
            any_taken = True
        elif name == f"[{table}]" and table.endswith(".mailbox") and made.options.pop(table, {}):
            made.todo(f"write [{table}] anew: what stood there is refused here ({message})")
            any_taken = True
    return any_taken
