"""Mailboxes as a configuration would have them, for what looks at their options alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Box:
    """A configured mailbox as the sources see it."""

    name: str = "system"
    workspace: str = ""
    protocol: str = "imap"
    host: str = "localhost"
    port: int = 0
    ssl: bool | str = True
    ssl_verification: bool = True
    ca_file: Path | None = None
    folder: str = "INBOX"
    query: str = "ALL"
    max_emails: int = 1000
    order: str = "oldest-first"
    timeout: float = 20.0
    poll: float = 300.0
    idle: bool = True
    after_success: str = "move"
    move_on_success: str = ""
    after_failure: str = "move"
    move_on_failure: str = ""
    move_on_hold: str = ""
    on_identical: str = "settle"
    exclusive_mailbox: bool = False
    keep_until: str = "processed"
    use_message_id_as_uid: bool = False
    delete_unprocessed: bool = False
    active: bool = True
    username: str = "somebody"
    password: str = "canary-4711"
    auth: str = "login"
    oauth: str = ""
    sign_in: Any = None
    addresses: tuple[str, ...] = ()
    path: Path | None = None

    def secret(self) -> str:
        return self.password


@dataclass(frozen=True)
class Sizes:
    """The part of [limits] that sources look at."""

    raw: int = 50_000_000
    header_block: int = 256_000
