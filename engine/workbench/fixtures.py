"""Fixtures of scripts: mails written down beside them, and what is expected of each.

Here: finding fixtures, running them, comparing. Not here: printing (`cli/hooks.py`), the sandbox (`hooks/`).
Invariant: a fixture runs exactly as a mail would; nothing is stored or sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from hooks import case
from hooks.sandbox import Call, Program, Result, Sandbox, Script

FOLDER = "fixtures"
"""Fixtures of `guard.py` are `fixtures/guard/NAME.json`, each with `NAME.eml` beside it if its mail is a real one."""

_EXPECTED = ("outcome", "guard_passed", "verdict", "reason", "changes", "errors", "dropped", "log")


class Tested(Struct, frozen=True):
    """One fixture: what came of it, and in which points that is not what was expected."""

    name: str
    result: Result
    failures: tuple[str, ...] = ()


def fixtures(directory: Path, script: str) -> tuple[Path, ...]:
    """Find the fixtures of a script, sorted by name."""
    return tuple(sorted((directory / FOLDER / Path(script).stem).glob("*.json")))


def run_fixtures(
    sandbox: Sandbox, script: Script, paths: tuple[Path, ...], params: str, tables: str
) -> Iterator[Tested]:
    """Run a script on its fixtures; parameters come from the fixture, else from the parameter file."""
    for path in paths:
        name = f"{FOLDER}/{path.parent.name}/{path.name}"
        try:
            given = json.loads(path.read_text("utf-8"))
            if not isinstance(given, dict):
                raise case.BadCase("a fixture is a JSON object")
            expected = given.pop("expected", {})
            if unknown := [key for key in expected if key not in _EXPECTED]:
                raise case.BadCase(f"expected has no {unknown[0]!r}; it has {', '.join(_EXPECTED)}")
            made = case.made({**given, "mail": {**_mail_beside(path), **given.get("mail", {})}})
        except (OSError, ValueError, TypeError) as error:
            yield Tested(name, Result("runtime-error"), (f"the fixture cannot be used: {error}",))
            continue
        program = Program(
            (script,),
            made.params if "params" in given else params,
            made.tables if "lookups" in given else tables,
        )
        result = sandbox.run(Call(program, made.mail, made.item, made.context))
        yield Tested(name, result, tuple(_differences(result, expected, script.hook, json.loads(made.mail))))


def _mail_beside(path: Path) -> dict[str, Any]:
    """Read NAME.eml, if there is one, as scripts would see it."""
    file = path.with_suffix(".eml")
    return mail_of(file.read_bytes()) if file.is_file() else {}


def mail_of(content: bytes) -> dict[str, Any]:
    """Parse a mail into the JSON that scripts get."""
    import hashlib
    from datetime import UTC, datetime

    from engine.mail.addresses import sender
    from engine.mail.auto import classify
    from engine.mail.parse import parse
    from engine.model.draft import AttachmentFate, Draft
    from engine.model.facts import Facts, Sender
    from engine.model.mail import Origin, RawMail
    from engine.scripts.question import mail_values

    digest = hashlib.sha256(content).hexdigest()
    mail = parse(RawMail(content, Origin("fixture", "1"), datetime(2026, 1, 15, 9, tzinfo=UTC), digest))
    facts = Facts("fixture", sender=Sender(sender(mail)[0]), automatic=classify(mail))
    draft = Draft(attachments=tuple(AttachmentFate(each) for each in mail.attachments))
    values = mail_values(mail, facts, draft)
    values["date"] = mail.date.isoformat() if mail.date else None
    values["headers"] = [list(pair) for pair in values["headers"]]
    return values


def _differences(result: Result, expected: Mapping[str, Any], hook: str, mail: Mapping[str, Any]) -> Iterator[str]:
    """Say where a result is not what was expected; without an expectation the script only has to run."""
    if result.outcome != expected.get("outcome", "ok"):
        problem = result.message or "no message"
        kind = f"{result.error_type}: " if result.error_type else ""
        yield f"{result.outcome}: {kind}{problem}"
        return
    names = [each["name"] for each in mail["attachments"]]
    got: dict[str, Any] = {
        "guard_passed": result.verdict == "accept" if hook == "guard" else None,
        "verdict": result.verdict,
        "reason": result.reason,
        "changes": {name: list(value) if isinstance(value, tuple) else value for name, value in result.changes},
        "errors": [f"{field}: {message}" if field else message for field, message in result.errors],
        "dropped": [names[index] for index, _ in result.dropped if index < len(names)],
    }
    for key, wanted in expected.items():
        if key == "log":
            for line in wanted:
                if line not in result.log:
                    yield f"expected the log line {line!r}, got {list(result.log)}"
        elif key != "outcome" and got[key] != wanted:
            yield f"expected {key} {_shown(wanted)}, got {_shown(got[key])}"


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
