"""HTML to text, to something safe, without quotes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.mail import html, render


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<div>one</div><div><br></div><div>two</div>", "one\n\ntwo"),
        ("one<br>two<br><br>three", "one\ntwo\n\nthree"),
        ("a  b\n c &amp; d&nbsp;e", "a b c & d e"),
        ("<b>bo</b>ld and <i>it</i> alic", "bold and it alic"),
        ("<ul><li>one<li>two<ul><li>in</ul></ul>after", "* one\n* two\n  * in\nafter"),
        ("<ol><li>one</li><li>two</li></ol>", "1. one\n2. two"),
        ("<table><tr><th>a<th>b<tr><td>c<td>d</table>", "a  b\nc  d"),
        ("<pre>a\n  b</pre>c", "a\n  b\n\nc"),
        ("<blockquote>one<br>two<blockquote>three</blockquote></blockquote>four", "> one\n> two\n>\n>> three\n\nfour"),
        ("<title>t</title><style>s</style><script>alert(1)</script>x<!-- c -->y", "xy"),
        ("<img alt='a logo' src=x> text <img src=y>", "[a logo] text"),
        ("z\u200bero\u00adwidth", "zerowidth"),
        ("a<hr>b", "a\n________________________________\nb"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("", ""),
        ("no tags at all", "no tags at all"),
    ],
)
def test_F095_html_becomes_readable_text(written: str, expected: str) -> None:
    assert html.to_text(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('<a href="https://example.com/a">the ticket</a>.', "the ticket <https://example.com/a>."),
        ('<a href="https://example.com/a/">example.com/a</a>', "example.com/a"),
        ('<a href="https://example.com/a">https://example.com/a</a>', "https://example.com/a"),
        ('<a href="mailto:a@example.com">a@example.com</a>', "a@example.com"),
        ('<a href="mailto:a@example.com">write</a>', "write <mailto:a@example.com>"),
        ('<a href="#top">up</a> <a href="javascript:x()">js</a> <a>none</a>', "up js none"),
        ('<a href="https://example.com/a"></a>', "https://example.com/a"),
        ('<a href="https://example.com/a?b=1&amp;c=2">x', "x <https://example.com/a?b=1&c=2>"),
    ],
)
def test_F095_links_are_kept(written: str, expected: str) -> None:
    assert html.to_text(written) == expected


INLINE = st.sampled_from(["b", "i", "span", "font", "u"])
BLOCK = st.sampled_from(["p", "div", "blockquote", "li", "ul", "td"])
WORDS = st.text(st.sampled_from("abc déf&;"), min_size=1, max_size=12)


@st.composite
def documents(draw: st.DrawFn, depth: int = 3) -> str:
    """Well formed HTML: blocks in blocks, inline elements in them, words in all."""
    from html import escape

    out = []
    for _ in range(draw(st.integers(1, 3))):
        what = draw(st.integers(0, 4))
        if what == 0 or depth == 0:
            out.append(escape(draw(WORDS)))
        elif what == 1:
            out.append("<br>")
        elif what == 2:
            tag = draw(INLINE)
            out.append(f"<{tag}>{escape(draw(WORDS))}</{tag}>")
        elif what == 3:
            out.append(f'<a href="https://example.com/{draw(st.integers(0, 9))}">{escape(draw(WORDS))}</a>')
        else:
            tag = draw(st.sampled_from(["div", "blockquote", "section"]))
            out.append(f"<{tag}>{draw(documents(depth - 1))}</{tag}>")
    return "".join(out)


@settings(max_examples=200, deadline=None)
@given(documents())
def test_tree_and_tokenizer_lay_out_the_same_text(written: str) -> None:
    assert html.to_text(written) == render.from_tokens(written)


PIECES = st.sampled_from(
    [
        "<p>", "</p>", "<a href='", "'>", "<table>", "</td>", "<!--", "-->",
        "<", ">", "&#x", "&#99999999999;", "<svg>", "<script>", "</script>", "x",
        "<li>", "</blockquote>", "<pre>", "\x00", "�", "<br", "/>",
    ]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_html_is_read_and_sanitised_without_raising(written: str) -> None:
    clean = written.encode("utf-8", "replace").decode()
    html.to_text(clean).encode("utf-8")
    safe = html.sanitise(clean)
    assert "<script" not in safe.lower() and "<svg" not in safe.lower()
    render.from_tokens(clean).encode("utf-8")
    html.without_quotes(clean, ["blockquote"])


def test_html_nested_20_000_deep_keeps_its_text() -> None:
    written = "<div>" * 20_000 + "deep words" + "</div>" * 20_000 + "after"
    assert html.to_text(written).split() == ["deep", "words", "after"]
    assert "deep words" in html.sanitise(written)


def test_html_of_many_megabytes_keeps_its_text() -> None:
    assert html.to_text("<p>word</p>" * 500_000).count("word") == 500_000


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("<p onclick=x()>a</p>", "<p>a</p>"),
        ("<script>alert(1)</script>a", "a"),
        ("<style>p{}</style>a", "a"),
        ('<a href="javascript:alert(1)">a</a>', '<a rel="noopener noreferrer nofollow">a</a>'),
        ('<a href="data:text/html,x">a</a>', '<a rel="noopener noreferrer nofollow">a</a>'),
        ('<img src="https://tracker.example/x.gif" alt="a">', '<img alt="a">'),
        ('<img src="cid:a@example.com">', '<img src="cid:a@example.com">'),
        ('<img src="data:image/svg+xml;base64,PHN2Zz4=">', "<img>"),
        ("<svg><a xlink:href='javascript:x'>b</a></svg>a", "a"),
        ("<math><mtext>b</mtext></math>a", "a"),
        ("<form action=x><input name=a>b</form>", "b"),
        ("<iframe src=x>b</iframe>a", "a"),
        ("<!-- c -->a", "a"),
        ("<p style='background:url(https://tracker.example)'>a</p>", "<p>a</p>"),
        ("<meta http-equiv=refresh content='0;url=x'>a", "a"),
        ("<base href='https://evil.example'>a", "a"),
    ],
)
def test_sanitised_html_is_safe_to_show(written: str, expected: str) -> None:
    assert html.sanitise(written) == expected


def test_F129_inline_pictures_point_to_where_they_are_kept() -> None:
    safe = html.sanitise('<p><img alt="x" src="cid:a@example.com"><img src="cid:b"></p>')
    placed = html.with_images(safe, {"a@example.com": "/files/1?x=1&y=2"})
    assert 'src="/files/1?x=1&amp;y=2"' in placed


def test_a_picture_that_is_kept_nowhere_has_no_address() -> None:
    safe = html.sanitise('<p><img alt="x" src="cid:a" width="2"></p>')
    assert html.with_images(safe, {}) == '<p><img alt="x"  width="2"></p>'


DEFAULTS = ["blockquote", "div.gmail_quote", "div.moz-cite-prefix", "pre.moz-signature"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("<p>new</p><blockquote>old</blockquote>", "new"),
        ('<div>new</div><div class="x gmail_quote y">old</div>', "new"),
        ('<p>new</p><div class="moz-cite-prefix">On … wrote:</div><pre class="moz-signature">sig</pre>', "new"),
        ("<p>new</p><!-- a comment --><p>more</p>", "new\n\nmore"),
        ("<blockquote>all of it</blockquote>", "> all of it"),
        ("<p> </p><blockquote>all of it</blockquote><br>", "> all of it"),
        ("<div>gmail_quote</div>", "gmail_quote"),
    ],
)
def test_F103_quotes_are_taken_out_unless_nothing_would_be_left(written: str, expected: str) -> None:
    assert html.to_text(html.without_quotes(written, DEFAULTS)) == expected


def test_F103_picture_alone_is_something_left() -> None:
    left = html.without_quotes('<img src="cid:a"><blockquote>old</blockquote>', DEFAULTS)
    assert "old" not in left and "cid:a" in left


@pytest.mark.parametrize("selector", ["bad[", "a:hover", "p > b", "", "*{}", "blockquote, p"])
def test_selector_that_is_none_is_passed_over(selector: str) -> None:
    assert (
        html.to_text(html.without_quotes("<p>new</p><blockquote>old</blockquote>", [selector, "blockquote"])) == "new"
    )
