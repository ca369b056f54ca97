"""Addresses: who a mail is really from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_builders import read, with_header

from engine.mail import addresses
from engine.model.mail import Address


def pairs(written: str) -> list[tuple[str, str]]:
    return [(found.name, found.address) for found in addresses.parse(written, 50)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("anna@example.com", [("", "anna@example.com")]),
        ("Anna Berg <anna@example.com>", [("Anna Berg", "anna@example.com")]),
        ('"Berg, Anna" <anna@example.com>', [("Berg, Anna", "anna@example.com")]),
        ('"Anna \\"A\\" Berg" <anna@example.com>', [('Anna "A" Berg', "anna@example.com")]),
        ("Berg, Anna <anna@example.com>", [("Berg, Anna", "anna@example.com")]),
        ("anna@example.com (Anna Berg)", [("Anna Berg", "anna@example.com")]),
        ("Anna (work) Berg <anna@example.com>", [("Anna Berg", "anna@example.com")]),
        ("=?utf-8?q?J=C3=B6rg?= Meier <joerg@example.com>", [("Jörg Meier", "joerg@example.com")]),
        ('"=?utf-8?q?J=C3=B6rg?=" <joerg@example.com>', [("Jörg", "joerg@example.com")]),
        ("=?utf-8?q?Meier,_J?= <joerg@example.com>", [("Meier, J", "joerg@example.com")]),
        (
            "a@example.com, b@example.com;c@example.com",
            [("", "a@example.com"), ("", "b@example.com"), ("", "c@example.com")],
        ),
        (", a@example.com,, b@example.com ,", [("", "a@example.com"), ("", "b@example.com")]),
        ("Staff: a@example.com, B <b@example.com>;", [("", "a@example.com"), ("B", "b@example.com")]),
        ("undisclosed-recipients:;", []),
        ("<@one.example,@two.example:anna@example.com>", [("", "anna@example.com")]),
        ("anna . berg @ example . com", [("", "anna.berg@example.com")]),
        ('"anna berg"@example.com', [("", '"anna berg"@example.com')]),
        ("anna@[192.0.2.1]", [("", "anna@[192.0.2.1]")]),
        ("<<anna@example.com>>", [("", "anna@example.com")]),
        ("<anna@example.com", [("", "anna@example.com")]),
        ("Anna Berg <anna@example.com", [("Anna Berg", "anna@example.com")]),
        ("anna@example.com>", [("", "anna@example.com")]),
        ("=?utf-8?q?Anna_<anna@example.com>?=", [("Anna", "anna@example.com")]),
        ("=?utf-8?q?anna@example.com?=", [("", "anna@example.com")]),
        ("=?utf-8?q?Anna?= =?utf-8?q?_=3Canna=40example.com=3E?=", [("Anna", "anna@example.com")]),
        ("Anna <=?utf-8?q?anna=40example.com?=>", [("Anna", "anna@example.com")]),
        ("=?utf-8?q?eve=40evil.example?= anna@example.com", [("eve@evil.example", "anna@example.com")]),
        ("<mailto:anna@example.com>", [("", "anna@example.com")]),
        ("Anna <anna@example.com> Bob <bob@example.com>", [("Anna", "anna@example.com"), ("Bob", "bob@example.com")]),
        ("anna@example.com <Anna>", [("", "anna@example.com")]),
        ("Anna <>", []),
        ("MAILER-DAEMON", [("", "MAILER-DAEMON")]),
        ("Mail Delivery System <MAILER-DAEMON>", [("Mail Delivery System", "MAILER-DAEMON")]),
        ("jörg@exämple.com", [("", "jörg@exämple.com")]),
        ("", []),
        ("((((((", []),
    ],
)
def test_F053_addresses_are_read_as_they_are_written(written: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(written) == expected


CEO, EVE = "ceo@example.com", "eve@evil.example"


@pytest.mark.parametrize(
    "tricky",
    [
        f"{CEO} <{EVE}>",
        f'"{CEO}" <{EVE}>',
        f"=?utf-8?q?ceo=40example.com?= <{EVE}>",
        f"=?utf-8?q?CEO_=3Cceo=40example.com=3E?= <{EVE}>",
        f'"CEO <{CEO}>" <{EVE}>',
        f"CEO (<{CEO}>) <{EVE}>",
        f"<{EVE}> (<{CEO}>)",
    ],
)
def test_F053_display_name_that_looks_like_an_address_is_a_name(tricky: str) -> None:
    address, problem = addresses.sender(read(f"From: {tricky}\n\nx"))
    assert (address.address, problem) == (EVE, "")


@pytest.mark.parametrize(
    "tricky",
    [
        f"{CEO}]<{EVE}>",
        f"{CEO}\\<{EVE}>",
        f"{CEO}>{CEO}<{EVE}>",
        f"{CEO}:<{EVE}>",
        f"<{CEO}><{EVE}>",
        f"<{EVE}><{CEO}>",
        f"<{CEO}>, <{EVE}>",
        f"{CEO}, {EVE}",
        f"{CEO} {EVE}",
        f'"<{CEO}> <{EVE}>',
        f"(<{CEO}> <{EVE}>",
        f"<{CEO}>{EVE}",
        f"{EVE} <{CEO}",
        f"<ce o@example.com> <{EVE}>",
        f"Board: {CEO}, {EVE};",
        "=?utf-8?q?ceo=40example.com?=",
        "=?utf-8?q?CEO_=3Cceo=40example.com=3E?=",
        "=?utf-8?q?CEO_<ceo@example.com>?=",
        "Eve <=?utf-8?q?ceo=40example.com?=>",
        f"{EVE}, =?utf-8?q?ceo@example.com?=",
        f"CEO <{CEO}, {EVE}",
        f"CEO <<{CEO}",
        "ceo@example.com@evil.example",
        "ce o@example.com",
        "ceo@example .com x",
        "ceo",
        "",
        "()",
    ],
)
def test_G23_ambiguous_from_is_never_believed(tricky: str) -> None:
    _, problem = addresses.sender(read(f"From: {tricky}\n\nx"))
    assert problem


@pytest.mark.parametrize(
    "written", ["Anna Berg <anna@example.com", "<anna@example.com", "Anna <anna@example.com (work)"]
)
def test_from_without_closing_bracket_is_believed_where_it_holds_one_address(written: str) -> None:
    address, problem = addresses.sender(read(f"From: {written}\n\nx"))
    assert (address.address, problem) == ("anna@example.com", "")


def test_two_from_fields_are_not_believed() -> None:
    for first, second in ((CEO, EVE), (EVE, CEO)):
        _, problem = addresses.sender(read(f"From: {first}\nFROM: {second}\n\nx"))
        assert problem == "there are 2 From fields"


def test_F053_without_from_the_sender_field_is_named_but_not_believed() -> None:
    address, problem = addresses.sender(read(f"Sender: {CEO}\nReply-To: {EVE}\n\nx"))
    assert (address.address, problem) == (CEO, "there is no From")


def test_sender_and_reply_to_do_not_change_who_it_is() -> None:
    address, problem = addresses.sender(read(f"Sender: {CEO}\nReply-To: {CEO}\nFrom: {EVE}\n\nx"))
    assert (address.address, problem) == (EVE, "")


def test_name_that_looks_like_ascii_keeps_its_letters() -> None:
    lookalike = "сео@example.com"  # Cyrillic
    address, problem = addresses.sender(read(with_header().replace(b"anna@example.com", lookalike.encode())))
    assert problem == "" and address.key != CEO


def test_limit_holds_in_plain_and_in_odd_lists() -> None:
    plain = ", ".join(f"a{number}@example.com" for number in range(30))
    for written in (plain, "Group: " + plain + ";"):
        reading = addresses.read(written, 10)
        assert len(reading.addresses) == 10 and reading.more


SAFE = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters='"\\'), max_size=20)


@given(SAFE, st.from_regex(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,20}@[a-z0-9-]{1,10}\.[a-z]{2,5}", fullmatch=True))
def test_quoted_names_with_any_text_leave_the_address_alone(name: str, address: str) -> None:
    reading = addresses.read(f'"{name}" <{address}>', 9)
    assert [found.address for found in reading.addresses] == [address]
    assert reading.oddity == ""


@given(st.text(st.sampled_from('ab@.<>()",;:\\[] \t=?'), max_size=60))
def test_any_punctuation_is_read_without_raising(written: str) -> None:
    for found in addresses.parse(written, 9):
        assert isinstance(found, Address) and found.address


@given(st.text(st.sampled_from('ab@.<>()",;:\\[] '), max_size=40))
def test_what_is_believed_ends_in_the_angle_bracket_if_there_is_one(written: str) -> None:
    address, problem = addresses.sender(read(f"From: {written} <{EVE}>\n\nx"))
    assert problem or address.address == EVE
