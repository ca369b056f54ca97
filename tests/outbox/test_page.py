"""The HTML part: the text laid out, nothing of it alive."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.outbox.page import page

KNOWN = {"html", "head", "meta", "body", "p", "br", "blockquote", "a"}


class Reader(HTMLParser):
    """What a mail program sees: the tags, their attributes, the text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.said = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("br", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data


def body(text: str) -> str:
    return page(text, "en").partition("<body")[2].partition(">\n")[2].removesuffix("\n</body></html>\n")


def test_blank_lines_part_paragraphs_and_lines_stay_lines() -> None:
    made = re.sub(r' style="[^"]*"', "", body("one\ntwo\n\n \nthree\n"))
    assert made == "<p>one<br>\ntwo</p>\n<p>three</p>"


def test_quoted_lines_are_a_quotation() -> None:
    made = re.sub(r' style="[^"]*"', "", body("Anna wrote:\n> one\n>\n> two > 1\n>> three\nend"))
    assert made == (
        "<p>Anna wrote:</p>\n<blockquote><p>one</p>\n<p>two &gt; 1<br>\n&gt; three</p></blockquote>\n<p>end</p>"
    )


def test_addresses_of_pages_can_be_followed() -> None:
    made = body("see https://x.example/a?b=1&c=2, or (http://y.example).")
    assert '<a href="https://x.example/a?b=1&amp;c=2">https://x.example/a?b=1&amp;c=2</a>, or (' in made
    assert '<a href="http://y.example">http://y.example</a>).' in made


def test_other_addresses_are_text() -> None:
    assert "<a" not in body("javascript:alert(1) ftp://x.example data:text/html,x file:///etc/passwd")


PIECES = st.text(max_size=30) | st.sampled_from(
    ["<script>", "</p>", "&amp;", "&#106;", "https://x.example/", '"', "'", " onload=", ">", "\n", "\n\n", "> ", "<!--",
     "]]>", "https://x.example/\"onclick=1", "http://<b>", "\t", "https://"]
)  # fmt: skip


@settings(max_examples=500)
@given(st.lists(PIECES, max_size=12).map("".join), st.text(max_size=5))
def test_every_text_is_only_text(text: str, language: str) -> None:
    text = re.sub("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", "", text)
    html = page(text, language)
    seen = Reader(html)
    assert seen.open == [] and {tag for tag, _ in seen.tags} <= KNOWN
    for tag, attributes in seen.tags:
        assert attributes.keys() <= {"html": {"lang"}, "meta": {"charset"}, "a": {"href"}}.get(tag, {"style"})
        assert tag != "a" or str(attributes["href"]).startswith(("http://", "https://"))

    def letters(said: str) -> str:
        return re.sub(r"[\s>]", "", said)

    assert letters(seen.said) == letters(text)
    assert unescape(html) is not None
