"""Drafts and words that are ready: a draft tells nobody until somebody sends it, and then it is an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manned import CONFIG, NUMBERS, an_engine, by, read

from engine.desk import items, looking
from engine.desk.item_words import from_template
from engine.desk.items import File
from engine.model.acts import Acted
from engine.model.draft import Role
from engine.outbox.contents import letter
from engine.run.engine import Engine
from engine.store.errors import NotFound, Refused, Unclear

TEMPLATE = "Subject: whatever\n\nDear {{ person }},\n\n{{ text or 'toner is on its way' }} ({{ marker }}).\n"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "toner.en.txt").write_text(TEMPLATE)
    (tmp_path / "texts" / "broken.en.txt").write_text("Subject: x\n\n{{ tittle }}\n")
    (tmp_path / "texts" / "deaf.en.txt").write_text("Subject: x\n\nHello\n")
    yield from an_engine(tmp_path, f'{CONFIG}[replies]\ndirectory = "texts"\n')


def told(acted: Acted) -> dict[str, str]:
    return {each.to: each.why or f"{each.kind} {each.state}" for each in acted.told}


def words(engine: Engine) -> list[tuple[int, str, bool, bool]]:
    return [(each.id, each.text, each.internal, each.draft) for each in engine.store.items.view(12).comments]


# ── drafts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_F119_a_draft_tells_nobody_and_is_no_event(engine: Engine) -> None:
    acted = items.draft(engine, 12, "Toner?", by(engine), [File("photo.png", b"\x89PNG\r\n\x1a\n0")])
    assert (acted.events, acted.told, acted.comment) == ((), (), 1)
    assert words(engine) == [(1, "Toner?", True, True)]
    assert engine.store.history.of_item(12) == [] and engine.store.outbox.told(item=12) == []
    assert [(each.item, each.author, each.text) for each in looking.drafts(engine.store)] == [(12, "anna", "Toner?")]


def test_F119_a_draft_that_is_sent_is_an_answer_of_who_sends_it_with_its_files(engine: Engine) -> None:
    items.draft(engine, 12, "Toner?", by(engine, "bob"), [File("photo.png", b"\x89PNG\r\n\x1a\n0")])
    acted = items.send(engine, 12, 1, by(engine), close=True)
    assert [each.event for each in acted.events] == ["item.answered", "item.closed"]
    assert told(acted) == {"jane@big.example": "answer queued", "anna@example.com": "actor"}
    (comment,) = engine.store.items.view(12).comments
    assert (comment.id, comment.author, comment.internal, comment.draft) == (acted.comment, "anna", False, False)
    assert [each.comment for each in engine.store.items.view(12).attachments] == [acted.comment]
    assert looking.drafts(engine.store) == []
    with pytest.raises(NotFound, match="has no draft 1"):
        items.send(engine, 12, 1, by(engine))


def test_F119_a_draft_that_is_sent_stands_behind_what_was_said_meanwhile(engine: Engine) -> None:
    items.draft(engine, 12, "Toner?", by(engine))
    items.answer(engine, 12, "Hello?", by(engine, "jane", anyway=True))
    items.send(engine, 12, 1, by(engine))
    assert [text for _, text, *_ in words(engine)] == ["Hello?", "Toner?"]


def test_F119_sending_is_refused_where_nobody_outside_would_hear(engine: Engine) -> None:
    items.draft(engine, 12, "Toner?", by(engine))
    engine.store.directory.put_account("jane", status="locked")
    with pytest.raises(Refused, match=r"nobody outside would get .*--anyway"):
        items.send(engine, 12, 1, by(engine))
    assert words(engine) == [(1, "Toner?", True, True)]
    assert items.send(engine, 12, 1, by(engine, anyway=True)).comment > 1


def test_F119_a_key_sends_once(engine: Engine) -> None:
    items.draft(engine, 12, "Toner?", by(engine))
    first, second = (items.send(engine, 12, 1, by(engine, key="k")) for _ in range(2))
    assert (second.again, second.ref, len(words(engine))) == (True, first.ref, 1)


def test_F119_notes_and_drafts_are_not_taken_for_each_other(engine: Engine) -> None:
    items.draft(engine, 12, "Toner?", by(engine))
    items.note(engine, 12, "Out of toner.", by(engine))
    with pytest.raises(Refused, match="2 of item #12 is a note, not a draft"):
        items.send(engine, 12, 2, by(engine))
    with pytest.raises(Refused, match="is a draft: allegra item send 12 1"):
        items.publish(engine, 12, 1, by(engine))
    with pytest.raises(Refused, match="is a note, not a draft"):
        items.discard(engine, 12, 2, by(engine))


def test_F119_words_of_drafts_and_notes_can_become_others_and_those_of_comments_cannot(engine: Engine) -> None:
    items.draft(engine, 12, "Toner?", by(engine))
    items.note(engine, 12, "Out.", by(engine))
    items.answer(engine, 12, "Hello", by(engine))
    assert items.edit(engine, 12, 1, "Toner!", by(engine, "bob")).events == ()
    acted = items.edit(engine, 12, 2, "Out of toner.", by(engine))
    assert ([each.event for each in acted.events], acted.told) == (["item.edited"], ())
    assert items.edit(engine, 12, 2, "Out of toner.", by(engine)).events == (), "the same words are no news"
    assert [text for _, text, *_ in words(engine)] == ["Toner!", "Out of toner.", "Hello"]
    with pytest.raises(Refused, match="public"):
        items.edit(engine, 12, 3, "Bye", by(engine))
    with pytest.raises(Unclear, match="no words"):
        items.edit(engine, 12, 1, "  ", by(engine))


def test_F119_a_draft_is_thrown_away_with_its_files_and_its_number_is_not_given_again(engine: Engine) -> None:
    items.draft(engine, 12, "Toner?", by(engine), [File("a.txt", b"only here")])
    (file,) = engine.store.items.view(12).attachments
    digest = file.digest
    acted = items.discard(engine, 12, 1, by(engine))
    assert (acted.events, acted.told, words(engine)) == ((), (), [])
    assert engine.store.items.view(12).attachments == ()
    with pytest.raises(NotFound):
        engine.store.items.blob(digest)
    assert items.note(engine, 12, "Next", by(engine)).comment > 1


def test_F119_bytes_that_others_use_stay_when_a_draft_goes(engine: Engine) -> None:
    items.note(engine, 12, "See", by(engine), [File("a.txt", b"twice")])
    items.draft(engine, 12, "See", by(engine), [File("b.txt", b"twice")])
    items.discard(engine, 12, 2, by(engine))
    (file,) = engine.store.items.view(12).attachments
    assert engine.store.items.blob(file.digest) == b"twice"


@pytest.mark.parametrize("act", ["draft", "send", "edit", "discard"])
def test_F119_who_does_not_work_there_has_nothing_to_do_with_drafts(engine: Engine, act: str) -> None:
    items.draft(engine, 12, "Toner?", by(engine))
    given = {"draft": ("x",), "send": (1,), "edit": (1, "x"), "discard": (1,)}[act]
    with pytest.raises(Refused, match="jane may not edit"):
        getattr(items, act)(engine, 12, *given, by(engine, "jane"))
    assert words(engine) == [(1, "Toner?", True, True)]


# ── by mail ───────────────────────────────────────────────────────────────────────────────────────────────────────


def mailed(engine: Engine, sender: str, to: str, subject: str = "Printer", text: str = "Toner?") -> str:
    mail = f"From: {sender}\nTo: {to}\nCc: karl@big.example\nSubject: {subject}\nX-N: {next(NUMBERS)}\n\n{text}\n"
    return str(read(engine, mail).receipt.outcome)


def test_F109_a_draft_by_mail_tells_nobody_and_is_sent_by_somebody(engine: Engine) -> None:
    assert mailed(engine, "anna@example.com", "help+draft-12@example.com") == "note"
    assert words(engine) == [(1, "Toner?", True, True)]
    assert engine.store.outbox.told(item=12) == [] and engine.store.history.of_item(12) == []
    assert told(items.send(engine, 12, 1, by(engine, "bob"))) == {
        "jane@big.example": "answer queued", "bob@example.com": "actor"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("to", "subject"), [("help+note-12@example.com", "Printer"), ("help@example.com", "Re: [#12 Note] Printer")]
)
def test_F108_F109_a_note_by_its_address_or_subject(engine: Engine, to: str, subject: str) -> None:
    assert mailed(engine, "anna@example.com", to, subject) == "note"
    assert words(engine) == [(1, "Toner?", True, False)]


@pytest.mark.parametrize(
    ("to", "subject"),
    [("help+note-12@example.com", "Printer"), ("help+draft-12@example.com", "Printer"),
     ("help@example.com", "Re: [#12 Note] Printer")],
)  # fmt: skip
def test_F108_F109_from_a_customer_it_is_held(engine: Engine, to: str, subject: str) -> None:
    assert mailed(engine, "jane@big.example", to, subject) == "held"
    assert words(engine) == []
    assert len(engine.store.items.newest()) == 1


# ── words that are ready ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_template_gives_the_words_with_the_names_of_the_item(engine: Engine) -> None:
    assert from_template(engine, 12, "toner", by(engine)) == "Dear Jane Doe,\n\ntoner is on its way ([#12])."
    assert from_template(engine, 12, "toner", by(engine), "It comes today") == (
        "Dear Jane Doe,\n\nIt comes today ([#12])."
    )


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("nothing", "", "template nothing: there is no such template"),
        ("broken", "", "template broken, line 3: 'tittle' is undefined"),
        ("deaf", "My words", "does not use {{ text }}: your words would be lost"),
        ("../secret", "", "there is no such template"),
    ],
)
def test_a_template_that_does_not_render_is_refused_and_never_said_with_holes(
    engine: Engine, name: str, given: str, said: str
) -> None:
    with pytest.raises(Unclear) as refused:
        from_template(engine, 12, name, by(engine), given)
    assert said in str(refused.value)


# ── nothing leaves ────────────────────────────────────────────────────────────────────────────────────────────────

SECRET = "the secret of the inside"

ACTS: dict[str, Callable[[Engine], object]] = {
    "draft": lambda engine: items.draft(engine, 12, SECRET, by(engine), [File(f"{SECRET}.txt", b"x")]),
    "note": lambda engine: items.note(engine, 12, SECRET, by(engine)),
    "edit": lambda engine: items.edit(engine, 12, _newest(engine), SECRET, by(engine, "bob")),
    "discard": lambda engine: items.discard(engine, 12, _newest(engine), by(engine)),
    "answer": lambda engine: items.answer(engine, 12, "Hello", by(engine), close=True),
    "customer": lambda engine: items.answer(engine, 12, "And?", by(engine, "jane", anyway=True)),
    "reopen": lambda engine: items.reopen(engine, 12, by(engine)),
    "join": lambda engine: items.join(engine, 12, "karl", Role.WATCHER, by(engine)),
    "draft mail": lambda engine: mailed(engine, "anna@example.com", "help+draft-12@example.com", text=SECRET),
    "note mail": lambda engine: mailed(engine, "bob@example.com", "help@example.com", "[#12 Note] x", SECRET),
}


def _newest(engine: Engine) -> int:
    """The newest note or draft; 99 where there is none."""
    return max([each.id for each in engine.store.items.view(12).comments if each.internal], default=99)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(ACTS)), min_size=1, max_size=8))
def test_notes_and_drafts_reach_no_outside_person_whatever_is_done(engine: Engine, acts: list[str]) -> None:
    with engine.store.rehearsal():
        for act in acts:
            with suppress(Refused, NotFound):
                ACTS[act](engine)
        for line in engine.store.outbox.told(item=12):
            if not line.inside and line.state in ("queued", "held"):
                made = letter(engine.store.outbox.row(line.id), engine.store, engine.config, datetime.now(UTC))
                assert SECRET not in f"{made.values} {made.files}", (line, acts)
