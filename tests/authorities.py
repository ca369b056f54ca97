"""The authorities that the system trusts, out of the way: each connection would read all their certificates.

Here: `hide`, `shown`. Not here: certificates that tests make (`servers/dovecot.py`, `servers/keys.py`).
Invariant: no test trusts a certificate that it did not name, whatever the machine trusts; only pip sees them.
"""

from __future__ import annotations

import os

NAMES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
KEPT = "KEPT_"
"""Before the names of variables that hold what they held; the workers of pytest-xdist are started with what we hid."""


def hide() -> None:
    """Let this process and those it starts know no authority: a hundred and fifty take 20 ms for each connection."""
    for name in NAMES:
        os.environ.setdefault(KEPT + name, os.environ.get(name, ""))
        os.environ[name] = os.devnull


def shown() -> dict[str, str]:
    """The environment as it was, for programs that ask the world."""
    environ = {name: value for name, value in os.environ.items() if name not in NAMES}
    return environ | {name: value for name in NAMES if (value := os.environ.get(KEPT + name))}
