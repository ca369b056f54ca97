"""The texts of outgoing mail."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.outbox.templates import LANGUAGES, NAMES, SAMPLE, Templates, built_in, check
from rules.problem import Severity


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_template(language: str) -> None:
    assert set(built_in(language)) == set(NAMES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_every_template_has_a_subject_and_a_body_without_gaps(name: str, language: str) -> None:
    subject, body = Templates(None).render(name, language, SAMPLE)
    assert subject and "Subject" not in body
    assert body.endswith("Example help desk\n") and not re.search(r"\n{3}", body) and not re.search(r"[ \t]\n", body)


@pytest.mark.parametrize("name", NAMES)
def test_templates_use_the_same_words_in_every_language(name: str) -> None:
    used = {language: set(re.findall(r"{{ *(\w+)", built_in(language)[name])) for language in LANGUAGES}
    assert all(words == used["en"] and words <= set(SAMPLE) for words in used.values())


def test_F141_a_file_takes_the_place_of_the_text_built_in(tmp_path: Path) -> None:
    (tmp_path / "ack.de.txt").write_text("Subject: Danke {{ item }}\n\nHallo {{ person }}\n", encoding="utf-8")
    templates = Templates(tmp_path)
    assert templates.render("ack", "de", SAMPLE) == ("Danke 4711", "Hallo Anna Example\n")
    assert "received" in templates.render("ack", "en", SAMPLE)[1]


def test_an_own_template_falls_back_to_the_language_of_the_instance(tmp_path: Path) -> None:
    (tmp_path / "vip.fr.txt").write_text("Subject: Cher\n\nOui\n", encoding="utf-8")
    templates = Templates(tmp_path, "fr")
    assert templates.exists("vip") and not templates.exists("vap")
    assert templates.render("vip", "de", SAMPLE) == ("Cher", "Oui\n")


def test_a_language_nobody_translated_is_answered_in_that_of_the_instance() -> None:
    assert "erhalten" in Templates(None, "de").render("ack", "ja", SAMPLE)[1]


@pytest.mark.parametrize("text", ["{{ 1/0 }}", "{% if", "{{ item.__class__.__mro__ }}", "{{ x.y.z }}"])
def test_a_template_that_fails_is_replaced_by_the_one_built_in(tmp_path: Path, text: str) -> None:
    (tmp_path / "ack.en.txt").write_text(text, encoding="utf-8")
    subject, body = Templates(tmp_path).render("ack", "en", SAMPLE)
    assert subject.startswith("[#4711]") and "received" in body
    ((_, problems),) = check(tmp_path)
    assert any(problem.severity is Severity.ERROR for problem in problems)


def test_values_are_never_templates() -> None:
    hostile = {**SAMPLE, "subject": "{{ 7 * 7 }}", "text": "{% raw %}{{ instance }}"}
    subject, body = Templates(None).render("rejected", "en", hostile)
    assert "{{ 7 * 7 }}" in subject and "{{ instance }}" in body


def test_no_name_leads_out_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "secret.en.txt").write_text("Subject: s\n\nsecret\n", encoding="utf-8")
    inside = tmp_path / "templates"
    inside.mkdir()
    assert "secret" not in Templates(inside).render("../secret", "en", SAMPLE)[1]


def test_a_file_with_another_name_or_no_subject_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "ack.xx.txt").write_text("Hello\n", encoding="utf-8")
    ((file, problems),) = check(tmp_path)
    assert file.name == "ack.xx.txt" and [p.code for p in problems] == ["C180", "C181"]
