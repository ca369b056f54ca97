"""What people do to topics: write below one, lock it, let it be written to again.

Here: who may, and the effects of each act. Not here: the transaction (`store/acts.py`), who hears
(`decision/hearing.py`), options and printing (`cli/topic.py`). Invariant: a post is permitted to whom it is by mail,
and a locked topic takes none, whichever way it comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.desk.doing import File, How, again, attached, done, needs_words
from engine.model.plan import LockTopic, PostToTopic
from engine.store.errors import NotFound, Refused

if TYPE_CHECKING:
    from engine.model.acts import Acted
    from engine.model.desk import Account
    from engine.model.stored import TopicView
    from engine.run.engine import Engine
    from engine.store.store import Store


def topic(store: Store, number: int) -> TopicView:
    """Give a topic with all that hangs on it. Raises NotFound."""
    view = store.topic_views.view(number)
    if view is None:
        raise NotFound(f"there is no topic {number}")
    return view


def post(engine: Engine, number: int, words: str, how: How, files: Sequence[File] = ()) -> Acted:
    """Write below a topic; who wrote there before hears of it. Raises NotFound, Refused, Unclear."""
    found = topic(engine.store, number).topic
    if (before := again(engine, how, number, topic=True)) is not None:
        return before
    needs_words(words, files)
    if not (_may(engine, how.by, "add_comments", found.workspace) or _wrote(engine, how.by, number)):
        raise Refused(f"{how.by.login} may not write in topics of {found.workspace}")
    if found.locked:
        raise Refused(f'topic {number} "{found.title}" is locked: allegra topic unlock {number}')
    return done(engine, found, [PostToTopic(number, words.strip("\n"), how.by.login), *attached(0, files)], how)


def lock(engine: Engine, number: int, how: How, *, locked: bool) -> Acted:
    """Let a topic take no posts any more, or take them again; nobody hears of it. Raises NotFound, Refused."""
    found = topic(engine.store, number).topic
    if (before := again(engine, how, number, topic=True)) is not None:
        return before
    if not _may(engine, how.by, "edit_items", found.workspace):
        raise Refused(f"{how.by.login} may not lock topics of {found.workspace}")
    return done(engine, found, [LockTopic(number, locked)], how)


def _may(engine: Engine, by: Account, permission: str, workspace: str) -> bool:
    return engine.store.directory.may(by.login, permission, workspace)


def _wrote(engine: Engine, by: Account, number: int) -> bool:
    """Tell whether somebody wrote there before: who is in a conversation may go on."""
    facts = engine.store.items.topic(number)
    return facts is not None and by.login.casefold() in facts.people
