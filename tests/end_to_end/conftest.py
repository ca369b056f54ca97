"""A help desk in a folder: real configuration, real Maildirs, real database, the command line as a person types it."""

from __future__ import annotations

import email
import email.policy
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any

import databases
import pytest
from click.testing import CliRunner

from engine.model.place import Where

ROOT = Path(__file__).resolve().parents[2]

CONFIG = """
schema = 1
[instance]
name = "Test desk"
[system]
default_workspace = "support"
{system}
[system.mailbox]
protocol  = "maildir"
path      = "mail/system"
addresses = ["help@example.com"]
move_on_success = "Done"
move_on_failure = "Failed"
move_on_hold    = "Held"
[gates]
trusted_authserv_ids = ["mx.example.com"]
{gates}
[workspace.support]
name = "Support"
[workspace.support.mailbox]
protocol  = "maildir"
path      = "mail/support"
addresses = ["support@example.com"]
move_on_success = "Done"
[workspace.finance]
name = "Finance"
plus = ["billing"]
{more}
"""

DATA = """
[[users]]
login  = "anna"
name   = "Anna Berg"
emails = ["anna@example.com"]
groups = ["staff"]
[[groups]]
name = "staff"
[[roles]]
name        = "member"
permissions = ["view_items", "add_items", "add_comments", "edit_items", "watch"]
[[workspaces]]
identifier = "support"
name       = "Support"
[[workspaces]]
identifier = "finance"
name       = "Finance"
[[members]]
group     = "staff"
workspace = "support"
role      = "member"
[[members]]
group     = "staff"
workspace = "finance"
role      = "member"
"""


@dataclass
class Desk:
    """One installation below a temporary folder."""

    folder: Path
    written: int = 0
    boxes: tuple[str, ...] = ("system", "support")
    environ: dict[str, str] = field(default_factory=lambda: {"ALLEGRA_AS": "anna"})

    def configure(self, system: str = "", more: str = "", gates: str = "") -> None:
        databases.configured(self.folder, CONFIG.format(system=system, more=more, gates=gates))

    def rules(self, name: str, text: str) -> None:
        (self.folder / "rules").mkdir(exist_ok=True)
        (self.folder / "rules" / name).write_text(text, encoding="utf-8")

    def hook(self, name: str, text: str) -> None:
        (self.folder / "hooks").mkdir(exist_ok=True)
        (self.folder / "hooks" / name).write_text(text, encoding="utf-8")

    def mail(
        self,
        subject: str = "Printer broken",
        body: str = "It does not print.\n",
        sender: str = "Anna Berg <anna@example.com>",
        box: str = "system",
        headers: Sequence[str] = (),
        message_id: str = "",
        raw: bytes | None = None,
    ) -> str:
        """Put a mail into a Maildir; gives its Message-ID."""
        self.written += 1
        message_id = message_id or f"<test.{self.written}@example.com>"
        head = [f"From: {sender}", "To: help@example.com", f"Subject: {subject}", f"Message-ID: {message_id}",
                f"Date: {formatdate(1_790_000_000 + self.written)}", *headers]  # fmt: skip
        content = raw if raw is not None else ("\n".join(head) + "\n\n" + body).encode()
        (self.folder / "mail" / box / "new" / f"{self.written:04d}.test").write_bytes(content)
        return message_id

    def allegra(self, *arguments: str, stdin: bytes | None = None) -> Any:
        """Run a command in this process; gives click's result (exit_code, stdout, stderr)."""
        from engine.cli.main import allegra

        before = Path.cwd()
        os.chdir(self.folder)
        try:
            return CliRunner().invoke(allegra, arguments, input=stdin, env=self.environ, catch_exceptions=False)
        finally:
            os.chdir(before)

    def lines(self, *arguments: str) -> list[dict[str, Any]]:
        """Run a command with --json and give its objects."""
        result = self.allegra(*arguments, "--json")
        return [json.loads(line) for line in result.stdout.splitlines()]

    def load(self, data: str) -> None:
        """Load accounts, workspaces, fields, items as `allegra admin load` does."""
        (self.folder / "more.toml").write_text(data, encoding="utf-8")
        result = self.allegra("admin", "load", "more.toml")
        assert result.exit_code == 0, result.output

    def item(self, number: int) -> dict[str, Any]:
        """Everything about an item."""
        (shown,) = self.lines("item", "show", str(number))
        return shown

    def explained(self, ref: str = "last") -> str:
        """What `allegra explain --all` says."""
        said: str = self.allegra("explain", ref, "--all").stdout
        return said

    def run(self, *arguments: str) -> list[dict[str, Any]]:
        """`allegra run --json`, without the summary line."""
        return [line for line in self.lines("run", *arguments) if "mail" in line]

    def told(self, columns: str = "address_key, class, event, state, why") -> list[tuple[Any, ...]]:
        """The rows of the outbox, oldest first."""
        return self.rows(f"SELECT {columns} FROM outbox ORDER BY id")  # noqa: S608

    @property
    def where(self) -> Where:
        """Where its database is."""
        return databases.place(self.folder / databases.FILE)

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Read what stands in its database."""
        return databases.rows(self.where, sql, *params)

    def change(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Change what stands there, behind its back; gives the rows that it tells."""
        return databases.change(self.where, sql, *params)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a command as a process of its own."""
        command = [sys.executable, "-c", "from engine.cli.main import main; main()", *arguments]
        environ = {**os.environ, "PYTHONPATH": str(ROOT), **self.environ}
        return subprocess.Popen(
            command, cwd=self.folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
        )

    def files(self, box: str = "system", folder: str = "") -> list[str]:
        """Names in a folder of a Maildir, new and cur together."""
        base = self.folder / "mail" / box / (f".{folder}" if folder else "")
        return sorted(
            path.name for part in ("new", "cur") if (base / part).is_dir() for path in (base / part).iterdir()
        )


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk without mail, made once; nobody works in it."""
    folder = tmp_path_factory.mktemp("desk")
    made = Desk(folder)
    for box in made.boxes:
        for part in ("new", "cur", "tmp"):
            (folder / "mail" / box / part).mkdir(parents=True)
    made.configure()
    (folder / "data.toml").write_text(DATA, encoding="utf-8")
    done = made.allegra("admin", "load", "data.toml")
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def desk(tmp_path: Path, loaded: Path) -> Desk:
    databases.copied(loaded, tmp_path)
    return Desk(tmp_path)


@pytest.fixture
def post(desk: Any, sink: Callable[..., Any]) -> Any:
    """A mail server beside the desk; `post.more` is put behind the configuration, `post.mails()` what it took."""

    class Post:
        server = sink()

        def configure(self, system: str = "", more: str = "") -> None:
            smtp = f'[smtp]\nhost = "127.0.0.1"\nport = {self.server.port}\nssl = false\nfrom = "help@example.com"\n'
            desk.configure(system, smtp + more)

        def mails(self, kind: str = "") -> list[tuple[str, Any]]:
            """What was taken since the last call; of one `kind` by its mark (auto-replied, auto-generated, "no")."""
            taken, self.server.taken = self.server.taken, []
            parse = email.message_from_bytes
            mails = [(each.recipients[0], parse(each.content, policy=email.policy.default)) for each in taken]
            return [(to, mail) for to, mail in mails if kind in ("", mail["Auto-Submitted"] or "no")]

    made = Post()
    made.configure()
    return made
