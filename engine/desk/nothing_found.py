"""What there is to tell where a search finds no mail: how far mail goes back, how mailboxes fare, who writes alike.

Here: `told`. Not here: the search (`store/search.py`), mailboxes (`mailboxes.py`), people (`people.py`).
Invariant: only what whoever asks may see; nothing is asked of a server.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.desk import mailbox_page, people

if TYPE_CHECKING:
    from engine.config import Config
    from engine.desk.mailboxes import Fare
    from engine.desk.scope import Scope
    from engine.model.senders import SenderRow
    from engine.store.store import Store

MOST_NEAR, LIKELY = 5, 0.6
"""Addresses that are named, and how much one has to look like what was asked for."""

_ASKED = re.compile(r'(?:^|\s)(?:from:)?"?([\w.+-]+@[\w.-]+|(?<=from:)[\w.+-]{3,})"?(?=\s|$)', re.IGNORECASE)


class Nothing(Struct, frozen=True):
    """Since when there is mail at all, how the mailboxes fare from which mail would come, who writes alike."""

    since: datetime | None
    mailboxes: tuple[Fare, ...]
    near: tuple[SenderRow, ...] = ()


def told(store: Store, config: Config, scope: Scope, query: str, zone: tzinfo = UTC) -> Nothing:
    """Gather what helps who looked for a mail that is not there."""
    fares = tuple(mailbox_page.listed(store, config, scope))
    asked = _ASKED.search(query)
    near = _near(store, config, scope, asked[1].casefold(), zone) if asked else ()
    return Nothing(store.archive.oldest(sight=scope.sight), fares, near)


def _near(store: Store, config: Config, scope: Scope, asked: str, zone: tzinfo) -> tuple[SenderRow, ...]:
    """Addresses that look like the one that was asked for: of its domain, with its name, or nearly written so."""
    local, _, domain = asked.partition("@")
    found: dict[str, SenderRow] = {}
    for part in filter(None, (domain, local, domain[:4], local[:4])):
        for row in people.listed(store, config, scope, part, zone=zone).people:
            found.setdefault(row.address, row)
    alike = [(SequenceMatcher(None, asked, each.casefold()).ratio(), row) for each, row in found.items()]
    likely = sorted([each for each in alike if each[0] >= LIKELY], key=lambda each: (-each[0], each[1].address))
    return tuple([row for _, row in likely[:MOST_NEAR] if row.mails])
