"""What a login was tried with, so that it is known whether it would be tried with something else.

Here: the digest. Not here: where it is kept (`run/backoff.py`, `outbox/way.py`).
Invariant: nobody can guess a password from a digest, for it is keyed with the secret of the installation.
"""

from __future__ import annotations

import hashlib
import hmac

from msgspec import Struct


def digest(key: bytes, section: Struct, password: str) -> str:
    """Digest a section of the configuration and the password that was tried with it; 32 hexadecimal digits."""
    return hmac.new(key, f"{told(section)}\n{password}".encode(), hashlib.sha256).hexdigest()[:32]


def told(section: Struct) -> str:
    """A section as text that is the same in every process; `written` is a set, and says nothing that is not there."""
    values = [(name, getattr(section, name)) for name in section.__struct_fields__ if name != "written"]
    return " ".join([f"{name}={told(value) if isinstance(value, Struct) else repr(value)}" for name, value in values])
