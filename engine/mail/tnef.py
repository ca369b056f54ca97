"""Files inside a winmail.dat (TNEF, MS-OXTNEF).

Here: `unpack`. Not here: whether it is wanted (a stage), and the parser itself, which runs in a process of its own
with limits (`unpack.py`, package tnefparse, an extra).
Invariant: nothing raises; without the extra nothing comes out, and of a broken file what stands before the break.
"""

from __future__ import annotations

import struct
from pathlib import Path

from engine.mail import child, names

SIGNATURE = b"\x78\x9f\x3e\x22"
MOST_BYTES = 60_000_000


def unpack(content: bytes) -> tuple[tuple[str, bytes], ...]:
    """Give the files in a winmail.dat as (safe name, content)."""
    if not content.startswith(SIGNATURE) or len(content) > MOST_BYTES:
        return ()
    answer = child.run(Path(__file__).with_name("unpack.py"), (), content)
    found: list[tuple[str, bytes]] = []
    position = 0
    while position + 8 <= len(answer):
        name_length, length = struct.unpack_from(">II", answer, position)
        position += 8
        name = answer[position : position + name_length].decode("utf-8", "replace")
        position += name_length
        found.append((names.safe(name, f"attachment{len(found) + 1:03d}.dat"), answer[position : position + length]))
        position += length
    return tuple(found)
