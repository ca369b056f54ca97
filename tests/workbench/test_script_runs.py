"""Which question a stored mail would be for scripts."""

from __future__ import annotations

import json

import pytest
from deciding import raw

from engine.run.engine import Engine
from engine.workbench.script_runs import question


@pytest.mark.parametrize("sender", ["anna@example.com", "max@elsewhere.example"])
def test_a_mail_comes_to_the_scripts_whatever_would_settle_it_before(engine: Engine, sender: str) -> None:
    asked = question(engine, raw(sender=sender))
    assert json.loads(asked.mail)["from_address"] == sender
    assert b"Printer" in asked.item
    assert asked.workspace == "support"


def test_no_script_is_started_to_ask_the_question(engine: Engine) -> None:
    question(engine, raw())
    assert "scripts" not in engine.__dict__
