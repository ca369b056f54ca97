"""The texts of outgoing mail: built in, overridden, and never sent with holes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from engine.outbox.names import EMPTY, SAMPLE
from engine.outbox.sandbox import FILE_LIMIT_BYTES, MOST_CHARS
from engine.outbox.templates import FAMILY, FORMER, LANGUAGES, NAMES, Templates, built_in

OWN = tuple(name for name in NAMES if name not in FAMILY)
TABLES = {"sentence", "why", "words", "advice"}


def put(folder: Path, name: str, text: str | bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_template_and_the_same_tables(language: str) -> None:
    assert set(built_in(language)) == {*OWN, *TABLES}
    for table in TABLES:
        assert built_in(language)[table].keys() == built_in("en")[table].keys()
        assert all(built_in(language)[table].values())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_every_template_renders_with_all_values_and_with_none(name: str, language: str) -> None:
    for values in (SAMPLE, EMPTY):
        subject, body, replaced = Templates(None).render(name, language, values)
        assert subject and "Subject" not in body and replaced == ""
        assert body.endswith("\n") and not re.search(r"\n{4}", body) and not re.search(r"[ \t]\n", body)


@pytest.mark.parametrize("name", OWN)
def test_templates_use_the_same_words_in_every_language(name: str) -> None:
    used = {
        language: set(re.findall(r"{[{%] *(?:if |for \w+ in )?(\w+)", built_in(language)[name]))
        for language in LANGUAGES
    }
    assert all(words == used["en"] for words in used.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_subjects_about_an_item_are_the_same_in_every_language(language: str) -> None:
    """Or mail programs part what belongs together."""
    for name in ("ack", "comment_ack", "answer", "notice", *FAMILY):
        assert Templates(None).render(name, language, SAMPLE).subject == "Re: [#4711] Printer does not print"


# ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_F141_a_file_takes_the_place_of_the_text_built_in(tmp_path: Path) -> None:
    put(tmp_path, "ack.de.txt", "Subject: Danke {{ item }}\n\nHallo {{ person }}\n")
    templates = Templates(tmp_path)
    assert templates.render("ack", "de", SAMPLE) == ("Danke 4711", "Hallo Anna Example\n", "")
    assert "received" in templates.render("ack", "en", SAMPLE).body


def test_the_folder_of_a_workspace_goes_over_the_general_one(tmp_path: Path) -> None:
    put(tmp_path, "ack.en.txt", "Subject: general\n\n")
    put(tmp_path / "support", "ack.en.txt", "Subject: support\n\n")
    assert Templates(tmp_path, "en", "support").render("ack", "en", SAMPLE).subject == "support"
    assert Templates(tmp_path, "en", "sales").render("ack", "en", SAMPLE).subject == "general"
    assert Templates(tmp_path, "en", "../support").render("ack", "en", SAMPLE).subject == "general"


def test_an_event_without_a_file_of_its_own_is_told_by_the_file_notice(tmp_path: Path) -> None:
    put(tmp_path, "notice.en.txt", "Subject: all\n\n")
    put(tmp_path, "closed.en.txt", "Subject: closed\n\n")
    templates = Templates(tmp_path)
    assert [templates.render(name, "en", SAMPLE).subject for name in ("closed", "assigned")] == ["closed", "all"]


@pytest.mark.parametrize(("former", "now"), FORMER.items())
def test_former_names_are_still_read(tmp_path: Path, former: str, now: str) -> None:
    put(tmp_path, f"{former}.en.txt", "Subject: old\n\n")
    templates = Templates(tmp_path)
    assert templates.exists(former) and templates.exists(now)
    assert [templates.render(name, "en", SAMPLE).subject for name in (former, now)] == ["old", "old"]
    put(tmp_path, f"{now}.en.txt", "Subject: new\n\n")
    assert Templates(tmp_path).render(former, "en", SAMPLE).subject == "new"


def test_an_own_template_falls_back_to_the_language_of_the_installation(tmp_path: Path) -> None:
    put(tmp_path, "vip.fr.txt", "Subject: Cher\n\nOui\n")
    templates = Templates(tmp_path, "fr")
    assert templates.exists("vip") and not templates.exists("vap")
    assert templates.render("vip", "de", SAMPLE) == ("Cher", "Oui\n", "")


def test_a_language_nobody_translated_is_answered_in_that_of_the_installation() -> None:
    assert "erhalten" in Templates(None, "de").render("ack", "zh", SAMPLE).body


def test_no_name_leads_out_of_the_directory(tmp_path: Path) -> None:
    put(tmp_path, "secret.en.txt", "Subject: s\n\nsecret\n")
    for name in ("../secret", "/etc/passwd", "secret.en.txt", "", "SECRET", "a" * 64):
        rendered = Templates(tmp_path / "templates").render(name, "en", SAMPLE)
        assert "secret" not in rendered.body and rendered.replaced.endswith("there is no such template")


# ── what fails ────────────────────────────────────────────────────────────────────────────────────────────────

BROKEN: dict[str, str | bytes] = {
    "a syntax error": "Subject: x\n\n{% if",
    "a name that is not there": "Subject: x\n\n{{ nosuch }}",
    "a filter that is not there": "Subject: x\n\n{{ title | shout }}",
    "a division by zero": "{{ 1/0 }}",
    "the inside of Python": "{{ item.__class__.__mro__ }}",
    "an attribute that is not there": "{{ title.x.y }}",
    "a long range": "{% for n in range(10**9) %}x{% endfor %}",
    "a long product": "{{ 'x' * 1000000000 }}",
    "a big power": "{{ 9 ** 9 ** 9 }}",
    "no end of calls": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "another file": "{% include 'secret.en.txt' %}",
    "another encoding": "Subject: Grüße\n\nx".encode("latin-1"),
    "UTF-16": "Subject: x\n\nx".encode("utf-16"),
    "too long": b"Subject: x\n\n" + b"x" * FILE_LIMIT_BYTES,
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_template_that_fails_is_replaced_by_the_text_built_in_and_it_is_said(tmp_path: Path, what: str) -> None:
    put(tmp_path, "ack.en.txt", BROKEN[what])
    templates = Templates(tmp_path)
    for _ in range(2):
        subject, body, replaced = templates.render("ack", "en", SAMPLE)
        assert subject == "Re: [#4711] Printer does not print" and "received" in body
        assert replaced.startswith("template ack")


def test_an_own_template_that_fails_is_replaced_by_the_text_of_its_occasion(tmp_path: Path) -> None:
    put(tmp_path, "vip.en.txt", "{{ nosuch }}")
    for name in ("vip", "nowhere"):
        rendered = Templates(tmp_path).render(name, "en", SAMPLE, "rejected")
        assert rendered.subject.startswith("Not accepted") and name in rendered.replaced


def test_output_without_end_is_stopped(tmp_path: Path) -> None:
    put(
        tmp_path,
        "ack.en.txt",
        "Subject: x\n\n{% for a in range(9999) %}{% for b in range(9999) %}xxxxxxxxxx{% endfor %}{% endfor %}",
    )
    assert len(Templates(tmp_path).render("ack", "en", SAMPLE).body) <= MOST_CHARS


def test_values_are_never_templates() -> None:
    hostile = {**SAMPLE, "subject": "{{ 7 * 7 }}", "text": "{% raw %}{{ instance }}"}
    rendered = Templates(None).render("rejected", "en", hostile)
    assert "{{ 7 * 7 }}" in rendered.subject and "{{ instance }}" in rendered.body


def test_a_file_of_another_system_may_begin_with_a_mark_and_end_its_lines_with_two_characters(tmp_path: Path) -> None:
    put(tmp_path, "ack.en.txt", "\ufeffSubject: x\r\n\r\nHello\r\nyou\r\n")
    assert Templates(tmp_path).render("ack", "en", SAMPLE) == ("x", "Hello\nyou\n", "")


def test_the_texts_are_toml_that_people_can_read() -> None:
    folder = Path(__file__).parents[2] / "engine" / "outbox" / "texts"
    assert {file.stem for file in folder.glob("*.toml")} == set(LANGUAGES)
    assert all(tomllib.loads(file.read_text("utf-8")) for file in folder.glob("*.toml"))
