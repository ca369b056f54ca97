"""What stands in a directory is read with distrust."""

from __future__ import annotations

import pytest

from engine.config.directory import USUAL, Directory
from engine.directories.entry import MOST_GROUPS, addresses, is_disabled, standing
from engine.model.answers import Standing

LDAP = Directory(kind="ldap").settled("staff")
DISABLED = USUAL["ldap"].disabled


@pytest.mark.parametrize(
    ("name", "value", "disabled"),
    [
        ("useraccountcontrol", "514", True),
        ("useraccountcontrol", "66050", True),
        ("useraccountcontrol", "512", False),
        ("useraccountcontrol", "rubbish", False),
        ("useraccountcontrol", "9" * 5000, False),
        ("nsaccountlock", "TRUE", True),
        ("nsaccountlock", "false", False),
        ("pwdaccountlockedtime", "000001010000Z", True),
        ("pwdaccountlockedtime", "20261129120000Z", False),
    ],
)
def test_an_entry_is_disabled_as_directories_write_it(name: str, value: str, disabled: bool) -> None:
    assert is_disabled({name: [value]}, DISABLED) is disabled


def test_addresses_are_whole_addresses_each_once() -> None:
    given = ["Jane@Example.com", "SMTP:jane@example.com", "smtp:j.doe@example.com", "X400:c=us", "a@b, c@d", "no", "",
             "a" * 300 + "@x", "x@y\r\nBcc: z@z", "<x@y>"]  # fmt: skip
    assert addresses(given) == ("Jane@Example.com", "j.doe@example.com")


def test_groups_are_called_by_their_first_part_or_as_the_settings_say() -> None:
    entry = {"mail": ["a@b.example"], "memberof": ["CN=Support\\2C Staff,OU=x", "plain", "cn=plain,dc=x"]}
    assert standing([entry], LDAP).groups == ("Support, Staff", "plain")
    named = LDAP.filled(groups={"support, staff": "staff"})
    assert standing([entry], named).groups == ("staff",)
    by_dn = LDAP.filled(groups={"CN=plain,dc=x": "plain people"})
    assert standing([entry], by_dn).groups == ("plain people",)
    many = {"memberof": [f"cn=g{number},dc=x" for number in range(1000)]}
    assert len(standing([many], LDAP).groups) == MOST_GROUPS


def test_what_a_spreadsheet_would_compute_is_a_plain_name_and_no_login() -> None:
    entry = {"uid": ["=1+1"], "cn": ['=HYPERLINK("http://x")\r\nBcc: x'], "preferredlanguage": ["de-AT, en"]}
    found = standing([entry], LDAP)
    assert (found.login, found.name, found.language) == ("", 'HYPERLINK("http://x") Bcc: x', "de")


@pytest.mark.parametrize("login", ["a b", "a" * 65, "a\nb", "-x", "", "a/b", "../a"])
def test_a_login_that_cannot_stand_here_is_none(login: str) -> None:
    assert standing([{"uid": [login]}], LDAP).login == ""


def test_two_entries_say_nothing_and_a_disabled_one_says_no_name() -> None:
    entry = {"uid": ["jane"], "nsaccountlock": ["TRUE"]}
    assert standing([entry, entry], LDAP).standing is Standing.AMBIGUOUS
    found = standing([entry], LDAP)
    assert (found.standing, found.login) == (Standing.DISABLED, "")
