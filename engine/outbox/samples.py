"""A sample of what a mail may say, fitting the template: a note has a writer, what was closed is closed.

Here: the values to show and try a template with. Not here: which names there are (`names.py`), the values of a real
mail (`values.py`). Invariant: every name stands in every sample; what it holds is what a mail of that kind would.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.model.events import EVENTS, Kind
from engine.outbox.names import EMPTY, SAMPLE
from engine.outbox.templates import FAMILY, FORMER, in_words, render_line

Values = Mapping[str, object]

_NO_FACTS: Values = {name: EMPTY[name] for name in ("type", "status", "priority", "assignee", "requester", "opened")}
_NO_WORDS: Values = {"text": "", "files": ()}
_NO_ITEM: Values = {**_NO_FACTS, **_NO_WORDS} | {
    name: EMPTY[name] for name in
    ("item", "marker", "title", "url", "changes", "reply_reaches", "note_address", "roles", "why", "actor", "sender",
     "subject", "quote", "what_to_do")
}  # fmt: skip
_BOB: Values = {"actor": "Bob Baker", "actor_inside": True}


def _change(name: str, before: str, after: str) -> Values:
    return {"changes": ({"name": name, "before": before, "after": after},)}


_DIFFERENT: Mapping[str, Values] = {
    "answer": {**_NO_FACTS, **_change("Status", "In progress", "Closed"), "actor": "Anna Example",
               "actor_inside": True, "person": "Jane Doe", "reply_reaches": ("Support",), "note_address": "", "why": "",
               "text": "New toner is on its way.", "roles": ("requester",),
               "quote": "Jane Doe wrote on 2026-11-02 09:30:\n> The printer on the second floor."},
    "commented": {"changes": ()},
    "noted": {**_BOB, "text": "She called: it is urgent.", "changes": (), "files": (), "reply_reaches": (),
              "note_address": ""},
    "created": {"changes": (), "status": "New", "assignee": "", "why": "nobody is assigned to it",
                "roles": ("member",)},
    "assigned": {**_BOB, **_NO_WORDS, **_change("Assignee", "", "anna")},
    "closed": {**_BOB, **_NO_WORDS, **_change("Status", "In progress", "Closed"), "status": "Closed"},
    "reopened": {"text": "It is broken again.", "files": (), **_change("Status", "Closed", "In progress")},
    "changed": {**_BOB, **_NO_WORDS, **_change("Priority", "Normal", "High"), "priority": "High"},
    "posted": {**_NO_FACTS, "item": 12, "marker": "[msg12]", "title": "Holidays", "changes": (), "files": (),
               "text": "I am away in May.", "reply_reaches": (), "note_address": "", "roles": ("writer",),
               "url": "https://desk.example.com/topics/12"},
    "undeliverable": {"actor": "", **_NO_WORDS, **_change("jane@example.org", "", "550 5.1.1 no such user")},
    "rejected": {"text": ""},
    "account": {"text": ""},
    "unknown_sender": {"code": "gate.unknown_sender", "reason": "max@example.org is not known here.",
                       "sender": "max@example.org", "person": "", "what_to_do": ""},
    "report": {"text": ""},
    "forward": {"text": "", "reason": "", "trace": ""},
    "mailbox": {**_NO_ITEM, "code": "source.unreachable", "reason": "imap.example.com cannot be reached"},
}  # fmt: skip
"""What differs from the usual sample, by name of the template."""


_NEWS: Mapping[str, Values] = {
    "mailbox.up": {"code": "", "reason": ""},
    "mailbox.silent": {"code": "", "reason": ""},
    "disk.low": {"code": "disk.low", "reason": "110 MB are free"},
    "disk.free": {"code": "", "reason": ""},
    "smtp.up": {"code": "", "reason": "", "mailbox": "smtp.example.com"},
}
"""What differs once more, by the event that the template tells of."""


_EVENT_OF: Mapping[str, str] = {
    "answer": "item.answered",
    "notice": "item.commented",
    "commented": "item.commented",
    "unknown_sender": "mail.rejected",
    "report": "mail.rejected",
}
"""Where a template tells of several events, or of none by name."""


def event_of(name: str) -> str:
    """The event that a template tells of; the first it could be, "" where a rule names it."""
    if name in _EVENT_OF:
        return _EVENT_OF[name]
    return next((each.name for each in EVENTS if name in (each.template, each.auto)), "")


def kind_of(name: str) -> Kind:
    """The class of mail that a template is for; one that a rule names answers a sender."""
    if name == "answer":
        return Kind.ANSWER
    return Kind.NOTICE if name == "notice" or any(each.template == name for each in EVENTS) else Kind.AUTO


def sample(name: str, language: str = "en", event: str = "") -> dict[str, object]:
    """Give values that fit a template (and an event that it tells of), the words of ours in its language."""
    name = FORMER.get(name, name)
    different = _DIFFERENT.get("commented" if name == "notice" else name, {})
    made = {**SAMPLE, "author": "", **different, "event": event or event_of(name)}
    if event == "item.answered":
        made |= _BOB
    made |= _NEWS.get(event, {})
    if kind_of(name) is Kind.AUTO and made["person"]:
        made["person"] = "Jane Doe"
    roles = made["roles"]
    if made["why"] and isinstance(roles, tuple):
        made["why"] = in_words("why", roles[0], language)
    made["reply_line"] = in_words("words", "reply_line", language)
    if name in FAMILY or name in ("answer", "notice", "mailbox"):
        made["sentence"] = render_line("sentence", str(made["event"]), language, made)
    made["what_to_do"] = made["what_to_do"] and in_words("advice", str(made["code"]), language)
    return made
