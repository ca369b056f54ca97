"""[oauth.NAME] and who says `oauth = "NAME"`: put together, and what of it cannot work.

Here: which section a mailbox and [smtp] sign in by, and the checks of these options. Not here: the options
(`mailbox.py`), how tokens are got (`web/`). Imported only where a file speaks of it.
Invariant: a mailbox that says `oauth` logs in with a token or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.config.mailbox import APIS, TOKENS, Mailbox, OAuth, Smtp
from engine.config.tidy import Finding

if TYPE_CHECKING:
    from engine.config.root import Root
    from engine.config.tidy import Path as KeyPath

SERVERS = ("imap", "pop3", *APIS)
OF = {"gmail": "google", "graph": "microsoft"}
"""Whose API a protocol is."""
GRANTS = {
    "microsoft": ("client_credentials", "refresh_token"),
    "google": ("service_account", "refresh_token"),
    "other": ("client_credentials", "refresh_token"),
}
EVERYBODY = ("common", "organizations", "consumers")
"""What may stand in place of a tenant where a person signs in."""

_SECRET = ("client_secret", "client_secret_env", "client_secret_file", "client_secret_command")
_REFRESH = ("refresh_token", "refresh_token_env", "refresh_token_file", "refresh_token_command")

ONLY: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    **dict.fromkeys((*_REFRESH, "device_url", "authorize_url"), ((), ("refresh_token",))),
    **dict.fromkeys(("service_account_file", "subject"), (("google",), ("service_account",))),
    **dict.fromkeys(("certificate", "private_key_file", "tenant"), (("microsoft",), ())),
    **dict.fromkeys(("client_id", *_SECRET), ((), ("client_credentials", "refresh_token"))),
}
"""The providers and the grants that an option is for; none is all. Options that are not named are for all."""


def joined(root: Root, mailboxes: tuple[Mailbox, ...]) -> tuple[Root, tuple[Mailbox, ...]]:
    """Fill in which section each mailbox and [smtp] sign in by."""
    folder, smtp = root.instance.state_dir / "oauth", root.smtp
    uses: dict[str, set[str]] = {}
    for box in mailboxes:
        if box.protocol in SERVERS:
            uses.setdefault(box.oauth, set()).add(box.protocol)
    if smtp is not None and smtp.transport == "smtp":
        uses.setdefault(smtp.oauth, set()).add("smtp")
    known = {
        name: own.filled(name=name, kept_in=folder, uses=tuple(sorted(uses.get(name, ()))))
        for name, own in root.oauth.items()
    }
    smtp = smtp.filled(**_how(smtp, known)) if smtp is not None else None
    boxes = tuple(box.filled(**_how(box, known)) if box.protocol in SERVERS else box for box in mailboxes)
    return root.filled(oauth=known, smtp=smtp), boxes


def _how(owner: Mailbox | Smtp, known: dict[str, OAuth]) -> dict[str, object]:
    sign_in = known.get(owner.oauth)
    auth = {"auth": "xoauth2"} if sign_in is not None and owner.auth == "login" else {}  # the default says nothing
    return {"sign_in": sign_in, **auth}


def findings(root: Root, mailboxes: tuple[Mailbox, ...]) -> Iterator[Finding]:
    """What of it is missing, contradicts or does nothing."""
    owners = [box for box in mailboxes if box.protocol in SERVERS] + ([root.smtp] if root.smtp is not None else [])
    misspelt = any(owner.oauth and owner.oauth not in root.oauth for owner in owners)
    for name, own in root.oauth.items():
        yield from _section(own, ("oauth", name))
        if own.provider == "microsoft" and not own.scope and "graph" in own.uses and len(own.uses) > 1:
            others = ", ".join(use for use in own.uses if use != "graph")
            said = f"one token is not good for graph and {others}: Microsoft makes it for one of the two"
            yield Finding("C103", said, ("oauth", name), "write a second section, of the same app", on_key=True)
        if not own.uses and not misspelt:
            said = f'nobody signs in by this: no mailbox and no [smtp] says  oauth = "{name}"'
            yield Finding("C118", said, ("oauth", name), "write it there, or take it out", on_key=True)
    for box in mailboxes:
        if box.protocol in SERVERS:
            yield from _owner(
                box, ("workspace", box.workspace, "mailbox") if box.workspace else ("system", "mailbox"), root
            )
    if root.smtp is not None and root.smtp.transport == "smtp":
        yield from _owner(root.smtp, ("smtp",), root)


def _owner(owner: Mailbox | Smtp, table: KeyPath, root: Root) -> Iterator[Finding]:
    """A mailbox or [smtp]: does what it says of logging in fit together?"""
    if not owner.oauth:
        return
    if owner.oauth not in root.oauth:
        import difflib

        near = difflib.get_close_matches(owner.oauth, root.oauth, 1)
        advice = f"did you mean  {near[0]} ?" if near else f"add [oauth.{owner.oauth}]"
        yield Finding("C120", f"there is no section [oauth.{owner.oauth}]", (*table, "oauth"), advice)
    elif isinstance(owner, Mailbox) and owner.protocol in APIS:
        provider, wanted = root.oauth[owner.oauth].provider, OF[owner.protocol]
        if provider not in (wanted, "other"):
            said = f'protocol = "{owner.protocol}" takes no token of provider = "{provider}"'
            yield Finding("C103", said, (*table, "oauth"), f'name a section with  provider = "{wanted}"')
    elif owner.auth not in TOKENS:
        said = f'auth = "{owner.auth}" takes no token of [oauth.{owner.oauth}]'
        yield Finding("C103", said, (*table, "auth"), 'write  auth = "xoauth2"  or  "oauthbearer", or leave it out')
    api = isinstance(owner, Mailbox) and owner.protocol in APIS  # which have no password at all (`idle.py`)
    for name in () if api else ("password", "password_env", "password_file", "password_command"):
        if getattr(owner, name):
            said = f'{name} does nothing beside  oauth = "{owner.oauth}"'
            yield Finding("C118", said, (*table, name), "take one of the two out", on_key=True)


def _section(own: OAuth, table: KeyPath) -> Iterator[Finding]:
    missing = [name for name in ("provider", "grant") if name not in own.written]
    for name in missing:
        yield _needs(table, name)
    if missing:
        return
    if own.grant not in GRANTS[own.provider]:
        said = f'{own.provider} knows no grant "{own.grant}" for mail'
        usual = " or ".join(f'"{grant}"' for grant in GRANTS[own.provider])
        yield Finding("C103", said, (*table, "grant"), f"write  grant = {usual}")
        return
    idle = [*_idle(own, table)]
    yield from idle
    doing_nothing = {finding.path for finding in idle}
    yield from (each for each in _proofs(own, table) if each.path not in doing_nothing)
    yield from _places(own, table)


def _idle(own: OAuth, table: KeyPath) -> Iterator[Finding]:
    """Options of another provider or grant, and a date without a secret."""
    for name in sorted(own.written):
        providers, grants = ONLY.get(name, ((), ()))
        of_provider = bool(providers) and own.provider not in providers
        if not getattr(own, name) or not (of_provider or (grants and own.grant not in grants)):
            continue
        with_it = f'provider = "{own.provider}"' if of_provider else f'grant = "{own.grant}"'
        said, able = f"{name} does nothing with  {with_it}", ", ".join(providers if of_provider else grants)
        yield Finding("C118", said, (*table, name), f"take it out; it is for {able}", on_key=True)
    if own.secret_expires is not None and not _given(own, _SECRET):
        said = "secret_expires does nothing without a client_secret"
        advice = "take it out; the end of a certificate is read from the certificate"
        yield Finding("C118", said, (*table, "secret_expires"), advice, on_key=True)


def _proofs(own: OAuth, table: KeyPath) -> Iterator[Finding]:
    """What proves who we are: one thing, not two, and not none where it is needed."""
    if own.grant == "service_account":
        if own.service_account_file is None:
            yield _needs(table, "service_account_file")
        return
    if not own.client_id:
        yield _needs(table, "client_id")
    secrets, refresh = _given(own, _SECRET), _given(own, _REFRESH)
    for what, given in (("client_secret", secrets), ("refresh_token", refresh)):
        for name in given[1:]:
            said = f"the {what} is given twice: {given[0]} and {name}"
            yield Finding("C115", said, (*table, name), on_key=True)
    if own.certificate is not None and secrets:
        said = f"certificate and {secrets[0]} both prove who we are: one of them is enough"
        yield Finding("C115", said, (*table, secrets[0]), "take one of the two out", on_key=True)
    if own.private_key_file is not None and own.certificate is None:
        yield _needs(table, "certificate", "the certificate of this private_key_file")
    needed = own.grant == "client_credentials" or own.provider == "google"
    if needed and not secrets and own.certificate is None and own.private_key_file is None:
        or_so = ", or a certificate" if own.provider == "microsoft" else ""
        yield _needs(table, "client_secret", f"client_secret_env, client_secret_file or client_secret_command{or_so}")


def _places(own: OAuth, table: KeyPath) -> Iterator[Finding]:
    """Where tokens are asked for."""
    if own.provider == "microsoft" and not own.tenant and not own.token_url:
        yield _needs(table, "tenant", "tenant, the Directory (tenant) ID of the app")
    if own.tenant.casefold() in EVERYBODY and own.grant == "client_credentials":
        said = f'an app that signs in by itself needs its own tenant, not "{own.tenant}"'
        yield Finding("C103", said, (*table, "tenant"), "write the Directory (tenant) ID of the app")
    if own.provider != "other":
        return
    if not own.token_url:
        yield _needs(table, "token_url")
    if own.grant == "refresh_token" and not (_given(own, _REFRESH) or own.device_url or own.authorize_url):
        told = "refresh_token_file (or _env, _command), or device_url or authorize_url to sign in at"
        yield _needs(table, "device_url", told)


def _given(own: OAuth, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if getattr(own, name)]


def _needs(table: KeyPath, option: str, told: str = "") -> Finding:
    return Finding("C109", f"[{'.'.join(map(str, table))}] needs {told or option}", (*table, option), on_key=True)
