"""What single values cannot show: options that need, contradict or repeat each other, and files.

Here: the checks of a whole configuration, the defaults that depend on other options. Not here: single values.
Invariant: every check runs; none raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.config import databases
from engine.config.console import console
from engine.config.doors import HttpKey
from engine.config.exposed import exposed
from engine.config.idle import idle
from engine.config.inherit import relaxations
from engine.config.kinds import in_zone
from engine.config.mailbox import APIS, TOKENS, Mailbox, Smtp, Webhook
from engine.config.root import Root
from engine.config.tidy import Finding
from engine.config.tidy import Path as KeyPath
from engine.model.addresses import key_of
from engine.model.gates import SKIPPABLE
from rules.problem import Severity

IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_SERVERS = ("imap", "pop3")


def settled(root: Root) -> Root:
    """Work out the defaults that follow from other options: files in `state_dir`, rule files that exist."""
    instance = root.instance
    if "secret_file" not in instance.written:
        instance = instance.filled(secret_file=instance.state_dir / "secret")
    store, gates = databases.settled(root.store, instance.state_dir), root.gates
    if "big_files_dir" not in gates.written:
        gates = gates.filled(big_files_dir=instance.state_dir / "big")
    hooks = root.hooks
    if "params" not in hooks.written:
        hooks = hooks.filled(params=_existing(hooks.directory / "params.toml"))
    system = root.system
    if "rules" not in system.written:
        system = system.filled(rules=_existing(root.rules.directory / "system.toml"))
    workspaces = {
        name: own if "rules" in own.written else own.filled(rules=_existing(root.rules.directory / f"{name}.toml"))
        for name, own in root.workspace.items()
        if IDENTIFIER.fullmatch(name)
    }
    everything = {**root.workspace, **workspaces}
    directories = {name: own.settled(name) for name, own in root.directory.items()}
    return root.filled(
        instance=instance, store=store, gates=gates, hooks=hooks, system=system, workspace=everything,
        directory=directories,
    )  # fmt: skip


def _existing(path: Path) -> Path | None:
    return path if path.is_file() else None


def findings(root: Root, mailboxes: tuple[Mailbox, ...], path: Path, *, whole: bool) -> list[Finding]:
    """Everything the checks find. `whole` is False where part of the file could not be read."""
    found = [*_names(root), *_timezone(root), *_files(root), *_gates(root), *_rules(root)]
    if whole:
        found += [*_workspaces(root), *_some_mailbox(mailboxes), *_smtp(root), *_webhooks(root), *_keys(root),
                  *idle(root, mailboxes), *console(root), *databases.findings(root),
                  *_identity(root, mailboxes)]  # fmt: skip
    for box in mailboxes:
        found += [*_mailbox(box, whole), *_since(box, root.instance.timezone)]
        found += _secrets(box, _table(box), "password") if whole else ()
    if whole and (root.oauth or any(each is not None and each.oauth for each in (*mailboxes, root.smtp))):
        from engine.config import oauth

        found += oauth.findings(root, mailboxes)
    found += [*_same(mailboxes), *_claims(root, mailboxes), *exposed(root, path)]
    return found


def _table(box: Mailbox) -> KeyPath:
    return ("workspace", box.workspace, "mailbox") if box.workspace else ("system", "mailbox")


def _warning(code: str, message: str, path: KeyPath, advice: str = "", *, info: bool = False) -> Finding:
    return Finding(code, message, path, advice, severity=Severity.INFO if info else Severity.WARNING)


def _names(root: Root) -> Iterator[Finding]:
    tables: tuple[tuple[str, KeyPath, Iterable[str]], ...] = (
        ("a workspace", ("workspace",), root.workspace), ("a webhook", ("webhooks",), root.webhooks),
        ("a key", ("http", "keys"), root.http.keys if root.http is not None else ()),
        ("an [oauth] section", ("oauth",), root.oauth), ("a directory", ("directory",), root.directory),
    )  # fmt: skip
    for what, table, names in tables:
        for name in names:
            if not IDENTIFIER.fullmatch(name) or (what == "a workspace" and name == "system"):
                said = f'"{name}" cannot be the identifier of {what}'
                advice = 'use a-z, 0-9, "_" and "-", beginning with a letter or digit; "system" is taken'
                yield Finding("C117", said, (*table, name), advice, on_key=True)


def _timezone(root: Root) -> Iterator[Finding]:
    if root.instance.timezone != "UTC":
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(root.instance.timezone)
        except (OSError, ValueError, KeyError):
            advice = "write one like Europe/Berlin, America/New_York or UTC"
            said = f'there is no time zone "{root.instance.timezone}"'
            yield Finding("C114", said, ("instance", "timezone"), advice)


def _workspaces(root: Root) -> Iterator[Finding]:
    wanted = root.system.default_workspace
    if wanted and wanted not in root.workspace:
        import difflib

        near = difflib.get_close_matches(wanted, root.workspace, 1)
        advice = f"did you mean  {near[0]} ?" if near else f"add [workspace.{wanted}]"
        yield Finding("C112", f'there is no workspace "{wanted}"', ("system", "default_workspace"), advice)


def _files(root: Root) -> Iterator[Finding]:
    """The scripts: all mail waits for one that is not there. A rule file is minded where rules are loaded."""
    for which in ("guard", "activity"):
        for number, name in enumerate(getattr(root.hooks, which)):
            key = ("hooks", which, number)
            if Path(name).name != name:
                yield Finding("C113", f"{name} is no file name", key, "scripts are in hooks.directory")
            elif not (root.hooks.directory / name).is_file():
                yield Finding("C113", f"there is no script {root.hooks.directory / name}", key, late=True)
    if root.hooks.params is not None and not root.hooks.params.is_file():
        yield Finding("C113", f"there is no file {root.hooks.params}", ("hooks", "params"), late=True)


def _gates(root: Root) -> Iterator[Finding]:
    if not root.system.gates_may_relax:
        for name, own in root.workspace.items():
            yield from relaxations(root.gates, own.gates, name)


def _rules(root: Root) -> Iterator[Finding]:
    for number, gate in enumerate(root.rules.may_skip_gates):
        if gate not in SKIPPABLE:
            said = f'"{gate}" is no gate that is asked after the route'
            yield Finding("C103", said, ("rules", "may_skip_gates", number), f"one of {', '.join(SKIPPABLE)}")


def _smtp(root: Root) -> Iterator[Finding]:
    smtp = root.smtp
    if smtp is None:
        return
    needed = {"smtp": "host", "sendmail": "command", "maildir": "path"}[smtp.transport]
    if not getattr(smtp, needed):
        with_it = "" if smtp.transport == "smtp" else f' with  transport = "{smtp.transport}"'
        yield Finding("C109", f"[smtp] needs a {needed}{with_it}", ("smtp", needed), on_key=True)
    if not smtp.from_:
        said = "[smtp] needs  from = …, the address that replies come from"
        yield Finding("C109", said, ("smtp", "from"), on_key=True)
    if smtp.transport != "smtp":
        return
    if smtp.username:
        yield from _secrets(smtp, ("smtp",), "password")
    if smtp.username and smtp.ssl is False:
        yield _warning("C161", "the password crosses the network in the clear", ("smtp", "ssl"))
    if not smtp.ssl_verification:
        yield _warning("C161", "the server's certificate is not checked", ("smtp", "ssl_verification"))


def _identity(root: Root, mailboxes: tuple[Mailbox, ...]) -> list[Finding]:
    """What is wrong with directories and forms, where there are any."""
    people = [root.people, *(own.people for own in root.workspace.values())]
    if not root.directory and not any(each.directory or each.forms for each in people):
        return []
    from engine.config.identity import findings as of_identity

    return [*of_identity(root, mailboxes)]


def _some_mailbox(mailboxes: tuple[Mailbox, ...]) -> Iterator[Finding]:
    if not mailboxes:
        yield Finding("C109", "there is no mailbox", (), "add [system.mailbox] or [workspace.NAME.mailbox]")


def _mailbox(box: Mailbox, whole: bool) -> Iterator[Finding]:
    table = _table(box)
    if not whole:
        return
    if box.protocol in _SERVERS:
        for name in ("host", "username"):
            if not getattr(box, name):
                yield _needs(table, name)
        if box.ssl is False and box.host not in ("localhost", "127.0.0.1", "::1"):
            yield _warning("C161", "the password crosses the network in the clear", (*table, "ssl"))
        if not box.ssl_verification:
            yield _warning("C161", "the server's certificate is not checked", (*table, "ssl_verification"))
    elif box.protocol in APIS:
        for name in ("username", "oauth"):
            if not getattr(box, name):
                yield _needs(table, name)
    elif box.protocol in ("pipe", "program"):
        if not box.addresses:
            yield _needs(table, "addresses")
    elif box.path is None:
        yield _needs(table, "path")
    if box.auth == "apop" and box.protocol != "pop3":
        yield Finding("C103", "apop is a way to log in to POP3", (*table, "auth"))


def _since(box: Mailbox, timezone: str) -> Iterator[Finding]:
    if box.since is not None and in_zone(box.since, timezone) > datetime.now(UTC):
        said = "this date lies in the future: no mail would be read"
        advice = "write a date that is over, or take it out: then all mail is read"
        yield Finding("C119", said, (*_table(box), "since"), advice)


def _needs(table: KeyPath, option: str, told: str = "") -> Finding:
    said = f"[{'.'.join(map(str, table))}] needs {told or option}"
    return Finding("C109", said, (*table, option), on_key=True)


def _secrets(
    owner: Mailbox | Smtp | Webhook | HttpKey, table: KeyPath, option: str, *, needed: bool = True
) -> Iterator[Finding]:
    """One way to get the secret, not two, and not none where it is needed."""
    if isinstance(owner, Mailbox) and owner.protocol not in _SERVERS:
        return
    if isinstance(owner, Mailbox | Smtp) and owner.oauth:
        return
    given = [name for name in (option, f"{option}_env", f"{option}_file", f"{option}_command") if getattr(owner, name)]
    if needed and not given:
        token = isinstance(owner, Mailbox | Smtp) and owner.auth in TOKENS
        told = f"{option}_env, {option}_file or {option}_command"
        yield _needs(table, option, f"oauth = … (or a token by {told})" if token else told)
    for name in given[1:]:
        yield Finding("C115", f"the {option} is given twice: {given[0]} and {name}", (*table, name), on_key=True)


def _same(mailboxes: tuple[Mailbox, ...]) -> Iterator[Finding]:
    """Two mailboxes on the same account and folder would process each mail twice (F022)."""
    seen: dict[tuple[Any, ...], str] = {}
    for box in mailboxes:
        if box.protocol in _SERVERS:
            folder = box.folder_key(box.folder) if box.protocol == "imap" else ""
            identity: tuple[Any, ...] = (box.host.casefold(), box.username.casefold(), folder)
        elif box.protocol in APIS:
            identity = (box.protocol, box.username.casefold(), box.folder_key(box.folder))
        elif box.path is not None:
            identity = ("", str(box.path), "")
        else:
            continue
        if identity in seen:
            said = f"this is the mailbox of {seen[identity]} again: same server, login and folder"
            yield Finding("C111", said, _table(box), "two mailboxes would read each mail twice", on_key=True)
        seen.setdefault(identity, box.name)


def _claims(root: Root, mailboxes: tuple[Mailbox, ...]) -> Iterator[Finding]:
    addresses: dict[str, str] = {}
    for box in mailboxes:
        for address in box.addresses:
            owner = addresses.setdefault(key_of(address), box.name)
            if owner != box.name:
                yield Finding("C116", f"{address} is an address of {owner} already", (*_table(box), "addresses"))
    tags: dict[str, str] = {}
    for name, own in root.workspace.items():
        for number, tag in enumerate(own.plus):
            owner = tags.setdefault(tag.casefold(), name)
            if owner != name:
                yield Finding(
                    "C116", f'the tag "{tag}" belongs to {owner} already', ("workspace", name, "plus", number)
                )


def _webhooks(root: Root) -> Iterator[Finding]:
    for name, hook in root.webhooks.items():
        yield from _secrets(hook, ("webhooks", name), "url")
        yield from _secrets(hook, ("webhooks", name), "secret", needed=False)


def _keys(root: Root) -> Iterator[Finding]:
    """The keys of [http]: without one nobody may push, and one for a mailbox that is not there opens nothing."""
    if root.http is None:
        return
    if not root.http.keys:
        said = "[http] has no keys: nobody could push mail"
        yield Finding("C109", said, ("http", "keys"), "add [http.keys.NAME] with  key_env = …", on_key=True)
    known = ["system"] if root.system.mailbox is not None else []
    known += [name for name, own in root.workspace.items() if own.mailbox is not None]
    for name, key in root.http.keys.items():
        yield from _secrets(key, ("http", "keys", name), "key")
        for number, mailbox in enumerate(key.mailboxes):
            if mailbox not in known:
                said = f'there is no mailbox "{mailbox}"'
                yield Finding("C112", said, ("http", "keys", name, "mailboxes", number), f"one of {', '.join(known)}")
