"""Proofs that are signed instead of sent: a service account's (RFC 7523), a certificate's.

Here: JSON web tokens (RFC 7515) of the two kinds that Google and Microsoft take. Not here: posting them.
The library `cryptography` is imported here and nowhere else, when a proof is wanted.
Invariant: no key leaves this file.
"""

from __future__ import annotations

import base64
import uuid
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from engine.web.providers import scope, url
from engine.web.refusals import failed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

    from engine.config.mailbox import OAuth

LIVES_S = 600
"""Seconds that a proof counts."""

BACK_S = 30
"""It counts from so many seconds ago: clocks differ a little."""

FILE_BYTES = 1 << 20


class ServiceAccount(msgspec.Struct, frozen=True):
    """The file that the Google Cloud console hands out."""

    client_email: str
    private_key: str
    private_key_id: str = ""
    client_id: str = ""
    type: str = ""

    def __repr__(self) -> str:
        """Tell whose it is, not the key."""
        return f"ServiceAccount({self.client_email!r})"


def service_account(app: OAuth, subject: str, now: float) -> str:
    """Prove that we are the service account and act for `subject`. Raises: OAuthError."""
    found = account_file(app)
    key = _key(app, found.private_key.encode(), f"the private_key of service_account_file {app.service_account_file}")
    claims: dict[str, Any] = {
        "iss": found.client_email, "sub": subject, "scope": scope(app), "aud": url(app, "token"),
        "iat": int(now) - BACK_S, "exp": int(now) + LIVES_S,
    }  # fmt: skip
    header = {"alg": "RS256", "typ": "JWT"} | ({"kid": found.private_key_id} if found.private_key_id else {})
    return _signed(header, claims, key)


def account_file(app: OAuth) -> ServiceAccount:
    """Read the file of a service account. Raises: OAuthError."""
    content = _content(app, app.service_account_file, "service_account_file")
    try:
        found = msgspec.json.decode(content, type=ServiceAccount)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = None
    if found is None or found.type not in ("", "service_account"):
        said = f"service_account_file {app.service_account_file} is no key of a service account, as Google makes it"
        raise failed(app, "oauth.secret", said)
    return found


def certificate(app: OAuth, now: float) -> str:
    """Prove by the certificate that we are the app. Raises: OAuthError."""
    shown, key = of_certificate(app)
    from cryptography.hazmat.primitives.hashes import SHA256

    header = {"alg": "PS256", "typ": "JWT", "x5t#S256": _base64(shown.fingerprint(SHA256()))}
    claims: dict[str, Any] = {
        "iss": app.client_id, "sub": app.client_id, "aud": url(app, "token"), "jti": str(uuid.uuid4()),
        "iat": int(now) - BACK_S, "nbf": int(now) - BACK_S, "exp": int(now) + LIVES_S,
    }  # fmt: skip
    return _signed(header, claims, key)


def of_certificate(app: OAuth) -> tuple[Certificate, RSAPrivateKey]:
    """Read the certificate and its key, which may stand in the same file. Raises: OAuthError."""
    _library(app)
    from cryptography.x509 import load_pem_x509_certificate

    content = _content(app, app.certificate, "certificate")
    try:
        shown = load_pem_x509_certificate(content)
    except ValueError:
        raise failed(app, "oauth.secret", f"certificate {app.certificate} holds no certificate in PEM") from None
    file = app.private_key_file or app.certificate
    what = f"private_key_file {file}" if app.private_key_file else f"certificate {file}"
    key = _key(app, _content(app, file, what.partition(" ")[0]), what)
    if key.public_key() != shown.public_key():
        raise failed(app, "oauth.secret", f"{what} does not hold the key of the certificate {app.certificate}")
    return shown, key


def ends(app: OAuth) -> datetime:
    """When the certificate ends. Raises: OAuthError."""
    return of_certificate(app)[0].not_valid_after_utc


def _key(app: OAuth, pem: bytes, what: str) -> RSAPrivateKey:
    _library(app)
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, None)
    except TypeError:
        raise failed(app, "oauth.secret", f"{what} is locked with a password; it must be without one") from None
    except (ValueError, UnsupportedAlgorithm):
        raise failed(app, "oauth.secret", f"{what} holds no private key in PEM") from None
    if not isinstance(key, RSAPrivateKey):
        raise failed(app, "oauth.secret", f"{what} holds no RSA key; the providers take no other")
    return key


def _signed(header: dict[str, str], claims: dict[str, Any], key: RSAPrivateKey) -> str:
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    said = f"{_base64(msgspec.json.encode(header))}.{_base64(msgspec.json.encode(claims))}"
    padding = PSS(MGF1(SHA256()), SHA256.digest_size) if header["alg"] == "PS256" else PKCS1v15()
    return f"{said}.{_base64(key.sign(said.encode(), padding, SHA256()))}"


def _library(app: OAuth) -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError:
        said = "a certificate or service account needs the extra oauth: pip install 'allegra-mail[oauth]'"
        raise failed(app, "oauth.no_library", said) from None


def _content(app: OAuth, file: Path | None, option: str) -> bytes:
    try:
        with (file or Path()).open("rb") as stream:
            return stream.read(FILE_BYTES)
    except OSError as error:
        raise failed(app, "oauth.secret", f"{option} {file} cannot be read ({error.strerror})") from None


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
