"""The process fence: what a worker takes away from itself before it reads the first byte of a script.

Here: the fences in their order, and a test of each. Not here: the list of system calls (`seccomp.py`), deadlines and
SIGKILL (`process.py`).
Invariant: a fence is reported as standing only after something it forbids was tried, or the kernel confirmed it.
The order matters: modules are loaded before (nothing can be opened afterwards), Landlock comes before the limit on
files (it needs a descriptor), the death signal after the change of user (which clears it), seccomp last.
"""
# ruff: noqa: PTH102, PTH106, PTH116, PTH123 - a worker does not load pathlib

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
from collections.abc import Callable

from hooks import kernel, seccomp


class Fences:
    """Which fences stand, and for the others why not."""

    __slots__ = ("missing", "standing")

    def __init__(self) -> None:
        self.standing: list[str] = []
        self.missing: dict[str, str] = {}

    def put(self, name: str, raise_fence: Callable[[], str]) -> None:
        """Raise one fence; the function gives "" if it stands, else why it does not."""
        try:
            problem = raise_fence()
        except (OSError, ValueError, KeyError, AttributeError) as error:
            problem = f"{type(error).__name__}: {error}"
        if problem:
            self.missing[name] = problem
        else:
            self.standing.append(name)


def confine(parent: int, memory_bytes: int, cpu_s: int, without: frozenset[str]) -> Fences:
    """Raise all fences but those in `without`. `parent` is the process whose death ends this one."""
    fences = Fences()
    used = _address_space()
    stand_nowhere()
    steps: list[tuple[str, Callable[[], str]]] = [
        ("descriptors", lambda: _close_descriptors(keep=2)),
        ("environment", _empty_environment),
        ("namespaces", _own_namespaces),
        ("no-new-privs", _no_new_privileges),
        ("chroot", _empty_root),
        ("landlock", _landlock),
        ("user", _own_user),
        ("death-signal", lambda: _die_with(parent)),
        ("limits", lambda: _limits(used + memory_bytes, cpu_s)),
        ("no-exec-memory", _no_executable_memory),
        ("seccomp", _seccomp),
    ]
    for name, step in steps:
        if name in without:
            fences.missing[name] = "left out on request"
        elif not kernel.SUPPORTED and name not in ("descriptors", "environment", "limits"):
            fences.missing[name] = "needs Linux on x86-64 or arm64"
        else:
            fences.put(name, step)
    return fences


def _address_space() -> int:
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 64 << 20


def _close_descriptors(keep: int) -> str:
    os.closerange(keep, 65_536)
    for fd in (2, 3, 4, 1_000):
        try:
            os.fstat(fd)
        except OSError:
            continue
        return f"descriptor {fd} is still open"
    return ""


def _empty_environment() -> str:
    os.environ.clear()
    return "" if not os.environ else "variables are left"


def _own_namespaces() -> str:
    wanted = kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS | kernel.CLONE_NEWNS
    if _is_root():
        kernel.syscall("unshare", wanted)
    else:
        kernel.syscall("unshare", wanted | kernel.CLONE_NEWUSER)
    return ""


def _is_root() -> bool:
    return 0 in os.getresuid()


def stand_nowhere() -> None:
    """Go into a folder that is deleted at once, so that it can become the root; done before users are changed."""
    for parent in ("/tmp", "/var/tmp", "/dev/shm", "/run"):  # noqa: S108 - it is gone before anybody can use it
        path = f"{parent}/allegra-nothing-{os.getpid()}-{os.urandom(8).hex()}"
        try:
            os.mkdir(path, 0o700)
            os.chdir(path)
            os.rmdir(path)
            return
        except OSError:
            continue
    os.chdir("/proc/self/fdinfo")


def _no_new_privileges() -> str:
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    return "" if kernel.prctl(kernel.PR_GET_NO_NEW_PRIVS) == 1 else "the kernel did not keep it"


def _landlock() -> str:
    version = kernel.syscall("landlock_create_ruleset", 0, 0, 1)
    files = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    rules = struct.pack("QQQ", files, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    rules = rules[: 8 if version < 4 else 16 if version < 6 else 24]
    buffer = ctypes.create_string_buffer(rules, len(rules))
    ruleset = kernel.syscall("landlock_create_ruleset", ctypes.c_void_p(ctypes.addressof(buffer)), len(rules), 0)
    try:
        kernel.syscall("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)
    try:
        os.close(os.open("/", os.O_RDONLY | os.O_DIRECTORY))
    except PermissionError:
        return ""
    return "a folder could be opened"


def _empty_root() -> str:
    """Make the deleted folder the root: there is nothing in it and nothing can be made in it."""
    os.chroot(".")
    os.chdir("/")
    try:
        os.stat("/proc")
    except OSError:
        return ""
    return "the old root can still be seen"


def _own_user() -> str:
    """Leave the user root for one that nobody else has; elsewhere the user stays, but keeps no capabilities."""
    if not _is_root():
        _drop_capabilities()
        return ""
    own = 2_000_000_000 + os.getpid() % 100_000_000
    for user in (own, 65_534):
        try:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            break
        except OSError:
            continue
    _drop_capabilities()
    if 0 in (*os.getresuid(), *os.getresgid()) or os.getgroups():
        return "still root"
    try:
        os.setuid(0)
    except OSError:
        return ""
    return "could become root again"


def _drop_capabilities() -> None:
    header = struct.pack("Ii", 0x20080522, 0)
    nothing = ctypes.create_string_buffer(24)
    head = ctypes.create_string_buffer(header, len(header))
    kernel.syscall("capset", ctypes.c_void_p(ctypes.addressof(head)), ctypes.c_void_p(ctypes.addressof(nothing)))


def _die_with(parent: int) -> str:
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    current = ctypes.c_int(0)
    kernel.prctl(kernel.PR_GET_PDEATHSIG, ctypes.c_void_p(ctypes.addressof(current)))
    if os.getppid() != parent:
        os._exit(0)
    return "" if current.value == signal.SIGKILL else "the kernel did not keep it"


def _limits(address_space: int, cpu_s: int) -> str:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    cpu = int(spent.ru_utime + spent.ru_stime) + cpu_s + 1
    wanted = {
        resource.RLIMIT_AS: address_space,
        resource.RLIMIT_CPU: cpu,
        resource.RLIMIT_NOFILE: 2,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
    }
    for which, value in wanted.items():
        resource.setrlimit(which, (value, value))
    wrong = [which for which, value in wanted.items() if resource.getrlimit(which) != (value, value)]
    if wrong:
        return "the kernel did not keep them"
    try:
        os.close(os.dup(0))
    except OSError:
        return ""
    return "another descriptor could be opened"


def _no_executable_memory() -> str:
    kernel.prctl(kernel.PR_SET_MDWE, 1)
    return "" if kernel.prctl(kernel.PR_GET_MDWE) & 1 else "the kernel did not keep it"


def _seccomp() -> str:
    """Install the list twice: first so that a refusal can be survived and tried, then so that it kills."""
    seccomp.install(seccomp.program(seccomp.ERRNO | seccomp.TRIED, forking=True))
    failed = seccomp.failed_trials()
    seccomp.install(seccomp.program(seccomp.KILL, forking=True))
    return f"not refused: {', '.join(failed)}" if failed else ""


def tighten(parent: int, cpu_s: int) -> None:
    """Take the rest away from the child that runs scripts: forking, and most of the CPU time.

    What the fences left out before is left out here, too; a step that fails ends the child before it serves.
    """
    if kernel.SUPPORTED:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    most = min(cpu_s + 1, resource.getrlimit(resource.RLIMIT_CPU)[1] % (1 << 62))
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    if kernel.SUPPORTED and kernel.prctl(kernel.PR_GET_SECCOMP) == kernel.SECCOMP_MODE_FILTER:
        seccomp.install(seccomp.program(seccomp.KILL))
