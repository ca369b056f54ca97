"""The gates: one table, a row a gate, in the order they are asked.

Here: what a gate looks for, which options hold its verb, its default, its reason codes, whether a rule may open it.
What `skip gate` and `rules.may_skip_gates` may name and the tables of the documents are made from this table; the
options, which stand among others in their sections, and what the stages say are held against it by a test.
Not here: what a verb does (`gates.py` of the engine), how a gate finds something (`stages/`).
Invariant: a gate settles with its own reason codes only; a rule can open what is asked after the route, nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Gate(Struct, frozen=True):
    """One gate. `stages` ask it, the first of them first; `about` is what it looks for, with Markdown.

    `options`: the path of an option that holds a verb -> its default. `more`: verbs it knows beside the usual ones;
    `fixed`: the verb is no option, it is always its default. `judges`: the kinds of `facts.Auto` it is asked about.
    """

    name: str
    stages: tuple[str, ...]
    options: Mapping[str, str]
    about: str
    codes: tuple[str, ...]
    skippable: bool = False
    more: tuple[str, ...] = ()
    fixed: bool = False
    judges: tuple[str, ...] = ()

    @property
    def option(self) -> str:
        """The option to write in the file: section and name."""
        return ".".join(next(iter(self.options)).split(".")[:2])


GATES = (
    Gate(
        "too_big", ("limits",), {"gates.too_big": "hold"},
        "more bytes than `gates.maximum_email_size` (0: no maximum); over `limits.raw` at least held",
        ("limits.too_big", "fetch.too_big"),
    ),
    Gate(
        "unreadable", ("limits",), {"gates.unreadable": "hold"},
        "bytes without one header field of a mail",
        ("limits.unreadable",),
    ),
    Gate(
        "antivirus", ("limits",), {"gates.antivirus.infected": "hold", "gates.antivirus.unavailable": "defer"},
        "what clamd finds; or that it does not answer",
        ("gate.virus", "gate.virus_unavailable"), more=("defer",),
    ),
    Gate(
        "duplicate", ("limits", "route"), {"gates.duplicate": "discard"},
        "the same content, in the mailbox and then in the workspace, within 30 days",
        ("limits.duplicate",), skippable=True,
    ),
    Gate(
        "own_loop", ("limits",), {"gates.own_loop": "discard"},
        "our own `X-Allegra-Loop`, or an address of ours in From",
        ("limits.own_loop", "limits.own_address"),
    ),
    Gate(
        "hop_limit", ("limits",), {"gates.hop_limit": "discard"},
        "more `Received` lines than that",
        ("limits.hop_limit",), fixed=True,
    ),
    Gate(
        "mails_per_sender", ("limits",), {"gates.mails_per_sender.then": "hold"},
        "more mails of one sender than `limit` within `per`",
        ("limits.rate_sender",),
    ),
    Gate(
        "total_rate", ("limits",), {"gates.total_rate.then": "hold"},
        "more mails altogether",
        ("limits.rate_total",),
    ),
    Gate(
        "blocked", ("sender",), {"gates.blocked": "discard"},
        "`blocked_senders`, `blocked_names`, `blocked_bodies`",
        ("gate.blocked",), skippable=True,
    ),
    Gate(
        "not_allowed", ("sender",), {"gates.not_allowed": "reject"},
        "an address that no `allowed_senders` pattern permits; of two lists both must",
        ("gate.not_allowed",), skippable=True,
    ),
    Gate(
        "unknown_sender", ("sender",), {"gates.unknown_sender": "hold"},
        'nobody known by that address, with `people.unknown_user = "ignore"`; or a From that is not believed',
        ("gate.unknown_sender", "gate.directory_away"), skippable=True,
    ),
    Gate(
        "inactive_user", ("sender",), {"people.inactive_user": "hold"},
        "an account that is locked or was never activated",
        ("gate.inactive_sender",), skippable=True,
    ),
    Gate(
        "dmarc", ("sender",), {"gates.dmarc": "hold"},
        "dmarc=fail, said by a server of `gates.trusted_authserv_ids`",
        ("gate.dmarc",), skippable=True,
    ),
    Gate(
        "spf_softfail", ("sender",), {"gates.spf_softfail": "warn"},
        "spf=softfail or fail where DMARC does not pass",
        ("gate.dmarc",), skippable=True,
    ),
    Gate(
        "empty_subject", ("subject",), {"gates.empty_subject": "reject"},
        "no subject, and no proof which item it answers; `default-title` goes on with `gates.default_title`",
        ("gate.empty_subject",), skippable=True, more=("default-title",),
    ),
    Gate(
        "undesired_subject", ("subject",), {"gates.undesired_subject": "discard"},
        "one of `gates.undesired_subject_patterns`",
        ("gate.undesired_subject",), skippable=True,
    ),
    Gate(
        "bounce", ("bounce",), {"gates.bounce": "discard"},
        "delivery, disposition, feedback, DMARC and TLS reports; linked to the item they are about",
        ("gate.bounce",), skippable=True, judges=("bounce", "feedback_report", "disposition", "domain_report"),
    ),
    Gate(
        "auto_reply", ("bounce",), {"gates.auto_reply": "hold"},
        "`Auto-Submitted` and its kin; an answer to an item becomes a note on it",
        ("gate.auto_reply",), skippable=True, judges=("auto_reply", "auto_generated"),
    ),
    Gate(
        "mailing_list", ("bounce",), {"gates.mailing_list": "warn"},
        "mail through a mailing list",
        ("gate.mailing_list",), skippable=True, judges=("mailing_list",),
    ),
    Gate(
        "encrypted", ("bounce",), {"attachments.smime_pgp.encrypted": "hold"},
        "S/MIME or PGP that nobody here can read",
        ("gate.encrypted",), skippable=True,
    ),
    Gate(
        "closed_container", ("bounce",), {"gates.closed_container": "hold"},
        "no text but in a winmail.dat or signed S/MIME that could not be opened",
        ("gate.closed_container",), skippable=True,
    ),
)  # fmt: skip
"""All gates, in the order they are asked."""

SKIPPABLE = tuple(gate.name for gate in GATES if gate.skippable)
"""The gates that `skip gate` and `rules.may_skip_gates` can name."""
