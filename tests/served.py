"""A desk whose mailboxes lie on servers.

Here: the configuration for two mailboxes, one of the system and one of a workspace. Not here: the servers.
"""

from __future__ import annotations

from typing import Any

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

NOWHERE = 'protocol = "pipe"'


def configure(desk: Any, system: str = NOWHERE, support: str = NOWHERE, more: str = "") -> None:
    """Write `allegra.toml` with the options of both mailboxes."""
    path = desk.folder / "allegra.toml"
    path.touch(0o600)
    path.chmod(0o600)
    path.write_text(CONFIG.format(system=system, support=support, more=more), encoding="utf-8")


def options(
    server: Any,
    kind: str = "imap",
    user: str = "somebody",
    password: str = "canary-4711",
    port: int = 0,
    more: str = "",
) -> str:
    """The options of a mailbox on a server: a Dovecot, a proxy before it, or a script."""
    lines = [f'protocol = "{kind.rstrip("s")}"', 'host = "localhost"', f"port = {port or getattr(server, kind, 0) or server.port}",
             f"ssl = {str(kind.endswith('s')).lower()}", f'username = "{user}"', f'password = "{password}"']  # fmt: skip
    if kind.endswith("s") and hasattr(server, "ca_file"):
        lines.append(f'ca_file = "{server.ca_file}"')
    return "\n".join([*lines, more])


def of(account: Any, kind: str = "imaps", **more: Any) -> str:
    """The options of the mailbox of a Dovecot account."""
    return options(account.server, kind, account.user, account.password, **more)
