"""What imaplib raises, told in the words of the server: any bytes become text."""

from __future__ import annotations

import imaplib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sources.imap_words import folder_name, words_of


@given(st.text() | st.binary())
def test_any_exception_becomes_text(said):
    assert isinstance(words_of(imaplib.IMAP4.error(said)), str)


@given(st.text() | st.binary())
def test_any_name_of_a_folder_becomes_text(name):
    assert isinstance(folder_name(name), str)


@given(st.binary())
def test_bytes_in_a_list_are_told_as_text(said):
    assert words_of(imaplib.IMAP4.error(f"X command error: BAD {[said]}")) == "X command error: BAD " + said.decode(
        "utf-8", "replace"
    )


@pytest.mark.parametrize(
    ("sent", "shown"),
    [(b"Gel&APY-scht", "Gelöscht"), (b"A&-B", "A&B"), (b"&!!!-x", "&!!!-x"), (b"R\xe9sum\xe9", "Résumé")],
)
def test_a_name_that_breaks_the_rules_is_shown_as_it_was_sent(sent, shown):
    assert folder_name(sent) == shown
