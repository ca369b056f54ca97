"""People come in out of CSV, LDIF and vCard: whole or not at all, and who is there keeps what they have."""

# ruff: noqa: E501  (mails and tables)

from __future__ import annotations

import base64

import pytest

from engine.moving.people import Change, Wishes, bring_in
from engine.moving.persons import common_name, guess
from engine.store.load import Tally

CSV = """Login;First name;Last name;Email;Email 2;Groups;Status;Language;Phone
carl;Carl;Cole;carl@example.com;c2@example.com;staff, Ops;1;de-DE;+49 1
dora;Dora;Dahl;dora@example.com;;;locked;;
"""

LDIF = f"""version: 1
# users of a directory
dn: CN=Carl Cole,OU=People,DC=example,DC=com
objectClass: top
objectClass: person
objectClass: user
displayName:: {base64.b64encode("Carl Cölé".encode()).decode()}
sAMAccountName: carl
userPrincipalName: carl@corp.local
proxyAddresses: smtp:c2@example.com
proxyAddresses: SMTP:carl@example.com
proxyAddresses: X500:/o=example
memberOf: CN=Ops\\, Berlin,OU=Groups,DC=exa
 mple,DC=com
userAccountControl: 512
jpegPhoto:: AAAA

dn: uid=dora,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: dora
cn: Dora Dahl
mail: dora@example.com
preferredLanguage: fr
userAccountControl: 66050

dn: CN=PC1
objectClass: user
objectClass: computer
sAMAccountName: PC1$

dn: OU=People,DC=example,DC=com
objectClass: organizationalUnit
"""

VCARD = """BEGIN:VCARD
VERSION:2.1
N:Cole;Carl
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Carl =
C=C3=B6le
EMAIL;HOME:c2@example.com
EMAIL;PREF;INTERNET:carl@example.com
ORG:Big\\; Ltd;Sales
PHOTO;ENCODING=b:AAAA
END:VCARD
begin:vcard
version:4.0
FN:Dora
  Dahl
item1.EMAIL;TYPE="work:home";PREF=1:dora@example.com
EMAIL;PREF=2:d2@example.com
LANG;PREF=1:fr
CATEGORIES:vip,customers\\, big
end:vcard
BEGIN:VCARD
VERSION:3.0
FN:Nobody
END:VCARD
"""


def account(store, login):
    found = store.directory.login(login)
    return found and (found.name, found.emails, str(found.status), found.language, found.groups)


def test_people_out_of_csv(store, file):
    brought = bring_in(store, file(CSV), Wishes())
    assert account(store, "carl") == ("Carl Cole", ("carl@example.com", "c2@example.com"), "active", "de", ("Ops", "staff"))  # fmt: skip
    assert account(store, "dora") == ("Dora Dahl", ("dora@example.com",), "locked", "", ())
    assert (brought.unread, brought.tallies["users"].added, brought.tallies["groups"].added) == (("phone",), 2, 1)


def test_people_out_of_the_ldif_of_active_directory_and_of_others(store, file):
    brought = bring_in(store, file(LDIF, "users.ldif"), Wishes())
    assert account(store, "carl") == ("Carl Cölé", ("carl@example.com", "c2@example.com"), "active", "", ("Ops, Berlin",))  # fmt: skip
    assert account(store, "dora") == ("Dora Dahl", ("dora@example.com",), "locked", "fr", ())
    assert brought.others == 2


def test_people_out_of_vcards_of_three_versions(store, file):
    brought = bring_in(store, file(VCARD, "contacts.vcf"), Wishes())
    assert account(store, "carl@example.com") == ("Carl Cöle", ("carl@example.com", "c2@example.com"), "active", "", ("Big; Ltd",))  # fmt: skip
    assert account(store, "dora@example.com") == ("Dora Dahl", ("dora@example.com", "d2@example.com"), "active", "fr", ("customers, big", "vip"))  # fmt: skip
    assert brought.others == 1


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("userPrincipalName,displayName,mail,accountEnabled", "eve@example.com,Eve,eve@example.com,FALSE"),
        ("login,name,mail,state", "eve@example.com,Eve,eve@example.com,blocked"),
        ("Benutzername,Vorname,E-Mail-Adresse,Status", "eve@example.com,Eve,eve@example.com,3"),
        ("username,full name,proxyAddresses,active", "eve@example.com,Eve,SMTP:eve@example.com,no"),
    ],
)
def test_columns_have_the_names_that_others_give_them(store, file, head, row):
    bring_in(store, file(f"{head}\n{row}\n"), Wishes())
    assert account(store, "eve@example.com") == ("Eve", ("eve@example.com",), "locked", "", ())


def test_a_column_of_another_name_is_named(store, file):
    bring_in(store, file("Kennung,Mail\neve,eve@example.com\n"), Wishes(columns={"login": "Kennung"}))
    assert account(store, "eve")[1] == ("eve@example.com",)


@pytest.mark.parametrize("name", ["people.csv", "people.jsonl"])
def test_a_named_column_that_is_not_there_is_said_and_nothing_is_done(store, file, wrong, name):
    text = "login,name,mail,Abteilung\neve,Eve,eve@example.com,\n"
    if name.endswith("jsonl"):
        text = '{"login": "eve", "name": "Eve", "mail": "eve@example.com", "Abteilung": null}\n'
    for ours in ("groups", "login"):
        said = f'there is no column "Abteilng" (--column {ours}=…)'
        assert wrong(bring_in, store, file(text, name), Wishes(columns={ours: "Abteilng"})) == [("D145", 1, said)]
    assert account(store, "eve") is None
    bring_in(store, file(text, name), Wishes(columns={"groups": " abteilung"}))
    assert account(store, "eve") is not None


@pytest.mark.parametrize("text", ["hunter2\n", "eve,eve@example.com\n", "foo;bar\n1;2\n3;4\n", '{"foo": 1}\n'])
def test_a_file_of_something_else_or_without_a_head_is_said_once_and_not_told(store, file, wrong, text):
    (problem,) = wrong(bring_in, store, file(text), Wishes())
    assert problem[:2] == ("D145", 1) and "no column is known here" in problem[2]
    assert "hunter2" not in str(problem)


@pytest.mark.parametrize(("name", "text"), [("a.ldif", LDIF), ("a.vcf", VCARD)])
def test_a_column_of_what_has_none_is_said(store, file, wrong, name, text):
    found = wrong(bring_in, store, file(text, name), Wishes(columns={"login": "x"}))
    assert [(code, line) for code, line, _ in found] == [("D145", 0)]


def test_two_columns_of_one_name_hide_nothing(store, file):
    text = "login,email,email,email,login\neve,a@example.com,b@example.com,c@example.com,eva\n"
    assert bring_in(store, file(text), Wishes()).unread == ("login 2",)
    assert account(store, "eve")[1] == ("a@example.com", "b@example.com", "c@example.com")


def test_a_quote_without_an_end_is_said_with_the_line_where_it_begins(store, file, wrong):
    text = 'login,name,mail\neve,"Eve,eve@example.com\nfay,Fay,fay@example.com\n'
    said = "this is no CSV: a quote that begins here has no end"
    assert wrong(bring_in, store, file(text), Wishes()) == [("D101", 2, said)]


def test_all_may_join_a_group_and_leave_theirs_out(store, file):
    bring_in(store, file(CSV), Wishes(groups=("customers", "Staff"), without_groups=True))
    assert account(store, "carl")[4] == ("customers", "staff") and "Ops" not in dict(store.directory.groups())


def test_who_is_there_stays_as_they_are_unless_an_update_is_asked(store, file):
    path = file("login,name,mail,groups\nanna,Anna Bergmann,a2@example.com,ops\n")
    brought = bring_in(store, path, Wishes())
    assert (brought.there, brought.changes, brought.tallies) == (1, (), {"users": Tally()})
    assert account(store, "anna")[0] == "Anna Berg"
    brought = bring_in(store, path, Wishes(update=True))
    assert brought.changes == (
        Change("anna", "changed", {
            "name": "Anna Bergmann", "emails": ["a2@example.com", "anna@example.com"], "groups": ["ops", "staff"],
        }),
    )  # fmt: skip
    assert bring_in(store, path, Wishes(update=True)).changes == ()


def test_an_update_unlocks_nobody(store, file):
    bring_in(store, file("login,mail,status\nlou,lou@example.com,active\n"), Wishes(update=True))
    assert account(store, "lou")[2] == "locked"


def test_a_dry_run_tells_person_by_person_and_keeps_nothing(store, file):
    brought = bring_in(store, file(CSV), Wishes(), dry_run=True)
    assert [(each.login, each.done) for each in brought.changes] == [("carl", "added"), ("dora", "added")]
    assert account(store, "carl") is None and dict(store.directory.groups()) == {"staff": ("anna",)}


def test_an_address_of_somebody_else_is_named_with_its_line_and_nothing_is_done(store, file, wrong):
    path = file("login,mail\ncarl,carl@example.com\neve,ANNA@example.com\n")
    assert wrong(bring_in, store, path, Wishes()) == [("D120", 3, "the address ANNA@example.com belongs to user anna")]
    assert account(store, "carl") is None


def test_everything_that_is_wrong_is_told_by_line(store, file, wrong):
    text = (
        "login,name,mail,language,status,groups\n"
        '=cmd(),x,a@example.com,,,\ncarl,"=HYPERLINK(1)",c@example.com,,,\neve,E,nope,,,\nfay,F,f@example.com,German,,\n'
        "gus,G,g@example.com,,sleeping,\n,,,,,staff\nhal,H,h@example.com,,,\nhal,H,h2@example.com,,,\n"
        "ida,I,h@example.com,,,\nthe boss,B,b@example.com,,,\njo,J,j@example.com,,,+1\n"
    )
    assert [(code, line) for code, line, _ in wrong(bring_in, store, file(text), Wishes())] == [
        ("D142", 2), ("D142", 3), ("D142", 4), ("D142", 5), ("D142", 6), ("D142", 7), ("D144", 9), ("D144", 10),
        ("D142", 11), ("D142", 12),
    ]  # fmt: skip


def test_a_distinguished_name_is_told_by_its_first_part():
    assert common_name(r"CN=Support\, Berlin,OU=Groups,DC=x") == "Support, Berlin"
    assert common_name(r"CN=B\C3\BCro,DC=x") == "Büro"
    assert common_name("plain") == ""


def test_the_format_is_told_by_the_name_or_the_beginning():
    assert [guess("a.ldif", ""), guess("a.VCF", ""), guess("a.csv", "dn: x")] == ["ldif", "vcard", "csv"]
    assert [guess("a", "dn: x"), guess("a.txt", "BEGIN:VCARD\n"), guess("a", "login,mail\n")] == [
        "ldif",
        "vcard",
        "csv",
    ]
