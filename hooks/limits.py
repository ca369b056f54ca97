"""Every limit of the sandbox, by name.

Here: what a script may be (source), make (values) and say (reply), and what a call may cost.
Not here: who enforces which; the language fence holds the first two groups, the process fence the rest.
Invariant: no number of this kind stands anywhere else.
"""

from __future__ import annotations

from msgspec import Struct

# ── what a script may be
SOURCE_BYTES = 64 << 10
NODES = 20_000
DEPTH = 120

# ── what a script may make
INT_BITS = 14_000
"""As many as `str` can still print: 4,214 digits."""
TEXT_CHARS = 1_000_000
SEQUENCE_ITEMS = 1_000_000
RANGE_ITEMS = 10_000_000
WIDTH = 1_000
"""Of a padded text and of the digits behind the point."""
PRINTED_PARTS = 20_000
"""Values that `str`, `repr` and `json.dumps` visit in one container."""
PRINTED_DEPTH = 60
GENERATORS = 10_000
"""Alive at the same time: CPython frees a longer chain of them by recursion, until its stack is used up."""
RECURSION = 1_000
REGEX_TIMEOUT_S = 0.25
PATTERN_CHARS = 10_000
PATTERNS = 200
"""Compiled patterns kept for later calls."""
ADDRESS_CHARS = 20_000
ADDRESS_DEPTH = 50
FORMAT_CHARS = 200
"""Of a strftime format."""

# ── what a script may say
LOG_LINES = 200
LOG_CHARS = 1_000
ERRORS = 50
REASON_CHARS = 1_000
"""Shown of a reason or message; a longer one is cut."""
REASON_WHOLE = 500_000
"""One that is longer than this is an error; the refusal stands all the same."""
DROP_CHARS = 200
"""Of the reason for leaving out an attachment."""
CHANGES = 200
LINE_CHARS = 40_000
"""Of a field that is one line: more than a header of a mail has."""
FIELD_CHARS = 700_000
"""Of a field that is text: more than the text of a mail that scripts see. What a field had before it may keep."""
LIST_ITEMS = 200
INTEGER = 2**53
REPLY_BYTES = 8 << 20
REQUEST_BYTES = 16 << 20
UNSENT_BYTES = 1 << 20
"""Of calls that the pipe of a worker did not take yet; above it, answers are awaited before a call begins."""

# ── what a process may cost
CALLS = 2_000
"""After these a worker is replaced; a new one costs 80 ms, 40 us of every call."""
SPENT_CPU_S = 1.0
"""A worker that used this much is replaced, so that every call starts with its full share."""
START_TIMEOUT_S = 10.0
COMPILE_TIMEOUT_S = 5.0


class Limits(Struct, frozen=True):
    """What an installation may change: wall time of a call in seconds, memory of a worker above its own in bytes."""

    timeout_s: float = 2.0
    memory_bytes: int = 64 << 20
    calls: int = CALLS
    start_timeout_s: float = START_TIMEOUT_S
