"""Run a program under the system calls of a unit, as systemd would: `python confined.py CALLS PROGRAM WORDS…`.

CALLS is a file with the names that are let through. What is not among them is refused with EPERM; new rights and
memory that is written and executed are refused, too. x86-64 only: the numbers come from the kernel's header.
"""

from __future__ import annotations

import ctypes
import os
import re
import struct
import sys
from pathlib import Path

HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
NO_NEW_PRIVS, SECCOMP, FILTER, MDWE = 38, 22, 2, 65
ALLOW, EPERM = 0x7FFF0000, 0x00050001


def confine(names: set[str]) -> None:
    """Install the filter. Raises OSError."""
    numbers = {name: int(number) for name, number in re.findall(r"__NR_(\w+)\s+(\d+)", HEADER.read_text())}
    code = struct.pack("HBBI", 0x20, 0, 0, 0)
    for number in sorted(numbers[name] for name in names & numbers.keys()):
        code += struct.pack("HBBI", 0x15, 0, 1, number) + struct.pack("HBBI", 0x06, 0, 0, ALLOW)
    code += struct.pack("HBBI", 0x06, 0, 0, EPERM)
    held = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(held)))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(MDWE, 1, 0, 0, 0)  # a kernel that is too old for it has no such fence either
    for words in ((NO_NEW_PRIVS, 1, 0, 0, 0), (SECCOMP, FILTER, ctypes.c_void_p(ctypes.addressof(program)))):
        if libc.prctl(*words):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    confine(set(Path(sys.argv[1]).read_text().split()))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - a test names the program
