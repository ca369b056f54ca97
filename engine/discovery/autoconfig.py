"""What a domain says of its mail by HTTPS: the file that mail programs look for (autoconfig).

Here: fetching it and reading it. Not here: what is done with it (`search.py`).
Invariant: at most `MOST_BYTES` are read, within `ANSWERING_S`, over TLS with a good certificate; a redirect leads to
another HTTPS address or nowhere; a document type, and so every entity, is refused.
"""

from __future__ import annotations

import http.client
import re
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit
from xml.parsers import expat

from engine.discovery.found import Server, Tls
from engine.discovery.world import encrypted

if TYPE_CHECKING:
    from engine.discovery.world import World

PLACES = (
    "https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={address}",
    "https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
)
"""Where the file may be; only a host that is called so is told the address, as mail programs do."""

ANSWERING_S = 6.0
MOST_BYTES = 256 << 10
MOST_REDIRECTS = 3
MOST_SERVERS = 20
PORTS = range(1, 65536)
_HOST = re.compile(r"\w[\w-]{0,62}(?:\.\w[\w-]{0,62})*")
SAFE: dict[str, Tls] = {"SSL": True, "STARTTLS": "starttls"}


class Unusable(Exception):
    """There is no file of use; the sentence says why."""


def fetched(world: World, url: str) -> bytes:
    """Get a file by HTTPS. Raises Unusable, NoNames."""
    for _ in range(MOST_REDIRECTS + 1):
        status, other, content = _asked(world, _host_of(url), url)
        if status == 200:
            return content
        if status not in (301, 302, 303, 307, 308) or not other:
            raise Unusable(f"answers {status}")
        try:
            url = urljoin(url, other)
        except ValueError:
            raise Unusable("leads nowhere") from None
    raise Unusable("leads on and on")


def _host_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme == "https" and parts.port in (None, 443)
    except ValueError:
        good = False
    if not good or not parts.hostname:
        raise Unusable(f"leads to {url[:80]}, which is no HTTPS")
    return parts.hostname


def _asked(world: World, host: str, url: str) -> tuple[int, str, bytes]:
    """One exchange: the status, where it leads, and the file."""
    parts, connection = urlsplit(url), http.client.HTTPSConnection(host)
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    end = monotonic() + ANSWERING_S
    try:
        with world.line(host, 443, ANSWERING_S) as line, encrypted(line, host) as connection.sock:
            connection.request("GET", path, headers={"Accept": "text/xml, application/xml", "User-Agent": "allegra"})
            answer = connection.getresponse()
            content = answer.read(MOST_BYTES + 1)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Unusable("is too slow" if monotonic() >= end else _why(error)) from None
    if monotonic() >= end:  # the line was cut, and so may be what came
        raise Unusable("is too slow")
    if len(content) > MOST_BYTES:
        raise Unusable(f"sends more than {MOST_BYTES} bytes")
    return answer.status, answer.getheader("Location") or "", content


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "is too slow"
    told = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or getattr(error, "reason", "")
    return f"cannot be asked: {told or error or type(error).__name__}"


def place(pattern: str, domain: str, address: str) -> str:
    """The address of the file for a domain."""
    return pattern.format(domain=domain, address=quote(address, safe="@"))


def read(content: bytes, address: str) -> tuple[Server, ...]:
    """The servers of the file, in its order; those without TLS, and other protocols, are left out. Raises Unusable."""
    found: list[dict[str, str]] = []
    path: list[str] = []
    text: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        path.append(name)
        text.clear()
        if name in ("incomingServer", "outgoingServer") and path[-2:-1] == ["emailProvider"]:
            found.append({"type": attributes.get("type", "")})

    def end(name: str) -> None:
        if found and path[-2:-1] in (["incomingServer"], ["outgoingServer"]):
            found[-1].setdefault(name, "".join(text).strip())
        path.pop()
        text.clear()

    def refuse(*_: object) -> None:
        raise Unusable("holds a document type, which such a file has not")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text.append
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise Unusable("is no such file") from None
    servers = [_server(each, address) for each in found[:MOST_SERVERS]]
    return tuple(each for each in servers if each is not None)


def _server(told: dict[str, str], address: str) -> Server | None:
    safe, port = SAFE.get(told.get("socketType", "").upper()), told.get("port", "")
    host = told.get("hostname", "").lower()
    good = _HOST.fullmatch(host) is not None and re.fullmatch(r"\d{1,5}", port) is not None and int(port) in PORTS
    if not good or safe is None or told["type"] not in ("imap", "pop3", "smtp"):
        return None
    local = address.partition("@")[0]
    username = told.get("username", "").replace("%EMAILADDRESS%", address).replace("%EMAILLOCALPART%", local)
    username = username.replace("%EMAILDOMAIN%", address.partition("@")[2])
    strange = "%" in username or not username.isprintable()
    return Server(told["type"], host, int(port), safe, "" if strange or username == address else username)
