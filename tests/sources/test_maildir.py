"""Maildir: reading, flags, folders, and other clients at work at the same time."""

from __future__ import annotations

import hashlib
import io
import os

import pytest

from engine.sources.maildir import deliver_into
from engine.sources.source import Action, SourceError


@pytest.fixture
def home(tmp_path):
    for name in ("tmp", "new", "cur"):
        (tmp_path / "box" / name).mkdir(parents=True)
    return tmp_path / "box"


@pytest.fixture
def box(bench, home):
    return bench.box(protocol="maildir", path=home)


def put(home, name, content=b"Subject: x\n\nbody\n", directory="new", age=0):
    path = home / directory / name
    path.write_bytes(content)
    os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    return path


def names(home):
    return {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}


def do(bench, box, kind, folder=""):
    with bench.open(box) as source:
        return [each.state for each in source.settle([Action(each.key, kind, folder) for each in source.list()])]


def test_new_and_cur_are_read_oldest_first(bench, box, home):
    put(home, "3.a", b"third", age=1)
    put(home, "1.a:2,S", b"first", "cur", age=3)
    put(home, "2.a", b"second", age=2)
    assert bench.read(box) == [b"first", b"second", b"third"]
    with bench.open(box) as source:
        assert [each.key for each in source.list()] == ["1.a", "2.a", "3.a"]


def test_reading_changes_nothing(bench, box, home):
    put(home, "1.a")
    bench.read(box)
    assert names(home) == {"new/1.a"}


def test_tmp_hidden_deleted_and_odd_files_are_no_mail(bench, box, home, tmp_path):
    put(home, "1.a", directory="tmp")
    put(home, ".hidden")
    put(home, "2.a:2,ST", directory="cur")
    (home / "new" / "directory").mkdir()
    os.mkfifo(home / "new" / "pipe")
    secret = tmp_path / "secret"
    secret.write_bytes(b"not a mail")
    (home / "new" / "link").symlink_to(secret)
    assert bench.read(box) == []


def test_a_link_put_in_place_of_a_mail_is_not_followed(bench, box, home, tmp_path):
    path = put(home, "1.a")
    secret = tmp_path / "secret"
    secret.write_bytes(b"not a mail")
    with bench.open(box) as source:
        keys = [each.key for each in source.list()]
        path.unlink()
        path.symlink_to(secret)
        assert list(source.fetch(keys, bench.limits)) == []


def test_F031_seen_moves_new_mail_to_cur_with_the_flag(bench, box, home):
    put(home, "1.a")
    put(home, "2.a:2,FR", directory="cur")
    put(home, "3.a:2,S", directory="cur")
    assert do(bench, box, "seen") == ["done"] * 3
    assert names(home) == {"cur/1.a:2,S", "cur/2.a:2,FRS", "cur/3.a:2,S"}
    assert do(bench, box, "seen") == ["done"] * 3


def test_F026_move_makes_a_maildir_folder(bench, box, home):
    put(home, "1.a", b"moved")
    assert do(bench, box, "move", "Allegra/Done") == ["done"]
    assert names(home) == {".Allegra.Done/cur/1.a:2,S", ".Allegra.Done/maildirfolder"}
    with bench.open(box) as source:
        assert source.folders() == ["INBOX", "Allegra/Done"]
    assert bench.read(bench.box(protocol="maildir", path=home, folder="Allegra/Done")) == [b"moved"]


def test_F025_delete_removes_the_file(bench, box, home):
    put(home, "1.a")
    assert do(bench, box, "delete") == ["done"]
    assert names(home) == set()


def test_keep_changes_nothing(bench, box, home):
    put(home, "1.a")
    assert do(bench, box, "keep") == ["done"]
    assert names(home) == {"new/1.a"}


def test_moving_twice_finds_it_gone(bench, box, home):
    put(home, "1.a")
    with bench.open(box) as source:
        planned = [Action("1.a", "move", "Done")]
        assert [source.settle(planned)[0].state for _ in range(2)] == ["done", "gone"]


@pytest.mark.parametrize(
    ("kind", "folder", "left"),
    [("move", "Done", "Done/cur/1.a:2,S"), ("move", "INBOX", "cur/1.a:2,S"), ("seen", "", ".Held/cur/1.a:2,S"),
     ("delete", "", "")],
)  # fmt: skip
def test_mail_that_waited_in_a_folder_goes_on_from_there(bench, home, kind, folder, left):
    content = put(home, "1.a").read_bytes()
    waits = bench.box(protocol="maildir", path=home, move_on_hold="Held")
    do(bench, waits, "move", "Held")
    other = Action("1.a", kind, folder, len(content), "", "00" * 32)
    known = Action("1.a", kind, folder, len(content), "", hashlib.sha256(content).hexdigest())
    with bench.open(waits) as source:
        assert source.settle([other])[0].state == "gone"
        assert ".Held/cur/1.a:2,S" in names(home)
        assert source.settle([known])[0].state == "done"
    mails = {each for each in names(home) if not each.endswith("maildirfolder")}
    assert mails == ({left.replace("Done/", ".Done/")} - {""})


@pytest.mark.parametrize("kind", ["seen", "delete", "move"])
def test_a_mail_another_client_renamed_is_found_again(bench, box, home, kind):
    path = put(home, "1.a")
    with bench.open(box) as source:
        keys = [each.key for each in source.list()]
        path.rename(home / "cur" / "1.a:2,R")
        assert [raw.origin.key for raw in source.fetch(keys, bench.limits)] == ["1.a"]
        (home / "cur" / "1.a:2,R").rename(home / "cur" / "1.a:2,FR")
        assert source.settle([Action("1.a", kind, "Done")])[0].state == "done"


def test_a_mail_of_the_same_name_in_the_target_is_not_overwritten(bench, box, home):
    put(home, "1.a", b"first")
    do(bench, box, "move", "Done")
    put(home, "1.a", b"second")
    do(bench, box, "move", "Done")
    found = sorted(path.read_bytes() for path in (home / ".Done" / "cur").iterdir())
    assert found == [b"first", b"second"]


def test_a_move_cut_short_by_a_crash_is_finished(bench, box, home):
    path = put(home, "1.a")
    (home / ".Done" / "cur").mkdir(parents=True)
    os.link(path, home / ".Done" / "cur" / "1.a:2,S")
    assert do(bench, box, "move", "Done") == ["done"]
    assert {name for name in names(home) if "1.a" in name} == {".Done/cur/1.a:2,S"}


@pytest.mark.parametrize("folder", ["../evil", "a/../b", "a//b", "/etc", "a\nb", ".x", "a/"])
def test_a_folder_never_leaves_the_maildir(bench, box, home, folder):
    put(home, "1.a")
    assert do(bench, box, "move", folder) == ["failed"]
    assert names(home) == {"new/1.a"}
    assert not (home.parent / "evil").exists()


def test_F044_of_a_mail_over_the_limit_only_the_header_is_taken(bench, box, home):
    put(home, "1.a", b"Subject: big\n\n" + b"x" * 5000)
    limits = type(bench.limits)(raw=1000, header_block=200)
    with bench.open(box, limits) as source:
        (raw,) = source.fetch(["1.a"], limits)
    assert (raw.content, raw.truncated, raw.origin.size_bytes) == (b"Subject: big\n\n", True, 5014)


def test_names_that_are_no_text_are_read_and_settled(bench, box, home):
    path = os.fsencode(home / "new") + b"/1.\xff\n%41"
    with open(path, "wb") as file:  # noqa: PTH123 - a name of raw bytes
        file.write(b"odd")
    with bench.open(box) as source:
        (listed,) = source.list()
        assert listed.key.isprintable()
        assert [raw.content for raw in source.fetch([listed.key], bench.limits)] == [b"odd"]
        assert source.settle([Action(listed.key, "delete")])[0].state == "done"
    assert names(home) == set()


def test_F014_peek_and_describe(bench, box, home):
    put(home, "1.a:2,RS", b"Subject: one\n\nbody", "cur")
    with bench.open(box) as source:
        (seen,) = source.peek(5)
        assert (seen.header, seen.flags) == (b"Subject: one\n\n", ("R", "S"))
        assert dict(source.describe())["messages"] == "1"


@pytest.mark.parametrize(
    ("path", "folder", "code"), [("none", "INBOX", "source.unreachable"), ("box", "Nowhere", "source.folder_missing")]
)
def test_what_is_no_maildir_is_a_sentence(bench, home, path, folder, code):
    box = bench.box(protocol="maildir", path=home.parent / path, folder=folder)
    with pytest.raises(SourceError) as caught, bench.open(box):
        pass
    assert caught.value.code == code
    assert caught.value.sentence.startswith("mailbox system: ")


def test_F006_a_delivered_mail_is_whole_and_only_the_owners(bench, tmp_path):
    name = deliver_into(tmp_path / "box", io.BytesIO(b"Subject: x\n\n" + b"y" * 3_000_000))
    assert (tmp_path / "box" / "new" / name).stat().st_mode & 0o777 == 0o600
    assert [len(each) for each in bench.read(bench.box(protocol="maildir", path=tmp_path / "box"))] == [3_000_012]


def test_a_delivery_that_breaks_leaves_nothing(tmp_path):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        deliver_into(tmp_path / "box", Broken())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
