"""Why somebody is not told, or why what goes to them waits for a person: a sentence a reason, in English.

Here: the closed list in words, and why somebody was not even considered. Not here: the reasons (`model/events.py`), who
finds them (`decision/not_told.py`, `desk/heard.py`), how a template is filled (`sentence.py`). Invariant: every reason
has its sentence, which goes on after "not told:".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.model.draft import note
from engine.model.events import Why
from engine.wording.sentence import sentence

WHY: Final[Mapping[str, str]] = {
    Why.ACTOR: "did it themselves[ ({said})]",
    Why.HAS_IT: "stands in To or Cc of this mail[ ({said})]",
    Why.LOCKED: "the account is [{said}|locked]",
    Why.NO_ADDRESS: "has no address[ ({said})]",
    Why.NOT_PERMITTED: "may not see it[ ({said})]",
    Why.OUTSIDE: "is outside, and outside people do not hear of this[ ({said})]",
    Why.PREFERS_NOT: "prefers not[ ({said})]",
    Why.SUSPENDED: "the address takes no mail: what was sent there came back[ ({said})]",
    Why.OLD: "the mail is old: it reached us before this mailbox was first read, or lay there for long[ ({said})]",
    Why.QUIET: "it was done quietly[ ({said})]",
    Why.RULE: "a rule said no reply[ ({said})]",
    Why.NO_TEMPLATE: "a setting says that this is not answered[ ({said})]",
    Why.STRANGER: "strangers are not told why (report_incoming_email_errors)[ ({said})]",
    Why.MACHINE: "[machine: {said}|a machine wrote it]",
    Why.LOOP: "this looks like a loop[: {said}]",
    Why.CAP_REASON: "was told of this reason often enough[ ({said})]",
    Why.CAP_ITEM: "too many automatic answers to this address about the item[ ({said})]",
    Why.CAP_RECIPIENT: "too many automatic answers to this address[ ({said})]",
    Why.CAP_TOTAL: "too many automatic answers in all[ ({said})]",
    Why.CAP_ANSWERS: "too many answers in an hour[ ({said})]",
    Why.CAP_NOTICES: "too many notices to this address in an hour[ ({said})]",
    Why.CAP_REPORTS: "was told of this reason not long ago (errors.reports)[ ({said})]",
    Why.CAP_HEARERS: "too many would hear of it at once (notify.most)[: {said}]",
    Why.UNPROVEN: "nothing proves that its author wrote it[ ({said})]",
    Why.MTA: "the mail server tells the sender (deliver --bounce)[ ({said})]",
    Why.NOBODY: "nobody hears of this: name an owner, members or admins with an address[ ({said})]",
    Why.NOBODY_ELSE: "nobody else has to do with it[ ({said})]",
    Why.NO_SMTP: "no server to send by is set up, there is no section smtp[ ({said})]",
}


ABSENT: Final[Mapping[str, str]] = {
    "nothing": "nothing has happened yet that people hear of",
    "own": "did it, and has no other part in {about}",
    "nobody_hears": "nobody hears of {event}",
    "off": "nobody is told in {workspace}: notify.enabled = false",
    "no_account": "has no account, and the address has no part in {about}",
    "status": "the account is {status}",
    "no_role": "has no role that lets them see items of {workspace}",
    "no_admin": "only who looks after the installation hears of {event}: admins, or errors.forward_to",
    "no_report": "the reason {code} is none that admins hear of",
    "no_editor": "has no role that lets them edit items of {workspace}, so new ones are not for them; "
                 "and has no part in {about}",
    "no_new": "waits for no new items in {workspace} (new = {value}, said by: {origin}), and has no part in {about}",
    "taken": "hears as a member only of what nobody has (new = {value}, said by: {origin}), and {assignee} has {about}",
    "no_part": "has no part in {about}: neither opened it nor has it, does not watch it and wrote nothing public",
    "no_post": "has written nothing in {about}",
    "would": "would be told now, as {part}; had no part in it when it happened",
    "would_not": "would not be told now either: {said}",
}  # fmt: skip
"""Why somebody was not even considered, in words; each goes on after "as things are now:"."""


def absent(kind: str, **said: str) -> str:
    """Say why somebody was not considered."""
    return sentence(note(kind, **said), ABSENT)


def why_not(why: Why, said: str) -> str:
    """Say why not, with what else was said; a reason of another release is told by its name."""
    if why not in WHY:
        return f"{why}: {said}" if said else str(why)
    return sentence(note(why, said=said), WHY)
