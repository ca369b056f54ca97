"""Options that do nothing where they stand: of another protocol, beside an option that excludes them, in a workspace.

Here: which options of a mailbox which protocols have, what needs something else, and what counts only at the top. Not
here: options that are missing or contradict each other (`cross.py`), names of fields (the database knows them).
Invariant: only what was written and is not the default is refused; what `[defaults.mailbox]` says is for all mailboxes,
those to come too, and refused only where it names a protocol and no mailbox has another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.config.mailbox import Mailbox, Smtp
from engine.config.root import Root
from engine.config.section import options
from engine.config.tidy import Finding
from engine.config.tidy import Path as KeyPath
from rules.problem import Severity

_SERVERS, _FILES = ("imap", "pop3"), ("maildir", "mbox")
_APIS = ("gmail", "graph")
_FOLDERS = ("imap", *_APIS, "maildir")
_READ = (*_SERVERS, *_APIS, *_FILES)

PROTOCOLS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("host", "port", "ca_file", "timeout", "oauth"), (*_SERVERS, *_APIS)),
    **dict.fromkeys(("ssl", "ssl_verification", "auth"), _SERVERS),
    **dict.fromkeys(("password", "password_env", "password_file", "password_command"), _SERVERS),
    **dict.fromkeys(("folder", "move_on_success", "move_on_failure", "move_on_hold"), _FOLDERS),
    "path": _FILES,
    "query": ("imap", "gmail"),
    "poll": _READ,
    "idle": ("imap",),
    "since": _READ,
    "exclusive_mailbox": ("imap",),
    "use_message_id_as_uid": _SERVERS,
    "delete_unprocessed": ("pop3",),
}
"""The protocols that have an option; those that are not named have the others."""

TRANSPORTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("host", "port", "ssl", "ssl_verification", "ca_file", "username", "auth", "oauth"), ("smtp",)),
    **dict.fromkeys(("password", "password_env", "password_file", "password_command"), ("smtp",)),
    "command": ("sendmail",),
    "path": ("maildir",),
    "timeout": ("smtp", "sendmail"),
}
"""The transports of [smtp] that have an option; all have those that are not named."""

AT_TOP: Mapping[str, tuple[str, ...]] = {
    "errors": ("behavior", "retry", "defer_limit", "parent_wait"), "people": ("mail_suffix_separators",)
}  # fmt: skip
"""Options that are asked where no workspace is known yet: in one they do nothing."""

WORDS: Mapping[str, tuple[str, ...]] = {"seen": _FOLDERS, "delete": (*_SERVERS, *_APIS, "maildir")}
"""The protocols that can do what `after_success` and `after_failure` say."""

PROGRAM = "program"
"""Read by a program, which may make something of any option."""

AFTER = ("after_success", "after_failure")
BECAUSE = {"pop3": "POP3 knows neither folders nor marks nor searches"}


def idle(root: Root, mailboxes: tuple[Mailbox, ...]) -> Iterator[Finding]:
    """Find what does nothing in the mailboxes, in [smtp] and in the webhooks."""
    defaults = root.defaults.mailbox
    named = (defaults.protocol, *(box.protocol for box in mailboxes)) if "protocol" in defaults.written else ()
    written: list[tuple[KeyPath, Mailbox | None, tuple[str, ...]]] = [
        (("defaults", "mailbox"), defaults, tuple(dict.fromkeys(named)))
    ]
    for box in mailboxes:
        own = root.workspace[box.workspace].mailbox if box.workspace else root.system.mailbox
        table: KeyPath = ("workspace", box.workspace, "mailbox") if box.workspace else ("system", "mailbox")
        written.append((table, own, (box.protocol,)))
    for table, section, used in written:
        if section is not None and used and PROGRAM not in used:
            yield from _mailbox(table, section, used)
    for box, (table, _, _) in zip(mailboxes, written[1:], strict=True):
        yield from _moved_nowhere(table, box)
    for name, hook in root.webhooks.items():
        if not hook.events:
            advice = "add  events = [ … ], or take it out"
            yield Finding("C118", "this webhook is told of nothing", ("webhooks", name, "events"), advice, on_key=True)
    if root.smtp is not None:
        yield from _smtp(root.smtp)
    yield from _doors(root, mailboxes)
    yield from _log(root)
    yield from _in_workspaces(root)


def _moved_nowhere(table: KeyPath, box: Mailbox) -> Iterator[Finding]:
    """A folder that mail is moved to and that is the one which is read: there it stays, and is not marked either."""
    wanted = {"move_on_success": box.after_success, "move_on_failure": box.after_failure, "move_on_hold": "move"}
    for option, word in wanted.items() if box.protocol in _FOLDERS else ():
        folder = getattr(box, option)
        if word == "move" and folder and box.folder_key(folder) == box.folder_key(box.folder or "INBOX"):
            said = f"{option} is the folder that is read: mail would stay there as it is"
            other = "" if option == "move_on_hold" else f', or write  {option.replace("move_on", "after")} = "seen"'
            yield Finding("C118", said, (*table, option), f"name another folder{other}")


def _doors(root: Root, mailboxes: tuple[Mailbox, ...]) -> Iterator[Finding]:
    """A door by which no mailbox can be reached, one at the place of the other, and the mode of what is no file."""
    if root.lmtp is not None and root.http is not None and _place(root.lmtp.listen) == _place(root.http.listen):
        said = f"[lmtp] listens at {root.lmtp.listen} already: only one of the two could open"
        advice = "give each door a place of its own"
        yield Finding("C121", said, ("http", "listen"), advice, on_key=True, severity=Severity.WARNING)
    for name, door in (("lmtp", root.lmtp), ("http", root.http), ("console", root.console)):
        if door is None:
            continue
        if name == "lmtp" and not any(box.addresses for box in mailboxes):
            said = "[lmtp] does nothing: no mailbox has addresses, so every recipient is unknown"
            yield Finding("C118", said, (name,), "add  addresses = [ … ]  to a mailbox", on_key=True)
        if "mode" in door.written and door.mode != type(door)().mode and not door.listen.startswith("/"):
            said = "mode does nothing for an address: it is for a unix socket"
            yield Finding("C118", said, (name, "mode"), "take it out, or listen at a path", on_key=True)


def _place(listen: str) -> str:
    return listen.replace("localhost:", "127.0.0.1:") if not listen.startswith("/") else listen


def _log(root: Root) -> Iterator[Finding]:
    defaults = {option.attribute: option.default for option in options(type(root.log)).values()}
    for name in sorted(root.log.written - {"file"}) if root.log.file is None else ():
        if getattr(root.log, name) != defaults[name]:
            said = f"{name} does nothing without a file: nothing is logged"
            yield Finding("C118", said, ("log", name), "add  file = …, or take it out", on_key=True)


def _in_workspaces(root: Root) -> Iterator[Finding]:
    """What counts only at the top, and what needs something that is not there: links, a scanner."""
    sections = [("", root.replies), *((name, workspace.replies) for name, workspace in root.workspace.items())]
    for name, replies in sections:
        if "links" in replies.written and replies.links and not root.instance.base_url:
            said = "links does nothing without a base_url: there is nothing to link to"
            table: KeyPath = ("workspace", name, "replies") if name else ("replies",)
            yield Finding("C118", said, (*table, "links"), "add  base_url = …  in [instance]", on_key=True)
    for name, workspace in root.workspace.items():
        for part, only in AT_TOP.items():
            for option in sorted(set(only) & getattr(workspace, part).written):
                said = f"{option} does nothing in a workspace: it is asked before one is known"
                yield Finding(
                    "C118", said, ("workspace", name, part, option), f"write it in [{part}], for all", on_key=True
                )
        scanner, top = workspace.gates.antivirus, root.gates.antivirus
        if "antivirus" in workspace.gates.written and scanner is not None and (top is None or not top.clamd):
            said = "antivirus does nothing in a workspace where [gates] has none: nothing is scanned"
            path: KeyPath = ("workspace", name, "gates", "antivirus")
            yield Finding("C118", said, path, "write it in [gates]", on_key=True)


def _smtp(smtp: Smtp) -> Iterator[Finding]:
    """What another transport has, and a password without a name."""
    defaults = {option.attribute: option.default for option in options(Smtp).values()}
    for name in sorted(smtp.written):
        able = TRANSPORTS.get(name, (smtp.transport,))
        if smtp.transport not in able and getattr(smtp, name) != defaults[name]:
            said = f'{name} does nothing with  transport = "{smtp.transport}"'
            yield Finding("C118", said, ("smtp", name), f"take it out; it is for {', '.join(able)}", on_key=True)
        elif not smtp.username and (
            name.startswith("password") or (name in ("auth", "oauth") and getattr(smtp, name) != defaults[name])
        ):
            said = f"{name} does nothing without a username"
            yield Finding("C118", said, ("smtp", name), "add  username = …, or take it out", on_key=True)


def _mailbox(table: KeyPath, section: Mailbox, used: tuple[str, ...]) -> Iterator[Finding]:
    defaults = {option.attribute: option.default for option in options(Mailbox).values()}
    for name in sorted(section.written):
        value = getattr(section, name)
        able = WORDS.get(str(value), used) if name in AFTER else PROTOCOLS.get(name, used)
        if value == defaults[name] or set(able) & set(used):
            continue
        said = f'{name} = "{value}"' if name in AFTER else name
        reason = BECAUSE.get(used[0], "") if len(used) == 1 else ""
        message = f"{said} does nothing for a mailbox of the kind {' and '.join(used)}"
        advice = f"take it out; {reason or 'it is for ' + ', '.join(able)}"
        yield Finding("C118", message, (*table, name), advice, on_key=True)
    for after in AFTER:
        folder = after.replace("after", "move_on")
        if {after, folder} <= section.written and getattr(section, after) != "move" and getattr(section, folder):
            said = f'{folder} does nothing beside {after} = "{getattr(section, after)}"'
            yield Finding("C118", said, (*table, folder), f'write  {after} = "move", or take it out', on_key=True)
