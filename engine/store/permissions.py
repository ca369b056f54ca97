"""What roles may permit, and all that somebody may.

Here: the words, in which order they are told, and the workspaces where somebody may do what. Not here: whether somebody
may one thing in one workspace, which decisions ask (`directory.py`), what owners may by the configuration
(`desk/scope.py`). Invariant: a word keeps its meaning once released, for roles that are stored name it.
"""

from __future__ import annotations

import msgspec

from engine.model.desk import Account, AccountStatus
from engine.store import tables
from engine.store.database import Database

OF_MAIL = ("view_mail", "read_mail", "decide_mail", "edit_rules")
"""About the mail of a workspace: to see what came and why it ended so; its text, files and bytes; to decide what waits
for a person; to save the rules that decide it. The owner of a workspace may all of that there."""

PERMISSIONS = ("view_items", "add_items", "add_comments", "edit_items", "watch", *OF_MAIL)
"""What a role may permit."""

FOR_EVERYONE = frozenset({"view_items", "add_items", "add_comments", "watch"})
"""What every active account, guests too, may do in a public workspace; membership adds to it."""

MAY = (AccountStatus.ACTIVE, AccountStatus.GUEST)
"""Who is locked or only registered may nothing."""


def permitted(database: Database, account: Account) -> dict[str, frozenset[str]]:
    """Give what somebody may, by workspace: `Directory.may`, asked of all at once."""
    place, member, role, membership = tables.Workspace, tables.Member, tables.Role, tables.Membership
    found: dict[str, set[str]] = {}
    for name, public in database.all(place.select(place.identifier, place.public)):
        found[name] = set(PERMISSIONS if account.admin else FOR_EVERYONE if public else ())
    groups = membership.select(membership.group).where(membership.account == account.id)
    theirs = (member.account == account.id) | member.group.in_(groups)
    roles = member.select(place.identifier, role.permissions).join(place).switch(member).join(role).where(theirs)
    for name, permissions in database.all(roles):
        found.setdefault(name, set()).update(msgspec.json.decode(permissions))
    return {name: frozenset(words) for name, words in found.items() if words}
