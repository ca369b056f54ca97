"""The HTML of an item or a comment, fit to be shown (F129).

Here: which stored pictures stand in it, and how much of them. Not here: what makes HTML safe (`mail/html.py`).
Invariant: a page holds nothing from outside: its pictures are those that came with the item, as `data:`; what is too
big, missing or no ordinary picture stays a `cid:` link, which shows nothing and asks nobody.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from engine.mail.html import sanitise, with_content_ids, with_images
from engine.mail.html_reply import cut_page

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.stored import AttachmentView, ItemView
    from engine.store.store import Store

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
MOST_BYTES = 2 * 1024 * 1024
"""The biggest picture that is put into a page."""
MOST_BYTES_IN_ALL = 10 * 1024 * 1024
"""The most bytes of pictures in one page."""


def safe(store: Store, config: Config, reference: str, text: str, view: ItemView) -> str:
    """Give an HTML body, safe to show, each picture by the Content-ID under which the item has it.

    It is cut as its text was, of which `text` is left; "" where that cannot be done.
    """
    page = store.items.html(reference) if reference else ""
    if page and (how := store.items.cutting(reference)) is not None:
        page = cut_page(page, text, how, config.settings(view.item.workspace).body)
    return sanitise(with_content_ids(page, _kept_as(store.items.pictures(reference), view))) if page else ""


def _kept_as(named: dict[str, str], view: ItemView) -> dict[str, str]:
    """Name in the HTML -> Content-ID of an equal picture on the item, which joined it once."""
    kept = {each.content_id: each for each in view.attachments if each.content_id}
    by_digest = {each.digest: name for name, each in reversed(kept.items())}
    by_digest |= {digest: name for name, digest in named.items() if name in kept}  # one that was made smaller
    return {name: name if name in kept else by_digest.get(digest, "") for name, digest in named.items()}


def shown(store: Store, config: Config, view: ItemView, comment: int = 0) -> str:
    """Give the body of an item, or of one of its comments, as safe HTML with its pictures; "" where it has none."""
    said = (
        [(each.html, each.text) for each in view.comments if each.id == comment]
        if comment
        else [(view.html, view.text)]
    )
    page = safe(store, config, *said[0], view) if said else ""
    return with_images(page, _pictures(store, view, comment, page)) if "cid:" in page else page


def _pictures(store: Store, view: ItemView, comment: int, page: str) -> dict[str, str]:
    """Content-ID -> `data:` URL; a reply that quotes a picture finds the one the item has already."""
    urls: dict[str, str] = {}
    left = MOST_BYTES_IN_ALL
    for each in sorted(view.attachments, key=lambda each: each.comment != comment):
        if each.content_id and each.content_id not in urls and _fits(each, left) and _named(each.content_id, page):
            left -= each.size_bytes
            urls[each.content_id] = (
                f"data:{each.content_type};base64,{b64encode(store.items.blob(each.digest)).decode()}"
            )
    return urls


def _fits(picture: AttachmentView, left: int) -> bool:
    return picture.content_type in PICTURES and picture.size_bytes <= min(MOST_BYTES, left)


def _named(content_id: str, page: str) -> bool:
    """Tell cheaply whether a page may link to a picture: its Content-ID up to the first character that is written
    differently in URLs and in HTML."""
    plain = next((at for at, char in enumerate(content_id) if not (char.isalnum() or char in "._-")), len(content_id))
    return f"cid:{content_id[:plain]}" in page
