"""The way into the container, run as it is: variables, first file, the loop and its end. The image is not built."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.config import load

ROOT = Path(__file__).resolve().parents[2]
ENTRY = ROOT / "contrib" / "allegra-entry"
EIGHT = {
    "IMAP_HOST": "localhost",
    "IMAP_PORT": "9993",
    "IMAP_SSL": "true",
    "IMAP_USERNAME": "help@example.com",
    "IMAP_PASSWORD": "c4n4ry-p4ssw0rd",
    "IMAP_FOLDER": "Desk",
    "IMAP_PROJECT": "big-corp",
    "IMAP_UNKNOWN_USER": "accept",
}


class Container:
    """A folder in place of /data, and this tree's allegra on the path."""

    def __init__(self, base: Path) -> None:
        self.data, bin = base / "data", base / "bin"
        self.data.mkdir()
        bin.mkdir()
        watch = '[ "$*" = "run --watch" ] && exit 0'  # which would go on and on
        (bin / "allegra").write_text(f'#!/bin/sh\n{watch}\nexec {sys.executable} -m engine "$@"\n')
        (bin / "allegra").chmod(0o755)
        self.bin = bin
        self.environ = {"PATH": f"{bin}:/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(self.data), "LC_ALL": "C"}

    def __call__(self, *words: str, **variables: str) -> Any:
        return subprocess.run(
            ["sh", str(ENTRY), *words], cwd=self.data, env={**self.environ, **variables}, capture_output=True,
            text=True, timeout=60,
        )  # fmt: skip

    def instead(self, script: str) -> None:
        """Put a program in the place of allegra."""
        (self.bin / "allegra").write_text(f"#!/bin/sh\n{script}\n")


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(tmp_path)


def test_F008_eight_variables_make_a_configuration(container: Container) -> None:
    told = container("watch", **EIGHT)
    file = container.data / "allegra.toml"
    assert file.stat().st_mode & 0o777 == 0o600 and EIGHT["IMAP_PASSWORD"] not in file.read_text() + told.stderr
    shown = container("config", "show", "--origin", **EIGHT)
    assert shown.returncode == 0, shown.stderr
    for key, value in (
        ("system.mailbox.host", '"localhost"'), ("system.mailbox.port", "9993"), ("system.mailbox.folder", '"Desk"'),
        ("system.mailbox.username", '"help@example.com"'), ("system.default_workspace", '"big-corp"'),
        ("people.unknown_user", '"accept"'), ("system.mailbox.password_env", '"IMAP_PASSWORD"'),
    ):  # fmt: skip
        assert re.search(rf"^{re.escape(key)}\s+= {re.escape(value)}\s", shown.stdout, re.M), (key, shown.stdout)
    listed = container("workspace", "list", "--json", **EIGHT)
    assert '"big-corp"' in listed.stdout, "mail for a workspace that is not there would be held"


@pytest.mark.parametrize("wrong", [{"IMAP_PORT": "993x"}, {"IMAP_PROJECT": "system"}, {"IMAP_HOST": "a b"}])
def test_a_first_start_that_failed_is_begun_anew(container: Container, wrong: dict[str, str]) -> None:
    told = container("watch", **{**EIGHT, **wrong})
    assert told.returncode == 78 and not (container.data / "allegra.toml").exists(), told.stderr
    told = container("watch", **EIGHT)
    assert told.returncode == 0, told.stderr
    assert '"big-corp"' in container("workspace", "list", "--json", **EIGHT).stdout
    assert not (container.data / ".allegra.toml.new").exists()


def test_every_variable_that_is_read_is_named_at_the_head(container: Container) -> None:
    head, _, script = ENTRY.read_text().partition("set -u")
    read = set(re.findall(r"\b(?:IMAP_[A-Z_]+|ALLEGRA_[A-Z][A-Z_]+)\b", script))
    assert {each for each in read if each not in head} == set()


def test_a_secret_of_the_container_is_a_file(container: Container) -> None:
    variables = {**EIGHT, "IMAP_PASSWORD": "", "IMAP_PASSWORD_FILE": "/run/secrets/imap"}
    container("watch", **variables)
    environ = {"ALLEGRA__SYSTEM__MAILBOX__HOST": "h", "ALLEGRA__SYSTEM__MAILBOX__USERNAME": "u"}
    config = load(container.data / "allegra.toml", environ)
    assert str(config.mailbox("system").password_file) == "/run/secrets/imap"


def test_an_option_by_its_own_name_wins_and_a_file_that_is_there_stays(container: Container) -> None:
    (container.data / "allegra.toml").write_text(
        'schema = 1\n[system.mailbox]\nhost = "a"\nusername = "b"\npassword_env = "X"\n'
        '[system]\ndefault_workspace = "big-corp"\n[workspace.big-corp]\nname = "Big"\n'
    )
    before = (container.data / "allegra.toml").read_text()
    told = container("config", "get", "system.mailbox.host", **EIGHT, ALLEGRA__SYSTEM__MAILBOX__HOST="mine")
    assert told.stdout.strip().strip('"') == "mine"
    container("watch", **EIGHT)
    assert (container.data / "allegra.toml").read_text() == before


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"IMAP_HOST": ""}, "set IMAP_HOST and IMAP_USERNAME"), ({"IMAP_USERNAME": ""}, "set IMAP_HOST and IMAP_USERNAME"),
     ({"IMAP_PASSWORD": ""}, "set IMAP_PASSWORD or"), ({"IMAP_PROJECT": "Big Corp"}, "IMAP_PROJECT"),
     ({"IMAP_PROJECT": "a]\nb = 1"}, "IMAP_PROJECT"), ({"IMAP_USERNAME": 'a"\nb'}, "IMAP_USERNAME"),
     ({"IMAP_CHECK_INTERVAL": "soon"}, "IMAP_CHECK_INTERVAL"), ({"IMAP_CHECK_INTERVAL": "0"}, "IMAP_CHECK_INTERVAL")],
)  # fmt: skip
def test_a_variable_that_is_wrong_is_a_sentence_and_78(container: Container, wrong: dict[str, str], said: str) -> None:
    told = container("loop", **{**EIGHT, **wrong})
    assert (told.returncode, said in told.stderr) == (78, True), told.stderr


def test_an_odd_value_is_never_run_by_the_shell(container: Container) -> None:
    told = container(
        "config", "get", "system.mailbox.folder", **{**EIGHT, "IMAP_FOLDER": "$(touch pwned)`touch pwned`;'\""}
    )
    container("watch", **{**EIGHT, "IMAP_FOLDER": "$(touch pwned)"})
    assert not (container.data / "pwned").exists(), told


def test_F015_the_loop_reads_again_and_again_and_says_when_a_pass_ends_badly(container: Container) -> None:
    (container.data / "allegra.toml").touch()
    container.instead('echo "$@" >>passes; [ "$(wc -l <passes)" -lt 3 ] || kill -TERM $PPID; exit 69')
    told = container("loop", **EIGHT, IMAP_CHECK_INTERVAL="1")
    assert (container.data / "passes").read_text() == "run --wait 30\n" * 3
    assert told.stderr.count("this pass ended with 69; the next begins in 1 s") == 2 and told.returncode == 0


@pytest.fixture
def looping(container: Container) -> Iterator[subprocess.Popen[str]]:
    (container.data / "allegra.toml").touch()
    container.instead('trap "echo heard >heard; exit 75" TERM; echo begun >begun; sleep 30 & wait $!')
    process = subprocess.Popen(["sh", str(ENTRY)], cwd=container.data, env={**container.environ, **EIGHT}, text=True)
    end = time.monotonic() + 20
    while not (container.data / "begun").exists() and time.monotonic() < end:
        time.sleep(0.02)
    yield process
    process.kill()
    process.wait()


def test_a_stop_reaches_the_pass_that_runs_and_ends_the_container(container: Container, looping: Any) -> None:
    looping.send_signal(signal.SIGTERM)
    assert looping.wait(20) == 0 and (container.data / "heard").exists()


@pytest.mark.parametrize(("health", "container_is"), [(0, 0), (1, 0), (2, 1), (3, 1)])
def test_a_warning_is_no_reason_to_start_the_container_anew(
    container: Container, health: int, container_is: int
) -> None:
    container.instead(f'echo "$@"; exit {health}')
    told = container("healthy", **EIGHT)
    assert told.returncode == container_is and told.stdout == "health --max-lag 15m\n"


def test_any_other_word_is_a_command(container: Container) -> None:
    assert container("version").stdout == container("allegra", "version").stdout != ""


def instructions(text: str) -> list[tuple[str, str]]:
    """A Dockerfile: each instruction with its words, lines put together."""
    joined = re.sub(r"\\\n\s*", " ", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
    return [(first, rest) for line in joined.splitlines() if line.strip() for first, _, rest in [line.partition(" ")]]


def test_the_Dockerfile_is_sound_as_far_as_reading_tells() -> None:
    found = instructions((ROOT / "contrib/Dockerfile").read_text())
    known = {
        "FROM",
        "RUN",
        "ARG",
        "COPY",
        "ENV",
        "USER",
        "WORKDIR",
        "VOLUME",
        "STOPSIGNAL",
        "HEALTHCHECK",
        "ENTRYPOINT",
        "CMD",
    }
    assert {first for first, _ in found} == known
    names = [first for first, _ in found]
    assert [rest for first, rest in found if first == "FROM"] == [
        "python:3.13-slim-bookworm AS build", "python:3.13-slim-bookworm"
    ]  # fmt: skip
    last = names[names.index("FROM", 1) :]
    assert last.index("USER") < last.index("ENTRYPOINT") and "RUN" not in last[last.index("USER") :]
    (user,) = [rest for first, rest in found if first == "USER"]
    assert re.fullmatch(r"\d+:\d+", user) and not user.startswith("0")
    assert not re.search(
        r"(?i)password|secret|token", " ".join(rest for first, rest in found if first in ("ENV", "ARG"))
    )
    for first, rest in found:
        if first in ("ENTRYPOINT", "CMD"):
            assert rest.startswith("["), "without a shell between, signals arrive"


def test_what_the_Dockerfile_copies_is_there_and_let_into_the_build() -> None:
    let_in = {
        line[1:] for line in (ROOT / "contrib/Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"
    }
    for first, rest in instructions((ROOT / "contrib/Dockerfile").read_text()):
        if first == "COPY" and "--from" not in rest:
            for source in [word for word in rest.split() if not word.startswith("--")][:-1]:
                assert (ROOT / source).exists() and source in let_in, source
    shipped = re.findall(r'^"([^"]+)" = "engine/', (ROOT / "pyproject.toml").read_text(), re.M)
    assert set(shipped) <= let_in, "what the wheel takes along must be there to be taken"


def test_the_compose_file_names_only_variables_that_the_entry_knows() -> None:
    text, entry = (ROOT / "contrib/compose.yaml").read_text(), ENTRY.read_text()
    variables = set(re.findall(r"^\s+(?:# )?((?:IMAP|ALLEGRA)_\w+):", text, re.M))
    assert {name for name in variables if name.startswith("IMAP_")} <= set(re.findall(r"IMAP_\w+", entry))
    environ = {name: "x" for name in variables if name.startswith("ALLEGRA__")} | {"ALLEGRA__SMTP__FROM": "a@b.example"}
    from engine.config.loading import parse

    parse(
        'schema = 1\n[system.mailbox]\nprotocol = "pipe"\naddresses = ["a@b.example"]\n', Path("allegra.toml"), environ
    )
    assert "\t" not in text and "privileged" not in text and "no-new-privileges:true" in text


def test_the_compose_file_of_workers_configures_a_database_on_a_server(tmp_path: Path) -> None:
    from engine.config.loading import parse

    text = (ROOT / "contrib/compose-workers.yaml").read_text()
    environ = dict(re.findall(r"^    (ALLEGRA__\w+): (\S+)$", text, re.M))
    plain = 'schema = 1\n[system.mailbox]\nprotocol = "pipe"\naddresses = ["a@b.example"]\n'
    config = parse(plain, Path("allegra.toml"), environ)
    assert config.store.driver == "postgresql" and str(config.store.url_file) == "/run/secrets/database_url"
    for name in ("database_url", "database_password"):
        assert text.count(f"    file: ./{name}\n") == 1, "no secret stands in the file itself"
    assert "\t" not in text and "privileged" not in text and "no-new-privileges:true" in text


def test_the_entry_is_plain_sh() -> None:
    assert subprocess.run(["sh", "-n", str(ENTRY)]).returncode == 0 and os.access(ENTRY, os.X_OK)
    if checker := shutil.which("shellcheck"):
        assert subprocess.run([checker, "-s", "sh", "-e", "SC2015,SC2154,SC3028", str(ENTRY)]).returncode == 0
