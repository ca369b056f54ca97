"""The words of a mail as the HTML they came as: safe to send, with the pictures that stand in it.

Here: which pictures, by which Content-ID, and how much of them. Not here: what makes HTML safe (`mail/html.py`), where
it stands in the mail (`page.py`). Invariant: nothing is loaded from anywhere; what cannot be cut to what the text says
is not sent, the text stands for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from engine.model.addresses import holds_personal
from engine.outbox.letter import Picture

if TYPE_CHECKING:
    from engine.config.content import Body
    from engine.config.effective import Settings
    from engine.model.mail import Cutting
    from engine.model.stored import OutboxContext, SentFile
    from engine.store.store import Store

MOST_BYTES = 2 * 1024 * 1024
"""Bytes of pictures in one mail."""

MOST_CHARS = 500_000
"""Characters of HTML that are sent; of a longer page the text goes."""

_IMAGE = re.compile(r'<img((?:\s+[\w-]+="[^"]*")*)\s*/?>')
_SOURCE = re.compile(r'\ssrc="([^"]*)"')


def shown(about: OutboxContext, store: Store, settings: Settings, domain: str) -> tuple[str, tuple[Picture, ...]]:
    """Give the words as HTML, "" where they did not come so, and the pictures in it; `domain` ends Content-IDs."""
    page = store.items.html(about.html) if about.html else ""
    if not page or len(page) > MOST_CHARS:
        return "", ()
    kept = {name: file for name, file in _kept(about, store) if file is not None}
    ids = {file.digest: f"{file.digest[:32]}@{domain}" for file in kept.values()}
    names = tuple([(name, ids[file.digest]) for name, file in kept.items()])
    safe = _safe(page, about.text, store.items.cutting(about.html), settings.body, names)
    named = {f"cid:{content_id}": digest for digest, content_id in ids.items()}
    safe = _IMAGE.sub(lambda found: found[0] if _is_there(found[1], named) else "", safe)
    there = [digest for address, digest in named.items() if address in safe]
    kinds = {file.digest: file.content_type for file in kept.values()}
    return safe, tuple([Picture(ids[digest], kinds[digest], store.items.blob(digest)) for digest in there])


@lru_cache(maxsize=2)
def _safe(page: str, text: str, how: Cutting | None, settings: Body, names: tuple[tuple[str, str], ...]) -> str:
    """Cut a page to what the text says, and make it safe; remembered, for one mail goes to many and a page may be long.

    "" where it says something else, or repeats a notice to somebody inside: the text does without it.
    """
    from engine.mail.html import sanitise, with_content_ids
    from engine.mail.html_reply import cut_page

    cut = cut_page(page, text, how, settings) if how is not None else page
    safe = sanitise(with_content_ids(cut, dict(names))) if cut else ""
    return "" if holds_personal(safe) else safe


def _is_there(attributes: str, named: dict[str, str]) -> bool:
    """Tell whether a picture stands in the mail, under our name or in the HTML itself; any other would be a hole."""
    source = _SOURCE.search(attributes)
    return source is not None and (source[1] in named or source[1].startswith("data:"))


def _kept(about: OutboxContext, store: Store) -> Iterator[tuple[str, SentFile | None]]:
    """Name in the HTML -> the picture that is kept of it: by its name (it may have been made smaller) or its bytes."""
    by_name = {each.content_id: each for each in reversed(about.pictures)}
    by_digest = {each.digest: each for each in about.pictures}
    room, taken = MOST_BYTES, set[str]()
    for name, digest in store.items.pictures(about.html).items():
        file = by_name.get(name) or by_digest.get(digest)
        if file is not None and file.digest not in taken:
            room -= file.size_bytes
            if room < 0:
                file = None
            else:
                taken.add(file.digest)
        yield name, file
