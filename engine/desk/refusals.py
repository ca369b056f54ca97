"""The ways in which the desk says no, by the names under which faces tell them.

Here: names only. Not here: the exceptions (`store/errors.py`). Invariant: each is a sentence for people.
"""

from engine.store.errors import Busy, NotFound, Refused, StoreError, Unclear

__all__ = ["Busy", "NotFound", "Refused", "StoreError", "Unclear"]
