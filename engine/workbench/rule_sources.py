"""Where commands about rules get their files, and the mails that tests and `try` name.

Here: loading for people (all problems printed, nothing half loaded), mails from files and from the archive.
Not here: printing, or the rule files in force while mail is decided (`rulebook/book.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.model.mail import Origin, RawMail
from engine.rulebook.book import files, load_rules, shown
from engine.workbench.rule_tests import Nobody
from rules import tested
from rules.load import Source, load_file
from rules.problem import Problem, Severity

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.facts import Facts
    from engine.model.mail import Mail
    from engine.rulebook.book import Rulebook
    from rules.run import RuleFile
    from rules.schema import Schema


class Unsound(Exception):
    """Rule files that do not load."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


def sound(config: Config, directory: Path | None = None) -> Rulebook:
    """Load all rule files, or those of a folder. Raises: Unsound if there is an error in any of them."""
    book = load_rules(config, directory)
    if any(problem.severity is Severity.ERROR for problem in book.problems):
        raise Unsound(book.problems)
    return book


def chosen(config: Config, book: Rulebook, paths: tuple[Path, ...]) -> Iterator[RuleFile]:
    """The files of the configuration, or those named: `system.toml` is read as the system file. Raises: Unsound."""
    schema = book.vocabulary.schema
    if not paths:
        for file in book.rules.files.values():
            yield _with_sound_tests(file, schema)
        return
    places = {path.resolve(): place for place, path in files(config)}
    for path in paths:
        place = places.get(path.resolve(), "" if path.stem == "system" else path.stem)
        text = path.read_text(encoding="utf-8", errors="replace")
        loaded, problems = load_file(Source(shown(config, path), text, place, not place), schema)
        if loaded is None:
            raise Unsound(problems)
        yield _with_sound_tests(loaded, schema)


def _with_sound_tests(file: RuleFile, schema: Schema) -> RuleFile:
    if problems := tested.problems(file.document, schema):
        raise Unsound(problems)
    return file


def from_file(config: Config, path: Path) -> tuple[Mail, Facts]:
    """A mail in a file with what can be known about it without a database. Raises: OSError."""
    from engine.decision.facts import gather
    from engine.mail.parse import parse

    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    raw = RawMail(content, Origin("system", path.name, len(content)), datetime.now(UTC), digest)
    mail = parse(raw, config.settings("").limits)
    nobody = Nobody(raw.received_at)
    return mail, gather(mail, config, "system", nobody)


def fetch(config: Config, name: str) -> tuple[Mail, Facts] | None:
    """A mail of a test: a file beside allegra.toml or in the working directory, or a stored mail by its id."""
    for path in (config.path.parent / name, Path(name)):
        if path.is_file():
            return from_file(config, path)
    if not name.startswith("m-"):
        return None
    from engine.run.engine import Engine
    from engine.store.place import there
    from engine.store.store import Store
    from engine.workbench.rule_usage import facts_of

    where = config.store.where
    if not there(where):
        return None
    with Store.open(where) as store:
        row = store.archive.find_mail(name)
        raw = store.archive.raw(row.mail) if row is not None else None
        if row is None or raw is None:
            return None
        engine = Engine(config, store)
        try:
            return facts_of(engine, row.mail, raw)
        finally:
            engine.close()
