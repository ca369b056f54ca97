"""The rule files of a configuration, read from disk.

Here: which files there are and whose mail each reads; their problems, by mailbox.
Not here: the language (`rules/`) or its words (`actions.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.rulebook import sentences
from engine.rulebook.actions import Vocabulary
from rules.load import Source, load
from rules.problem import Problem, Severity
from rules.run import Ruleset

if TYPE_CHECKING:
    from engine.config import Config
    from rules.doubts import Judge

MOST_BYTES = 4_000_000
"""A rule file is read up to this size; a larger one is a problem."""


class Rulebook(Struct, frozen=True):
    """All rule files of a configuration, loaded: the sound ones, the words they use, and what is wrong by mailbox.

    `fallen_back` names the files that do not load and of which an older text is in force.
    """

    rules: Ruleset
    vocabulary: Vocabulary
    problems: tuple[Problem, ...]
    broken: Mapping[str, tuple[Problem, ...]]
    fallen_back: tuple[str, ...] = ()


def load_rules(config: Config, directory: Path | None = None, before: Rulebook | None = None) -> Rulebook:
    """Load all rule files.

    A file that does not load leaves the text in force that `before` has, or with `rules.on_error = "last-good"` the
    one that loaded last. `directory` takes the files of the same names from another folder (what would other rules
    do?). A mailbox waits for its own file; a file that mail only passes through on its way is minded by stage `route`.
    """
    sentences.recall(config)
    vocabulary = Vocabulary(config)
    sources: list[Source] = []
    missing: list[Problem] = []
    for place, path in files(config, directory):
        name = shown(config, path)
        try:
            text = path.read_bytes()[:MOST_BYTES].decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            missing.append(Problem("E002", f"this rule file cannot be read: {_why(error)}", name))
            sources.append(Source(name, "\0", place, not place))  # unreadable is not empty: its mail waits
            continue
        sources.append(Source(name, text, place, not place))
    ruleset, problems = load(sources, vocabulary.schema)
    places = {source.file: source.place for source in sources}
    broken: dict[str, tuple[Problem, ...]] = {}
    unread = {problem.file for problem in missing}
    problems = (*missing, *(each for each in problems if each.file not in unread))
    ruleset, fallen_back = _last_good(config, ruleset, sources, vocabulary, before, keeps=directory is None)
    for problem in filter(_is_error, problems):
        if problem.file not in fallen_back:
            mailbox = places.get(problem.file, "") or "system"
            broken[mailbox] = (*broken.get(mailbox, ()), problem)
    return Rulebook(ruleset, vocabulary, problems, broken, fallen_back)


def _last_good(
    config: Config,
    ruleset: Ruleset,
    sources: list[Source],
    vocabulary: Vocabulary,
    before: Rulebook | None,
    keeps: bool,
) -> tuple[Ruleset, tuple[str, ...]]:
    """Put the last good text in the place of files that do not load, and keep those that do."""
    from engine.rulebook import last_good as good_rules

    keeps = keeps and config.rules.on_error == "last-good"
    loaded, refused, fallen_back = dict(ruleset.files), dict(ruleset.broken), []
    for source in sources:
        if source.place in loaded:
            if keeps:
                good_rules.keep(config, loaded[source.place])
            continue
        last = before.rules.files.get(source.place) if before is not None else None
        if last is None and keeps:
            last = good_rules.kept(config, source.place, source.file, vocabulary.schema)
        if last is not None:
            loaded[source.place] = last
            refused.pop(source.place, None)
            fallen_back.append(source.file)
    return Ruleset(loaded, refused), tuple(fallen_back)


def check_rules(config: Config, judge: Judge | None = None) -> Iterator[tuple[str, int, int, tuple[Problem, ...]]]:
    """Look at every rule file: its name, how many rules and tests it holds, errors and warnings.

    `judge` knows which people, values and templates exist.
    """
    from datetime import UTC, datetime

    from rules.doubts import doubts
    from rules.lint import lint

    book = load_rules(config)
    loaded = {file.file: file for file in book.rules.files.values()}
    workspaces, today = frozenset(config.workspaces), datetime.now(UTC).date()
    for _, path in files(config):
        name = shown(config, path)
        problems = tuple(problem for problem in book.problems if problem.file == name)
        file = loaded.get(name)
        if file is None:
            yield name, 0, 0, problems
        else:
            warnings = lint(file, book.vocabulary.schema, workspaces, today)
            warnings += doubts(file, judge) if judge is not None else ()
            yield name, len(file.rules), len(file.tests), (*problems, *warnings)


def files(config: Config, directory: Path | None = None) -> Iterator[tuple[str, Path]]:
    """Name the rule files: whose mail each reads ("" is the system mailbox) and where it is.

    A `directory` may hold files for places that have none yet, by their usual names.
    """
    every = [("", config.system.rules), *[(name, each.rules) for name, each in config.workspaces.items()]]
    for name, path in every:
        if path is not None:
            yield name, _in(directory, path)
        elif directory is not None and (usual := directory / f"{name or 'system'}.toml").is_file():
            yield name, usual


def shown(config: Config, path: Path) -> str:
    """A file's name as people know it: relative to the folder of allegra.toml where it lies below that."""
    try:
        return str(path.relative_to(config.path.resolve().parent))
    except ValueError:
        return str(path)


def _in(directory: Path | None, path: Path) -> Path:
    return path if directory is None else directory / path.name


def _why(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8 text"


def _is_error(problem: Problem) -> bool:
    return problem.severity is Severity.ERROR
