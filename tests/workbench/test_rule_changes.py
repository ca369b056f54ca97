"""What other rules would change for stored mail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import databases
import pytest
from deciding import CONFIG, DATA, NOW, raw

from engine.config import load
from engine.run.engine import Engine
from engine.run.process import process
from engine.store.load import load as load_data
from engine.store.store import Store
from engine.workbench.rule_changes import ARCHIVE, DEPLOYED, Differences, NotDeployed, against

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
    with Store.open(databases.fresh()) as store:
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


LABEL = '[[rule]]\nname = "{name}"\nwhen = \'subject contains "{word}"\'\nthen = [{then}]\n'


def written(ruled: Engine, tmp_path: Path, before: str, after: str) -> Differences:
    """Compare two texts of the system file over the mails there are."""
    (tmp_path / "before").mkdir()
    (tmp_path / "before" / "system.toml").write_text(before)
    (tmp_path / "rules" / "system.toml").write_text(after)
    found, _ = against(Engine(ruled.config, ruled.store), str(tmp_path / "before"), SINCE)
    return found


def test_everything_a_rule_decides_is_compared_with_the_mails_it_changes(ruled: Engine, tmp_path: Path) -> None:
    then = "'add label \"{}\"', 'set priority \"{}\"', 'notify \"anna\"', 'assign to \"{}\"'"
    found = written(
        ruled, tmp_path,
        LABEL.format(name="a", word="Printer", then=then.format("old", "High", "anna")),
        LABEL.format(name="a", word="Printer", then="'add label \"new\"', 'no reply'"),
    )  # fmt: skip
    (one,) = found.all
    assert (one.subject, one.before, one.after) == ("Printer", "created support", "created support")
    assert set(one.fields) >= {"labels old → new", "notifies anna → –", "no reply – → true"}
    assert (found.outcomes, found.fields, found.unchanged) == ([], [one], 1)


@pytest.mark.parametrize(
    ("after", "rule"),
    [
        ("", "Look removed"),
        (HOLD.replace("Printer", "Scanner"), "Look no longer decides"),
        (HOLD.replace("when", "enabled = false\nwhen"), "Look switched off"),
        (HOLD.replace("Look", "Other").replace("hold", "discard"), "Other"),
    ],
)
def test_a_rule_that_does_not_decide_any_more_is_said_to_be_removed_only_if_it_is(
    ruled: Engine, tmp_path: Path, after: str, rule: str
) -> None:
    found = written(ruled, tmp_path, HOLD, after)
    assert next(each.rule for each in found.all if each.subject == "Printer") == rule
    found, _ = against(Engine(ruled.config, ruled.store), ARCHIVE, SINCE)
    assert next(each.rule for each in found.all if each.subject == "Printer") == rule


def test_what_was_decided_then_is_compared_as_far_as_its_trace_tells(ruled: Engine, tmp_path: Path) -> None:
    label = LABEL.format(name="a", word="Scanner", then="'add label \"new\"', 'set priority \"High\"'")
    (tmp_path / "rules" / "system.toml").write_text(HOLD + label)
    found, _ = against(Engine(ruled.config, ruled.store), ARCHIVE, SINCE)
    (one,) = found.all
    assert (one.subject, one.before, one.after) == ("Scanner", "created support", "created support")
    assert one.fields == ("priority Normal → High", "labels – → new")
