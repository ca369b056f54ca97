"""The sections that tell how to reach a server: mailboxes and the way out.

Here: the options of [defaults.mailbox], [system.mailbox], [workspace.NAME.mailbox], [smtp], [webhooks.NAME].
Not here: reading the secrets (`secrets.py`), what must be there together (`cross.py`).
"""

from typing import TYPE_CHECKING, ClassVar, Literal

from engine.config.kinds import (
    AddressText,
    Command,
    Count,
    Duration,
    Host,
    Line,
    MailboxText,
    Moment,
    OptionalPath,
    Port,
    Positive,
    Silence,
)
from engine.config.secrets import Secrets
from engine.config.section import Filled, Section
from engine.model.events import BY_NAME

PORTS = {("imap", True): 993, ("imap", False): 143, ("pop3", True): 995, ("pop3", False): 110}
"""The usual port of a protocol, with TLS from the first byte and without."""

SPOKE_PLAINLY = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE")
"""What OpenSSL calls the plain text of a server where TLS should begin: the port is another one."""


class Mailbox(Section, frozen=True):
    """A configured account and folder that mail is read from.

    All inheritance is applied. `name` is "system" or the workspace identifier, `workspace` is empty for the system
    mailbox. Paths and `port` are resolved; `timeout` is in seconds; `since` is as written (`kinds.in_zone`).
    """

    aliases: ClassVar = {"pop3_auth_option": "auth", "pop3_auth_options": "auth", "mailbox": "folder", "server": "host",
                         "login": "username"}  # fmt: skip
    words: ClassVar = {("auth", "user"): "login"}
    nested: ClassVar[bool] = True

    protocol: Literal["imap", "pop3", "maildir", "mbox", "pipe", "program"] = "imap"
    host: Host = ""
    port: Port = 0
    ssl: bool | Literal["starttls"] = True
    ssl_verification: bool = True
    ca_file: OptionalPath = None
    username: Line = ""
    password: Line = ""
    password_env: Line = ""
    password_file: OptionalPath = None
    password_command: Command = ()
    auth: Literal["login", "plain", "apop", "cram-md5"] = "login"
    addresses: tuple[AddressText, ...] = ()
    path: OptionalPath = None
    folder: Line = "INBOX"
    query: Line = "ALL"
    since: Moment = None
    max_emails: Positive = 1000
    order: Literal["oldest-first", "newest-first"] = "oldest-first"
    timeout: Duration = 60.0
    after_success: Literal["move", "seen", "delete", "keep"] = "move"
    move_on_success: Line = ""
    after_failure: Literal["move", "seen", "delete", "keep"] = "move"
    move_on_failure: Line = ""
    move_on_hold: Line = ""
    on_identical: Literal["settle", "process"] = "settle"
    exclusive_mailbox: bool = False
    keep_until: Literal["processed", "item-closed"] = "processed"
    use_message_id_as_uid: bool = False
    delete_unprocessed: bool = False
    silence: Silence = "auto"
    active: bool = True
    name: Filled[str] = ""
    workspace: Filled[str] = ""

    @property
    def place(self) -> str:
        """Where it is, for people: the server, or the folder of a Maildir."""
        return self.host or str(self.path or self.protocol)

    def secret(self) -> str:
        """The password. Raises: SecretError with a plain sentence."""
        return Secrets("mailbox " + self.name, self.password, self.password_env, self.password_file,
                       self.password_command).read()  # fmt: skip


SENDMAIL = ("/usr/sbin/sendmail", "-i")
"""The program that most mail servers bring along; `-i`: a line with nothing but a dot does not end the mail."""


class Smtp(Section, frozen=True, rename={"from_": "from"}):
    """What takes outgoing mail: a server, a program (`command`), or a Maildir (`path`), as `transport` says.

    `port` 0 follows `ssl`; `from_` may carry a display name.
    """

    transport: Literal["smtp", "sendmail", "maildir"] = "smtp"
    command: Command = SENDMAIL
    path: OptionalPath = None
    host: Host = ""
    port: Port = 0
    ssl: bool | Literal["starttls"] = "starttls"
    ssl_verification: bool = True
    ca_file: OptionalPath = None
    username: Line = ""
    password: Line = ""
    password_env: Line = ""
    password_file: OptionalPath = None
    password_command: Command = ()
    from_: MailboxText = ""
    send_as: Literal["system", "user"] = "user"
    max_per_run: Count = 200
    give_up_after: Duration = 5 * 86400.0
    timeout: Duration = 60.0

    @property
    def place(self) -> str:
        """Where mail goes out, for people."""
        if self.transport == "sendmail":
            return self.command[0] if self.command else ""
        return str(self.path or "") if self.transport == "maildir" else self.host

    def secret(self) -> str:
        """The password, "" where there is no `username`. Raises: SecretError with a plain sentence."""
        if not self.username:
            return ""
        return Secrets("smtp", self.password, self.password_env, self.password_file, self.password_command).read()


if TYPE_CHECKING:
    HookEvent = str
else:
    HookEvent = Literal["item.*", *BY_NAME, "mail.error"]
    """What a webhook may be told of: an event, all of items, or `mail.error`, the former name of `mail.failed`."""


class Webhook(Section, frozen=True):
    """An address that is told of events. The address counts as a secret; with a `secret` what it is told is signed."""

    url: Line = ""
    url_env: Line = ""
    url_file: OptionalPath = None
    url_command: Command = ()
    secret: Line = ""
    secret_env: Line = ""
    secret_file: OptionalPath = None
    secret_command: Command = ()
    events: tuple[HookEvent, ...] = ()
    timeout: Duration = 10.0
    name: Filled[str] = ""

    def address(self) -> str:
        """The address to post to. Raises: SecretError with a plain sentence."""
        return Secrets("webhook " + self.name, self.url, self.url_env, self.url_file, self.url_command, "url").read()

    def signing_secret(self) -> str:
        """What signs, "" where nothing does. Raises: SecretError with a plain sentence."""
        ways = (self.secret, self.secret_env, self.secret_file, self.secret_command)
        return Secrets("webhook " + self.name, *ways, "secret").read() if any(ways) else ""
