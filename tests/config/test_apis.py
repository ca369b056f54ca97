"""Mailboxes that are read by the API of their provider: what they need, and what does nothing; F004, F005."""

from __future__ import annotations

import pytest
from configurations import Find, Load

from engine.config.mailbox import APIS
from engine.web import providers

GOOGLE = """
[oauth.google]
provider = "google"
grant = "refresh_token"
client_id = "app"
client_secret_env = "SECRET"
"""
MICROSOFT = """
[oauth.m365]
provider = "microsoft"
grant = "client_credentials"
tenant = "example.com"
client_id = "app"
client_secret_env = "SECRET"
"""
SECTIONS = {"gmail": GOOGLE, "graph": MICROSOFT}
NAMES = {"gmail": "google", "graph": "m365"}


def box(protocol: str, more: str = "", table: str = "system.mailbox") -> str:
    return f'[{table}]\nprotocol = "{protocol}"\nusername = "help@example.com"\noauth = "{NAMES[protocol]}"\n{more}\n'


@pytest.mark.parametrize("protocol", ["gmail", "graph"])
def test_F004_a_name_and_a_section_are_enough(load: Load, find: Find, protocol: str) -> None:
    config = load(SECTIONS[protocol] + box(protocol))
    (mailbox,) = config.mailboxes
    assert (mailbox.host, mailbox.port, mailbox.addresses) == (APIS[protocol], 443, ("help@example.com",))
    assert mailbox.sign_in is not None and mailbox.sign_in.uses == (protocol,)


@pytest.mark.parametrize("protocol", ["gmail", "graph"])
def test_without_a_section_it_is_said_what_is_missing(find: Find, protocol: str) -> None:
    said = [problem.message for problem in find(f'[system.mailbox]\nprotocol = "{protocol}"\n')]
    assert sorted(said) == ["[system.mailbox] needs oauth", "[system.mailbox] needs username"]


def test_a_section_of_the_other_provider_is_refused(find: Find) -> None:
    wrong = box("gmail").replace('"google"', '"m365"')
    (problem,) = find(MICROSOFT + wrong)
    assert problem.message == 'protocol = "gmail" takes no token of provider = "microsoft"'


def test_another_cloud_is_another_host_and_the_server_of_other_mailboxes_is_none_of_theirs(load: Load) -> None:
    (mailbox,) = load(MICROSOFT + box("graph", 'host = "graph.microsoft.us"')).mailboxes
    assert (mailbox.host, mailbox.port) == ("graph.microsoft.us", 443)
    others = '[defaults.mailbox]\nhost = "imap.example.com"\nport = 1993\n'
    ours = box("gmail", table="workspace.support.mailbox") + "[workspace.support]\n"
    theirs = '[system.mailbox]\nusername = "x@example.com"\npassword_env = "P"\n'
    config = load(others + theirs + GOOGLE + ours)
    assert [(each.host, each.port) for each in config.mailboxes] == [
        ("imap.example.com", 1993), ("gmail.googleapis.com", 443)
    ]  # fmt: skip


@pytest.mark.parametrize("option", [
    "ssl = false", "ssl_verification = false", 'auth = "plain"', 'password = "x"', 'path = "x"',
    "exclusive_mailbox = true", "use_message_id_as_uid = true", "delete_unprocessed = true", 'query = "UNSEEN"',
])  # fmt: skip
def test_what_does_nothing_there_is_refused(find: Find, option: str) -> None:
    (problem,) = find(MICROSOFT + box("graph", option))
    assert problem.code == "C118" and problem.message.startswith(option.partition(" ")[0])


def test_a_search_of_gmail_and_its_labels_are_options(find: Find) -> None:
    assert find(GOOGLE + box("gmail", 'query = "is:unread"\nfolder = "Support"\nmove_on_success = "A/B"')) == []


def test_F022_two_mailboxes_of_one_label_are_refused(find: Find) -> None:
    second = (
        box("gmail", 'folder = "Inbox"\naddresses = ["support@example.com"]', "workspace.support.mailbox")
        + "[workspace.support]\n"
    )
    assert [problem.code for problem in find(GOOGLE + box("gmail") + second)] == ["C111"]


def test_one_token_of_microsoft_is_not_good_for_graph_and_smtp(find: Find) -> None:
    smtp = '[smtp]\nhost = "smtp.office365.com"\nusername = "a@example.com"\noauth = "m365"\nfrom = "a@example.com"\n'
    (problem,) = find(MICROSOFT + box("graph") + smtp)
    assert problem.message.startswith("one token is not good for graph and smtp")
    assert find(MICROSOFT + MICROSOFT.replace("m365", "other") + box("graph") + smtp.replace("m365", "other")) == []


def test_F005_what_is_asked_for_is_what_the_protocols_need(load: Load) -> None:
    def scope(text: str, name: str) -> str:
        return providers.scope(load(text).root.oauth[name])

    assert scope(GOOGLE + box("gmail"), "google") == "https://www.googleapis.com/auth/gmail.modify"
    smtp = '[smtp]\nhost = "smtp.gmail.com"\nusername = "a@example.com"\noauth = "google"\nfrom = "a@example.com"\n'
    assert scope(GOOGLE + box("gmail") + smtp, "google") == "https://mail.google.com/"
    assert scope(MICROSOFT + box("graph"), "m365") == "https://graph.microsoft.com/.default"
    person = MICROSOFT.replace("client_credentials", "refresh_token")
    assert scope(person + box("graph"), "m365") == "https://graph.microsoft.com/Mail.ReadWrite offline_access"
