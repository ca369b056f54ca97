"""The console in eight languages: what it says is in every catalogue, and strangers' words are text in all of them."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from console.catalogues import TEMPLATES, bare, said
from console.offices import Office
from flask import g

from engine.console import words

OTHERS = words.LANGUAGES[1:]

FIELD = re.compile(r"%\(\w+\)[sd]|%%")
TAG = re.compile(r"</?\w+[^>]*>")


def catalog(language: str) -> Catalog:
    with (words.FOLDER / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


@pytest.mark.parametrize("language", OTHERS)
def test_everything_that_is_said_has_a_translation_and_nothing_else(language: str) -> None:
    """If this fails: `PYTHONPATH=.:tests python tests/console/catalogues.py`, and translate what lacks."""
    every, there = said(), catalog(language)
    kept = {
        tuple(each.id) if isinstance(each.id, (list, tuple)) else words.key(each.context, each.id)
        for each in there
        if each.id
    }
    assert kept ^ set(every) == set()
    lacks = [each.id for each in there if each.id and (not each.string or not all(each.string) or each.fuzzy)]
    assert lacks == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_fields_and_the_marks_of_the_english_text(language: str) -> None:
    wrong = []
    for each in catalog(language):
        if not each.id:
            continue
        forms = each.string if isinstance(each.string, (list, tuple)) else (each.string,)
        texts = each.id if isinstance(each.id, (list, tuple)) else (each.id,)
        fields, tags = set(FIELD.findall(texts[-1])), sorted(TAG.findall(texts[-1]))
        for form in forms:
            here = set(FIELD.findall(form))
            alright = here == fields or (len(forms) > 1 and here <= fields)
            if not alright or sorted(TAG.findall(form)) != tags or form != form.strip():
                wrong.append((each.id, form))
    assert wrong == []


EXAMPLES = frozenset({
    "dmarc=  spf=  dkim=", "jane@example.com item:12 state:failed why: newer_than:7d", "jane, bigcorp.example",
    'subject contains "invoice" and not sender.known', "Jane &lt;jane@big.example&gt;", "help@example.com",
    "gates.dmarc, support, rules/", "unanswered assigned:",
})  # fmt: skip
"""Words of search and of rules, and what may stand in a field, which are the same in every language."""


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_a_template_says_nothing_beside_the_catalogues(path: Path) -> None:
    assert set(bare(path)) - EXAMPLES == set()


def ask(office: Office, address: str, **headers: str) -> str:
    return str(office.get(address, **headers).get_data(as_text=True))


def test_a_page_is_in_the_language_of_the_browser_where_the_account_has_none(quiet_office: Office) -> None:
    assert '<html lang="en">' in ask(quiet_office, "/held")
    german = ask(quiet_office, "/held", **{"Accept-Language": "de-CH, en;q=0.5"})
    assert '<html lang="de">' in german and words.words("de").gettext("Held") in german
    assert '<html lang="en">' in ask(quiet_office, "/held", **{"Accept-Language": "xx"})


def test_the_language_of_the_account_goes_before_that_of_the_browser(own_office: Office) -> None:
    with own_office.installation.store() as store:
        store.directory.put_account("anna", language="fr")
    own_office.installation._known = None
    page = ask(own_office, "/mails", **{"Accept-Language": "de"})
    assert '<html lang="fr">' in page


@pytest.mark.parametrize("language", OTHERS)
def test_every_page_is_there_in_every_language(quiet_office: Office, language: str) -> None:
    from console.test_browser import pages

    for name, address in pages(quiet_office).items():
        answer = quiet_office.get(address, **{"Accept-Language": language})
        text = answer.get_data(as_text=True)
        if name == "login":
            continue
        assert answer.status_code in (200, 404, 422), name
        assert f'<html lang="{language}">' in text, name
        assert "%(" not in text and "Traceback" not in text, name


def test_how_many_is_said_as_a_language_counts() -> None:
    polish = words.Words("pl", {}, {"one mail": ("poczta", "poczty", "poczt")}, words.words("pl").form_of)
    assert [polish.ngettext("one mail", "mails", n) for n in (1, 2, 5, 22, 100)] == [
        "poczta", "poczty", "poczt", "poczty", "poczt",
    ]  # fmt: skip
    english = words.words("en")
    assert [english.ngettext("one mail", "mails", n) for n in (0, 1, 2)] == ["mails", "one mail", "mails"]


def test_a_text_that_means_two_things_is_said_of_one_of_them(quiet_office: Office) -> None:
    environment: Any = quiet_office.app.jinja_env
    page = environment.from_string(
        "{{ _('locked') }}, {{ pgettext('topic', 'locked') }}, {{ pgettext('x', 'locked') }}"
    )
    with quiet_office.app.test_request_context("/"):
        assert page.render() == "locked, locked, locked"
        g.words = words.words("pl")
        assert page.render() == "zablokowane, zablokowano, locked", "an account, a topic"


def test_what_was_done_is_said_in_the_language_of_who_did_it(own_office: Office) -> None:
    with own_office.installation.store() as store:
        store.directory.put_account("anna", language="fr")
    own_office.installation._known = None
    (first, second, *_), french = own_office.refs("outcome:held"), words.words("fr")

    def page(done: Any) -> str:
        return " ".join(unescape(own_office.get(done.location).get_data(as_text=True)).split())

    done = own_office.post(f"/held/{first}", act="discard", reason="x")
    said = french.gettext("%(mail)s is discarded; allegra mail retry %(mail)s takes that back") % {"mail": first[:8]}
    assert " ".join(said.split()) in page(done)
    done = own_office.post("/held", act="release", reason="x", ref=second)
    said = french.gettext("%(mail)s is %(outcome)s") % {"mail": second[:8], "outcome": french.gettext("created")}
    assert " ".join(said.split()) in page(done)
    done = own_office.post("/item/2", token=own_office.form_token(2), act="note", words="Only for us.", key="1")
    assert french.gettext("Noted") in page(done) and french.gettext("The details are changed") not in page(done)


@pytest.mark.parametrize("strange", ["<b>x</b>", "%(x)s", "{{ 1 }}", "%"])
def test_a_strangers_text_comes_back_as_text(quiet_office: Office, strange: str) -> None:
    environment: Any = quiet_office.app.jinja_env
    with quiet_office.app.test_request_context("/"):
        shown = environment.from_string("{{ _(it) }} {% trans x=it %}said {{ x }}{% endtrans %}").render(it=strange)
    assert "<b>" not in shown
    assert shown.count(strange.replace("<", "&lt;").replace(">", "&gt;")) == 2


def test_which_language_somebody_reads_is_one_there_is() -> None:
    assert words.chosen(("de",)) == "de"
    assert words.chosen(("ja",), None, "pl") == "pl"
    assert words.chosen(("",), None, "ja") == "en"
    assert words.words("xx").language == "en" and words.words("../../etc/passwd").language == "en"
