"""Signed and encrypted mail: what a mail claims, told by its parts.

Here: S/MIME (RFC 8551), PGP/MIME (RFC 3156) and PGP in the text. Not here: verifying or decrypting, for which there are
no keys here; what becomes of such mail (`stages/bounce.py`).
"""

from __future__ import annotations

from engine.model.mail import Mail

SIGNATURES = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
"""The content types of a signature that is a part of its own."""

_ENCRYPTED = frozenset({"application/pgp-encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})


def signed(mail: Mail) -> bool:
    """Tell whether it claims a signature."""
    if mail.text.startswith("-----BEGIN PGP SIGNED MESSAGE-----"):
        return True
    return any(
        part.content_type in SIGNATURES or (part.content_type.endswith("pkcs7-mime") and part.filename.endswith(".p7s"))
        for part in mail.parts
    ) or any("signed" in value.lower()[:60] for value in mail.header_values("content-type"))


def encrypted(mail: Mail) -> bool:
    """Tell whether the body can only be read with a key."""
    for part in mail.parts:
        if part.content_type in _ENCRYPTED:
            signed = part.filename.lower().endswith(".p7s") or "signed-data" in mail.header("content-type").lower()
            return not signed
    return "-----BEGIN PGP MESSAGE-----" in mail.text
