"""HTML of a mail: to readable text, to something safe to show, without its quotes.

Here: `to_text`, `sanitise`, `without_quotes`, how its pictures are named and placed, which HTML is too wild for a tree.
Not here: how text is laid out (`render`), what a quote is in plain text (`reply`).
Invariant: linear and bounded: HTML that would make a tree parser slow (large, deep, endless tags) is read by a
tokenizer instead; no text is lost by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape, unescape
from urllib.parse import quote, unquote

from engine.mail import render

MOST_CHARACTERS = 1_000_000
MOST_UNCLOSED = 2_000
LONGEST_TAG = 20_000

_TAGS = """a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del details
div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p pre q s samp
section small span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr"""
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "align", "valign"},
    "th": {"colspan", "rowspan", "align", "valign"},
    "ol": {"start", "type"},
    "font": {"color"},
    "*": {"dir", "lang"},
}
_SCHEMES = {"http", "https", "mailto", "tel", "cid", "data"}
_PICTURE = re.compile(r"cid:[^\s\"'<>]+|data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE)
_CID = re.compile(r"\bcid:([^\s\"'<>()]{1,500})")
_LINK = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)

_LONG_TAG = re.compile(rf"<[A-Za-z!?/][^<>]{{{LONGEST_TAG}}}")
_OPENS = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)")
_CLOSING = "br hr img meta link input col area base wbr p li td th tr dt dd option o"
_CLOSE_THEMSELVES = frozenset(_CLOSING.split())
_SELECTOR = re.compile(r"[A-Za-z*][\w-]*(?:[.#][\w-]+)*|(?:[.#][\w-]+)+")
_ANY_SRC = re.compile(r"""(<img\b[^<>]*?\ssrc\s*=\s*)(?:"([^"<>]*)"|'([^'<>]*)'|([^\s"'<>]+))""", re.IGNORECASE)
_SRC = re.compile(r"""(<img\b[^<>]*?\ssrc=)(["'])cid:([^"'<>\s]+)\2""", re.IGNORECASE)
_SHOWS = re.compile(r"<(?:img|hr|input|object|table)\b", re.IGNORECASE)


def to_text(html: str) -> str:
    """Turn HTML into text: paragraphs, lists, quotes with `>`, links as `text <URL>` (F095)."""
    return render.from_tokens(html) if is_wild(html) else render.from_tree(html)


def sanitise(html: str) -> str:
    """Make HTML safe to show: no scripts, styles, forms, frames, SVG or MathML, and no picture from outside.

    Pictures stay only as `cid:` (see `with_images`) and as `data:` of the four usual formats: a remote one tells its
    owner that the mail was read.
    """
    if is_wild(html):
        return f"<pre>{escape(to_text(html), quote=False)}</pre>"
    import nh3

    return nh3.clean(
        html,
        tags=set(_TAGS.split()),
        clean_content_tags={"script", "style", "title", "template", "noscript", "svg", "math", "iframe", "object"},
        attributes=_ATTRIBUTES,
        attribute_filter=_allowed,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )


def _allowed(tag: str, attribute: str, value: str) -> str | None:
    if tag == "img" and attribute == "src":
        return value if _PICTURE.fullmatch(value.strip()) else None
    if attribute == "href":
        return value if _LINK.match(value.strip()) else None
    return value


def with_images(html: str, urls: Mapping[str, str]) -> str:
    """Point the inline pictures of sanitised HTML to where they are kept: content-id -> URL (F129).

    One that is kept nowhere has no address: a browser would ask for what there is not.
    """

    def place(found: re.Match[str]) -> str:
        name = unescape(found[3])
        url = urls.get(name) or urls.get(unquote(name))  # RFC 2392, 2: a Content-ID in a URL is percent-encoded
        return f'{found[1]}"{escape(url)}"' if url else found[1].removesuffix("src=")

    return _SRC.sub(place, html)


def picture_names(html: str) -> frozenset[str]:
    """Find how HTML names the pictures it shows: their Content-ID (RFC 2392), else the address as it stands."""
    if "<img" not in html and "cid:" not in html and "<IMG" not in html:
        return frozenset()
    words = {unquote(identifier) for identifier in _CID.findall(html)}
    return frozenset(words | {_picture_name(found) for found in _ANY_SRC.finditer(html)} - {""})


def with_content_ids(html: str, names: Mapping[str, str]) -> str:
    """Let the pictures of HTML that are known by other names be shown by Content-ID: name in the HTML -> Content-ID."""

    def place(found: re.Match[str]) -> str:
        content_id = names.get(_picture_name(found))
        return f'{found[1]}"cid:{quote(content_id, safe="@")}"' if content_id else found.group()

    return _ANY_SRC.sub(place, html) if names else html


def _picture_name(found: re.Match[str]) -> str:
    name = unescape(found[2] or found[3] or found[4] or "").strip()
    return unquote(name[4:]) if name[:4].lower() == "cid:" else name


def without_quotes(html: str, tags_to_remove: Iterable[str]) -> str:
    """Take elements out of HTML by selectors (`blockquote`, `div.gmail_quote`), and comments (F103).

    If nothing is left but blank, the whole body is given back. A selector that is none is passed over.
    """
    selectors = [selector for selector in tags_to_remove if _SELECTOR.fullmatch(selector)]
    if is_wild(html) or not (selectors or "<!--" in html):
        return html
    left = _comment_free(render.pruned(html, selectors) if selectors else html)
    return left if _SHOWS.search(left) or render.from_tree(left).strip() else html


def _comment_free(html: str) -> str:
    return re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL) if "-->" in html else html


def is_wild(html: str) -> bool:
    """Would a tree parser be slow on this? Too large, a tag without end, or too many elements that are never closed."""
    if len(html) > MOST_CHARACTERS:
        return True
    if html.count("<") < MOST_UNCLOSED:
        return len(html) > LONGEST_TAG and _LONG_TAG.search(html) is not None
    depth = 0
    for slash, name in _OPENS.findall(html):
        if name.lower() in _CLOSE_THEMSELVES:
            continue
        depth += -1 if slash else 1
        if depth > MOST_UNCLOSED:
            return True
    return _LONG_TAG.search(html) is not None
