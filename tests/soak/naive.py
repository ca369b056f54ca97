"""What most programs do: fetch what is unseen, make a row of it, go on. The negative control of the trial.

Run as `python naive.py PORT USER PASSWORD DATABASE`. It is killed like the engine and reads through the same proxy; a
trial that finds nothing lost and nothing twice here could not find it in the engine either.
"""

from __future__ import annotations

import imaplib
import sqlite3
import sys
from email import message_from_bytes


def main() -> None:
    """One pass."""
    port, user, password, database = sys.argv[1:]
    store = sqlite3.connect(database, timeout=30, isolation_level=None)
    store.execute("CREATE TABLE IF NOT EXISTS item (message_id TEXT)")
    session = imaplib.IMAP4("localhost", int(port), timeout=10)
    session.login(user, password)
    session.select("INBOX")
    for number in session.search(None, "UNSEEN")[1][0].split()[:40]:
        content = session.fetch(number, "(RFC822)")[1][0][1]  # type: ignore[index]
        store.execute("INSERT INTO item VALUES (?)", (message_from_bytes(content)["Message-ID"],))
        session.store(number, "+FLAGS", "\\Seen")
    session.logout()


if __name__ == "__main__":
    main()
