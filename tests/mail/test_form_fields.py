"""Whom a web form names, and values that name nobody."""

from __future__ import annotations

import pytest
from mail_builders import read

from engine.mail.form_fields import replied_to, written
from engine.model.mail import Address, Mail


def form(text: str, *headers: str) -> Mail:
    return read("\n".join(("From: site@example.com", "Subject: Form", *headers)) + "\n\n" + text)


def test_F053_lines_at_the_top_name_address_and_name() -> None:
    mail = form("Name: Jane Doe\ne-mail : jane@big.example\nPhone: 1\n\nMessage:\nIt does not print.\n")
    assert written(mail, "E-mail", "Name") == Address("jane@big.example", "Jane Doe")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello,\nE-mail: jane@big.example\n",
        "Message:\nE-mail: jane@big.example\n",
        "E-mail: jane@big.example\nName: x\nE-mail: eve@big.example\n",
        "E-mail:\nName: Jane\n",
        "E-mail: jane\n",
        "E-mail: jane@big.example, eve@big.example\n",
        "E-mail: jane@big.example eve@big.example\n",
        "E-mail: <jane@big.example> <eve@big.example>\n",
        "E-mail: jane@big.example\u2028Bcc: x@y.example\n",
        "E-mail: jane@big.example%0d%0aBcc: x@y.example\n",
        "E-mail: " + "j" * 10_000 + "@big.example\n",
        "E-mail: =?utf-8?q?jane=40big.example?=\n",
        "E-mail: jane@@big.example\n",
        "E-mail: group: jane@big.example;\n",
        "x: y\n" * 100 + "E-mail: jane@big.example\n",
    ],
)
def test_F053_anything_but_one_address_in_one_line_at_the_top_is_nobody(text: str) -> None:
    assert isinstance(written(form(text), "E-mail", "Name"), str)


def test_F053_a_name_is_one_short_line_and_one_that_stands_twice_is_none() -> None:
    long = written(form("Name: " + "Jane \x07 " * 1000 + "\nE-mail: jane@big.example\n"), "E-mail", "Name")
    assert isinstance(long, Address) and len(long.name) <= 100 and long.name.isprintable()
    assert written(form("Name: A\nName: B\nE-mail: jane@big.example\n"), "E-mail", "Name") == Address(
        "jane@big.example"
    )
    assert written(form("Name: A\nE-mail: jane@big.example\n"), "E-mail", "") == Address("jane@big.example")


def test_F053_reply_to_names_one_address_or_nobody() -> None:
    assert replied_to(form("x", "Reply-To: Jane <jane@big.example>")) == Address("jane@big.example", "Jane")
    for headers in ((), ("Reply-To: a@b.example, c@d.example",), ("Reply-To: a@b.example", "Reply-To: a@b.example"),
                    ("Reply-To: nobody",), ("Reply-To: " + "a" * 400 + "@b.example",),
                    ("Reply-To: a@b.example <c@d.example>",)):  # fmt: skip
        assert isinstance(replied_to(form("x", *headers)), str)
