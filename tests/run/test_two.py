"""Two engines at one desk, driven by hand: whatever the order of their steps, it is as if one came after the other.

"Between" a decision and its commit another engine decides and commits; or it holds its keys and commits while the first
one waits for them. Each scene is seen to go wrong where no keys are held, but for those that the database alone keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from manned import CONFIG as MANNED
from manned import DATA, NUMBERS, by

from engine.config import load
from engine.desk import items
from engine.model.mail import Envelope, Origin, RawMail
from engine.run.engine import Engine
from engine.run.process import process
from engine.run.taking_up import Result
from engine.store.load import load as load_data
from engine.store.place import Url
from engine.store.store import Store

CONFIG = MANNED.replace("[system]", '[system]\nrules = "rules.toml"').replace(
    "[workspace.support]", '[people]\nunknown_user = "create"\n[workspace.support]'
)

RULES = r"""
[[rule]]
name = "Tickets of the other desk"
on   = "any"
when = 'subject matches /\[EXT-(?P<ref>\d+)\]/'
then = ['thread by "external_ref" = "{ref}"', 'set external_ref "{ref}"']
"""

MORE = {
    "fields": [{"name": "external_ref", "kind": "text"}],
    "workspaces": [{"identifier": "support", "name": "Support", "public": True}],
    "items": [
        *DATA["items"], {"id": 13, "workspace": "support", "title": "Other", "text": "", "author": "jane"}
    ],
}  # fmt: skip


class Desk:
    """Two engines, A and B, each with its own connection to one database."""

    def __init__(self, a: Engine, b: Engine) -> None:
        self.a, self.b, self.before = a, b, 0

    def mail(self, engine: Engine, content: str, mailbox: str = "system") -> Any:
        """Take a mail in, for this engine to decide."""
        data, now = content.encode(), datetime.now(UTC)
        raw = RawMail(data, Origin(mailbox, str(next(NUMBERS)), len(data)), now, sha256(data).hexdigest(), Envelope())
        (spooled,) = engine.store.ledger.spool([raw], engine.store.owner)
        return spooled

    def decide(self, engine: Engine, *mails: Any) -> list[Result]:
        return process(engine, mails, datetime.now(UTC))

    def between(self, first: Callable[[], Any], then: Callable[[], Any]) -> Any:
        """Let A do the first, and before it commits B the other, whole."""
        database, begin = self.a.store.database, self.a.store.database._begin
        waiting = [then]

        def beginning(kind: str) -> None:
            if kind == "writing" and waiting:
                waiting.pop()()
            begin(kind)

        database._begin = beginning  # type: ignore[method-assign]
        try:
            return first()
        finally:
            database._begin = begin  # type: ignore[method-assign]
            assert not waiting, "A never came to a commit"

    def meeting(self, first: Callable[[], Any], then: Callable[[], Any]) -> Any:
        """Let B hold its keys and have written, A come to its commit and wait, and B commit then."""
        written, go_on, begun, told = Event(), Event(), Event(), []
        commit, begin = self.b.store.database._commit, self.a.store.database._begin

        def beginning(kind: str) -> None:
            begin(kind)
            if kind == "writing":
                begun.set()

        def committing() -> None:
            if not written.is_set():
                written.set()
                go_on.wait(20)
            commit()

        self.b.store.database._commit = committing  # type: ignore[method-assign]
        self.a.store.database._begin = beginning  # type: ignore[method-assign]
        other = Thread(target=then)
        mine = Thread(target=lambda: told.append(first()))
        other.start()
        assert written.wait(20)
        mine.start()
        assert begun.wait(20)
        mine.join(0.5)  # it waits, or is through
        go_on.set()
        mine.join(30)
        other.join(30)
        self.b.store.database._commit = commit  # type: ignore[method-assign]
        self.a.store.database._begin = begin  # type: ignore[method-assign]
        assert told, "A did not end"
        return told[0]

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        return self.a.store.database.rows(sql, *params)


def written(subject: str, sender: str = "jane@big.example", ref: str = "", more: str = "", body: str = "") -> str:
    ref = ref or f"<{next(NUMBERS)}@big.example>"
    return f"From: {sender}\nTo: help@example.com\nSubject: {subject}\nMessage-ID: {ref}\n{more}\n{body or subject}\n"


@pytest.fixture
def desk(tmp_path: Path, postgres_url: str) -> Iterator[Desk]:
    (tmp_path / "allegra.toml").write_text(CONFIG)
    (tmp_path / "rules.toml").write_text(RULES)
    where, config = Url(postgres_url), load(tmp_path / "allegra.toml")
    with Store.open(where) as one, Store.open(where) as two:
        load_data(one, {**DATA, **MORE})
        a, b = Engine(config, one), Engine(config, two)
        made = Desk(a, b)
        for word, engine in (("a", a), ("b", b)):  # each has kept the texts of its rules: later nobody waits for that
            made.decide(engine, made.mail(engine, f"From: nobody\n\n{word}"))
        made.before = made.rows("SELECT max(id) FROM inbound")[0][0]
        yield made
        a.close()
        b.close()


@pytest.fixture(params=["between", "meeting"])
def how(request: Any, desk: Desk) -> Any:
    return getattr(desk, request.param)


def outcomes(results: list[Result]) -> list[str]:
    return [str(result.outcome) for result in results]


# ── replies ───────────────────────────────────────────────────────────────────────────────────────────────────


def a_reply(desk: Desk, how: Any) -> tuple[list[Result], int]:
    """B decides a mail while A has decided, or decides, its answer."""
    parent = desk.mail(desk.b, written("Printer", ref="<first@big.example>"))
    reply = desk.mail(desk.a, written("Re: Printer", more="In-Reply-To: <first@big.example>\n", body="It smokes."))
    done = how(lambda: desk.decide(desk.a, reply), lambda: desk.decide(desk.b, parent))
    return done, len(desk.rows("SELECT id FROM item WHERE title LIKE '%Printer' AND id > 13"))


def test_a_reply_whose_parent_another_one_has_in_hand_is_put_off(desk):
    parent = desk.mail(desk.b, written("Printer", ref="<first@big.example>"))
    reply = desk.mail(desk.a, written("Re: Printer", more="In-Reply-To: <first@big.example>\n"))
    (result,) = desk.decide(desk.a, reply)
    assert result.code == "commit.parent" and parent.mail in result.because


def test_a_reply_that_did_not_wait_is_decided_again_when_its_parent_is_there(desk, how, monkeypatch):
    monkeypatch.setattr("engine.run.process.put_off", lambda *_: {})
    done, made = a_reply(desk, how)
    assert outcomes(done) == ["comment"] and made == 1


# ── the same twice ────────────────────────────────────────────────────────────────────────────────────────────


def equal_mails(desk: Desk, how: Any) -> list[str]:
    """The same content reaches two mailboxes, with other headers."""
    one = desk.mail(desk.a, written("Paper", ref="<same@big.example>", more="X-Way: a\n"))
    two = desk.mail(desk.b, written("Paper", ref="<same@big.example>", more="X-Way: b\n"), "other")
    how(lambda: desk.decide(desk.a, one), lambda: desk.decide(desk.b, two))
    return sorted(outcome for (outcome,) in desk.rows("SELECT outcome FROM receipt WHERE inbound_id > ?", desk.before))


def test_F070_of_equal_mails_in_two_mailboxes_one_is_the_duplicate(desk, how):
    assert equal_mails(desk, how) == ["created", "duplicate"]


def two_of_a_stranger(desk: Desk, how: Any) -> list[Result]:
    one = desk.mail(desk.a, written("One", "Eve <eve@stranger.example>"))
    two = desk.mail(desk.b, written("Two", "Eve <eve@stranger.example>"))
    return how(lambda: desk.decide(desk.a, one), lambda: desk.decide(desk.b, two))


def test_F061_two_mails_of_a_stranger_make_one_user_and_no_fault(desk, how):
    assert outcomes(two_of_a_stranger(desk, how)) == ["created"]
    assert desk.rows("SELECT count(*) FROM account WHERE login = 'eve@stranger.example'") == [(1,)]
    assert desk.rows("SELECT count(*) FROM item WHERE title IN ('One', 'Two')") == [(2,)]
    assert desk.rows("SELECT count(*) FROM inbound WHERE error <> ''") == [(0,)]


def two_threads(desk: Desk, how: Any) -> int:
    one = desk.mail(desk.a, written("[EXT-7] Ticket", body="one"))
    two = desk.mail(desk.b, written("[EXT-7] Ticket", "karl@big.example", body="two"))
    how(lambda: desk.decide(desk.a, one), lambda: desk.decide(desk.b, two))
    return len(desk.rows("SELECT id FROM item WHERE title LIKE '%EXT-7%'"))


def test_a_value_that_mails_thread_by_has_one_item(desk, how):
    assert two_threads(desk, how) == 1


ATTACHED = """MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: text/plain

See the file.
--x
Content-Type: application/octet-stream
Content-Disposition: attachment; filename=a.bin
Content-Transfer-Encoding: base64

SGVsbG8gd29ybGQsIHRoaXMgaXMgYSBmaWxlIG9mIG1vcmUgdGhhbiBhIGZldyBieXRlcy4=
--x--
"""


def test_the_same_attachment_is_kept_once_and_by_both(desk, how):
    head = "From: {}\nTo: help@example.com\nSubject: {}\nMessage-ID: <{}@big.example>\n"
    one = desk.mail(desk.a, head.format("jane@big.example", "A", "a") + ATTACHED)
    two = desk.mail(desk.b, head.format("karl@big.example", "B", "b") + ATTACHED.replace("See", "Look at"))
    how(lambda: desk.decide(desk.a, one), lambda: desk.decide(desk.b, two))
    assert desk.rows("SELECT count(*), count(DISTINCT blob_id) FROM attachment") == [(2, 1)]
    assert desk.rows("SELECT count(*) FROM inbound WHERE error <> ''") == [(0,)]


def test_the_same_bytes_in_two_mailboxes_are_stored_once_whoever_comes_first(desk, how):
    content = written("Same", ref="<bytes@big.example>")
    spooled = how(lambda: desk.mail(desk.a, content), lambda: desk.mail(desk.b, content, "other"))
    assert spooled.seen_before is False
    assert desk.rows("SELECT count(*), count(DISTINCT raw_id) FROM inbound WHERE id > ?", desk.before) == [(2, 1)]


def test_the_same_mail_that_two_doors_take_for_one_mailbox_is_one_mail(desk, how):
    content = written("Same", ref="<bytes@big.example>")
    spooled = how(lambda: desk.mail(desk.a, content), lambda: desk.mail(desk.b, content))
    assert spooled.seen_before
    assert desk.rows("SELECT count(*) FROM inbound WHERE id > ?", desk.before) == [(1,)]


def test_an_act_with_a_key_is_done_once(desk, how):
    act = lambda engine: items.note(engine, 12, "Once.", by(engine, key="k1"))  # noqa: E731
    how(lambda: act(desk.a), lambda: act(desk.b))
    assert desk.rows("SELECT count(*) FROM comment WHERE item_id = 12") == [(1,)]


# ── what stands between ───────────────────────────────────────────────────────────────────────────────────────


def test_two_that_write_to_two_items_in_two_orders_do_not_wait_for_each_other(desk, how):
    mails = [(desk.mail(engine, written(f"[#{first}] x")), desk.mail(engine, written(f"[#{second}] y")))
             for engine, first, second in ((desk.a, 12, 13), (desk.b, 13, 12))]  # fmt: skip
    done = how(lambda: desk.decide(desk.a, *mails[0]), lambda: desk.decide(desk.b, *mails[1]))
    assert outcomes(done) == ["comment", "comment"]
    assert desk.rows("SELECT item_id, count(*) FROM comment GROUP BY 1 ORDER BY 1") == [(12, 2), (13, 2)]


def test_an_item_that_staff_close_in_between_is_seen_closed(desk, how):
    reply = desk.mail(desk.a, written("[#12] Printer", body="Still broken."))
    close = lambda: items.close(desk.b, 12, by(desk.b, "bob"))  # noqa: E731
    (result,) = how(lambda: desk.decide(desk.a, reply), close)
    asked = [answer for question, answer in result.decision.look.answers.items() if getattr(question, "item", 0) == 12]
    assert asked and all(facts.closed_at is not None for facts in asked)


def test_a_person_who_is_locked_in_between_is_seen_locked(desk):
    mail = desk.mail(desk.a, written("Help", "anna@example.com"))
    lock = lambda: load_data(desk.b.store, {"users": [{"login": "anna", "name": "Anna Berg", "status": "locked"}]})  # noqa: E731
    (result,) = desk.between(lambda: desk.decide(desk.a, mail), lock)
    assert result.decision.facts.sender.account.status == "locked"


# ── without the keys ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def without_keys(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for engine in (desk.a, desk.b):
        monkeypatch.setattr(engine.store.database, "lock", lambda keys: None)


def test_without_keys_a_reply_that_meets_its_parent_becomes_an_item(desk, without_keys, monkeypatch):
    monkeypatch.setattr("engine.run.process.put_off", lambda *_: {})
    done, made = a_reply(desk, desk.meeting)
    assert outcomes(done) == ["created"] and made == 2


def test_without_keys_equal_mails_that_meet_are_both_created(desk, without_keys):
    assert equal_mails(desk, desk.meeting) == ["created", "created"]


def test_without_keys_a_value_that_mails_thread_by_gets_two_items(desk, without_keys):
    assert two_threads(desk, desk.meeting) == 2


def test_without_keys_a_stranger_who_meets_himself_needs_the_unique_key(desk, without_keys):
    """The database keeps the second account out; what was decided is decided again and nothing is charged."""
    assert outcomes(two_of_a_stranger(desk, desk.meeting)) == ["created"]
    assert desk.rows("SELECT count(*) FROM account WHERE login = 'eve@stranger.example'") == [(1,)]
    assert desk.rows("SELECT count(*) FROM inbound WHERE error <> ''") == [(0,)]
