"""What trusted servers found out about a mail: SPF, DKIM, DMARC, ARC.

Here: Authentication-Results (RFC 8601) with the liberties of large providers, and who sealed the ARC chain (RFC 8617).
Not here: verifying anything ourselves, and what follows from the results (a gate).
Invariant: a field counts only if its authserv-id is trusted; what stands further down never overrides what stands
above, and nothing below a Received field that lies under the first trusted field is looked at. ARC passes only if a
trusted sealer sealed last.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from msgspec import Struct

from engine.model.facts import Authentication
from engine.model.mail import Mail
from rules.domains import ascii_form

_MARK = re.compile(r'[()"]|\\.', re.DOTALL)
_SEPARATOR = re.compile(r"[;=\s]")
_RESULT = re.compile(r"(spf|dkim|dmarc|arc)(?:\s*/\s*\d+)?\s*=\s*([A-Za-z]+)", re.IGNORECASE)
_METHOD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*(?:\s*/\s*\d+)?\s*=")
_SEALER = re.compile(r"(?:^|;)\s*([id])\s*=\s*([^;\s]+)", re.IGNORECASE)
_ALIGNED = re.compile(
    r"(?:^|;)\s*(?:dkim\s*=\s*pass\b[^;]*?\sheader\.d\s*=\s*([^\s;]+)"
    r"|spf\s*=\s*pass\b[^;]*?\ssmtp\.mailfrom\s*=\s*([^\s;]+))",
    re.IGNORECASE,
)
_BEST_FIRST = ("pass", "fail", "softfail", "temperror", "permerror", "policy", "neutral", "none")
NO_ID = ""
"""The authserv-id of a field that has none, as Microsoft 365 writes them; believed only if "" is listed as trusted."""


class Results(Struct, frozen=True):
    """One Authentication-Results field: who says it, and (method, result) pairs in order."""

    authserv_id: str
    results: tuple[tuple[str, str], ...]


def read(value: str) -> Results:
    """Read a field value. Comments go; a first section that is a result means there is no authserv-id."""
    sections = without_comments(value).split(";")
    first = sections[0].strip()
    authserv_id = NO_ID
    if not _METHOD.match(first):
        authserv_id = first.split()[0].lower() if first else NO_ID
        sections = sections[1:]
    results = []
    for section in sections:
        found = _RESULT.match(section.strip())
        if found:
            results.append((found[1].lower(), found[2].lower()))
    return Results(authserv_id, tuple(results))


def without_comments(value: str) -> str:
    """Leave out comments (nested ones too) and what quoted text could separate; what is never closed says nothing."""
    out: list[str] = []
    position = depth = 0
    quoted = False
    for mark in _MARK.finditer(value):
        between = value[position : mark.start()]
        position = mark.end()
        if not depth:
            out.append(_SEPARATOR.sub("_", between) if quoted else between)
        if mark.group() == '"' and not depth:
            quoted = not quoted
        elif mark.group() == "(" and not quoted:
            depth += 1
        elif mark.group() == ")" and depth:
            depth -= 1
            out.append(" ")
    if not depth and not quoted:
        out.append(value[position:])
    return "".join(out)


def authentication(
    mail: Mail, trusted_authserv_ids: Collection[str], trusted_arc_sealers: Collection[str]
) -> Authentication:
    """Tell what trusted servers wrote down, topmost first; "none" where they wrote nothing."""
    trusted = {identifier.lower() for identifier in trusted_authserv_ids}
    if not trusted:
        return Authentication()
    found: dict[str, str] = {}
    authserv_id: str | None = None
    for header in mail.headers:
        name = header.name.lower()
        if name == "received" and authserv_id is not None:
            break
        if name != "authentication-results":
            continue
        results = read(header.value)
        if results.authserv_id not in trusted or authserv_id not in (None, results.authserv_id):
            continue
        authserv_id = results.authserv_id
        for method, result in _best(results).items():
            found.setdefault(method, result)
    if "arc" in found and not _sealed(mail, trusted_arc_sealers):
        del found["arc"]
    return Authentication(
        found.get("spf", "none"),
        found.get("dkim", "none"),
        found.get("dmarc", "none"),
        found.get("arc", "none"),
        authserv_id or "",
    )


def vouched_for(mail: Mail, trusted_authserv_ids: Collection[str], domain: str) -> bool:
    """Tell whether trusted servers wrote that this very domain signed the mail (DKIM) or sent it (SPF).

    For servers that know nothing of DMARC; what DMARC says counts for more, whatever that is.
    """
    trusted = {identifier.lower() for identifier in trusted_authserv_ids}
    authserv_id: str | None = None
    for header in mail.headers if trusted else ():
        name = header.name.lower()
        if name == "received" and authserv_id is not None:
            break
        if name != "authentication-results":
            continue
        said = read(header.value).authserv_id
        if said not in trusted or authserv_id not in (None, said):
            continue
        authserv_id = said
        for found in _ALIGNED.finditer(without_comments(header.value)):
            if ascii_form((found[1] or found[2]).rpartition("@")[2].rstrip(".")) == domain:
                return True
    return False


def topmost_id(mail: Mail) -> str | None:
    """Give the authserv-id of the topmost field, None if there is no such field. A claim, no reason to trust."""
    values = mail.header_values("Authentication-Results")
    return read(values[0]).authserv_id if values else None


def _best(results: Results) -> dict[str, str]:
    """Of several results of a method (two DKIM signatures) the best counts; DMARC and ARC have one, the first."""
    best: dict[str, str] = {}
    for method, result in results.results:
        before = best.get(method)
        if before is None or (method in ("dkim", "spf") and _rank(result) < _rank(before)):
            best[method] = result
    return best


def _rank(result: str) -> int:
    return _BEST_FIRST.index(result) if result in _BEST_FIRST else len(_BEST_FIRST)


def _sealed(mail: Mail, trusted_arc_sealers: Collection[str]) -> bool:
    """Did a trusted domain set the last ARC seal (the highest i=)?"""
    sealers = {sealer.lower() for sealer in trusted_arc_sealers}
    last, domain = 0, ""
    for value in mail.header_values("ARC-Seal"):
        tags = {found[0].lower(): found[1] for found in _SEALER.findall(value)}
        instance = int(tags["i"]) if tags.get("i", "").isdecimal() and len(tags["i"]) < 4 else 0
        if instance > last:
            last, domain = instance, tags.get("d", "").lower()
    return domain in sealers
