"""What `config show` prints: everything in force, and where it came from."""

from __future__ import annotations

from pathlib import Path

from configurations import Load

from engine.config import load as load_file
from engine.config import parse, write

EXAMPLE = Path(__file__).resolve().parents[2] / "allegra.toml.example"


def test_what_is_written_loads_again_and_means_the_same(tmp_path: Path) -> None:
    copy = tmp_path / "allegra.toml"
    copy.write_bytes(EXAMPLE.read_bytes())
    config = load_file(copy, {})
    again = parse(write.dumps(list(write.entries(config))), copy, {})
    assert [(e.key, e.value) for e in write.entries(again)] == [(e.key, e.value) for e in write.entries(config)]


def test_the_origin_is_section_file_and_line(load: Load) -> None:
    config = load("[gates]\ndmarc = 'hold'\n[workspace.a.gates]\ndmarc = 'reject'\n")
    line = 8
    assert config.origin("gates.dmarc", "a") == f"workspace.a.gates, allegra.toml:{line + 1}"
    assert config.origin("gates.dmarc", "b") == f"gates, allegra.toml:{line - 1}"
    assert config.origin("gates.bounce", "a") == "default"
    assert config.origin("mailbox.host") == "system.mailbox, allegra.toml:3"


def test_an_inherited_option_of_a_workspace_can_be_asked_for(load: Load) -> None:
    config = load("[gates]\ndmarc = 'reject'\n[workspace.a]\n")
    entry = write.find(config, "workspace.a.gates.dmarc")
    assert entry is not None and (entry.value, entry.origin) == ("reject", "gates, allegra.toml:7")
    assert write.find(config, "workspace.a.gates.dmrc") is None
    assert write.near("workspace.a.gates.dmrc") == "; did you mean gates.dmarc?"


def test_values_are_shown_as_they_would_be_written(load: Load) -> None:
    config = load("[items]\nkeyword_aliases = { 'Priorität' = 'priority' }\n[attachments]\nimages_maximum_size = ''\n")
    shown = {entry.key: write.value_text(entry.value) for entry in write.entries(config)}
    assert shown["items.keyword_aliases"] == '{ "Priorität" = "priority" }'
    assert shown["attachments.images_maximum_size"] == '""'
    assert shown["limits.raw"] == '"50 MB"'
    assert shown["errors.retry"] == '["1 min", "5 min", "30 min", "2 hours"]'
    assert shown["gates.mails_per_sender"] == '{ limit = 60, per = "1 hour", then = "hold" }'


def test_the_options_of_a_section_are_given_together(load: Load) -> None:
    config = load("[gates]\ndmarc = 'reject'\n")
    found = {entry.key: entry.value for entry in write.below(config, "gates")}
    assert found["gates.dmarc"] == "reject" and all(key.startswith("gates.") for key in found)
    assert write.below(config, "gate") == []
