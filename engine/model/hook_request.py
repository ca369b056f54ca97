"""What guard and activity scripts are asked about one mail.

Here: frozen data, and the hash a recording keeps of it. Not here: how it is made (`scripts/question.py`), what is said
to the sandbox of it (`scripts/scripts.py`).
Invariant: two requests with the same digest show scripts the same things.
"""

from __future__ import annotations

import hashlib
from functools import cached_property

from msgspec import Struct

from engine.model.mail import Header


class HookRequest(Struct, frozen=True, dict=True):
    """A call of scripts: JSON objects as the sandbox takes them, and the long parts of the mail as they are.

    `guard` and `activity` are script names in order. `mail` lacks `body`, `html` and `headers`, which are written only
    where a script reads them; `raw` is the digest of the mail's bytes, which they were read from. Not part of the
    question: the `sender` that failures are counted by, and a hash of the `fields` that the item has.
    """

    workspace: str
    guard: tuple[str, ...]
    activity: tuple[str, ...]
    mail: bytes
    item: bytes
    context: bytes
    raw: str = ""
    body: str = ""
    html: str = ""
    headers: tuple[Header, ...] = ()
    sender: str = ""
    fields: str = ""

    @cached_property
    def digest(self) -> str:
        """A hash of everything in it: the question as the recording keeps it."""
        names = "\0".join((self.workspace, *self.guard, "|", *self.activity, "|", self.raw))
        parts = names.encode("utf-8", "surrogatepass"), self.mail, self.item, self.context
        return hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]

    def __hash__(self) -> int:
        """Hash by the digest: the texts in it are long."""
        return hash(self.digest)
