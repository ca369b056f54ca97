"""Who may what in the console, for tests: an account of each kind, and from whose seat is asked.

Here: `people`, `become`. Not here: pages.
"""

from __future__ import annotations

import re

from console.offices import Office

from engine.config import load

WORDS = {
    "nobody": (),
    "viewer": ("view_mail",),
    "agent": ("view_mail", "read_mail", "decide_mail", "add_items"),
    "owner": (),
}
"""What each may in support by a role; `owner` is named as the owner of it."""

EVERYBODY = (*WORDS, "anna")
"""All of them, and an admin."""


def people(made: Office) -> None:
    """An account of each kind; finance is private, so nobody but an admin has anything there."""
    with made.installation.store() as store:
        store.items.put_workspace("finance", public=False)
        for name, words in WORDS.items():
            store.directory.put_account(name, name=name, emails=[f"{name}@people.example"])
            if words:
                store.directory.put_role(f"console {name}", words)
                store.directory.put_member("support", f"console {name}", user=name)
    file = made.folder / "allegra.toml"
    text = file.read_text(encoding="utf-8")
    begins = text.index("[workspace.support]")
    owned = re.sub(r'(?m)^owner = "[^"]*"', 'owner = "owner@people.example"', text[begins:], count=1)
    file.write_text(text[:begins] + owned, encoding="utf-8")
    assert load(file).workspaces["support"].owner == "owner@people.example"
    made.installation._looked_at = 0.0


def become(made: Office, login: str) -> None:
    """From now on this account is asking."""
    with made.installation.store() as store:
        account = store.directory.login(login)
    assert account is not None
    made.installation.whoever = lambda: account  # type: ignore[method-assign]
