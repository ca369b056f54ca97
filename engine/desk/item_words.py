"""What people say about items: answer, note, draft, send, edit, discard; and a note made public.

Here: the effects of words. Not here: who may (`item_act.py`), how it is done (`doing.py`), the rest of what
people do (`items.py`). Invariant: a draft tells nobody; what goes to others is refused where nobody outside would get
it; what was said in public stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.desk.doing import File, How, attached, done, needs_words, once
from engine.desk.item_act import found, known, may_comment, may_edit, status_change
from engine.model.draft import Role
from engine.model.plan import AddComment, AddPerson, DropDraft, EditWords, Effect, Publish, SendDraft
from engine.store.errors import Unclear

if TYPE_CHECKING:
    from engine.model.acts import Acted
    from engine.model.desk import ItemFacts
    from engine.run.engine import Engine


@once
def answer(
    engine: Engine, number: int, words: str, how: How, files: Sequence[File] = (), *, status: str = "",
    close: bool = False, copy_to: Sequence[str] = (),
) -> Acted:  # fmt: skip
    """Write a comment that everybody on the item gets; refused where nobody outside would, unless `anyway`.

    Raises NotFound, Refused, Unclear.
    """
    item = found(engine, number)
    needs_words(words, files)
    may_comment(engine, how.by, item)
    effects: list[Effect] = [AddComment(number, words.strip("\n"), how.by.login), *attached(number, files)]
    effects += _with_it(engine, item, how, status, close, copy_to)
    return done(engine, item, effects, how, words_for_others=not how.anyway)


@once
def note(engine: Engine, number: int, words: str, how: How, files: Sequence[File] = ()) -> Acted:
    """Write a note that only people inside see. Raises NotFound, Refused, Unclear."""
    return _inside(engine, number, words, how, files)


@once
def publish(engine: Engine, number: int, comment: int, how: How, *, authorise: bool = False) -> Acted:
    """Make a note a comment, which is told as what its author says. Raises NotFound, Refused."""
    item = found(engine, number)
    may_edit(engine, how.by, item)
    return done(engine, item, [Publish(number, comment, how.by.login, authorise)], how)


# ── drafts ────────────────────────────────────────────────────────────────────────────────────────────────────


@once
def draft(engine: Engine, number: int, words: str, how: How, files: Sequence[File] = ()) -> Acted:
    """Write an answer that waits: people inside see it, nobody is told. Raises NotFound, Refused, Unclear."""
    return _inside(engine, number, words, how, files, draft=True)


@once
def send(
    engine: Engine, number: int, comment: int, how: How, *, status: str = "", close: bool = False,
    copy_to: Sequence[str] = (),
) -> Acted:  # fmt: skip
    """Say what a draft says, in the name of who sends it: from then on it is an answer like any other.

    Raises NotFound, Refused, Unclear.
    """
    item = found(engine, number)
    may_edit(engine, how.by, item)
    effects: list[Effect] = [SendDraft(number, comment, how.by.login)]
    effects += _with_it(engine, item, how, status, close, copy_to)
    return done(engine, item, effects, how, words_for_others=not how.anyway)


@once
def edit(engine: Engine, number: int, comment: int, words: str, how: How) -> Acted:
    """Give a note or a draft other words. Raises NotFound, Refused, Unclear."""
    item = found(engine, number)
    may_edit(engine, how.by, item)
    needs_words(words, ())
    return done(engine, item, [EditWords(number, comment, words.strip("\n"))], how)


@once
def discard(engine: Engine, number: int, comment: int, how: How) -> Acted:
    """Throw a draft away, with its files. Raises NotFound, Refused."""
    item = found(engine, number)
    may_edit(engine, how.by, item)
    return done(engine, item, [DropDraft(number, comment)], how)


def from_template(engine: Engine, number: int, name: str, how: How, given: str = "") -> str:
    """Give the words of a template about an item; `given` are those that stand in it as `text`.

    Raises NotFound, and Unclear where it is not there, or does not render with the names that a template may use.
    """
    from engine.outbox.canned import canned

    found(engine, number)
    words = canned(engine.config, engine.store, number, name, how.by, given)
    if given.strip() and given.strip() not in words:
        raise Unclear(f"the template {name} does not use {{{{ text }}}}: your words would be lost")
    return words


def _inside(
    engine: Engine, number: int, words: str, how: How, files: Sequence[File], *, draft: bool = False
) -> Acted:  # fmt: skip
    item = found(engine, number)
    needs_words(words, files)
    may_edit(engine, how.by, item)
    comment = AddComment(number, words.strip("\n"), how.by.login, internal=True, draft=draft)
    effects: list[Effect] = [comment, *attached(number, files)]
    return done(engine, item, effects, how)


def _with_it(
    engine: Engine, item: ItemFacts, how: How, status: str, close: bool, copy_to: Sequence[str]
) -> list[Effect]:  # fmt: skip
    """What is done together with an answer: somebody joins, the status changes."""
    effects: list[Effect] = [AddPerson(item.id, known(engine, who), Role.READER) for who in copy_to]
    if status or close:
        effects.append(status_change(engine, item, how, status, ends=True if close else None))
    return effects
