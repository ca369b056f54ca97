"""Whose words go to whom, whatever happens to an item: nobody outside reads what was not said to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manned import CONFIG, an_engine, by, read

from engine.decision import tokens
from engine.desk import items
from engine.model.draft import Role
from engine.model.events import Kind
from engine.model.stored import OutboxRow
from engine.outbox.compose import compose
from engine.outbox.contents import letter
from engine.outbox.templates import Templates
from engine.run.engine import Engine
from engine.store.errors import Refused

OUTSIDE = {name: f"{name}@big.example" for name in ("jane", "karl", "eve", "max")}
INSIDE = ("anna", "bob")
ACCOUNTS = '[people]\nunknown_user = "create"\n'

STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(("mail", "join", "leave")), st.sampled_from(sorted(OUTSIDE))),
        st.tuples(st.sampled_from(("answer", "quiet", "note", "draft", "send", "publish", "authorise", "close")),
                  st.sampled_from(INSIDE)),
    ),
    min_size=3, max_size=14,
)  # fmt: skip


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    yield from an_engine(tmp_path, f"{CONFIG}{ACCOUNTS}")


class Talk:
    """An item that people talk about: each word of it is said once, by `said[word]`."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.said, self._words = engine, {"It is on fire.": "jane"}, 0
        items.assign(engine, 12, "bob", by(engine))
        secret = engine.config.token_secret() or engine.config.instance.secret()
        self._to = f"help+{tokens.sign(12, secret, 'i')}@example.com"

    def word(self, who: str) -> str:
        self._words += 1
        word = f"word{self._words}x"
        self.said[word] = who
        return word

    def step(self, kind: str, who: str) -> None:
        """Do one thing; what is refused is not done."""
        engine, comments = self.engine, self.engine.store.items.view(12).comments
        if kind == "mail":
            read(engine, f"From: {who} <{OUTSIDE[who]}>\nTo: {self._to}\nSubject: Re: [#12] Printer broken\n"
                         f"Message-ID: <{self._words}@big.example>\n\n{self.word(who)}\n")  # fmt: skip
            return
        how = by(engine) if who in OUTSIDE else by(engine, who, quiet=kind == "quiet", anyway=True)
        with suppress(Refused):
            if kind in ("join", "leave"):
                if engine.store.directory.person(OUTSIDE[who]) is not None:
                    put = OUTSIDE[who], *((Role.READER,) if kind == "join" else ())
                    getattr(items, kind)(engine, 12, *put, how)
            elif kind in ("answer", "quiet"):
                items.answer(engine, 12, self.word(who), how)
            elif kind in ("note", "draft"):
                getattr(items, kind)(engine, 12, self.word(who), how)
            elif kind == "close":
                items.close(engine, 12, how)
            for each in comments:
                if each.draft and kind == "send":
                    self.said[each.text] = who
                    items.send(engine, 12, each.id, how)
                elif each.internal and not each.draft and kind in ("publish", "authorise"):
                    items.publish(engine, 12, each.id, how, authorise=kind == "authorise")

    def rows(self) -> list[OutboxRow]:
        """The mails that wait, but for automatic ones."""
        told = [each for each in self.engine.store.outbox.told(item=12) if each.state in ("queued", "held")]
        return [self.engine.store.outbox.row(each.id) for each in told if each.kind is not Kind.AUTO]

    def mail(self, row: OutboxRow) -> tuple[str, list[str]]:
        """The bytes of a mail as text, and whom it says a reply reaches."""
        made = letter(row, self.engine.store, self.engine.config, self.engine.store.database.clock())
        folder = self.engine.config.settings(made.workspace).replies.directory
        content = compose(made, Templates(folder, "en", made.workspace)).content.decode("ascii")
        reached: Any = made.values["reply_reaches"]
        return content, list(reached)

    def of(self, row: OutboxRow) -> str:
        """The words that a row tells."""
        return next(
            (each.text for each in self.engine.store.items.view(12).comments if each.id == row.told.comment), ""
        )


def broken(talk: Talk, row: OutboxRow, *, relay: bool) -> list[str]:
    """The words in a mail to somebody outside that were not said to them, or are news although they said them."""
    if row.told.inside:
        return []
    (content, _), new, me = talk.mail(row), talk.of(row), row.told.to.partition("@")[0]
    public = {*INSIDE, *(OUTSIDE if relay else ())} - {me}
    quoted = [word for word in talk.said if word in content and word != new and talk.said[word] != me]
    return quoted + [new] * (bool(new) and talk.said[new] not in public)


@pytest.mark.parametrize("relay", ["inside", "everybody"])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_F119_nobody_outside_is_mailed_words_that_were_not_said_to_them(
    tmp_path_factory: pytest.TempPathFactory, relay: str, steps: list[tuple[str, str]]
) -> None:
    config = f'{CONFIG}{ACCOUNTS}[notify]\nrelay = "{relay}"\n'
    for engine in an_engine(tmp_path_factory.mktemp("desk"), config):
        talk = Talk(engine)
        for step in steps:
            before = {row.id for row in talk.rows()}
            talk.step(*step)
            for row in talk.rows():
                if row.id not in before or step is steps[-1]:  # what waits for long tells no more than at once
                    assert broken(talk, row, relay=relay == "everybody") == [], (step, row.told)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_F119_a_notice_names_those_whom_an_answer_reaches_and_nobody_else(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]
) -> None:
    for engine in an_engine(tmp_path_factory.mktemp("desk"), f"{CONFIG}{ACCOUNTS}"):
        talk = Talk(engine)
        for step in steps:
            talk.step(*step)
        for row in talk.rows():
            if row.told.inside and row.event != "item.noted":
                reader = row.told.to.partition("@")[0]
                acted = items.answer(engine, 12, "x", by(engine, reader, dry_run=True, anyway=True))
                reached = {each.to for each in acted.told if not each.inside and each.state in ("queued", "held")}
                assert {re.sub(r".*<(.*)>", r"\1", each) for each in talk.mail(row)[1]} == reached
