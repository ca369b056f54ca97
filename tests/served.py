"""A desk whose mailboxes lie on servers.

Here: the configuration for two mailboxes, one of the system and one of a workspace, and `Boxes`, which fills them and
looks after them. Not here: the servers.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import databases
from conservation import Case, conserved

if TYPE_CHECKING:
    from servers.dovecot import Dovecot

CONFIG = """
schema = 1
[instance]
name = "Test desk"
[defaults.mailbox]
timeout = "20 s"
max_emails = 500
move_on_success = "Done"
move_on_failure = "Failed"
move_on_hold    = "Held"
[system]
default_workspace = "support"
[system.mailbox]
addresses = ["help@example.com"]
{system}
[gates]
mails_per_sender = {{ limit = 1000, per = "1 hour", then = "hold" }}
[workspace.support]
name = "Support"
[workspace.support.mailbox]
addresses = ["support@example.com"]
{support}
[workspace.finance]
name = "Finance"
plus = ["billing"]
[errors]
retry = ["0 s"]
{more}
"""

CANARY = "canary-4711"

NOWHERE = 'protocol = "pipe"'


def configure(desk: Any, system: str = NOWHERE, support: str = NOWHERE, more: str = "") -> None:
    """Write `allegra.toml` with the options of both mailboxes."""
    path = desk.folder / "allegra.toml"
    path.touch(0o600)
    path.chmod(0o600)
    databases.configured(desk.folder, CONFIG.format(system=system, support=support, more=more))


def options(
    server: Any,
    kind: str = "imap",
    user: str = "somebody",
    password: str = CANARY,
    port: int = 0,
    more: str = "",
) -> str:
    """The options of a mailbox on a server: a Dovecot, a proxy before it, or a script."""
    port = port or getattr(server, kind, 0) or server.port
    lines = [f'protocol = "{kind.rstrip("s")}"', 'host = "localhost"', f"port = {port}", f'username = "{user}"',
             f'password = "{password}"', f"ssl = {str(kind.endswith('s')).lower()}"]  # fmt: skip
    if kind.endswith("s") and hasattr(server, "ca_file"):
        lines.append(f'ca_file = "{server.ca_file}"')
    return "\n".join([*lines, more])


def of(account: Any, kind: str = "imaps", **more: Any) -> str:
    """The options of the mailbox of a Dovecot account."""
    return options(account.server, kind, account.user, account.password, **more)


def mail(number: int, subject: str | None = None, sender: str = "anna@example.com", more: str = "") -> bytes:
    """A mail of its own; its text begins with a dot, which POP3 has to double."""
    subject = f"Mail {number}" if subject is None else subject
    return (
        f"From: {sender}\r\nTo: help@example.com\r\nSubject: {subject}\r\nMessage-ID: <m{number}@example.com>\r\n"
        f"Date: {formatdate(1_790_000_000 + number)}\r\n{more}\r\n.The text of mail {number}.\r\n"
    ).encode()


class Boxes:
    """Two accounts of a Dovecot, a desk that reads them, and how each mail in them has to end.

    `ends` maps mailbox and outcome to the folder where such mail has to lie, None for nowhere.
    """

    def __init__(
        self, desk: Any, dovecot: Dovecot, kind: str, ends: dict[tuple[str, str], str | None], more: str = ""
    ) -> None:
        self.desk, self.kind, self.ends, self.more = desk, kind, ends, more
        self.accounts = {"system": dovecot.account(), "support": dovecot.account()}
        self.case = Case(desk.where)
        self.configure()

    def configure(self, kind: str = "", system: str | None = None, **changed: Any) -> None:
        """Write the configuration; `system` are more options of the system mailbox, `changed` other ones."""
        account, kind = self.accounts["system"], kind or self.kind
        changed = {"password": account.password, "more": self.more if system is None else system, **changed}
        ours = options(account.server, kind, account.user, **changed)
        configure(self.desk, ours, of(self.accounts["support"], kind, more=self.more))

    def put(self, outcome: str, content: bytes, box: str = "system") -> None:
        """Deliver a mail that has to end so."""
        self.accounts[box].deliver(content)
        self.case.add(box, content, outcome)

    def fill(self) -> None:
        """One mail for each way to end."""
        self.put("created", mail(1, "Printer broken"))
        self.put("comment", mail(2, "Re: Printer broken", more="In-Reply-To: <m1@example.com>\r\n"))
        self.put("held", mail(3, sender="stranger@elsewhere.example"))
        self.put("rejected", mail(4, ""))
        self.put("created", mail(5), "support")

    def folders(self, box: str) -> Iterator[tuple[str, bytes]]:
        for folder in ("", "Done", "Failed", "Held"):
            for content in self.accounts[box].mails(folder or "INBOX"):
                yield folder, content

    def conserved(self, ends: dict[tuple[str, str], str | None] | None = None, crashed: bool = False) -> None:
        """Assert the conservation law."""
        conserved(self.case, self.folders, self.ends if ends is None else ends, crashed=crashed)

    def nothing_new(self) -> None:
        """Another pass changes nothing anywhere."""
        before = self.case.snapshot(), sorted(self.folders("system")), sorted(self.folders("support"))
        assert self.desk.run() == []
        assert (self.case.snapshot(), sorted(self.folders("system")), sorted(self.folders("support"))) == before
