"""The table of gates, and what stands beside it: options, stages, reason codes, rules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import get_args

import pytest
from builders import config

from engine.config import ConfigError
from engine.config.kinds import Verb
from engine.config.root import Root
from engine.config.section import Option, Section, options, words
from engine.decision.pipeline import ORDER
from engine.gates import JUDGES
from engine.model.facts import Auto
from engine.model.gates import GATES, SKIPPABLE, Gate
from engine.model.reasons import REASONS
from engine.rulebook.actions import declared

ROOT = Path(__file__).resolve().parent.parent
SECTIONS = ("gates", "people", "attachments")
"""The sections with options that hold a verb of a gate."""

VERBS = get_args(Verb)
"""What any gate may say, from the mildest to the most severe."""


def verb_options(section: type[Section], path: str) -> Iterator[tuple[str, Option]]:
    """Every option below a section whose value is a verb."""
    for name, option in options(section).items():
        if option.section is not None:
            yield from verb_options(option.section, f"{path}.{name}")
        elif set(VERBS) <= set(words(option.type)):
            yield f"{path}.{name}", option


FOUND = {
    path: option for name in SECTIONS for path, option in verb_options(options(Root)[name].section or Section, name)
}
DEFAULTS = config('[gates.antivirus]\nclamd = "localhost:3310"\n').root
CHOSEN = {path: gate for gate in GATES if not gate.fixed for path in gate.options}


def test_every_option_that_holds_a_verb_is_one_of_a_gate_and_the_other_way_round() -> None:
    assert set(FOUND) == set(CHOSEN)


@pytest.mark.parametrize("path", CHOSEN)
def test_an_option_has_the_default_and_the_verbs_of_its_gate(path: str) -> None:
    assert attrgetter(path)(DEFAULTS) == CHOSEN[path].options[path]
    assert set(VERBS) <= set(words(FOUND[path].type)) <= {*VERBS, *CHOSEN[path].more}


def test_a_fixed_verb_belongs_to_an_option_that_holds_something_else() -> None:
    (gate,) = (gate for gate in GATES if gate.fixed)
    assert attrgetter(gate.option)(DEFAULTS) == 50


def trips() -> Iterator[tuple[str, str, str]]:
    """Every gate that a stage lets say its verb: stage, gate, code."""
    for path in sorted((ROOT / "engine" / "stages").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "trip":
                gate, _, code, *_ = node.args
                assert isinstance(gate, ast.Constant) and isinstance(code, ast.Constant), ast.unparse(node)
                yield path.stem, str(gate.value), str(code.value)


def test_stages_ask_the_gates_of_the_table_and_settle_with_their_codes() -> None:
    assert set(trips()) == {
        (stage, gate.name, code)
        for gate in GATES
        for stage in gate.stages
        for code in gate.codes
    }  # fmt: skip


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_a_gate_has_codes_and_stages_that_exist(gate: Gate) -> None:
    assert set(gate.codes) <= set(REASONS)
    assert set(gate.stages) <= set(ORDER)


def test_the_table_is_in_the_order_of_asking() -> None:
    first = [ORDER.index(gate.stages[0]) for gate in GATES]
    assert first == sorted(first)


def test_rules_open_what_is_asked_after_the_route_and_nothing_else() -> None:
    after = ORDER[ORDER.index("route") :]
    assert tuple(gate.name for gate in GATES if set(gate.stages) & set(after)) == SKIPPABLE
    assert declared().known["gate"] == frozenset(SKIPPABLE)


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_the_configuration_lets_rules_skip_what_the_table_says(gate: Gate) -> None:
    toml = f'[rules]\nmay_skip_gates = ["{gate.name}"]\n'
    if gate.skippable:
        assert config(toml).rules.may_skip_gates == (gate.name,)
    else:
        with pytest.raises(ConfigError, match="no gate that is asked after the route"):
            config(toml)


def test_every_kind_of_automatic_mail_has_one_judge() -> None:
    assert set(JUDGES) == set(Auto) - {Auto.NONE}
    judged = [kind for gate in GATES for kind in gate.judges]
    assert len(judged) == len(set(judged))
