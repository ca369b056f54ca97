"""The names of the fences, and which a worker must have.

Here: names and sentences, for the engine and the worker alike. Not here: how one is raised (`jail.py`).
"""

from __future__ import annotations

MANDATORY = ("user", "no-new-privs", "seccomp", "limits", "death-signal", "environment", "descriptors")
OPTIONAL = ("landlock", "namespaces", "chroot", "no-exec-memory")

SENTENCES = {
    "user": "runs as a user of its own if the engine is root, and without capabilities",
    "no-new-privs": "cannot gain privileges by starting a program",
    "seccomp": "may make some 20 system calls: read from 0, write to 1, memory, clock, exit",
    "limits": "bounded memory, CPU time, no new descriptors, processes, file sizes, core files",
    "death-signal": "ends with the engine",
    "environment": "sees no environment variable",
    "descriptors": "has no open file but the two pipes",
    "landlock": "cannot reach the file system or open a port",
    "namespaces": "has no network, and mounts, host name and IPC of its own",
    "chroot": "its root folder is empty and deleted",
    "no-exec-memory": "cannot make memory executable",
    "deadline": "is killed when its time is over",
}
