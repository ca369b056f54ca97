"""A private OpenLDAP server on loopback: LDAP with StartTLS and LDAPS, with the entries of a text, as anybody.

Here: configuration, start, stop, what is in it. Not here: pytest (`tests/conftest.py`).
"""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from servers.dovecot import free_ports, make_certificate

SLAPD, SLAPADD = "/usr/sbin/slapd", "/usr/sbin/slapadd"
SCHEMAS = Path("/etc/ldap/schema")
BASE = "dc=example,dc=com"
MANY = 10_000
"""People of the branch `ou=many`, who all have one address."""


def missing() -> str:
    """Name what is not installed; "" when all is there."""
    absent = [Path(each).name for each in (SLAPD, SLAPADD) if shutil.which(each) is None]
    return ", ".join(absent + ([] if shutil.which("openssl") else ["openssl"]))


def _person(uid: str, branch: str, *more: str) -> str:
    return "\n".join(
        (f"dn: uid={uid},ou={branch},{BASE}", "objectClass: inetOrgPerson", "objectClass: extra", f"uid: {uid}",
         f"sn: {uid}", *more, "", "")
    )  # fmt: skip


PEOPLE = (
    _person("jane", "people", "cn: Jane Doe", "mail: jane@example.com", "mail: j.doe@example.com",
            "preferredLanguage: de-AT", "memberOf: cn=Support Staff,ou=groups,dc=example,dc=com",
            "memberOf: cn=Nobody here\\, Ltd,ou=groups,dc=example,dc=com")
    + _person("lola", "people", "cn: Lola", "mail: lola@example.com", "nsAccountLock: TRUE")
    + _person("adam", "people", "cn: Adam", "mail: adam@example.com", "userAccountControl: 514")
    + _person("eve", "people", "cn: Eve", "mail: eve@example.com", "userAccountControl: 512")
    + _person("one", "people", "cn: One", "mail: both@example.com")
    + _person("two", "people", "cn: Two", "mail: both@example.com")
    + _person("odd", "people", "cn: Odd", "rawName:: /9jidw==", "mail: odd@example.com",
              "displayName: =cmd|' /C calc'!A0")
    + _person("umlaut", "people", "cn:: SsO8cmdlbiBNw7xsbGVy", "mail: juergen@example.com")
)  # fmt: skip

_HEAD = f"""dn: {BASE}
objectClass: domain
dc: example

dn: ou=people,{BASE}
objectClass: organizationalUnit
ou: people

dn: ou=many,{BASE}
objectClass: organizationalUnit
ou: many

"""


class Slapd:
    """The server. Ports: `ldap` (StartTLS offered) and `ldaps`; `ca_file` is its certificate."""

    host = "localhost"
    bind_dn = f"cn=reader,{BASE}"
    people = f"ou=people,{BASE}"
    many = f"ou=many,{BASE}"

    def __init__(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="allegra-slapd-"))
        self.ca_file, self._key = make_certificate(self.base, "server")
        self.password = "pw-" + secrets.token_hex(8)
        (self.base / "data").mkdir()
        (self.base / "slapd.conf").write_text(self._configuration())
        many = "".join(_person(f"u{number}", "many", "cn: X", "mail: all@example.com") for number in range(MANY))
        (self.base / "people.ldif").write_text(_HEAD + PEOPLE + many)
        words = [SLAPADD, "-q", "-f", str(self.base / "slapd.conf"), "-l", str(self.base / "people.ldif")]
        subprocess.run(words, check=True, capture_output=True)
        self.start()

    @property
    def ended(self) -> bool:
        """Tell whether it does not run."""
        return self._process.poll() is not None

    def start(self, ports: tuple[int, int] | None = None) -> None:
        """Start it, on ports of its own unless they are said."""
        for _ in range(5):  # somebody else may take a port between our look and the server's
            self.ldap, self.ldaps = ports or free_ports(2)
            words = [SLAPD, "-d", "0", "-f", str(self.base / "slapd.conf"),
                     "-h", f"ldap://127.0.0.1:{self.ldap} ldaps://127.0.0.1:{self.ldaps}"]  # fmt: skip
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self._answers():
                return
            self.stop(keep=True)
        raise RuntimeError("slapd does not start")

    def _answers(self) -> bool:
        end = time.monotonic() + 15
        while time.monotonic() < end and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.ldaps), 5).close()
                return True
            except OSError:
                time.sleep(0.01)
        return False

    def stop(self, keep: bool = False) -> None:
        """End the server and remove its files."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if not keep:
            shutil.rmtree(self.base, ignore_errors=True)

    def settings(self, starttls: bool = False, **other: str) -> str:
        """The options of a [directory.NAME] that asks this server."""
        way = f"ldap+starttls://localhost:{self.ldap}" if starttls else f"ldaps://localhost:{self.ldaps}"
        given = {"kind": "ldap", "server": way, "ca_file": str(self.ca_file), "bind_dn": self.bind_dn,
                 "password": self.password, "base": self.people, **other}  # fmt: skip
        return "".join(f"{name} = '{value}'\n" for name, value in given.items())

    def _configuration(self) -> str:
        includes = "".join(f"include {SCHEMAS}/{name}.schema\n" for name in ("core", "cosine", "inetorgperson"))
        extra = "".join(
            f"attributetype ( 1.3.6.1.4.1.99999.1.{number} NAME '{name}' EQUALITY caseIgnoreMatch "
            "SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )\n"
            for number, name in enumerate(("userAccountControl", "nsAccountLock", "proxyAddresses", "memberOf"), 1)
        )
        return f"""{includes}{extra}
attributetype ( 1.3.6.1.4.1.99999.1.9 NAME 'rawName' SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
objectclass ( 1.3.6.1.4.1.99999.2.1 NAME 'extra' SUP top AUXILIARY
  MAY ( userAccountControl $ nsAccountLock $ proxyAddresses $ memberOf $ rawName ) )
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {self.base}/pid
TLSCertificateFile {self.ca_file}
TLSCertificateKeyFile {self._key}
database mdb
suffix "{BASE}"
rootdn "{self.bind_dn}"
rootpw {self.password}
directory {self.base}/data
maxsize 268435456
index mail eq
sizelimit 5000
"""
