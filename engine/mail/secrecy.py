"""Signed, encrypted and closed mail: what a mail claims, told by its parts.

Here: S/MIME (RFC 8551), PGP/MIME (RFC 3156), PGP in the text, winmail.dat. Not here: opening what needs no key
(`containers.py`); verifying or decrypting, for which there are no keys here; what becomes of such mail
(`stages/bounce.py`).
"""

from __future__ import annotations

from engine.mail import cms, parts
from engine.model.mail import Mail, Part

SIGNATURES = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
"""The content types of a signature that is a part of its own."""

_SMIME = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_WINMAIL = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})


def is_smime(part: Part) -> bool:
    """Tell whether a part is an S/MIME container, some of which come without their type (RFC 8551, 3.9)."""
    if part.content_type in _SMIME:
        return not part.filename.lower().endswith(".p7s")
    return part.content_type == "application/octet-stream" and part.filename.lower() in ("smime.p7m", "smime.p7z")


def is_winmail(content_type: str) -> bool:
    """Tell whether a type is that of a winmail.dat."""
    return content_type in _WINMAIL


def signed(mail: Mail) -> bool:
    """Tell whether it claims a signature."""
    if mail.text.startswith("-----BEGIN PGP SIGNED MESSAGE-----"):
        return True
    return any(
        part.content_type in SIGNATURES
        or (part.content_type in _SMIME and part.filename.lower().endswith(".p7s"))
        or (part.path in mail.opened and is_smime(part))
        for part in mail.parts
    ) or any("signed" in value.lower()[:60] for value in mail.header_values("content-type"))


def encrypted(mail: Mail) -> bool:
    """Tell whether the body can only be read with a key."""
    if any(part.content_type == "application/pgp-encrypted" for part in mail.parts):
        return True
    inside = (file.content for file in mail.attachments if file.content and file.declared_type in _SMIME)
    if any(cms.content(content)[0] == "encrypted" for content in inside):  # somebody signed what is encrypted
        return True
    return any(_closed(mail, part) == "encrypted" for part in mail.parts) or "-----BEGIN PGP MESSAGE-----" in mail.text


def closed(mail: Mail) -> str:
    """Name the container in which the text of a mail may stand that says nothing outside; "" for none."""
    if mail.text.strip() or mail.html.strip():
        return ""
    for file in mail.attachments:
        shut = is_winmail(file.content_type) and file.part.path not in mail.opened
        if shut or (not file.content and _closed(mail, file.part)):
            return file.name
    return ""


def _closed(mail: Mail, part: Part) -> str:
    """Say how an S/MIME container is closed: encrypted, or broken; "" for an open one and for a signed document."""
    if part.path in mail.opened or not is_smime(part):
        return ""
    kind, inside = cms.content(parts.content(mail.raw.content, part))
    if kind == "encrypted" or (inside and not cms.is_mail(inside)):
        return kind if kind == "encrypted" else ""
    claims = "signed-data" in mail.header("content-type").lower() or part.content_type not in _SMIME
    return "broken" if kind or claims else "encrypted"
