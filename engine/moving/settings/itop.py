"""iTop: the fields of a Mail Inbox, and the settings of the mail module in its configuration file.

Here: the table. Not here: reading any of it (`markup.py`, `php.py`, `given.py`). Invariant: docs/coming-from.md says
the same; a test compares.
Over 300 lines: one table, and what its rows do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.moving.settings.given import Given
from engine.moving.settings.made import Made, identifier
from engine.moving.settings.table import (
    Act,
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
    yes_or_no,
)

_DEFAULTS = {"priority": "items.priority", "category": "items.category", "status": "items.status",
             "service_id": "items.category", "title": "items.title_prefix"}  # fmt: skip


def _protocol(made: Made, given: Given) -> None:
    choice("mailbox.protocol", {"imap": "imap", "pop3": "pop3"})(made, given)


def _storage(made: Made, given: Given) -> None:
    word = given.text.lower()
    if word == "keep":
        made.put("mailbox.keep_until", "item-closed", "theirs stays until the ticket is closed")
        made.put("mailbox.after_success", "delete", "then it goes, as theirs does")
    elif word == "delete":
        made.put("mailbox.after_success", "delete")
    elif word != "move":
        made.note(given, "is none of keep, delete, move", shown=True)


def _target(made: Made, given: Given) -> None:
    if given.text:
        made.put("mailbox.move_on_success", given.text)


def _failure(made: Made, given: Given) -> None:
    if given.text.lower() == "delete":
        made.put("mailbox.after_failure", "delete")
        made.put("errors.behavior", "delete")
    elif given.text.lower() != "mark_as_error":
        made.note(given, "is none of mark_as_error, delete", shown=True)


def _forward(made: Made, given: Given) -> None:
    found = [each.strip() for each in re.split(r"[,;\s]+", given.text) if "@" in each]
    if found:
        made.put("errors.forward_to", found)


def _ticket_defaults(made: Made, given: Given) -> None:
    for line in given.texts:
        name, colon, value = line.partition(":")
        option = _DEFAULTS.get(name.strip().lower(), "")
        if colon and option and not value.strip().isdecimal():
            made.put(option, value.strip())
        else:
            named_so = Given(f"{given.name} {name.strip()[:60]}", value, given.line, given.group, given.file)
            made.note(named_so, "a field of the data file: its default, by name and not by number", shown=True)


def _title(made: Made, given: Given) -> None:
    made.put("gates.empty_subject", "default-title")
    if given.text:
        made.put("gates.default_title", given.text.split("\n")[0])


def _title_pattern(made: Made, given: Given) -> None:
    text = given.text
    if text and not re.match(r"([/|#~!@%]).*\1[a-z]*$", text, re.DOTALL):
        text = f"/{text}/"
    if text and (good := made.pattern(given, text)) is not None:
        made.put("items.threading.title_pattern", good)
        made.put("items.threading.subject_needs_sender", False, "theirs asks nobody; true is safer")


def _unknown(made: Made, given: Given) -> None:
    word = given.text.lower()
    if word == "create_contact":
        made.put("people.unknown_user", "create")
    elif word == "reject_email":
        made.put("people.unknown_user", "ignore")
        made.put("gates.unknown_sender", "reject", 'theirs rejects; "hold" lets a person decide')
    else:
        made.note(given, "is none of create_contact, reject_email", shown=True)


def _refusal(made: Made, given: Given) -> None:
    if given.text:
        made.put("people.unknown_sender_reply", "unknown_sender", "a template: allegra templates copy unknown_sender")
        made.todo("put the words of unknown_caller_rejection_reply into the template unknown_sender")


def _new_person(made: Made, given: Given) -> None:
    for line in given.texts:
        name, _, value = (each.strip() for each in line.partition(":"))
        ours = {"first_name": "first_name", "name": "last_name"}.get(name)
        if ours:
            defaults = dict(made.value("people.create_defaults") or {})
            made.change("people.create_defaults", {**defaults, ours: value})
        else:
            named_so = Given(f"{given.name} {name[:60]}", value, given.line, given.group, given.file)
            made.note(
                named_so, "new people get a name and a group; people.organisations for the organisation", shown=True
            )


def _contacts(made: Made, given: Given) -> None:
    word = given.text.lower()
    if word in ("never", "always"):
        made.put("people.cc.addCcAsReader", word == "always")
    else:
        made.put("people.cc.addCcAsReader", False)
        made.note(given, "off or always; between them a rule with `add cc as reader`", shown=True)


def _stimuli(made: Made, given: Given) -> None:
    made.note(
        given, 'items.on_reply is a table of states, { "Waiting" = "In progress" }, and not of stimuli', shown=True
    )


def _order(made: Made, given: Given) -> None:
    known = ("text/html", "text/plain")
    found = [each.strip() for each in re.split(r"[,\n]", given.text) if each.strip() in known]
    if found:
        made.put("body.body_parts_order", found)


def _many(option: str) -> Act:
    def act(made: Made, given: Given) -> None:
        patterns = made.patterns(given, given.texts)
        if patterns:
            made.put(option, patterns)

    return act


def _delimiters(made: Made, given: Given) -> None:
    _many("body.delimiter_patterns")(made, given)
    if any(not isinstance(each, str) and flag(each[1]) for each in given.value):
        made.note(given, "a line that matches goes, and reading goes on: there is no true, which ends it")


def _tags(made: Made, given: Given) -> None:
    tags: list[str] = []
    for each in given.value:
        tag, classes = (each, "") if isinstance(each, str) else each
        tags += [f"{tag}.{name}" for name in classes.split()] or [tag]
    if tags:
        made.put("body.html_tags_to_remove", tags)


def _size(made: Made, given: Given) -> None:
    found = re.fullmatch(r"(\d{1,12})\s*([KMG]?)B?", given.text.upper())
    if found is None:
        made.note(given, "is no size such as 10M", shown=True)
    else:
        unit = {"": "B", "K": "kB", "M": "MB", "G": "GB"}[found[2]]
        made.put("gates.maximum_email_size", int(found[1]) if not found[2] else f"{found[1]} {unit}")


def _imap_options(made: Made, given: Given) -> None:
    options = {each.lower().lstrip("/") for each in given.texts}
    if "novalidate-cert" in options:
        made.put("mailbox.ssl_verification", False, "novalidate-cert believes any certificate")
    if "ssl" in options:
        made.put("mailbox.ssl", True)
    elif "tls" in options:
        made.put("mailbox.ssl", "starttls")
    elif "notls" in options:
        made.put("mailbox.ssl", False)
    more = options - {"imap", "ssl", "tls", "notls", "novalidate-cert", "validate-cert", ""}
    if more:
        made.note(given, f"nothing here is like {', '.join(sorted(more))[:100]}")


def _pop3_auth(made: Made, given: Given) -> None:
    words = {"user": "login", "login": "login", "plain": "plain", "apop": "apop", "cram-md5": "cram-md5"}
    choice("mailbox.auth", words)(made, given)


def _pictures(option: str) -> Act:
    def act(made: Made, given: Given) -> None:
        if re.fullmatch(r"(\d{1,5}x\d{1,5})?", given.text):
            made.put(option, given.text)
        else:
            made.note(given, "is no size such as 100x20", shown=True)

    return act


def _log(made: Made, given: Given) -> None:
    fields = {value if isinstance(each, tuple) else each for each in given.value
              for value in (each[1] if isinstance(each, tuple) else "",)}  # fmt: skip
    if fields == {"private_log"}:
        made.put("items.log_field", "note")
    else:
        made.put("items.log_field", "comment")


def _types(made: Made, given: Given) -> None:
    made.put("attachments.exclude_attachment_types", list(given.texts))


ROWS: tuple[Row, ...] = (
    named("server", "mail_server", ours="mailbox.host", act=server, told="Mail Server"),
    named("login", "login_(imap_email)", ours="mailbox.username", told="Login"),
    Row(("password",), ("mailbox.password_env",), password("mailbox.password", "ALLEGRA_IMAP_PASSWORD"), "Password"),
    Row(("protocol",), ("mailbox.protocol",), _protocol, "Protocol"),
    named("port", ours="mailbox.port", act=number, told="Port"),
    named("mailbox", "mailbox_(imap)", "mailbox_(for_imap)", ours="mailbox.folder", told="Mailbox"),
    named("active", ours="mailbox.active", act=yes_or_no, told="Active"),
    Row(("imap_options", "imap_open_options"), ("mailbox.ssl", "mailbox.ssl_verification"), _imap_options,
        "imap_options"),
    Row(("pop3_auth_option", "pop3_auth_options"), ("mailbox.auth",), _pop3_auth, "pop3_auth_option"),
    named("use_message_id_as_uid", ours="mailbox.use_message_id_as_uid", act=yes_or_no),
    Row(("email_storage", "after_processing_the_email"), ("mailbox.after_success", "mailbox.keep_until"), _storage,
        "After processing"),
    Row(("target_folder",), ("mailbox.move_on_success",), _target, "Target folder"),
    Row(("error_behavior", "in_case_of_error"), ("mailbox.after_failure", "errors.behavior"), _failure,
        "In case of error"),
    Row(("notify_errors_to", "forward_emails_to"), ("errors.forward_to",), _forward, "Forward eMails To"),
    named("notify_errors_from", "(from)", ours="errors.from", told="(From)"),
    Row(("behavior", "behaviour"), ("items.behavior",),
        choice("items.behavior", {"both": "create_or_update", "create_only": "create", "update_only": "update"}),
        "Behavior"),
    named("target_class", "ticket_class", ours="items.type", told="Ticket Class"),
    Row(("ticket_default_values",), ("items.priority", "items.category"), _ticket_defaults, "Ticket Default Values"),
    Row(("ticket_default_title", "default_title"), ("gates.empty_subject", "gates.default_title"), _title,
        "Default Title"),
    Row(("title_pattern",), ("items.threading.title_pattern",), _title_pattern, "Title Pattern"),
    Row(("stimuli", "stimuli_to_apply"), ("items.on_reply",), _stimuli, "Stimuli"),
    Row(("unknown_caller_behavior", "behavior_in_case_of_unknown_caller"), ("people.unknown_user",), _unknown,
        "unknown sender"),
    Row(("unknown_caller_rejection_reply",), ("people.unknown_sender_reply",), _refusal, "its reply"),
    Row(("caller_default_values", "new_person's_default_values"), ("people.create_defaults",), _new_person,
        "New Person's Default Values"),
    Row(("import_additional_contacts", "add_more_contacts_(to,_cc)"), ("people.cc.addCcAsReader",), _contacts,
        "Add more contacts"),
    Row(("ticket_log",), ("items.log_field",), _log),
    Row(("maximum_email_size",), ("gates.maximum_email_size",), _size),
    named("big_files_dir", ours="gates.big_files_dir"),
    Row(("undesired_subject_patterns",), ("gates.undesired_subject_patterns",),
        _many("gates.undesired_subject_patterns"), "undesired-subject-patterns"),
    gone("undesired_purge_delay", said="what is undesired is settled at once, and kept by us",
         told="undesired-purge-delay"),
    Row(("body_parts_order",), ("body.body_parts_order",), _order),
    Row(("introductory_patterns",), ("body.introductory_patterns",), _many("body.introductory_patterns"),
        "introductory-patterns"),
    Row(("delimiter_patterns",), ("body.delimiter_patterns",), _delimiters, "delimiter-patterns"),
    Row(("multiline_delimiter_patterns",), ("body.multiline_delimiter_patterns",),
        _many("body.multiline_delimiter_patterns"), "multiline-delimiter-patterns"),
    Row(("html_tags_to_remove",), ("body.html_tags_to_remove",), _tags, "html-tags-to-remove"),
    Row(("exclude_attachment_types",), ("attachments.exclude_attachment_types",),
        _types),
    Row(("images_minimum_size",), ("attachments.images_minimum_size",), _pictures("attachments.images_minimum_size")),
    Row(("images_maximum_size",), ("attachments.images_maximum_size",), _pictures("attachments.images_maximum_size")),
    gone("periodicity", "retention_period", "debug", said="a line of cron decides: */5 * * * * allegra run --wait 30"),
    gone("trace", "debug_trace", said="a trace is always kept: store.archive.keep_trace", told="Debug trace"),
    gone("aggregate_replies", said="answers are found by our own token and stored ids: items.threading.order"),
)  # fmt: skip

LIKE: tuple[Like, ...] = (
    Like("gates.empty_subject", "default-title", "they take it"),
    Like("people.reply_from_stranger", "accept", "they take it"),
    Like("items.closed_item", "new-item", "they open a new ticket"),
)

_SILENT = ("id", "finalclass", "friendlyname", "obsolescence_flag", "obsolescence_date", "debug_log", "name")


def _home(settings: Sequence[Given]) -> str:
    login = next((each.text for each in settings if each.name.startswith("login")), "")
    return identifier(login.partition("@")[0])


def _end(made: Made, settings: Sequence[Given]) -> None:
    if any(each.name == "server" or each.name == "mail_server" for each in settings):
        made.todo('name the day of the move, mailbox.since = "2026-11-01": they keep old mail in the mailbox')
        storage = {each.name for each in settings} & {"email_storage", "after_processing_the_email"}
        if not storage:
            made.put("mailbox.keep_until", "item-closed", "theirs stays until the ticket is closed")
            made.put("mailbox.after_success", "delete", "then it goes, as theirs does")


SYSTEM = System("iTop", ROWS, LIKE, _home, _end, _SILENT)
