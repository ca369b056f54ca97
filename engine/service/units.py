"""The units of systemd: a pass and its timer, the service that watches, the door for mail servers, the web console.

Here: their texts. Not here: where they go (`installing.py`).
Invariant: the scripts of the hooks keep their fences inside: own namespaces, chroot, Landlock and seccomp are let
through (`NEEDED_BY_FENCES`), and what is refused is refused by an error, never by death.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from engine.service.site import Site

NEEDED_BY_FENCES = ("chroot", "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "seccomp")
"""System calls beside @system-service that the fences around scripts make (hooks/jail.py)."""

NAMESPACES = ("user", "net", "ipc", "uts", "mnt")
"""The namespaces that a script gets of its own."""

FILES = ("ProtectSystem=strict", "PrivateTmp=yes", "ProtectControlGroups=yes", "RemoveIPC=yes", "KeyringMode=private")
"""What is safe beside a program that needs rights of its own."""

RIGHTS = (
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "PrivateDevices=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "# The scripts of guard and activity hooks get namespaces, a root and filters of their own: docs/hooks.md.",
    f"RestrictNamespaces={' '.join(NAMESPACES)}",
    "SystemCallArchitectures=native",
    f"SystemCallFilter=@system-service {' '.join(NEEDED_BY_FENCES)}",
    "SystemCallErrorNumber=EPERM",
    "# /proc is seen whole: by it one run knows whether another is still alive.",
)
"""What takes rights away for good, also from every program that is started."""

USERS = ("NoNewPrivileges=yes", "LockPersonality=yes", "MemoryDenyWriteExecute=yes", "RestrictRealtime=yes",
         "RestrictSUIDSGID=yes", "SystemCallArchitectures=native")  # fmt: skip
"""What the manager of a person can do without help."""

RUNTIME = "allegra"
"""The folder below /run where doors are."""

WATCHDOG_S = 600
"""The service that watches is started anew when it says nothing for so long: more than IMAP's IDLE of 9 minutes."""


def units(site: Site) -> dict[str, str]:
    """Give the text of each unit by its name; those that are to be enabled are `enabled`."""
    if site.worker:
        found = {"allegra-worker.service": _worker(site)}
    elif site.watch:
        found = {"allegra-watch.service": _watch(site)}
    else:
        found = {"allegra.service": _pass(site), "allegra.timer": _timer(site)}
    if site.lmtp:
        found |= {"allegra-lmtp.socket": _socket(site), "allegra-lmtp.service": _lmtp(site)}
    if site.console:
        found["allegra-console.service"] = _console(site)
    return found


def enabled(site: Site) -> tuple[str, ...]:
    """The units that are started at each boot."""
    also = (("allegra-lmtp.socket", site.lmtp), ("allegra-console.service", site.console))
    return (reader(site), *(name for name, wanted in also if wanted))


def reader(site: Site) -> str:
    """The unit by which mail is read."""
    if site.worker:
        return "allegra-worker.service"
    return "allegra-watch.service" if site.watch else "allegra.timer"


ALL = (
    "allegra.timer", "allegra.service", "allegra-watch.service", "allegra-worker.service", "allegra-lmtp.socket",
    "allegra-lmtp.service", "allegra-console.service",
)  # fmt: skip
"""Every unit there may be, in the order in which they are stopped."""


def _pass(site: Site) -> str:
    return _unit(
        "one pass over all mailboxes",
        _online(site),
        [
            "Type=oneshot",
            _start(site, "run --wait 30"),
            "# Another run held a mailbox all the time: the next pass reads it.",
            "SuccessExitStatus=75",
            "TimeoutStartSec=1h",
            *_common(site),
        ],
    )


def _timer(site: Site) -> str:
    every = site.every_s
    lines = [
        "OnBootSec=1min",
        f"OnUnitActiveSec={every}s",
        f"RandomizedDelaySec={max(1, every // 6)}s",
        "AccuracySec=1s",
    ]
    return (
        f"[Unit]\nDescription=Allegra mail: a pass every {every} s\nDocumentation=man:allegra(1)\n\n[Timer]\n"
        + "\n".join(lines)
        + "\n\n[Install]\nWantedBy=timers.target\n"
    )


def _watch(site: Site) -> str:
    return _lasting(site, "mailboxes, read as mail comes", "run --watch", "RestartSec=30", f"WatchdogSec={WATCHDOG_S}")


def _worker(site: Site) -> str:
    words = "RestartSec=10", "ExecReload=/bin/kill -HUP $MAINPID"
    return _lasting(site, "a worker beside a database on a server", "worker", *words)


def _lasting(site: Site, what: str, words: str, *more: str) -> str:
    """A service that stays and says when it is ready."""
    return _unit(
        what,
        [*_online(site), "# However often it ends, it is started again.", "StartLimitIntervalSec=0"],
        ["Type=notify", _start(site, words), "Restart=always", *more, "SuccessExitStatus=75", *_common(site)],
        "default.target" if not site.account else "multi-user.target",
    )


def _socket(site: Site) -> str:
    owner = [f"SocketUser={site.account}"] if site.account else []
    owner += [f"SocketGroup={site.mail_group}"] if site.account and site.mail_group else []
    lines = [f"ListenStream={socket_of(site)}", *owner, "SocketMode=0660"]
    return (
        "[Unit]\nDescription=Allegra mail: the door for mail servers (LMTP)\nDocumentation=man:allegra(1)\n\n[Socket]\n"
        + "\n".join(lines)
        + "\n\n[Install]\nWantedBy=sockets.target\n"
    )


def socket_of(site: Site) -> str:
    """Where mail servers hand mail over, as a unit names it."""
    from engine.service.site import SOCKET

    return SOCKET if site.account else f"%t/{SOCKET.removeprefix('/run/')}"


def _lmtp(site: Site) -> str:
    return _unit(
        "takes mail from mail servers (LMTP)",
        [
            "Requires=allegra-lmtp.socket",
            "After=allegra-lmtp.socket network.target",
            "# A mail that kills it costs one start, however many there are.",
            "StartLimitIntervalSec=0",
        ],
        [
            "Type=notify",
            _start(site, "lmtp"),
            "Restart=always",
            "RestartSec=2",
            "SuccessExitStatus=75",
            *_common(site),
        ],
    )


def _console(site: Site) -> str:
    """The web console: it writes what a run writes, and the rules."""
    folder = RUNTIME if site.account else ""
    lines = [
        "Type=notify", _start(site, "console"), "Restart=always", "RestartSec=2",
        *([f"RuntimeDirectory={folder}", "RuntimeDirectoryPreserve=yes"] if folder else []),
        *_common(site, (site.rules,) if site.rules is not None else ()),
    ]  # fmt: skip
    wanted_by = "default.target" if not site.account else "multi-user.target"
    return _unit("the web console", ["After=network.target", "StartLimitIntervalSec=0"], lines, wanted_by)


def _online(site: Site) -> list[str]:
    return [] if not site.account else ["Wants=network-online.target", "After=network-online.target"]


def _start(site: Site, words: str) -> str:
    return f"ExecStart={_quoted(site.program)} --config {_quoted(site.config)} {words}"


def _common(site: Site, writes: tuple[Path, ...] = ()) -> list[str]:
    """Who it runs as, where, and what it may not; what it `writes` beside what a run does."""
    who = [f"User={site.account}", f"Group={site.account}"] if site.account else []
    lines = [
        *who,
        f"WorkingDirectory={_path(site.folder)}",
        f"EnvironmentFile=-{_path(site.folder / 'environment')}",
        *(f"LoadCredential={name}:{_path(file)}" for name, file in site.credentials),
        "UMask=0077",
        "KillMode=mixed",
        "TimeoutStopSec=90",
    ]
    if not site.account:
        return [*lines, *USERS]
    lines += [*FILES, f"ReadWritePaths={' '.join(map(_quoted, (*site.writable, *writes)))}"]
    lines.append(f"ProtectHome={'read-only' if site.at_home else 'yes'}")
    if site.setgid:
        said = '# transport = "sendmail" starts a program with rights of its own; more cannot be taken away.'
        return [*lines, said]
    return [*lines, *RIGHTS]


def _unit(what: str, head: Iterable[str], service: Iterable[str], wanted_by: str = "") -> str:
    lines = [
        "[Unit]",
        f"Description=Allegra mail: {what}",
        "Documentation=man:allegra(1)",
        *head,
        "",
        "[Service]",
        *service,
    ]
    if wanted_by:
        lines += ["", "[Install]", f"WantedBy={wanted_by}"]
    return "\n".join(lines) + "\n"


def _path(path: object) -> str:
    """A path as the whole of a value: `%` begins a specifier there."""
    return str(path).replace("%", "%%")


def _quoted(path: object) -> str:
    """A path as a word of a value."""
    text = _path(path).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{text}"' if set(text) & set(" \t'\"\\;") else text
