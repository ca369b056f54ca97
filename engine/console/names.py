"""Names of ours that templates show by a variable, gathered for the catalogues.

Here: which tables and closed sets they stand in. Not here: the names themselves, texts that a template says
(`templates/`). Invariant: each name comes from where it is used, so that a new one is asked for a translation.
"""

from __future__ import annotations

from engine.console.pages import audit, item_acts, items, mail, mailboxes, mails, me, outbox, topics
from engine.desk import hooks, mailbox_page, measures, numbers, periods
from engine.desk.charts import HEADS, TITLES, Flow
from engine.desk.outbox import DONE as LETTERS_DONE
from engine.desk.today import FIVE
from engine.model.desk import AccountStatus
from engine.model.draft import Role, Who
from engine.model.events import Kind
from engine.model.preferences import PREFERENCES, PRESETS

_MAIL = (*numbers.OUTCOMES, *Who, *mail.WORDS.values(), *[name for _, name in mails.FACETS])

_PICTURES = (
    *TITLES.values(), *HEADS.values(), *Flow.heads, periods.HOUR, periods.DAY, periods.WEEK, periods.MONTH,
    *[kind.name for kind in (*numbers.PROOFS, *numbers.NEWCOMERS, *measures.LAGS, *measures.ANSWERS,
                              *measures.SIZES)],
    *numbers.GROUPS, *numbers.WEEKDAYS, *[name for name, _, _ in FIVE],
)  # fmt: skip

_LETTERS = (*numbers.STATES, *Kind, *[name for name, _ in outbox.WAYS])

_MAILBOXES = (
    mailbox_page.COMES, *mailbox_page.SET_UP, *mailbox_page.TO_DO.values(), mailbox_page.SIGN_IN, *mailboxes.SHOWN
)  # fmt: skip

_PEOPLE = (
    me.TITLE, *AccountStatus, *PRESETS, *[each.decides for each in PREFERENCES],
    *[value for each in PREFERENCES for value in each.values],
)  # fmt: skip

_ITEMS = (*Role, *[name for name, _ in (*items.WAYS, *audit.WAYS)], *[name for _, name in items.FACETS])

_DONE = (
    *mail.SAID.values(), *item_acts.DONE.values(), *topics.DONE.values(), *mailboxes.DONE.values(),
    *LETTERS_DONE.values(),
)  # fmt: skip

_TITLES = ("Header", "Job", "For good", "Delete it")
"""Of pages to which no link of all pages leads."""

SHOWN: tuple[str, ...] = tuple(
    map(str, (*_MAIL, *_PICTURES, *_LETTERS, *_MAILBOXES, *_PEOPLE, *_ITEMS, *_DONE, *_TITLES, *hooks.STATES))
)
"""All of them."""
