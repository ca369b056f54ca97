"""Template files looked through before a mail needs them.

Here: what is wrong in a file and where. Not here: rendering (`templates.py`), which names there are (`names.py`).
Invariant: the syntax tree is walked, so that a name in a branch which is seldom run is found, too; nothing is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.outbox.layout import LAYOUT, html_environment, parsed, rendered, values_of_layout
from engine.outbox.names import EMPTY, SAMPLE
from engine.outbox.sandbox import Unreadable, bounded, environment, failures, line_of, read
from engine.outbox.templates import FORMER, LANGUAGES, is_name, split
from rules.near import near_names
from rules.problem import Problem, Severity


def check(directory: Path) -> tuple[tuple[Path, tuple[Problem, ...]], ...]:
    """Look through every template file of a folder and of the workspaces' folders in it; each with its problems."""
    return tuple((file, (*_of_name(file), *_Source(file).problems())) for file in template_files(directory))


def template_files(directory: Path) -> list[Path]:
    """Every file of a folder, and of the workspaces' folders in it, that is or was meant to be a template."""
    return sorted(file for pattern in ("*.txt", "*/*.txt", "*.html", "*/*.html") for file in directory.glob(pattern))


def _of_name(file: Path) -> Iterator[Problem]:
    name, _, language = file.stem.rpartition(".")
    said = advice = ""
    if file.name == LAYOUT:
        return
    if language not in LANGUAGES or not is_name(name):
        said = f"{file.name} is not named  NAME.LANGUAGE{file.suffix}  and is not used"
        advice = f"languages are {' '.join(LANGUAGES)}"
    elif file.suffix == ".html" and not file.with_suffix(".txt").is_file():
        said = f"{file.name} stands beside no {file.stem}.txt and is not used"
        advice = f"write the text, too: allegra templates copy {name} --language {language}"
    elif name in FORMER:
        said = f"{name} is understood as {FORMER[name]}"
        advice = f"call the file  {FORMER[name]}.{language}{file.suffix}"
        yield Problem("C170", said, file.name, help=advice, severity=Severity.INFO)
        return
    if said:
        yield Problem("C180", said, file.name, help=advice, severity=Severity.WARNING)


class _Source:
    """One file and its lines."""

    def __init__(self, file: Path) -> None:
        self._file, self._lines = file, list[str]()
        self._is_html, self._is_layout = file.suffix == ".html", file.name == LAYOUT
        self._sandbox = html_environment() if self._is_html else environment()
        self._values = tuple(
            values_of_layout(values, "<p>Hello</p>", "en") if self._is_layout else values for values in (SAMPLE, EMPTY)
        )

    def problems(self) -> list[Problem]:
        from jinja2 import TemplateSyntaxError

        try:
            source = read(self._file)
            self._lines = source.split("\n")
            tree = parsed(source, layout=self._is_layout) if self._is_html else self._sandbox.parse(source)
        except Unreadable as error:
            return [Problem("C182", str(error), self._file.name)]
        except TemplateSyntaxError as error:
            return [self._at("C182", str(error.message), error.lineno, _quoted(str(error.message)))]
        except RecursionError:
            return [Problem("C182", "the template is nested too deeply", self._file.name)]
        found = {(problem.line, problem.message): problem for problem in self._names(tree)}
        return list(found.values()) or [*self._tried(source)]

    def _tried(self, source: str) -> Iterator[Problem]:
        """Render it with a value for every name, and with none."""
        try:
            template = self._sandbox.from_string(source)
            made = [(rendered if self._is_html else bounded)(template, values) for values in self._values]
        except failures() as error:
            yield self._at("C183", f"the template fails: {error}", line_of(error), _quoted(str(error)))
            return
        said = made[0] if self._is_html else split(f"{made[0]}\n")[1]
        if not said.strip():
            yield Problem("C183", "the template says nothing: the mail would be empty", self._file.name, 1)
        elif not self._is_html and not split(made[0])[0]:
            said = "the template has no subject: its first line must be  Subject: …"
            yield Problem("C181", said, self._file.name, 1, severity=Severity.WARNING)

    def _names(self, tree: Any) -> Iterator[Problem]:
        """Every name, filter and attribute that does not exist, wherever it stands."""
        from jinja2 import nodes

        sandbox, values = self._sandbox, self._values[0]
        entries = dict(_entries(tree))
        declared = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
        declared |= {node.name for node in tree.find_all(nodes.Macro)} | {"loop", "caller", "varargs", "kwargs"}
        known = {*values, *declared, *sandbox.globals}
        for node in tree.find_all(nodes.Name):
            if node.name not in known:
                yield self._unknown(f'there is no "{node.name}"', node.lineno, node.name, values)
        for kind, what, there in ((nodes.Filter, "filter", sandbox.filters), (nodes.Test, "test", sandbox.tests)):
            for node in tree.find_all(kind):
                if node.name not in there:
                    yield self._unknown(f'there is no {what} "{node.name}"', node.lineno, node.name, there)
        for node in tree.find_all(nodes.Getattr):
            name = getattr(node.node, "name", "") if isinstance(node.node, nodes.Name) else ""
            if name in entries and node.attr not in entries[name]:
                yield self._unknown(f'{name} has no "{node.attr}"', node.lineno, node.attr, entries[name])
            elif name in values and name not in declared and not hasattr(values[name], node.attr):
                yield self._unknown(f'{name} has no "{node.attr}"', node.lineno, node.attr, values)
        for node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
            yield self._at("C183", "a template cannot take in another one", node.lineno)

    def _unknown(self, said: str, line: int, word: str, there: Any) -> Problem:
        near = near_names(word, [str(each) for each in there], 1)
        advice = f"did you mean  {near[0]} ?" if near else f"a template may use {', '.join(self._values[0])}"
        return self._at("C183", said, line, word, advice)

    def _at(self, code: str, said: str, line: int, word: str = "", advice: str = "") -> Problem:
        """A problem at a word of a line; the syntax tree knows lines only, so the word is looked for there."""
        excerpt = self._lines[line - 1] if 0 < line <= len(self._lines) else ""
        found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", excerpt) if word else None
        found = found or re.search(r"\{[{%].*", excerpt)
        column, length = (found.start() + 1, len(found[0])) if found else (0, 1)
        return Problem(code, said, self._file.name, line, column, length, excerpt, help=advice)


def _entries(tree: Any) -> Iterator[tuple[str, Any]]:
    """The name that each loop over a list of ours gives its entries, and what such an entry has."""
    from jinja2 import nodes

    for loop in tree.find_all(nodes.For):
        over = loop.iter
        while isinstance(over, nodes.Filter):
            over = over.node
        values = SAMPLE.get(over.name) if isinstance(over, nodes.Name) else None
        if isinstance(values, tuple) and isinstance(values[0], dict) and isinstance(loop.target, nodes.Name):
            yield loop.target.name, values[0]


def _quoted(said: str) -> str:
    """The word that a message is about: the last one it quotes."""
    words = re.findall(r"'([^']+)'", said)
    return words[-1] if words else ""
