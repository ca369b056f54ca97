"""Stage 3: the rule files along the way of a mail: which workspace, which fields, or an end at once.

Here: the chain of files (system, then workspaces), what each action does to the draft, and the question whether the
workspace reached holds this mail already. Not here: the language (`rules/`), its words (`engine/rulebook/actions.py`).
Invariant: a condition reads the mail, never what another rule did; a place is entered once, with at most
`rules.max_hops` moves; only reject, discard and hold settle, everything else is a proposal.
Over 300 lines: a method for each action of the language, beside the walk that asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec.structs import replace

from engine.gates import Findings, passed
from engine.item import keywords
from engine.mail.forwarded import original_sender
from engine.model.addresses import is_one_of
from engine.model.desk import GROUP, TURN, ItemFacts
from engine.model.draft import (
    READ,
    Decider,
    Draft,
    FieldChange,
    Mark,
    PersonChange,
    Reply,
    Role,
    Skip,
    Verdict,
    Who,
    note,
)
from engine.model.extra import MAY_CHANGE, ExtraError
from engine.model.facts import Facts
from engine.model.mail import Address, Mail
from engine.model.questions import EarlierMail, ItemByField, ItemByNumber, PersonNamed
from engine.rulebook.actions import Vocabulary
from rules.run import Act, Ledger, Ruleset, evaluate
from rules.trace import FileTrace

if TYPE_CHECKING:
    from engine.config import Config
    from engine.lookups import Lookups
    from rules.schema import Values

SYSTEM = ""

_VERDICTS = {"reject": Verdict.REJECT, "discard": Verdict.DISCARD, "hold": Verdict.HOLD}


class Route:
    """Read the rules, follow their routes."""

    name: ClassVar[str] = "route"

    def __init__(self, config: Config, rules: Ruleset, vocabulary: Vocabulary | None = None) -> None:
        self._config = config
        self._rules = rules
        self._vocabulary = vocabulary or Vocabulary(config)

    def decide(self, mail: Mail, facts: Facts, draft: Draft, look: Lookups) -> Draft:
        return self.follow(self._vocabulary.values(mail, facts), mail, facts, draft, look)

    def follow(self, values: Values, mail: Mail, facts: Facts, draft: Draft, look: Lookups) -> Draft:
        """Decide with a snapshot that somebody else took, as tests of rules do."""
        walk = Walk(self._config, self._rules, values, facts, draft, look)
        walk.go(SYSTEM if facts.mailbox == "system" else facts.workspace)
        draft = walk.draft()
        return draft if draft.disposition is not None else self._duplicate(mail, facts, draft, look)

    def _duplicate(self, mail: Mail, facts: Facts, draft: Draft, look: Lookups) -> Draft:
        """Ask whether the workspace holds this content already (30 days)."""
        if not draft.workspace or not mail.fingerprint:
            return draft
        verb = self._config.settings(draft.workspace).gates.duplicate
        earlier = look.ask(EarlierMail(draft.workspace, mail.fingerprint)) if verb != "off" else ""
        if not earlier:
            return draft
        found = Findings(self.name, facts, draft)
        because = note("route.duplicate", workspace=draft.workspace, mail=earlier)
        found.trip("duplicate", verb, "limits.duplicate", because)
        return found.draft()


class Walk:
    """One mail on its way through the files; collects what the draft will say."""

    def __init__(
        self, config: Config, rules: Ruleset, values: Values, facts: Facts, draft: Draft, look: Lookups
    ) -> None:
        self._config, self._rules, self._values, self._facts, self._look = config, rules, values, facts, look
        self._before, self._found = draft, Findings(Route.name, facts, draft)
        self._ledger = Ledger()
        self._day = values["received"].date()
        self._traces: list[FileTrace] = []
        self._visited: list[str] = []
        self._item: ItemFacts | None = facts.thread.item
        self._changes: dict[str, Any] = {}

    # ── the chain ─────────────────────────────────────────────────────────────────────────────────────────────

    def go(self, place: str) -> None:
        """Start at a place and follow the routes."""
        forced = self._forced()
        next_place: str | None = place if forced is None or place == SYSTEM else forced
        while next_place is not None:
            place = next_place
            self._visited.append(place)
            next_place = self._read(place, forced)

    def _forced(self) -> str | None:
        """Where a person who released the mail said it belongs."""
        released = self._facts.released
        if released is None:
            return None
        if released.item and (item := self._look.ask(ItemByNumber(released.item))) is not None:
            self._item = item
            return item.workspace
        return released.workspace or None

    def _read(self, place: str, forced: str | None) -> str | None:
        """Read the file of a place; gives where to go on, None if the mail stays or is settled."""
        destination: Act | None = None
        if place in self._rules.broken:
            because = note("route.broken", place=place, why=self._rules.broken[place])
            self._found.end(Verdict.DEFER, "rule.file_broken", because, Decider(Who.STAGE, Route.name))
            return None
        file = self._rules.files.get(place)
        if file is not None:
            evaluation = evaluate(file, self._values, self._facts.thread.item is not None, self._ledger, self._day)
            self._traces.append(evaluation.trace)
            self._told(evaluation.trace, len(file.rules))
            for act in evaluation.acts:
                perform = _PERFORM.get(act.name)
                if perform is not None:
                    perform(self, act)
            destination = evaluation.destination
        if destination is not None and destination.name in _VERDICTS:
            if self._end(destination):
                return None
            destination = None
        return self._next(place, destination, forced)

    def _next(self, place: str, destination: Act | None, forced: str | None) -> str | None:
        """Where the mail goes from here: by a rule, to the item it answers, where it asks, by default, or nowhere."""
        if forced is not None:
            target: str | None = forced if place == SYSTEM else None
        elif destination is not None:
            target = SYSTEM if destination.name == "route_to_system" else destination.texts[0]
        elif self._item is not None and self._item.workspace != place:
            target = self._item.workspace
        elif place == SYSTEM:
            target = self._asked_for() or self._config.system.default_workspace or None
        else:
            target = None
        if target is None or target == place:
            return None
        if target in self._visited or len(self._visited) > self._config.rules.max_hops:
            self._cut(target)
            home = self._config.system.default_workspace
            return home if place == SYSTEM and home and home not in self._visited else None
        self._ledger.decided.pop("assignee", None)  # whoever receives it may assign its own people
        if place != SYSTEM:
            self._changes.pop("assignee", None)
        if destination is not None:
            by = destination.rule
            self._found.note("route.routes", Mark.OK, "rule.route", number=by.number, rule=by.name, target=target)
        return target

    def _asked_for(self) -> str:
        """The workspace that the mail itself names: by a plus tag (F065), else by a `Project:` line (F064)."""
        config, tag = self._config, self._facts.plus.casefold()
        if tag:
            for name, workspace in config.workspaces.items():
                if tag in (each.casefold() for each in workspace.plus):
                    self._found.note("route.plus", tag=tag, workspace=name)
                    return name
        needed = not config.system.default_workspace
        settings, language = config.settings(""), config.instance.language
        named = keywords.named_workspace(
            self._facts.cut.new, self._facts, settings, language, config.workspaces, needed
        )
        if named:
            self._changes["by_keyword"] = True
            self._found.note("route.keyword", workspace=named)
        return named

    def _cut(self, target: str) -> None:
        kind = "route.visited" if target in self._visited else "route.max_hops"
        self._found.note(kind, Mark.WARN, "rule.cycle_cut", target=target, limit=self._config.rules.max_hops)

    def _told(self, trace: FileTrace, count: int) -> None:
        self._found.note(READ, file=trace.file, rules=count, matched=tuple([str(hit.rule) for hit in trace.hits]))
        if trace.cut:
            limit = self._config.rules.regex_text_limit
            self._found.note("route.text_cut", Mark.INFO, "rule.text_cut", fields=trace.cut, limit=limit)

    # ── ends ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _end(self, act: Act) -> bool:
        """Reject, discard or hold; False when a release passes it."""
        verdict, text, rule = _VERDICTS[act.name], act.texts[0], act.rule
        released = self._facts.released
        if verdict is Verdict.HOLD and released is not None:
            would = note("route.would_hold", text=text, number=rule.number, rule=rule.name, file=rule.file)
            self._found.add(passed(would, "rule.hold", released.by))
            return False
        if verdict is Verdict.REJECT:
            self._changes["reply"] = Reply("", text=text)
        because = note("route.ends", text=text, number=rule.number, rule=rule.name, file=rule.file)
        self._found.end(verdict, f"rule.{act.name}", because, self._by(act))
        return True

    def _by(self, act: Act) -> Decider:
        return Decider(Who.RULE, act.rule.name, act.rule.file, act.rule.line)

    def draft(self) -> Draft:
        """The draft as it is at the end of the way."""
        place = self._visited[-1]
        return self._found.draft(
            workspace=place or (self._before.workspace if self._facts.mailbox != "system" else ""),
            hops=tuple([visited or "system" for visited in self._visited]),
            item=self._item,
            rule_traces=(*self._before.rule_traces, *self._traces),
            **self._changes,
        )

    # ── actions ───────────────────────────────────────────────────────────────────────────────────────────────

    def _add(self, name: str, *new: Any) -> None:
        held: tuple[Any, ...] = self._changes.get(name, getattr(self._before, name))
        self._changes[name] = held + tuple(each for each in new if each not in held)

    def set(self, act: Act) -> None:
        """`set`: a field; `set assigned_to` is `assign to`."""
        change = FieldChange(act.target, act.value, self._by(act))
        if act.target == "assigned_to":
            self._changes["assignee"] = change
        else:
            self._add("fields", change)

    def assign(self, act: Act) -> None:
        """`assign to`, `assign to group`, with or without `by turn`."""
        kind = {"assign_to_group": GROUP, "assign_by_turn": TURN}.get(act.name, "")
        self._changes["assignee"] = FieldChange("assigned_to", kind + act.texts[0], self._by(act))

    def thread(self, act: Act) -> None:
        """`thread by`: another item than the one found, if a field of one holds the value."""
        name, value = act.texts
        self._changes["thread_by"] = (name, value)
        item = self._look.ask(ItemByField(name, value))
        if item is not None:
            self._item = item

    def start_new(self, act: Act) -> None:
        """`start new item`."""
        self._changes["start_new"] = True
        self._item = None

    def original_sender(self, act: Act) -> None:
        """`set author to original sender`: whom the forwarded mail names, read out of it."""
        found = original_sender(self._values.source.mail)
        if found is None or found.key in self._facts.own_addresses:
            self._found.note("route.no_original", Mark.WARN, number=act.rule.number, rule=act.rule.name)
            return
        self._changes["original"] = found

    def cc_role(self, act: Act) -> None:
        """`add cc as`."""
        self._changes.setdefault("cc_role", Role(act.texts[0]))

    def to_role(self, act: Act) -> None:
        """`add to as`: everybody in To who has an account and is not us."""
        mail: Mail = self._values.source.mail
        for address in mail.to:
            if is_one_of(address.key, self._facts.own_addresses):
                continue
            account = self._look.ask(PersonNamed(address.address))
            if account is not None:
                self._add("people", PersonChange(address, Role(act.texts[0]), account.login))

    def person(self, act: Act) -> None:
        """`add "…" as`: an account by login, address or name."""
        text, role = act.texts
        account = self._look.ask(PersonNamed(text))
        if account is None:
            self._found.note("route.nobody", Mark.WARN, number=act.rule.number, rule=act.rule.name, person=text)
            return
        address = Address(account.emails[0] if account.emails else "", account.name)
        self._add("people", PersonChange(address, Role(role), account.login))

    def skip(self, act: Act) -> None:
        """`skip gate`."""
        self._add("skips", Skip(act.texts[0], act.texts[1], self._by(act)))

    def reply(self, act: Act) -> None:
        """`reply with template`."""
        self._changes["reply"] = Reply(act.texts[0])

    def no_reply(self, act: Act) -> None:
        """`no reply`."""
        self._changes["no_reply"] = True

    def own(self, act: Act) -> None:
        """`do`: what the host of the engine made of it. Raises ExtraError where it breaks or does what it may not."""
        name, *text = act.texts
        action = next(each for each in self._config.extra.actions if each.name == name)
        before = replace(self._before, **self._changes)
        try:
            after = action.perform(before, "".join(text), self._by(act))
        except Exception as error:
            said = f'the action "{name}" broke: {type(error).__name__}: {error}'
            raise ExtraError(said.removesuffix(": ")) from error
        if not isinstance(after, Draft):
            raise ExtraError(f'the action "{name}" gave {type(after).__name__}: it has to give a Draft')
        changed = [each for each in Draft.__struct_fields__ if getattr(after, each) != getattr(before, each)]
        for each in changed:
            if each not in MAY_CHANGE:
                raise ExtraError(f'the action "{name}" changes {each}: it may change {", ".join(MAY_CHANGE)}')
            self._changes[each] = getattr(after, each)

    def collect(self, name: str, act: Act) -> None:
        """Actions that only add a text to a list."""
        self._add(name, act.texts[0])


def _collects(name: str) -> Callable[[Walk, Act], None]:
    return lambda walk, act: walk.collect(name, act)


_PERFORM: Mapping[str, Callable[[Walk, Act], None]] = {
    "set": Walk.set,
    "assign_to": Walk.assign,
    "assign_to_group": Walk.assign,
    "assign_by_turn": Walk.assign,
    "add_label": _collects("labels"),
    "add_cc": Walk.cc_role,
    "add_to": Walk.to_role,
    "add_person": Walk.person,
    "thread_by": Walk.thread,
    "start_new_item": Walk.start_new,
    "original_sender": Walk.original_sender,
    "reply_with": Walk.reply,
    "no_reply": Walk.no_reply,
    "forward_to": _collects("forwards"),
    "notify": _collects("notifies"),
    "drop_attachments": _collects("drop_names"),
    "skip_gate": Walk.skip,
    "run_hook": _collects("hooks"),
    "do": Walk.own,
}
"""What each action does; destinations and flow are not here, they steer the walk."""
