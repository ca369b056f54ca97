"""Builders of raw mails for the tests of the mail reader."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from engine.mail.parse import Limits, parse
from engine.model.mail import Mail, Origin, RawMail

SAMPLES = Path(__file__).resolve().parent
NOW = datetime(2026, 11, 20, 10, 31, tzinfo=UTC)


def raw_mail(content: bytes) -> RawMail:
    """Wrap bytes as a source does."""
    return RawMail(content, Origin("system", "INBOX/1/1", len(content)), NOW, hashlib.sha256(content).hexdigest())


def read(content: bytes | str, limits: Limits = Limits()) -> Mail:  # noqa: B008
    """Parse bytes, or text as UTF-8."""
    return parse(raw_mail(content.encode() if isinstance(content, str) else content), limits)


def with_header(*lines: str | bytes, body: bytes = b"hello\n") -> bytes:
    """Make a mail of header lines and a body."""
    encoded = [line.encode() if isinstance(line, str) else line for line in lines]
    return b"\n".join([b"From: Anna <anna@example.com>", *encoded]) + b"\n\n" + body


def multipart(kind: str, *parts: str | bytes, boundary: str = "edge") -> bytes:
    """Make a multipart body with its Content-Type line; each part brings its own header and empty line."""
    out = [f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n'.encode()]
    for part in parts:
        out.append(f"--{boundary}\n".encode() + (part.encode() if isinstance(part, str) else part) + b"\n")
    return b"".join(out) + f"--{boundary}--\n".encode()


def mail_of(kind: str, *parts: str | bytes) -> Mail:
    """Read a multipart mail with these parts."""
    return read(b"From: anna@example.com\nMIME-Version: 1.0\n" + multipart(kind, *parts))


def codes(mail: Mail) -> set[str]:
    """The codes of a mail's defects."""
    return {defect.code for defect in mail.defects}


@cache
def sample(name: str) -> Mail:
    """Read one of the sample mails beside this file."""
    return read((SAMPLES / f"{name}.eml").read_bytes())


def all_samples() -> list[str]:
    """The names of all sample mails."""
    return sorted(path.stem for path in SAMPLES.glob("*.eml"))
