"""The big providers: how their mail exchangers are called, which servers they have, and what else must be known.

Here: the table, and looking a provider up by a domain of its own, a mail exchanger or a server. Not here: asking the
name service (`names.py`).
Invariant: a name in the table counts as a whole or as the end after a dot, never as a part of a word.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from engine.discovery.found import Server, Tls, belongs

APP = "it takes no password of the account here, but an app password, which is made in the account's security settings"
SWITCH = "reading by IMAP has to be switched on in the account's settings first"


class Provider(Struct, frozen=True):
    """A provider. `domains` are of its own customers, `mx` the ends of the names of its mail exchangers.

    `imap` and `smtp` are hosts with an optional port; "" is a service that it has not. `password` tells how one logs
    in: with the account's own, `app` one made for a program, or `none` (OAuth 2 only). `oauth` is the `provider` that
    the configuration calls it by. `told` is what people should know.
    """

    name: str
    imap: str
    smtp: str
    mx: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    password: str = "own"
    oauth: str = ""
    told: str = ""

    def servers(self, protocol: str = "imap") -> tuple[Server, ...]:
        """Its servers: the one for reading by `protocol`, and the one for sending."""
        read = self.imap if protocol == "imap" else POP3.get(self.imap, self.imap.replace("imap", "pop", 1))
        usual = 993 if protocol == "imap" else 995
        found = [_server(protocol, read, usual)] if read else []
        return (*found, _server("smtp", self.smtp, 587)) if self.smtp else tuple(found)


def _server(protocol: str, written: str, usual: int) -> Server:
    host, _, port = written.partition(":")
    number = int(port or usual)
    ssl: Tls = "starttls" if number in (587, 143, 110) else True
    return Server(protocol, host, number, ssl)


POP3 = {
    "outlook.office365.com": "outlook.office365.com",
    "imap.mail.me.com": "",
    "imap.mailbox.org": "pop3.mailbox.org",
    "imap.strato.de": "pop3.strato.de",
    "imap.web.de": "pop3.web.de",
}
"""Servers for POP3 whose name is not that for IMAP with another word in it; "" where there is none."""

MICROSOFT = "passwords are switched off there for IMAP, POP3 and SMTP: it takes OAuth 2 only"
GOOGLE = (
    "passwords are switched off there: Google Workspace takes OAuth 2, an account with two-step verification also "
    "an app password"
)
BRIDGE = (
    "its servers speak no IMAP. Proton Mail Bridge, a program for paid accounts, does on the machine where it runs: "
    "give --host 127.0.0.1 --port 1143 --ssl starttls and the password that Bridge shows, and write the file of the "
    "certificate that it exports as ca_file"
)

PROVIDERS = (
    Provider("Google", "imap.gmail.com", "smtp.gmail.com", ("google.com", "googlemail.com"),
             ("gmail.com", "googlemail.com"), "app", "google", GOOGLE),
    Provider("Outlook.com", "outlook.office365.com", "smtp-mail.outlook.com", ("olc.protection.outlook.com",),
             ("outlook.com", "outlook.de", "hotmail.com", "hotmail.de", "live.com", "live.de", "msn.com"),
             "none", "microsoft", MICROSOFT),
    Provider("Microsoft 365", "outlook.office365.com", "smtp.office365.com",
             ("mail.protection.outlook.com", "mx.microsoft", "mail.eo.outlook.com"), ("onmicrosoft.com",),
             "none", "microsoft", MICROSOFT),
    Provider("Fastmail", "imap.fastmail.com", "smtp.fastmail.com:465", ("messagingengine.com",),
             ("fastmail.com", "fastmail.fm"), "app", "", APP),
    Provider("mailbox.org", "imap.mailbox.org", "smtp.mailbox.org", ("mailbox.org",), ("mailbox.org",)),
    Provider("Posteo", "posteo.de", "posteo.de", ("posteo.de",), ("posteo.de", "posteo.net", "posteo.eu")),
    Provider("Ionos (1&1)", "imap.ionos.de", "smtp.ionos.de", ("ionos.de", "kundenserver.de", "1und1.de")),
    Provider("Ionos (1&1)", "imap.ionos.com", "smtp.ionos.com", ("ionos.com", "1and1.com", "perfora.net")),
    Provider("Ionos (1&1)", "imap.ionos.co.uk", "smtp.ionos.co.uk", ("ionos.co.uk", "1and1.co.uk")),
    Provider("Ionos (1&1)", "imap.ionos.fr", "smtp.ionos.fr", ("ionos.fr", "1and1.fr")),
    Provider("Ionos (1&1)", "imap.ionos.es", "smtp.ionos.es", ("ionos.es", "1and1.es")),
    Provider("Ionos (1&1)", "imap.ionos.it", "smtp.ionos.it", ("ionos.it", "1and1.it")),
    Provider("Strato", "imap.strato.de", "smtp.strato.de:465", ("rzone.de",)),
    Provider("OVH", "ssl0.ovh.net", "ssl0.ovh.net",
             ("mx0.mail.ovh.net", "mx1.mail.ovh.net", "mx2.mail.ovh.net", "mx3.mail.ovh.net", "mx4.mail.ovh.net")),
    Provider("Gandi", "mail.gandi.net", "mail.gandi.net", ("mail.gandi.net",)),
    Provider("Infomaniak", "mail.infomaniak.com", "mail.infomaniak.com", ("infomaniak.ch", "infomaniak.com"),
             ("ik.me", "etik.com"), "app", "", APP),
    Provider("Hetzner", "mail.your-server.de", "mail.your-server.de", ("your-server.de",)),
    Provider("Zoho", "imappro.zoho.eu", "smtppro.zoho.eu", ("zoho.eu",), ("zohomail.eu",), "own", "", SWITCH),
    Provider("Zoho", "imappro.zoho.in", "smtppro.zoho.in", ("zoho.in",), ("zohomail.in",), "own", "", SWITCH),
    Provider("Zoho", "imappro.zoho.com", "smtppro.zoho.com", ("zoho.com", "zohomail.com"), (), "own", "", SWITCH),
    Provider("Zoho", "imap.zoho.com", "smtp.zoho.com", (), ("zohomail.com", "zoho.com"), "own", "", SWITCH),
    Provider("AOL", "imap.aol.com", "smtp.aol.com", ("mx-aol.mail.gm0.yahoodns.net",), ("aol.com", "aol.de"),
             "app", "", APP),
    Provider("Yahoo", "imap.mail.yahoo.com", "smtp.mail.yahoo.com", ("yahoodns.net",),
             ("yahoo.com", "yahoo.de", "yahoo.fr", "yahoo.co.uk", "ymail.com"), "app", "", APP),
    Provider("iCloud", "imap.mail.me.com", "smtp.mail.me.com", ("mail.icloud.com",),
             ("icloud.com", "me.com", "mac.com"), "app", "", APP),
    Provider("GMX", "imap.gmx.net", "mail.gmx.net", ("gmx.net",), ("gmx.de", "gmx.net", "gmx.at", "gmx.ch"),
             "own", "", SWITCH),
    Provider("GMX", "imap.gmx.com", "mail.gmx.com", ("gmx.com",), ("gmx.com", "gmx.us"), "own", "", SWITCH),
    Provider("WEB.DE", "imap.web.de", "smtp.web.de", ("web.de",), ("web.de",), "own", "", SWITCH),
    Provider("Telekom", "secureimap.t-online.de", "securesmtp.t-online.de:465", ("t-online.de",),
             ("t-online.de", "magenta.de"), "own", "",
             "it takes the password for mail programs, which is set in the customer centre, not that of the account"),
    Provider("one.com", "imap.one.com", "send.one.com:465", ("one.com",)),
    Provider("Migadu", "imap.migadu.com", "smtp.migadu.com:465", ("migadu.com",)),
    Provider("Namecheap", "mail.privateemail.com", "mail.privateemail.com:465", ("privateemail.com",)),
    Provider("GoDaddy", "imap.secureserver.net", "smtpout.secureserver.net:465", ("secureserver.net",)),
    Provider("Rackspace", "secure.emailsrvr.com", "secure.emailsrvr.com:465", ("emailsrvr.com",)),
    Provider("Yandex", "imap.yandex.com", "smtp.yandex.com:465", ("mx.yandex.net", "mx.yandex.ru"),
             ("yandex.com", "yandex.ru"), "app", "", APP),
    Provider("Proton", "", "", ("protonmail.ch",), ("proton.me", "protonmail.com", "pm.me"), "own", "", BRIDGE),
    Provider("Tuta", "", "", ("tutanota.de",), ("tuta.com", "tutanota.com", "tutanota.de"), "own", "",
             "its servers speak neither IMAP nor POP3, and no program for that exists"),
)  # fmt: skip

FILTERS = {
    "pphosted.com": "Proofpoint",
    "ppe-hosted.com": "Proofpoint",
    "mimecast.com": "Mimecast",
    "hornetsecurity.com": "Hornetsecurity",
    "antispameurope.com": "Hornetsecurity",
    "barracudanetworks.com": "Barracuda",
    "messagelabs.com": "Symantec",
    "nospamproxy.com": "NoSpamProxy",
    "retarus.com": "Retarus",
    "sophos.com": "Sophos",
    "iphmx.com": "Cisco",
    "trendmicro.com": "Trend Micro",
    "spamexperts.com": "SpamExperts",
}
"""Services that mail only passes through: they tell nothing of where the mailbox is."""


def of_domain(domain: str) -> Provider | None:
    """The provider whose own domain this is."""
    return next((each for each in PROVIDERS if any(belongs(domain, own) for own in each.domains)), None)


def of_exchangers(hosts: Iterable[str]) -> Provider | None:
    """The provider that runs these mail exchangers; the best one counts first."""
    for host in hosts:
        for each in PROVIDERS:
            if any(belongs(host, end) for end in each.mx):
                return each
    return None


def of_server(host: str) -> Provider | None:
    """The provider that runs this server."""
    for each in PROVIDERS:
        if host in {server.host for protocol in ("imap", "pop3") for server in each.servers(protocol)}:
            return each
    return None


def filter_of(hosts: Iterable[str]) -> str:
    """The service that mail passes through first, "" where none is known."""
    for host in hosts:
        for end, name in FILTERS.items():
            if belongs(host, end):
                return name
    return ""
