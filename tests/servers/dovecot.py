"""A private Dovecot on loopback: IMAP, POP3 and TLS, in 50 ms, as root or as anybody.

Here: configuration, start, stop, accounts, and what lies in their folders. Not here: pytest (`tests/conftest.py`).
"""

from __future__ import annotations

import grp
import itertools
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

DOVECOT = "/usr/sbin/dovecot"
FULL_AT = 3
"""Messages that the account of `account(nearly_full=True)` may hold."""

MAIL = b"Subject: saved\r\n\r\nby doveadm\r\n"
"""What `doveadm save` reads."""

NEEDS = (DOVECOT, "/usr/lib/dovecot/pop3", "/usr/lib/dovecot/imap", "openssl", "doveadm")


def missing() -> str:
    """Name what is not installed; "" when all is there."""
    return ", ".join(Path(each).name for each in NEEDS if shutil.which(each) is None)


@dataclass(frozen=True)
class Account:
    """A user of the server; `home` holds the Maildir."""

    server: Dovecot
    user: str
    password: str
    home: Path

    @property
    def maildir(self) -> Path:
        return self.home / "Maildir"

    def folder(self, name: str = "INBOX") -> Path:
        """The directory of a folder, as Maildir++ names it."""
        return self.maildir if name == "INBOX" else self.maildir / ("." + name.replace("/", "."))

    def deliver(self, *mails: bytes, folder: str = "INBOX") -> None:
        """Put mails into a folder, in order."""
        directory = self.folder(folder)
        for name in ("tmp", "new", "cur"):
            (directory / name).mkdir(parents=True, exist_ok=True)
        for mail in mails:
            number = next(self.server.numbers)
            (directory / "new" / f"{1_700_000_000 + number}.M{number}.test").write_bytes(mail)
        self.server.give_to_mail_user(self.home)

    def mails(self, folder: str = "INBOX") -> list[bytes]:
        """What lies in a folder, oldest first."""
        return [path.read_bytes() for path in self._files(folder)]

    def flags(self, folder: str = "INBOX") -> list[str]:
        """The flags of what lies in a folder, as Maildir writes them, oldest first."""
        return [path.name.partition(":2,")[2] for path in self._files(folder)]

    def _files(self, folder: str) -> list[Path]:
        found = [path for name in ("new", "cur") if (self.folder(folder) / name).is_dir()
                 for path in (self.folder(folder) / name).iterdir()]  # fmt: skip
        return sorted(found, key=lambda path: path.name)

    def doveadm(self, *words: str) -> None:
        """Administer the account: `doveadm WORDS… -u USER`."""
        command, *rest = words
        second = [rest.pop(0)] if command in ("mailbox", "flags") else []
        self.server.doveadm(command, *second, "-u", self.user, *rest)


class Dovecot:
    """The server. Ports: `imap` and `pop3` (STARTTLS offered), `imaps` and `pop3s`; `ca_file` is its certificate.

    With `introspects`, an address, it takes tokens of which that says whose they are, and no password.
    """

    host = "localhost"

    def __init__(self, introspects: str = "") -> None:
        self.introspects = introspects
        self.base = Path(tempfile.mkdtemp(prefix="allegra-dovecot-"))
        self.base.chmod(0o755)
        self.numbers = itertools.count(1)
        self.root = os.geteuid() == 0
        self.uid, self.gid = (8, 8) if self.root else (os.geteuid(), os.getegid())
        for name in ("run", "mail", "state"):
            (self.base / name).mkdir()
        self.give_to_mail_user(self.base / "mail")
        self.ca_file, key = make_certificate(self.base, "server")
        self.password = "pw-" + secrets.token_hex(8)
        self._full = iter(f"full{number}" for number in range(1, 100))
        (self.base / "full").write_text(
            "".join(
                f"full{number}::{self.uid}:{self.gid}::{self.base}/mail/full{number}::userdb_quota_rule=*:messages={FULL_AT}\n"
                for number in range(1, 100)
            )
        )
        self._start(key)

    def _start(self, key: Path) -> None:
        for _ in range(5):  # somebody else may take a port between our look and Dovecot's
            self.imap, self.imaps, self.pop3, self.pop3s = free_ports(4)
            (self.base / "dovecot.conf").write_text(self._configuration(key))
            words = [DOVECOT, "-F", "-c", str(self.base / "dovecot.conf")]
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self._answers():
                return
            self.stop(keep=True)
        raise RuntimeError("Dovecot does not start: " + (self.base / "dovecot.log").read_text()[-2000:])

    def _answers(self) -> bool:
        end = time.monotonic() + 15
        while time.monotonic() < end and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.imap), 5) as connection:
                    if connection.recv(10):
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

    def account(self, nearly_full: bool = False) -> Account:
        """Make a user of its own; one that is `nearly_full` may hold `FULL_AT` messages."""
        user = next(self._full) if nearly_full else f"u{next(self.numbers)}"
        home = self.base / "mail" / user
        home.mkdir()
        account = Account(self, user, self.password, home)
        account.deliver()
        return account

    def user(self, name: str) -> Account:
        """The user of that name, whose mail somebody else puts there."""
        return Account(self, name, self.password, self.base / "mail" / name)

    def give_to_mail_user(self, path: Path) -> None:
        """Let Dovecot's mail processes own a directory and what is in it."""
        if self.root:
            for each in (path, *path.rglob("*")):
                with suppress(FileNotFoundError):  # a lock of a server that is at work there
                    os.chown(each, self.uid, self.gid, follow_symlinks=False)

    def doveadm(self, *words: str) -> None:
        """Run doveadm. Raises CalledProcessError."""
        command = ["doveadm", "-c", str(self.base / "dovecot.conf"), *words]
        subprocess.run(command, check=True, capture_output=True, input=MAIL)

    def _configuration(self, key: Path) -> str:
        by_password = f"passdb {{\n driver = static\n args = password={self.password}\n}}"
        by_token = f"passdb {{\n driver = oauth2\n mechanisms = xoauth2 oauthbearer\n args = {self.base}/oauth2\n}}"
        (self.base / "oauth2").write_text(
            f"introspection_mode = post\nintrospection_url = {self.introspects}\nusername_attribute = username\n"
            "active_attribute = active\nactive_value = true\n"
        )
        me, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
        internal, login, internal_group = ("dovecot", "dovenull", "dovecot") if self.root else (me, me, group)
        services = "".join(
            f"service {kind}-login {{\n chroot =\n service_count = 0\n inet_listener {kind} {{\n  port = {plain}\n }}\n"
            f" inet_listener {kind}s {{\n  port = {tls}\n  ssl = yes\n }}\n}}\n"
            for kind, plain, tls in (("imap", self.imap, self.imaps), ("pop3", self.pop3, self.pop3s))
        )
        return f"""
base_dir = {self.base}/run
state_dir = {self.base}/state
log_path = {self.base}/dovecot.log
listen = 127.0.0.1
protocols = imap pop3
ssl = yes
ssl_cert = <{self.ca_file}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = {"xoauth2 oauthbearer" if self.introspects else "plain login cram-md5 apop"}
auth_failure_delay = 0
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
mail_location = maildir:~/Maildir
mail_fsync = never
mail_max_userip_connections = 100
first_valid_uid = 1
first_valid_gid = 1
{"" if self.root else "mail_privileged_group ="}
mail_plugins = quota
{by_token if self.introspects else by_password}
userdb {{
  driver = passwd-file
  args = {self.base}/full
}}
userdb {{
  driver = static
  args = uid={self.uid} gid={self.gid} home={self.base}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
plugin {{
  quota = count:User quota
  quota_vsizes = yes
  quota_grace = 0
}}
protocol imap {{
  mail_plugins = quota imap_quota
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
{services}"""


def free_ports(number: int) -> list[int]:
    """Ask the kernel for ports nobody uses now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def make_certificate(base: Path, name: str, names: str = "DNS:localhost,IP:127.0.0.1") -> tuple[Path, Path]:
    """Make a self-signed certificate; gives its file and that of the key."""
    certificate, key = base / f"{name}.pem", base / f"{name}.key"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=test"]
    files = ["-addext", f"subjectAltName={names}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", "-x509", *kind, *files], check=True, capture_output=True)
    return certificate, key
