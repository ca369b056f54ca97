"""Putting files of ours in place and taking them away.

Here: what would change, who wrote a file, the account, the right owners, the commands of systemd. Not here: the texts.
Invariant: nothing is written before all of it is known to be ours to write; doing it twice changes nothing.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import pwd
import re
import stat
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

SYSTEM = Path("/etc/systemd/system")
COMMAND_S = 60.0
_MARK = "# Written by allegra install-timer, sum {sum}; {rest}\n"
_MARKED = re.compile(r"# Written by allegra install-timer, sum ([0-9a-f]{16}); (.*)\n")


class Refusal(Exception):
    """It cannot be done; the text says why."""


class File(Struct, frozen=True):
    """A file to be there. `elsewhere` says where people put what they want otherwise."""

    path: Path
    text: str
    mode: int = 0o644
    elsewhere: str = ""

    @property
    def marked(self) -> str:
        """The text with a line that says who wrote it; behind that for the interpreter, where there is one."""
        rest = f"changes of yours belong elsewhere: {self.elsewhere}"
        first, text = _first_line(self.text) if self.text.startswith("#!") else ("", self.text)
        return first + _MARK.format(sum=_sum(self.text, rest), rest=rest) + text


def _sum(text: str, rest: str) -> str:
    return hashlib.sha256(f"{rest}\n{text}".encode()).hexdigest()[:16]


def _first_line(text: str) -> tuple[str, str]:
    first, _, rest = text.partition("\n")
    return f"{first}\n", rest


def is_ours(content: str) -> bool:
    """Tell whether we wrote a text and nobody changed it since."""
    found = _MARKED.search(content)
    if found is None:
        return False
    return _sum(content[: found.start()] + content[found.end() :], found[2]) == found[1]


def not_ours(paths: Iterable[Path]) -> list[Path]:
    """Those of the files that somebody else wrote or changed."""
    return [path for path in paths if not is_ours(_content(path) or "")]


def changes(files: Iterable[File]) -> Iterator[tuple[File, str]]:
    """Tell of each file what is to be done: new, changed, same, or theirs, where somebody else wrote or changed it."""
    for file in files:
        there = _content(file.path)
        if there is None:
            yield file, "new"
        elif there == file.marked:
            yield file, "same"
        else:
            yield file, "changed" if is_ours(there) else "theirs"


def difference(file: File) -> str:
    """What would become of a file, as a diff."""
    before, after = (_content(file.path) or "").splitlines(), file.marked.splitlines()
    lines = difflib.unified_diff(before, after, str(file.path), f"{file.path} (ours)", lineterm="")
    return "\n".join(lines)


def _content(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return None


def write(file: File) -> None:
    """Write a file, whole or not at all. Raises OSError."""
    file.path.parent.mkdir(parents=True, exist_ok=True)
    draft = file.path.with_name(f".{file.path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(file.marked)
    draft.chmod(file.mode)
    draft.replace(file.path)


def run(words: Sequence[str]) -> None:
    """Run a program of the system. Raises Refusal with what it said."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=COMMAND_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refusal(f"{words[0]} cannot be run: {error}") from None
    if done.returncode:
        raise Refusal(f"{' '.join(words)} ended with {done.returncode}: {(done.stderr or done.stdout).strip()}")


def account_is_there(name: str) -> bool:
    """Tell whether there is an account of that name."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def is_root(name: str) -> bool:
    """Tell whether an account has the rights of root."""
    return account_is_there(name) and pwd.getpwnam(name).pw_uid == 0


def account_words(name: str, home: Path) -> list[str]:
    """The command that makes a system account which nobody logs in to."""
    shell = "/usr/sbin/nologin"
    return ["useradd", "--system", "--user-group", "--home-dir", str(home), "--no-create-home", "--shell", shell, name]


def give(paths: Iterable[Path], account: str, *, dry_run: bool = False) -> int:
    """Let an account own paths and all that lies in them, as far as we own it; give how many others it were.

    What belongs to a third account stays theirs, as does what has a second name elsewhere; links are not followed.
    Raises OSError.
    """
    entry, mine = pwd.getpwnam(account), os.geteuid()
    given = 0

    def hand_over(name: str, folder: int | None = None) -> None:
        nonlocal given
        try:
            told = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return
        twice = stat.S_ISREG(told.st_mode) and told.st_nlink > 1
        if told.st_uid == mine and mine != entry.pw_uid and not twice and not stat.S_ISLNK(told.st_mode):
            given += 1
            if not dry_run:
                os.chown(name, entry.pw_uid, entry.pw_gid, dir_fd=folder, follow_symlinks=False)

    for path in paths:
        for _, folders, names, descriptor in os.fwalk(path):
            for name in (*folders, *names):
                hand_over(name, descriptor)
        hand_over(str(path))
    return given


def way_barred(path: Path, account: str, wanted: int = stat.S_IXOTH) -> Path | None:
    """The first folder on the way to a path, or the path, that an account may not pass or (`wanted`) use; else None.

    Every link on the way is followed: what a link names must be reached as well.
    """
    try:
        entry: pwd.struct_passwd | None = pwd.getpwnam(account)
    except KeyError:
        entry = None
    for way in dict.fromkeys((path, path.resolve())):
        for each in (*reversed(way.parents), way):
            try:
                told = each.stat()
            except OSError:
                return each
            bit = stat.S_IXOTH if each != way else wanted
            if not _may(told, entry, bit):
                return each
    return None


def may_write(folder: Path, account: str) -> bool:
    """Tell whether an account may write into a folder."""
    return way_barred(folder, account, stat.S_IWOTH) is None


def _may(told: os.stat_result, entry: pwd.struct_passwd | None, bit: int) -> bool:
    if entry is not None and told.st_uid == entry.pw_uid:
        return bool(told.st_mode & bit << 6)
    if entry is not None and told.st_gid == entry.pw_gid:
        return bool(told.st_mode & bit << 3)
    return bool(told.st_mode & bit)


def interpreter(program: Path) -> Path | None:
    """The interpreter that a script names in its first line."""
    try:
        with program.open("rb") as stream:
            first = stream.readline(1000)
    except OSError:
        return None
    words = first[2:].split() if first.startswith(b"#!") else []
    return Path(os.fsdecode(words[0])) if words else None


def systemd_runs() -> bool:
    """Tell whether this machine was started by systemd (sd_booted(3))."""
    return Path("/run/systemd/system").is_dir()


def below(root: Path | None, path: Path) -> Path:
    """The path below another root, as packages are made."""
    return path if root is None else root / path.relative_to("/")


def headed(texts: Mapping[str, str]) -> str:
    """Texts of several files, each behind a line with its name."""
    return "\n".join(f"# ── {name}\n{text}" for name, text in texts.items())
