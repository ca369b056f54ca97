"""What another text of a rule file would change for stored mail: a job, and what it found, put together.

Here: beginning it, its lines as groups. Not here: deciding (`workbench/rule_changes.py`), the job (`jobs.py`).
Invariant: whoever asks is answered for mail that they may read, and for no other; what is compared is the file as it
stands there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from engine.rulebook.book import files
from engine.store.errors import Refused
from rules.document import digest

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.job import Job
    from engine.desk.jobs import Jobs
    from engine.desk.rule_places import RulePlace
    from engine.desk.scope import Scope

KIND = "effect"

EXAMPLES = 3
"""Mails of a group that are named."""


class Example(Struct, frozen=True):
    """A mail that would end otherwise."""

    mail: str
    subject: str


class Group(Struct, frozen=True):
    """Mails that change in one way: the way, by which rule, how many, some of them, what is doubtful of any."""

    way: str
    rule: str
    many: int
    examples: tuple[Example, ...]
    doubtful: str = ""


class Effect(Struct, frozen=True):
    """What a text would change: mails that end otherwise, those of which something else is made, all there are."""

    outcomes: tuple[Group, ...]
    fields: tuple[Group, ...]
    ends_otherwise: int
    other_fields: int
    mails: int


def begin(jobs: Jobs, config: Config, scope: Scope, place: RulePlace, text: str) -> Job:
    """Begin to look what a text would change, or give what was found for the same before. Raises Refused."""
    before = texts(config)
    hours = max(round(config.console.effect / 3600), 1)
    command = ("rules", "diff", "--rules", "{}/after", "--against", "{}/before", "--last", f"{hours}h", "--as",
               scope.login, "--json")  # fmt: skip
    written = {f"before/{name}": each for name, each in before.items()}
    written |= {f"after/{name}": each for name, each in (before | {place.path.name: text}).items()}
    asked = key(config, place, text)
    return jobs.begin(scope.reader, KIND, command, asked, written, hushed=not scope.admin)


def key(config: Config, place: RulePlace, text: str) -> str:
    """What an effect hangs on beside the mail: the text, and all files as they stand there."""
    now = " ".join([f"{name} {digest(each)}" for name, each in texts(config).items()])
    return f"{place.place} {digest(text)} {digest(now)}"


def texts(config: Config) -> dict[str, str]:
    """Every rule file by its name. Raises Refused where two have one name, or one cannot be read."""
    found: dict[str, str] = {}
    for _, path in files(config):
        if path.name in found:
            raise Refused(f"two rule files are called {path.name}: files that are compared need names of their own")
        try:
            found[path.name] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise Refused(f"{path.name} cannot be read: what another text would change is not known") from None
    return found


def found(lines: Iterable[Mapping[str, Any]]) -> Effect:
    """Put the lines of `allegra rules diff --json` together: the most frequent ways first."""
    summary: Mapping[str, Any] = {}
    outcomes: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    fields: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for line in lines:
        if "summary" in line:
            summary = line["summary"]
            continue
        if line["before"] != line["after"]:
            outcomes.setdefault((f"{line['before']} → {line['after']}", line["rule"]), []).append(line)
        for change in line["fields"]:
            fields.setdefault((change, line["rule"]), []).append(line)
    return Effect(
        _groups(outcomes), _groups(fields), summary.get("outcomes", 0), summary.get("fields", 0),
        summary.get("mails", 0),
    )  # fmt: skip


def _groups(found: Mapping[tuple[str, str], list[Mapping[str, Any]]]) -> tuple[Group, ...]:
    groups = [
        Group(
            way, rule, len(lines), tuple([Example(each["mail"], each["subject"]) for each in lines[:EXAMPLES]]),
            next((each["doubtful"] for each in lines if each["doubtful"]), ""),
        )
        for (way, rule), lines in found.items()
    ]  # fmt: skip
    return tuple(sorted(groups, key=lambda group: -group.many))
