"""How settings come down: from the top to a workspace, from the defaults to a mailbox.

Here: inheritance, and the law that a workspace may only make a gate stricter. Not here: what a gate does.
Invariant: without `gates_may_relax` no mail that the top level stops is let in by a workspace.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.config.gates import Antivirus, Gates, Rate
from engine.config.mailbox import APIS, PORTS, Mailbox
from engine.config.section import options
from engine.config.tidy import Finding

STRICTNESS = ("off", "warn", "default-title", "defer", "hold", "reject", "discard")
_LISTS = ("undesired_subject_patterns", "blocked_senders", "blocked_names", "blocked_bodies")
_TRUST = ("trusted_authserv_ids", "trusted_arc_sealers")
_VERBS = tuple(
    option.attribute
    for option in options(Gates).values()
    if isinstance(option.default, str) and option.default in STRICTNESS
)


def gates(top: Gates, own: Gates, may_relax: bool) -> Gates:
    """The gates of a workspace: its own over those of the top, pattern lists added up, both allow lists kept."""
    if not own.written:
        return top
    if may_relax:
        return top.under(own)
    added = {
        name: tuple(dict.fromkeys((*getattr(top, name), *getattr(own, name)))) for name in _LISTS if name in own.written
    }
    if "allowed_senders" in own.written:
        added["allowed_senders_above"] = top.allowed_senders
    return top.under(own).filled(**added)


def relaxations(top: Gates, own: Gates, identifier: str) -> Iterator[Finding]:
    """Each gate that a workspace would soften."""
    for name in sorted(own.written):
        above, here = getattr(top, name), getattr(own, name)
        if reason := _softer(name, above, here):
            yield Finding(
                "C110",
                f"a workspace may only make a gate stricter: {reason}",
                ("workspace", identifier, "gates", name),
                "make it stricter, take it out, or let workspaces soften gates with gates_may_relax = true in [system]",
            )


def _softer(name: str, above: Any, here: Any) -> str:
    """Why a value is softer than the one above it, "" if it is not."""
    if name in _VERBS:
        return f'[gates] says {name} = "{above}", "{here}" is softer' if _rank(here) < _rank(above) else ""
    if name == "hop_limit":
        return f"[gates] says {name} = {above}, a number may only fall" if here > above else ""
    if name == "maximum_email_size":
        return f"[gates] allows {above} bytes, a size may only fall" if _most(here) > _most(above) else ""
    if name in _TRUST:
        more = [entry for entry in here if entry not in above]
        return f"{', '.join(more)} is not trusted in [gates]" if more else ""
    if isinstance(above, Rate):
        more_mails = _most(here.limit) / max(here.per, 1e-3) > _most(above.limit) / max(above.per, 1e-3)
        softer = _rank(here.then) < _rank(above.then)
        return (
            f"[gates] says {above.limit} mails per {above.per:g} s, then {above.then}" if more_mails or softer else ""
        )
    if isinstance(above, Antivirus):
        softer = _rank(here.infected) < _rank(above.infected) or _rank(here.unavailable) < _rank(above.unavailable)
        return f'[gates] says infected = "{above.infected}", unavailable = "{above.unavailable}"' if softer else ""
    return ""


def _rank(verb: str) -> int:
    return STRICTNESS.index(verb)


def _most(amount: int) -> float:
    """An amount where 0 means no limit."""
    return amount or float("inf")


def mailbox(defaults: Mailbox, own: Mailbox, name: str, workspace: str) -> Mailbox:
    """A mailbox with what it inherits, its name, its port and its addresses."""
    box = defaults.under(own)
    if box.protocol in APIS and (not box.host or (defaults.protocol != box.protocol and "host" not in own.written)):
        box = box.filled(host=APIS[box.protocol], **({} if "port" in own.written else {"port": 0}))
    port = box.port or PORTS.get((box.protocol, box.ssl is True), 0)
    addresses = box.addresses or ((box.username,) if "@" in box.username else ())
    return box.filled(name=name, workspace=workspace, port=port, addresses=addresses)
