"""Taking turns: who of a group gets the next item (F073).

Here: `Turns`. Not here: when somebody takes one (`effects.py`). Invariant: it is found in the transaction that assigns
the item, so two processes never give two items to one person and none to the next; a rehearsal takes no turn.
"""

from __future__ import annotations

from engine.model.desk import GROUP, TURN, Account, AccountStatus
from engine.store import hot
from engine.store.database import Database
from engine.store.directory import Directory


class Turns:
    """Gives out turns."""

    def __init__(self, database: Database, directory: Directory) -> None:
        self._database, self._directory = database, directory

    def taken(self, value: str, held: str) -> str:
        """Name the next of the group that stands after `turn:` in a value of `assigned_to`.

        Who of them holds the item already keeps it; where nobody of them is active the group itself gets it.
        """
        name = value.removeprefix(TURN)
        people = self._people(name)
        if not people:
            return GROUP + name
        if held in [person.login for person in people]:
            return held
        key = name.strip().casefold()
        row = self._database.one(hot.TURN, key)
        last = row[0] if row is not None else 0
        taker = next((person for person in people if person.id > last), people[0])
        self._database.run(hot.TAKE_TURN, key, taker.id)
        return taker.login

    def _people(self, name: str) -> list[Account]:
        """The active people of a group, by the order in which they came."""
        numbers = self._database.rows(hot.IN_GROUP, name.strip().casefold())
        found = [self._directory.account_by_id(number) for (number,) in numbers]
        return [person for person in found if person is not None and person.status == AccountStatus.ACTIVE]
