"""Pictures on a page: drawn with a link behind each mark, and small ones beside a number.

Here: what templates draw with. Not here: drawing (`desk/draw.py`).
Invariant: a link of a picture leads to the list of mails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from flask import url_for

from engine.desk import draw

if TYPE_CHECKING:
    from engine.desk.charts import Picture
    from engine.desk.draw import Drawn


def drawn(picture: Picture) -> Drawn:
    """Draw a picture of a page."""
    mails = url_for("mails.listed")
    return draw.picture(picture, lambda query: f"{mails}?q={quote_plus(query, safe=':@')}")


DRAWERS = {"drawn": drawn, "spark": draw.spark}
"""What templates may draw with."""
