"""Keys and certificates, made for a test, and a look into what is signed with them.

Here: an RSA key with a certificate, the file of a service account, reading a JSON web token. Not here: who signs.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@cache
def key(number: int = 1) -> RSAPrivateKey:
    """A key; the same one for the same number."""
    return generate_private_key(65537, 2048)


def pem(number: int = 1) -> bytes:
    """The private key as files hold it."""
    return key(number).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificate(days: float = 365, number: int = 1) -> bytes:
    """A certificate of the key that ends in so many days, in PEM."""
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "allegra")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key(number).public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=400)).not_valid_after(now + timedelta(days=days))
    )  # fmt: skip
    return made.sign(key(number), SHA256()).public_bytes(Encoding.PEM)


def service_account(file: Path, **more: Any) -> Path:
    """Write the file of a service account, as Google hands it out."""
    told = {
        "type": "service_account", "project_id": "p", "private_key_id": "key-1", "private_key": pem().decode(),
        "client_email": "allegra@p.iam.gserviceaccount.com", "client_id": "1234567890",
        "token_uri": "https://oauth2.googleapis.com/token", **more,
    }  # fmt: skip
    file.write_text(json.dumps(told))
    return file


def signed(token: str, number: int = 1) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give header and claims of a token, once its signature was found to be right."""
    first, second, signature = token.split(".")
    header, claims = (json.loads(_decoded(each)) for each in (first, second))
    padding = PSS(MGF1(SHA256()), SHA256.digest_size) if header["alg"] == "PS256" else PKCS1v15()
    key(number).public_key().verify(_decoded(signature), f"{first}.{second}".encode(), padding, SHA256())
    return header, claims


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
