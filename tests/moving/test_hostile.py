"""Files that mean harm, or are none: each ends in a sentence with a line, soon, and nothing is brought in."""

# ruff: noqa: E501  (mails and tables)

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.moving import reading
from engine.moving.people import Wishes, bring_in
from engine.moving.settings.given import read
from engine.moving.threads import bring_in as bring_threads
from engine.store.load import LoadError

PEOPLE = {"csv": "login,mail\n", "ldif": "dn: x\nobjectClass: user\nuid: a\n", "vcf": "BEGIN:VCARD\nFN:A\nEMAIL:a@b\n"}


@pytest.fixture(autouse=True)
def soon():
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 20


def people(store, path):
    return bring_in(store, path, Wishes())


@pytest.mark.parametrize("bring", [people, bring_threads])
def test_what_is_too_large_is_not_read(store, file, wrong, bring, monkeypatch):
    path = file("login,mail\n")
    with path.open("r+b") as stream:
        stream.truncate(100 << 20)
    assert wrong(bring, store, path) == [("D100", 0, "is larger than 64 MB")]
    assert wrong(read, path) == [("D100", 0, "is larger than 4 MB")]


@pytest.mark.parametrize("bring", [people, bring_threads, lambda _, path: read(path)])
def test_bytes_that_are_no_text_have_a_line(store, file, wrong, bring):
    told = wrong(bring, store, file("login,mail\nj\xf6rg,j@example.com\n".encode("latin-1")))
    assert told == [("D100", 2, "is no text in utf-8")]
    assert wrong(bring, store, file(b"login,mail\na,b\0c\n")) == [("D100", 2, "holds a NUL character: this is no text")]


def test_an_older_encoding_is_read_where_it_is_named(store, file):
    path = file("login,name,mail\nj,J\xf6rg,j@example.com\n".encode("cp1252"))
    bring_in(store, path, Wishes(encoding="cp1252"))
    assert store.directory.login("j").name == "Jörg"


def test_a_billion_columns(store, file, wrong):
    assert wrong(people, store, file("a," * 50_000 + "\n"))[0][:2] == ("D130", 1)
    assert wrong(people, store, file("login,mail\nx,x@example.com\n" + "a," * 50_000 + "\n"))[0][:2] == ("D130", 3)
    assert wrong(people, store, file('{"login": "x"' + "".join(f', "k{n}": 1' for n in range(300)) + "}\n")) == [
        ("D130", 1, "has 301 keys; 200 are the most")
    ]


def test_values_of_ten_thousand_characters(store, file, wrong):
    long = "x" * 10_000
    said = '"{}" has 10000 characters; 2000 are the most'
    assert wrong(people, store, file(f"login,name\nx,{long}\n")) == [("D130", 2, said.format("name"))]
    assert wrong(people, store, file(f"dn: x\nuid: a\nmail: a@b.example\ncn: {long}\n", "a.ldif")) == [
        ("D142", 1, "the name has 10000 characters; 200 are the most")
    ]
    assert wrong(bring_threads, store, file(f"marker,item\n{long},1002\n"))[0][:2] == ("D130", 2)
    assert wrong(read, file(f"host={long}x\n", "a.env"))[0][:2] == ("D150", 1)


@pytest.mark.parametrize(
    ("text", "name", "line"),
    [
        ("dn: x\nuid: a\n" + "memberOf: CN=g\n" * 10_001, "a.ldif", 10_001),
        ("dn: x\ncn: " + "y\n " * 600_000, "a.ldif", 2),
        ("dn: x\ncn:: not base64!\n", "a.ldif", 2),
        ("dn: x\ncn:< file:///etc/passwd\n", "a.ldif", 2),
        ("dn: x\nchangetype: delete\n", "a.ldif", 2),
        ("dn: x\nno colon\n", "a.ldif", 2),
        ("dn: x\nuserAccountControl: locked\n", "a.ldif", 1),
        ("BEGIN:VCARD\nFN:A\n", "a.vcf", 1),
        ("BEGIN:VCARD\nBEGIN:VCARD\n", "a.vcf", 2),
        ("FN:A\n", "a.vcf", 1),
        ("BEGIN:VCARD\nFN;CHARSET=nonsense;ENCODING=QUOTED-PRINTABLE:=C3\nEND:VCARD\n", "a.vcf", 2),
        ("BEGIN:VCARD\nno colon\nEND:VCARD\n", "a.vcf", 2),
        ('login,mail\n"x,y\n', "a.csv", 2),
        ('{"login": "x"}\n{"login":\n', "a.json", 2),
        ("[1]\n" + "[" * 100_000, "a.json", 2),
        ('{"login": {"a": 1}}\n', "a.json", 1),
    ],
)
def test_what_is_broken_has_a_line(store, file, wrong, text, name, line):
    told = wrong(people, store, file(text, name))
    assert told[0][1] == line, told


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: &a [x]\nb: [*a, *a]\n", 2, "repeats a part by its name"),
        ("a: " + "[" * 500 + "]" * 500 + "\n", 1, "nested too deeply"),
        ("a: [1\nb: {\n", 2, "no YAML"),
        ('<!DOCTYPE x [<!ENTITY a "b">]>\n<MailInboxStandard><server>&a;</server></MailInboxStandard>', 1, "document type"),
        ('<?xml version="1.0"?>\n<!DOCTYPE x SYSTEM "file:///etc/passwd">\n<x/>', 2, "document type"),
        ("<MailInboxStandard><server>x</MailInboxStandard>", 1, "mismatched tag"),
        ("<a>" * 100, 1, "nested too deeply"),
        ("<?php return " + "array(" * 500, 1, "nested too deeply"),
        ("<?php return array('a' => array('b'", 1, "does not end"),
        ("<?php echo 1;", 0, "no array"),
        ("INSERT INTO email_account VALUES (1, 'imap", 1, "does not end"),
        ("INSERT INTO settings VALUES (1, 'a', 'b');", 1, "which columns"),
        ('redmine:email:receive_imap host="x\n', 1, ""),
        ("what is this?\n", 1, "neither KEY=VALUE"),
        ("", 0, "no setting"),
    ],
)  # fmt: skip
def test_settings_that_are_broken_have_a_line_and_are_not_repeated(file, text, line, said):
    try:
        read(file(text, "settings"))
    except LoadError as error:
        problem = error.problems[0]
        assert (problem.line, problem.excerpt) == (line, "") and said in problem.message
    else:
        assert not said


@pytest.mark.parametrize(
    "text",
    [
        "\n" * 400_000,
        "<?php return array(" + "/*" * 200_000,
        "<?php " + "= array" * 50_000,
        "<?php\n" + "\n" * 400_000 + "return 1;",
        "CREATE TABLE x (\n" * 200_000 + "INSERT INTO x VALUES",
        "INSERT INTO email_account VALUES " + "('a'," * 70_000,
        "INSERT " + " " * 400_000 + "INTO",
        "a:\n" + "- b\n" * 90_000,
        "<a>" + "&#65;" * 70_000 + "</a>",
        "host=" + "x" * 400_000,
        "rake redmine:email:receive_imap " + "a=b " * 100_000,
        "x=1\\\n" * 60_000,
        "{" * 400_000,
    ],
    ids=range(13),
)
def test_settings_made_to_take_long_do_not(file: Any, text: str) -> None:
    try:
        read(file(text, "settings"))
    except LoadError as error:
        assert error.problems


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("BEGIN:VCARD\n" + "FN:" + "x\n " * 400_000, "a.vcf"),
        ("BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE:" + "x=\n" * 400_000, "a.vcf"),
        ("BEGIN:VCARD\n" + "EMAIL:" + "\\;" * 400_000 + "\nEND:VCARD\n", "a.vcf"),
        ("dn: x\n" + "cn: y\n z\n" * 90_000, "a.ldif"),
        ("dn: x\n" * 400_000, "a.ldif"),
        ("login\n" + '"' * 900_000, "a.csv"),
        ("login\n" + "\n" * 900_000, "a.csv"),
    ],
    ids=range(7),
)
def test_people_made_to_take_long_do_not(store: Any, file: Any, text: str, name: str) -> None:
    try:
        bring_in(store, file(text, name), Wishes())
    except LoadError as error:
        assert error.problems


def test_yaml_makes_no_objects(file):
    text = "--- !ruby/object:Foo\na: !!python/object/apply:os.system ['echo hacked']\nmail_from: x@example.com\n"
    found = {each.name: each.value for each in read(file(text, "a.yml"))}
    assert found == {"a": ("echo hacked",), "mail_from": "x@example.com"}


@given(st.text(max_size=400), st.sampled_from(["a.csv", "a.ldif", "a.vcf", "a.json"]))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_is_people_or_a_sentence(store, tmp_path, text, name):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        bring_in(store, path, Wishes(), dry_run=True)
    except LoadError as error:
        assert error.problems


@given(st.text(max_size=400), st.sampled_from(["", "<?php return array('a' => ", "INSERT INTO email_account VALUES (", "<MailInboxA>", "a:\n", "redmine:email:receive_imap host="]))  # fmt: skip
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_is_settings_or_a_sentence(tmp_path, text, start):
    path = tmp_path / "settings"
    path.write_text(start + text, encoding="utf-8", errors="replace")
    try:
        read(path)
    except LoadError as error:
        assert error.problems


def test_limits_are_what_the_pages_say():
    assert reading.MOST_BYTES == 64 << 20
