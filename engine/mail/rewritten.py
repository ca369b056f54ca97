"""Mail that a list or group passed on under its own address: who wrote it, and whether the list vouches for that.

Here: X-Original-From, X-Original-Sender and X-Original-Authentication-Results, as Google Groups and lists write them.
Not here: which lists are believed (`decision/facts.py`). Invariant: a field that stands twice, or says two things, says
nothing.
"""

from __future__ import annotations

import re

from engine.mail import addresses
from engine.mail.auth import without_comments
from engine.model.mail import Address, Mail
from rules.domains import ascii_form

_PASSED = re.compile(r"""(?:^|;)\s*dmarc\s*=\s*pass\b[^;]*?\sheader\.from\s*=\s*"?([^\s;"]+)""", re.IGNORECASE)
_FIELDS = ("x-original-from", "x-original-sender")


def original_sender(mail: Mail) -> Address | None:
    """Tell who wrote a mail by the fields that a list adds; None where they are missing or odd."""
    found: list[Address] = []
    for name in _FIELDS:
        values = mail.header_values(name)
        read = [each for value in values for each in addresses.parse(value, 2)]
        if len(values) > 1 or len(read) != len(values):
            return None
        found += read
    if not found or any(not addresses.is_address(each.address) or each.key != found[0].key for each in found):
        return None
    return found[0]


def vouched(mail: Mail, writer: Address) -> bool:
    """Tell whether the list wrote down that DMARC passed for the domain of the writer."""
    values = mail.header_values("x-original-authentication-results")
    passed = _PASSED.findall(without_comments(values[0])) if len(values) == 1 else []
    return [ascii_form(domain) for domain in passed] == [writer.domain]


def likely_writer(mail: Mail) -> str:
    """Name who seems to be behind a mail from an address of ours, for a person to look at; a claim, no proof."""
    writer = original_sender(mail) or next(iter(mail.reply_to), None)
    if writer is None:
        return next((address.name for address in mail.from_ if address.name), "")
    return f"{writer.name} <{writer.address}>" if writer.name else writer.address
