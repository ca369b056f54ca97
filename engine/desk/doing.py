"""What every act begins and ends with: in whose name, words and files, and doing it or only trying.

Here: what acts on items and on topics share. Not here: the acts (`items.py`, `item_words.py`, `item_whole.py`,
`topics.py`), what only acts on items ask (`item_act.py`), the transaction (`store/acts.py`), who hears
(`decision/hearing.py`). Invariant: an act is judged by the same functions as a mail: permissions, values, effects, the
type of a file by its bytes; what cannot be done is refused whole, with a sentence (NotFound, Refused, Unclear).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, NamedTuple, ParamSpec

from engine.desk import logged
from engine.desk.looking import gone
from engine.model.acts import Act, Acted
from engine.model.desk import AccountStatus, ItemFacts
from engine.model.events import Kind, Why
from engine.model.mail import Attachment, Part
from engine.model.plan import Attach, Effect, Tell
from engine.plain_text import printable
from engine.store.errors import NotFound, Refused, Unclear
from engine.wording.why import why_not

if TYPE_CHECKING:
    from engine.model.desk import Account
    from engine.model.sight import Sight
    from engine.model.stored import TopicRow
    from engine.run.engine import Engine


P = ParamSpec("P")

ANSWERED = "item.answered"
"""What happens where somebody inside speaks."""

MOST_WORDS = 1_000_000
"""Characters of an answer, a note or a post."""


class File(NamedTuple):
    """A file to put to an answer, a note or a post."""

    name: str
    content: bytes


class How(NamedTuple):
    """How an act is done, whatever it is: in whose name, by which way, once for a key, or only tried."""

    by: Account
    typed_by: str = ""
    via: str = "command"
    key: str = ""
    quiet: bool = False
    dry_run: bool = False
    anyway: bool = False


def whoever(engine: Engine, named_so: str, typed_by: str) -> Account:
    """Find the account in whose name somebody acts. Raises NotFound, Refused; Unclear where nobody said in whose."""
    account = engine.store.directory.person(named_so) if named_so else engine.store.directory.login(typed_by)
    if account is None:
        if not named_so:
            raise Unclear(f'there is no user "{typed_by}": say who acts, --as LOGIN or ALLEGRA_AS')
        raise NotFound(f'there is no user "{named_so}"')
    if account.status != AccountStatus.ACTIVE:
        raise Refused(f"the account {account.login} is {account.status}")
    return account


def readable(engine: Engine, login: str) -> Sight:
    """Give the stored mail that somebody may read; all of it for "", who has the files. Raises NotFound, Refused."""
    from engine.desk.scope import EVERYTHING, Scope

    if not login:
        return EVERYTHING.readable
    return Scope.of(engine.store, engine.config, whoever(engine, login, "")).readable


def again(engine: Engine, how: How, number: int, *, topic: bool = False) -> Acted | None:
    """Give what came of it where it was done before under the same key: then nothing is judged anew.

    Raises Refused where that was about another item or topic: a key names one act.
    """
    before = engine.store.acted(how.key) if how.key else None
    if before is not None and (before.topic, before.item) != ((number, 0) if topic else (0, number)):
        about = f"topic {before.topic}" if before.topic else f"#{before.item}"
        raise Refused(f'the key "{how.key}" was used for {about} ({before.ref}): nothing was done')
    return before


def once(act: Callable[Concatenate[Engine, int, P], Acted]) -> Callable[Concatenate[Engine, int, P], Acted]:
    """Let an act on an item ask first whether it was done before under the same key."""

    @wraps(act)
    def asked(engine: Engine, number: int, /, *rest: P.args, **more: P.kwargs) -> Acted:
        how = next(each for each in (*rest, *more.values()) if isinstance(each, How))
        before = again(engine, how, number)
        return act(engine, number, *rest, **more) if before is None else before

    return asked


def done(
    engine: Engine, about: ItemFacts | TopicRow, effects: Sequence[Effect], how: How, *, words_for_others: bool = False
) -> Acted:  # fmt: skip
    """Do it, or try it and take it back. Raises Refused where words were meant for others and nobody would get them."""
    tell = Tell(quiet=Why.QUIET if how.quiet else None)
    item, topic = (about.id, 0) if isinstance(about, ItemFacts) else (0, about.id)
    act = Act(how.by, (*effects, tell), item, how.typed_by, how.via, how.key, topic)
    store = engine.store
    with store.rehearsal() if how.dry_run else nullcontext(), store.joining():
        if isinstance(about, ItemFacts):
            _is_still(engine, about)
        acted = store.act(act, engine.teller)
        if words_for_others and not how.quiet and not acted.again:
            _reaches_somebody(about, how, acted, enabled=engine.config.settings(about.workspace).notify.enabled)
    logged.acted(engine.config, acted, how)
    return acted


def _is_still(engine: Engine, item: ItemFacts) -> None:
    """Raise where somebody else merged or deleted the item since it was looked at: what is said now would be lost."""
    now = engine.store.items.exactly(item.id)
    if now is None:
        raise NotFound(gone(engine.store, item.id))
    if now.merged_into != item.merged_into:
        raise Refused(f"item #{item.id} was merged into #{now.merged_into}: say that number")


def _reaches_somebody(about: ItemFacts | TopicRow, how: How, acted: Acted, *, enabled: bool) -> None:
    """Raise Refused where nobody outside gets the words: why, and what would help."""
    outside = [each for each in acted.told if not each.inside and each.kind is Kind.ANSWER]
    if any(each.state in ("queued", "held") for each in outside):
        return
    if enabled and all(each.event != ANSWERED for each in acted.events):
        by, place = how.by.login, about.workspace
        raise Refused(
            f"{by} has no role in {place} that may edit items, and what somebody outside says is mailed to nobody "
            f"else outside: nobody outside would get this answer to #{about.id}"
        )
    reasons = [f"{each.to}: {why_not(Why(each.why), each.said)}" for each in outside if each.why]
    nobody = "there is nobody outside on it" if enabled else "notify.enabled is false"
    said = "; ".join(reasons) or nobody
    anyway = "--anyway" if how.via == "command" else "anyway"
    raise Refused(f"nobody outside would get this answer to #{about.id} ({said}): {anyway} writes it all the same")


def needs_words(words: str, files: Sequence[File]) -> None:
    """Raise Unclear where there is nothing to write, or in a file, or more than anybody reads."""
    if not words.strip() and not files:
        raise Unclear("there are no words: nothing was written")
    if len(words) > MOST_WORDS:
        raise Unclear(f"these are more than {MOST_WORDS:,} characters: send them as a file")
    if empty := [printable(each.name, 80) for each in files if not each.content]:
        raise Unclear(f"{empty[0]} is empty: leave it out, or choose another file")


def attached(number: int, files: Sequence[File]) -> Iterable[Attach]:
    """Give files as attachments of an item; of a topic where its post came before."""
    from engine.mail.names import safe
    from engine.mail.types import judge as type_of

    for file in files:
        digest = hashlib.sha256(file.content).hexdigest()
        kind = type_of(file.content, "application/octet-stream", file.name)
        file = file._replace(name=safe(file.name))
        part = Part(kind, 0, 0, "binary", filename=file.name)
        yield Attach(number, Attachment(file.name, kind, kind, len(file.content), digest, part, content=file.content))
