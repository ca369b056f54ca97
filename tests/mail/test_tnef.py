"""Files in a winmail.dat."""

from __future__ import annotations

import struct

import pytest
from container_builders import attribute
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.mail import child, tnef


def winmail(*files: tuple[str, bytes]) -> bytes:
    out = tnef.SIGNATURE + struct.pack("<H", 1) + attribute(1, 0x00089006, struct.pack("<I", 0x00010000))
    for name, content in files:
        out += attribute(2, 0x00069002, b"\x01\x00" + b"\xff\xff\xff\xff" + b"\x00" * 8)
        out += attribute(2, 0x00018010, name.encode() + b"\x00")
        out += attribute(2, 0x0006800F, content)
    return out


def test_files_of_a_winmail_dat_are_unpacked_with_safe_names() -> None:
    pytest.importorskip("tnefparse", reason="tnefparse is an extra")
    found = tnef.unpack(winmail(("report.pdf", b"%PDF-1.4"), ("../../evil.txt", b"words"), ("", b"x")))
    assert found == (("report.pdf", b"%PDF-1.4"), ("evil.txt", b"words"), ("attachment003.dat", b"x"))


@pytest.mark.parametrize("content", [b"", b"no tnef", tnef.SIGNATURE, tnef.SIGNATURE + b"\x00" * 50])
def test_what_is_no_winmail_dat_gives_nothing(content: bytes) -> None:
    assert tnef.unpack(content) == ()


def test_truncated_winmail_dat_gives_what_stands_before_the_cut() -> None:
    pytest.importorskip("tnefparse", reason="tnefparse is an extra")
    first, second = ("a.txt", b"one"), ("report.pdf", b"%PDF-1.4" * 20)
    whole = winmail(first, second)
    assert tnef.unpack(whole[:10]) == ()
    assert tnef.unpack(whole[:40]) == (("attachment001.dat", b""),)
    found = tnef.unpack(whole[: len(whole) - 40])
    assert found[0] == first
    assert (found[1][0], second[1].startswith(found[1][1]), len(found)) == ("report.pdf", True, 2)
    assert 0 < len(found[1][1]) < len(second[1])


def test_script_that_takes_too_much_memory_gives_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    script = tmp_path_factory.mktemp("scripts") / "greedy.py"
    script.write_text("import sys\nx = bytearray(2_000_000_000)\nsys.stdout.write('done')\n")
    assert child.run(script, (), b"") == b""


def test_script_cannot_write_files(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("scripts")
    script = folder / "writer.py"
    script.write_text(f"import sys\nopen({str(folder / 'out')!r}, 'w').write('x' * 10)\nsys.stdout.write('done')\n")
    child.run(script, (), b"")
    assert (folder / "out").read_text() == ""


def test_script_gets_bytes_and_arguments_and_no_environment(tmp_path_factory: pytest.TempPathFactory) -> None:
    script = tmp_path_factory.mktemp("scripts") / "echo.py"
    script.write_text(
        "import os, sys\nsys.stdout.buffer.write(sys.stdin.buffer.read() + sys.argv[1].encode())\n"
        "assert 'HOME' not in os.environ\n"
    )
    assert child.run(script, ("there",), b"hello ") == b"hello there"


@settings(max_examples=5, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_behind_the_signature_give_files_with_safe_names_or_none(rest: bytes) -> None:
    found = tnef.unpack(tnef.SIGNATURE + rest)
    assert all(name and "/" not in name and len(content) <= len(rest) for name, content in found)
