"""A person signs in for a mailbox or for [smtp], once; after that the refresh token that is kept does.

Here: who can be signed in, by which way, and what a face needs to show for it. Not here: the ways (`web/sign_in.py`),
asking the person (`cli/`). Invariant: nothing is kept before the provider said yes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.store.errors import Unclear
from engine.web import providers, sign_in

if TYPE_CHECKING:
    from engine.config import Config, Mailbox, Smtp
    from engine.config.mailbox import OAuth


class SignIn(Struct, frozen=True):
    """A sign-in that was begun: the page to open, and the code to type there or, without one, its address to copy.

    `ends_s` is how many seconds the code counts.
    """

    username: str
    url: str
    user_code: str
    ends_s: float
    app: OAuth
    begun: sign_in.Device | sign_in.Begun

    def finish(self, wait: Callable[[float], object], pasted: str = "") -> None:
        """Keep the refresh token, once the person has signed in or pasted the address. Raises: SecretError."""
        if isinstance(self.begun, sign_in.Device):
            sign_in.finish_device(self.app, self.username, self.begun, wait)
        else:
            sign_in.finish_browser(self.app, self.username, self.begun, pasted)


def works(config: Config, box: Mailbox | None) -> str:
    """Log in to a mailbox, or to the server of [smtp], with what is kept now; what went wrong, "" for nothing."""
    if box is not None:
        from engine.desk.mailboxes import try_out

        return next(iter(try_out(config, [box]))).sentence
    from engine.outbox.transport import Away, transport

    if config.smtp is None:
        return ""
    try:
        with transport(config.smtp, "localhost") as way:
            way.open()
    except Away as error:
        return str(error)
    return ""


def begin(config: Config, owner: Mailbox | Smtp | None, name: str, *, by_browser: bool = False) -> SignIn:
    """Begin; `name` says whose sign-in it is. Raises: Unclear where there is nothing to sign in to, SecretError."""
    app = owner.sign_in if owner is not None else None
    if owner is None or app is None:
        raise Unclear(f'{name} logs in with a password: nobody signs in for it; oauth = "NAME" would change that')
    if app.grant != "refresh_token":
        raise Unclear(f'[oauth.{app.name}] signs in by itself, with  grant = "{app.grant}": nobody else has to')
    if not providers.account(app, owner.username):
        raise Unclear(f"[oauth.{app.name}] gives a refresh_token: take it out to sign in by hand")
    if sign_in.can_use_device(app) and not by_browser:
        device = sign_in.begin_device(app)
        return SignIn(owner.username, device.url, device.user_code, device.ends_s, app, device)
    begun = sign_in.begin_browser(app, owner.username)
    return SignIn(owner.username, begun.url, "", sign_in.LONGEST_S, app, begun)
