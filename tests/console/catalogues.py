"""What the console says, gathered: the texts of its templates and pages, the names they show, the files of languages.

Here: gathering, and bringing the files up to date (`PYTHONPATH=.:tests python tests/console/catalogues.py`: new texts
come in without a translation, those that nothing says any more go). Not here: what has to be there (`test_words.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment
from jinja2.ext import babel_extract

from engine.console import words
from engine.console.app import NAMES

TEMPLATES = Path(words.__file__).with_name("templates")

Text = str | tuple[str, str]
"""A text by its key, which holds of what it is said where that counts; or one that counts, with its plural."""


def said() -> dict[Text, list[str]]:
    """Every text of the templates with the files that say it, and the names that they show by a variable."""
    found: dict[Text, list[str]] = {}
    for path in sorted(TEMPLATES.glob("*.html")):
        for text in _of(path):
            found.setdefault(text, []).append(path.name)
    for path in sorted(Path(words.__file__).parent.rglob("*.py")):
        for text in _spoken(path):
            found.setdefault(text, []).append(path.name)
    for name in NAMES:
        found.setdefault(name, []).append("names")
    return found


def _spoken(path: Path) -> Iterator[Text]:
    """What a page says about what was done."""
    with path.open("rb") as file:
        for _line, function, message, _comments in extract_python(file, ("gettext", "ngettext"), (), {}):
            texts: Any = message if isinstance(message, tuple) else (message,)
            said = [each for each in texts if isinstance(each, str)]
            if function == "ngettext" and len(said) == 2:
                yield said[0], said[1]
            elif function == "gettext" and said:
                yield said[0]


SAY = ("_", "gettext", "ngettext", "pgettext")


def _of(path: Path) -> Iterator[Text]:
    with path.open("rb") as file:
        options = {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true"}
        for _line, function, message, _comments in babel_extract(file, SAY, (), options):
            texts: Any = message
            if isinstance(texts, str):
                yield texts
            elif function == "pgettext":
                yield words.key(*texts[:2])
            elif texts is not None and texts[0] is not None:
                yield (texts[0], texts[1]) if len(texts) > 1 and texts[1] is not None else texts[0]


TAG = re.compile(r"<[^>]*>|&\w+;|&#\d+;", re.S)
SHOWN = re.compile(r"""\b(?:aria-label|title|placeholder|alt)=(?:"([^"]*)"|'([^']*)')""")
"""What attributes say. `value` is none of them: a form reads it back, and buttons here say theirs between tags."""

HELD = re.compile(r"<(script|style|code|kbd)\b.*?</\1>", re.S)
LETTER = re.compile(r"[A-Za-z]{2}")
NAMED = re.compile(r"\b(?:Allegra|JSON|NDJSON|CSV|HTML|Message-ID|DMARC|SPF|DKIM)\b")
"""Names that are the same in every language: the product, formats, fields of mail."""

ASKING = re.compile(r'\bhx-[a-z-]+="[^"]*"')
"""How a part of a page is asked for again."""

SEARCH = re.compile(r"(?:-?[a-z_]+:\S*\s*)+")
"""Words of the search language and no others, as an example of it."""

ID = re.compile(r'\bid="([\w-]+)"')


def bare(path: Path) -> list[str]:
    """What a template says beside `_(…)` and `trans`: words that nobody translates."""
    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    text, inside = [], False
    source = path.read_text("utf-8")
    tokens = list(environment.lex(source))
    for number, (_, kind, value) in enumerate(tokens):
        if kind == "block_begin":
            name = next((each[2] for each in tokens[number + 1 :] if each[1] == "name"), "")
            inside = name == "trans" or (inside and name != "endtrans")
        if kind == "data" and not inside:
            text.append(value)
        elif kind in ("variable_begin", "block_begin") and not inside:
            text.append(" ")
    whole = HELD.sub(" ", ASKING.sub("", "".join(text)))
    shown = [first or second for first, second in SHOWN.findall(whole)]
    plain = [each.strip() for each in TAG.sub("\n", whole).splitlines()]
    ids = frozenset(ID.findall(source))
    quoted = [each for each in (*shown, *_literal(tokens)) if not SEARCH.fullmatch(each)]
    quoted = [each for each in quoted if not ids.issuperset(each.split())]
    return [each for each in (*plain, *quoted) if LETTER.search(NAMED.sub("", each))]


def _literal(tokens: list[tuple[int, str, str]]) -> Iterator[str]:
    """Texts between quotes that look like words for people: not given to `_`, no key that something is looked up by."""
    for number, (_, kind, value) in enumerate(tokens):
        text = value[1:-1]
        before = [each[2] for each in tokens[max(number - 3, 0) : number] if each[1] != "whitespace"]
        is_key = [each[2] for each in tokens[number + 1 : number + 3] if each[1] != "whitespace"][:1] == [":"]
        looks = " " in text.strip() or text[:1].isupper()
        if kind == "string" and looks and not is_key and before[-2:] != ["_", "("]:
            yield text


def main() -> None:
    """Bring the files up to date."""
    every = said()
    for language in words.LANGUAGES[1:]:
        path = words.FOLDER / f"{language}.po"
        before = Catalog(locale=language)
        if path.exists():
            with path.open("rb") as file:
                before = read_po(file, locale=language)
        after = Catalog(locale=language, fuzzy=False, charset="utf-8")
        for text in sorted(every, key=str):
            of, _, own = text.rpartition("\x04") if isinstance(text, str) else ("", "", text)
            known = before.get(own if isinstance(own, str) else own[0], of or None)
            after.add(own, known.string if known is not None and known.id == own else None, context=of or None)
        with path.open("wb") as file:
            write_po(file, after, width=120, omit_header=True, sort_output=False)
        lacks = sum(not each.string or not all(each.string) for each in after if each.id)
        print(f"{path.name}: {len(every)} texts, {lacks} without a translation")


if __name__ == "__main__":
    main()
