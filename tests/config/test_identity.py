"""Directories and forms that could never count are found, with what to write."""

from __future__ import annotations

import pytest
from configurations import MAILBOX, Find

TRUSTED = '[gates]\ntrusted_authserv_ids = ["mx.example.com"]\n'
FORM = MAILBOX + TRUSTED + '[people.forms.a]\nfrom = "form@site.example"\nidentity = "fields"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            FORM + '[people.forms.b]\nfrom = "Form@Site.example"\n',
            "Form@Site.example is that of [people.forms.a] already: this form is never asked",
        ),
        (
            FORM + '[people]\nrewriters = ["form@site.example"]\n',
            "form@site.example is that of one of rewriters already: this form is never asked",
        ),
    ],
)
def test_a_form_whose_address_is_anothers_is_never_asked(find: Find, text: str, said: str) -> None:
    (problem,) = find(text)
    assert (problem.code, problem.message) == ("C118", said)
    assert "orm@" in problem.excerpt


@pytest.mark.parametrize("option", ["email", "name"])
def test_a_label_that_was_copied_with_its_colon_is_said(find: Find, option: str) -> None:
    (problem,) = find(FORM + f'[people.forms.a.fields]\n{option} = "Mail address: "\n')
    assert (problem.code, problem.message) == (
        "C118", "a line is called what stands before its colon: this one is never found"
    )  # fmt: skip
    assert problem.help == f'write  {option} = "Mail address"' and problem.excerpt.startswith(option)


def test_forms_of_two_addresses_are_two_forms(find: Find) -> None:
    assert find(FORM + '[people.forms.b]\nfrom = "shop@site.example"\n') == []
