"""Mail that means harm: limits are applied and told, nothing is lost, and the next mail is none the wiser."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

PROVEN = "Authentication-Results: mx.example.com; dmarc=pass header.from=example.com"
HEAD = f"From: anna@example.com\nSubject: Bad\nTo: help@example.com\n{PROVEN}\n"
SLOW_S = 5.0
"""Far above what any of these may take, far below what a quadratic one would."""


def keywords() -> str:
    return HEAD + "\n" + "".join(f"Field{n}: value\nPriority: Level{n}\n" for n in range(1000)) + "The text.\n"


def contradictory() -> str:
    return f"{HEAD}\nPriority: High\nPriority: Low\nAssignee: anna\nAssignee: nobody\nThe text.\n"


def no_such_field() -> str:
    return f"{HEAD}\nShoe size: 44\nPriority: Enormous\nThe text.\n"


def many_in_cc() -> str:
    people = ",\n ".join(f"Person {n} <p{n}@elsewhere.example>" for n in range(10_000))
    return f"{HEAD}Cc: {people}\n\nThe text.\n"


def endless_references() -> str:
    ids = "\n ".join(f"<{n}.abcdef@elsewhere.example>" for n in range(50_000))
    return f"{HEAD}References: {ids}\n\nThe text.\n"


def wicked_names() -> str:
    head = 'Content-Type: multipart/mixed; boundary="b"\n'
    names = ["../../../etc/passwd", "a\\b\\c.txt", "x" * 4000 + ".txt", "=?utf-8?q?nul=00=0Ahere.txt?=", ".", "CON"]
    parts = "".join(
        f'--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename="{name}"\n\nfile {n}\n'
        for n, name in enumerate(names)
    )
    return f"{HEAD}{head}\n--b\n\nThe text.\n{parts}--b--\n"


def no_such_charset() -> str:
    return f"{HEAD}Content-Type: text/plain; charset=klingon-1\n\nThe text. Grüße\n"


def deep_html() -> str:
    return f"{HEAD}Content-Type: text/html\n\n{'<div>' * 20_000}The text.{'</div>' * 20_000}\n"


def deep_mime() -> str:
    opened = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(500))
    return f"{HEAD}{opened}Content-Type: text/plain\n\nThe text.\n"


def half_a_mail() -> str:
    return f"{HEAD}Content-Type: multipart/mixed; boundary=never\n\n--never\nContent-Type: text/plain\n\nThe text.\n"


def endless_subject() -> str:
    return HEAD.replace("Subject: Bad", "Subject: " + "[#1] " * 20_000) + "\nThe text.\n"


def quotes() -> str:
    return f"{HEAD}\nThe text.\n\nOn Monday, Bob wrote:\n" + "> and so on and on\n" * 50_000


def base64_of_nothing() -> str:
    return f"{HEAD}Content-Transfer-Encoding: base64\n\n" + "%%%% The text. ====\n" * 100


@pytest.mark.parametrize(
    ("made", "options", "outcome", "told"),
    [
        (keywords, "", "created", "only the first 200 keyword lines are looked at"),
        (keywords, 'unknown_keyword = "reject"', "rejected", "no field is called Field0"),
        (contradictory, 'allow_override = "all"', "created", "2 lines set priority, the first one counts"),
        (no_such_field, "", "created", '"Enormous" is no priority here'),
        (many_in_cc, "", "created", "addresses_cut: cc: more than 200 addresses"),
        (endless_references, "", "created", "header_field_cut: References"),
        (wicked_names, "", "created", "passwd (text/plain"),
        (no_such_charset, "", "created", "charset_unknown"),
        (deep_html, "", "created", "html_wild"),
        (deep_mime, "", "created", "too_deep"),
        (half_a_mail, "", "created", "mime_no_end"),
        (endless_subject, "", "held", "[#1] names no item"),
        (quotes, "", "created", "reply cut at"),
        (base64_of_nothing, "", "created", "base64"),
    ],
)
def test_bad_mail_is_bounded_told_and_kept_and_the_next_mail_is_unharmed(
    desk: Any, made: Callable[[], str], options: str, outcome: str, told: str
) -> None:
    desk.configure(more=f"[items]\n{options}\n")
    raw = made().encode()
    desk.mail(raw=raw)
    desk.mail("The next one")
    started = time.process_time()
    lines = {line["subject"][:12]: line for line in desk.run()}
    assert time.process_time() - started < SLOW_S
    assert lines["The next one"]["outcome"] == "created"
    bad = next(line for subject, line in lines.items() if subject != "The next one")
    assert bad["outcome"] == outcome
    assert desk.allegra("mail", "raw", bad["mail"]).stdout_bytes == raw
    said = desk.explained(bad["mail"])
    assert told in said
    assert len(said) < 60_000
    if outcome == "created":
        item = desk.item(bad["item"])
        assert "The text." in item["text"] or item["attachments"] or made is base64_of_nothing
        assert all("/" not in each["name"] and len(each["name"]) <= 255 for each in item["attachments"])
        assert len(item["people"]) <= 20


def test_byte_beyond_ascii_in_a_multipart_type_makes_an_item(desk: Any) -> None:
    desk.mail(raw=b"From: anna@example.com\nSubject: Odd\nContent-Type: multipart/\x94x\n\nIt does not print.\n")
    (line,) = desk.run()
    assert (line["outcome"], desk.item(1)["title"]) == ("created", "Odd")
    assert "mime_no_boundary" in desk.allegra("explain", "last", "--json").stdout


@pytest.mark.parametrize("command", [("item", "list", "--search"), ("mail", "list", "--search"), ("explain",)])
def test_bytes_of_the_shell_that_are_no_text_are_told_and_break_nothing(desk: Any, command: tuple[str, ...]) -> None:
    started = desk.start(*command, b"\xff".decode("utf-8", "surrogateescape"))
    _, errors = started.communicate(timeout=60)
    assert b"Traceback" not in errors
