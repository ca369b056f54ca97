"""What README.md and docs/operations.md tell an admin to type is typed, line by line, on a machine of its own.

The machine is this one behind overlays: what is written to /etc, /opt, /srv, /usr/local and /var is gone afterwards.
The package comes from this tree. What only a running systemd or the package manager of the system can do is left out.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import authorities
import pytest
from end_to_end.conftest import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
ELSEWHERE = ("apt-get ", "systemctl ", "journalctl ")
"""What is not tried here."""

OVERLAYS = """set -e
mount -t tmpfs tmpfs "$SCRATCH"
for folder in etc opt srv usr/local var; do
  mkdir -p "$SCRATCH/$folder/up" "$SCRATCH/$folder/work"
  mount -t overlay overlay \
    -o "lowerdir=/$folder,upperdir=$SCRATCH/$folder/up,workdir=$SCRATCH/$folder/work" "/$folder"
  test "$(stat -f -c %T "/$folder")" = overlayfs
done
"""
ANSWERS = {"allegra init": "localhost\\n\\n\\n\\n", "install -m 600": "$PASSWORD\\n"}
"""What is typed at a line that waits: the server, where replies come from, from when on, no folder."""

pytestmark = [pytest.mark.timeout(600)]


def lines(text: str) -> list[str]:
    """What stands in the blocks of a text, without remarks."""
    blocks = re.findall(r"^```\n(.*?)^```", text, re.M | re.S)
    typed = [re.sub(r"\s{2,}# .*", "", line) for block in blocks for line in block.splitlines()]
    return [line for line in typed if line and not line.startswith(ELSEWHERE)]


def part(text: str, after: str, before: str) -> str:
    return text.split(after)[1].split(before)[0]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, made of this tree once for all workers; skips where pip reaches no index."""
    if not Path("/usr/bin/python3").exists():
        pytest.skip("there is no /usr/bin/python3")
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "wheel"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return next(folder.glob("*.whl"), None) or built(folder)


def built(folder: Path) -> Path:
    python = ["/usr/bin/python3", "-m", "venv", str(folder / "venv")]
    if (made := subprocess.run(python, capture_output=True, text=True)).returncode:
        pytest.skip(f"no venv can be made: {made.stdout[-200:]}")
    words = [str(folder / "venv/bin/pip"), "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    if (made := subprocess.run(words, env=authorities.shown(), capture_output=True, text=True)).returncode:
        pytest.skip(f"pip reaches no index here: {made.stderr.strip().splitlines()[-1]}")
    (file,) = folder.glob("*.whl")
    return file


def environ(home: Path, dovecot: Any, **more: str) -> dict[str, str]:
    kept = {
        name: value for name, value in authorities.shown().items() if name.startswith(("PIP_", "SSL_CERT", "HTTPS_"))
    }
    return {
        **kept, "PIP_NO_COMPILE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "HOME": str(home),
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8",
        "PASSWORD": dovecot.password, "ALLEGRA__SYSTEM__MAILBOX__PORT": str(dovecot.imaps),
        "ALLEGRA__SYSTEM__MAILBOX__CA_FILE": str(dovecot.ca_file), "ALLEGRA__SMTP__PORT": str(dovecot.smtp),
        "ALLEGRA__SMTP__CA_FILE": str(dovecot.ca_file), **more,
    }  # fmt: skip


def script(commands: list[str], wheel: Path) -> str:
    """The lines, each told before it is run; a warning of health is none here."""
    text = ""
    for line in commands:
        line = line.replace("allegra-mail", str(wheel))
        answers = next((said for start, said in ANSWERS.items() if start in line), "")
        told = f"printf '%s\\n' {shell_word(':: ' + line)}\n"
        run = f'printf "{answers}" | {line}' if answers else line
        text += told + (f"{run} || test $? = 1\n" if " health" in line else f"{run}\n")
    return text


def shell_word(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def typed(words: list[str], text: str, environ: dict[str, str], folder: Path) -> str:
    file = folder / "typed.sh"
    file.write_text(text)
    done = subprocess.run(
        [*words, "sh", "-e", str(file)], cwd=folder, env=environ, capture_output=True, text=True, timeout=500,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture
def mailbox(dovecot: Any, sink: Any) -> Any:
    """A mailbox with one mail, and a server that takes outgoing mail of whoever knows its password."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(dovecot.base / "server.pem", dovecot.base / "server.key")
    dovecot.smtp = sink(tls=context, login=dovecot.password).port
    account = dovecot.user("help@example.com")
    account.deliver(
        b"From: Anna <anna@example.com>\r\nSubject: The printer burns\r\nMessage-ID: <1@x.example>\r\n\r\nx\r\n"
    )
    return dovecot


@pytest.fixture
def machine(tmp_path: Path) -> tuple[list[str], str]:
    """How a script is run on a machine of its own as root, and what it begins with."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("runuser") is None:
        pytest.skip("needs root, unshare and runuser")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    begin = OVERLAYS.replace("$SCRATCH", str(scratch))
    tried = subprocess.run(["unshare", "-m", "sh", "-c", begin], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"no overlays can be made here: {tried.stderr[-200:]}")
    return ["unshare", "-m"], begin


def test_F024_the_page_leads_from_nothing_to_a_monitored_service(
    machine: tuple[list[str], str], wheel: Path, mailbox: Any, tmp_path: Path
) -> None:
    words, begin = machine
    section = part(PAGE, "## From nothing to a monitored service", "\n## ")
    commands = lines(section)
    assert len(commands) > 20 and commands[0] == "python3 -m venv /opt/allegra"
    owner = "sed -i '/^.workspace.support.$/a owner = \"anna@example.com\"' allegra.toml"
    commands.insert(commands.index("allegra check"), owner)
    unit = (
        "stat -c '%U %a %n' allegra.toml password var var/allegra.sqlite3\n"
        "for name in allegra.service allegra.timer; do test -e /etc/systemd/system/$name; done\n"
        "start=$(sed -n 's/^ExecStart=//p' /etc/systemd/system/allegra.service)\n"
        'cd / && runuser -u allegra -- $start && echo "the unit starts"\n'
        "grep -c . /etc/cron.d/allegra-backup\n"
    )
    told = typed(words, begin + script(commands, wheel) + unit, environ(tmp_path, mailbox, TZ="UTC"), tmp_path)
    for file in ("600 allegra.toml", "600 password", "700 var"):
        assert f"allegra {file}" in told, told[-3000:]
    assert "the unit starts" in told and re.search(r"Logged in to localhost: \d+ mails? wait", told), told
    assert "run useradd --system" in told and "enable --now allegra.timer" in told
    assert not Path("/etc/systemd/system/allegra.service").exists() and not Path("/opt/allegra").exists()


def test_F024_the_lines_of_the_readme_install_for_the_whole_machine(
    machine: tuple[list[str], str], wheel: Path, mailbox: Any, tmp_path: Path
) -> None:
    words, begin = machine
    commands = lines(part(README, "As root, for the whole machine", "As an ordinary user"))
    assert commands[1] == "/opt/allegra/bin/pip install allegra-mail" and commands[-1] == "allegra install-timer"
    text = begin + script([answered(line) for line in commands], wheel)
    told = typed(words, text + "cd /srv/allegra && runuser -u allegra -- allegra mailbox list\n",
                 environ(tmp_path, mailbox), tmp_path)  # fmt: skip
    assert "written /etc/systemd/system/allegra.timer" in told


def test_F024_the_lines_of_the_readme_install_for_an_ordinary_user(wheel: Path, mailbox: Any, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    subprocess.run(["/usr/bin/python3", "-m", "venv", str(tools)], check=True)
    words = [str(tools / "bin/pip"), "install", "-q", "pipx"]
    pipx = subprocess.run(words, env=authorities.shown(), capture_output=True, text=True)
    if pipx.returncode:
        pytest.skip(f"pipx cannot be had here: {pipx.stderr.strip().splitlines()[-1]}")
    somebody = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []
    if somebody and subprocess.run([*somebody, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a user namespace")
    commands = lines(part(README, "As an ordinary user", "From a checkout"))
    assert commands[0] == "pipx install allegra-mail" and commands[-1] == "allegra install-timer --user"
    path = f"{tmp_path}/.local/bin:{tools}/bin:/usr/bin:/bin"
    text = script([answered(line) for line in commands], wheel)
    told = typed(somebody, text, environ(tmp_path, mailbox, PATH=path), tmp_path)
    assert (tmp_path / ".config/systemd/user/allegra.timer").exists() and (tmp_path / "allegra/allegra.toml").exists()
    assert "enable-linger" in told


def answered(line: str) -> str:
    """The line for `init`, with what the person would say at the first two questions."""
    return line + " --address help@example.com --password-env PASSWORD" if line.endswith("allegra init") else line
