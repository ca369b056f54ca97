"""A first script of each kind, and a fixture for it.

Here: two texts each, and writing them. Not here: scripts that are there (`workbench/`).
Invariant: each fixture passes with its script; a file that is there is never written over.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.store.errors import Refused, Unclear

SCRIPTS = {
    "guard": '''"""May this mail in? Say nothing, or refuse with ctx.reject("why") or ctx.hold("why")."""


def guard(mail, ctx):
    domain = mail.from_address.rpartition("@")[2].lower()
    if domain in ctx.params.get("blocked", []):
        return ctx.reject(f"mail from {domain} is not accepted")
''',
    "activity": '''"""The last change to the item before it is saved."""


def activity(mail, item, ctx):
    if "urgent" in mail.subject.lower():
        item.priority = "High"
        item.add_tag("urgent")
''',
}

FIXTURES = {
    "guard": """{
  "purpose": "a blocked domain is refused",
  "mail": {"from_address": "eve@spam.example"},
  "params": {"blocked": ["spam.example"]},
  "expected": {"verdict": "reject", "reason": "mail from spam.example is not accepted"}
}
""",
    "activity": """{
  "purpose": "urgent mail gets a high priority",
  "mail": {"subject": "URGENT: the printer is on fire"},
  "item": {"priority": "Normal", "tags": []},
  "expected": {"changes": {"priority": "High", "tags": ["urgent"]}}
}
""",
}


def write_first(hook: str, directory: Path, name: str = "") -> Iterator[Path]:
    """Write a first script for a hook (guard or activity), then its fixture, and name each file once it is written.

    Raises Unclear for what is no name, Refused where a file is there already.
    """
    stem = (name or hook).removesuffix(".py")
    if not stem.replace("-", "_").isidentifier():
        raise Unclear(f"{name!r} is no name for a script: use letters, digits, _ and -")
    script, fixture = directory / f"{stem}.py", directory / "fixtures" / stem / "first.json"
    for path, text in ((script, SCRIPTS[hook]), (fixture, FIXTURES[hook])):
        if path.exists():
            raise Refused(f"{path} is there already")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        yield path
