"""The system calls the jail is made of, by number, without compiled code of our own.

Here: numbers and constants for x86-64 and arm64, and two thin wrappers around libc.
Not here: in which order they are used (`jail.py`). Invariant: a call reports failure as an errno, never silently.
"""

from __future__ import annotations

import ctypes
import os
import sys

MACHINE = os.uname().machine
SUPPORTED = sys.platform == "linux" and MACHINE in ("x86_64", "aarch64") and sys.maxsize > 2**32

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_BIT = 0x40000000

_X86_64 = {
    "read": 0, "write": 1, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigprocmask": 14,
    "rt_sigreturn": 15, "mremap": 25, "madvise": 28, "getpid": 39, "exit": 60, "exit_group": 231, "gettid": 186,
    "futex": 202, "restart_syscall": 219, "clock_gettime": 228, "tgkill": 234, "getrusage": 98, "sched_yield": 24,
    "gettimeofday": 96, "time": 201, "clone": 56, "wait4": 61, "prctl": 157, "seccomp": 317, "prlimit64": 302,
    "openat": 257, "socket": 41, "execve": 59, "kill": 62, "ptrace": 101, "unshare": 272, "setrlimit": 160,
    "io_uring_setup": 425, "bpf": 321, "keyctl": 250, "perf_event_open": 298, "userfaultfd": 323, "setuid": 105,
    "process_vm_readv": 310, "memfd_create": 319, "clone3": 435, "newfstatat": 262, "getppid": 110, "dup": 32,
    "landlock_create_ruleset": 444, "landlock_restrict_self": 446, "mount": 165, "chroot": 161, "pipe2": 293,
    "set_robust_list": 273, "getrandom": 318, "capset": 126, "setsid": 112,
}  # fmt: skip
_AARCH64 = {
    "read": 63, "write": 64, "mmap": 222, "mprotect": 226, "munmap": 215, "brk": 214, "rt_sigprocmask": 135,
    "rt_sigreturn": 139, "mremap": 216, "madvise": 233, "getpid": 172, "exit": 93, "exit_group": 94, "gettid": 178,
    "futex": 98, "restart_syscall": 128, "clock_gettime": 113, "tgkill": 131, "getrusage": 165, "sched_yield": 124,
    "gettimeofday": 169, "clone": 220, "wait4": 260, "prctl": 167, "seccomp": 277, "prlimit64": 261,
    "openat": 56, "socket": 198, "execve": 221, "kill": 129, "ptrace": 117, "unshare": 97, "setrlimit": 164,
    "io_uring_setup": 425, "bpf": 280, "keyctl": 219, "perf_event_open": 241, "userfaultfd": 282, "setuid": 146,
    "process_vm_readv": 270, "memfd_create": 279, "clone3": 435, "newfstatat": 79, "getppid": 173, "dup": 23,
    "landlock_create_ruleset": 444, "landlock_restrict_self": 446, "mount": 40, "chroot": 51, "pipe2": 59,
    "set_robust_list": 99, "getrandom": 278, "capset": 91, "setsid": 157,
}  # fmt: skip
NUMBER: dict[str, int] = _X86_64 if MACHINE == "x86_64" else _AARCH64

PR_SET_PDEATHSIG, PR_GET_PDEATHSIG = 1, 2
PR_SET_DUMPABLE = 4
PR_GET_SECCOMP, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 21, 22, 2
PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS = 38, 39
PR_SET_MDWE, PR_GET_MDWE = 65, 66

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWCGROUP = 0x10000000, 0x40000000, 0x2000000

_libc = ctypes.CDLL(None, use_errno=True)
_held = ctypes.PyDLL(None, use_errno=True)
"""The same, called without giving the interpreter lock away, as a fork and what Python does around it need."""
_libc.syscall.restype = ctypes.c_long
_libc.prctl.restype = ctypes.c_int


def syscall(name: str, *arguments: int | ctypes.c_void_p | None) -> int:
    """Make a system call. Raises OSError with its errno."""
    return number(NUMBER[name], *arguments)


def number(which: int, *arguments: int | ctypes.c_void_p | None) -> int:
    """Make the system call with this number. Raises OSError with its errno."""
    wide = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result: int = _libc.syscall(ctypes.c_long(which), *wide)
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def prctl(option: int, *arguments: int | ctypes.c_void_p) -> int:
    """Make a prctl call. Raises OSError with its errno."""
    wide = [ctypes.c_ulong(value) if isinstance(value, int) else value for value in arguments]
    wide += [ctypes.c_ulong(0)] * (4 - len(wide))
    result: int = _libc.prctl(ctypes.c_int(option), *wide)
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def fork() -> int:
    """Fork as `os.fork` does, without asking how many threads there are. Raises OSError.

    Since Python 3.12 `os.fork` reads /proc/self/stat in the parent to count them; a jailed process may open nothing.
    The three functions around the fork are the documented way to do it oneself (C API, "Operating System Utilities").
    A process that forks here has one thread, so the count is known.
    """
    _held.PyOS_BeforeFork()
    pid: int = _held.fork()
    if pid == 0:
        _held.PyOS_AfterFork_Child()
        return 0
    _held.PyOS_AfterFork_Parent()
    if pid == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return pid
