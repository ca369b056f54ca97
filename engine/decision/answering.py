"""May this mail be answered by a machine at all?

Here: `may_answer`, a pure function over mail, facts and configuration. Not here: how often (`caps.py`).
Invariant: any doubt means no (RFC 3834, 2; docs/reliability.md, loops). What is refused here is refused whatever the
templates, rules and settings say.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from engine.mail.addresses import is_address
from engine.model.addresses import is_one_of
from engine.model.facts import Auto, Facts
from engine.model.mail import Address, Mail

if TYPE_CHECKING:
    from engine.config import Config

_ROBOTS = re.compile(
    r"(?:mailer-daemon|postmaster|daemon|bounces?|owner-.*|.*-(?:owner|request|bounces?)"
    r"|.*(?:no|do[-_.]?not|don[-_.]?t)[-_.]?(?:reply|respond|answer).*)",
    re.IGNORECASE,
)
_LOCAL_CHARS = 256
_BULK = ("bulk", "list", "junk", "auto_reply")
_SUPPRESSING = ("all", "autoreply")


def may_answer(mail: Mail, facts: Facts, config: Config) -> tuple[bool, str]:
    """Say whether an automatic answer may be sent, and if not, why not."""
    why = _automatic(facts) or _headers(mail) or _addresses(mail, facts, config)
    return not why, why


def _automatic(facts: Facts) -> str:
    if facts.automatic.kind is not Auto.NONE:
        return f"the mail is automatic: {facts.automatic.reason or facts.automatic.kind}"
    if facts.bounce is not None:
        return "the mail is a delivery report"
    if facts.own_loop:
        return "the mail carries our own X-Allegra-Loop"
    if facts.authentication.dmarc == "fail":
        return "DMARC failed: the sender did not write it"
    return ""


def _headers(mail: Mail) -> str:
    if mail.raw.envelope.reverse_path == "":
        return "its reverse-path is null"
    if "<>" in _values(mail, "return-path"):
        return "its reverse-path is null"
    for value in _values(mail, "auto-submitted"):
        if value.partition(";")[0].strip() != "no":
            return f"it is marked Auto-Submitted: {value[:40]}"
    for value in _values(mail, "precedence"):
        if value in _BULK:
            return f"it is marked Precedence: {value}"
    for name in mail.fields:
        if name.startswith("list-"):
            return f"it comes from a mailing list ({name.title()[:40]})"
    if "x-allegra-loop" in mail.fields:
        return "it comes from an Allegra"
    for value in _values(mail, "x-auto-response-suppress"):
        if any(word.strip() in _SUPPRESSING for word in value.split(",")):
            return "its sender asks for no automatic answers"
    if mail.header("content-type").lower().startswith("multipart/report"):
        return "the mail is a report"
    return ""


def _values(mail: Mail, name: str) -> list[str]:
    return [value.strip().lower() for value in mail.fields.get(name, ())]


def _addresses(mail: Mail, facts: Facts, config: Config) -> str:
    sender = facts.sender
    if sender.problem:
        return f"its sender is not believed: {sender.problem}"
    if not sender.address.address:
        return "it has no sender"
    if mail.header("reply-to").strip() and not (mail.reply_to and is_address(mail.reply_to[0].address)):
        return "its Reply-To is no address"
    own = {*facts.own_addresses, *config.own_addresses}
    form = (Address(sender.form.address),) if sender.form is not None else ()
    for address in (sender.address, *mail.reply_to, *form):
        if is_one_of(address.key, own, config.separators):
            return f"{address.address} is an address of ours"
    for address in (sender.address, *(() if sender.by_form else mail.reply_to)):
        if _ROBOTS.fullmatch(address.local[:_LOCAL_CHARS]):
            return f"nobody reads mail to {address.address}"
    return ""
