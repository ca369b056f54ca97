"""Options that do nothing are errors; other systems' ways to write a value are understood and mentioned."""

from __future__ import annotations

from typing import get_args

import pytest
from configurations import MAILBOX, Find, Load

from engine.config.mailbox import HookEvent
from engine.model.events import BY_NAME
from rules.problem import Severity

POP3 = MAILBOX + 'protocol = "pop3"\n'
MAILDIR = '[system.mailbox]\nprotocol = "maildir"\npath = "mail"\naddresses = ["a@example.com"]\n'
MBOX = MAILDIR.replace("maildir", "mbox")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[replies]\nlinks = true\n", "links does nothing without a base_url"),
        ("[workspace.support.replies]\nlinks = true\n", "links does nothing without a base_url"),
        ('[log]\nlevel = "debug"\n', "level does nothing without a file"),
        ('[workspace.support.errors]\ndefer_limit = "1 day"\n', "defer_limit does nothing in a workspace"),
        ('[workspace.support.errors]\nbehavior = "delete"\n', "behavior does nothing in a workspace"),
        ('[workspace.support.people]\nmail_suffix_separators = "-"\n', "mail_suffix_separators does nothing in a"),
        ('[workspace.support.gates]\nantivirus = { clamd = "/x" }\n', "antivirus does nothing in a workspace where"),
    ],
)
def test_an_option_that_needs_another_one_or_counts_only_at_the_top_is_an_error(
    find: Find, text: str, said: str
) -> None:
    (problem,) = find(MAILBOX + text)
    assert problem.code == "C118" and problem.message.startswith(said)
    assert problem.excerpt.startswith(said.partition(" ")[0])


@pytest.mark.parametrize(
    "text",
    [
        '[instance]\nbase_url = "https://desk.example.com"\n[replies]\nlinks = true\n',
        '[log]\nfile = "a.log"\nlevel = "debug"\n', '[log]\nlevel = "info"\n',
        '[gates]\nantivirus = { clamd = "/x" }\n[workspace.support.gates]\nantivirus = { infected = "reject" }\n',
        '[workspace.support.errors]\nforward_to = ["ops@example.com"]\n',
    ],
)  # fmt: skip
def test_an_option_that_has_what_it_needs_is_none(find: Find, text: str) -> None:
    assert find(MAILBOX + text) == []


@pytest.mark.parametrize(
    ("text", "option"),
    [
        (POP3 + 'folder = "Support"\n', "folder"),
        (POP3 + 'query = "UNSEEN"\n', "query"),
        (POP3 + 'move_on_success = "Done"\n', "move_on_success"),
        (POP3 + 'move_on_hold = "Held"\n', "move_on_hold"),
        (POP3 + 'after_success = "seen"\n', 'after_success = "seen"'),
        (MBOX + 'after_failure = "delete"\n', 'after_failure = "delete"'),
        (MAILDIR + 'query = "UNSEEN"\n', "query"),
        (MAILDIR + 'host = "imap.example.com"\n', "host"),
        (MAILBOX + "delete_unprocessed = true\n", "delete_unprocessed"),
        (MAILBOX + 'path = "mail"\n', "path"),
        (MAILDIR + '[defaults.mailbox]\nprotocol = "maildir"\nhost = "imap.example.com"\n', "host"),
    ],
)
def test_an_option_of_another_protocol_is_an_error_at_its_place(find: Find, text: str, option: str) -> None:
    (problem,) = find(text)
    assert problem.code == "C118" and problem.message.startswith(f"{option} does nothing for a mailbox of the kind ")
    assert problem.excerpt.startswith(option.partition(" ")[0]) and problem.help.startswith("take it out; ")


def test_defaults_are_for_all_mailboxes_and_the_default_value_says_nothing(load: Load) -> None:
    own = '[workspace.a.mailbox]\nprotocol = "maildir"\npath = "mail"\naddresses = ["b@example.com"]\n'
    assert load('[defaults.mailbox]\nquery = "UNSEEN"\nmove_on_success = "Done"\n[workspace.a]\n' + MAILBOX + own)
    assert load('[defaults.mailbox]\ntimeout = "20 s"\nmove_on_success = "Done"\n' + MAILDIR)
    assert load(POP3 + 'folder = "INBOX"\nafter_success = "move"\nmove_on_success = ""\n').warnings == ()
    assert load(POP3 + 'after_success = "delete"\ndelete_unprocessed = true\n')


def test_a_folder_beside_a_word_that_does_not_move_is_an_error(find: Find, load: Load) -> None:
    (problem,) = find(MAILBOX + 'after_success = "seen"\nmove_on_success = "Done"\n')
    assert (problem.code, problem.message) == ("C118", 'move_on_success does nothing beside after_success = "seen"')
    assert load('[defaults.mailbox]\nmove_on_success = "Done"\n' + MAILBOX + 'after_success = "seen"\n')


@pytest.mark.parametrize("option", ["move_on_success", "move_on_failure", "move_on_hold"])
@pytest.mark.parametrize(
    ("text", "folder"),
    [
        (MAILBOX, "INBOX"), (MAILBOX, "inbox"), (MAILDIR, "Inbox"), (MAILBOX + 'folder = "Desk"\n', "Desk"),
        (MAILBOX + 'protocol = "graph"\noauth = "a"\nfolder = "Desk"\n[oauth.a]\n', "desk"),
    ],
)  # fmt: skip
def test_a_folder_that_is_the_one_which_is_read_is_an_error(find: Find, text: str, folder: str, option: str) -> None:
    head, table, behind = text.partition("[oauth")
    found = find(f'{head}{option} = "{folder}"\n{table}{behind}')
    said = f"{option} is the folder that is read: mail would stay there as it is"
    (problem,) = [each for each in found if each.message == said]
    assert problem.code == "C118" and problem.excerpt.startswith(option)


def test_a_folder_of_the_defaults_that_one_mailbox_reads_is_an_error_of_that_one(find: Find, load: Load) -> None:
    defaults = '[defaults.mailbox]\nmove_on_success = "Done"\n'
    (problem,) = find(defaults + MAILBOX + 'folder = "Done"\n')
    assert problem.code == "C118"
    assert load(defaults + MAILBOX + 'folder = "Done"\nafter_success = "seen"\n')
    assert load(defaults + MAILBOX + 'folder = "done"\n')


def test_a_password_without_a_login_is_an_error(find: Find) -> None:
    (problem,) = find("[smtp]\nhost = 'h'\nfrom = 'a@example.com'\npassword_env = 'P'\n")
    assert (problem.code, problem.message) == ("C118", "password_env does nothing without a username")


def test_a_webhook_without_events_is_an_error_where_it_begins(find: Find) -> None:
    (problem,) = find("[webhooks.chat]\nurl_env = 'CHAT'\n")
    assert (problem.code, problem.message, problem.excerpt) == (
        "C118", "this webhook is told of nothing", "[webhooks.chat]",
    )  # fmt: skip
    (problem,) = find("[webhooks.chat]\nurl_env = 'CHAT'\nevents = ['mail.hold']\n")
    assert problem.code == "C103"


@pytest.mark.parametrize(
    ("host", "help"),
    [
        ("imap.example.com:993", 'write  host = "imap.example.com"  and  port = 993'),
        ("imaps://imap.example.com:993/", 'write  host = "imap.example.com"  and  port = 993'),
        ("ssl://imap.example.com", 'write  host = "imap.example.com"'),
        ("[2001:db8::1]:993", 'write  host = "2001:db8::1"  and  port = 993'),
        ("imap.example.com/ssl", "write a name such as imap.example.com"),
        ("imap example com", "write a name such as imap.example.com"),
    ],
)
def test_a_host_is_a_name_and_nothing_else(find: Find, host: str, help: str) -> None:
    for text in (MAILBOX.replace("imap.example.com", host), f"[smtp]\nhost = '{host}'\nfrom = 'a@example.com'\n"):
        assert [(problem.code, problem.help) for problem in find(text) if problem.code == "C105"] == [("C105", help)]


@pytest.mark.parametrize(
    "host", ["imap.example.com", "localhost", "192.0.2.1", "2001:db8::1", "::1", "mail_1.internal"]
)
def test_names_and_addresses_of_servers_are_taken(load: Load, host: str) -> None:
    assert load(MAILBOX.replace("imap.example.com", host)).mailbox("system").host == host


@pytest.mark.parametrize(
    ("text", "section", "option", "value"),
    [
        (POP3 + 'auth = "USER"\n', "mailbox", "auth", "login"),
        (POP3 + 'auth = "APOP"\n', "mailbox", "auth", "apop"),
        (MAILBOX + 'auth = "CRAM-MD5"\n', "mailbox", "auth", "cram-md5"),
        (MAILBOX + 'auth = "cram_md5"\n', "mailbox", "auth", "cram-md5"),
        (MAILBOX + 'protocol = "IMAP"\n', "mailbox", "protocol", "imap"),
        (MAILBOX + 'ssl = "STARTTLS"\n', "mailbox", "ssl", "starttls"),
        (MAILBOX + '[items]\nbehavior = "Create-Or-Update"\n', "items", "behavior", "create_or_update"),
        (MAILBOX + '[gates]\ndmarc = "Reject"\n', "gates", "dmarc", "reject"),
    ],
)
def test_words_in_capitals_and_of_other_systems_are_understood(
    load: Load, text: str, section: str, option: str, value: str
) -> None:
    config = load(text)
    holder = config.mailbox("system") if section == "mailbox" else getattr(config.settings(), section)
    assert getattr(holder, option) == value
    (told,) = config.warnings
    assert (told.code, told.severity) == ("C170", Severity.INFO) and told.message.endswith(f'understood as "{value}"')


@pytest.mark.parametrize("text", ["type,project", " type , project ,", "type, project"])
def test_a_list_written_with_commas_is_a_list(load: Load, text: str) -> None:
    config = load(f'[items]\nallow_override = "{text}"\n')
    assert config.settings().items.allow_override == ("type", "project")
    assert [problem.message for problem in config.warnings] == [f'"{text}" is understood as ["type", "project"]']
    order = load('[items.threading]\norder = "TOKEN,message_id"\n').settings().items.threading.order
    assert order == ("token", "message_id")
    assert load("[errors]\nretry = '1 min, 5 min'\n").settings().errors.retry == (60.0, 300.0)


def test_a_wrong_element_of_a_comma_text_is_told_where_it_stands(find: Find) -> None:
    problem = next(p for p in find("[errors]\nforward_to = 'a@example.com, b'\n") if p.code == "C105")
    assert problem.message == '"b" is no mail address' and problem.excerpt.startswith("forward_to")


def test_a_pattern_keeps_its_commas_and_one_word_is_no_list(load: Load) -> None:
    gates = load("[gates]\nblocked_senders = '/^a{1,3}@/'\n[items]\nallow_override = 'all'\n").settings()
    assert [pattern.source for pattern in gates.gates.blocked_senders] == ["/^a{1,3}@/"]
    assert gates.items.allow_override == ("all",)


@pytest.mark.parametrize(
    ("variable", "help"),
    [
        ("ALLEGRA__GATES__DMRC", "did you mean  ALLEGRA__GATES__DMARC ?"),
        ("ALLEGRA__SYSTEM__MAILBOX__USERNMAE", "did you mean  ALLEGRA__SYSTEM__MAILBOX__USERNAME ?"),
        ("ALLEGRA__WORKSPACE__BIG_CORP__ITEMS__TYP", "did you mean  ALLEGRA__WORKSPACE__BIG_CORP__ITEMS__TYPE ?"),
        ("ALLEGRA__ITEM__TITLE_PREFIX", "did you mean  ALLEGRA__ITEMS__TITLE_PREFIX ?"),
        ("ALLEGRA__NONSENSE", ""),
    ],
)
def test_a_variable_of_no_option_is_an_error_with_a_suggestion(find: Find, variable: str, help: str) -> None:
    (problem,) = find("[workspace.big-corp]\n", {variable: "x"})
    assert (problem.code, problem.where, problem.help) == ("C140", variable, help)


def test_every_event_can_be_asked_for_by_a_webhook_and_a_misspelt_one_is_suggested(find: Find) -> None:
    assert set(get_args(HookEvent)) == {*BY_NAME, "item.*", "mail.error"}
    (problem,) = find("[webhooks.chat]\nurl_env = 'CHAT'\nevents = ['item.answerd']\n")
    assert (problem.code, problem.help) == ("C103", 'did you mean  "item.answered" ?')


def test_a_webhook_is_signed_by_one_secret_or_none(find: Find) -> None:
    hook = "[webhooks.chat]\nurl_env = 'CHAT'\nevents = ['item.*']\n"
    assert find(hook) == [] and find(hook + "secret_env = 'SIGNS'\n") == []
    (problem,) = find(hook + "secret_env = 'SIGNS'\nsecret_file = 'x'\n")
    assert (problem.code, problem.message) == ("C115", "the secret is given twice: secret_env and secret_file")
