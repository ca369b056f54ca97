"""What a decision hangs on and what it gives, as keys: whoever holds them is the only one to write about that.

Here: the keys of a decision, of an act, of bytes that come in, and the numbers that stand for them. Not here: holding
them (`Database.lock`), asking again what may have changed (`run/world.py`).
A decision was made of answers; where another process writes something that would change one, both have a key in common:
the one asks for it, the other gives it. So the second waits, sees what the first wrote, and is asked again. Where one
process writes at a time (SQLite) no key is held and none is made.
Invariant: all keys of a transaction are held before it looks at anything, in one order, so that no two wait for each
other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from engine.model.addresses import base_key, key_of
from engine.model.plan import Attach, CreateItem, CreateUser, MergeItem, SetField, Tell
from engine.model.questions import AccountByLogin, AccountOf, ItemByField, Question, message_id_key
from engine.store.item_facts import stored_value

if TYPE_CHECKING:
    from engine.model.acts import Act
    from engine.model.facts import Facts
    from engine.model.mail import Mail
    from engine.model.plan import Effect, Plan

Key = tuple[str, str | int | bytes] | tuple[str, str, str]
"""One thing: ("item", 7), ("topic", 3), ("message", a Message-ID), ("content", a fingerprint), ("who", an address or a
login that is nobody's), ("field", name, value), ("blob", a digest), ("raw", a digest), ("act", a key)."""


Decided = tuple["Mail", "Facts", "Plan", "Mapping[Question[Any], Any]"]
"""A decision: the mail, what was found out, what is to be done, and the questions with their answers."""


def numbers(keys: Iterable[Key]) -> list[int]:
    """Give the numbers of keys, each once and in order: 64 bits of BLAKE2b; that two keys share one does no harm."""
    found = {blake2b(repr(key).encode("utf-8", "surrogatepass"), digest_size=8).digest() for key in keys}
    return sorted(int.from_bytes(each, "big", signed=True) for each in found)


def of_decision(mail: Mail, facts: Facts, plan: Plan, answers: Mapping[Question[Any], Any]) -> Iterator[Key]:
    """What a decision hangs on by its questions, and what its plan gives."""
    for question, answer in answers.items():
        yield from _hung_on(question, answer)
    yield message_id_key(mail.message_id)
    yield "content", mail.fingerprint
    if plan.item:
        yield "item", plan.item
    for effect in plan.effects:
        yield from given(effect)
        if type(effect) is Tell:
            yield "who", base_key(facts.sender.address.key)  # so that its caps are counted by one at a time


def _hung_on(question: Question[Any], answer: Any) -> Iterator[Key]:
    if isinstance(question, AccountOf):
        if answer.account is None:
            yield "who", base_key(question.address)
    elif isinstance(question, AccountByLogin):
        if answer is None:
            yield "who", question.login
    elif question.depends_on:
        if isinstance(question, ItemByField):
            yield "field", question.name.strip().casefold(), question.value
        for kind, what in question.hangs_on(answer) or ():
            if kind not in ("number", "field"):  # every new item gives these: everybody would wait for everybody
                yield kind, what


def given(effect: Effect) -> Iterator[Key]:
    """What an effect changes."""
    if type(effect) is CreateUser:
        user = effect.user
        for key in (user.address.key, *map(key_of, user.others)):
            yield "who", base_key(key)
        yield "who", user.login or user.address.key
    elif type(effect) is Attach:
        yield "blob", effect.attachment.digest
    elif type(effect) is CreateItem:
        for name, value in effect.fields:
            yield _field(name, value)
    elif type(effect) is SetField:
        yield _field(effect.name, effect.value)
    elif type(effect) is MergeItem:
        yield "item", effect.into
    item, topic = getattr(effect, "item", 0), getattr(effect, "topic", 0)
    if item:
        yield "item", item
    if topic:
        yield "topic", topic


def _field(name: str, value: Any) -> Key:
    one = value[0] if isinstance(value, tuple) and len(value) == 1 else value
    return "field", name.casefold(), one if isinstance(one, str) else stored_value(one)


def of_act(act: Act) -> Iterator[Key]:
    """What an act of a person changes; one with a key is done once."""
    if act.key:
        yield "act", act.key
    if act.item:
        yield "item", act.item
    if act.topic:
        yield "topic", act.topic
    for effect in act.effects:
        yield from given(effect)
