"""No result depends on the words of a sentence: the demo's mails, told in nonsense, come to the same."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.model.draft import Note, Said
from engine.wording.english import ENGLISH

HOLD_ALL = """
[[rule]]
name = "Hold all"
when = 'size > 0'
then = ['hold because "let me see"']
"""


def comes_to(folder: Path) -> dict[str, Any]:
    """Make the demo, decide its mails, and gather all that is decided, counted, compared and told."""
    from engine.config import load
    from engine.desk.demo import play
    from engine.run.engine import Engine
    from engine.store.store import Store
    from engine.workbench import rule_changes
    from engine.workbench import rule_usage as usage

    lines = play(folder).lines
    shutil.copytree(folder / "rules", folder / "other")
    (folder / "other" / "system.toml").write_text(HOLD_ALL, encoding="utf-8")
    config = load(folder / "allegra.toml")
    began = datetime(2000, 1, 1, tzinfo=UTC)
    with Store.open(config.store.where) as store:
        engine, other = Engine(config, store), Engine(config, store, rules_directory=folder / "other")
        try:
            hits = usage.hits(store, began)
            found = rule_changes.compare(other, engine, began)
            return {
                "lines": [(line.outcome, line.code, line.stage, line.by, line.target) for line in lines],
                "hits": sorted(hits.counts.items()),
                "differences": [
                    (each.before, each.after, each.rule, each.fields) for each in (*found.outcomes, *found.fields)
                ],
                "told": [told(engine, row) for row in reversed(store.archive.mails())],
            }
        finally:
            engine.close()
            other.close()


def told(engine: Any, row: Any) -> dict[str, Any]:
    """What `explain` knows of a mail, and how it is laid out."""
    from engine.explain import told as telling
    from engine.explain.replay import explain_stored

    this = explain_stored(engine, row)
    text = telling.told(this, engine.store.archive.text, width=10_000)
    trace = this.trace
    assert trace is not None
    as_json = telling.as_json(this, engine.store.archive.text)["trace"]
    return {
        "effects": trace.effects,
        "notes": [(stage.name, *map(shape, stage.notes)) for stage in trace.stages],
        "tried": [(way, shape(saw)) for way, saw in trace.facts.thread.tried if isinstance(saw, Note)],
        "released": this.released and (this.released.outcome, this.released.stage, *map(shape, this.released.passed)),
        "lines": len(text),
        "marks": [line.split()[:3] for line in text if line[:3].strip().isdigit()],
        "besides": sum("        · " in line for line in text),
        "json": [sorted(note) for stage in as_json["stages"] for note in stage["notes"]],
    }


def shape(note: Note) -> Any:
    """A note without what differs between two runs: ids of mails."""
    return note.kind, note.mark, note.code, tuple((name, value_shape(value)) for name, value in note.fields)


def value_shape(value: Said) -> Any:
    if isinstance(value, Note):
        return shape(value)
    if isinstance(value, tuple):
        return tuple(value_shape(each) for each in value)
    return "…" if isinstance(value, str) else value


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return comes_to(tmp_path_factory.mktemp("wording") / "english")


@pytest.mark.parametrize("nonsense", ["xyzzy", 'rules/system.toml, "Payments"; passed, because you released it', ": {"])
def test_told_in_nonsense_every_decision_count_comparison_and_explanation_is_the_same(
    english: dict[str, Any], nonsense: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert any(each["released"] and each["besides"] for each in english["told"]), "a release passes more than one hold"
    assert any(before == "held" for before, *_ in english["differences"])
    assert {rule for _, after, rule, _ in english["differences"] if after.startswith("created")} - {"no rule"}
    for kind in ENGLISH:
        monkeypatch.setitem(ENGLISH, kind, nonsense)  # type: ignore[arg-type]
    assert comes_to(tmp_path / "nonsense") == english
