"""What a mail will make its decision ask, as far as it can be told from the mail alone.

Here: those questions. Not here: asking them (`facts.py`, `identity.py`, `matching.py`, `stages/`), who hears of them
(`run/world.py`). Invariant: pure, and a guess: a question that is missing here is asked by itself, one too many never.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from engine.decision.matching import message_ids
from engine.decision.tokens import read_message_id
from engine.model.questions import AccountOf, EarlierMail, ItemByMessageIds, ItemByNumber, Question, SenderRate

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.mail import Mail

_HOUR = 3600


def foreseen(mail: Mail, config: Config, mailbox: str) -> Iterator[Question[Any]]:
    """Give the questions that a mail from `mailbox` will most likely be decided by."""
    workspace = mailbox if mailbox in config.workspaces else ""
    settings = config.settings(workspace)
    if mail.from_:
        key = mail.from_[0].key
        yield AccountOf(key, settings.people.mail_suffix_separators)
        if settings.gates.mails_per_sender.limit and key:
            yield SenderRate(key, _HOUR)
    if answered := message_ids(mail):
        yield ItemByMessageIds(answered)
        secret = config.token_secret()
        if secret and (number := read_message_id(answered[0], secret)):  # an answer to a letter of ours
            yield ItemByNumber(number)
    if mail.fingerprint and settings.gates.duplicate != "off":
        yield EarlierMail(workspace, mail.fingerprint)
