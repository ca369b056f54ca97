"""Signed, encrypted and closed mail: what a mail claims, told by its parts.

Here: S/MIME (RFC 8551), PGP/MIME (RFC 3156), PGP in the text, winmail.dat. Not here: opening what needs no key
(`containers.py`); verifying or decrypting, for which there are no keys here; what becomes of such mail
(`stages/bounce.py`).
"""

from __future__ import annotations

from engine.model.mail import Mail, Part

_SIGNATURES = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
_SMIME = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_WINMAIL = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})


def is_smime(part: Part) -> bool:
    """Tell whether a part is an S/MIME container, some of which come without their type (RFC 8551, 3.9)."""
    if part.content_type in _SMIME:
        return not part.filename.lower().endswith(".p7s")
    return part.content_type == "application/octet-stream" and part.filename.lower().endswith((".p7m", ".p7z"))


def is_winmail(content_type: str) -> bool:
    """Tell whether a type is that of a winmail.dat."""
    return content_type in _WINMAIL


def signed(mail: Mail) -> bool:
    """Tell whether it claims a signature."""
    if mail.text.startswith("-----BEGIN PGP SIGNED MESSAGE-----"):
        return True
    return any(
        part.content_type in _SIGNATURES
        or (part.content_type in _SMIME and part.filename.lower().endswith(".p7s"))
        or (part.path in mail.opened and is_smime(part))
        for part in mail.parts
    ) or any("signed" in value.lower()[:60] for value in mail.header_values("content-type"))


def encrypted(mail: Mail) -> bool:
    """Tell whether the body can only be read with a key."""
    if any(part.content_type == "application/pgp-encrypted" for part in mail.parts):
        return True
    closed = any(is_smime(part) and part.path not in mail.opened for part in mail.parts)
    if closed and "signed-data" not in mail.header("content-type").lower():
        return True
    return "-----BEGIN PGP MESSAGE-----" in mail.text


def closed(mail: Mail) -> str:
    """Name the container in which the text of a mail may stand that says nothing outside; "" for none."""
    if mail.text.strip() or mail.html.strip():
        return ""
    for file in mail.attachments:
        if file.part.path not in mail.opened and (is_smime(file.part) or is_winmail(file.content_type)):
            return file.name
    return ""
