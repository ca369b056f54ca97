"""Where a person took part: what they wrote, the items and topics they are on, the mails that may hold their words.

Here: `TookPart`: finding rows. Not here: erasing any (`forgetting.py`, `unsaying.py`, `untelling.py`).
Invariant: what somebody else wrote is never taken for the person's, whoever's address a mail came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from engine.model.desk import AccountStatus
from engine.store import tables

if TYPE_CHECKING:
    from engine.store.database import Database
    from engine.store.named import Named

AT_ONCE = 500


class Conversations(msgspec.Struct):
    """Where a person took part.

    `items` are those they are on in any way, `spoken` those where they said something; `own`, `comments` and `posts`
    are their words, `mails` all that may hold any of them.
    """

    items: set[int]
    spoken: set[int]
    own: set[int]
    comments: set[int]
    topics: set[int]
    posts: set[int]
    mails: set[int]


class TookPart:
    """One person, by addresses, login and the number of an account (0 for none)."""

    def __init__(self, database: Database, named: Named, account: int) -> None:
        self._database, self._named, self._number = database, named, account

    def names(self) -> Iterator[str]:
        """The names under which they wrote, or were copied."""
        for table in (tables.Item, tables.Comment, tables.Post):
            for _, sender in self._written(table):
                yield sender.rpartition("<")[0]
        copy = tables.ItemCopy
        for name, key in self._database.all(copy.select(copy.name, copy.address_key).where(copy.name != "")):
            if self._named.is_theirs(key):
                yield name

    def _written(self, table: Any) -> Iterator[tuple[int, str]]:
        """The rows of a table with their sender, where that is this person."""
        query = table.select(table.id, table.sender).where(table.sender != "")
        near = [table.sender.contains(f"@{domain}") for _, domain in self._named.spellings if domain.isascii()]
        for condition in near:
            for number, sender in self._database.all(query.where(condition)):
                if self._named.is_theirs(sender):
                    yield number, sender

    def _by(self, table: Any) -> set[int]:
        """The rows of a table that are by this person: under the account, or with the address and no other account."""
        account, found = tables.Account, set()
        theirs = [number for number, _ in self._written(table)]
        guest = account.status == AccountStatus.GUEST
        for start in range(0, len(theirs), AT_ONCE):
            query = table.select(table.id).join(account, tables.JOIN.LEFT_OUTER)
            free = table.author.is_null() | guest
            here = query.where(table.id.in_(theirs[start : start + AT_ONCE]), free)
            found |= {number for (number,) in self._database.all(here)}
        if self._number:
            rows = self._database.all(table.select(table.id).where(table.author == self._number))
            found |= {number for (number,) in rows}
        return found

    def conversations(self) -> Conversations:
        comment, post, receipt = tables.Comment, tables.Post, tables.Receipt
        own, comments, posts, theirs = self._by(tables.Item), self._by(comment), self._by(post), self._mails()
        spoken = own | self.numbers(comment.item, comment.id, comments)
        spoken |= self.numbers(receipt.item, receipt.inbound, theirs)
        topics = self.numbers(post.topic, post.id, posts) | self.numbers(receipt.topic, receipt.inbound, theirs)
        mails = theirs | self._mentioned() | self.numbers(receipt.inbound, receipt.item, spoken)
        mails |= self.numbers(receipt.inbound, receipt.topic, topics)
        items = spoken | self._on()
        mails |= self._speaking(self.numbers(receipt.inbound, receipt.item, items) - mails)
        return Conversations(items, spoken, own, comments, topics, posts, self._same(mails))

    def _on(self) -> set[int]:
        """The items that they are on: with a role, as a copy, as the assignee."""
        person, copy, item = tables.ItemPerson, tables.ItemCopy, tables.Item
        found = {
            number for number, key in self._database.all(copy.select(copy.item, copy.address_key))
            if self._named.is_theirs(key)
        }  # fmt: skip
        if self._number:
            mine = person.select(person.item).where(person.account == self._number)
            assigned = item.select(item.id).where(item.assigned_to == self._named.login)
            found |= {number for query in (mine, assigned) for (number,) in self._database.all(query)}
        return found

    def _mails(self) -> set[int]:
        """The mails they sent."""
        inbound, found = tables.Inbound, set()
        for column in (inbound.sender, inbound.reverse_path):
            for _, domain in self._named.spellings:
                query = inbound.select(inbound.id, column).where(column.endswith(f"@{domain}"))
                found |= {number for number, text in self._database.all(query) if self._named.is_theirs(text)}
        return found

    def _mentioned(self) -> set[int]:
        """The mails whose bytes hold the address, whoever wrote them."""
        raw, inbound = tables.RawMail, tables.Inbound
        return self.numbers(inbound.id, inbound.raw, {*self._database.holding(raw.content, self._named.stand_in)})

    def _speaking(self, mails: set[int]) -> set[int]:
        """Those of these mails that speak of them; they are about items that the person is on."""
        inbound, raw, found = tables.Inbound, tables.RawMail, set()
        for mail in mails:
            query = inbound.select(raw.content).join(raw).where(inbound.id == mail, raw.content.is_null(False))
            if any(self._named.are_spoken_of(bytes(content)) for (content,) in self._database.all(query)):
                found.add(mail)
        return found

    def _same(self, mails: set[int]) -> set[int]:
        """These mails and those with the same bytes in other mailboxes."""
        inbound = tables.Inbound
        raws = self.numbers(inbound.raw, inbound.id, mails)
        return self.numbers(inbound.id, inbound.raw, raws)

    def numbers(self, wanted: Any, known: Any, among: Iterable[int]) -> set[int]:
        """The values of a column in the rows whose other column is one of these."""
        table, values, found = wanted.model, sorted(among), set()
        for start in range(0, len(values), AT_ONCE):
            query = table.select(wanted).where(known.in_(values[start : start + AT_ONCE]), wanted.is_null(False))
            found |= {number for (number,) in self._database.all(query.distinct())}
        return found
