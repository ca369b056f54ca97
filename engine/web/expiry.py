"""What proves who we are and ends soon: secrets, certificates, refresh tokens that lie unused.

Here: looking ahead; a clock that is wrong. Not here: renewing tokens (`tokens.py`), who is told (`desk/health.py`,
`workbench/checks.py`).
Invariant: nothing is asked of anybody and nothing written; what cannot be read is told when it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from engine.config.kinds import in_zone
from engine.web import providers
from engine.web.kept import File
from engine.web.refusals import OAuthError

if TYPE_CHECKING:
    from engine.config import Config
    from engine.config.mailbox import OAuth

DAY_S = 86_400.0
SOON_DAYS = 30.0


class Ending(msgspec.Struct, frozen=True):
    """What ends, in how many days (less than none: it has ended), said as a sentence, and what to do."""

    section: str
    days: float
    said: str
    advice: str


def ending(config: Config, now: datetime) -> tuple[Ending, ...]:
    """Everything that ends within `SOON_DAYS`, of the sections that active mailboxes and [smtp] sign in by."""
    accounts: dict[str, dict[str, None]] = {}
    smtp = config.smtp
    owners = [box for box in config.mailboxes if box.active] + ([smtp] if smtp is not None else [])
    for owner in owners:
        if owner.sign_in is not None:
            accounts.setdefault(owner.sign_in.name, {})[providers.account(owner.sign_in, owner.username)] = None
    found = [
        each
        for name, theirs in accounts.items()
        for each in _of(config.root.oauth[name], [*theirs], config.instance.timezone, now)
    ]
    return tuple(sorted((each for each in found if each.days <= SOON_DAYS), key=lambda each: each.days))


def _of(app: OAuth, accounts: list[str], timezone: str, now: datetime) -> Iterator[Ending]:
    if app.secret_expires is not None:
        advice = "make a new client secret, and write its end as secret_expires"
        yield _ending(app, "the client secret", in_zone(app.secret_expires, timezone), now, advice)
    if app.certificate is not None:
        from engine.web.assertions import ends

        try:
            yield _ending(app, "the certificate", ends(app), now, "make a new certificate and upload it to the app")
        except OAuthError:  # told where a token is asked for
            pass
    for account in accounts:
        yield from _kept(app, account, now)


def _kept(app: OAuth, account: str, now: datetime) -> Iterator[Ending]:
    """A refresh token: by what the provider told, and by how long it lies unused. And a clock that is wrong."""
    try:
        kept = File(app, account).read()
    except OAuthError:
        return
    if kept.clock_off_s:
        how = f"{abs(kept.clock_off_s):.0f} s {'ahead of' if kept.clock_off_s > 0 else 'behind'} that of"
        said = f"oauth {app.name}: the clock of this machine is {how} {providers.host(app)}"
        yield Ending(app.name, SOON_DAYS, said, "set it (timedatectl)")
    if kept.broken and app.grant == "refresh_token":
        said = f"oauth {app.name}: the sign-in is lost: its file in {app.kept_in} cannot be understood"
        yield Ending(app.name, 0.0, said, "sign in again: allegra mailbox login NAME")
    if not kept.refresh_token:
        return
    of = f"the refresh token of {account}" if account else "the refresh token"
    again = "sign in again: allegra mailbox login NAME"
    if kept.refresh_ends_at:
        testing = "; an app in testing has to do so every week: publish it" if app.provider == "google" else ""
        yield _ending(app, of, _moment(kept.refresh_ends_at), now, again + testing)
    if (days := providers.UNUSED_DAYS.get(app.provider)) and kept.refresh_used_at:
        unused = (now - _moment(kept.refresh_used_at)).total_seconds() / DAY_S
        what = f"{of}, unused for {unused:.0f} days,"
        yield _ending(app, what, _moment(kept.refresh_used_at + days * DAY_S), now, "let allegra run use it")


def _ending(app: OAuth, what: str, at: datetime, now: datetime, advice: str) -> Ending:
    days = (at - now).total_seconds() / DAY_S
    when = f"ended on {at:%Y-%m-%d}" if days < 0 else f"ends on {at:%Y-%m-%d}, in {_span(days)}"
    return Ending(app.name, days, f"oauth {app.name}: {what} {when}", advice)


def _span(days: float) -> str:
    return f"{days:.0f} days" if days >= 2 else f"{max(days * 24, 0):.0f} hours"


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(min(max(at, 0.0), 4e9), UTC)
