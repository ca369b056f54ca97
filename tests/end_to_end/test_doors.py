"""`allegra lmtp` and `allegra serve` as an admin starts them, and as systemd does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers.doors import KEY, Mta, asked, pushed, request

MAIL = b"From: anna@example.com\r\nTo: help@example.com\r\nSubject: Handed over\r\nMessage-ID: <1@x>\r\n\r\nHello\r\n"
KEYS = '[http.keys.all]\nkey_env = "THE_KEY"\n[lmtp]\nlisten = "lmtp.sock"\n[log]\nfile = "log"\n'


@pytest.fixture
def doors(desk: Any) -> Iterator[Any]:
    """A desk with doors configured; `start` starts one and waits until it says where it is."""
    desk.configure(more=KEYS)
    desk.environ["THE_KEY"] = KEY
    desk.opened = []

    def start(*arguments: str, **options: Any) -> Any:
        process = desk.start(*arguments, **options)
        desk.opened.append(process)
        process.said = process.stderr.readline().decode()
        process.at = process.said.rpartition(" at ")[2].strip()
        return process

    desk.opening = start
    yield desk
    for process in desk.opened:
        if process.poll() is None:
            process.kill()
        process.communicate()


def stopped(process: Any, how: signal.Signals = signal.SIGTERM) -> int:
    process.send_signal(how)
    process.wait(30)
    return int(process.returncode)


def outcomes(desk: Any, number: int, seconds: float = 20.0) -> list[str]:
    """The outcomes of mails, once so many are decided."""
    end = time.monotonic() + seconds
    while True:
        found = [row["outcome"] for row in desk.lines("mail", "list") if row["outcome"] != "deferred"]
        if len(found) >= number or time.monotonic() > end:
            return found
        time.sleep(0.1)


def test_F006_mail_that_a_mail_server_hands_over_is_decided_at_once(doors: Any) -> None:
    door = doors.opening("lmtp")
    assert door.said == f"allegra lmtp: taking mail at {doors.folder}/lmtp.sock\n"
    assert Path(door.at).stat().st_mode & 0o777 == 0o660
    with Mta(door.at) as mta:
        assert mta.hand_over(MAIL, "help+billing@example.com")[0].startswith("250")
    assert outcomes(doors, 1) == ["created"]
    assert [item["title"] for item in doors.lines("item", "list")] == ["Handed over"]
    assert stopped(door) == 0
    assert not Path(door.at).exists()
    assert "mail.created" in (doors.folder / "log").read_text()


def test_F006_mail_that_a_program_pushes_is_decided_at_once(doors: Any) -> None:
    door = doors.opening("serve", "--listen", "127.0.0.1:0")
    assert pushed(door.at, "/mail/system", MAIL).status == 202
    assert outcomes(doors, 1) == ["created"]
    assert stopped(door, signal.SIGINT) == 0
    assert KEY not in (doors.folder / "log").read_text()


def test_both_doors_and_a_run_at_once_make_one_item_of_a_mail(doors: Any) -> None:
    lmtp, http = doors.opening("lmtp"), doors.opening("serve", "--listen", "http.sock", "--mode", "0600")
    assert Path(http.at).stat().st_mode & 0o777 == 0o600
    with Mta(lmtp.at) as mta:
        mta.hand_over(MAIL, "help@example.com")
    assert pushed(http.at, "/mail/system", MAIL).data["mails"][0]["seen_before"]
    assert doors.allegra("run").exit_code == 0
    assert outcomes(doors, 1) == ["created"] and len(doors.lines("item", "list")) == 1


def test_rules_and_the_configuration_are_those_of_the_moment(doors: Any) -> None:
    door = doors.opening("lmtp")
    with Mta(door.at) as mta:
        mta.hand_over(MAIL, "help@example.com")
        assert outcomes(doors, 1) == ["created"]
        time.sleep(1.5)  # rules are kept for a second
        doors.configure(system='rules = "rules/system.toml"', more=KEYS)
        doors.rules(
            "system.toml",
            '[[rule]]\nname = "No"\nwhen = \'subject contains "Handed"\'\nthen = [\'discard because "enough"\']\n',
        )
        mta.hand_over(MAIL.replace(b"<1@x>", b"<2@x>"), "help@example.com")
    found = sorted(outcomes(doors, 2))
    assert found == ["created", "discarded"], (doors.folder / "log").read_text()


def test_what_was_taken_before_a_kill_is_decided_at_the_next_start(doors: Any) -> None:
    from servers.failpoints import At, ended, start

    doors.environ |= {"ALLEGRA__LMTP__LISTEN": "other.sock", "ALLEGRA__ERRORS__RETRY": '["0 s"]'}
    killed = start(doors.folder, "lmtp", at=At("door reply", hit=6, after=True), environ=doors.environ)
    while not (doors.folder / "other.sock").exists():
        time.sleep(0.01)
    time.sleep(0.2)  # a look would be a reply, too
    with Mta(doors.folder / "other.sock") as mta:
        mta.begin("help@example.com")
        assert mta.say("DATA").startswith("354")
        mta.socket.sendall(MAIL + b".\r\n")
        assert mta.hear().startswith("250")
    assert ended(killed, 20).code == -signal.SIGKILL
    door = doors.opening("lmtp")
    assert door.at.endswith("other.sock"), "the socket that was left is taken away"
    assert outcomes(doors, 1) == ["created"]


def refusal(doors: Any, *arguments: str) -> tuple[int, str]:
    """Start a door that cannot be opened; gives its exit code and what it says."""
    process = doors.start(*arguments)
    _, said = process.communicate(timeout=30)
    return process.returncode, said.decode()


def test_a_door_that_cannot_be_opened_says_why(doors: Any) -> None:
    door = doors.opening("lmtp")
    code, said = refusal(doors, "lmtp")
    assert code == 69 and "another process listens there" in said
    (doors.folder / "file").write_text("mine")
    code, said = refusal(doors, "lmtp", "--listen", "file")
    assert code == 69 and "which is no socket" in said and (doors.folder / "file").read_text() == "mine"
    code, said = refusal(doors, "lmtp", "--listen", "x" * 200)
    assert code == 64 and "a socket cannot lie here: its path has" in said
    code, said = refusal(doors, "lmtp", "--listen", "file/lmtp.sock")
    assert code == 69 and "cannot listen at" in said
    code, said = refusal(doors, "lmtp", "--mode", "0666", "--listen", "127.0.0.1:0")
    assert code == 64 and "--mode does nothing for the address 127.0.0.1:0" in said
    for arguments in (("lmtp", "--listen", "0.0.0.0:24"), ("serve", "--listen", "192.0.2.1:80")):
        code, said = refusal(doors, *arguments)
        assert code == 64 and "no address that only this machine reaches" in said
    assert refusal(doors, "lmtp", "--mode", "9")[0] == 64
    with Mta(door.at) as mta:
        assert mta.greeting.startswith("220")


def test_without_keys_nobody_could_push(doors: Any) -> None:
    doors.configure()
    result = doors.allegra("serve")
    assert result.exit_code == 78 and "add [http.keys.NAME]" in result.stderr
    doors.configure(more='[http.keys.a]\nkey_env = "NOT_THERE"\n')
    result = doors.allegra("serve", "--listen", "127.0.0.1:0")
    assert result.exit_code == 78 and "NOT_THERE (key_env) is not set" in result.stderr


def test_a_key_that_cannot_be_had_is_told_at_the_start_and_by_health_and_by_check(doors: Any) -> None:
    (doors.folder / "key").write_text(KEY + "-of-a-file")
    keys = KEYS + '[http.keys.file]\nkey_file = "key"\n[http.keys.other]\nkey_env = "NOT_THERE"\n'
    doors.configure(more=keys + '[http]\nlisten = "http.sock"\n')
    wanted = "http key other: the environment variable NOT_THERE (key_env) is not set"
    door = doors.start("serve")
    doors.opened.append(door)
    told = [door.stderr.readline().decode() for _ in range(2)]
    assert told == [f"allegra: {wanted}\n", f"allegra serve: taking mail at {doors.folder}/http.sock\n"]
    assert pushed(str(doors.folder / "http.sock"), "/mail/system", MAIL).status == 202
    checks = {each["name"]: each for each in doors.lines("health")[0]["checks"]}
    assert [checks[name]["status"] for name in ("http", "http key all", "http key other")] == ["ok", "ok", "critical"]
    assert "the environment variable NOT_THERE" in checks["http key other"]["said"]
    (doors.folder / "key").unlink()
    time.sleep(1.1)  # what was read counts for a second
    checks = {each["name"]: each for each in doors.lines("health")[0]["checks"]}
    assert checks["http key file"]["status"] == "critical", "the door looks when health asks it"
    assert "C201" not in doors.allegra("check").stdout, "the environment here may be another one"
    online = doors.allegra("check", "--online")
    assert online.exit_code == 1 and "error[C201]" in online.stdout and wanted in online.stdout
    assert stopped(door) == 0


def test_a_door_whose_only_key_does_not_come_can_be_stopped(doors: Any) -> None:
    (doors.folder / "slow.py").write_text("open('asked', 'w').close()\nimport time; time.sleep(30)\n")
    doors.configure(more=f'[http.keys.all]\nkey_command = ["{sys.executable}", "slow.py"]\n')
    door = doors.start("serve", "--listen", "http.sock")
    doors.opened.append(door)
    end = time.monotonic() + 20
    while not (doors.folder / "asked").exists() and time.monotonic() < end:
        time.sleep(0.01)
    began = time.monotonic()
    assert stopped(door) == 0 and time.monotonic() - began < 10


def handed_over(doors: Any, listening: socket.socket, command: str) -> subprocess.Popen[bytes]:
    """Start a command as systemd does: the socket is number 3, and it hears what is said at `notify`."""
    code = (
        f"import os; os.dup2({listening.fileno()}, 3); os.environ['LISTEN_PID'] = str(os.getpid())\n"
        f"os.execv({sys.executable!r}, [{sys.executable!r}, '-m', 'engine', {command!r}])"
    )
    environ = {
        **os.environ, **doors.environ, "LISTEN_FDS": "1", "NOTIFY_SOCKET": str(doors.folder / "notify"),
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=doors.folder, env=environ, pass_fds=[listening.fileno(), 3],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    doors.opened.append(process)
    return process


@pytest.mark.parametrize("command", ["lmtp", "serve"])
def test_systemd_hands_the_socket_over_and_hears_when_it_is_ready(doors: Any, command: str) -> None:
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(doors.folder / "notify"))
    manager.settimeout(20)
    place = str(doors.folder / "made.sock")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen()
        process = handed_over(doors, listening, command)
        assert manager.recv(100) == b"READY=1"
        if command == "lmtp":
            with Mta(place) as mta:
                assert mta.hand_over(MAIL, "help@example.com")[0].startswith("250")
        else:
            assert pushed(place, "/mail/system", MAIL).status == 202
        assert outcomes(doors, 1) == ["created"]
        assert stopped(process) == 0
        assert manager.recv(100) == b"STOPPING=1"
    manager.close()
    assert Path(place).exists(), "it belongs to systemd"


def test_a_socket_that_others_can_reach_is_refused_from_systemd_too(doors: Any) -> None:
    with socket.create_server(("0.0.0.0", 0)) as listening:  # noqa: S104 - that is the point
        process = handed_over(doors, listening, "lmtp")
        assert process.wait(20) == 69
        assert process.stderr is not None and b"can be reached by others" in process.stderr.read()


def memory_kb(process: Any) -> int:
    """The most memory that a process has had."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def test_memory_does_not_grow_with_the_mails_that_come_at_once(doors: Any) -> None:
    door = doors.opening("lmtp")
    with Mta(door.at) as mta:
        mta.hand_over(MAIL, "help@example.com")
    assert outcomes(doors, 1) == ["created"]
    before = memory_kb(door)
    size = 20_000_000
    clients = [Mta(door.at) for _ in range(10)]
    for number, mta in enumerate(clients):
        mta.begin("help@example.com")
        assert mta.say("DATA").startswith("354")
        mta.socket.sendall(b"Subject: %d\r\n\r\n" % number + b"x" * size)
    assert memory_kb(door) - before < 10 * 2_000 + 10_000, "a megabyte each, and what it is read by"
    for mta in clients:
        mta.socket.sendall(b"\r\n.\r\n")
    assert [mta.hear()[:3] for mta in clients] == ["250"] * 10
    for mta in clients:
        mta.__exit__(None, None, None)
    assert memory_kb(door) - before < 13 * size / 1000, "what one mail takes to be stored and one to be decided"


def test_a_flood_of_headers_and_a_gigabyte_cost_no_memory(doors: Any) -> None:
    door = doors.opening("serve", "--listen", "127.0.0.1:0")
    assert pushed(door.at, "/mail/system", MAIL).status == 202
    before = memory_kb(door)
    fields = [f"X-{number}: {'y' * 1000}" for number in range(20_000)]
    assert [each.status for each in asked(door.at, request("/mail/system", MAIL, fields))] == [431]
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    head = request("/mail/system", b"", ["Transfer-Encoding: chunked"])
    assert [each.status for each in asked(door.at, head, *[chunk] * 200)] == [413]
    assert memory_kb(door) - before < 20_000
