"""What people may want to hear: one table, a row a preference.

Here: the keys, their values, what is usual, and the presets. Not here: who said what (`store/`), what comes of it
(`decision/not_told.py`). Invariant: a key and its values never change their meaning once released; an option of
`[notify.defaults]` stands for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct


class Preference(Struct, frozen=True):
    """One thing to choose. The first of `values` is usual; `decides` says what about, for people."""

    key: str
    values: tuple[str, ...]
    decides: str

    @property
    def usual(self) -> str:
        """What somebody wants who said nothing, where the admin said nothing either."""
        return self.values[0]


PREFERENCES: Final = (
    Preference("new", ("unassigned", "all", "none"), "new items, and comments on items assigned to nobody"),
    Preference("assigned", ("yes", "no"), "items that are assigned to you or your group"),
    Preference("mine", ("yes", "no"), "items that you opened or wrote about"),
    Preference("watched", ("yes", "no"), "items that you watch or take part in"),
    Preference("notes", ("yes", "no"), "internal notes"),
    Preference("changes", ("yes", "no"), "changes without a text: status, fields, labels, people"),
    Preference("own", ("no", "yes"), "what you did yourself"),
    Preference("held", ("yes", "no"), "held mail, if you own the workspace"),
    Preference("how", ("now", "hourly", "daily"), "whether notices come one by one, or as one mail an hour or a day"),
    Preference("format", ("both", "text"), "mails in text and HTML, or in text alone"),
)

OF_ITEM: Final = Preference("item", ("yes", "no"), "this item, as long as it is not assigned to you")
"""The preference about one item, `item:12`; a mail to the address that ends notices sets it, too."""

OF_TOPIC: Final = Preference("topic", ("yes", "no"), "this topic")
"""The preference about one topic, `topic:3`, set in the same ways."""

_ABOUT_ONE: Final[Mapping[str, Preference]] = {each.key: each for each in (OF_ITEM, OF_TOPIC)}


def of_topic(topic: int) -> str:
    """Give the key of the preference about one topic."""
    return f"{OF_TOPIC.key}:{topic}"


def of_item(item: int) -> str:
    """Give the key of the preference about one item."""
    return f"{OF_ITEM.key}:{item}"


BY_KEY: Final[Mapping[str, Preference]] = {each.key: each for each in PREFERENCES}


def named(key: str) -> Preference | None:
    """Find a preference by its key, that of an item or topic too; None if there is none of that name."""
    name, colon, number = key.partition(":")
    if colon:
        return _ABOUT_ONE.get(name) if number.isascii() and number.isdigit() else None
    return BY_KEY.get(key)


PRESETS: Final[Mapping[str, Mapping[str, str]]] = {
    "everything": {"new": "all"},
    "usual": {},
    "involved": {"new": "none"},
    "assigned": {"new": "none", "mine": "no", "watched": "no"},
    "nothing": {
        "new": "none",
        "assigned": "no",
        "mine": "no",
        "watched": "no",
        "notes": "no",
        "changes": "no",
        "held": "no",
    },
}
"""Sets of preferences by name; what a preset does not name is as usual."""

SIGNATURE: Final = "signature"
"""The key under which somebody's own signature is kept beside their preferences; its value is text."""
