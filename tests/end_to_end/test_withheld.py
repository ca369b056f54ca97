"""A message that a server lists and does not hand out: named wherever somebody looks, and it stops no other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from served import configure, mail, options
from servers.scripted import Scripted, Talk, imap, pop3


class Shelf:
    """An IMAP script with messages by UID; those in `refused` are answered as `how` says."""

    def __init__(self, *uids: int, refused: dict[int, str] | None = None) -> None:
        self.mails = {uid: mail(uid) for uid in uids}
        self.refused = refused or {}

    def script(self) -> Callable[[Talk], None]:
        return imap(
            examine=f"* {len(self.mails)} EXISTS\r\n* OK [UIDVALIDITY 9] ok\r\n* OK [UIDNEXT 99] ok",
            uid_search=lambda talk, tag, rest: talk.send(
                "* SEARCH " + " ".join(map(str, self.mails)), tag + b" OK done"
            ),
            uid_fetch=self.fetch,
        )

    def fetch(self, talk: Talk, tag: bytes, rest: bytes) -> None:
        asked = []
        for part in re.match(rb"UID FETCH ([0-9:,]+)", rest)[1].decode().split(","):  # type: ignore[index]
            low, _, high = part.partition(":")
            asked += [uid for uid in self.mails if int(low) <= uid <= int(high or low)]
        body, no = b"BODY.PEEK[]" in rest, ""
        for uid in asked:
            how = self.refused.get(uid, "")
            if how == "NO" or (how == "NO to the body" and body):
                no = " NO [SERVERBUG] cannot be converted"
            elif body and how:
                talk.raw(how.encode())
            elif body:
                talk.raw(b"* 1 FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (uid, len(self.mails[uid]), self.mails[uid]))
            else:
                talk.send(f"* 1 FETCH (UID {uid} RFC822.SIZE {len(self.mails[uid])} FLAGS ())")
        talk.send(tag + (no or " OK done").encode())


WAYS = {
    "NO to everything": "NO",
    "NO to the body": "NO to the body",
    "NIL": "* 2 FETCH (UID 2 BODY[] NIL)\r\n",
    "OK without data": "* 2 FETCH (UID 2 FLAGS ())\r\n",
    "an empty literal": "* 2 FETCH (UID 2 BODY[] {0}\r\n)\r\n",
}
KEY = "INBOX/9/2"


def boxes(desk: Any) -> dict[str, dict[str, Any]]:
    told = [json.loads(line) for line in desk.allegra("mailbox", "list", "--json").stdout.splitlines()]
    return {each["mailbox"]: each for each in told}


@pytest.mark.parametrize("how", WAYS)
def test_it_is_named_by_run_and_lists_and_reconcile_and_the_others_are_read(desk: Any, how: str) -> None:
    shelf = Shelf(1, 2, 3, refused={2: WAYS[how]})
    with Scripted(shelf.script()) as server:
        configure(desk, options(server, more='after_success = "keep"'))
        for number in range(4):  # from the second time on it is asked for alone, behind the others
            shelf.mails[10 + number] = mail(10 + number)
            result = desk.allegra("run")
            assert (result.exit_code, result.stdout) == (1, "")
            assert f"mailbox system: 1 message is listed but not handed out: {KEY}" in result.stderr
            assert ("cannot be converted" in result.stderr) == how.startswith("NO")
            assert len(desk.lines("item", "list")) == 3 + number
        assert (boxes(desk)["system"]["state"], boxes(desk)["support"]["state"]) == ("incomplete", "ok")
        assert KEY in boxes(desk)["system"]["sentence"]
        counted = desk.allegra("mailbox", "reconcile", "system")
        assert counted.exit_code == (69 if how.startswith("NO") else 1)
        assert KEY in counted.stderr
        shelf.refused.clear()
        assert desk.allegra("run").exit_code == 0
        assert len(desk.lines("item", "list")) == 7
        assert boxes(desk)["system"]["state"] == "ok"


def test_reconcile_does_not_count_it_as_known(desk: Any) -> None:
    shelf = Shelf(1, 2, 3, refused={2: WAYS["NIL"]})
    with Scripted(shelf.script()) as server:
        configure(desk, options(server, more='after_success = "keep"'))
        told = json.loads(desk.allegra("mailbox", "reconcile", "system", "--json").stdout)
    assert (told["on_server"], told["known"], told["missing"], told["withheld"]) == (3, 0, 2, {KEY: ""})


def test_a_dry_run_names_it_too(desk: Any) -> None:
    with Scripted(Shelf(1, 2, refused={2: WAYS["NIL"]}).script()) as server:
        configure(desk, options(server))
        result = desk.allegra("run", "--dry-run", "--json")
    assert json.loads(result.stdout.splitlines()[-1])["mailboxes"]["system"]["withheld"] == {KEY: ""}
    assert result.exit_code == 1


def test_a_server_that_refuses_every_message_is_away(desk: Any) -> None:
    with Scripted(Shelf(1, 2, 3, refused=dict.fromkeys((1, 2, 3), "NO")).script()) as server:
        configure(desk, options(server))
        result = desk.allegra("run")
    assert result.exit_code == 69
    assert "hands out none of 3 messages: INBOX/9/1 ([SERVERBUG] cannot be converted), INBOX/9/2" in result.stderr
    assert boxes(desk)["system"]["state"] == "failing"


def test_a_message_that_somebody_removed_meanwhile_is_not_missed(desk: Any) -> None:
    shelf = Shelf(1, 2)
    fetch = shelf.fetch

    def removed(talk: Talk, tag: bytes, rest: bytes) -> None:
        if b"BODY" in rest:
            shelf.mails.pop(2, None)
        fetch(talk, tag, rest)

    shelf.fetch = removed  # type: ignore[method-assign]
    with Scripted(shelf.script()) as server:
        configure(desk, options(server, more='after_success = "keep"'))
        result = desk.allegra("run")
    assert (result.exit_code, result.output) == (0, "")
    assert len(desk.lines("item", "list")) == 1


def test_a_pop3_server_that_refuses_one_message_hides_it_from_nobody(desk: Any) -> None:
    mails = (mail(1), mail(2))

    def refuses(talk: Talk, rest: bytes) -> None:
        content = mails[int(rest) - 1].replace(b"\r\n.", b"\r\n..")
        talk.raw(b"-ERR locked\r\n" if rest == b"2" else b"+OK\r\n" + content + b".\r\n")

    with Scripted(pop3(mails=mails, retr=refuses)) as server:
        configure(desk, options(server, "pop3", more='after_success = "keep"'))
        result = desk.allegra("run")
    assert result.exit_code == 1
    assert "1 message is listed but not handed out: m2 (locked)" in result.stderr
    assert len(desk.lines("item", "list")) == 1
