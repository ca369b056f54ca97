"""What is wrong with a script, in the words of its author.

Here: one shape for every complaint about a script. Not here: how it is printed (the engine does that).
Invariant: `line` and `column` count from 1 and mean characters; 0 means the whole file.
"""

from __future__ import annotations

from msgspec import Struct


class ScriptProblem(Struct, frozen=True):
    """One thing that keeps a script from running, where, and the way out."""

    code: str
    message: str
    line: int = 0
    column: int = 0
    length: int = 1
    help: str = ""


CODES = {
    "H101": "The script is not valid Python.",
    "H102": "A module that hooks may not use.",
    "H103": "A name that hooks may not use.",
    "H104": "An attribute that hooks may not use.",
    "H105": "A statement that hooks may not use.",
    "H106": "A character that has no place in a source.",
    "H107": "Too long, too deep or too big.",
    "H108": "The function of the hook is missing.",
    "H109": "The function of the hook takes the wrong arguments.",
    "H110": "The file cannot be read as UTF-8 text.",
    "H111": "The script fails before its function is called.",
    "H112": "There is no such file.",
    "H113": "The parameter file is wrong.",
    "H114": "The script fails on the sample mail.",
    "H115": "The script is switched off.",
    "H120": "A fence that scripts need is missing.",
    "H121": "A fence is missing that is not needed, or that the configuration does without.",
}
"""Every code with its sentence; docs/hooks.md lists them."""
