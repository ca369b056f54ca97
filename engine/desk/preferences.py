"""What somebody wants to hear by mail: seen with where it comes from, and changed.

Here: what is in force, and the judging of what is wanted. Not here: the table of preferences (`model/preferences.py`),
what comes of them (`decision/not_told.py`).
Invariant: what a person says for a workspace wins over what they say everywhere, that over the admin's, that over what
is usual.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.desk import looking
from engine.model.preferences import BY_KEY, PREFERENCES, PRESETS, named
from engine.store.errors import NotFound, Unclear

if TYPE_CHECKING:
    from engine.config import Config
    from engine.store.store import Store


class InForce(Struct, frozen=True):
    """What somebody wants, and who said so: they for a workspace, they, the admin, or nobody.

    `workspace` is the one where it holds, "" where nothing was said for one.
    """

    key: str
    value: str
    origin: str
    workspace: str = ""


def effective(config: Config, store: Store, login: str, workspace: str) -> list[InForce]:
    """Give all preferences of somebody in a workspace, or everywhere, and those about items. Raises NotFound.

    Everywhere it gives those of single workspaces as well, each below that which it takes the place of.
    """
    said, defaults = store.directory.preferences(login), config.settings(workspace).notify.defaults
    found = []
    for each in PREFERENCES:
        admin = getattr(defaults, each.key)
        value, origin = ("yes" if admin else "no") if isinstance(admin, bool) else admin, "usual"
        if each.key in defaults.written:
            origin = config.origin(f"notify.defaults.{each.key}", workspace)
        for place in ("", workspace) if workspace else ("",):
            if (place, each.key) in said:
                value, origin = said[place, each.key], f"{login}, in {place}" if place else login
        found.append(InForce(each.key, value, origin, workspace))
        places = [] if workspace else sorted(place for place, key in said if place and key == each.key)
        found += [InForce(each.key, said[place, each.key], f"{login}, in {place}", place) for place in places]
    known = {key: value for (place, key), value in sorted(said.items()) if not place and named(key)}
    items = [(key, value) for key, value in known.items() if key not in BY_KEY]
    return [*found, *(InForce(key, value, login) for key, value in items)]


def put(
    store: Store, login: str, wanted: Mapping[str, str], workspace: str = "", preset: str = "", *, reset: bool = False,
    by: str = "", via: str = "command",
) -> None:  # fmt: skip
    """Note what somebody wants; with a preset or `reset` what they said before is forgotten first.

    With `by` what changes is an event. Raises NotFound, and Unclear for what is no preference or none of its values.
    """
    if workspace:
        looking.workspace(store, workspace)
    for key, value in wanted.items():
        _judge(key, value, workspace)
    wanted = {_asked_by(store, key, value): value for key, value in wanted.items()}
    changes: dict[str, str | None] = {}
    if reset or preset:
        changes = dict.fromkeys(BY_KEY)
        changes |= PRESETS[preset] if preset else {}
    with store.joining():
        done = store.directory.put_preferences(login, workspace, {**changes, **wanted})
        if by and done != "same":
            said = " ".join(f"{key}={value}" for key, value in wanted.items()) or preset or "reset"
            account = store.directory.login(login)
            number = account.id if account is not None else 0
            store.history.note("user.notify", by, via, f"{login}: {said}", account=number)


def _asked_by(store: Store, key: str, value: str) -> str:
    """Give the key that is asked for: of an item that was merged, that of the other one. Raises NotFound.

    What is gone is nothing to hear of; that somebody said so once may still be taken back.
    """
    kind, colon, number = key.partition(":")
    if not colon:
        return key
    found = store.items.item(int(number)) if kind == "item" else store.items.topic(int(number))
    if found is not None:
        return f"{kind}:{found.id}"
    if value == "yes":
        return key
    raise NotFound(looking.gone(store, int(number)) if kind == "item" else f"there is no topic {number}", number)


def _judge(key: str, value: str, workspace: str) -> None:
    preference = named(key)
    if preference is None:
        near = difflib.get_close_matches(key, BY_KEY, 1)
        raise Unclear(
            f'"{key}" is no preference' + (f": did you mean {near[0]}?" if near else f": {', '.join(BY_KEY)}")
        )
    if value not in preference.values:
        raise Unclear(f"{key} is one of {', '.join(preference.values)}, not {value!r}")
    if workspace and key not in BY_KEY:
        raise Unclear(f"{key} is about one {preference.key}, wherever it is: leave --workspace out")
