"""Where a database is: the file of SQLite, or the URL of one on a PostgreSQL server.

Here: `Url`, read as libpq reads it (PostgreSQL 17, 32.1.1.2), and the sentences for one that is none. Not here: where a
URL is kept (`config/root.py`), what is there (`store/place.py`), connecting.
Invariant: a `Url` shows neither its password nor its parameters, and no sentence about one repeats what was written;
only `secret` gives all of it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

SCHEMES = ("postgresql", "postgres")
EXAMPLE = "postgresql://user:password@host/database"

_NAME = re.compile("[a-z_]+")
_CONTROL = re.compile("%(?:[01][0-9a-fA-F]|7[fF])")
_BROKEN = re.compile("%(?![0-9a-fA-F]{2})")
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+(?:%25\w+)?\]|[^\[\]:]*)(?::(\d{1,5})?)?")
_ENCODED = "a password or name with  / ? @ : # % &  or a blank is written percent-encoded"


class Url:
    """The URL of a database on a PostgreSQL server. Raises ValueError with a sentence that repeats nothing of it.

    `str` gives it for people: user, host and database, never a password or a parameter; `name` is shorter.
    """

    __slots__ = ("_shown", "beside", "name", "parts", "secret")

    name: str
    """What people call it: the database, and the host where there is one."""
    secret: str
    """All of it, as it was written."""
    _shown: str
    parts: tuple[str, ...]
    """The passwords in it, as they are written and as they are meant."""

    beside: Path | None
    """How paths begin of the files on this host that go with it; None where there are none."""

    def __init__(self, written: str, beside: Path | None = None) -> None:
        user, hosts, database, passwords = _read(written)
        at = f"{quote(user)}@" if user else ""
        for attribute, value in (
            ("secret", written),
            ("beside", beside),
            ("parts", passwords),
            ("name", f"{database} at {unquote(hosts)}" if hosts else database),
            ("_shown", f"postgresql://{at}{hosts}/{quote(database, safe='')}"),
        ):
            object.__setattr__(self, attribute, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Url does not change")

    def __str__(self) -> str:
        return self._shown

    def __repr__(self) -> str:
        return f"Url({self._shown!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Url) and self.secret == other.secret

    def __hash__(self) -> int:
        return hash(self.secret)

    def __reduce__(self) -> tuple[Any, ...]:
        return Url, (self.secret, self.beside)


Where = Path | Url
"""Where a database is; one in memory is nowhere."""


def _read(written: str) -> tuple[str, str, str, tuple[str, ...]]:
    """Take a URL apart: user, hosts as a URL has them, database, and its passwords."""
    scheme, found, rest = written.partition("://")
    if not found or scheme not in SCHEMES:
        raise ValueError(f"it does not begin with  postgresql://  (write {EXAMPLE})")
    if any(char < "!" or char == "\x7f" for char in rest):
        raise ValueError(f"it holds a blank or a control character: {_ENCODED}")
    if _BROKEN.search(rest):
        raise ValueError(f"a % in it stands for no character: {_ENCODED}")
    if _CONTROL.search(rest) or "\ufffd" in unquote(rest):
        raise ValueError("it holds a control character or what is no UTF-8, percent-encoded: no name has one")
    place, _, query = rest.partition("?")
    authority, _, path = place.partition("/")
    if authority.count("@") > 1 or set(path) & set("/@") or "@" in query:
        raise ValueError(f"there is a / or @ in it that separates nothing: {_ENCODED}")
    login, _, servers = authority.rpartition("@")
    user, _, password = login.partition(":")
    more = _parameters(query)
    hosts = _hosts(servers)
    hosts = quote(more["host"], safe=",.:") if "host" in more else hosts
    hosts += f":{more['port']}" if hosts and more.get("port", "").isdecimal() else ""
    database = more.get("dbname") or unquote(path)
    if not database:
        raise ValueError(f"it names no database (write {EXAMPLE})")
    secret = [password, unquote(password), *(value for name, value in more.items() if "password" in name)]
    secret += [quote(each, safe="") for each in secret]
    return more.get("user") or unquote(user), hosts, database, tuple(dict.fromkeys(filter(None, secret)))


def _parameters(query: str) -> dict[str, str]:
    """The parameters by name; they count more than what stands before them."""
    found = {}
    for pair in query.split("&") if query else ():
        key, equals, value = pair.partition("=")
        if not _NAME.fullmatch(key) or not equals or "=" in value:
            raise ValueError(f"what stands behind its ? is no list of  name=value: {_ENCODED}")
        found[key] = unquote(value)
    return found


def _hosts(servers: str) -> str:
    """The hosts with their ports, if they are some."""
    for server in servers.split(","):
        told = _HOST.fullmatch(server)
        if told is None or not 1 <= int(told[2] or 5432) <= 65535:
            raise ValueError(f"its port is no number, or its host no name: {_ENCODED}")
    return servers
