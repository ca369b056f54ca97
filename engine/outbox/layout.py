"""HTML that an admin writes: `NAME.LANGUAGE.html` beside a text, `layout.html` around all.

Here: compiling, rendering, what goes out where it fails. Not here: the layout built in and HTML made of a text
(`page.py`), which text is in force (`templates.py`).
Invariant: a value is escaped, whatever the template says; HTML that fails is replaced by that made of the text, and it
is said. Nothing is cut: a page that is too long is not used.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from engine.outbox.page import around, paragraphs
from engine.outbox.plain import text as plain
from engine.outbox.sandbox import Unreadable, environment, failures, line_of, read

LAYOUT = "layout.html"
MOST_CHARS = 2_000_000
"""Characters of an HTML part."""


@cache
def html_environment() -> Any:
    """The sandbox of HTML: values are escaped, `paragraphs` lays a text out."""
    from markupsafe import Markup

    made = environment().overlay(autoescape=True)
    made.filters = {name: each for name, each in environment().filters.items() if name != "safe"}
    made.filters["paragraphs"] = lambda value: Markup(paragraphs(plain(str(value))))  # noqa: S704 -- it is escaped
    return made


def parsed(source: str, *, layout: bool) -> Any:
    """The syntax tree of HTML. Raises: Unreadable, and what Jinja2 raises."""
    from jinja2 import nodes

    tree = html_environment().parse(source)
    if tree.find(nodes.ScopedEvalContextModifier) is not None:
        raise Unreadable("what strangers wrote is escaped always: autoescape cannot be turned off")
    if layout and all(node.name != "content" for node in tree.find_all(nodes.Name)):
        raise Unreadable('the layout does not show "content": mails would have no words')
    return tree


def rendered(template: Any, values: Mapping[str, object]) -> str:
    """Render HTML. Raises: OverflowError where it is too long, and what a template may raise."""
    made, size = [], 0
    for piece in template.generate(values):
        made.append(piece)
        size += len(piece)
        if size > MOST_CHARS:
            raise OverflowError("the page is longer than a mail may be")
    return plain("".join(made), MOST_CHARS)


def values_of_layout(values: Mapping[str, object], content: str, language: str) -> dict[str, object]:
    """What a layout may use: the values of the mail, `content` and `language`."""
    from markupsafe import Markup

    return {**values, "content": Markup(content), "language": language}  # noqa: S704 -- HTML of ours or escaped


class Pages:
    """The HTML of one workspace."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._layout = next((folder / LAYOUT for folder in folders if (folder / LAYOUT).is_file()), None)
        self._made = dict[Path, Any]()

    def part(
        self, text: str, language: str, values: Mapping[str, object], own: Path | None, shown: str = ""
    ) -> tuple[str, str]:  # fmt: skip
        """Give the HTML part and what failed on the way, "" where nothing did; `own` is HTML beside the text.

        `shown` is the safe HTML of the words in it.
        """
        said: list[str] = []
        content = self._tried(own, values, said) or paragraphs(text, str(values["text"]), shown)
        whole = self._tried(self._layout, values_of_layout(values, content, language), said)
        return whole or around(content, language), "; ".join(said)

    def _tried(self, file: Path | None, values: Mapping[str, object], said: list[str]) -> str:
        """Render a file, "" where there is none or it fails."""
        if file is None:
            return ""
        try:
            return rendered(self._compiled(file), values)
        except failures() as error:
            at = line_of(error)
            said.append(f"template {file.name}{f', line {at}' if at else ''}: {error}")
            return ""

    def _compiled(self, file: Path) -> Any:
        """Compile a file, once. Raises one of `failures()`, each time it is asked for."""
        if file not in self._made:
            try:
                source = read(file)
                parsed(source, layout=file.name == LAYOUT)
                self._made[file] = html_environment().from_string(source)
            except failures() as error:
                self._made[file] = error
        made = self._made[file]
        if isinstance(made, Exception):
            raise made
        return made
