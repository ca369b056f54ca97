"""What the configuration format knows and this version has not, and what it had once.

Here: one sentence for each such option or word. Not here: options that exist.
Invariant: what is lacking is refused; what has no effect any more is warned of; nothing is silently not done.
"""

from __future__ import annotations

OPTIONS: dict[str, str] = {
    "connector": "connectors to other trackers",
    "archive.redact_in_console": "way to show parts of a mail only",
    "smimepgp.gpg_home": "way to decrypt mail",
}

RETIRED: dict[str, str] = {
    "replies.once_per_sender": "a new item is acknowledged once, whatever else its sender was told",
    "replies.automatic_per_domain": "automatic_per_recipient and automatic_total limit what is sent",
    "errors.one_report_per_sender": 'refusals = { limit = 3, per = "1 day" } counts each reason by itself',
}
"""Options of earlier releases, with what took their place: a file that holds one still loads."""

WORDS: dict[tuple[str, str], str] = {
    ("store.driver", "mysql"): "other databases than SQLite and PostgreSQL",
    ("store.driver", "mariadb"): "other databases than SQLite and PostgreSQL",
    ("archive.where", "directory"): "archive outside the database",
}


def missing_option(section: str, name: str) -> str:
    """What this version lacks for an option, "" if that is not why it is unknown."""
    return OPTIONS.get(f"{section}.{name}" if section else name, "")


def retired_option(section: str, name: str) -> str:
    """What took the place of an option of an earlier release, "" if it was none."""
    return RETIRED.get(f"{section}.{name}", "")


def missing_word(section: str, name: str, word: object) -> str:
    """What this version lacks for a word of an option."""
    return WORDS.get((f"{section}.{name}", str(word)), "")
