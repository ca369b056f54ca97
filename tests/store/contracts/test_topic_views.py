"""What people see of topics."""

from __future__ import annotations

import pytest

from engine.model.plan import Outcome, PostToTopic
from engine.model.sight import ItemSight


@pytest.fixture
def topic_views(store):
    return store.topic_views


def test_topics_are_listed_newest_first_and_shown_with_their_posts(desk, topic_views):
    for number, posts in ((7, [{"author": "jane", "text": "a"}]), (9, [])):
        desk.store.items.put_topic({"id": number, "workspace": "support", "title": f"Q{number}", "posts": posts})
    (spooled,) = desk.spool()
    desk.commit(spooled, PostToTopic(7, "b", "", "Re"), outcome=Outcome.COMMENT, sender="eve@example.com")
    assert [(row.id, row.title, row.posts, row.locked) for row in topic_views.newest("support")] == [
        (9, "Q9", 0, False), (7, "Q7", 2, False)
    ]  # fmt: skip
    assert [row.id for row in topic_views.newest(before=9, limit=1)] == [min(row.id for row in topic_views.newest())]
    support, finance = (ItemSight(workspaces=frozenset({place})) for place in ("support", "finance"))
    assert topic_views.newest(sight=support) == topic_views.newest("support")
    assert topic_views.newest(sight=finance) == topic_views.newest(sight=ItemSight()) == []
    assert [row.id for row in topic_views.newest(limit=1)] == [9] and topic_views.newest("finance") == []
    view = topic_views.view(7)
    assert [(post.author, post.writer, post.title, post.text) for post in view.posts] == [
        ("jane", "jane", "", "a"), ("eve@example.com", "eve@example.com", "Re", "b")
    ]  # fmt: skip
    assert (view.posts[1].mail, view.topic.posts, topic_views.view(8)) == (spooled.mail, 2, None)
