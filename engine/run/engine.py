"""The engine: a configuration, a store, and all that deciding one mail needs, made when it is first asked for.

Here: `Engine`, which decides. Not here: who answers the questions of a decision (`world.py`), what happens to one
(`process.py`), how it is made (`decision/`).
Invariant: nothing here changes a mail, a receipt or an item; run, explain, replay and the workbench decide with it.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from engine.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from engine.config import Config
    from engine.decision.case import Case, Each
    from engine.decision.pipeline import Pipeline
    from engine.lookups import Recorder
    from engine.model.mail import RawMail
    from engine.model.stored import Spooled
    from engine.ports import Teller
    from engine.rulebook.book import Rulebook
    from engine.run.directories import Directories
    from engine.run.world import InHand, World
    from engine.scripts.memory import Memory
    from engine.scripts.scripts import Scripts
    from engine.store.store import Store


class Engine(Struct, eq=False, dict=True):
    """A configuration, a store and all that deciding needs, made when first asked for.

    `rules_directory` takes the rule files of the same names from another folder. `server_tells`: the mail server tells
    senders of refused mail (`deliver --bounce`), so no rejection of our own is sent.
    """

    config: Config
    store: Store
    rules_directory: Path | None = None
    stop: Stop = field(default_factory=Stop)
    server_tells: bool = False

    @cached_property
    def book(self) -> Rulebook:
        """The rules as they stand on disk now."""
        from engine.rulebook.book import load_rules

        return load_rules(self.config, self.rules_directory)

    @cached_property
    def pipeline(self) -> Pipeline:
        """The stages with these rules; broken rule files become problems of stage `config`."""
        from engine.decision.pipeline import build

        self.unkept.update(self.book.rules.texts())
        return build(self.config, self.book)

    @cached_property
    def teller(self) -> Teller:
        """Says who hears of what happened, and signs what is sent, so that a reply finds its item."""
        from engine.decision.hearing import Hearing

        return Hearing(self.config)

    @cached_property
    def scripts(self) -> Scripts:
        """The sandbox with the scripts of `[hooks]`."""
        from engine.scripts.scripts import Scripts

        return Scripts(self.config)

    @cached_property
    def memory(self) -> Memory:
        """What is noted of scripts from run to run: a `Live` world writes there."""
        from engine.scripts.memory import Memory

        return Memory(self.scripts.ledger)

    @cached_property
    def directories(self) -> Directories:
        """Where people are looked up who have no account."""
        from engine.run.directories import Directories

        return Directories(self.config, self.store)

    @cached_property
    def unkept(self) -> dict[str, str]:
        """Texts of rule files by digest that no commit has kept yet."""
        return {}

    def batch_over(self) -> None:
        """Hear that no mail of a batch is under way any more."""
        if "scripts" in self.__dict__:
            self.scripts.batch_over()

    def switched_off(self) -> list[tuple[str, str]]:
        """Give the scripts that were switched off since this was asked last, each with why."""
        return self.memory.switched_off() if "memory" in self.__dict__ else []

    def close(self) -> None:
        """Stop the sandbox, if it was started, and write down what scripts did; let go of directories."""
        if "memory" in self.__dict__:
            self.memory.close()
        if "scripts" in self.__dict__:
            self.scripts.close()
        if "directories" in self.__dict__:
            self.directories.close()

    def look(
        self, raw: RawMail, mail: str = "", recorded: dict[tuple[Any, ...], Any] | None = None,
        world: type[World] | None = None, in_hand: InHand | None = None,
    ) -> Recorder:  # fmt: skip
        """Open the door to the world for one decision; the clock stands at the time the mail was received."""
        from engine.lookups import Recorder
        from engine.run.world import World

        asked = (world or World)(self, raw.content, raw.received_at, mail, in_hand)
        return Recorder(asked, raw.received_at, recorded)

    def looking(self) -> Recorder:
        """Open the door to the world where there is no mail: for what a person does."""
        from engine.lookups import Recorder
        from engine.run.world import World

        now = self.store.database.clock()
        return Recorder(World(self, b"", now, "", None), now)

    def decide(
        self, batch: Sequence[Spooled], world: type[World] | None = None, each: Each | None = None,
        patience_s: float = 0.0,
    ) -> Sequence[Case]:  # fmt: skip
        """Decide about spooled mails; gives the cases that came to the end, numbered by their place in the batch.

        From its second attempt on, the bytes of a mail are read in a process apart, from its third only those of its
        header: what breaks the reader still becomes an item, with the original attached. Mails whose scripts have not
        answered after `patience_s`, counted for all of them together, are `slow`.
        """
        from engine.decision.case import Case, one_by_one
        from engine.run.world import InHand

        versions, in_hand = self.store.versions(), InHand(patience_s)
        cases = [
            Case(
                spooled.raw, self.look(spooled.raw, spooled.mail, world=world, in_hand=in_hand), spooled.release,
                versions=versions, number=number, apart=spooled.attempts > 1,
                bare=spooled.attempts > 2,
            )
            for number, spooled in enumerate(batch)
        ]  # fmt: skip
        return self.pipeline.decide(cases, each or one_by_one)

    def rule_text(self, digest: str) -> str:
        """Give the text of a rule file by its digest: one kept with traces or in force now, "" if it is neither."""
        return self.store.archive.text(digest) or dict(self.book.rules.texts()).get(digest, "")

    def keep(self, now: datetime) -> None:
        """Store what deciding learned: the texts of the rule files once, by hash, which `explain` prints traces with;
        what directories said, and which of them are away. Not in a rehearsal.
        """
        if self.store.is_rehearsing:
            return
        for digest, text in self.unkept.items():
            self.store.archive.keep_text(digest, text)
        if "directories" in self.__dict__:
            self.directories.keep(now)

    def kept(self) -> None:
        """Hear that their transaction is committed; what was parsed of the rules is kept for the next run."""
        if self.store.is_rehearsing:
            return
        if "directories" in self.__dict__:
            self.directories.kept()
        if self.unkept:
            from engine.rulebook import sentences

            sentences.keep(self.config, self.book.rules.files.values())
            self.unkept.clear()
