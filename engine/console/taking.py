"""Lists that are taken away: the rows of a page as a file, written while they are read.

Here: the answer. Not here: what a file looks like and the act that tells of it (`desk/exporting.py`), which page has a
list (`pages/`). Invariant: few are written at a time, so that somebody who takes all keeps nobody else from working.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from flask import Response, abort

from engine.console.asked import Asked, Page
from engine.desk.exporting import FORMS, Taken
from engine.desk.refusals import Busy

AT_ONCE = 2

_free = threading.BoundedSemaphore(AT_ONCE)


def answer(page: Page, asked: Asked, form: str) -> Response:
    """Give all rows of a page as a file. Raises Busy where others are at it."""
    if page.table is None:
        abort(404, "this page is no list")
    if page.status >= 400:
        abort(page.status, page.data["said"])
    if not _free.acquire(blocking=False):
        raise Busy(f"{AT_ONCE} lists are being taken away already: try again in a moment")
    kind, write = FORMS[form]
    rows = _Rows(write(Taken(asked.installation, asked.account, page.table, form, asked.scope)))
    given = Response(rows, content_type=kind)
    given.call_on_close(rows.close)
    given.headers["Content-Disposition"] = f'attachment; filename="{page.table.name}.{form}"'
    return given


class _Rows:
    """What is written; once it ended, or nobody wants it any more, another list may be."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._done = parts, False

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._parts
        finally:
            self.close()

    def close(self) -> None:
        """End it."""
        if not self._done:
            self._done = True
            _free.release()
