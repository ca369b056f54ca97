"""The sections that tell where people are looked up: a table in a file, or an LDAP server.

Here: the options of [directory.NAME]. Not here: asking one (`engine/directories`), what must be there together
(`identity.py`).
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from engine.config.kinds import Command, Duration, Line, OptionalPath
from engine.config.secrets import Secrets
from engine.config.section import Filled, Section

FILTER, ADDRESS = "(mail={address})", "{address}"
LDAP_PORTS = {"ldaps": 636, "ldap+starttls": 389}
"""The two ways to an LDAP server, each with TLS before anything is said, and their usual ports."""


class Attributes(Section, frozen=True):
    """Which attributes of an entry, or columns of a table, hold what; of several the first that holds something."""

    nested: ClassVar[bool] = True

    login: tuple[Line, ...] = ()
    name: tuple[Line, ...] = ()
    addresses: tuple[Line, ...] = ()
    groups: tuple[Line, ...] = ()
    language: tuple[Line, ...] = ()
    disabled: tuple[Line, ...] = ()


USUAL = {
    "csv": Attributes(
        login=("login",), name=("name",), addresses=("email",), groups=("groups",), language=("language",),
        disabled=("disabled",),
    ),
    "ldap": Attributes(
        login=("uid", "sAMAccountName"), name=("displayName", "cn"), addresses=("mail", "proxyAddresses"),
        groups=("memberOf",), language=("preferredLanguage",),
        disabled=("userAccountControl", "nsAccountLock", "pwdAccountLockedTime"),
    ),
}  # fmt: skip
"""What attributes and columns are usually called."""


class Directory(Section, frozen=True):
    """A table of people in a file, or an LDAP server, in which senders without an account are looked up.

    `groups` are names of groups there with those they have here; {} is by the same names. `timeout` is seconds a
    look-up, `pass_timeout` seconds of a pass; `keep` and `keep_unknown` are how long answers count.
    """

    aliases: ClassVar = {"columns": "attributes", "url": "server"}

    kind: Literal["csv", "ldap"] = "csv"
    path: OptionalPath = None
    encoding: Literal["utf-8", "windows-1252", "utf-16"] = "utf-8"
    server: Line = ""
    ca_file: OptionalPath = None
    bind_dn: Line = ""
    password: Line = ""
    password_env: Line = ""
    password_file: OptionalPath = None
    password_command: Command = ()
    base: Line = ""
    filter: Line = FILTER
    attributes: Attributes = Attributes()
    groups: Mapping[str, Line] = {}
    timeout: Duration = 5.0
    pass_timeout: Duration = 60.0
    keep: Duration = 86400.0
    keep_unknown: Duration = 900.0
    name: Filled[str] = ""

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self.server if self.kind == "ldap" else str(self.path or "")

    def secret(self) -> str:
        """The password, "" where nobody logs in. Raises: SecretError with a plain sentence."""
        if not self.bind_dn:
            return ""
        return Secrets("directory " + self.name, self.password, self.password_env, self.password_file,
                       self.password_command).read()  # fmt: skip

    def settled(self, name: str) -> "Directory":
        """This directory with its name and the usual attributes of its kind."""
        return self.filled(name=name, attributes=USUAL[self.kind].under(self.attributes))

    def at(self) -> tuple[str, str, int]:
        """Scheme, host and port of the server; host "" where that is no address of one."""
        from urllib.parse import urlsplit

        try:
            parts = urlsplit(self.server)
            odd = parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None
            host, port = "" if odd else parts.hostname or "", parts.port
        except ValueError:
            return "", "", 0
        return parts.scheme, host, port or LDAP_PORTS.get(parts.scheme, 0)
