"""Do the names in rules and settings exist? The database knows people, groups, values and fields of admins.

Here: `Names`, which judges what rules name (W443-W446), with suggestions. Not here: finding the words in a rule file
(`rules/doubts.py`), settings (`setting_names.py`), what a decision makes of a wrong name (`item/values.py`).
Invariant: only looks; a value is judged as it is when a mail is decided, and is doubted only where no workspace that
the mail can reach takes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from engine.config import SecretError
from engine.item.catalog import canonical, offered
from engine.item.values import custom, judge
from engine.model.desk import GROUP, TURN
from engine.model.questions import GroupNamed, PersonNamed
from engine.run.engine import Engine
from engine.sources.source import raw_mail
from engine.store.errors import StoreError
from engine.store.place import there
from engine.store.store import Store
from rules.doubts import Doubt
from rules.near import near_names
from rules.syntax import Action, Kind, Literal

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.desk import Catalog
    from rules.run import RuleFile

NEAR = 0.85
"""How much a name has to look like one that exists, to be taken for it misspelt."""

_FREE = ("title", "description")
"""What `set` knows beside the fields of an item."""


@contextmanager
def opened(config: Config) -> Iterator[Names]:
    """Open the database of a configuration and give its names; those of an empty one where it does not open."""
    with ExitStack() as stack:
        try:
            where = config.store.where
            found = Names(config, stack.enter_context(Store.open(where if there(where) else ":memory:")))
        except (StoreError, SecretError):
            found = Names(config, stack.enter_context(Store.open(":memory:")))
        yield found


class Names:
    """The names of one installation: its configuration, its database and, for templates, its folders.

    Where the database holds no workspace yet, nobody and no value is doubted. With `seen` a hint names what belongs to
    these workspaces only, and neither people nor groups.
    """

    def __init__(self, config: Config, store: Store, seen: frozenset[str] | None = None) -> None:
        self.config, self.store, self.seen = config, store, seen
        self.catalogs: dict[str, Catalog] = {each.workspace: each for each in store.items.workspaces()}
        self.common = config.settings().items.fields
        self.look = Engine(config, store).look(raw_mail("", "", b"", datetime.now(UTC)))

    @property
    def empty(self) -> bool:
        """Tell whether nothing was loaded yet."""
        return not self.catalogs

    @cached_property
    def people(self) -> tuple[str, ...]:
        """Every login, and the groups as people write them."""
        return (*(each.login for each in self.store.directory.accounts()), *self.groups)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The names of all groups."""
        return tuple(name for name, _ in self.store.directory.groups())

    @cached_property
    def own_fields(self) -> tuple[str, ...]:
        """The fields that admins added, in any workspace."""
        return tuple(dict.fromkeys(each.name for catalog in self.catalogs.values() for each in catalog.fields))

    def is_own(self, name: str) -> bool:
        """Tell whether an admin added a field of this name."""
        return any(custom(name, catalog) is not None for catalog in self.catalogs.values())

    # ── rules ─────────────────────────────────────────────────────────────────────────────────────────────────

    def action(self, file: RuleFile, action: Action) -> Iterator[Doubt]:
        """Doubt what an action names."""
        match action.name, [_fixed(each) for each in action.arguments]:
            case "set", [_, value]:
                yield from self._set(file, action.arguments[0].source, value)
            case "assign_to", [who]:
                yield from self._value(file, "assigned_to", who, 0)
            case "assign_to_group", [group]:
                yield from self._value(file, "assigned_to", group and GROUP + group, 0)
            case "assign_by_turn", [group]:
                yield from self._value(file, "assigned_to", group and TURN + group, 0)
            case "notify", [who]:
                if "@" not in who and not self.look.ask(GroupNamed(who)):
                    yield from self._person(who)
            case "add_person", [who, _]:
                yield from self._person(who)
            case "thread_by", [field, _]:
                yield from self._field(field)
            case "reply_with", [name]:
                yield from self._template(file, name)

    def condition(self, file: RuleFile, field: str, text: str) -> Iterator[Doubt]:
        """Doubt what a field of the mail or of the item answered is compared with."""
        known: Iterable[str]
        hinted: Iterable[str]
        if field == "thread.status":
            known = [status.name for catalog in self.catalogs.values() for status in catalog.statuses]
            hinted = [status.name for catalog in self._shown(self.catalogs.values()) for status in catalog.statuses]
        elif field in ("workspace", "thread.workspace"):
            known = (*self.catalogs, *self.config.workspaces)
            hinted = self._of_seen(known)
        elif field == "mailbox":
            known = ("system", *self.config.workspaces)
            hinted = self._of_seen(known)
        elif field == "sender.groups":
            known, hinted = self.groups, self.groups if self.seen is None else ()
        else:
            return
        known = tuple(dict.fromkeys(known))
        if not self.empty and text.casefold() not in map(str.casefold, known):
            yield Doubt("W444", f'this is never so: {field} cannot be "{text}"', suggestion(text, hinted))

    def _set(self, file: RuleFile, target: str, value: str) -> Iterator[Doubt]:
        name = canonical(target, self.common)
        if name in self.common.by_name:
            yield from self._value(file, name, value, 1)
        elif self.is_own(target):
            yield from self._value(file, target, value, 1)
        elif name not in _FREE:
            yield from self._field(target)

    def _field(self, name: str) -> Iterator[Doubt]:
        """A name that is nearly a field's; one that is like none may be a field that only rules know."""
        known = (*self.own_fields, *self.common.by_name)
        is_one = self.is_own(name) or canonical(name, self.common) in self.common.by_name
        if not is_one and near_names(name, known, 1, NEAR):
            yield Doubt("W445", f'no item has a field called "{name}"', suggestion(name, known))

    def _value(self, file: RuleFile, name: str, value: str, argument: int) -> Iterator[Doubt]:
        """A value of a field: somebody, or one of the workspaces' lists."""
        if not value:
            return
        places = [each for each in self._reach(file) if name in self.common.by_name or custom(name, each)]
        problems = [judge(name, value, each, self.look, self.common).problem for each in places]
        if not problems or not all(problems):
            return
        if self._kind(name, places) == "user":
            yield self._nobody(value.removeprefix(GROUP).removeprefix(TURN), problems[0], argument)
        else:
            shown = ", ".join(each.workspace for each in places)
            yield Doubt("W444", f"{problems[0]}: {shown}", self.near_value(name, value, self._shown(places)), argument)

    def _template(self, file: RuleFile, name: str) -> Iterator[Doubt]:
        from engine.outbox.templates import NAMES, Templates

        folders = {place: self.config.settings(place).replies.directory for place in ("", *self._routed(file))}
        made = [Templates(folder, self.config.instance.language, place) for place, folder in folders.items()]
        if name and not any(each.exists(name) for each in made):
            there = [folders[place] for place in ("", *self._of_seen(self._routed(file)))]
            files = {path.name.split(".")[0] for folder in there for path in folder.glob("**/*.txt")}
            said = f'there is no template called "{name}"'
            yield Doubt("W446", said, suggestion(name, (*NAMES, *files)))

    # ── what exists ───────────────────────────────────────────────────────────────────────────────────────────

    def _routed(self, file: RuleFile) -> tuple[str, ...]:
        """The workspaces that mail of a file can end in: of the system file all, else its own and those it names."""
        if not file.place:
            return tuple(dict.fromkeys((*self.config.workspaces, *self.catalogs)))
        steps = [ready.step for rule in file.rules for ready in rule.steps]
        if any(step.spec.name == "route_to_system" for step in steps):
            return tuple(dict.fromkeys((file.place, *self.config.workspaces, *self.catalogs)))
        named = [step.texts[0].constant for step in steps if step.spec.name == "route_to_workspace"]
        return (file.place, *(name for name in named if name))

    def _of_seen(self, workspaces: Iterable[str]) -> tuple[str, ...]:
        return tuple([each for each in workspaces if self.seen is None or each in self.seen])

    def _shown(self, catalogs: Iterable[Catalog]) -> list[Catalog]:
        return [each for each in catalogs if self.seen is None or each.workspace in self.seen]

    def _reach(self, file: RuleFile) -> list[Catalog]:
        return [self.catalogs[name] for name in self._routed(file) if name in self.catalogs]

    def _kind(self, name: str, places: list[Catalog]) -> str:
        if (common := self.common.by_name.get(name)) is not None:
            return common.kind
        own = custom(name, places[0])
        return own.kind if own is not None else "text"

    def near_value(self, name: str, value: str, places: Iterable[Catalog]) -> str:
        """A hint at the value that was meant, of those that a field may hold in these workspaces."""
        known: dict[str, None] = {}
        for catalog in places:
            if (common := self.common.by_name.get(name)) is not None:
                known |= dict.fromkeys(offered(common, catalog))
            elif (own := custom(name, catalog)) is not None:
                known |= dict.fromkeys(own.values or (catalog.versions if own.kind == "version" else ()))
        return suggestion(value, tuple(known))

    def _person(self, who: str) -> Iterator[Doubt]:
        if who and not self.empty and self.look.ask(PersonNamed(who)) is None:
            yield self._nobody(who, f'nobody here is called "{who}"')

    def _nobody(self, who: str, said: str, argument: int = 0) -> Doubt:
        near = suggestion(who, self.people, shown=False) if self.seen is None else ""
        help = near or "allegra user list shows who is here"
        return Doubt("W443", said, help, argument)


def _fixed(literal: Literal) -> str:
    """A text that is the same for every mail; "" for other values and for texts with a placeholder."""
    return "" if literal.kind is not Kind.TEXT or set(literal.source) & set("{}") else literal.source


def suggestion(word: str, known: Iterable[str], *, shown: bool = True) -> str:
    """A hint at the name that was meant; where none is near, the names there are."""
    names = tuple(dict.fromkeys(known))
    folded = {name.casefold(): name for name in names}
    if near := near_names(word.casefold(), folded, 1):
        return f"did you mean  {folded[near[0]]} ?"
    return f"there are: {', '.join(names[:8])}{' …' if len(names) > 8 else ''}" if shown and names else ""
