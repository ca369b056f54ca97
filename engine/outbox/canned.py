"""Words that are ready: a template rendered for an item, to be said by a person.

Here: the values and the rendering. Not here: which names there are (`names.py`), saying it (`desk/item_words.py`).
Invariant: strict, as everywhere: a name that is not there is an error, never a hole; and the values are those of a
mail to somebody outside, so no fact of the item leaves by a template that only people inside may see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.events import Kind
from engine.model.hearing import Outgoing
from engine.model.stored import OutboxRow
from engine.outbox.sandbox import Unreadable
from engine.outbox.templates import Templates, spoken
from engine.outbox.values import Reaches, values
from engine.store.errors import Unclear

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.desk import Account
    from engine.store.store import Store


def canned(config: Config, store: Store, item: int, name: str, by: Account, given: str = "") -> str:
    """Render a template about an item as `by` would say it; `given` is its `text`. Raises Unclear."""
    now = store.database.clock()
    told = Outgoing("", name, events=("item.answered",), actor=by.name, actor_inside=True)
    row = OutboxRow(0, "", Kind.ANSWER, "item.answered", told, "", 0, item, 0, "", 0, "", 0, now)
    about = store.outbox.context(row)
    language = spoken(about.language, config.instance.language)
    said = values(row, about, config, store, Reaches(), language, (False,) * len(about.files), now)
    said |= {"text": given.strip("\n"), "files": (), "quote": "", "person": _name(about.requester)}
    directory = config.settings(about.workspace).replies.directory
    try:
        rendered = Templates(directory, config.instance.language, about.workspace).strictly(name, language, said)
    except Unreadable as error:
        raise Unclear(str(error)) from None
    return rendered.body.strip("\n")


def _name(requester: str) -> str:
    """The name of who asked, "" where there is an address only."""
    name = requester.partition(" <")[0].strip('" ')
    return "" if "@" in name else name
