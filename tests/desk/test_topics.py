"""What people do to topics: permitted as by mail, told as by mail, and a locked one takes no posts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from manned import an_engine, by, read

from engine.desk import topics
from engine.desk.items import File
from engine.model.acts import Acted
from engine.run.engine import Engine
from engine.store.errors import NotFound, Refused, Unclear

CIRCULAR = {
    "id": 4, "workspace": "support", "title": "Which printers next year?",
    "posts": [{"author": "bob", "text": "Those that print."}, {"author": "jane", "text": "Small ones."}],
}  # fmt: skip


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    for made in an_engine(tmp_path):
        made.store.items.put_topic(CIRCULAR)
        yield made


def told(acted: Acted) -> dict[str, str]:
    return {each.to: each.why or f"{each.kind} {each.state}" for each in acted.told}


def events(acted: Acted) -> list[str]:
    return [each.event for each in acted.events]


def posts(engine: Engine) -> list[tuple[str, str]]:
    return [(each.author, each.text) for each in topics.topic(engine.store, 4).posts]


def test_F120_a_post_by_command_is_heard_by_who_wrote_there_before(engine: Engine) -> None:
    acted = topics.post(engine, 4, "Cheap ones.", by(engine))
    assert (events(acted), acted.topic, acted.item) == (["topic.posted"], 4, 0)
    assert told(acted) == {
        "bob@example.com": "notice queued", "jane@big.example": "answer queued", "anna@example.com": "actor"
    }  # fmt: skip
    assert posts(engine)[-1] == ("anna", "Cheap ones.")


def test_F120_a_post_by_mail_and_one_by_command_leave_equal_events(engine: Engine) -> None:
    engine.store.directory.put_account("anna", admin=True)
    read(engine, "From: anna@example.com\nTo: help@example.com\nSubject: [msg4] Cheap ones\n\nCheap ones.\n")
    topics.post(engine, 4, "Cheap ones.", by(engine))
    rows = engine.store.database.rows("SELECT name, actor, item, topic, workspace FROM event ORDER BY id")
    assert [each for each in rows if each[0].startswith("topic.")] == [
        ("topic.posted", "anna", None, 4, "support")
    ] * 2  # fmt: skip


def test_F120_a_locked_topic_takes_no_post_until_it_is_unlocked(engine: Engine) -> None:
    assert events(topics.lock(engine, 4, by(engine), locked=True)) == ["topic.locked"]
    with pytest.raises(Refused, match=r'topic 4 "Which printers next year\?" is locked: allegra topic unlock 4'):
        topics.post(engine, 4, "Cheap ones.", by(engine))
    refused = read(engine, "From: jane@big.example\nTo: help@example.com\nSubject: [msg4] hey\n\nAnd me?\n")
    assert refused.receipt.code == "thread.topic_locked"
    again = topics.lock(engine, 4, by(engine), locked=True)
    assert (events(again), told(again)) == ([], {}), "what stays is no news"
    topics.lock(engine, 4, by(engine), locked=False)
    assert events(topics.post(engine, 4, "Cheap ones.", by(engine))) == ["topic.posted"]


def test_F120_who_may_not_comment_there_may_post_only_where_they_wrote_before(engine: Engine) -> None:
    topics.post(engine, 4, "And in colour.", by(engine, "jane"))
    with pytest.raises(Refused, match="karl may not write in topics of support"):
        topics.post(engine, 4, "Me too.", by(engine, "karl"))
    with pytest.raises(Refused, match="jane may not lock topics of support"):
        topics.lock(engine, 4, by(engine, "jane"), locked=True)


def test_F120_files_go_with_a_post(engine: Engine) -> None:
    acted = topics.post(engine, 4, "", by(engine), [File("list.csv", b"a;b\n1;2\n")])
    (file,) = topics.topic(engine.store, 4).attachments
    assert (file.name, file.comment) == ("list.csv", acted.comment)


def test_F120_a_post_is_done_once_for_a_key_and_tried_without_being_kept(engine: Engine) -> None:
    tried = topics.post(engine, 4, "Cheap ones.", by(engine, dry_run=True))
    assert told(tried)["jane@big.example"] == "answer queued"
    assert len(posts(engine)) == 2
    first = topics.post(engine, 4, "Cheap ones.", by(engine, key="once"))
    second = topics.post(engine, 4, "Cheap ones.", by(engine, key="once"))
    assert (second.again, second.ref, second.comment, second.topic) == (True, first.ref, first.comment, 4)
    assert (events(second), told(second)) == (events(first), told(first))
    assert len(posts(engine)) == 3
    topics.lock(engine, 4, by(engine), locked=True)
    assert topics.post(engine, 4, "Cheap ones.", by(engine, key="once")).ref == first.ref
    topics.lock(engine, 4, by(engine), locked=False)
    assert set(told(topics.post(engine, 4, "Quietly.", by(engine, quiet=True))).values()) == {"quiet", "actor"}


def test_F120_no_words_and_no_such_topic_are_said_so(engine: Engine) -> None:
    with pytest.raises(Unclear, match="no words"):
        topics.post(engine, 4, " \n", by(engine))
    with pytest.raises(NotFound, match="there is no topic 5"):
        topics.post(engine, 5, "Hello", by(engine))
    with pytest.raises(NotFound, match="there is no topic 5"):
        topics.lock(engine, 5, by(engine), locked=True)


def test_F120_topics_are_listed_with_their_posts_counted(engine: Engine) -> None:
    engine.store.items.put_topic({"id": 5, "workspace": "support", "title": "Coffee"})
    rows = engine.store.topic_views.newest("support")
    assert [(row.id, row.title, row.posts, row.locked) for row in rows] == [
        (5, "Coffee", 0, False), (4, "Which printers next year?", 2, False)
    ]  # fmt: skip
    assert engine.store.topic_views.newest("finance") == []
