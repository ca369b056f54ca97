"""What is true about a mail before anything is decided.

Here: frozen data and nothing else. Not here: how it is found out (`decision/facts.py`), what comes of it (`draft.py`).
"""

from __future__ import annotations

from msgspec import Struct

from engine.model.answers import Found, Listed, Standing
from engine.model.desk import Account, ItemFacts
from engine.model.draft import Note
from engine.model.mail import Address
from engine.model.words import Stored


class Auto(Stored):
    """Was this mail written by a machine, and of which kind (RFC 3834, RFC 3464, RFC 5965, RFC 3798, RFC 2919,
    RFC 7489, RFC 8460)."""

    NONE = "none"
    BOUNCE = "bounce"
    AUTO_REPLY = "auto_reply"
    AUTO_GENERATED = "auto_generated"
    MAILING_LIST = "mailing_list"
    FEEDBACK_REPORT = "feedback_report"
    DISPOSITION = "disposition"
    DOMAIN_REPORT = "domain_report"


class Automatic(Struct, frozen=True):
    """The class of an automatic mail and the sign it was recognised by, as a sentence fragment."""

    kind: Auto = Auto.NONE
    reason: str = ""


class BouncedRecipient(Struct, frozen=True):
    """One recipient block of a delivery status (RFC 3464, 2.3)."""

    address: str
    action: str = ""
    status: str = ""
    diagnostic: str = ""


class Bounce(Struct, frozen=True):
    """What a delivery status notification reports, and the Message-ID of the mail it is about."""

    recipients: tuple[BouncedRecipient, ...] = ()
    original_message_id: str = ""


class Authentication(Struct, frozen=True):
    """Results that a trusted server wrote down (RFC 8601); "none" where it wrote nothing."""

    spf: str = "none"
    dkim: str = "none"
    dmarc: str = "none"
    arc: str = "none"
    authserv_id: str = ""


class Form(Struct, frozen=True):
    """A web form whose address stands in From: its name and address, and why nobody is believed to have filled it in.

    `why` "" means that the sender is whom the form names: nobody proved that.
    """

    name: str
    address: str
    why: str = ""


class Sender(Struct, frozen=True):
    """Who seems to write, and how the account was found; `problem` says why From is not believed.

    `through` is the list or group under whose address that person's mail came. `listed` is what a directory says of who
    has no account by that address. `form` is the web form that sent it.
    """

    address: Address = Address("")
    account: Account | None = None
    matched_by: Found = Found.NOT
    problem: str = ""
    through: str = ""
    listed: Listed | None = None
    form: Form | None = None

    @property
    def by_form(self) -> bool:
        """Tell whether a form names the sender: an address that somebody typed there, which proves nothing."""
        return self.form is not None and not self.form.why

    @property
    def is_believed(self) -> bool:
        """Tell whether that is who wrote it: From names one person, and nobody typed the address into a form."""
        return not self.problem and not self.by_form

    @property
    def known_there(self) -> Listed | None:
        """What the directory says of a sender who is to get an account; None where it knows nobody."""
        found = self.listed
        return found if found is not None and found.standing == Standing.KNOWN and self.account is None else None


class Way(Stored):
    """How the item that a mail answers is found; NONE in a new conversation."""

    TOKEN = "token"
    MESSAGE_ID = "message_id"
    PLUS = "plus"
    SUBJECT = "subject"
    CALENDAR = "calendar"
    IMPORTED = "imported"
    RULE = "rule"
    NONE = ""


class Meant(Stored):
    """What somebody says that a mail is to be, by the address it goes to or its subject; NONE where they do not."""

    NOTE = "note"
    DRAFT = "draft"
    NONE = ""


class Thread(Struct, frozen=True):
    """The item this mail answers and how that was found.

    `marker` is the text that led there. `dangling` means a marker was found that names nothing, `foreign` that it is a
    bare number which was never given here; `proven` that the marker could not be guessed (a signed token or a
    Message-ID), `ours` that it stood in a mail of ours, `account` whose that was, if it was sent to one person;
    `private` that it answers an internal note or `meant` to be one, or a draft; `unsigned` that a token in it is not
    signed by us.
    `tried` is what each way saw; early releases stored a sentence.
    """

    item: ItemFacts | None = None
    by: Way = Way.NONE
    marker: str = ""
    dangling: bool = False
    foreign: bool = False
    proven: bool = False
    private: bool = False
    unsigned: bool = False
    account: int = 0
    tried: tuple[tuple[Way, Note | str], ...] = ()
    meant: Meant = Meant.NONE
    ours: bool = False


class Cut(Struct, frozen=True):
    """The new part of a reply, and the rest: folded, never lost. `why` names what the cut was made at."""

    new: str = ""
    quoted: str = ""
    signature: str = ""
    why: str = ""


class Facts(Struct, frozen=True):
    """What is true about a mail before anything is decided; a snapshot that rules and gates read.

    `leaves` is the row of the outbox whose recipient wants no more notices of its kind: it was sent to the address for
    that.
    """

    mailbox: str
    workspace: str = ""
    sender: Sender = Sender()
    authentication: Authentication = Authentication()
    automatic: Automatic = Automatic()
    bounce: Bounce | None = None
    thread: Thread = Thread()
    cut: Cut = Cut()
    own_addresses: tuple[str, ...] = ()
    plus: str = ""
    language: str = ""
    own_loop: bool = False
    hops: int = 0
    sender_mails_last_hour: int = 0
    total_mails_last_hour: int = 0
    spam_score: float | None = None
    spam_flag: bool = False
    duplicate_of: str = ""
    released: Release | None = None
    leaves: int = 0

    @property
    def proven(self) -> bool:
        """Tell whether who wrote it was sent a token or Message-ID of ours about it, or DMARC says that it is From.

        The Message-ID of a mail that came in proves no such thing: all who were copied know it.
        """
        return self.from_proven or (self.thread.proven and self.thread.ours)

    @property
    def from_proven(self) -> bool:
        """Tell whether DMARC says that the sender wrote it; of who is named by a form it says nothing."""
        return self.authentication.dmarc == "pass" and not self.sender.by_form

    @property
    def personal(self) -> bool:
        """Tell whether that token or Message-ID was sent to the sender and nobody else."""
        account = self.sender.account
        theirs = account is not None and self.thread.account == account.id
        return self.from_proven or (self.proven and theirs)


class Release(Struct, frozen=True):
    """A person let a held mail go on: what rules, gates and hooks would hold is noted and passed.

    `trust`: its sender is to be known from now on.
    """

    by: str
    reason: str = ""
    workspace: str = ""
    item: int = 0
    generation: int = 1
    trust: bool = False
