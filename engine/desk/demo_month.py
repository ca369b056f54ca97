"""A month of mail for the demo: what came on each of thirty days, decided when it came, and what colleagues did.

Here: which mails come when, from whom, and what is done about them. Not here: who they are and what they say
(`engine/demo/month.toml`), the demo itself (`demo.py`).
Invariant: the real engine decides each mail, by a clock that stands at the time it came; the same `end` makes the same
month.
"""

from __future__ import annotations

import heapq
import os
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from engine.desk import held, items
from engine.desk.items import How
from engine.model.plan import Outcome
from engine.run.passing import Pass
from engine.store.errors import NotFound, Refused

if TYPE_CHECKING:
    from engine.run.engine import Engine
    from engine.run.line import Line

DAYS = 30

WORKDAY, WEEKEND = (20, 34), (2, 7)
"""How many mails come in a day."""

HOURS = (1, 0, 0, 0, 1, 2, 4, 10, 22, 30, 26, 20, 13, 19, 24, 20, 14, 9, 6, 4, 4, 3, 2, 1)
"""How much comes in each hour."""

KINDS = (("request", 50), ("reply", 24), ("newsletter", 7), ("invoice", 6), ("vendor", 5), ("away", 3), ("stranger", 4),
         ("bounce", 2), ("vip", 2), ("bank", 2), ("unproven", 1))  # fmt: skip

VENDOR, VIP = "ServiceNow <it@servicenow.example>", "The Director <ceo@partner.example>"

REASONS = ("asked by phone, it is real", "known to us", "spam", "not for us", "looked at with finance")

Act = Callable[[], None]


class Asked(Struct, frozen=True):
    """A request that came: who wrote it, when, what it is called."""

    sender: str
    subject: str
    message_id: str
    at: datetime


class Clock:
    """The time of the month that is played."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        """Give the time; each look is a little later."""
        self.at += timedelta(milliseconds=3)
        return self.at


class Month:
    """Plays a month up to `end` in the folder of a demo, with an engine whose store goes by `clock`."""

    def __init__(self, engine: Engine, folder: Path, words: dict[str, Any], clock: Clock, end: datetime) -> None:
        self._engine, self._folder, self._words, self._clock, self._end = engine, folder, words, clock, end
        self._random = random.Random(4)  # noqa: S311 - a month like any other
        self._asked: list[Asked] = []
        self._later: list[tuple[datetime, int, Act]] = []
        self._number = 0

    def play(self) -> list[Line]:
        """Let all of it happen; gives what became of the mails."""
        lines: list[Line] = []
        boxes = {box.name: box for box in self._engine.config.mailboxes}
        for at in self._times():
            self._acts(at)
            self._clock.at = at
            kind = self._random.choices([name for name, _ in KINDS], [often for _, often in KINDS])[0]
            box = self._put(getattr(self, f"_{kind}")(at), at)
            for report in Pass(self._engine, now=self._clock, hosted=True).run([boxes[box]]):
                lines += report.lines
                for line in report.lines:
                    self._follow(line, at)
        self._acts(self._end)
        return lines

    def _times(self) -> Iterator[datetime]:
        """When mails come: most by day, few at the weekend."""
        first = (self._end - timedelta(days=DAYS)).replace(minute=0, second=0, microsecond=0)
        found: list[datetime] = []
        for day in range(DAYS + 1):
            date = (first + timedelta(days=day)).replace(hour=0)
            for hour in self._random.choices(range(24), HOURS, k=self._random.randint(*self._of(date))):
                minute, second = self._random.randrange(60), self._random.randrange(60)
                found.append(date.replace(hour=hour, minute=minute, second=second))
        return iter(sorted(each for each in found if first <= each < self._end - timedelta(minutes=2)))

    @staticmethod
    def _of(date: datetime) -> tuple[int, int]:
        return WEEKEND if date.weekday() >= 5 else WORKDAY

    # ── mails ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _request(self, at: datetime) -> EmailMessage:
        chosen = self._random.choice(self._words["requests"])
        numbers = {"f": self._random.randint(1, 6), "r": self._random.randint(101, 420), "o": 4_700_000 + self._number}
        sender, subject = self._random.choice(self._words["people"]), chosen["subject"].format(**numbers)
        text = "\n\n".join((chosen["text"].format(**numbers), sender.partition(" <")[0]))
        mail = self._mail(at, sender, subject, text)
        self._asked.append(Asked(sender, subject, str(mail["Message-ID"]), at))
        return mail

    def _reply(self, at: datetime) -> EmailMessage:
        lately = [each for each in self._asked if at - timedelta(days=4) < each.at < at - timedelta(minutes=20)]
        if not lately:
            return self._request(at)
        about = self._random.choice(lately)
        mail = self._mail(at, about.sender, f"Re: {about.subject}", self._random.choice(self._words["replies"]))
        mail["In-Reply-To"] = about.message_id
        return mail

    def _newsletter(self, at: datetime) -> EmailMessage:
        subject = self._random.choice(self._words["newsletters"])
        mail = self._mail(at, "Offers <newsletter@shop.example>", subject, "Cheaper than yesterday.")
        mail["List-Id"], mail["Precedence"] = "Offers <offers.shop.example>", "bulk"
        return mail

    def _invoice(self, at: datetime) -> EmailMessage:
        subject = self._random.choice(self._words["invoices"]).format(n=self._random.randint(100, 400))
        return self._mail(at, self._random.choice(self._words["people"][:14]), subject, "Could you have a look?")

    def _vendor(self, at: datetime) -> EmailMessage:
        number = f"INC00{self._random.randint(12400, 12440)}"
        mail = self._mail(at, VENDOR, f"{number} has been updated", f"Your incident {number} is in progress.")
        mail["Auto-Submitted"], mail["X-ServiceNow-Generated"] = "auto-generated", "true"
        return mail

    def _away(self, at: datetime) -> EmailMessage:
        sender = self._random.choice(self._words["people"])
        mail = self._mail(at, sender, "Automatic reply: Your request", "I am out of the office until Tuesday.")
        mail["Auto-Submitted"] = "auto-replied"
        return mail

    def _bounce(self, at: datetime) -> EmailMessage:
        sender = "Mail Delivery System <mailer-daemon@mx.example>"
        mail = self._mail(at, sender, "Undelivered Mail Returned to Sender", "550 5.1.1 user unknown")
        mail["Auto-Submitted"] = "auto-replied"
        return mail

    def _stranger(self, at: datetime) -> EmailMessage:
        sender = self._random.choice(self._words["strangers"])
        return self._mail(at, sender, "Can you help me?", "I found your address on the web. Who is in charge?")

    def _vip(self, at: datetime) -> EmailMessage:
        return self._mail(at, VIP, "Please pay this today", "It has to be done before noon. Tell nobody.", "fail")

    def _bank(self, at: datetime) -> EmailMessage:
        sender = self._random.choice(self._words["people"][:14])
        text = "Our bank account has changed. From now on please pay to\nDE89 3704 0044 0532 0130 00 only."
        return self._mail(at, sender, "New bank details", text)

    def _unproven(self, at: datetime) -> EmailMessage:
        sender = self._random.choice(self._words["people"][:14])
        subject = f"Invoice 2026-{self._random.randint(100, 400)}"
        return self._mail(at, sender, subject, "Please find it attached.", "fail")

    def _mail(self, at: datetime, sender: str, subject: str, text: str, dmarc: str = "pass") -> EmailMessage:
        """A mail as our server got it."""
        self._number += 1
        domain = parseaddr(sender)[1].rpartition("@")[2]
        mail = EmailMessage()
        said = f"from mail.{domain} by mx.example.com with ESMTPS for <help@example.com>; {format_datetime(at)}"
        mail["Received"] = said
        mail["Authentication-Results"] = f"mx.example.com; dmarc={dmarc} header.from={domain}"
        mail["From"], mail["Subject"] = sender, subject
        mail["To"] = "support@example.com" if self._random.random() < 0.3 else "help@example.com"
        mail["Date"], mail["Message-ID"] = format_datetime(at), f"<month.{self._number}@{domain}>"
        mail.set_content(text)
        return mail

    def _put(self, mail: EmailMessage, at: datetime) -> str:
        """Put a mail where it is read from; gives the name of that mailbox."""
        box = "support" if mail["To"] == "support@example.com" else "system"
        place = self._folder / "mail" / box / "new" / f"{at.timestamp():.0f}.{self._number}.month"
        place.write_bytes(mail.as_bytes())
        os.utime(place, (at.timestamp(), at.timestamp()))
        return box

    # ── what colleagues do ────────────────────────────────────────────────────────────────────────────────────

    def _acts(self, until: datetime) -> None:
        while self._later and self._later[0][0] < until:
            at, _, act = heapq.heappop(self._later)
            self._clock.at = at
            try:
                act()
            except (Refused, NotFound):
                continue  # it was closed, or decided, meanwhile

    def _soon(self, at: datetime, hours: float, act: Act) -> None:
        """Let a colleague do something later, by day."""
        when = at + timedelta(hours=self._random.uniform(0.3, hours))
        if not 8 <= when.hour < 18:
            when = (when + timedelta(hours=14)).replace(hour=self._random.randint(8, 16))
        heapq.heappush(self._later, (when, self._number * 10 + len(self._later) % 10, act))

    def _follow(self, line: Line, at: datetime) -> None:
        """What comes of a mail."""
        chance, who = self._random.random(), self._random.choice(("anna", "bob"))
        if line.outcome is Outcome.CREATED and chance < 0.8:
            number, words = line.item, self._random.choice(self._words["answers"])
            self._soon(at, 20, lambda: self._answer(number, words, who, close=chance < 0.4))
            if 0.4 <= chance < 0.7:
                self._soon(at, 96, lambda: self._close(number, who))
        elif line.outcome is Outcome.HELD and chance < 0.85:
            reason = self._random.choice(REASONS)
            self._soon(at, 40, lambda: self._decide(line.mail, who, reason, chance))

    def _answer(self, number: int, words: str, who: str, *, close: bool) -> None:
        items.answer(self._engine, number, words, self._how(who), close=close)

    def _close(self, number: int, who: str) -> None:
        items.close(self._engine, number, self._how(who))

    def _decide(self, mail: str, who: str, reason: str, chance: float) -> None:
        (row,) = held.chosen(self._engine.store, [mail])
        if chance < 0.35:
            list(held.release(self._engine, [row], who, reason))
        elif chance < 0.6:
            held.reject(self._engine, row, who, reason)
        else:
            held.discard(self._engine.config, self._engine.store, row, who, reason)

    def _how(self, who: str) -> How:
        return How(items.whoever(self._engine, who, ""), via="console")


def accounts(words: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Give the people of the month who have accounts: login, name, address."""
    for each in words["people"]:
        name, address = parseaddr(each)
        if not address.endswith(("@example.com", "jane@mail.bigcorp.example")):
            yield address.partition("@")[0].replace(".", "-"), name, address
