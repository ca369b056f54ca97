"""HTML of an admin: beside a text, around all; what fails is replaced by the HTML made of the text, and it is said."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.model.events import Kind
from engine.outbox.compose import compose
from engine.outbox.layout import MOST_CHARS
from engine.outbox.letter import Composed, Letter, Picture
from engine.outbox.names import SAMPLE
from engine.outbox.page import page
from engine.outbox.templates import Templates

TEXT = "Subject: Re: {{ marker }} {{ title }}\n\nNotice: {{ text }}\n"
NOTICE = Letter(
    Kind.NOTICE, "jane@bigcorp.example", "help@example.com",
    "<abcdefghijklmnop.i4711.abcdefghijklmnop@example.com>", "notice", "en", SAMPLE,
)  # fmt: skip


def put(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, "utf-8")
    return folder


def made(folder: Path | None, workspace: str = "", **more: Any) -> tuple[Composed, str]:
    """The mail and its HTML, "" without."""
    composed = compose(msgspec.structs.replace(NOTICE, **more), Templates(folder, "en", workspace))
    message = email.message_from_bytes(composed.content, policy=email.policy.default)
    part = message.get_body(("html",))
    return composed, part.get_content().replace("\r\n", "\n") if part is not None else ""


def test_F141_html_beside_a_text_is_the_html_part(tmp_path: Path) -> None:
    put(tmp_path, notice__en__txt=TEXT, notice__en__html="<h1>{{ title }}</h1>{{ text | paragraphs }}")
    composed, html = made(tmp_path)
    assert "<h1>Printer does not print</h1><p" in html and html.startswith("<!DOCTYPE html>")
    assert composed.replaced == "" and b"Notice: The printer" in composed.content


def test_html_belongs_to_the_text_beside_it_and_to_no_other(tmp_path: Path) -> None:
    put(tmp_path, notice__en__txt=TEXT, notice__en__html="<i>general</i>")
    put(tmp_path / "support", notice__en__txt=TEXT)
    put(tmp_path / "sales", notice__en__html="<i>sales</i>")
    assert "<i>" not in made(tmp_path, "support")[1]
    assert "<i>general</i>" in made(tmp_path, "sales")[1]
    assert "<i>general</i>" in made(tmp_path, template="closed")[1], "as the text does, it stands in for the family"


def test_a_layout_goes_around_everything_that_of_the_workspace_first(tmp_path: Path) -> None:
    put(tmp_path, layout__html='<html lang="{{ language }}"><b>{{ workspace }}</b>{{ content }}</html>')
    put(tmp_path / "support", layout__html="<html>support {{ content }}</html>")
    assert made(tmp_path, language="de")[1].startswith('<html lang="de"><b>Support</b><p ')
    assert made(tmp_path, "support")[1].startswith("<html>support <p ")


@pytest.mark.parametrize("kind", [Kind.AUTO, Kind.NOTICE])
def test_mail_that_has_no_html_by_itself_has_that_of_its_template(tmp_path: Path, kind: Kind) -> None:
    put(tmp_path, ack__en__txt=TEXT, ack__en__html="<i>{{ marker }}</i>")
    assert "<i>[#4711]</i>" in made(tmp_path, kind=kind, template="ack", laid_out=False)[1]
    assert made(tmp_path, kind=kind, template="held", laid_out=False)[1] == ""


def test_who_takes_no_html_gets_none_of_an_admin_either(tmp_path: Path) -> None:
    put(tmp_path, notice__en__txt=TEXT, notice__en__html="<i>x</i>", layout__html="{{ content }}")
    assert made(tmp_path, html=False)[1] == ""


HOSTILE = "<script>alert(1)</script>\n\n> \"'&"


@pytest.mark.parametrize(
    "inside",
    ["{{ text }}", "{{ text | paragraphs }}", '<a title="{{ text }}">x</a>', "{% set a = text %}{{ a }}",
     "{% for f in files %}{{ f.name }}{% endfor %}", "{{ '<b>' ~ text }}", "{{ [text] | join('<br>') }}",
     "{{ text | replace('x', 'y') }}", "{{ '%s' | format(text) }}"],
)  # fmt: skip
def test_a_value_is_escaped_whatever_the_template_says(tmp_path: Path, inside: str) -> None:
    put(tmp_path, notice__en__txt=TEXT, notice__en__html=inside, layout__html="<html>{{ content }}{{ text }}</html>")
    hostile = {**SAMPLE, "text": HOSTILE, "files": ({"name": HOSTILE, "size": "", "attached": True},)}
    composed, html = made(tmp_path, values=hostile)
    assert composed.replaced == "" and "<script" not in html and "&lt;script" in html
    assert not ("title" in inside and 'title="<' in html)


BROKEN = {
    "a syntax error": "{% if",
    "a name that is not there": "{{ nosuch }}",
    "values that are not escaped": "{{ text | safe }}",
    "escaping that is turned off": "{% autoescape false %}{{ text }}{% endautoescape %}",
    "a page without end": "{% for a in range(9999) %}{% for b in range(9999) %}xxxxxxxxxx{% endfor %}{% endfor %}",
    "another file": "{% include 'secret.html' %}",
}


@pytest.mark.parametrize("what", BROKEN)
def test_html_that_fails_is_replaced_by_that_of_the_text_and_it_is_said(tmp_path: Path, what: str) -> None:
    put(tmp_path, notice__en__txt=TEXT, notice__en__html=BROKEN[what])
    composed, html = made(tmp_path)
    assert composed.replaced.startswith("template notice.en.html")
    assert html == page("Notice: The printer on the second floor.\n", "en")


@pytest.mark.parametrize("layout", [*BROKEN.values(), "<html>no words</html>"])
def test_a_layout_that_fails_is_replaced_by_the_one_built_in(tmp_path: Path, layout: str) -> None:
    put(tmp_path, notice__en__txt=TEXT, layout__html=layout)
    composed, html = made(tmp_path)
    assert composed.replaced.startswith("template layout.html")
    assert html == page("Notice: The printer on the second floor.\n", "en")


def test_html_beside_a_text_that_fails_does_not_go_out(tmp_path: Path) -> None:
    put(tmp_path, notice__en__txt="{{ nosuch }}", notice__en__html="<i>other words</i>")
    composed, html = made(tmp_path)
    assert "other words" not in html and "Jane Doe wrote about" in html and "nosuch" in composed.replaced


def test_a_page_is_never_cut(tmp_path: Path) -> None:
    put(tmp_path, notice__en__txt=TEXT, layout__html="{{ content }}" + "{{ 'x' * 100000 }}" * (MOST_CHARS // 100000))
    assert made(tmp_path)[1].endswith("</html>\n")


def test_words_that_came_as_html_stand_in_the_layout_with_the_pictures_that_are_shown(tmp_path: Path) -> None:
    put(tmp_path, layout__html="<html>{{ content }}</html>")
    words = {"shown": '<b>The printer</b> <img src="cid:a1@x.example">', "pictures": (
        Picture("a1@x.example", "image/png", b"x"), Picture("b2@x.example", "image/png", b"y"))}  # fmt: skip
    composed, html = made(tmp_path, **words)
    assert "<b>The printer</b>" in html and html.startswith("<html>")
    assert b"Content-ID: <a1@x.example>" in composed.content and b"b2@x.example" not in composed.content
    put(tmp_path, notice__en__txt=TEXT, notice__en__html="<i>{{ text }}</i>")
    composed, html = made(tmp_path, **words)
    assert "<i>The printer" in html and b"Content-ID" not in composed.content
