"""The configuration in force: what the rest of the engine reads.

Here: `Config` and `Settings`, inheritance applied, everything frozen. Not here: files, TOML, problems.
Invariant: reading a setting is attribute access; what a workspace does not override is the very object of the top.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from engine.config import inherit
from engine.config.problems import SecretError
from engine.model.extra import Extra

if TYPE_CHECKING:
    from engine.config.content import Attachments, Body, Items, Limits
    from engine.config.directory import Directory
    from engine.config.doors import Console
    from engine.config.gates import Gates, People
    from engine.config.mailbox import Mailbox, Smtp, Webhook
    from engine.config.root import (
        Errors,
        Hooks,
        Instance,
        Log,
        Notify,
        Outbox,
        Replies,
        Root,
        Rules,
        System,
        Workspace,
    )
    from engine.config.source import Source
    from engine.config.store import Store, Workers
    from rules.problem import Problem


class Settings(Struct, frozen=True):
    """The sections that a workspace may override, as they are in force there."""

    workspace: str
    gates: Gates
    people: People
    items: Items
    body: Body
    attachments: Attachments
    limits: Limits
    errors: Errors
    replies: Replies
    notify: Notify


class Config(Struct, frozen=True, eq=False, dict=True):
    """A configuration that loaded. `content` is the bytes of its file, `warnings` what is worth reading.

    `missing` are the files that deciding mail needs and that are not there: mail waits for them.
    `extra` are the words that the program which holds the engine adds to the rules; a file has none. `verbose`: whoever
    runs it wants to see on standard error what is logged.
    """

    path: Path
    content: bytes
    root: Root
    mailboxes: tuple[Mailbox, ...]
    workspaces: Mapping[str, Workspace]
    webhooks: Mapping[str, Webhook]
    own_addresses: tuple[str, ...]
    source: Source
    warnings: tuple[Problem, ...] = ()
    missing: tuple[Problem, ...] = ()
    extra: Extra = Extra()
    verbose: bool = False
    _settings: dict[str, Settings] = field(default_factory=dict)
    _secrets: dict[Path, bytes] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Tell which file it is; its text may hold secrets."""
        return f"Config({str(self.path)!r}, {self.digest[:12]!r})"

    @cached_property
    def digest(self) -> str:
        """The sha256 of the file, in hex."""
        from hashlib import sha256

        return sha256(self.content).hexdigest()

    @property
    def instance(self) -> Instance:
        """Who this installation is."""
        return self.root.instance

    @property
    def store(self) -> Store:
        """The database."""
        return self.root.store

    @property
    def workers(self) -> Workers:
        """The processes of `allegra worker`."""
        return self.root.workers

    @property
    def beside(self) -> Path:
        """The path that lock files and their like stand beside: that of the database; where a server has it, ours."""
        return self.store.path if self.store.driver == "sqlite" else self.instance.state_dir / "postgresql"

    @property
    def data_dir(self) -> Path:
        """The folder of the database, or of what is kept here of one on a server; big mails lie there as they come."""
        return self.beside.parent

    @property
    def system(self) -> System:
        """The system mailbox's own settings."""
        return self.root.system

    @property
    def rules(self) -> Rules:
        """Where rule files are."""
        return self.root.rules

    @property
    def hooks(self) -> Hooks:
        """The scripts and their limits."""
        return self.root.hooks

    @property
    def smtp(self) -> Smtp | None:
        """The way out, None where there is none."""
        return self.root.smtp

    @property
    def outbox(self) -> Outbox:
        """How long the outbox keeps what is over."""
        return self.root.outbox

    @property
    def log(self) -> Log:
        """Where the log goes."""
        return self.root.log

    @property
    def console(self) -> Console:
        """The web console."""
        return self.root.console

    @property
    def logs(self) -> bool:
        """Tell whether anything is logged: where it is not, nothing need be made ready for it."""
        return self.verbose or self.root.log.file is not None

    @property
    def directories(self) -> Mapping[str, Directory]:
        """Where people are looked up, by name."""
        return self.root.directory

    def mailbox(self, name: str) -> Mailbox:
        """A mailbox by its name. Raises: KeyError."""
        for mailbox in self.mailboxes:
            if mailbox.name == name:
                return mailbox
        raise KeyError(name)

    def owner_of(self, workspace: str) -> str:
        """The login or address of the owner of a workspace, "" for none."""
        named = self.workspaces.get(workspace)
        return named.owner if named is not None else ""

    def settings(self, workspace: str = "") -> Settings:
        """The settings of a workspace; "" and workspaces that the file does not name have those of the top."""
        try:
            return self._settings[workspace]
        except KeyError:
            made = self._settings[workspace] = _settings(self.root, self.workspaces.get(workspace), workspace)
            return made

    @cached_property
    def own(self) -> frozenset[str]:
        """Our own addresses, to look one up."""
        return frozenset(self.own_addresses)

    @property
    def separators(self) -> str:
        """What stands before a tag in an address, beside the plus."""
        return self.root.people.mail_suffix_separators

    def token_secret(self) -> bytes:
        """The secret that signs tokens, read once; b"" where there is none yet: then there is no token either."""
        file = self.instance.secret_file
        known = self._secrets.get(file, b"")
        if not known and os.path.exists(file):  # noqa: PTH110 - asked for every mail where there is none
            with suppress(SecretError):
                known = self._secrets[file] = self.instance.secret()
        return known

    def origin(self, key: str, workspace: str = "") -> str:
        """Where the value of a key comes from: `workspace.finance.gates, allegra.toml:243` or `default`.

        Keys are dotted as in the file: gates.dmarc, people.cc.limit, mailbox.folder (of the workspace or the system).
        """
        words: tuple[Any, ...] = tuple(key.split("."))
        if words[0] == "mailbox":
            own = ("workspace", workspace) if workspace else ("system",)
            return self.source.origin(((*own, *words), ("defaults", *words)))
        if words[:2] == ("system", "mailbox"):
            return self.source.origin((words, ("defaults", *words[1:])))
        above = (words,)
        return self.source.origin((("workspace", workspace, *words), *above) if workspace else above)


def _settings(root: Root, own: Workspace | None, workspace: str) -> Settings:
    if own is None:
        return Settings(
            workspace, root.gates, root.people, root.items, root.body, root.attachments, root.limits, root.errors,
            root.replies, root.notify,
        )  # fmt: skip
    return Settings(
        workspace,
        inherit.gates(root.gates, own.gates, root.system.gates_may_relax),
        root.people.under(own.people),
        root.items.under(own.items),
        root.body.under(own.body),
        root.attachments.under(own.attachments),
        root.limits,
        root.errors.under(own.errors),
        root.replies.under(own.replies),
        root.notify.under(own.notify),
    )
