"""The sections that tell how to reach a server: mailboxes and the way out.

Here: the options of [defaults.mailbox], [system.mailbox], [workspace.NAME.mailbox], [smtp], [oauth.NAME] and
[webhooks.NAME]. Not here: doors and directories (`doors.py`, `directory.py`), reading the secrets (`secrets.py`), what
must be there together (`cross.py`, `oauth.py`).
"""

from pathlib import Path
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
    Poll,
    Port,
    Positive,
    Silence,
    Url,
)
from engine.config.secrets import Secrets
from engine.config.section import Filled, Section
from engine.model.events import BY_NAME

PORTS = {
    ("imap", True): 993, ("imap", False): 143, ("pop3", True): 995, ("pop3", False): 110,
    ("gmail", True): 443, ("graph", True): 443,
}  # fmt: skip
"""The usual port of a protocol, with TLS from the first byte and without."""

APIS = {"gmail": "gmail.googleapis.com", "graph": "graph.microsoft.com"}
"""The protocols that are a provider's API by HTTPS, and the usual host of each."""

SPOKE_PLAINLY = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE")
"""What OpenSSL calls the plain text of a server where TLS should begin: the port is another one."""


TOKENS = ("xoauth2", "oauthbearer")
"""The ways to log in with a token in place of a password."""


class OAuth(Section, frozen=True):
    """How the tokens are got that let us in to mail servers: from whom, as whom, and what proves it.

    `name` is that of the table, `kept_in` the folder where tokens are kept, `uses` what logs in with them: imap, pop3,
    gmail, graph, smtp.
    """

    aliases: ClassVar = {"flow": "grant", "service_account": "service_account_file", "key_file": "private_key_file"}
    words: ClassVar = {
        ("grant", "device"): "refresh_token", ("grant", "device-code"): "refresh_token",
        ("grant", "authorization-code"): "refresh_token", ("provider", "custom"): "other",
        ("provider", "azure"): "microsoft", ("provider", "office365"): "microsoft", ("provider", "gmail"): "google",
    }  # fmt: skip

    provider: Literal["microsoft", "google", "other"] = "microsoft"
    grant: Literal["client_credentials", "refresh_token", "service_account"] = "client_credentials"
    tenant: Line = ""
    client_id: Line = ""
    client_secret: Line = ""
    client_secret_env: Line = ""
    client_secret_file: OptionalPath = None
    client_secret_command: Command = ()
    secret_expires: Moment = None
    certificate: OptionalPath = None
    private_key_file: OptionalPath = None
    refresh_token: Line = ""
    refresh_token_env: Line = ""
    refresh_token_file: OptionalPath = None
    refresh_token_command: Command = ()
    service_account_file: OptionalPath = None
    subject: Line = ""
    scope: Line = ""
    token_url: Url = ""
    device_url: Url = ""
    authorize_url: Url = ""
    ca_file: OptionalPath = None
    name: Filled[str] = ""
    kept_in: Filled[Path] = Path()
    uses: Filled[tuple[str, ...]] = ()

    def secret(self) -> str:
        """The client secret, "" where there is none. Raises: SecretError with a plain sentence."""
        ways = (self.client_secret, self.client_secret_env, self.client_secret_file, self.client_secret_command)
        return Secrets("oauth " + self.name, *ways, "client_secret").read() if any(ways) else ""

    def first_refresh_token(self) -> str:
        """The refresh token that the file gives, "" where a sign-in does. Raises: SecretError."""
        ways = (self.refresh_token, self.refresh_token_env, self.refresh_token_file, self.refresh_token_command)
        return Secrets("oauth " + self.name, *ways, "refresh_token").read() if any(ways) else ""


class Mailbox(Section, frozen=True):
    """A configured account and folder that mail is read from.

    All inheritance is applied. `name` is "system" or the workspace identifier, `workspace` is empty for the system
    mailbox, `sign_in` is what `oauth` names. Paths and `port` are resolved; `timeout` and `poll` are in seconds;
    `since` is as written (`kinds.in_zone`).
    """

    aliases: ClassVar = {"pop3_auth_option": "auth", "pop3_auth_options": "auth", "mailbox": "folder", "server": "host",
                         "login": "username"}  # fmt: skip
    words: ClassVar = {("auth", "user"): "login", ("auth", "oauth2"): "xoauth2", ("auth", "oauth"): "xoauth2",
                       ("protocol", "lmtp"): "pipe", ("protocol", "http"): "pipe"}  # fmt: skip
    nested: ClassVar[bool] = True

    protocol: Literal["imap", "pop3", "gmail", "graph", "maildir", "mbox", "pipe", "program"] = "imap"
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
    auth: Literal["login", "plain", "apop", "cram-md5", "xoauth2", "oauthbearer"] = "login"
    oauth: Line = ""
    addresses: tuple[AddressText, ...] = ()
    path: OptionalPath = None
    folder: Line = "INBOX"
    query: Line = "ALL"
    since: Moment = None
    max_emails: Positive = 1000
    order: Literal["oldest-first", "newest-first"] = "oldest-first"
    timeout: Duration = 60.0
    poll: Poll = 300.0
    idle: bool = True
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
    sign_in: Filled[OAuth | None] = None

    @property
    def place(self) -> str:
        """Where it is, for people: the server, or the folder of a Maildir."""
        return self.host or str(self.path or self.protocol)

    def folder_key(self, folder: str) -> str:
        """The form in which folders are compared: INBOX in any case (RFC 9051, 5.1), those of an API as well."""
        plain = folder.casefold()
        return plain if plain == "inbox" or self.protocol in APIS else folder

    def secret(self) -> str:
        """The password, where no token is got. Raises: SecretError with a plain sentence."""
        return Secrets("mailbox " + self.name, self.password, self.password_env, self.password_file,
                       self.password_command).read()  # fmt: skip


SENDMAIL = ("/usr/sbin/sendmail", "-i")
"""The program that most mail servers bring along; `-i`: a line with nothing but a dot does not end the mail."""


class Smtp(Section, frozen=True, rename={"from_": "from"}):
    """What takes outgoing mail: a server, a program (`command`), or a Maildir (`path`), as `transport` says.

    `port` 0 follows `ssl`; `from_` may carry a display name; `sign_in` is what `oauth` names.
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
    auth: Literal["login", "xoauth2", "oauthbearer"] = "login"
    oauth: Line = ""
    from_: MailboxText = ""
    send_as: Literal["system", "user"] = "user"
    max_per_run: Count = 200
    give_up_after: Duration = 5 * 86400.0
    timeout: Duration = 60.0
    sign_in: Filled[OAuth | None] = None

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
