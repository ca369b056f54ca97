"""The script that makes a picture smaller: run by `child` with limits, never imported.

Here: standard input (the picture) -> standard output (a smaller one). Arguments: width and height to fit into.
Invariant: only PNG, JPEG, GIF and WEBP are decoded, whatever the bytes are called.
"""

from __future__ import annotations

import io
import sys

QUALITY = 80


def main() -> None:
    """Read, scale down, write; any failure ends with a status that is not 0."""
    from PIL import Image, ImageOps

    box = int(sys.argv[1]), int(sys.argv[2])
    with Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=("PNG", "JPEG", "GIF", "WEBP")) as picture:
        kind = picture.format or "PNG"
        smaller = ImageOps.exif_transpose(picture) if kind == "JPEG" else picture
        smaller.thumbnail(box)
        out = io.BytesIO()
        smaller.save(out, kind, quality=QUALITY)
    sys.stdout.buffer.write(out.getvalue())


if __name__ == "__main__":
    main()
