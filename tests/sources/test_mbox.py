"""Mbox files."""

from __future__ import annotations

import pytest

from engine.sources.source import Action, SourceError

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
