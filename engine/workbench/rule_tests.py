"""The [[test]]s beside the rules: small mails, decided by the route stage, compared with what is expected.

Here: building the mail of a test, running it; which conditions the tests exercise. Not here: saying what went wrong
(`rule_verdicts.py`), the commands (`cli/rules_tested.py`).
Invariant: a test goes the way of a real mail, through `Route`; it sees one rule file and an empty world.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from engine.model.answers import Found
from engine.model.desk import Account, ItemFacts
from engine.model.draft import Draft
from engine.model.extra import ExtraError
from engine.model.facts import Authentication, Auto, Automatic, Cut, Facts, Sender, Thread, Way
from engine.model.mail import Address, Attachment, Header, Mail, Origin, Part, RawMail
from engine.model.questions import A, GroupNamed, PersonNamed, Question
from engine.rulebook.sight import Sight
from engine.stages.route import Route
from engine.workbench.rule_coverage import Coverage
from engine.workbench.rule_verdicts import verdict
from rules.cases import Given, given
from rules.run import RuleFile, Ruleset
from rules.schema import Schema, Values

if TYPE_CHECKING:
    from engine.config import Config
    from engine.rulebook.actions import Vocabulary
    from rules.tested import RawTest

RECEIVED = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
"""When a test mail arrives unless it says otherwise: a Thursday morning."""

Fetch = Callable[[str], tuple[Mail, Facts] | None]
"""Gives a mail and its facts by file name or mail id, None if there is no such mail."""


class Result(Struct, frozen=True):
    """What a test showed. `lines` say what went wrong, empty if nothing did."""

    test: RawTest
    lines: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.lines


class Runner:
    """Runs the tests of one file."""

    def __init__(self, config: Config, vocabulary: Vocabulary, file: RuleFile, fetch: Fetch) -> None:
        self._config = config
        self._vocabulary = vocabulary
        self._file = file
        self._fetch = fetch
        self._route = Route(config, Ruleset({file.place: file}), vocabulary)
        self.coverage = Coverage()

    def run(self) -> Iterator[Result]:
        """Run all tests, in the order of the file."""
        for test in self._file.tests:
            yield self._one(test)

    def _one(self, test: RawTest) -> Result:
        found = self._case(test)
        if found is None:
            return Result(test, (f"there is no mail {test.mail!r}",))
        mail, facts, values = found
        look = Nobody(mail.raw.received_at)
        try:
            self.coverage.note(self._file, values)
            draft = self._route.follow(values, mail, facts, Draft(workspace=facts.workspace), look)
        except ExtraError as broken:
            return Result(test, (str(broken),))
        return Result(test, tuple(verdict(test, draft, self._file, values)))

    def _case(self, test: RawTest) -> tuple[Mail, Facts, Values] | None:
        if isinstance(test.mail, str):
            fetched = self._fetch(test.mail)
            if fetched is None:
                return None
            mail, facts = fetched
            place = self._file.place
            facts = replace(facts, mailbox=place or "system", workspace=place)
            return mail, facts, self._vocabulary.values(mail, facts)
        return built(test.mail, self._vocabulary.schema, self._file.place, self._vocabulary)


# ── the mail of a test ────────────────────────────────────────────────────────────────────────────────────────


def built(table: Mapping[str, Any], schema: Schema, place: str, vocabulary: Vocabulary) -> tuple[Mail, Facts, Values]:
    """Build a mail around the fields that a test names. Raises: rules.cases.BadCase."""
    fields = {each.field.name: each for each in given(table, schema)}
    received = fields["received"].value if "received" in fields else RECEIVED
    received = received if received.tzinfo else received.replace(tzinfo=vocabulary.zone)
    mail = _mail(fields, received)
    facts = _facts(fields, mail, place, received)
    values = Values(schema, Sight(mail, facts, vocabulary.zone), vocabulary.zone)
    for each in fields.values():
        if each.field.name not in _BUILT:
            values[each.field.name] = each.value
    return mail, facts, values


_BUILT = frozenset({"from", "reply_to", "to", "cc", "delivered_to", "received", "date"})
"""Fields that the mail itself holds as it is built."""


def _address(text: str) -> Address:
    name, address = parseaddr(text)
    return Address(address or text, name)


def _value(fields: Mapping[str, Given], name: str, default: Any = None) -> Any:
    return fields[name].value if name in fields else default


def _mail(fields: Mapping[str, Given], received: datetime) -> Mail:
    subject, body = _value(fields, "subject", "Hello"), _value(fields, "body", _value(fields, "body.full", "Hello"))
    headers = [
        Header(each.key, text)
        for each in fields.values()
        if each.key is not None and each.field.name.startswith("headers[")
        for text in each.value
    ]
    written = _value(fields, "date", received)
    reply_to = _value(fields, "reply_to", "")
    types = _value(fields, "attachments.type", ())
    names = _value(fields, "attachments.name", tuple(f"file{n}" for n in range(1, len(types) + 1)))
    return Mail(
        RawMail(b"", Origin("test", ""), received.astimezone(UTC), ""),
        message_id=_value(fields, "message_id", "test@example.com"),
        date=written if written.tzinfo else written.replace(tzinfo=UTC),
        from_=(_address(_value(fields, "from", "someone@example.org")),),
        reply_to=(_address(reply_to),) if reply_to else (),
        to=tuple(map(_address, _value(fields, "to", ("help@example.com",)))),
        cc=tuple(map(_address, _value(fields, "cc", ()))),
        delivered_to=tuple(map(_address, _value(fields, "delivered_to", ()))),
        subject=subject,
        text=_value(fields, "body.full", body),
        headers=tuple(headers),
        attachments=tuple(_attachment(name, types[n] if n < len(types) else "") for n, name in enumerate(names)),
    )


def _attachment(name: str, content_type: str) -> Attachment:
    kind = content_type or "application/octet-stream"
    return Attachment(name, kind, kind, 1000, "", Part(kind, 0, 0))


_AUTO = {
    "auto": Auto.AUTO_GENERATED,
    "auto.list": Auto.MAILING_LIST,
    "auto.bounce": Auto.BOUNCE,
    "auto.reply": Auto.AUTO_REPLY,
}


def _facts(fields: Mapping[str, Given], mail: Mail, place: str, received: datetime) -> Facts:
    known = any(fields[name].value for name in ("sender.known", "sender.login", "sender.groups") if name in fields)
    account = Account(
        1, _value(fields, "sender.login", "someone"), mail.from_[0].name, (mail.from_[0].address,),
        groups=_value(fields, "sender.groups", ()),
    )  # fmt: skip
    kinds = [kind for name, kind in _AUTO.items() if _value(fields, name)]
    kind = kinds[-1] if kinds else Auto.NONE
    body = _value(fields, "body")
    return Facts(
        mailbox=place or "system",
        workspace=place,
        sender=Sender(mail.from_[0], account if known else None, Found.EXACT if known else Found.NOT),
        authentication=Authentication(**{name: _value(fields, f"auth.{name}", "none") for name in _METHODS}),
        automatic=Automatic(kind, _value(fields, "auto.reason", "")),
        thread=_thread(fields, place, received),
        cut=Cut(new=body if body is not None else mail.text),
        plus=_value(fields, "plus", ""),
        language=_value(fields, "lang", ""),
        sender_mails_last_hour=_value(fields, "sender.mails_last_hour", 1),
        spam_score=_value(fields, "spam.score"),
        spam_flag=_value(fields, "spam.flag", False),
    )


_METHODS = ("spf", "dkim", "dmarc", "arc")


def _thread(fields: Mapping[str, Given], place: str, received: datetime) -> Thread:
    """The item a test mail answers: any field of `thread` or `item` that is set makes one."""
    named = [each for name, each in fields.items() if name.startswith(("thread.", "item["))]
    if not any(each.value not in (False, None) for each in named):
        return Thread()
    closed_for, idle_for = _value(fields, "thread.closed_for"), _value(fields, "thread.idle_for")
    item = ItemFacts(
        int(_value(fields, "thread.item", 1)),
        _value(fields, "thread.workspace", place),
        status=_value(fields, "thread.status", ""),
        closed=bool(_value(fields, "thread.closed", closed_for is not None)),
        closed_at=received - timedelta(seconds=closed_for) if closed_for is not None else None,
        changed_at=received - timedelta(seconds=idle_for) if idle_for is not None else None,
        fields=tuple((each.key, each.value) for each in named if each.key is not None),
    )
    return Thread(item, Way(_value(fields, "thread.by", Way.TOKEN)), proven=True)


class Nobody(Struct, frozen=True):
    """A world for tests: whoever a rule names is there, senders are strangers, and nothing was here before."""

    now: datetime

    def ask(self, question: Question[A]) -> A:
        """Answer as one who knows those that rules name, and nothing else."""
        there = _THERE.get(type(question))
        return there(question) if there is not None else question.nothing()

    def foresee(self, question: Question[Any]) -> None:
        """Need no time for any answer."""

    def is_ready(self, question: Question[Any]) -> bool:
        """Answer at once."""
        return True


_THERE: Mapping[type[Question[Any]], Callable[[Any], Any]] = {
    PersonNamed: lambda who: Account(1, who.text, who.text, (who.text,) if "@" in who.text else ()),
    GroupNamed: lambda group: group.name,
}
