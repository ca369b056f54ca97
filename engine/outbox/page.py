"""The HTML part of a mail, made of its text in one neutral layout.

Here: paragraphs, lines, quotations, links; the layout built in. Not here: the text (`templates.py`), HTML of an admin
(`layout.py`). Invariant: every character of the text is escaped; nothing is loaded from anywhere and nothing tracks.
"""

from __future__ import annotations

import re
from html import escape
from itertools import groupby

_LINK = re.compile(r"https?://[^\s<>\"']{1,500}[^\s<>\"'.,;:!?)]")

_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")
_LINE_END, _BREAK = "\n", "<br>\n"
_BLOCKQUOTE = ' style="margin:0 0 12px;padding-left:12px;border-left:2px solid #ccc"'

LAYOUT = (
    '<!DOCTYPE html>\n<html lang="{{ language }}"><head><meta charset="utf-8"></head>\n'
    "<body style=\"margin:0;padding:16px;font:15px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif\">\n"
    "{{ content }}\n</body></html>\n"
)
"""What stands around the content, as a template."""

_HEAD, _TAIL = LAYOUT.split("{{ content }}")


def page(text: str, language: str) -> str:
    """Lay out a text in the layout built in."""
    return around(paragraphs(text), language)


def around(content: str, language: str) -> str:
    """Put the layout built in around HTML."""
    return _HEAD.replace("{{ language }}", escape(language or "en")) + content + _TAIL


def paragraphs(text: str, words: str = "", shown: str = "") -> str:
    """A text as HTML; blank lines part paragraphs, lines that begin with `>` are a quotation.

    Where whole lines of it are `words`, `shown` stands in their place: the same words as safe HTML.
    """
    at = _whole_lines(text, words) if words and shown else -1
    if at < 0:
        return _laid_out(text)
    behind = _laid_out(text[at + len(words) :])
    return f'{_laid_out(text[:at])}\n<div style="margin:0 0 12px">{shown}</div>\n{behind}'


def _whole_lines(text: str, words: str) -> int:
    """Where words stand in a text as whole lines, -1 if nowhere."""
    return f"{_LINE_END}{text}{_LINE_END}".find(f"{_LINE_END}{words}{_LINE_END}")


def _laid_out(text: str) -> str:
    text = text.rstrip("\n")
    if f"{_LINE_END}>" not in f"{_LINE_END}{text}":  # as in most mails: no line need be looked at by itself
        return _unquoted(text)
    blocks = []
    for quoted, group in groupby(text.split("\n"), _is_quoted):
        inner = _unquoted("\n".join([line[1:].removeprefix(" ") if quoted else line for line in group]))
        blocks.append(f"<blockquote{_BLOCKQUOTE}>{inner}</blockquote>" if quoted else inner)
    return "\n".join(blocks)


def _unquoted(text: str) -> str:
    return "\n".join(map(_paragraph, filter(str.strip, _BLANK_LINES.split(text))))


def _is_quoted(line: str) -> bool:
    return line[:1] == ">"


def _paragraph(lines: str) -> str:
    inner = _linked(lines) if "://" in lines else escape(lines, quote=False)
    return f'<p style="margin:0 0 12px">{inner.strip(_LINE_END).replace(_LINE_END, _BREAK)}</p>'


def _linked(text: str) -> str:
    """Escape a text; addresses of pages in it can be followed."""
    parts, last = [], 0
    for found in _LINK.finditer(text):
        url = escape(found[0])
        parts += [escape(text[last : found.start()], quote=False), f'<a href="{url}">{url}</a>']
        last = found.end()
    return "".join(parts) + escape(text[last:], quote=False)
