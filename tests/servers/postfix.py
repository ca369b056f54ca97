"""A private Postfix on loopback: it takes mail for every domain, and some addresses have a Maildir.

Here: configuration, start, stop, mailboxes. Mail for pipe.test is given to a program, for lmtp.test to whoever listens
at `lmtp`, for all other addresses it comes back. Not here: pytest (`conftest.py`).
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from servers.dovecot import free_ports

SENDMAIL, DAEMONS = "/usr/sbin/sendmail", Path("/usr/lib/postfix/sbin")
MAIL_USER = 8
"""Who owns mail, by number: as in `dovecot.py`."""

QUEUES = (
    *((name, "", 0o700) for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming",
                                     "private", "saved", "trace")),
    ("pid", "", 0o755), ("maildrop", "postdrop", 0o1730), ("public", "postdrop", 0o2710),
)  # fmt: skip
"""The folders of its queue: name, group, mode."""

PEOPLE = (
    "help@example.com", "support@example.com", "anna@example.com", "bob@example.com", "olga@example.com",
    "jane@big.example", "karl@big.example", "kim@big.example",
)  # fmt: skip
"""Who has a mailbox, with whatever stands behind a plus, too."""


def missing() -> str:
    """Say what keeps it from running; "" when nothing does."""
    if not (Path(SENDMAIL).exists() and (DAEMONS / "master").exists()):
        return "not installed: Postfix (apt-get install postfix)"
    return "" if os.geteuid() == 0 else "a private Postfix needs root"


class Postfix:
    """The server: it listens on `port`. `mailboxes` is where the Maildir of `jane@big.example` lies, by that name."""

    def __init__(self, mailboxes: Path) -> None:
        self.mailboxes = mailboxes
        self.base = Path(tempfile.mkdtemp(prefix="allegra-postfix-"))
        self.base.chmod(0o755)
        for name in ("etc", "spool", "data"):
            (self.base / name).mkdir()
        shutil.chown(self.base / "data", "postfix")
        self._make_queues()
        self._write("domains", "/./ here\n")
        self._write("mailboxes", "".join(f"{each} {each}/Maildir/\n" for each in PEOPLE))
        self.pipe, self.lmtp = self.base / "pipe", self.base / "lmtp.sock"
        self.into("exit 75")
        self._process: subprocess.Popen[bytes] | None = None
        (self.port,) = free_ports(1)
        self._start_somewhere()

    def _make_queues(self) -> None:
        """Make what `postfix check` makes in two seconds."""
        for name, group, mode in QUEUES:
            folder = self.base / "spool" / name
            folder.mkdir()
            shutil.chown(folder, "root" if name == "pid" else "postfix", group or None)
            folder.chmod(mode)

    def _write(self, name: str, text: str) -> None:
        """Write a file of the configuration; Postfix reads none that is younger than two seconds."""
        file = self.base / "etc" / name
        file.write_text(text)
        os.utime(file, (1_700_000_000, 1_700_000_000))

    def start(self) -> bool:
        """Start it, or start it again; tells whether it answers."""
        self._write("main.cf", self._main())
        self._write("master.cf", self._master())
        self._process = subprocess.Popen(
            [DAEMONS / "master", "-c", str(self.base / "etc"), "-s"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        end = time.monotonic() + 15
        while time.monotonic() < end and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                    if connection.recv(10):
                        return True
            except OSError:
                time.sleep(0.01)
        return False

    def stop(self) -> None:
        """End it; what it has not delivered stays in its queue."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def close(self) -> None:
        """End it and remove its files."""
        self.stop()
        shutil.rmtree(self.base, ignore_errors=True)

    def empty(self) -> None:
        """Forget all mail in the mailboxes."""
        for each in PEOPLE:
            shutil.rmtree(self.mailboxes / each, ignore_errors=True)

    def again(self) -> None:
        """Be for the next test as for the first: running, with an empty queue and a program that takes nothing."""
        self.into("exit 75")
        self.stop()
        for name in ("maildrop", "incoming", "active", "deferred", "defer", "bounce"):
            for path in (self.base / "spool" / name).rglob("*"):
                if path.is_file():
                    path.unlink()
        self._start_somewhere()

    def _start_somewhere(self) -> None:
        """Start it, at another port where somebody else took the one it had. Raises RuntimeError."""
        for _ in range(5):
            if self.start():
                return
            self.stop()
            (self.port,) = free_ports(1)
        raise RuntimeError("Postfix does not start: " + self.log()[-2000:])

    @property
    def sendmail(self) -> list[str]:
        """The command by which a program of this machine gives it mail."""
        return [SENDMAIL, "-C", str(self.base / "etc"), "-i"]

    def into(self, script: str) -> None:
        """Let this shell script have the mail for pipe.test: $1 is the sender, $2 the recipient, $3 the queue id."""
        made = self.pipe.with_suffix(".new")
        made.write_text(f"#!/bin/sh\n{script}\n")
        made.chmod(0o755)
        made.replace(self.pipe)

    def log(self) -> str:
        """What it says of itself."""
        file = self.base / "mail.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def wait(self, seconds: float = 20.0) -> None:
        """Wait until its queue is empty. Raises AssertionError."""
        end = time.monotonic() + seconds
        queues = [self.base / "spool" / name for name in ("maildrop", "incoming", "active", "deferred")]
        while any(path.is_file() for queue in queues for path in queue.rglob("*")):
            if time.monotonic() > end:
                raise AssertionError("Postfix does not come to an end: " + self.log()[-2000:])
            time.sleep(0.01)

    def mails(self, address: str) -> list[bytes]:
        """What lies in a mailbox, oldest first."""
        folder = self.mailboxes / address / "Maildir"
        found = [path for part in ("new", "cur") if (folder / part).is_dir() for path in (folder / part).iterdir()]
        return [path.read_bytes() for path in sorted(found, key=lambda path: path.stat().st_mtime_ns)]

    def _main(self) -> str:
        return f"""
compatibility_level = 3.6
queue_directory = {self.base}/spool
data_directory = {self.base}/data
command_directory = /usr/sbin
daemon_directory = {DAEMONS}
shlib_directory = /usr/lib/postfix
meta_directory = /etc/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file = {self.base}/mail.log
maillog_file_prefixes = {self.base}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.test
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
recipient_delimiter = +
virtual_mailbox_domains = regexp:{self.base}/etc/domains
virtual_mailbox_base = {self.mailboxes}
virtual_mailbox_maps = texthash:{self.base}/etc/mailboxes
virtual_uid_maps = static:{MAIL_USER}
virtual_gid_maps = static:{MAIL_USER}
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
transport_maps = inline:{{ {{ pipe.test = engine: }}, {{ lmtp.test = handed:unix:{self.lmtp} }} }}
engine_destination_recipient_limit = 1
engine_time_limit = 60s
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_reject_unlisted_recipient = no
smtpd_client_connection_count_limit = 0
smtputf8_enable = no
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
transport_retry_time = 1s
in_flow_delay = 0
notify_classes =
"""

    def _master(self) -> str:
        return f"""
127.0.0.1:{self.port} inet n - n - - smtpd
pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
handed unix - - n - 4 lmtp
  -o lmtp_send_xforward_command=yes
engine unix - n n - 4 pipe
  flags=DRXOhu null_sender= user=nobody argv={self.pipe} ${{sender}} ${{original_recipient}} ${{queue_id}}
"""
