"""Messages of an API one after the other: what both sources that ask one do alike.

Here: the walk over messages that are fetched and over actions that are done, and what a refusal of one of them means.
Not here: asking (`api.py`), a provider. Invariant: what is refused for one message costs that message; anything else
ends the session; an id that is none of the provider's is never asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from typing import TYPE_CHECKING

from engine.sources.api import standing, told
from engine.sources.source import Action, Settled, SourceError

if TYPE_CHECKING:
    from engine.model.mail import RawMail


def fetched(
    keys: Sequence[str], ids: re.Pattern[str], whole: Callable[[str], RawMail | None], refused: MutableMapping[str, str]
) -> Iterator[RawMail]:
    """Fetch one after the other; `whole` gives None for what has gone. Why one is `refused` is put down there.

    Raises SourceError that names the message in hand.
    """
    for key in keys:
        if not ids.fullmatch(key):
            continue
        try:
            raw = whole(key)
        except SourceError as error:
            if error.code == "source.refused":
                refused[key] = told(error)
                continue
            raise SourceError(error.code, error.sentence, key) from None
        if raw is not None:
            yield raw


def settled(
    actions: Sequence[Action], ids: re.Pattern[str], pages: Callable[[], Iterable[Sequence[str]]],
    one: Callable[[Action, set[str]], Settled | None],
) -> list[Settled]:  # fmt: skip
    """Do the actions and give a result for each, in order. Raises SourceError when the provider cannot be asked.

    `one` does an action, knowing which of the messages stand in the folder; it gives None for what it cannot do.
    """
    wanted = {each.key for each in actions if each.kind != "keep" and ids.fullmatch(each.key)}
    here = standing(pages(), wanted) if wanted else set()
    return [_settled(action, ids, one, here) for action in actions]


def _settled(
    action: Action, ids: re.Pattern[str], one: Callable[[Action, set[str]], Settled | None], here: set[str]
) -> Settled:
    if action.kind == "keep":
        return Settled(action.key, "done")
    if not ids.fullmatch(action.key):
        return Settled(action.key, "gone", "it came another way")
    try:
        done = one(action, here)
    except SourceError as error:
        if error.code not in ("source.refused", "source.bad_name"):
            raise
        return Settled(action.key, "failed", told(error))
    return done or Settled(action.key, "failed", f"the API cannot {action.kind or 'do nothing'}")
