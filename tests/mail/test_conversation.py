"""Names read from the header alone are those that the parser reads."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from engine.mail.conversation import HEAD, named
from engine.mail.parse import parse
from engine.model.mail import Origin, RawMail

IDS = st.lists(st.from_regex(r"<[a-z0-9.]{1,12}@[a-z]{1,6}\.example>", fullmatch=True), max_size=4)
FOLDS = st.sampled_from([" ", "\n ", "\n\t", "  \n  "])


@given(IDS, IDS, IDS, FOLDS, st.sampled_from(["\n", "\r\n"]))
def test_a_header_names_what_the_parser_reads(
    own: list[str], answers: list[str], refs: list[str], fold: str, end: str
) -> None:
    fields = [
        f"{name}:{fold}{fold.join(ids)}"
        for name, ids in (("Message-ID", own[:1]), ("in-reply-to", answers), ("REFERENCES", refs))
        if ids
    ]
    content = "\n".join(["Subject: x", *fields, "", "Message-ID: <body@example.com>", ""]).replace("\n", end).encode()
    mail = parse(RawMail(content, Origin("system", "k", 1), datetime.now(UTC), "0" * 64))
    found, others = named(content)
    assert f"<{found.decode()}>" == (mail.message_id or "<>")
    assert {f"<{each.decode()}>" for each in others} == {*mail.in_reply_to, *mail.references}


@given(st.binary(max_size=200))
def test_any_bytes_name_something_or_nothing(content: bytes) -> None:
    own, others = named(content)
    assert isinstance(own, bytes) and isinstance(others, tuple)


def test_a_name_without_brackets_counts_and_a_far_one_does_not() -> None:
    assert named(b"Message-ID: a@b\nReferences: c@d e\n\n") == (b"a@b", (b"c@d",))
    assert named(b"References: " + b" ".join(b"<%d@x>" % each for each in range(900)) + b"\n\n").answers[0] == b"800@x"
    assert named(b"X: " + b"y" * HEAD + b"\nMessage-ID: <a@b>\n\n") == (b"", ())
