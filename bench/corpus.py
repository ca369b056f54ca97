"""A seeded corpus of help desk mail: the same bytes for the same seed, on every machine.

60 % plain text of 1-4 KB, 25 % multipart/alternative of 10-30 KB, 10 % with an attachment of 100-300 KB, 5 % in
other character sets; 30 % are replies with quotes; SENDERS (50) known senders. Text is made of our own small word
lists.
"""

from __future__ import annotations

import base64
import os
import quopri
import random
from collections.abc import Iterator
from dataclasses import dataclass
from email.header import Header
from email.utils import formatdate
from pathlib import Path

SENDERS = int(os.environ.get("SENDERS", "50"))
WORDS = (
    "server client folder mailbox printer order invoice login password error timeout network "
    "proxy report screen update restart customer account button browser export import upload "
    "index table slow wrong missing again still please check after before when while the a on in "
    "with from this that cannot should works fails always never"
).split()
FOREIGN = {
    "iso-8859-1": "größe prüfen während für über müssen straße fehler öffnen déjà créé garçon año señor".split(),
    "windows-1252": "“zitat” – dash naïve café €100 façade".split(),
    "iso-8859-2": "źródło łódź żółć świat część ręka kůň".split(),
    "koi8-r": "ошибка сервер заказ пароль сообщение отчёт обновления".split(),
    "iso-2022-jp": "障害 報告 サーバー 接続 確認 画面 印刷".split(),
    "gb2312": "错误 服务器 连接 用户 密码 报告 附件".split(),
    "euc-kr": "오류 서버 연결 사용자 비밀번호 보고서".split(),
}
FIRST = "Anna Ben Carla Dmitri Elif François Günther Hana José Kim Mária Nils Pål".split()
LAST = "Smith Müller Nakamura Petrov García Novák Jensen Kowalski Wang".split()
FILES = (("application/pdf", "pdf", b"%PDF-1.4\n"), ("image/png", "png", b"\x89PNG\r\n\x1a\n"),
         ("image/jpeg", "jpg", b"\xff\xd8\xff\xe0"), ("application/zip", "zip", b"PK\x03\x04"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """A mail that later ones may answer."""

    subject: str
    message_id: str
    sender: str
    text: str
    time: int


def corpus(count: int = 2000, seed: int = 1) -> Iterator[bytes]:
    """Make `count` mails, each as it would lie in a Maildir (LF line ends)."""
    rng = random.Random(seed)
    kinds = (
        ["plain"] * round(count * 0.60) + ["alternative"] * round(count * 0.25) + ["attachment"] * round(count * 0.10)
    )
    kinds += ["charset"] * (count - len(kinds))
    rng.shuffle(kinds)
    replies = [True] * round(count * 0.30) + [False] * (count - round(count * 0.30))
    rng.shuffle(replies)
    people = [(f"{rng.choice(FIRST)} {rng.choice(LAST)}", f"user{n:02d}@example.com") for n in range(SENDERS)]
    written: list[Written] = []
    clock = 1_760_000_000
    for number, kind in enumerate(kinds, 1):
        clock += rng.randint(5, 900)
        answered = rng.choice(written) if replies[number - 1] and written else None
        content, mail = _mail(rng, number, kind, rng.choice(people), clock, answered)
        if answered is None:
            written.append(mail)
        yield content


def write_maildir(folder: Path, count: int = 2000, seed: int = 1) -> int:
    """Put a corpus into `folder/new` in order of arrival, as mail that came just now; gives the number of bytes."""
    for name in ("tmp", "new", "cur"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    size = 0
    for number, content in enumerate(corpus(count, seed)):
        size += (folder / "new" / f"{seed}-{number:06d}.bench").write_bytes(just_now(content))
    return size


def just_now(content: bytes) -> bytes:
    """Add the line of our own server, which took the mail in this second: of old mail nobody would hear."""
    taken = f"Received: from mail0.example.com by mx.example.com; {formatdate()}\n".encode()
    return content.replace(b"Received: ", taken + b"Received: ", 1)


def _mail(
    rng: random.Random, number: int, kind: str, person: tuple[str, str], clock: int, answered: Written | None
) -> tuple[bytes, Written]:
    name, address = person
    charset = rng.choice(sorted(FOREIGN)) if kind == "charset" else "utf-8"
    foreign = FOREIGN[charset] if kind == "charset" else FOREIGN["iso-8859-1"] if rng.random() < 0.3 else []
    subject = f"Re: {answered.subject}" if answered else _sentence(rng, rng.randint(3, 8), foreign).rstrip(".?!")
    said = _paragraphs(rng, rng.randint(1000, 3400) // (3 if answered else 1), foreign)
    text = f"Hello,\n\n{said}\n\nBest regards\n{name.split()[0]}"
    if answered:
        quoted = "\n".join("> " + line for line in answered.text.split("\n")[:30])
        text += f"\n\nOn {formatdate(answered.time)}, {answered.sender} wrote:\n{quoted}"
    text += f"\n\n-- \n{name}\nExample Corp.\nPhone +1 555 {rng.randrange(10000):04d}\n"
    message_id = f"<{rng.randrange(1 << 40):010x}.{number}@mail{rng.randint(1, 9)}.example.com>"
    head = [*_trace(rng, address, clock), *_fields(rng, name, address, subject, clock, message_id, answered)]
    body = _body(rng, kind, text, charset, number)
    mail = Written(subject, message_id, name, text[:2500], clock)
    return ("\n".join(head) + "\n" + body).encode("utf-8"), mail


def _trace(rng: random.Random, address: str, clock: int) -> Iterator[str]:
    yield f"Return-Path: <{address}>"
    yield "Delivered-To: help@example.com"
    for hop in range(3):
        yield (
            f"Received: from mx{rng.randint(1, 9)}.example.net (mx.example.net [192.0.2.{rng.randint(1, 254)}])\n"
            f"\tby mail{hop}.example.com (Postfix) with ESMTPS id {rng.randrange(1 << 40):010X}\n"
            f"\tfor <help@example.com>; {formatdate(clock - hop)}"
        )
    signature = base64.b64encode(rng.randbytes(96)).decode()
    fields = "v=1; a=rsa-sha256; d=example.com; s=s1;\n\th=From:To:Subject:Date"
    yield f"DKIM-Signature: {fields};\n\tb={signature[:60]}\n\t {signature[60:]}"
    yield (
        "Authentication-Results: mx.example.com;\n\tdmarc=pass header.from=example.com;\n"
        f"\tdkim=pass header.d=example.com; spf=pass smtp.mailfrom={address}"
    )


def _fields(
    rng: random.Random, name: str, address: str, subject: str, clock: int, message_id: str, answered: Written | None
) -> Iterator[str]:
    yield f"From: {_encoded(name)} <{address}>"
    yield "To: Help desk <help@example.com>"
    if rng.random() < 0.2:
        yield f"Cc: <user{rng.randrange(SENDERS):02d}@example.com>"
    yield f"Subject: {_encoded(subject)}"
    yield f"Date: {formatdate(clock)}"
    yield f"Message-ID: {message_id}"
    yield f"X-Mailer: {rng.choice(['Mozilla Thunderbird', 'Microsoft Outlook 16.0', 'Apple Mail (2.3774)'])}"
    yield "MIME-Version: 1.0"
    if answered:
        yield f"In-Reply-To: {answered.message_id}"
        yield f"References: {answered.message_id}"


def _body(rng: random.Random, kind: str, text: str, charset: str, number: int) -> str:
    boundary = f"----=_Part_{number}_{rng.randrange(10**9)}"
    plain = _text_part(rng, text, charset)
    if kind in ("plain", "charset"):
        return plain
    if kind == "alternative":
        html = quopri.encodestring(_html(rng, text).encode()).decode()
        other = f'Content-Type: text/html; charset="utf-8"\nContent-Transfer-Encoding: quoted-printable\n\n{html}'
        kind = "alternative"
    else:
        declared, extension, magic = rng.choice(FILES)
        data = base64.encodebytes(magic + rng.randbytes(rng.randint(100_000, 300_000))).decode()
        other = (
            f"Content-Type: {declared}\nContent-Transfer-Encoding: base64\n"
            f'Content-Disposition: attachment; filename="report-{number}.{extension}"\n\n{data}'
        )
        kind = "mixed"
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"'
    return f"{head}\n\n--{boundary}\n{plain}\n--{boundary}\n{other}\n--{boundary}--\n"


def _text_part(rng: random.Random, text: str, charset: str) -> str:
    encoded = text.encode(charset, "replace")
    if charset == "utf-8" and text.isascii():
        return f'Content-Type: text/plain; charset="us-ascii"\nContent-Transfer-Encoding: 7bit\n\n{text}'
    if charset == "iso-2022-jp":
        head = f'Content-Type: text/plain; charset="{charset}"\nContent-Transfer-Encoding: 7bit'
        return f"{head}\n\n{encoded.decode('ascii')}"
    if rng.random() < 0.6:
        coding, body = "quoted-printable", quopri.encodestring(encoded).decode("ascii")
    else:
        coding, body = "base64", base64.encodebytes(encoded).decode("ascii")
    return f'Content-Type: text/plain; charset="{charset}"\nContent-Transfer-Encoding: {coding}\n\n{body}'


def _html(rng: random.Random, text: str) -> str:
    style = "".join(f".c{n}{{margin:{n}px;color:#{rng.randrange(1 << 24):06x}}}" for n in range(30))
    parts = [f"<html><head><style>{style}</style></head><body>"]
    size = rng.randint(7_000, 22_000)
    while sum(map(len, parts)) < size:
        for block in text.split("\n\n"):
            escaped = block.replace("&", "&amp;").replace("<", "&lt;").replace("\n", " ")
            parts.append(
                f'<p class="MsoNormal c{rng.randrange(30)}"><span style="color:#1F497D">{escaped}</span></p>\n'
            )
    return "".join(parts) + "</body></html>\n"


def _paragraphs(rng: random.Random, size: int, foreign: list[str]) -> str:
    lines: list[str] = []
    line = ""
    while sum(map(len, lines)) < size:
        for word in _sentence(rng, rng.randint(5, 15), foreign).split():
            if len(line) + len(word) > 74:
                lines.append(line)
                line = word
                if rng.random() < 0.08:
                    lines.append("")
            else:
                line = f"{line} {word}".strip()
    return "\n".join([*lines, line])


def _sentence(rng: random.Random, words: int, foreign: list[str]) -> str:
    said = " ".join(rng.choice(foreign) if foreign and rng.random() < 0.3 else rng.choice(WORDS) for _ in range(words))
    return said[0].upper() + said[1:] + rng.choice("...?!")


def _encoded(text: str) -> str:
    return text if text.isascii() else Header(text, "utf-8", maxlinelen=74).encode()
