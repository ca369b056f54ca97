"""Forms as they come: bounded, in whichever way they are written.

Here: `Request`, which reads them. Not here: how many bytes a form may have (`guard.py`), what stands in one (`pages/`).
Invariant: what reading a form costs is bounded before it is read, for whoever is not signed in as well.
"""

from __future__ import annotations

from io import BytesIO
from typing import IO, Any

from flask import Request as _Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

MOST_PAIRS = 10_000
"""Fields of a form without files. Each takes microseconds, and a megabyte holds half a million."""


class _Parser(FormDataParser):
    """Reads a form; werkzeug counts the fields of those with files only."""

    def parse(self, stream: IO[bytes], mimetype: str, *more: Any, **named: Any) -> Any:
        """Read it. Raises RequestEntityTooLarge."""
        if mimetype == "application/x-www-form-urlencoded":
            content = stream.read()
            if len(content) > (self.max_form_memory_size or len(content)) or content.count(b"&") >= MOST_PAIRS:
                raise RequestEntityTooLarge
            stream = BytesIO(content)
        return super().parse(stream, mimetype, *more, **named)


class Request(_Request):
    """What is asked."""

    form_data_parser_class = _Parser
