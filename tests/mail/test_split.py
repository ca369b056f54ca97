"""The byte splitter: on mail without mistakes its tree is that of the standard library, whatever the tree."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st
from mail_builders import codes, mail_of, multipart, raw_mail, read
from mail_oracle import comparable, oracle

from engine.mail.parse import parse

TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\x00\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=80
)
NAMES = st.sampled_from(["report.pdf", "a b.txt", "", "Übersicht.pdf", "x;y.png", "image"])
TYPES = st.sampled_from(
    [
        "text/plain",
        "text/html",
        "image/png",
        "application/pdf",
        "message/rfc822",
        "application/octet-stream",
        "text/calendar",
        "",
    ]
)
KINDS = st.sampled_from(["mixed", "alternative", "related", "report", "signed", "digest"])


@st.composite
def leaves(draw: st.DrawFn) -> bytes:
    """A part with any of the usual fields, in any of the usual encodings."""
    import base64
    import quopri

    kind, name, words = draw(TYPES), draw(NAMES), draw(TEXTS)
    encoding = draw(st.sampled_from(["8bit", "base64", "quoted-printable", ""]))
    lines = []
    if kind:
        lines.append(f"Content-Type: {kind}" + ("; charset=utf-8" if kind.startswith("text/") else ""))
    if name:
        lines.append(f'Content-Disposition: {draw(st.sampled_from(["attachment", "inline"]))};\n filename="{name}"')
    if encoding:
        lines.append(f"Content-Transfer-Encoding: {encoding}")
    content = words.encode()
    if encoding == "base64":
        content = base64.encodebytes(content)
    elif encoding == "quoted-printable":
        content = quopri.encodestring(content)
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + content


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> bytes:
    """A part, or a multipart of such trees; each boundary is its own."""
    if depth == 0 or draw(st.booleans()):
        return draw(leaves())
    children = draw(st.lists(trees(depth - 1), min_size=1, max_size=3))
    number = draw(st.integers(0, 10**9))
    return multipart(draw(KINDS), *children, boundary=f"=_edge.{depth}.{number}")


DASH = (
    b'Content-Type: multipart/mixed; boundary="=_edge.3.0"\n\n--=_edge.3.0\n'
    b"Content-Type: text/plain\n\n-\n--=_edge.3.0--\n"
)


PART = (
    b'Content-Type: text/plain; charset=utf-8\nContent-Disposition: attachment;\n filename="report.pdf"\n'
    b"Content-Transfer-Encoding: 8bit\n\n"
)
EMPTY = multipart(
    "mixed", multipart("mixed", multipart("mixed", PART, boundary="=_edge.1.0"), PART + b"\n", boundary="=_edge.2.0"),
    boundary="=_edge.3.0",
)  # fmt: skip
"""A part without content, and behind it one with a line end."""


@settings(max_examples=250, deadline=None)
@example(DASH, False, False)
@example(EMPTY, False, False)
@given(trees(), st.booleans(), st.booleans())
def test_splitter_and_standard_library_agree_on_any_tree(tree: bytes, crlf: bool, closed: bool) -> None:
    content = b"From: Anna <anna@example.com>\nSubject: x\nMIME-Version: 1.0\n" + tree
    if not closed and content.endswith(b"--\n"):
        content = content[: content.rstrip().rindex(b"\n")]
    if crlf:
        content = content.replace(b"\n", b"\r\n")
    raw = raw_mail(content)
    mail = parse(raw)
    if codes(mail) & {"mime_no_boundary", "mime_boundary_guessed", "header_stray_line"}:
        return  # a text that happens to look like structure
    assert comparable(mail) == comparable(oracle(raw))


def test_boundary_that_begins_like_another_is_not_it() -> None:
    inner = multipart("alternative", "\nplain", "Content-Type: text/html\n\n<p>html</p>", boundary="edge2")
    mail = mail_of("mixed", inner, "\nafter")
    assert mail.text == "plain\nafter"


def test_boundary_counts_at_the_beginning_of_a_line_only() -> None:
    assert mail_of("mixed", "\nnot a --edge in here\n --edge\n").text == "not a --edge in here\n --edge\n"


def test_blanks_behind_a_boundary_are_padding() -> None:
    mail = read(b"Content-Type: multipart/mixed; boundary=b\n\n--b \t\n\none\n--b\t\n\ntwo\n--b-- \n")
    assert mail.text == "one\ntwo"


def test_outer_boundary_ends_what_the_inner_left_open() -> None:
    inner = b"Content-Type: multipart/mixed; boundary=inner\n\n--inner\n\nfirst\n--inner\n\nsecond"
    assert [part.path for part in mail_of("mixed", inner, "\nthird").parts] == ["1.1", "1.2", "2"]


def test_paths_are_those_of_imap() -> None:
    inner = multipart("alternative", "\nplain", "Content-Type: text/html\n\n<p>plain</p>", boundary="i")
    mail = mail_of("mixed", inner, "Content-Type: application/pdf\n\n%PDF-")
    assert [(part.path, part.alternative) for part in mail.parts] == [("1.1", True), ("1.2", True), ("2", False)]
    assert read("Subject: x\n\nhi").parts[0].path == "1"


def test_epilogue_and_preamble_are_no_text() -> None:
    mail = read(b"Content-Type: multipart/mixed; boundary=b\n\nbefore\n--b\n\nin\n--b--\nafter\n")
    assert mail.text == "in"


def test_dashes_in_text_are_no_boundary_to_guess() -> None:
    text = "-----Original Message-----\n\nFrom: x\n"
    mail = read(f"Content-Type: multipart/mixed; boundary=b\n\n{text}")
    assert mail.text == text and "mime_no_boundary" in codes(mail)
