"""Transport keys, and which modules a source costs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sources import open_source
from engine.sources.source import SourceError, file_key, header_of, imap_key, message_id_key, split_imap_key


@given(
    st.text(min_size=1).filter(lambda text: max(text) < "\ud800" or min(text) > "\udfff"),
    st.integers(1, 2**32 - 1),
    st.integers(1, 2**32 - 1),
)
def test_an_imap_key_tells_folder_uidvalidity_and_uid(folder, validity, uid):
    key = imap_key(folder, validity, uid)
    assert split_imap_key(key) == (folder, str(validity), uid)
    assert key.count("/") == 2
    assert key.isprintable()


@given(st.text())
def test_any_text_may_be_asked_for_as_a_key(text):
    assert (found := split_imap_key(text)) is None or (len(found) == 3 and found[2] >= 0)


@given(st.binary(min_size=1, max_size=60))
def test_a_file_name_of_any_bytes_makes_a_printable_key(name):
    key = file_key(name.decode("utf-8", "surrogateescape"))
    assert key.isprintable()
    key.encode()


@given(st.binary(min_size=1, max_size=30), st.binary(min_size=1, max_size=30))
def test_different_file_names_have_different_keys(first, second):
    names = [name.decode("utf-8", "surrogateescape").partition(":")[0] for name in (first, second)]
    assert (names[0] == names[1]) == (file_key(names[0]) == file_key(names[1]))


def test_a_maildir_key_ends_at_the_colon():
    assert file_key("1700000000.M1.host:2,S") == "1700000000.M1.host"


def test_a_message_id_key_differs_with_the_header():
    first = b"Received: by a\r\nMessage-ID:\r\n <x@example.com>\r\n\r\n"
    second = first.replace(b"by a", b"by b")
    assert message_id_key(first).startswith("mid:<x@example.com>#")
    assert message_id_key(first) != message_id_key(second)
    assert message_id_key(b"Subject: x\r\n\r\n") == ""
    assert message_id_key(b"message-id : \r\n\r\n") == ""


@pytest.mark.parametrize(
    ("content", "header"),
    [
        (b"A: b\r\n\r\nbody\n\nmore", b"A: b\r\n\r\n"),
        (b"A: b\n\nbody\r\n\r\nmore", b"A: b\n\n"),
        (b"A: b\r\n", b"A: b\r\n"),
        (b"", b""),
    ],
)
def test_the_header_ends_at_the_first_empty_line(content, header):
    assert header_of(content) == header


@pytest.mark.parametrize("protocol", ["pipe", "program", "nonsense"])
def test_a_protocol_that_is_not_read_from_is_a_sentence(bench, protocol):
    with pytest.raises(SourceError) as caught:
        open_source(bench.box(protocol=protocol), bench.limits, lambda: bench.now)
    assert caught.value.code == "source.no_reader"


def test_imapclient_is_imported_for_imap_only(bench, tmp_path):
    code = (
        "import sys\nfrom types import SimpleNamespace as N\nfrom engine.sources import open_source\n"
        f"box = N(name='system', protocol='maildir', path={str(tmp_path)!r}, folder='INBOX', order='oldest-first')\n"
        "with open_source(box, N(raw=1, header_block=1), None) as source: source.list()\n"
        "assert not {'imapclient', 'imaplib', 'ssl'} & set(sys.modules), sorted(sys.modules)\n"
    )
    for name in ("new", "cur"):
        (tmp_path / name).mkdir()
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_every_code_is_documented_and_every_documented_code_exists():
    root = Path(__file__).parents[2]
    code = "".join(path.read_text() for path in (root / "engine" / "sources").glob("*.py"))
    used = set(re.findall(r'"(source\.[a-z_]+)"', code))
    documented = set(re.findall(r"^\| `(source\.[a-z_]+)`", (root / "docs" / "sources.md").read_text(), re.MULTILINE))
    assert used == documented
