"""Which item or topic does a mail answer.

Here: signed tokens, stored Message-IDs, plus tags, subject markers, invitations, in the order of `[items.threading]`.
Not here: what a reply may do to its item (`item/target.py`), or how tokens are signed (`tokens.py`).
Invariant: what could not be guessed is `proven`, nothing else is, least of all a marker of another system; a mail that
forwards another answers none (F098); at most 50 Message-IDs are asked about, however long References is. What is meant
to be private is, whatever found it.
Over 300 lines: one search, and the ways it goes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from engine.decision import tokens
from engine.mail import old_markers
from engine.mail.types import CALENDAR
from engine.model.addresses import key_of
from engine.model.desk import Kind
from engine.model.draft import Note, note
from engine.model.facts import Meant, Thread, Way
from engine.model.mail import Mail
from engine.model.questions import (
    ItemByField,
    ItemByMarkers,
    ItemByMessageIds,
    ItemByNumber,
    NumberGiven,
    TopicByNumber,
)

if TYPE_CHECKING:
    from engine.config import Settings
    from engine.lookups import Lookups
    from engine.model.answers import MessageMatch
    from rules.pattern import Pattern

_NEAREST, _OLDEST, _ANSWERED = 30, 10, 10
_ADDRESSES = 50
_MARKERS = 10
_LONGEST_NUMBER = 15
_LONGEST_SUBJECT = 1000
_TOKEN_LIKE: Final = re.compile(r"[itnu]\d{1,15}(?:-\d{1,15})?\.[a-z2-7]{8,}", re.IGNORECASE)
_UNSAID: Final = re.compile(r"(?<=\.[a-z2-7]{4})[a-z2-7]{12}", re.IGNORECASE)
"""The part of a token that is not repeated: traces and logs are read by more people than may write by it."""
_TOPIC: Final = re.compile(r"\[[^\]]{0,200}?\bmsg(\d{1,15})\]")


def find(
    mail: Mail,
    settings: Settings,
    look: Lookups,
    own: Collection[str],
    secret: bytes,
    about: str = "",
    tags: tuple[tuple[str, str], ...] | None = None,
) -> Thread:
    """Find the item that a mail answers, by the ways of `items.threading.order`; the first that finds one wins.

    `own` are the keys of our addresses; without `secret` no token is believed; `about` is the Message-ID that a bounce
    returns, `tags` are `plus_tags` where they are at hand. A marker that names nothing ends the search, unless
    `on_dangling` is "next".
    """
    if tags is None:
        tags = tuple(plus_tags(mail, own, settings.people.mail_suffix_separators))
    return _Search(mail, settings, look, own, secret, about, tags).run()


def plus_tags(mail: Mail, own: Collection[str], separators: str = "") -> Iterator[tuple[str, str]]:
    """The tags of our addresses a mail was sent to, as (tag, address): where it was delivered first, then To and Cc.

    A plus always separates, so do `separators`.
    """
    seen: set[str] = set()
    for address in _recipients(mail):
        key = key_of(address)
        if key not in own and key not in seen:
            seen.add(key)
            local, _, domain = key.rpartition("@")
            for separator in "+" + separators.replace("+", ""):
                base, found, tag = local.partition(separator)
                if found and tag and f"{base}@{domain}" in own:
                    yield tag, address
                    break


def is_token(tag: str) -> bool:
    """Tell whether a tag looks like a token, signed by us or not."""
    return _TOKEN_LIKE.search(tag) is not None


def _recipients(mail: Mail) -> Iterator[str]:
    yield from mail.raw.envelope.forward_paths[:_ADDRESSES]
    for field in (mail.delivered_to, mail.to, mail.cc):
        for address in field[:_ADDRESSES]:
            yield address.address


def message_ids(mail: Mail, about: str = "") -> tuple[str, ...]:
    """The Message-IDs a mail refers to, likeliest first: In-Reply-To, References from the end, then from the start."""
    if not (about or mail.in_reply_to or mail.references):
        return ()
    references = mail.references
    nearest = references[: -_NEAREST - 1 : -1]
    oldest = references[: min(_OLDEST, max(len(references) - _NEAREST, 0))]
    wanted = (about, *mail.in_reply_to[:_ANSWERED], *nearest, *oldest)
    return tuple(dict.fromkeys(one for one in wanted if one))[:50]


class _Search:
    """One search for one mail: `tried` says for `explain` what each way saw."""

    def __init__(
        self,
        mail: Mail,
        settings: Settings,
        look: Lookups,
        own: Collection[str],
        secret: bytes,
        about: str,
        tags: tuple[tuple[str, str], ...],
    ) -> None:
        self._mail = mail
        self._workspace = settings.workspace
        self._options = settings.items.threading
        self._look = look
        self._own = own
        self._secret = secret
        self._tags = tags
        self.tried: list[tuple[Way, Note]] = []
        self._unsigned = False
        self._ids = self._references(about)

    def _references(self, about: str) -> tuple[str, ...]:
        """The ids to ask about; a forward refers to what it forwards, not to what it answers (F098)."""
        ids = message_ids(self._mail, about)
        if ids and not about and self._mail.header("x-forwarded-message-id"):
            self.tried.append((Way.MESSAGE_ID, note("thread.forwards")))
            return ()
        return ids

    def run(self) -> Thread:
        """Try the ways in order."""
        dangling: Thread | None = None
        for way in self._options.order:
            found: Thread | None = getattr(self, f"_by_{way}")()
            if found is None:
                continue
            if found.item is not None:
                return self._told(self._as_meant(found))
            self.tried.append((Way(way), note("thread.names_nothing", marker=found.marker)))
            dangling = dangling or found
            if self._options.on_dangling != "next" and not found.foreign:
                break
        return self._told(self._as_meant(dangling) if dangling is not None else Thread())

    def _told(self, found: Thread) -> Thread:
        """What was found, with what each way saw."""
        tried = self.tried
        if (item := found.item) is not None:
            topic = item.id if item.kind is Kind.TOPIC else 0
            said = note("thread.found", marker=found.marker, item=item.id, topic=topic)
            if found.by is Way.IMPORTED:
                said = note("thread.imported", marker=found.marker, item=item.id)
            tried = [*tried, (found.by, said)]
        return replace(found, unsigned=self._unsigned, tried=tuple(tried))

    # ── the ways ──────────────────────────────────────────────────────────────────────────────────────────────

    def _by_token(self) -> Thread | None:
        """A signed token in a reply address of ours, or in a Message-ID of ours (F106)."""
        if not self._secret:
            return None
        dangling: Thread | None = None
        for marker, token in self._signed():
            kind = Kind.TOPIC if token.topic else Kind.ITEM
            found = self._numbered(token.number, kind, Way.TOKEN, marker, proven=True)
            found = replace(
                found, ours=True, account=token.account, **_meant(Meant.NOTE if token.private else Meant.NONE)
            )
            if found.item is not None:
                return found if token.private else self._kept_private(found)
            dangling = dangling or found
        return dangling

    def _signed(self) -> Iterator[tuple[str, tokens.Token]]:
        for tag, address in self._tags:
            if is_token(tag) and tag[:1] not in "uU":
                token = tokens.read(tag, self._secret)
                if token is not None:
                    yield _UNSAID.sub("…", tag), token
                else:
                    self._unsigned = True
                    self.tried.append((Way.TOKEN, note("thread.unsigned", address=address)))
        for one in self._ids:
            for letter in "it":
                number = tokens.read_message_id(one, self._secret, letter)
                if number:
                    yield one, tokens.Token(number, letter == "t")
                if number is not None:
                    break

    def _kept_private(self, found: Thread) -> Thread:
        """Ask what is stored of the message that is answered: the token does not say that it was a note (F117).

        Mail about topic 2 once went out with a Message-ID that was signed for item 2; its row knows better.
        """
        answered = self._ids[:_ANSWERED]
        match = self._look.ask(ItemByMessageIds(answered)) if answered else None
        if match is None or found.item is None:
            return found
        if match.item.kind is Kind.TOPIC and match.item.id == found.item.id and match.message_id == found.marker:
            return replace(found, item=match.item)
        if match.item.id != found.item.id or match.item.kind is not found.item.kind:
            return found
        return replace(found, private=match.private, account=found.account or match.account)

    def _by_message_id(self) -> Thread | None:
        """A Message-ID that is stored: of a mail that came in, or of one of ours (F107)."""
        if not self._ids:
            return None
        match = self._look.ask(ItemByMessageIds(self._ids))
        if match is None:
            count = len(self._ids)
            one = note("thread.not_known", message_id=self._ids[0][:200])
            self.tried.append((Way.MESSAGE_ID, note("thread.none_known", count=count) if count > 1 else one))
            return None
        if match.imported:
            return _imported(match)
        here = (each for each in match.also if each.workspace == self._workspace)
        item = match.item if match.item.workspace == self._workspace else next(here, match.item)
        return Thread(
            item, Way.MESSAGE_ID, match.message_id, proven=True, private=match.private, account=match.account,
            ours=match.ours,
        )  # fmt: skip

    def _by_plus(self) -> Thread | None:
        """A number in the plus tag or the whole local part of an address of ours (F109)."""
        dangling: Thread | None = None
        for text, address in (*self._tags, *self._locals()):
            if (theirs := self._marked_by(old_markers.of_address(text))) is not None:
                return theirs
            for number, meant in self._in_address(text):
                found = self._numbered(number, Kind.ITEM, Way.PLUS, address)
                if meant:
                    found = replace(found, foreign=False, **_meant(meant))
                if found.item is not None:
                    return found
                dangling = dangling or found
        return dangling

    def _in_address(self, text: str) -> Iterator[tuple[int, Meant]]:
        """The numbers in a tag or local part, and what is meant to become of the mail."""
        options = self._options
        patterns = (
            (options.plus_draft, Meant.DRAFT), (options.plus_note, Meant.NOTE), (options.plus_item, Meant.NONE)
        )  # fmt: skip
        for pattern, meant in patterns:
            for number in _numbers(pattern, text, private=bool(meant)) if pattern is not None else ():
                yield number, meant

    def _locals(self) -> Iterator[tuple[str, str]]:
        """Local parts in our domains that are no address of ours."""
        domains = {address.rpartition("@")[2] for address in self._own}
        for address in _recipients(self._mail):
            local, _, domain = key_of(address).rpartition("@")
            if domain in domains and f"{local}@{domain}" not in self._own:
                yield local, address

    def _by_subject(self) -> Thread | None:
        """A marker in the subject, foreign numbers passed over; every group of every match is tried (F108, F120)."""
        subject = self._subject()
        if (theirs := self._marked_by(old_markers.of_subject(subject))) is not None:
            return theirs
        dangling: Thread | None = None
        for number, kind, meant in self._marked(subject) if subject else ():
            marker = f"[#{number}{' Note' if meant else ''}]" if kind is Kind.ITEM else f"[msg{number}]"
            found = self._numbered(number, kind, Way.SUBJECT, marker)
            if meant:
                found = replace(found, foreign=False, **_meant(meant))
            if found.item is not None:
                return found
            dangling = dangling or found
        return dangling

    def _marked_by(self, markers: tuple[str, ...]) -> Thread | None:
        """An item that markers of another system mean: asked before our numbers, because they say more (F108)."""
        match = self._look.ask(ItemByMarkers(markers)) if markers else None
        return None if match is None else _imported(match)

    def _subject(self) -> str:
        """The subject as far as it is looked at, the numbers of others blanked."""
        subject = self._mail.subject[:_LONGEST_SUBJECT]
        for pattern in self._options.ignore_patterns if subject else ():
            subject = _blanked(subject, pattern)
        return subject

    def _marked(self, subject: str) -> Iterator[tuple[int, Kind, Meant]]:
        for pattern, meant in ((self._options.title_note, Meant.NOTE), (self._options.title_pattern, Meant.NONE)):
            for number in _numbers(pattern, subject, private=bool(meant)) if pattern is not None else ():
                yield number, Kind.ITEM, meant
        if "msg" in subject:
            for match in list(_TOPIC.finditer(subject))[:_MARKERS]:
                yield int(match[1]), Kind.TOPIC, Meant.NONE

    def _as_meant(self, found: Thread) -> Thread:
        """What is said to be a note or a draft is one, whichever way led to the item: never a comment (F108, F109)."""
        if found.meant:
            return found
        for text, _ in (*self._tags, *self._locals()):
            for _, meant in self._in_address(text):
                if meant:
                    return replace(found, **_meant(meant))
        note = self._options.title_note
        if note is not None and _numbers(note, self._subject(), private=True):
            return replace(found, **_meant(Meant.NOTE))
        return found

    def _by_calendar(self) -> Thread | None:
        """The UID of the invitation that a mail answers, moves or calls off (F121)."""
        if not any(each.declared_type in CALENDAR for each in self._mail.attachments):
            return None
        from engine.mail import calendar  # knows time zones, which few mails need

        event = calendar.of(self._mail)
        if event is None or not event.uid:
            return None
        item = self._look.ask(ItemByField(calendar.UID_FIELD, event.uid))
        return None if item is None else Thread(item, Way.CALENDAR, event.uid[:80])

    def _numbered(self, number: int, kind: Kind, by: Way, marker: str, proven: bool = False) -> Thread:
        """Look a number up: a thread with the item, or a dangling one; what we signed is never foreign."""
        item = self._look.ask(ItemByNumber(number) if kind is Kind.ITEM else TopicByNumber(number))
        if item is None:
            foreign = by is not Way.TOKEN and not self._look.ask(NumberGiven(number, kind is Kind.TOPIC))
            return Thread(marker=marker, dangling=True, foreign=foreign)
        return Thread(item, by, marker, proven=proven)


def _imported(match: MessageMatch) -> Thread:
    """A marker of another system: it can be guessed, a Message-ID too, for others make them of number and time."""
    return Thread(match.item, Way.IMPORTED, match.message_id, private=match.private)


def _meant(what: Meant) -> dict[str, Any]:
    """What a thread says of a mail that is meant to be something: then it is private."""
    return {"meant": what, "private": bool(what)}


def _numbers(pattern: Pattern, text: str, *, private: bool = False) -> list[int]:
    """The numbers that a pattern finds, in every group of every match; without groups the whole match counts.

    What no item has for a number is passed over; where words are meant to stay inside it is 0, which leads nowhere:
    they must not become a new item.
    """
    found: dict[int, None] = {}
    for count, match in enumerate(pattern.finditer(text)):
        if count >= _MARKERS:
            break
        for group in range(1, pattern.groups + 1) if pattern.groups else (0,):
            digits = match.group(group).strip()
            if digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER and int(digits):
                found[int(digits)] = None
            elif private and digits:
                found[0] = None
    return sorted(found, key=lambda number: not number)  # 0 is the last


def _blanked(text: str, pattern: Pattern) -> str:
    """Put blanks over what a pattern matches."""
    for match in pattern.finditer(text):
        start, end = match.span()
        text = text[:start] + " " * (end - start) + text[end:]
    return text
