"""The list of system calls a worker may make, as a BPF program.

Here: the list, the program, its installation and its test. Not here: the other fences (`jail.py`).
Invariant: what is not listed, any other architecture and the x32 numbers end the process; memory can be mapped only
without a file and without permission to run it; reading is from descriptor 0, writing to descriptor 1.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct

from hooks import kernel

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
TRIED = 0x5E1
"""The errno that the trial filter gives, so that its refusal is told from any other."""

_NR, _ARCH, _ARGS = 0, 4, 16
_PROT_EXEC = 4
_ALL_ONES = 0xFFFFFFFF

_FREELY = (
    "munmap", "brk", "mremap", "madvise", "futex", "rt_sigprocmask", "rt_sigreturn", "restart_syscall",
    "clock_gettime", "gettimeofday", "time", "getrusage", "sched_yield", "getpid", "gettid", "exit", "exit_group",
)  # fmt: skip

Instruction = tuple[int, int, int, int]


def program(otherwise: int, *, forking: bool = False) -> list[Instruction]:
    """Write the filter; `otherwise` is what happens to calls that are not listed.

    `forking` lets a process make plain children, wait for them, and take more away from itself (filters, limits).
    """
    deny = (_RETURN, 0, 0, otherwise)
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, kernel.AUDIT_ARCH[kernel.MACHINE]),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, _NR),
    ]
    if kernel.MACHINE == "x86_64":
        code += [(_AT_LEAST, 0, 1, kernel.X32_BIT), deny]
    code += _when("read", [(0, _EQUAL, 0)], deny)
    code += _when("write", [(0, _EQUAL, 1)], deny, unless=(0, 2, (_RETURN, 0, 0, ERRNO | 9)))
    code += _when("mmap", [(2, _ANY_BIT, _PROT_EXEC), (4, _EQUAL, _ALL_ONES)], deny)
    code += _when("mprotect", [(2, _ANY_BIT, _PROT_EXEC)], deny)
    code += _when("tgkill", [(0, _EQUAL, os.getpid()), (2, _EQUAL, 6)], deny)
    if forking:
        code += _when("clone", [(0, _EQUAL, 0x01200011)], deny)
        code += _freely("wait4", "getppid", "set_robust_list", "getrandom", "seccomp", "prctl", "prlimit64")
    code += _freely(*_FREELY)
    return [*code, deny]


def _freely(*names: str) -> list[Instruction]:
    code: list[Instruction] = []
    for name in names:
        if name in kernel.NUMBER:
            code += [(_EQUAL, 0, 1, kernel.NUMBER[name]), (_RETURN, 0, 0, ALLOW)]
    return code


def _when(
    name: str,
    conditions: list[tuple[int, int, int]],
    deny: Instruction,
    unless: tuple[int, int, Instruction] | None = None,
) -> list[Instruction]:
    """Allow a call if its arguments are right: (which, equal, value) must hold, (which, any bit, mask) must not.

    `unless` gives another end for one value of one argument. Arguments here fit 32 bits, the kernel cuts the rest.
    """
    body: list[Instruction] = []
    if unless is not None:
        which, value, end = unless
        body += [(_LOAD, 0, 0, _ARGS + 8 * which), (_EQUAL, 0, 1, value), end]
    for which, test, value in conditions:
        body.append((_LOAD, 0, 0, _ARGS + 8 * which))
        body.append((_EQUAL, 1, 0, value) if test == _EQUAL else (_ANY_BIT, 0, 1, value))
        body.append(deny)
    body.append((_RETURN, 0, 0, ALLOW))
    return [(_EQUAL, 0, len(body), kernel.NUMBER[name]), *body]


class _Program(ctypes.Structure):
    """`struct sock_fprog`. Defined here, not where it is used: since 3.14 that loads a module, too late in a worker."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def install(code: list[Instruction]) -> None:
    """Install a filter for this process and its children. Raises OSError."""
    packed = b"".join(struct.pack("HBBI", *each) for each in code)
    buffer = ctypes.create_string_buffer(packed, len(packed))
    holder = _Program(len(code), ctypes.addressof(buffer))
    kernel.prctl(kernel.PR_SET_SECCOMP, kernel.SECCOMP_MODE_FILTER, ctypes.c_void_p(ctypes.addressof(holder)))


_TRIALS = (
    ("openat", (-100, 0, 0)),
    ("socket", (2, 1, 0)),
    ("kill", (0, 0)),
    ("execve", (0, 0, 0)),
    ("ptrace", (-1, 0, 0, 0)),
    ("unshare", (kernel.CLONE_NEWUSER,)),
    ("setrlimit", (-1, 0)),
    ("io_uring_setup", (0, 0)),
    ("bpf", (-1, 0, 0)),
    ("keyctl", (-1,)),
    ("perf_event_open", (0, 0, 0, 0, 0)),
    ("userfaultfd", (-1,)),
    ("process_vm_readv", (0, 0, 0, 0, 0, 0)),
    ("memfd_create", (0, -1)),
    ("clone3", (0, 0)),
    ("newfstatat", (-100, 0, 0, 0)),
    ("mount", (0, 0, 0, 0, 0)),
    ("mmap", (0, 4096, 7, 0x22, -1, 0)),
    ("read", (7, 0, 0)),
)


def failed_trials() -> list[str]:
    """Try what the installed trial filter must refuse; name what it did not."""
    failed = []
    for name, arguments in _TRIALS:
        try:
            kernel.syscall(name, *arguments)
        except OSError as error:
            if error.errno == TRIED:
                continue
        failed.append(name)
    if kernel.MACHINE == "x86_64":
        refused = False
        with contextlib.suppress(OSError):
            try:
                kernel.number(kernel.X32_BIT | 41, 2, 1, 0)
            except OSError as error:
                refused = error.errno == TRIED
        if not refused:
            failed.append("x32")
    return failed
