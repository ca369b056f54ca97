"""Whom a web form names: by Reply-To, or by lines at the top of its text.

Here: mail -> an address, or why it is none. Not here: which mails come from a form, and what such an address is worth
(`decision/identity.py`). Invariant: exactly one address in exactly one place, or nobody; what the visitor typed into
one field cannot fill another one.
"""

from __future__ import annotations

from engine.mail import addresses
from engine.model.mail import Address, Mail

MOST_LINES = 60
"""Lines that are looked at: a form has fewer above what people write."""

LONGEST_VALUE, LONGEST_NAME, LONGEST_LABEL = 320, 100, 60


def replied_to(mail: Mail) -> Address | str:
    """Give the address of Reply-To, or why there is none to go by."""
    fields = mail.header_values("reply-to")
    if not fields:
        return "it has no Reply-To"
    if len(fields) > 1:
        return f"there are {len(fields)} Reply-To fields"
    return _address(fields[0], "Reply-To")


def written(mail: Mail, email: str, name: str) -> Address | str:
    """Give the address and the name that stand behind these labels at the top of the text, or why there is none."""
    values: dict[str, list[str]] = {email.strip().casefold(): [], name.strip().casefold(): []}
    for line in mail.text.split("\n", MOST_LINES)[:MOST_LINES]:
        if not line.strip():
            continue
        label, colon, value = line.partition(":")
        label = label.strip()
        if not colon or not label or len(label) > LONGEST_LABEL:
            break
        if (there := values.get(label.casefold())) is not None:
            there.append(value.strip())
        elif not value.strip():
            break  # a heading: below it stands what the visitor wrote
    found = values[email.strip().casefold()]
    if len(found) != 1:
        many = f"{len(found)} lines" if found else "no line"
        return f"there is {many} {email!r} at the top of its text" if not found else f"there are {many} {email!r}"
    address = _address(found[0], email)
    if isinstance(address, str):
        return address
    called = values[name.strip().casefold()] if name.strip() else []
    return Address(address.address, _name(called[0]) or address.name) if len(called) == 1 else address


def _address(value: str, label: str) -> Address | str:
    if len(value) > LONGEST_VALUE:
        return f"{label!r} holds {len(value)} characters"
    found = addresses.read(value, 2)
    if value.count("@") != 1 or ";" in value:
        return f"{label!r} holds no address, or more than one"
    if len(found.addresses) != 1 or found.oddity or found.more or not addresses.is_address(found.addresses[0].address):
        return f"{label!r} holds no address, or more than one"
    if not found.addresses[0].address.isprintable():
        return f"{label!r} holds no address"
    return found.addresses[0]


def _name(text: str) -> str:
    plain = "".join(each if each.isprintable() else " " for each in text[: 4 * LONGEST_NAME])
    return " ".join(plain.split())[:LONGEST_NAME]
