"""A world whose scripts say what a test wants, for the stages that ask them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from builders import World

from engine.config import Config, load
from engine.model.answers import HookAnswer
from engine.model.hook_request import HookRequest
from engine.model.questions import HooksSay

BASE = """
schema = 1
[system]
default_workspace = "support"
[system.mailbox]
host = "imap.example.com"
username = "allegra"
password_env = "SECRET"
addresses = ["help@example.com"]
[workspace.support]
name = "Support"
"""
CALM = {"guard.py": "def guard(mail, ctx):\n    pass\n", "activity.py": "def activity(mail, item, ctx):\n    pass\n"}


@dataclass
class Scripted(World):
    """Its scripts say what `said` holds, in turn."""

    said: list[HookAnswer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answers[HooksSay] = lambda _: self.said[min(len(self.requests), len(self.said)) - 1]

    @property
    def requests(self) -> list[HookRequest]:
        """What the scripts were asked."""
        return [question.request for question in self.asked if isinstance(question, HooksSay)]


def hooked(
    folder: Path, options: str = "", scripts: dict[str, str] | None = None, lists: str = "guard activity"
) -> Config:
    """Load a configuration with scripts beside it."""
    (folder / "hooks").mkdir(exist_ok=True)
    for name, text in (CALM if scripts is None else scripts).items():
        (folder / "hooks" / name).write_text(text)
    listed = "".join(f'{each} = ["{each}.py"]\n' for each in lists.split())
    path = folder / "allegra.toml"
    path.write_text(f"{BASE}[hooks]\n{listed}{options}")
    return load(path, {})
