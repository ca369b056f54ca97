"""What rules can say about mail: every field, every action, every field of an item that `set` knows.

Here: one table (what it asks of a mail stands in `sight.py`, what it sets of an item in `model/fields.py`, words of a
host in `Config.extra`), which drives checking, evaluation, `rules fields`, `rules actions`, completion and the
documentation.
Not here: the language (`rules/`), or performing actions (`stages/route.py`).
Invariant: what is not declared here cannot be said in a rule file.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from functools import cached_property
from typing import TYPE_CHECKING

from engine.model.facts import Facts
from engine.model.fields import COMMON, KINDS, ItemFields
from engine.model.gates import SKIPPABLE
from engine.model.mail import Mail
from engine.rulebook.sight import FIELDS, KEYED, Sight
from rules.schema import ActionSpec, Field, Schema, Setting, Slot, Values

if TYPE_CHECKING:
    from engine.config import Config
    from engine.model.extra import RuleAction

# ── the actions ───────────────────────────────────────────────────────────────────────────────────────────────

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "route_to_workspace",
        'route to workspace "..."',
        Slot.DESTINATION,
        "move the mail there; that workspace's rules are read next",
        names=("workspace",),
    ),
    ActionSpec("route_to_system", "route to system", Slot.DESTINATION, "give the mail to the system rules"),
    ActionSpec(
        "reject",
        'reject with "..."',
        Slot.DESTINATION,
        "refuse the mail and tell the sender this, if that is allowed",
        settles=True,
    ),
    ActionSpec("discard", 'discard because "..."', Slot.DESTINATION, "drop the mail; nobody is told", settles=True),
    ActionSpec("hold", 'hold because "..."', Slot.DESTINATION, "keep the mail for a person to decide", settles=True),
    ActionSpec(
        "set",
        'set priority "..."',
        Slot.FIELD,
        'set a field of the item; custom fields in quotes: set "PO number" to "{po}"',
    ),
    ActionSpec("assign_to", 'assign to "..."', Slot.ASSIGNEE, "give the item to a person, by login or address"),
    ActionSpec("assign_to_group", 'assign to group "..."', Slot.ASSIGNEE, "give the item to a group"),
    ActionSpec(
        "assign_by_turn",
        'assign to group "..." by turn',
        Slot.ASSIGNEE,
        "give it to the next of the people in a group; who of them has it keeps it",
    ),
    ActionSpec("add_label", 'add label "..."', Slot.LIST, "put a label on the item"),
    ActionSpec("add_cc", "add cc as watcher", Slot.LIST, "people in Cc become reader, editor or watcher"),
    ActionSpec("add_to", "add to as watcher", Slot.LIST, "other people in To become reader, editor or watcher"),
    ActionSpec(
        "add_person",
        'add "..." as watcher',
        Slot.LIST,
        "a person, by login or address, becomes reader, editor or watcher",
    ),
    ActionSpec(
        "thread_by", 'thread by "field" = "..."', Slot.THREAD, "the mail belongs to the item whose field holds this"
    ),
    ActionSpec("start_new_item", "start new item", Slot.THREAD, "do not add to the item answered, make a new one"),
    ActionSpec(
        "original_sender",
        "set author to original sender",
        Slot.AUTHOR,
        "who wrote the mail that is forwarded becomes the author; system file only, for forwarders you trust",
        privileged=True,
    ),
    ActionSpec(
        "reply_with",
        'reply with template "..."',
        Slot.REPLY,
        "in place of the usual acknowledgement",
        names=("template",),
    ),
    ActionSpec("no_reply", "no reply", Slot.REPLY, "send no acknowledgement"),
    ActionSpec(
        "forward_to", 'forward to "..."', Slot.LIST, "send the mail on to an address; system file only", privileged=True
    ),
    ActionSpec("notify", 'notify "..."', Slot.LIST, "tell a person, or everybody in a group, about the item"),
    ActionSpec(
        "drop_attachments",
        'drop attachments like "..."',
        Slot.LIST,
        "leave out attachments by name; * and ? are wildcards",
    ),
    ActionSpec(
        "skip_gate",
        'skip gate "..." because "..."',
        Slot.LIST,
        "open a gate for this mail; system file only, and only gates in rules.may_skip_gates",
        privileged=True,
        names=("gate", ""),
    ),
    ActionSpec(
        "run_hook",
        'run hook "..."',
        Slot.LIST,
        "run this script of hooks.directory as an activity script",
        names=("hook",),
    ),
    ActionSpec(
        "do",
        'do "..." with "..."',
        Slot.LIST,
        "an action of the program that holds the engine (docs/library.md); with or without a text",
        names=("action", ""),
    ),
    ActionSpec("stop", "stop", Slot.FLOW, "read no further rule of this file"),
    ActionSpec("continue_", "continue", Slot.FLOW, "go on with the next rule although this one has a destination"),
)


def settings(common: ItemFields = COMMON) -> tuple[Setting, ...]:
    """The fields of an item that `set` knows."""
    kinds = ((field, KINDS[field.kind]) for field in common.set_by("rule"))
    return tuple(Setting(field.name, kind.rules, field.about, field.aliases, kind.most) for field, kind in kinds)


def own_action(action: RuleAction) -> ActionSpec:
    """How an action of a host is listed."""
    return ActionSpec("do", f'do "{action.name}"', Slot.LIST, action.about)


class Vocabulary:
    """The vocabulary of one configuration: its limits, its names, its time zone."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @cached_property
    def zone(self) -> tzinfo:
        """The instance's time zone."""
        from zoneinfo import ZoneInfo

        return ZoneInfo(self._config.instance.timezone)

    @cached_property
    def schema(self) -> Schema:
        """What rule files of this configuration may say."""
        from engine.rulebook.extra import checked, guarded

        config = self._config
        extra = checked(config.extra, {each.name for each in FIELDS} | KEYED.keys())
        known = {"gate": frozenset(SKIPPABLE), "action": frozenset(each.name for each in extra.actions)}
        if config.hooks.directory.is_dir():
            scripts = sorted(config.hooks.directory.glob("*.py"))
            known["hook"] = frozenset(name for script in scripts for name in (script.stem, script.name))
        return declared(
            known,
            frozenset(config.rules.may_skip_gates),
            config.settings().gates.maximum_email_size,
            config.rules.regex_text_limit,
            tuple(map(guarded, extra.fields)),
            config.settings().items.fields,
        )

    def values(self, mail: Mail, facts: Facts) -> Values:
        """The snapshot that rules read."""
        return Values(self.schema, Sight(mail, facts, self.zone), self.zone)


def declared(
    known: Mapping[str, frozenset[str]] | None = None,
    may_skip_gates: frozenset[str] | None = None,
    max_size_bytes: int = 0,
    text_limit: int = 64 * 1024,
    more: tuple[Field, ...] = (),
    common: ItemFields = COMMON,
) -> Schema:
    """Make a schema of this vocabulary and `more` fields; names that are not `known` are not checked."""
    return Schema(
        fields={each.name: each for each in (*FIELDS, *more)},
        actions={each.name: each for each in ACTIONS},
        settings={each.name: each for each in settings(common)},
        known=dict(known or {"gate": frozenset(SKIPPABLE)}),
        may_skip_gates=may_skip_gates,
        max_size_bytes=max_size_bytes,
        text_limit=text_limit,
        keyed=KEYED,
    )
