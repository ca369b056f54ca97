"""Locks on files: given back whatever else holds the file open."""

from __future__ import annotations

from engine.store.locks import FileLock


def test_a_lock_is_given_back_although_its_file_is_still_mapped(tmp_path):
    first = FileLock(tmp_path / "lock")
    assert first.acquire()
    write = first.counter(b"me")
    first.release()
    second = FileLock(tmp_path / "lock")
    assert second.acquire()
    write(7)
    second.release()
