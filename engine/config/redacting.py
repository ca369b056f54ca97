"""Logs that hold no secret.

Here: `logger`, by which every log of the engine is got. Not here: which texts are secrets (`secrets.py`).
Invariant: what passes holds no secret that was read so far, in no shape that protocols give it, whoever's handler
writes it down.
"""

from __future__ import annotations

import logging

from engine.config.secrets import redact


class Redacting(logging.Filter):
    """A logging filter that lets no secret through, not in the message, its arguments or a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
        return True


_FILTER = Redacting()


def logger(name: str) -> logging.Logger:
    """Give the log of that name; whatever is said there passes the filter before any handler sees it."""
    log = logging.getLogger(name)
    log.addFilter(_FILTER)  # the same filter is added once
    return log
