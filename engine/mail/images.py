"""Pictures: their size in pixels from the first bytes, and smaller copies.

Here: `size` (reads headers of PNG, JPEG, GIF, WEBP and BMP, decodes nothing) and `resized` (Pillow, in a process of its
own with limits; an extra). Not here: which pictures are kept.
Invariant: this process never decodes a picture; a wrong header gives (0, 0), never an exception.
"""

from __future__ import annotations

import struct
from pathlib import Path

from engine.mail import child

_SOF = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
MOST_SEGMENTS = 500
MOST_PIXELS = 50_000_000
MOST_BYTES = 30_000_000


def size(content: bytes) -> tuple[int, int]:
    """Give width and height in pixels as the file claims them, (0, 0) if it claims nothing."""
    try:
        if content[:8] == b"\x89PNG\r\n\x1a\n":
            width, height = struct.unpack_from(">II", content, 16)
        elif content[:3] == b"GIF":
            width, height = struct.unpack_from("<HH", content, 6)
        elif content[:2] == b"\xff\xd8":
            width, height = _jpeg(content)
        elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            width, height = _webp(content)
        elif content[:2] == b"BM":
            width, height = (abs(pixels) for pixels in struct.unpack_from("<ii", content, 18))
        else:
            return 0, 0
    except (struct.error, IndexError):
        return 0, 0
    return width, height


def _jpeg(content: bytes) -> tuple[int, int]:
    """Walk the segments up to the frame header (ITU T.81 B.2)."""
    position = 2
    for _ in range(MOST_SEGMENTS):
        position = content.find(b"\xff", position)
        if position < 0:
            break
        marker = content[position + 1]
        if marker in _SOF:
            height, width = struct.unpack_from(">HH", content, position + 5)
            return width, height
        if marker == 0xFF:
            position += 1
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:
            position += 2
        else:
            position += 2 + int(struct.unpack_from(">H", content, position + 2)[0])
    return 0, 0


def _webp(content: bytes) -> tuple[int, int]:
    kind = content[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        width, more_width, height, more_height = struct.unpack_from("<HBHB", content, 24)  # 24 bits each
        return (width | more_width << 16) + 1, (height | more_height << 16) + 1
    return 0, 0


def resized(content: bytes, max_px: tuple[int, int] | int) -> bytes | None:
    """Make a picture fit into `max_px` (width and height, or one number for both), in its own format (F131).

    None if it fits already, is too large to decode, is broken, or Pillow is not installed.
    """
    most = (max_px, max_px) if isinstance(max_px, int) else max_px
    width, height = size(content)
    fits = width <= most[0] and height <= most[1]
    if not width or not height or fits or width * height > MOST_PIXELS or len(content) > MOST_BYTES:
        return None
    answer = child.run(Path(__file__).with_name("shrink.py"), (str(most[0]), str(most[1])), content)
    return answer or None
