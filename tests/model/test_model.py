"""The nouns: frozen, small, and able to travel as JSON."""

from __future__ import annotations

import inspect
from typing import Any, get_type_hints

import msgspec
import pytest

from engine.model import desk, draft, facts, fields, gates, mail, plan, questions, trace

MODULES = (mail, desk, facts, draft, plan, questions, trace, fields, gates)
NOUNS = [
    each
    for module in MODULES
    for _, each in inspect.getmembers(module, inspect.isclass)
    if each.__module__ == module.__name__ and issubclass(each, msgspec.Struct)
]


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.__name__)
def test_every_noun_is_frozen(noun: Any) -> None:
    assert noun.__struct_config__.frozen


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.__name__)
def test_no_noun_holds_a_list_or_a_dict(noun: Any) -> None:
    held = {str(hint) for hint in get_type_hints(noun).values()}
    assert not [hint for hint in held if hint.startswith(("list", "dict", "set"))]


TRAVELLERS = [
    draft.Draft(),
    facts.Facts("system"),
    facts.Facts("system", released=facts.Release("anna", "phoned him")),
    facts.Thread(desk.ItemFacts(7, "support", fields=(("priority", "High"),)), "token", "i7.x", proven=True),
    draft.Disposition(draft.Verdict.HOLD, "gate.dmarc", "dmarc=fail", draft.Decider("gate", "dmarc")),
    plan.Receipt("m-1", 1, plan.Outcome.CREATED, "draft.created", "a new item", draft.Decider("engine", "seal")),
]


@pytest.mark.parametrize("noun", TRAVELLERS, ids=lambda noun: type(noun).__name__)
def test_a_noun_survives_the_way_through_json(noun: Any) -> None:
    assert msgspec.json.decode(msgspec.json.encode(noun), type=type(noun)) == noun


@pytest.mark.parametrize(
    ("address", "local", "domain", "key"),
    [
        ("Anna@Example.COM", "Anna", "example.com", "anna@example.com"),
        ('"a@b"@example.com', '"a@b"', "example.com", '"a@b"@example.com'),
        ("nobody", "", "nobody", "nobody"),
    ],
)
def test_an_address_splits_at_its_last_at_sign_and_compares_without_case(
    address: str, local: str, domain: str, key: str
) -> None:
    made = mail.Address(address)
    assert (made.local, made.domain, made.key) == (local, domain, key)
