"""The script that takes a winmail.dat apart: run by `child` with limits, never imported.

Here: standard input (TNEF) -> standard output: for every file the lengths of name and content as two big-endian
32-bit numbers, then both. Invariant: at most FILES files and BYTES bytes leave.
"""

from __future__ import annotations

import struct
import sys

FILES = 100
BYTES = 60_000_000


def main() -> None:
    """Read, take apart, write; any failure ends with a status that is not 0."""
    from tnefparse import TNEF

    out = sys.stdout.buffer
    left = BYTES
    winmail = TNEF(sys.stdin.buffer.read() + b"\x00", do_checksum=False)  # else a last file of one byte is missed
    files = [(item.long_filename() or item.name or "", item.data) for item in winmail.attachments]
    for name, content in files[:FILES]:
        encoded = str(name).strip("\x00").encode("utf-8", "replace")[:4000]
        left -= len(content)
        if left < 0:
            break
        out.write(struct.pack(">II", len(encoded), len(content)) + encoded + bytes(content))


if __name__ == "__main__":
    main()
