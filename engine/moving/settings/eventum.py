"""Eventum: an email account (its row, or the fields of its form), and the mail part of the setup array.

Here: the table. Not here: reading any of it (`dump.py`, `php.py`, `given.py`). Invariant: docs/coming-from.md says the
same; a test compares.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.moving.settings.given import Given
from engine.moving.settings.made import Made, identifier
from engine.moving.settings.table import Act, Like, Row, System, flag, gone, named, number, password, server


def _type(made: Made, given: Given) -> None:
    parts = [each for each in given.text.lower().strip("/").split("/") if each]
    if not parts or parts[0] not in ("imap", "pop3"):
        made.note(given, "is neither imap nor pop3", shown=True)
        return
    made.put("mailbox.protocol", parts[0])
    options = set(parts[1:])
    if "ssl" in options:
        made.put("mailbox.ssl", True)
    elif "tls" in options:
        made.put("mailbox.ssl", "starttls")
    else:
        said = "theirs goes without TLS" if "notls" in options else "theirs takes TLS if there is some"
        made.put("mailbox.ssl", False if "notls" in options else "starttls", said)
    if "novalidate-cert" in options:
        made.put("mailbox.ssl_verification", False)


def _only_new(made: Made, given: Given) -> None:
    if flag(given.text):
        made.put("mailbox.query", "UNSEEN UNANSWERED")
    if not flag(given.text) or made.value("mailbox.protocol") == "pop3":
        made.todo('name the day of the move, mailbox.since = "2026-11-01": all mail that lies there is taken')


def _copy(made: Made, given: Given) -> None:
    made.put("mailbox.after_success", "seen" if flag(given.text) else "delete")


def _creation(made: Made, given: Given) -> None:
    if flag(given.text) is False:
        made.put("items.behavior", "update", "what answers nothing waits: allegra held list")


def _creation_options(made: Made, given: Given) -> None:
    said = "category, priority and users stand there by number: items.category, items.priority, items.assigned_to"
    made.note(given, said)
    made.todo("name category, priority and who gets new items: theirs are numbers")


def _routing(option: str) -> Act:
    def act(made: Made, given: Given) -> None:
        prefix = re.escape(given.text)
        good = made.pattern(given, f"/^{prefix}(\\d+)$/") if given.text else None
        if good is not None:
            made.put(option, good)

    return act


def _host(made: Made, given: Given) -> None:
    made.todo(
        f"name your addresses at {given.text[:100]} in mailbox.addresses: their numbers are read in any domain of ours"
    )


def _piped(made: Made, given: Given) -> None:
    if flag(given.text):
        made.piped = True
        made.todo("let your mail server call `allegra deliver` in place of the routing scripts")


def _by_subject(made: Made, given: Given) -> None:
    if not flag(given.text):
        made.put("items.threading.title_pattern", "", "theirs is off")


def _draft_routing(made: Made, given: Given) -> None:
    if flag(given.text) is False:
        made.put("items.threading.plus_draft", "")


def _note_routing(made: Made, given: Given) -> None:
    if flag(given.text) is False:
        made.put("items.threading.plus_note", "")


def _project(made: Made, given: Given) -> None:
    made.note(given, "a workspace has a name, not a number: rename it in this file", shown=True)


ROWS: tuple[Row, ...] = (
    Row(("ema_type", "type"), ("mailbox.protocol", "mailbox.ssl", "mailbox.ssl_verification"), _type, "type"),
    named("ema_hostname", "hostname", ours="mailbox.host", act=server, told="hostname"),
    named("ema_port", "port", ours="mailbox.port", act=number, told="port"),
    named("ema_folder", "folder", ours="mailbox.folder", told="folder"),
    named("ema_username", "username", "login", ours="mailbox.username", told="login"),
    Row(("ema_password", "password"), ("mailbox.password_env",),
        password("mailbox.password", "ALLEGRA_IMAP_PASSWORD"), "password"),
    Row(("ema_get_only_new", "get_only_new"), ("mailbox.query",), _only_new, "Only Download Unread Messages"),
    Row(("ema_leave_copy", "leave_copy"), ("mailbox.after_success",), _copy, "Leave Copy of Messages On Server"),
    Row(("ema_issue_auto_creation", "issue_auto_creation"), ("items.behavior",), _creation, "auto-creation of issues"),
    Row(("ema_issue_auto_creation_options", "issue_auto_creation_options"), (), _creation_options,
        "users of auto-creation"),
    Row(("ema_prj_id", "project"), (), _project, "one account for each project"),
    gone("ema_use_routing", "use_routing", said="mail finds its item by number and address anyway",
         told="email routing interface"),
    Row(("email_routing.status",), ("mailbox.protocol",), _piped, "email routing interface"),
    Row(("email_routing.address_prefix",), ("items.threading.plus_item",),
        _routing("items.threading.plus_item"), "address prefix"),
    Row(("note_routing.address_prefix",), ("items.threading.plus_note",),
        _routing("items.threading.plus_note"), "note-234@"),
    Row(("draft_routing.address_prefix",), ("items.threading.plus_draft",),
        _routing("items.threading.plus_draft"), "draft-234@"),
    Row(("email_routing.address_host", "email_routing.host_alias"), ("mailbox.addresses",), _host, "host"),
    Row(("draft_routing.status",), ("items.threading.plus_draft",), _draft_routing, "draft-234@"),
    Row(("note_routing.status",), ("items.threading.plus_note",), _note_routing, "note-234@"),
    gone("note_routing.address_host", "draft_routing.address_host", "email_routing.warning",
         "email_routing.recipient_type_flag", said="any domain of our addresses", told="host"),
    Row(("subject_based_routing.status",), ("items.threading.title_pattern",), _by_subject, "subject based routing"),
    named("smtp.host", ours="smtp.host", act=server, told="SMTP"),
    named("smtp.port", ours="smtp.port", act=number, told="SMTP"),
    named("smtp.from", ours="smtp.from", told="SMTP"),
    named("smtp.username", ours="smtp.username", told="SMTP"),
    Row(("smtp.password",), ("smtp.password_env",), password("smtp.password", "ALLEGRA_SMTP_PASSWORD"), "SMTP"),
    gone("smtp.auth", "smtp.save_outgoing_email", "smtp.save_address",
         said="the outbox keeps what was sent: outbox.keep", told="SMTP"),
)  # fmt: skip

LIKE: tuple[Like, ...] = (
    Like("gates.empty_subject", "default-title", "they take it"),
    Like("people.unknown_user", "accept", 'they take everybody; needs a user "guest"'),
    Like("people.reply_from_stranger", "note", "email blocking"),
    Like("people.cc.addCcAsReader", False, "extra recipients hear, and read nothing"),
    Like("people.cc.addCcAsWatcher", True, "extra recipients hear"),
    Like("items.closed_item", "reopen", "a reply opens it again"),
    Like("items.threading.title_pattern", "", "subject based routing is off unless switched on"),
    Like("items.threading.plus_item", r"/^issue-(\d+)$/", "their address prefix"),
    Like("items.threading.subject_needs_sender", False, "they block on the item"),
)  # fmt: skip

_SILENT = ("ema_id", "id")


def _home(settings: Sequence[Given]) -> str:
    found = next((each.text for each in settings if each.name in ("ema_prj_id", "project")), "")
    return identifier(f"project-{found}") if found.isdecimal() else ""


def _end(made: Made, settings: Sequence[Given]) -> None:
    if made.value("people.unknown_user") == "accept":
        made.todo("make the user guest: allegra user add guest --status guest; with a role where public = false")


SYSTEM = System("Eventum", ROWS, LIKE, _home, _end, _SILENT)
