"""Mail files, directories of them, standard input, and mbox files."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from engine.model.mail import Envelope
from engine.sources.files import FilesSource, mail_files, read_file, read_stdin
from engine.sources.source import Action, SourceError, content_key


def test_a_directory_gives_its_mails_by_name(tmp_path):
    for name in ("b.eml", "a.eml", ".hidden.eml", "c.EML", "noext", "picture.png"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "sub.eml").mkdir()
    assert [path.name for path in mail_files([tmp_path, tmp_path / "picture.png"])] == [
        "a.eml",
        "b.eml",
        "c.EML",
        "noext",
        "picture.png",
    ]


def test_files_are_read_in_the_order_named(bench, tmp_path):
    for name in ("2.eml", "1.eml"):
        (tmp_path / name).write_bytes(name.encode())
    with FilesSource([tmp_path / "2.eml", tmp_path / "1.eml"], bench.limits, lambda: bench.now) as source:
        keys = [each.key for each in source.list()]
        assert [raw.content for raw in source.fetch(keys, bench.limits)] == [b"2.eml", b"1.eml"]
        states = [source.settle([Action(keys[0], kind)])[0].state for kind in ("keep", "delete")]
    assert states == ["done", "failed"]
    assert (tmp_path / "2.eml").exists()


def test_a_file_that_is_missing_is_a_sentence(bench, tmp_path):
    with (
        pytest.raises(SourceError, match=r"none\.eml: no such file"),
        FilesSource([tmp_path / "none.eml"], bench.limits, lambda: bench.now),
    ):
        pass


def test_one_file_has_its_content_for_a_key(bench, tmp_path):
    (tmp_path / "1.eml").write_bytes(b"Subject: x\n\n")
    raw = read_file(tmp_path / "1.eml", bench.limits, bench.now)
    assert raw.origin.key == content_key(b"Subject: x\n\n") == "sha256:" + raw.digest


def test_a_device_is_no_mail(bench):
    with pytest.raises(OSError, match="no regular file"):
        read_file(Path(os.devnull), bench.limits, bench.now)


def test_F006_standard_input_takes_the_envelope(bench):
    envelope = Envelope("a@example.com", ("help@example.com",))
    raw = read_stdin(
        "system", bench.limits, bench.now, envelope=envelope, queue_id="4Xy1", stream=io.BytesIO(b"Subject: x\n\n")
    )
    assert raw.origin.key == "4Xy1/help@example.com"
    assert raw.envelope == envelope
    assert not raw.truncated


def test_F006_standard_input_over_the_limit_is_read_away_and_cut(bench):
    limits = type(bench.limits)(raw=1000, header_block=200)
    stream = io.BytesIO(b"Subject: x\n\n" + b"y" * 5_000_000)
    raw = read_stdin("system", limits, bench.now, stream=stream)
    assert (raw.content, raw.truncated, raw.origin.size_bytes) == (b"Subject: x\n\n", True, 5_000_012)
    assert stream.read() == b""


# ── mbox ──────────────────────────────────────────────────────────────────────────────────────────────────────

MBOX = (
    b"From anna@example.com Thu Jan  1 00:00:00 2026\nSubject: one\n\n"
    b">From here on\n>>From there\nFrom a line without an empty one above\n\n"
    b"From ben@example.com Thu Jan  1 00:00:00 2026\nSubject: two\n\nbody\n"
)


@pytest.fixture
def box(bench, tmp_path):
    (tmp_path / "mbox").write_bytes(MBOX)
    return bench.box(protocol="mbox", path=tmp_path / "mbox")


def test_an_mbox_is_cut_at_its_from_lines(bench, box):
    assert bench.read(box) == [
        b"Subject: one\n\nFrom here on\n>From there\nFrom a line without an empty one above\n",
        b"Subject: two\n\nbody\n",
    ]


def test_an_mbox_keeps_its_keys_when_mail_is_added(bench, box):
    with bench.open(box) as source:
        before = [each.key for each in source.list()]
    with box.path.open("ab") as file:
        file.write(b"\nFrom x Thu Jan  1 00:00:00 2026\nSubject: three\n\n")
    with bench.open(box) as source:
        assert [each.key for each in source.list()][:2] == before


def test_an_mbox_is_only_read(bench, box):
    with bench.open(box) as source:
        (key, _) = (each.key for each in source.list())
        assert [source.settle([Action(key, kind)])[0].state for kind in ("keep", "seen", "delete", "move")] == [
            "done",
            "done",
            "failed",
            "failed",
        ]
        assert source.peek(1)[0].header == b"Subject: one\n\n"
    assert box.path.read_bytes() == MBOX


def test_of_a_mail_in_an_mbox_over_the_limit_only_the_header_is_taken(bench, box):
    limits = type(bench.limits)(raw=30, header_block=25)
    with bench.open(box, limits) as source:
        raws = list(source.fetch([each.key for each in source.list()], limits))
    assert [raw.truncated for raw in raws] == [True, False]
    assert raws[0].content == b"Subject: one\n\n"


@pytest.mark.parametrize("content", [b"", b"no mbox at all\n"])
def test_an_empty_mbox_has_no_mail(bench, tmp_path, content):
    (tmp_path / "mbox").write_bytes(content)
    assert bench.read(bench.box(protocol="mbox", path=tmp_path / "mbox")) == []


def test_a_missing_mbox_is_a_sentence(bench, tmp_path):
    with pytest.raises(SourceError) as caught, bench.open(bench.box(protocol="mbox", path=tmp_path / "none")):
        pass
    assert caught.value.code == "source.unreachable"
