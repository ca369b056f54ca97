"""Files that browsers keep: each under an address that names its content, so that a new one is another address.

Here: `address`, `serve`. Not here: the files (`static/`). Invariant: only these files are given, whatever is asked for.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

from flask import Response, abort, url_for

FOLDER = Path(__file__).with_name("static")

KINDS = {"a.css": "text/css", "a.js": "text/javascript", "htmx.js": "text/javascript"}


@cache
def _content(name: str) -> tuple[bytes, str]:
    content = (FOLDER / name).read_bytes()
    return content, sha256(content).hexdigest()[:16]


def address(name: str) -> str:
    """Give the address of a file."""
    return url_for("static", digest=_content(name)[1], name=name)


def serve(digest: str, name: str) -> Response:
    """Give a file, kept for a year."""
    if name not in KINDS or _content(name)[1] != digest:
        abort(404)
    answer = Response(_content(name)[0], content_type=f"{KINDS[name]}; charset=utf-8")
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer
