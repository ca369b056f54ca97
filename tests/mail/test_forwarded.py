"""Who wrote the mail that is passed on."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_builders import mail_of, read, with_header

from engine.mail.forwarded import original_sender


def found(text: str) -> tuple[str, str] | None:
    address = original_sender(read(with_header("Content-Type: text/plain; charset=utf-8", body=text.encode())))
    return (address.name, address.address) if address else None


EVE = ("Eve Stranger", "eve@stranger.example")


@pytest.mark.parametrize(
    "block",
    [
        "---------- Forwarded message ---------\nFrom: Eve Stranger <eve@stranger.example>\nDate: Friday",
        "____________\nVon: Eve Stranger <eve@stranger.example>\nGesendet: Freitag\nAn: x\nBetreff: Lift",
        "De : Eve Stranger <eve@stranger.example>\nEnvoyé : vendredi\nÀ : x\nObjet : Lift",
        "Begin forwarded message:\n\n> From: Eve Stranger <eve@stranger.example>\n> Subject: Lift\n> Date: Friday",
        "*From:* Eve Stranger <eve@stranger.example>\n*Sent:* Friday\n*To:* x\n*Subject:* Lift",
        "From: Eve Stranger [mailto:eve@stranger.example]\nSent: Friday",
        "Subject: Lift\nDate: Friday\nFrom: Eve Stranger <eve@stranger.example>",
    ],
)
def test_header_block_above_a_forwarded_text_names_the_sender(block: str) -> None:
    assert found(f"FYI\n\n{block}\n\nIt is stuck.\n") == EVE


@pytest.mark.parametrize(
    "text",
    [
        "It does not print.",
        "From: Monday on we are closed\nSubject to change",
        "From: Eve Stranger <eve@stranger.example>\n\nand nothing else of a block",
        "From: Eve Stranger\nDate: Friday",
        "From: a@x.example, b@x.example\nDate: Friday",
    ],
)
def test_text_that_is_no_header_block_names_nobody(text: str) -> None:
    assert found(text) is None


def test_attached_mail_names_the_sender() -> None:
    inner = (
        "Content-Type: message/rfc822\n\nSubject: Lift\nFrom: =?utf-8?q?Eve?= Stranger\n <eve@stranger.example>\n\nx"
    )
    address = original_sender(mail_of("mixed", "\nsee attached", inner))
    assert address is not None and (address.name, address.address) == EVE
    assert original_sender(mail_of("mixed", "\nsee", "Content-Type: message/rfc822\n\nSubject: Lift\n\nx")) is None
    twice = "Content-Type: message/rfc822\n\nFrom: a@x.example\nFrom: b@x.example\n\nx"
    assert original_sender(mail_of("mixed", "\nsee", twice)) is None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300), st.text(max_size=60))
def test_no_text_makes_it_raise(text: str, name: str) -> None:
    who = found(f"{text}\nFrom: {name}\nDate: x\n{text}".encode("utf-8", "replace").decode())
    assert who is None or "@" in who[1]


def test_hostile_text_is_read_in_bounded_time() -> None:
    started = time.process_time()
    found(("From: " + "x" * 5000 + "\n") * 2000)
    found("From:" * 100_000)
    assert time.process_time() - started < 3
