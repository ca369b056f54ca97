"""How a search may go on, for the script that fills the list below a field.

Here: what was typed. Not here: what is offered (`desk/completing.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import jsonify

from engine.desk.completing import complete

if TYPE_CHECKING:
    from flask import Response

    from engine.console.asked import Asked


def offered(asked: Asked) -> Response:
    """Searches that begin as the one that is typed."""
    what, text = asked.args.get("of", "mails"), asked.args.get("q", "")
    return jsonify(complete(asked.store, asked.scope, what, text, asked.zone))


BYTES = frozenset({offered})
"""Views without a twin: this is for a program already."""
