"""What a mailbox logs in with, and what is said when the server does not let us in.

Here: passwords and tokens, for IMAP and POP3. Not here: getting tokens (`web/`), the mechanisms (`sasl.py`).
Invariant: a token server that is away is never told as a wrong password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config.mailbox import TOKENS
from engine.sources.source import SourceError

if TYPE_CHECKING:
    from engine.config import Mailbox


_INSTEAD = "sign in with OAuth 2: allegra help oauth"
NO_PASSWORDS = {
    "office365.com": f"; it takes no passwords any more, {_INSTEAD}",
    "outlook.com": f"; it takes no passwords any more, {_INSTEAD}",
    "gmail.com": f"; it takes app passwords only, or {_INSTEAD}",
}
"""What to say where a password is refused by servers that refuse them all."""


def secret_of(mailbox: Mailbox) -> str:
    """The password of a mailbox, or the token in its place. Raises SourceError when it cannot be had."""
    from engine.config import SecretError

    try:
        if mailbox.sign_in is None:
            return mailbox.secret()
        from engine.web.tokens import access_token

        return access_token(mailbox.sign_in, mailbox.username)
    except SecretError as error:
        code = getattr(error, "code", "")
        said = f"mailbox {mailbox.name}: {_named(str(error), mailbox)}" if code else str(error)
        raise SourceError(code or "source.secret", said) from None


def refused_login(mailbox: Mailbox, secret: str) -> tuple[str, str]:
    """The code of a refused login, and how the sentence goes on. Of a token the next login asks for a new one."""
    user, sign_in = mailbox.username, mailbox.sign_in
    if sign_in is None:
        if mailbox.auth in TOKENS:
            return "source.login_refused", f"does not accept the token for {user}"
        hint = next((said for host, said in NO_PASSWORDS.items() if mailbox.host.casefold().endswith(host)), "")
        return "source.login_refused", f"refuses the login of {user}{hint}"
    from engine.web import hints, tokens

    tokens.refused(sign_in, user, secret)
    hint = _named(hints.of(sign_in, mailbox.protocol, secret), mailbox)
    return "oauth.login_refused", f"does not accept the token of oauth {sign_in.name} for {user}; {hint}"


def not_opened() -> tuple[str, str]:
    """The same of a server that takes the token and does not open the mailbox."""
    from engine.web import hints

    return "oauth.no_mailbox", f"takes the token and does not open the mailbox; {hints.NO_MAILBOX}"


def _named(sentence: str, mailbox: Mailbox) -> str:
    return sentence.replace("mailbox login NAME", f"mailbox login {mailbox.name}")
