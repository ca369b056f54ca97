"""Secrets that stand in the file itself, where others may read it.

Here: which they are. Not here: how a secret is given (`cross.py`), reading one (`secrets.py`).
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from engine.config.mailbox import Mailbox, OAuth, Smtp, Webhook
from engine.config.root import Root
from engine.config.tidy import Finding
from engine.config.tidy import Path as KeyPath
from rules.problem import Severity


def exposed(root: Root, path: Path) -> Iterator[Finding]:
    """Find literal secrets in a file that others may read."""
    literal: list[KeyPath] = []
    boxes: list[tuple[KeyPath, Mailbox | Smtp | None]] = [(("defaults", "mailbox"), root.defaults.mailbox)]
    boxes += [(("system", "mailbox"), root.system.mailbox), (("smtp",), root.smtp)]
    boxes += [(("workspace", name, "mailbox"), own.mailbox) for name, own in root.workspace.items()]
    literal = [(*key, "password") for key, box in boxes if box is not None and "password" in box.written]
    tables: list[tuple[str, str, Webhook | OAuth]] = [("webhooks", *each) for each in root.webhooks.items()]
    tables += [("oauth", *each) for each in root.oauth.items()]
    for table, name, own in tables:
        literal += [(table, name, key) for key in ("secret", "client_secret", "refresh_token") if key in own.written]
    literal += [("directory", name, "password") for name, own in root.directory.items() if "password" in own.written]
    literal += [("store", key) for key in ("url", "replica_url") if key in root.store.written]
    if root.http is not None:
        literal += [("http", "keys", name, "key") for name, key in root.http.keys.items() if "key" in key.written]
    if literal and _mode(path) & (stat.S_IRGRP | stat.S_IROTH):
        for key in literal:
            advice = f"chmod 600 {path.name}, or use {key[-1]}_env, {key[-1]}_file or {key[-1]}_command"
            yield Finding(
                "C160", f"a {key[-1]} stands in a file that others may read", key, advice, severity=Severity.WARNING
            )


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0
