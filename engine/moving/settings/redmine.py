"""OpenProject and Redmine: arguments of the rake tasks and of `rdm-mailhandler.rb`, variables, the settings table.

Here: the table. Not here: reading any of it (`words.py`, `markup.py`). Invariant: docs/coming-from.md says the same; a
test compares.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.model.fields import COMMON
from engine.moving.settings.given import Given
from engine.moving.settings.made import Made, identifier
from engine.moving.settings.table import (
    Like,
    Row,
    System,
    choice,
    flag,
    gone,
    named,
    number,
    password,
    server,
    to,
    words,
    yes_or_no,
)

_NAMES = r"/\.(exe|scr|js|vbs)$/i"
"""Ours by default; names of theirs are added, not put in its place."""


def _task(made: Made, given: Given) -> None:
    if given.text in ("receive_imap", "receive_pop3"):
        made.put("mailbox.protocol", given.text.removeprefix("receive_"))
    if given.text == "receive_gmail":
        made.put("mailbox.host", "imap.gmail.com")
        made.note(given, "the API of Gmail is not used: IMAP, with an app password or OAuth 2")
        made.todo("let the mailbox log in to imap.gmail.com by IMAP")
    if given.text in ("rdm_mailhandler", "read"):
        made.piped = True
        made.todo("let your mail server call `allegra deliver` in place of rdm-mailhandler.rb")


def _ssl(made: Made, given: Given) -> None:
    if given.text.lower() == "force":
        made.put("mailbox.ssl", True)
        made.put("mailbox.ssl_verification", False, "ssl=force believes any certificate")
    elif (said := flag(given.text)) is not None:
        made.put("mailbox.ssl", said, "" if said else "passwords go over the network in the clear")
    else:
        made.note(given, "is neither yes, no nor force", shown=True)


def _starttls(made: Made, given: Given) -> None:
    if flag(given.text) or given.text.lower() == "force":
        made.change("mailbox.ssl", "starttls")


def _apop(made: Made, given: Given) -> None:
    if given.text == "1":
        made.put("mailbox.auth", "apop")


def _project(made: Made, given: Given) -> None:
    name = identifier(given.text)
    if not name:
        said = 'cannot be the identifier of a workspace: a-z, 0-9, "-" and "_", up to 63, and not "system"'
        made.note(given, said, shown=True)
    elif not made.workspace:
        made.put("system.default_workspace", name, f"theirs: {given.text}" if name != given.text else "")
        made.open_workspace(name)


def _subaddress(made: Made, given: Given) -> None:
    said = "the tags of an address stand at the workspace: workspace.NAME.plus, and the address in mailbox.addresses"
    made.note(given, said, shown=True)
    for name in made.workspaces:
        made.put(f"workspace.{name}.plus", [name])


def _overrides(made: Made, given: Given) -> None:
    asked = [" ".join(each.split()) for each in re.split(r"[,\n]", given.text) if each.strip()]
    if not asked:
        return
    if [each.lower() for each in asked] in (["all"], ["true"], ["1"]):
        made.put("items.allow_override", "all")
        return
    fields = list(dict.fromkeys(map(_field, asked)))
    if "workspace" in fields:
        made.note(given, "a line Project: is read where there is no system.default_workspace; rules choose otherwise")
    made.put("items.allow_override", [each for each in fields if each != "workspace"])


def _field(name: str) -> str:
    """Our name of a field that every item has; that of a custom field is as it was written."""
    plain = name.lower().replace(" ", "_")
    return plain if plain in COMMON.by_name else COMMON.other_names.get(plain, name)


def _unknown(made: Made, given: Given) -> None:
    choice("people.unknown_user", {"ignore": "ignore", "accept": "accept", "create": "create"})(made, given)
    if made.value("people.unknown_user") == "accept":
        made.put("people.guest_user", "guest", "their anonymous user")
        made.todo("make the user guest: allegra user add guest --status guest; with a role where public = false")


def _unpermitted(made: Made, given: Given) -> None:
    if flag(given.text):
        made.put("people.no_permission_check", True)


def _delimiters(made: Made, given: Given) -> None:
    made.put("body.truncate_lines", list(given.texts))


def _delimiter_pattern(made: Made, given: Given) -> None:
    if given.text:
        made.put("body.truncate_lines", made.patterns(given, (f"/^[> ]*(?:{_slashed(given.text)})\\s*$/",)))


def _file_names(made: Made, given: Given) -> None:
    globs = [each.strip() for each in re.split(r"[,\n]", given.text) if each.strip()]
    if globs:
        made.put(
            "attachments.exclude_names", [_NAMES, *made.patterns(given, tuple(map(_glob, globs)))], "ours in front"
        )


def _glob(text: str) -> str:
    return "/^" + "".join(".*" if each == "*" else re.escape(each).replace("/", r"\/") for each in text) + "$/i"


def _slashed(pattern: str) -> str:
    return re.sub(r"(?<!\\)/", r"\\/", pattern)


def _as_patterns(made: Made, given: Given) -> None:
    """Their switches that make patterns of what was taken as text."""
    if not flag(given.text):
        return
    if given.name == "mail_handler_enable_regex_excluded_filenames":
        option, form = "attachments.exclude_names", "/^(?:{})$/i"
        texts = [_unglobbed(each) for each in made.value(option) or () if each != _NAMES]
    else:
        option, form = "body.truncate_lines", r"/^[> ]*(?:{})\s*$/"
        texts = list(made.value(option) or ())
    if texts:
        found = made.patterns(given, tuple(form.format(_slashed(each)) for each in texts))
        made.change(option, [_NAMES, *found] if option == "attachments.exclude_names" else found)


def _unglobbed(pattern: str) -> str:
    """A file name as they wrote it, out of the pattern that was made of it."""
    inner = pattern.removeprefix("/^").removesuffix("$/i").replace(".*", "*")
    return re.sub(r"\\(.)", r"\1", inner)


def _reports(made: Made, given: Given) -> None:
    said = flag(given.text)
    if said is not None:
        made.put("errors.report_incoming_email_errors", "known" if said else False)


def _sender(made: Made, given: Given) -> None:
    made.put("smtp.from", given.text)
    made.todo("if Reply-To of their mail is this address: name it in mailbox.addresses")


def _smtp_ssl(made: Made, given: Given) -> None:
    if flag(given.text):
        made.change("smtp.ssl", True)


def _active(made: Made, given: Given) -> None:
    if flag(given.text) is False:
        made.put("mailbox.active", False)


_HTTP = "there is no entrance by HTTP and no key: `allegra deliver` on the machine of the mail server"
_GMAIL = "the API of Gmail is not used"
_CRON = "a line of cron decides: */5 * * * * allegra run --wait 30"

ROWS: tuple[Row, ...] = (
    Row(("task",), ("mailbox.protocol",), _task, "receive_imap"),
    named("host", ours="mailbox.host", act=server),
    named("port", ours="mailbox.port", act=number),
    named("username", ours="mailbox.username"),
    Row(("password",), ("mailbox.password_env",), password("mailbox.password", "ALLEGRA_IMAP_PASSWORD")),
    named("folder", "folders", ours="mailbox.folder", told="folder"),
    Row(("ssl",), ("mailbox.ssl", "mailbox.ssl_verification"), _ssl),
    named("ssl_verification", ours="mailbox.ssl_verification", act=yes_or_no),
    Row(("starttls",), ("mailbox.ssl",), _starttls),
    Row(("apop",), ("mailbox.auth",), _apop),
    named("delete_unprocessed", ours="mailbox.delete_unprocessed", act=yes_or_no),
    named("move_on_success", ours="mailbox.move_on_success"),
    named("move_on_failure", ours="mailbox.move_on_failure"),
    Row(("enabled",), ("mailbox.active",), _active, "IMAP_ENABLED"),
    named("max_emails", ours="mailbox.max_emails", act=number),
    Row(("project",), ("system.default_workspace",), _project),
    Row(("project_from_subaddress",), ("workspace.NAME.plus",), _subaddress),
    named("tracker", "type", ours="items.type"),
    named("status", ours="items.status"),
    named("priority", ours="items.priority"),
    named("category", ours="items.category"),
    named("version", "fixed_version", ours="items.version", told="version"),
    named("assigned_to", ours="items.assigned_to"),
    named("private", ours="items.private", act=yes_or_no),
    Row(("allow_override",), ("items.allow_override",), _overrides),
    Row(("unknown_user",), ("people.unknown_user", "people.guest_user"), _unknown),
    Row(("no_permission_check",), ("people.no_permission_check",), _unpermitted),
    named("default_group", ours="people.default_group", act=words),
    named("no_account_notice", ours="people.no_account_notice", act=yes_or_no),
    gone("no_notification", said="what somebody hears: allegra user notify LOGIN --preset nothing", shown=False),
    named("mail_suffix_separators", "suffix_separators", ours="people.mail_suffix_separators",
          told="mail_suffix_separators"),
    Row(("mail_handler_body_delimiters",), ("body.truncate_lines",), _delimiters),
    Row(("mail_handler_body_delimiter_regex",), ("body.truncate_lines",), _delimiter_pattern),
    Row(("mail_handler_excluded_filenames", "mail_handler_ignore_filenames"), ("attachments.exclude_names",),
        _file_names),
    Row(("mail_handler_enable_regex_delimiters", "mail_handler_enable_regex"), ("body.truncate_lines",), _as_patterns),
    Row(("mail_handler_enable_regex_excluded_filenames",), ("attachments.exclude_names",), _as_patterns),
    Row(("mail_handler_preferred_body_part",), ("body.body_parts_order",),
        choice("body.body_parts_order", {"plain": ["text/plain", "text/html"], "html": ["text/html", "text/plain"]})),
    Row(("report_incoming_email_errors",), ("errors.report_incoming_email_errors",), _reports),
    Row(("mail_from",), ("smtp.from",), _sender),
    named("smtp_address", ours="smtp.host", act=server),
    Row(("smtp_port",), ("smtp.port",), number("smtp.port")),
    Row(("smtp_user_name",), ("smtp.username",), to("smtp.username")),
    Row(("smtp_password",), ("smtp.password_env",), password("smtp.password", "ALLEGRA_SMTP_PASSWORD")),
    Row(("smtp_ssl", "smtp_tls"), ("smtp.ssl",), _smtp_ssl),
    gone("smtp_domain", "smtp_authentication", "smtp_enable_starttls_auto", "smtp_openssl_verify_mode",
         "delivery_method", said="STARTTLS and the way to log in are agreed on with the server", shown=False),
    gone("url", "certificate_bundle", "no_check_certificate", said=_HTTP, shown=False),
    gone("key", "key_file", "mail_handler_api_key", "mail_handler_api_enabled", said=_HTTP, shown=False),
    gone("credentials", "user_id", "query", "read_on_failure", said=_GMAIL, shown=False),
    gone("check_interval", said=_CRON, told="IMAP_CHECK_INTERVAL"),
)  # fmt: skip

LIKE: tuple[Like, ...] = (
    Like("mailbox.query", "UNSEEN", "they take what is unread", ("mailbox.pop3",)),
    Like("mailbox.after_success", "delete", "they delete what was taken", ("mailbox.move_on_success",)),
    Like("mailbox.after_failure", "seen", "they mark it as read", ("mailbox.move_on_failure", "mailbox.pop3")),
    Like("gates.empty_subject", "default-title", "they take it"),
    Like("gates.auto_reply", "discard", "they ignore robots"),
    Like("people.inactive_user", "discard", "they ignore locked users"),
    Like("people.reply_from_stranger", "hold", "they refuse it"),
    Like("people.cc.addCcAsReader", False, "To and Cc watch"),
    Like("people.cc.addCcAsWatcher", True, "To and Cc watch"),
    Like("items.keywords", "anywhere", "they read keyword lines anywhere"),
    Like("items.threading.title_pattern", r"/\[(?:[^\]]*\s+)?#(\d+)\]/", "[Support - Bug #12]; \"\" for OpenProject"),
    Like("body.body_parts_order", ["text/plain", "text/html"], "they prefer plain text"),
    Like("replies.new_item", "", "they acknowledge nothing"),
)  # fmt: skip


def _home(settings: Sequence[Given]) -> str:
    return identifier(next((each.text for each in settings if each.name == "project"), ""))


def _end(made: Made, settings: Sequence[Given]) -> None:
    """What depends on several settings: TLS, where nothing is said of it; OpenProject reads no number in a subject."""
    names = {each.name for each in settings}
    if {"host", "port"} & names and not {"ssl", "starttls"} & names and made.value("mailbox.port") in (143, 110):
        made.put("mailbox.ssl", "starttls", "theirs was without TLS: false, if the server has none")


def openproject(made: Made) -> None:
    """What is another way in OpenProject."""
    made.change("items.threading.title_pattern", "", "it reads no number in a subject")
    made.put("items.keyword_wins", "last", "its last keyword line wins")


SYSTEM = System("Redmine", ROWS, LIKE, _home, _end)
