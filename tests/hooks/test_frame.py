"""Frames: each is read whole and alone, in whatever pieces it comes and whatever stands behind it."""

from __future__ import annotations

import os
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooks import frame
from hooks.limits import REQUEST_BYTES


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=200) | st.just(b"x" * 150_000), max_size=5), st.integers(1, 70_000))
def test_frames_behind_each_other_are_read_one_by_one(bodies: list[bytes], piece: int) -> None:
    reader, writer = os.pipe()
    content = b"".join(map(frame.packed, bodies)) + b"rest"
    piece = max(piece, len(content) // 200)

    def write() -> None:
        for at in range(0, len(content), piece):
            view = memoryview(content)[at : at + piece]
            while view:
                view = view[os.write(writer, view) :]

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert [frame.receive(reader, REQUEST_BYTES) for _ in bodies] == bodies
        thread.join()
        assert os.read(reader, 100) == b"rest"
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize("content", [b"", b"\0\0", b"\0\0\0\x05abc", b"\0\0\0\xff" + b"x" * 255])
def test_what_is_no_frame_is_broken(content: bytes) -> None:
    reader, writer = os.pipe()
    os.write(writer, content)
    os.close(writer)
    with pytest.raises(frame.BrokenFrame):
        frame.receive(reader, 254)
    os.close(reader)
