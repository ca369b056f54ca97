"""What other rules would change for stored mail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from deciding import CONFIG, DATA, NOW, raw

from engine.config import load
from engine.run.engine import Engine
from engine.run.process import process
from engine.store.load import load as load_data
from engine.store.store import Store
from engine.workbench.rule_changes import ARCHIVE, DEPLOYED, NotDeployed, against

HOLD = '[[rule]]\nname = "Look"\nwhen = \'subject contains "Printer"\'\nthen = [\'hold because "look"\']\n'
SINCE = NOW - timedelta(days=1)


@pytest.fixture
def ruled(tmp_path: Path) -> Iterator[Engine]:
    """An engine without rules in force over two mails, one of which the rules of then held."""
    (tmp_path / "allegra.toml").write_text(CONFIG.replace("[system]\n", '[system]\nrules = "rules/system.toml"\n'))
    (tmp_path / "rules").mkdir()
    rules = tmp_path / "rules" / "system.toml"
    rules.write_text(HOLD)
    config = load(tmp_path / "allegra.toml")
    with Store.open(":memory:") as store:
        load_data(store, DATA)
        process(Engine(config, store), store.ledger.spool([raw(key="1"), raw("Scanner", key="2")], "a"), NOW)
        rules.write_text("")
        yield Engine(config, store)


@pytest.mark.parametrize(("what", "called"), [(DEPLOYED, "last deployed rules"), (ARCHIVE, "what was decided then")])
def test_a_rule_that_is_gone_lets_its_mail_go_on(ruled: Engine, what: str, called: str) -> None:
    found, name = against(ruled, what, SINCE)
    assert name.startswith(called)
    assert [(each.subject, each.before, each.after) for each in found.outcomes] == [
        ("Printer", "held", "created support")
    ]
    assert (found.total, found.unchanged) == (2, 1)


def test_a_folder_holds_other_rules(ruled: Engine, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "system.toml").write_text(HOLD.replace("Printer", "Scanner"))
    found, name = against(ruled, str(tmp_path / "other"), SINCE)
    assert (name, [each.subject for each in found.outcomes]) == (str(tmp_path / "other"), ["Scanner"])
    with pytest.raises(NotADirectoryError):
        against(ruled, str(tmp_path / "none"), SINCE)


def test_rules_that_decided_nothing_since_cannot_be_compared_with(ruled: Engine) -> None:
    with pytest.raises(NotDeployed):
        against(ruled, DEPLOYED, NOW + timedelta(days=1))
