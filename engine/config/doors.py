"""The sections of doors: where mail servers and programs push mail, and where people look.

Here: the options of [lmtp], [http], [http.keys.NAME] and [console]. Not here: the doors (`engine/doors`), the console
(`engine/console`), reading the secrets (`secrets.py`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from engine.config.kinds import Command, Duration, Line, Listen, Mode, OptionalPath, Positive, Proxy, SignIn
from engine.config.problems import SecretError
from engine.config.secrets import Secrets
from engine.config.section import Section

SHORTEST = 16
"""Characters of a key: nobody guesses one of these."""

PROXY_HEADER = "proxy-header:"
"""How `auth` of [console] begins where a proxy says who somebody is."""


class Lmtp(Section, frozen=True):
    """Where mail servers hand mail over (`allegra lmtp`).

    `listen` is a path or an address with a port; `timeout` is seconds for a command, and for the text of a mail.
    """

    listen: Listen = "/run/allegra/lmtp.sock"
    mode: Mode = 0o660
    clients: Positive = 50
    timeout: Duration = 300.0


class HttpKey(Section, frozen=True):
    """A key with which a program may push mail, into all mailboxes or only some."""

    key: Line = ""
    key_env: Line = ""
    key_file: OptionalPath = None
    key_command: Command = ()
    mailboxes: tuple[Line, ...] = ()

    def secret(self, name: str) -> str:
        """The key itself; `name` is what complaints call it. Raises: SecretError with a plain sentence."""
        secret = Secrets("http key " + name, *self.ways, "key").read()
        if len(secret) < SHORTEST:
            raise SecretError(f"http key {name}: shorter than {SHORTEST} characters")
        return secret

    @property
    def ways(self) -> tuple[str, str, Path | None, tuple[str, ...]]:
        """How the key is given."""
        return self.key, self.key_env, self.key_file, tuple(self.key_command)


class Http(Section, frozen=True):
    """Where programs push mail (`allegra serve`); a reverse proxy before it speaks TLS.

    `listen` is a path or an address with a port; `timeout` is seconds for a request to have come whole.
    """

    listen: Listen = "127.0.0.1:8025"
    mode: Mode = 0o660
    clients: Positive = 50
    timeout: Duration = 120.0
    keys: Mapping[str, HttpKey] = {}


class Console(Section, frozen=True):
    """The web console (`allegra console`).

    `listen` is an address with a port or a path; `auth` says who comes in: accounts with a password, whom a proxy names
    in a header ("proxy-header:NAME"), or, on this machine only, whoever reaches it ("none"). `trusted_proxies` are who
    is believed about that and about where somebody comes from. A session ends `session_idle` seconds after its last
    request, and `session_most` seconds after it began. `edit_rules` says who saves rule files, `effect` over how many
    seconds of stored mail it is looked what a change would do; `jobs` of such work run at once, for `job_limit` seconds
    each. `most_exported` are rows of a list that somebody takes away; `audit_reads` writes down who read which mail.
    """

    listen: Listen = "127.0.0.1:8026"
    mode: Mode = 0o660
    threads: Positive = 8
    auth: SignIn = "accounts"
    trusted_proxies: tuple[Proxy, ...] = ()
    session_idle: Duration = 12 * 3600.0
    session_most: Duration = 7 * 86400.0
    edit_rules: Literal["owners", "admins", "nobody"] = "owners"
    effect: Duration = 30 * 86400.0
    jobs: Positive = 2
    job_limit: Duration = 120.0
    most_exported: Positive = 100_000
    audit_reads: bool = False

    @property
    def header(self) -> str:
        """The header in which a proxy says who somebody is, "" where nobody is asked that way."""
        return self.auth.removeprefix(PROXY_HEADER) if self.auth.startswith(PROXY_HEADER) else ""
