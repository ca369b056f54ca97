"""Reading a mail in a process of its own, with limits on memory and time.

Here: what a mail gets that already broke the machine once (docs/reliability.md). Not here: the parser.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from engine.mail.parse import Limits, ReadLimits, parse
from engine.model.mail import Mail, RawMail

MEMORY_BYTES = 512 * 1024 * 1024
CPU_S = 20
WALL_S = 60.0

_ROOT = str(Path(__file__).resolve().parents[2])
_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from engine.mail.isolated import main; main()"
_ENVIRONMENT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL")
"""What the process is told of ours: no secrets."""


class ParserDied(Exception):
    """The process that read the mail was killed or ran into its limits."""


def parse_apart(raw: RawMail, limits: ReadLimits) -> Mail:
    """Parse in a child process. Raises ParserDied when it dies, so that only the attempt is lost."""
    question = msgspec.msgpack.encode((raw, Limits(*(getattr(limits, name) for name in Limits.__struct_fields__))))
    try:
        child = subprocess.run(  # noqa: S603 - our own interpreter and our own program
            [sys.executable, "-P", "-c", _PROGRAM, _ROOT],
            input=question,
            capture_output=True,
            timeout=WALL_S,
            check=False,
            start_new_session=True,  # a Ctrl-C is for us, not for the mail
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        )
    except subprocess.TimeoutExpired:
        raise ParserDied(f"reading the mail took longer than {WALL_S:.0f} s") from None
    if child.returncode != 0:
        raise ParserDied(f"the process that read the mail {ending(child.returncode)}")
    return msgspec.msgpack.decode(child.stdout, type=Mail)


def ending(status: int) -> str:
    """Say how a process ended, by its exit status."""
    if status >= 0:
        return f"ended with status {status}"
    with suppress(ValueError):
        return f"was killed by {signal.Signals(-status).name}"
    return f"was killed by signal {-status}"


def main() -> None:
    """Read one question from standard input, answer on standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    raw, limits = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=tuple[RawMail, Limits])
    sys.stdout.buffer.write(msgspec.msgpack.encode(parse(raw, limits)))
