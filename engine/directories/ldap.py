"""An LDAP server that is asked about an address, by ldap3 behind bounds.

Here: one connection, TLS, the login, one search with its deadline. Not here: what an entry says (`entry.py`).
Invariant: nothing is said before the certificate is verified; whatever stands in an address, it is a value of the
filter and nothing else; no look-up takes longer than `timeout` or reads more than `MOST_BYTES`; no referral is
followed. What goes wrong is `Away`, and no password is in it.
"""

from __future__ import annotations

import math
import socket
import ssl
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.config.directory import ADDRESS
from engine.config.problems import SecretError
from engine.config.secrets import redact
from engine.directories.entry import LONGEST_ADDRESS, Away, Values, standing
from engine.model.answers import Listed
from rules.domains import other_spelling

if TYPE_CHECKING:
    from engine.config.directory import Directory

MOST_BYTES = 4 << 20
"""The most that a look-up reads: two entries, with the photos that somebody may have put into an attribute."""

NOBODY = "nobody@directory.invalid"
"""Who is looked up to find out whether a look-up works: an address that nobody can have (RFC 6761)."""

MISSING = 'ldap3 is not installed: pip install "allegra-mail[ldap]"'
SUCCESS, TIME_LIMIT, SIZE_LIMIT, REFERRAL, NO_SUCH_OBJECT, WRONG_LOGIN, NO_RIGHTS = 0, 3, 4, 10, 32, 49, 50
"""Result codes of RFC 4511, A.1; a referral goes to another server, which is not asked."""

_SAID = {
    TIME_LIMIT: "took too long",
    REFERRAL: "refers to another server, and that is not followed",
    NO_SUCH_OBJECT: "has no such base",
    WRONG_LOGIN: "refuses the login: wrong bind_dn or password",
    NO_RIGHTS: "does not let this login search",
}


_SIGNS = (
    ("WRONG_VERSION_NUMBER", "speaks no TLS on this port"),
    ("UNEXPECTED_EOF", "speaks no TLS on this port"),
    ("timed out", "does not answer"),
    ("refused", "cannot be reached: connection refused"),
    ("invalid server address", "has no address"),
    ("Name or service not known", "has no address"),
)
"""What stands in an error, and what that means."""


class _Bounded(ssl.SSLSocket):
    """A connection that gives no more than it is allowed to."""

    left = MOST_BYTES

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        data = super().recv(buflen, flags)
        self.left -= len(data)
        if self.left < 0:
            raise OSError("the answer is too long")
        return data


class Server:
    """A server; connected to when first asked, and again where the connection has ended since."""

    def __init__(self, own: Directory) -> None:
        self._own = own
        self._connection: Any = None
        _, self._host, self._port = own.at()
        self._starttls = own.server.lower().startswith("ldap+starttls:")

    def find(self, address: str) -> Listed:
        """Tell what the server says of an address. Raises: Away."""
        if len(address) > LONGEST_ADDRESS or not address.isprintable():
            return Listed(directory=self._own.name)
        spellings = dict.fromkeys((address, other_spelling(address)))
        with self._in_time():
            found = next(filter(None, map(self._search, spellings)), [])
        return standing(found, self._own)

    def look(self) -> str:
        """Log in and look somebody up whom nobody knows. Raises: Away."""
        with self._in_time():
            self._search(NOBODY)
        return "logged in" if self._own.bind_dn else "answers"

    def close(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*_odd()):
                connection.unbind()
            with suppress(OSError, AttributeError):  # ldap3 leaves it open where TLS did not begin
                connection.socket.close()

    # ── asking ────────────────────────────────────────────────────────────────────────────────────────────────

    def _search(self, address: str) -> list[Values]:
        """Give the entries with an address, two at most; an idle connection that has ended is made anew once."""
        kept = self._connection is not None
        try:
            return self._asked(address)
        except Away:
            raise
        except _odd():
            self.close()
            if not kept:
                raise
            return self._asked(address)

    def _asked(self, address: str) -> list[Values]:
        connection, own = self._connected(), self._own
        from ldap3.utils.conv import escape_filter_chars  # type: ignore[import-untyped]

        wanted = own.filter.replace(ADDRESS, escape_filter_chars(address))
        names = [name for each in own.attributes.__struct_fields__ if each != "written"
                 for name in getattr(own.attributes, each)]  # fmt: skip
        if isinstance(connection.socket, _Bounded):
            connection.socket.left = MOST_BYTES
        connection.search(own.base, wanted, attributes=names, size_limit=2, time_limit=math.ceil(own.timeout))
        code = connection.result["result"]
        if code not in (SUCCESS, SIZE_LIMIT):
            raise self._away(_SAID.get(code) or f"answers with {connection.result['description']}")
        entries = [each for each in connection.response or () if each.get("type") == "searchResEntry"]
        return [_values(each.get("raw_attributes", {})) for each in entries[:2]]

    def _connected(self) -> Any:
        if self._connection is not None:
            return self._connection
        ldap3, own = _ldap3(), self._own
        try:
            secret, tls = own.secret(), _tls(ldap3, own, self._host)
        except (SecretError, OSError) as error:
            reason = str(error) if isinstance(error, SecretError) else f"ca_file {own.ca_file} cannot be used"
            raise Away(reason) from None
        wait = math.ceil(own.timeout)
        server = ldap3.Server(
            self._host, self._port, use_ssl=not self._starttls, tls=tls, get_info=ldap3.NONE,
            connect_timeout=own.timeout,
        )  # fmt: skip
        self._connection = connection = ldap3.Connection(
            server, own.bind_dn or None, secret or None, auto_bind=ldap3.AUTO_BIND_NONE,
            authentication=ldap3.SIMPLE if own.bind_dn else ldap3.ANONYMOUS, client_strategy=ldap3.SYNC,
            auto_referrals=False, auto_range=False, check_names=False, read_only=True, receive_timeout=wait,
            raise_exceptions=False,
        )  # fmt: skip
        connection.open(read_server_info=False)
        if self._starttls and not connection.start_tls(read_server_info=False):
            raise self._away("does not begin TLS")
        if not connection.bind(read_server_info=False):
            code = connection.result["result"]
            raise self._away(_SAID.get(code) or f"refuses the login: {connection.result['description']}")
        return connection

    # ── what goes wrong ───────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """Let a look-up take no longer than it may, whatever the server does, and make of every failure one sentence.

        ldap3 waits for each piece of an answer anew; here is a clock for all of them, which ends the connection.
        """
        over = threading.Event()
        late = threading.Event()
        clock = threading.Thread(target=self._end, args=(over, late), daemon=True)
        clock.start()
        try:
            yield
        except Away:
            self.close()
            raise
        except _odd() as error:
            self.close()
            if late.is_set():
                raise self._away(f"did not answer within {self._own.timeout:g} s") from None
            raise self._away(_reason(error)) from None
        finally:
            over.set()
            clock.join()

    def _end(self, over: threading.Event, late: threading.Event) -> None:
        wait = self._own.timeout
        while not over.wait(wait):
            late.set()
            wait = 0.05
            raw = getattr(self._connection, "socket", None)
            if raw is not None:
                with suppress(OSError, ValueError):
                    socket.socket.shutdown(raw, socket.SHUT_RDWR)

    def _away(self, said: str) -> Away:
        return Away(redact(f"directory {self._own.name}: {self._host} {said}"))


def _ldap3() -> Any:
    """The library, which is there where somebody installed it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # names of pyasn1 that ldap3 still uses
            import ldap3  # type: ignore[import-untyped]
    except ImportError:
        raise Away(MISSING) from None
    return ldap3


def _odd() -> tuple[type[Exception], ...]:
    """What ldap3 raises, and what it raises when a server talks nonsense."""
    from ldap3.core.exceptions import LDAPException  # type: ignore[import-untyped]
    from pyasn1.error import PyAsn1Error  # type: ignore[import-untyped]

    return LDAPException, PyAsn1Error, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError


def _tls(ldap3: Any, own: Directory, host: str) -> Any:
    """TLS 1.2 at least, certificate and name verified, by `ca_file` where there is one. Raises: OSError."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _Bounded
    if own.ca_file is not None:
        context.load_verify_locations(Path(own.ca_file))

    class Verified(ldap3.Tls):  # type: ignore[misc]
        """The TLS of ldap3 without its own idea of names in certificates."""

        def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
            connection.socket = context.wrap_socket(connection.socket, server_hostname=host)

    return Verified(validate=ssl.CERT_REQUIRED)


def _values(raw: Any) -> Values:
    """The values of an entry as text, by names in lower case; bytes that are no text become marks."""
    found: dict[str, Sequence[str]] = {}
    for name, values in dict(raw).items():
        found[str(name).lower()] = [each.decode("utf-8", "replace") for each in values if isinstance(each, bytes)]
    return found


def _reason(error: Exception) -> str:
    """What went wrong, in a few words."""
    text = " ".join(str(error).split())
    if "CERTIFICATE_VERIFY_FAILED" in text:
        why = text.partition("certificate verify failed: ")[2].partition(" (_ssl")[0]
        return f"shows a certificate that cannot be trusted: {why or 'it is not verified'}"
    for sign, said in _SIGNS:
        if sign in text:
            return said
    return f"cannot be asked: {text[:200]}" if any(map(str.isalpha, text)) else "answers what is no LDAP"
