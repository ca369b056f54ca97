"""Mailboxes as people see them: how each fares, what is kept and moved, what an error means and what to do.

Here: the list, one of them, and who may leave one alone. Not here: how they fare (`mailboxes.py`), pausing
(`pausing.py`), logging in and looking inside, which take long (`jobs.py`).
Invariant: no password and no token is told of; who sees no mail of a mailbox does not hear that it is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from engine.desk import mailboxes, pausing
from engine.desk.scope import NOWHERE
from engine.sources import BROUGHT
from engine.store.errors import NotFound, Unclear

if TYPE_CHECKING:
    from engine.config import Config, Mailbox
    from engine.desk.installation import Store
    from engine.desk.mailboxes import Fare
    from engine.desk.scope import Scope
    from engine.model.stored import MailRow

NEWEST, WITHIN_S = 10, 0.15
"""Mails of a mailbox that are shown, and how long it is looked for them."""

PEEKED = 20
"""Mails that are looked at in a mailbox."""

TO_DO = {
    "source.unreachable": "Nothing at first: it is tried again. If it stays so, check host and port.",
    "source.timeout": "Nothing at first: it is tried again. For a slow server, raise timeout.",
    "source.busy": "Nothing: it is tried again at the next run.",
    "source.login_refused": "Correct user, password or auth. At most three log-ins an hour are tried.",
    "source.secret": "Correct what the message above names: its variable, file or program gives no password.",
    "source.certificate": "Set ca_file, or the right host.",
    "source.tls": "Check port and ssl; the message above names them.",
    "source.starttls_missing": "Set ssl = true, with the port for TLS.",
    "source.folder_missing": "Correct folder; allegra mailbox folders NAME lists the folders that exist.",
    "source.refused": "Ask whoever runs the server; what it said is in the message above.",
    "source.query": "Correct or narrow query.",
    "source.too_big": "Report it to whoever runs the server.",
    "source.bad_name": "Correct the configuration: a name or password holds a line break.",
    "source.protocol": "Report it to whoever runs the server.",
    "source.no_idle": "Nothing: a watch reads it at intervals from now on.",
    "source.no_reader": "Nothing: mail is handed in here.",
    "source.program": "Correct the program; the log has its traceback.",
}
"""What to do about each way in which a mailbox cannot be read."""

SIGN_IN = "Let somebody sign in again: allegra mailbox login NAME."
"""The same about every error of signing in by OAuth."""

COMES, *SET_UP = (
    "How mail comes in", "Server", "User", "Folder", "Addresses", "Reading", "Mail that went well", "Mail that failed",
    "Mail that is held", "Kept until",
)  # fmt: skip
"""What is told of how a mailbox is set up: one thing of what is brought, else all the others."""

AFTER = {"move": "is moved to {}", "seen": "is marked as read", "delete": "is deleted", "keep": "stays where it is"}


class Box(Struct, frozen=True):
    """A mailbox: how it fares, whose it is, what becomes of mail in it; `to_do` about what is wrong, "" for nothing.

    `settings` are pairs of a name and a value. `mails` are the newest ones that somebody sees; `pauses` tells whether
    they may leave it alone.
    """

    fare: Fare
    owner: str
    settings: tuple[tuple[str, str], ...]
    to_do: str
    mails: tuple[MailRow, ...]
    pauses: bool
    reads: bool


def listed(store: Store, config: Config, scope: Scope) -> list[Fare]:
    """Tell how the mailboxes fare of which somebody sees mail."""
    return [each for each in mailboxes.fares(config, store) if each.mailbox.name in scope.mailboxes]


def may_pause(scope: Scope, box: Mailbox) -> bool:
    """Tell whether somebody may leave a mailbox alone, test it and look inside: its owner and admins."""
    if box.workspace:
        return scope.admin or box.workspace in scope.owned
    return scope.may("decide_mail", NOWHERE)


def seen(store: Store, config: Config, scope: Scope, name: str) -> Box:
    """Give a mailbox, to who sees mail of it. Raises NotFound."""
    fare = next((each for each in listed(store, config, scope) if each.mailbox.name == name), None)
    if fare is None:
        raise NotFound(f"there is no mailbox {name}", name)
    box = fare.mailbox
    owner = config.workspaces[box.workspace].owner if box.workspace in config.workspaces else config.system.owner
    found = store.archive.search(f'mailbox:"{box.name}"', NEWEST, within_s=WITHIN_S, sight=scope.sight)
    state = next((each for each in store.mailboxes.states() if each.name == name), None)
    to_do = _to_do(state.code) if state is not None and fare.state == "failing" else ""
    return Box(fare, owner, tuple(_settings(box)), to_do, tuple(found.mails), may_pause(scope, box),
               box.protocol not in BROUGHT)  # fmt: skip


def _to_do(code: str) -> str:
    return SIGN_IN if code.startswith("oauth.") else TO_DO.get(code, "")


def _settings(box: Mailbox) -> list[tuple[str, str]]:
    """How mail comes from it and what becomes of it, in words."""
    if box.protocol in BROUGHT:
        return [(COMES, BROUGHT[box.protocol])]
    tls = {True: "TLS", False: "no TLS", "starttls": "STARTTLS"}[box.ssl] if box.host else ""
    port = f", port {box.port}" if box.port else ""
    told = [
        f"{box.place}{port}{f', {tls}' if tls else ''}", box.username, box.folder,
        ", ".join(box.addresses), f"every {box.poll:.0f} s" if box.poll else "by hand",
        _after(box.after_success, box.move_on_success),
        _after(box.after_failure, box.move_on_failure),
        f"is moved to {box.move_on_hold}" if box.move_on_hold else "stays where it is",
        "its item is closed" if box.keep_until == "item-closed" else "",
    ]  # fmt: skip
    return [(name, value) for name, value in zip(SET_UP, told, strict=True) if value]


def _after(what: str, folder: str) -> str:
    return "is marked as read" if what == "move" and not folder else AFTER[what].format(folder)


def leave(store: Store, config: Config, scope: Scope, name: str, reason: str, *, pause: bool) -> None:
    """Leave a mailbox alone or read it again, in the name of who asks. Raises NotFound, Unclear."""
    box = seen(store, config, scope, name).fare.mailbox
    if pause and not reason.strip():
        raise Unclear("say why: every run shows it until the mailbox is read again")
    if pause:
        pausing.pause(store, config, box, reason.strip(), scope.login, via="console")
    else:
        pausing.resume(store, config, box, scope.login, via="console")
