"""Sieve -> rules: what can be said the same way, and `# not translated:` for the rest.

Here: commands to actions, chains of if/elsif/else to rules in order. Not here: reading Sieve (`sieve.py`), its tests
(`sieve_conditions.py`). Invariant: what is written loads; nothing of the script is left out silently.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rules.parse import parse_action, parse_condition
from rules.sieve import Command, read
from rules.sieve import SieveFault as SieveFault
from rules.sieve_conditions import Condition, Untranslatable, condition, joined
from rules.syntax import SyntaxFault

_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*|\d)\}")
_ENDS = ("fileinto", "reject", "ereject", "discard", "stop", "keep")


@dataclass(frozen=True, slots=True)
class Translation:
    """A rule file, and how many parts of the script are `left` in it as comments."""

    text: str
    left: int


@dataclass(slots=True)
class _Out:
    """The rules written so far."""

    folders: Mapping[str, str]
    lines: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    left: int = 0

    def unsaid(self, source: str, why: str) -> None:
        """Keep what could not be translated, as a comment."""
        self.left += 1
        self.lines.append(f"# not translated: {why}")
        self.lines += [f"#   {line.rstrip()}" for line in source.splitlines()]
        self.lines.append("")

    def rule(self, name: str, when: Condition | None, actions: list[str], source: str) -> None:
        """Write one rule; one that would not load becomes a comment."""
        try:
            if when is not None:
                parse_condition(when.text)
            for action in actions:
                parse_action(action)
        except SyntaxFault as fault:
            self.unsaid(source, fault.message)
            return
        unique, number = name, 2
        while unique in self.names:
            unique, number = f"{name} ({number})", number + 1
        self.names.add(unique)
        self.lines += ["[[rule]]", f"name = {_quoted(unique)}", 'on   = "any"']
        if when is not None:
            self.lines.append(f"when = {_toml(when.text)}")
        self.lines += [f"then = [{', '.join(_toml(action) for action in actions)}]", ""]


def translate(script: str, folders: Mapping[str, str] | None = None) -> Translation:
    """Write a rule file for a script; `folders` maps folders to workspaces. Raises: SieveFault."""
    out = _Out(folders or {})
    out.lines += [
        "# From a Sieve script. Sieve goes on after fileinto; here the first destination ends the file,",
        "# unless the rule says  continue.",
        "",
    ]
    _block(read(script), [], out)
    return Translation("\n".join(out.lines).rstrip("\n") + "\n", out.left)


def _toml(sentence: str) -> str:
    """A sentence as a TOML string: literal where that is possible."""
    if "'" not in sentence and sentence.isprintable():
        return f"'{sentence}'"
    return json.dumps(sentence, ensure_ascii=False)


def _quoted(text: str) -> str:
    return json.dumps("".join(char if char.isprintable() else " " for char in text), ensure_ascii=False)


# ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────


def _block(commands: Iterable[Command], outer: list[Condition], out: _Out) -> None:
    """Translate commands that run if all of `outer` hold."""
    waiting: list[Command] = []
    chain: list[Command] = []
    for command in commands:
        if command.name in ("elsif", "else") and chain:
            chain.append(command)
            continue
        if chain:
            _chain(chain, outer, out)
            chain = []
        if command.name == "if":
            _flush(waiting, outer, out)
            chain = [command]
        elif command.name != "require":
            waiting.append(command)
    if chain:
        _chain(chain, outer, out)
    _flush(waiting, outer, out)


def _flush(waiting: list[Command], outer: list[Condition], out: _Out) -> None:
    if waiting:
        _rule(waiting, outer, waiting[0], out)
        waiting.clear()


def _chain(chain: list[Command], outer: list[Condition], out: _Out) -> None:
    """if/elsif/else: a branch that ends the file makes `else` free, another one has to be denied."""
    denied: list[Condition] = []
    for command in chain:
        try:
            own = [condition(command.test, _captures(command))] if command.test is not None else []
        except Untranslatable as reason:
            out.unsaid("\n".join(each.source for each in chain[chain.index(command) :]), str(reason))
            return
        _branch(command, [*outer, *denied, *own], out)
        if own and not any(inner.name in _ENDS for inner in command.block or ()):
            denied.append(Condition(f"not {own[0].closed}"))


def _branch(command: Command, conditions: list[Condition], out: _Out) -> None:
    block = command.block or ()
    if any(inner.name == "if" for inner in block):
        _block(block, conditions, out)
    else:
        _rule(list(block), conditions, command, out)


def _rule(commands: list[Command], conditions: list[Condition], head: Command, out: _Out) -> None:
    actions: list[str] = []
    variables: dict[str, str] = {}
    left: list[tuple[Command, str]] = []
    captures = max((each.captures for each in conditions), default=0)
    for command in commands:
        try:
            actions += _action(command, variables, captures, out)
        except Untranslatable as reason:
            left.append((command, str(reason)))
    destinations = [action for action in actions if action.split()[0] in ("route", "reject", "discard")]
    for extra in destinations[1:]:
        actions.remove(extra)
        left.append((head, f"a rule has one destination, so this is left out: {extra}"))
    for command, why in left:
        out.unsaid(command.source, why)
    if actions:
        out.rule(
            _name(head), joined(conditions, "and") if conditions else None, list(dict.fromkeys(actions)), head.source
        )


def _name(command: Command) -> str:
    """A name for a rule: `# rule:[Name]` as web mail writes it, else the comment above, else the line."""
    found = re.search(r"rule:\s*\[(.*?)\]", command.comment)
    said = found[1] if found else command.comment.split("  ")[0]
    return said.strip()[:60] or f"sieve line {command.line}"


def _action(command: Command, variables: dict[str, str], captures: int, out: _Out) -> list[str]:
    texts = [argument for argument in command.arguments if isinstance(argument, str)]
    lists = [argument for argument in command.arguments if isinstance(argument, tuple)]
    said = [_filled(text, variables, captures) for text in texts]
    name = command.name
    if name in ("stop", "keep"):
        return ["stop"]
    if name == "discard":
        return ['discard because "sieve"']
    if name == "set" and len(texts) == 2:
        variables[texts[0].lower()] = texts[1]
        return []
    if name in ("addflag", "setflag"):
        labels = [
            text for text in [*said[-1:], *(text for each in lists for text in each)] if not text.startswith("\\")
        ]
        if not labels:
            raise Untranslatable("there are no message flags here")
        return [f'add label "{_spoken(label)}"' for label in labels]
    if not said:
        raise Untranslatable(f"{name} has no counterpart")
    if name == "fileinto":
        return _folder(texts[-1], out)
    if name in ("reject", "ereject"):
        return [f'reject with "{_spoken(said[-1])}"']
    if name == "redirect":
        return [f'forward to "{_spoken(said[-1])}"']
    if name == "vacation":
        out.unsaid(command.source, "put this text into the template vacation")
        return ['reply with template "vacation"']
    if name == "notify":
        raise Untranslatable('say who is told:  notify "login"')
    raise Untranslatable(f"{name} has no counterpart")


def _folder(folder: str, out: _Out) -> list[str]:
    if "${" in folder:
        raise Untranslatable("the name of a workspace is fixed")
    if folder in out.folders:
        return [f'route to workspace "{out.folders[folder]}"']
    if folder.upper() == "INBOX":
        return ["stop"]
    workspace = re.sub(r"[^a-z0-9_-]+", "-", re.split(r"[./]", folder)[-1].lower()).strip("-")
    if not workspace:
        raise Untranslatable("give a workspace for this folder")
    return [f'route to workspace "{workspace}"']


def _filled(text: str, variables: Mapping[str, str], captures: int) -> str:
    """Variables put in; `${1}` becomes the capture {c1}."""
    text = text.replace("{", "{{").replace("}", "}}").replace("${{", "${")
    text = re.sub(r"\$\{(\w+)\}\}", r"${\1}", text)

    def put(found: re.Match[str]) -> str:
        name = found[1].lower()
        if name.isdigit():
            if not 0 < int(name) <= captures:
                raise Untranslatable(f"nothing is captured for ${{{name}}}")
            return f"{{c{name}}}"
        if name not in variables:
            raise Untranslatable(f"the variable {name} is set elsewhere")
        return _filled(variables[name], {}, captures)

    return _VARIABLE.sub(put, text)


def _spoken(text: str) -> str:
    """A text for an action: one line, no double quotes."""
    return " ".join(text.replace('"', "'").split())


def _captures(command: Command) -> bool:
    """Whether the commands of a branch use what its test matched."""
    return any("${" in inner.source for inner in command.block or ())
