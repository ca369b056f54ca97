"""The mail engine: it reads mail and turns it into work items.

Here: the door for programs, `open` and `parse`, and the types that a host needs (docs/library.md).
Not here: what stands behind it (`library.py`). What `__all__` does not name may change with any release.
Invariant: importing this imports nothing; a name is fetched when it is asked for (PEP 562).
"""

__version__ = "0.1.0"

__all__ = (
    "Action",
    "Address",
    "Attachment",
    "Busy",
    "ConfigError",
    "Decider",
    "Decision",
    "Desk",
    "Draft",
    "Envelope",
    "Explained",
    "Explanation",
    "Extra",
    "ExtraError",
    "Facts",
    "Field",
    "FieldChange",
    "Limits",
    "Line",
    "Listed",
    "Mail",
    "MailboxReport",
    "NotFound",
    "Origin",
    "Outcome",
    "Plan",
    "Problem",
    "RawMail",
    "RuleAction",
    "SecretError",
    "Settled",
    "Sight",
    "Source",
    "SourceError",
    "Stop",
    "StoreError",
    "Taken",
    "Trace",
    "Type",
    "Verdict",
    "__version__",
    "main",
    "open",
    "parse",
    "raw_mail",
)

TYPE_CHECKING = False  # importing typing for it would cost more than all of this

if TYPE_CHECKING:
    from engine.cli.main import main as main
    from engine.config.problems import ConfigError as ConfigError
    from engine.config.problems import SecretError as SecretError
    from engine.decision.pipeline import Decision as Decision
    from engine.explain.explained import Explained as Explained
    from engine.library import Desk as Desk
    from engine.library import Explanation as Explanation
    from engine.library import Taken as Taken
    from engine.library import open as open
    from engine.library import parse as parse
    from engine.model.draft import Decider as Decider
    from engine.model.draft import Draft as Draft
    from engine.model.draft import FieldChange as FieldChange
    from engine.model.draft import Verdict as Verdict
    from engine.model.extra import Extra as Extra
    from engine.model.extra import ExtraError as ExtraError
    from engine.model.extra import RuleAction as RuleAction
    from engine.model.facts import Facts as Facts
    from engine.model.mail import Address as Address
    from engine.model.mail import Attachment as Attachment
    from engine.model.mail import Envelope as Envelope
    from engine.model.mail import Mail as Mail
    from engine.model.mail import Origin as Origin
    from engine.model.mail import RawMail as RawMail
    from engine.model.plan import Outcome as Outcome
    from engine.model.plan import Plan as Plan
    from engine.model.trace import Trace as Trace
    from engine.rulebook.sight import Sight as Sight
    from engine.run.line import Line as Line
    from engine.run.passing import MailboxReport as MailboxReport
    from engine.sources.source import Action as Action
    from engine.sources.source import Limits as Limits
    from engine.sources.source import Listed as Listed
    from engine.sources.source import Settled as Settled
    from engine.sources.source import Source as Source
    from engine.sources.source import SourceError as SourceError
    from engine.sources.source import raw_mail as raw_mail
    from engine.stop import Stop as Stop
    from engine.store.errors import Busy as Busy
    from engine.store.errors import NotFound as NotFound
    from engine.store.errors import StoreError as StoreError
    from rules.problem import Problem as Problem
    from rules.schema import Field as Field
    from rules.schema import Type as Type
else:
    _HOMES = {
        "engine.cli.main": ("main",),
        "engine.config.problems": ("ConfigError", "SecretError"),
        "engine.decision.pipeline": ("Decision",),
        "engine.explain.explained": ("Explained",),
        "engine.library": ("Desk", "Explanation", "Taken", "open", "parse"),
        "engine.model.draft": ("Decider", "Draft", "FieldChange", "Verdict"),
        "engine.model.extra": ("Extra", "ExtraError", "RuleAction"),
        "engine.model.facts": ("Facts",),
        "engine.model.mail": ("Address", "Attachment", "Envelope", "Mail", "Origin", "RawMail"),
        "engine.model.plan": ("Outcome", "Plan"),
        "engine.model.trace": ("Trace",),
        "engine.rulebook.sight": ("Sight",),
        "engine.run.line": ("Line",),
        "engine.run.passing": ("MailboxReport",),
        "engine.sources.source": ("Action", "Limits", "Listed", "Settled", "Source", "SourceError", "raw_mail"),
        "engine.stop": ("Stop",),
        "engine.store.errors": ("Busy", "NotFound", "StoreError"),
        "rules.problem": ("Problem",),
        "rules.schema": ("Field", "Type"),
    }

    def __getattr__(name):
        """Give a name of `__all__`, importing where it lives."""
        for home, names in _HOMES.items():
            if name in names:
                import importlib

                found = globals()[name] = getattr(importlib.import_module(home), name)
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return [*__all__]
