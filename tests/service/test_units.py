"""The units of systemd: what they say, that systemd reads them, and that scripts keep their fences inside."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace
from service.confined import HEADER

from engine.cli.main import COMMANDS
from engine.service import pieces
from engine.service.site import Site
from engine.service.units import ALL, NAMESPACES, NEEDED_BY_FENCES, enabled, units

ROOT = Path(__file__).resolve().parents[2]
SITE = Site(
    program=Path("/opt/allegra/bin/allegra"),
    config=Path("/srv/allegra/allegra.toml"),
    state=Path("/srv/allegra/var"),
    writable=(Path("/srv/allegra/var"),),
    mail_group="postfix",
)
OPERATIONS = ROOT / "docs" / "operations.md"
KINDS = [
    SITE, replace(SITE, watch=True, lmtp=True), replace(SITE, setgid=True),
    replace(SITE, worker=True),
    replace(SITE, credentials=(("imap", Path("/etc/allegra/imap")),)), replace(SITE, account="", watch=True, lmtp=True),
    replace(SITE, console=True, rules=Path("/srv/allegra/rules")), replace(SITE, account="", console=True),
]  # fmt: skip


def read(text: str) -> dict[str, dict[str, list[str]]]:
    """A unit: sections, options, their values in order."""
    found: dict[str, dict[str, list[str]]] = {}
    section = ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line[1:-1]
            found[section] = {}
        elif line and not line.startswith("#"):
            name, equals, value = line.partition("=")
            assert equals, line
            found[section].setdefault(name, []).append(value)
    return found


def service(site: Site = SITE, name: str = "allegra.service") -> dict[str, list[str]]:
    return read(units(site)[name])["Service"]


def test_F015_a_timer_starts_a_pass_every_two_minutes_and_one_that_was_busy_is_no_failure() -> None:
    timer, one = read(units(SITE)["allegra.timer"]), service()
    assert timer["Timer"]["OnUnitActiveSec"] == ["120s"] and timer["Install"]["WantedBy"] == ["timers.target"]
    assert one["Type"] == ["oneshot"] and one["SuccessExitStatus"] == ["75"]
    assert one["ExecStart"] == ["/opt/allegra/bin/allegra --config /srv/allegra/allegra.toml run --wait 30"]
    assert one["ReadWritePaths"] == ["/srv/allegra/var"] and one["ProtectSystem"] == ["strict"]


def test_the_service_that_watches_takes_the_place_of_the_timer_and_is_started_again() -> None:
    site = replace(SITE, watch=True)
    assert set(units(site)) == {"allegra-watch.service"} and enabled(site) == ("allegra-watch.service",)
    watch = service(site, "allegra-watch.service")
    assert (watch["Type"], watch["Restart"], watch["ExecStart"][0].split()[-2:]) == (
        ["notify"], ["always"], ["run", "--watch"]
    )  # fmt: skip
    assert int(watch["WatchdogSec"][0]) > 9 * 60, "an IDLE of nine minutes is no silence"


def test_a_worker_takes_the_place_of_the_timer_is_started_again_and_has_time_to_drain() -> None:
    site = replace(SITE, worker=True)
    assert set(units(site)) == {"allegra-worker.service"} and enabled(site) == ("allegra-worker.service",)
    worker = service(site, "allegra-worker.service")
    assert (worker["Type"], worker["Restart"], worker["ExecStart"][0].split()[-1]) == (["notify"], ["always"], "worker")
    assert worker["KillMode"] == ["mixed"] and int(worker["TimeoutStopSec"][0]) > 20
    assert worker["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


def test_the_door_for_mail_servers_is_opened_by_systemd_for_their_group() -> None:
    site = replace(SITE, lmtp=True)
    socket = read(units(site)["allegra-lmtp.socket"])["Socket"]
    assert (socket["SocketUser"], socket["SocketGroup"], socket["SocketMode"]) == (["allegra"], ["postfix"], ["0660"])
    assert "allegra-lmtp.socket" in enabled(site)
    assert socket["ListenStream"][0] in "".join(pieces.postfix(site).values())
    assert socket["ListenStream"][0] in "".join(pieces.exim(site).values())


def test_the_web_console_writes_the_rules_beside_what_a_run_writes_and_nothing_else() -> None:
    site = replace(SITE, console=True, rules=Path("/srv/allegra/rules"))
    unit, run = read(units(site)["allegra-console.service"]), read(units(site)["allegra.service"])
    assert unit["Service"]["ProtectSystem"] == ["strict"] and unit["Service"]["Type"] == ["notify"]
    assert unit["Service"]["ReadWritePaths"] == [f"{run['Service']['ReadWritePaths'][0]} /srv/allegra/rules"]
    assert unit["Service"]["RuntimeDirectory"] == ["allegra"] and unit["Service"]["ExecStart"][0].endswith(" console")
    assert "allegra-console.service" in enabled(site) and "allegra-console.service" in ALL
    own = units(replace(site, account=""))["allegra-console.service"]
    assert "RuntimeDirectory" not in own and "ReadWritePaths" not in own and "WantedBy=default.target" in own


def test_units_of_a_person_name_no_account_and_no_place_of_the_system() -> None:
    text = "".join(units(replace(SITE, account="", lmtp=True)).values())
    for word in ("User=", "Group=", "ProtectSystem", "multi-user.target", "network-online"):
        assert word not in text.replace("RestrictUser=", "")
    assert "ListenStream=%t/allegra/lmtp.sock" in text


def test_a_program_with_rights_of_its_own_keeps_them() -> None:
    named = service(replace(SITE, setgid=True))
    assert "NoNewPrivileges" not in named and "SystemCallFilter" not in named and named["PrivateTmp"] == ["yes"]


def test_homes_are_hidden_unless_something_of_ours_lies_there() -> None:
    assert service()["ProtectHome"] == ["yes"]
    assert service(replace(SITE, writable=(Path("/home/anna/Maildir"),)))["ProtectHome"] == ["read-only"]


def test_odd_paths_stay_one_word() -> None:
    site = replace(SITE, config=Path('/srv/my "desk" 100%/allegra.toml'), program=Path("/opt/a b/allegra"))
    text = units(site)["allegra.service"]
    assert 'ExecStart="/opt/a b/allegra" --config "/srv/my \\"desk\\" 100%%/allegra.toml" run' in text
    assert 'WorkingDirectory=/srv/my "desk" 100%%\n' in text


def test_every_command_that_a_unit_starts_is_one() -> None:
    for site in KINDS:
        for text in units(site).values():
            for line in re.findall(r"^ExecStart=\S+ --config \S+ (\w+)", text, re.M):
                assert line in COMMANDS or line == "lmtp"
    assert {name for site in KINDS for name in units(site)} == set(ALL)


def test_what_is_refused_is_refused_by_an_error_and_namespaces_of_scripts_are_let_through() -> None:
    named = service()
    assert named["SystemCallErrorNumber"] == ["EPERM"], "a fence tries what is refused; it must live to see it"
    assert set(named["RestrictNamespaces"][0].split()) == set(NAMESPACES)
    assert "ProcSubset" not in named and "ProtectProc" not in named, "by /proc a run knows whether another lives"


@pytest.mark.parametrize("site", KINDS, ids=lambda site: f"{site.account}-{site.watch}-{site.worker}-{site.setgid}")
def test_systemd_reads_the_units_without_a_word(site: Site, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("not installed: systemd-analyze")
    program = tmp_path / "allegra"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    # An account that is there: who is missing is a matter of the machine.
    texts = units(replace(site, program=program, account=site.account and "root", mail_group=""))
    for name, text in texts.items():
        (tmp_path / name).write_text(text.replace("man:allegra(1)", "https://example.com"))
    words = ["systemd-analyze", "verify", "--recursive-errors=no", *([] if site.account else ["--user"])]
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run([*words, *map(str, tmp_path.glob("allegra*.*"))], capture_output=True, text=True, env=environ)
    ours = [line for line in done.stderr.splitlines() if "allegra" in line]
    assert ours == [] and (done.returncode == 0 or not site.account), done.stderr


def test_systemd_calls_the_service_well_kept(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("not installed: systemd-analyze")
    unit = tmp_path / "allegra.service"
    unit.write_text(units(SITE)["allegra.service"])
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit)], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"systemd-analyze security cannot look at a file here: {done.stderr[-200:]}")
    found = re.search(r"Overall exposure level for \S+ (\d+\.\d)", done.stdout)
    if found is None:
        found = re.search(r"(\d+\.\d) \w+", done.stdout.splitlines()[-1])
    assert found is not None and float(found[1]) < 3, done.stdout[-2000:]


def allowed(names: list[str]) -> set[str]:
    """The system calls of names and groups, as systemd knows them."""
    found: set[str] = set()
    for name in names:
        if not name.startswith("@"):
            found.add(name)
            continue
        done = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True)
        found |= allowed([line.strip() for line in done.stdout.splitlines()[1:] if not line.strip().startswith("#")])
    return found


def test_scripts_behind_their_fences_make_no_system_call_that_the_unit_refuses(tmp_path: Path) -> None:
    """Every call that succeeds in a run with scripts, without rights, is one of SystemCallFilter."""
    if missing := [each for each in ("strace", "systemd-analyze", "unshare", "setpriv") if shutil.which(each) is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    log = tmp_path / "log"
    nobody = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "setpriv", "--no-new-privs"]
    if subprocess.run([*nobody, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a user namespace")
    demo = [sys.executable, "-m", "engine", "demo", "--dir", str(tmp_path / "demo"), "--yes"]
    environ = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    words = [*nobody, "strace", "-f", "-qq", "-o", str(log), *demo]
    done = subprocess.run(words, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    named = service()["SystemCallFilter"][0].split()
    used = set(re.findall(r"^\d+\s+(\w+)\(.*\) += (?!-1)", log.read_text("utf-8", "replace"), re.M))
    assert {"chroot", "unshare", "prctl"} <= used, "the fences were raised while we looked"
    assert used - allowed(named) == set()
    assert set(NEEDED_BY_FENCES) <= set(named)
    text = log.read_text("utf-8", "replace")
    assert not re.search(
        r"mmap\([^)]*PROT_WRITE\|PROT_EXEC[^)]*\) += (?!-1)|mprotect\([^)]*PROT_EXEC[^)]*\) += 0", text
    )
    families = set(re.findall(r"socket\((AF_\w+)[^)]*\) += \d", text))
    assert families <= set(service()["RestrictAddressFamilies"][0].split())


def test_under_the_filter_of_the_unit_the_same_fences_stand(tmp_path: Path) -> None:
    """The filter is really installed, as systemd installs it, around the program that raises the fences."""
    if missing := [each for each in ("systemd-analyze", "unshare") if shutil.which(each) is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    if not HEADER.exists():
        pytest.skip(f"there is no {HEADER}")
    calls = tmp_path / "calls"
    calls.write_text(" ".join(allowed(service()["SystemCallFilter"][0].split())))
    nobody = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    if subprocess.run([*nobody, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a user namespace")
    (tmp_path / "allegra.toml").write_text(
        'schema = 1\n[system.mailbox]\nprotocol = "pipe"\naddresses = ["a@b.example"]\n'
    )
    filtered = [sys.executable, str(ROOT / "tests/service/confined.py"), str(calls)]
    fences = []
    for around in ([], filtered):
        done = subprocess.run(
            [*nobody, *around, sys.executable, "-m", "engine", "hooks", "limits", "--json"], cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        told = [json.loads(line) for line in done.stdout.splitlines()]
        fences.append({each["fence"]: each["stands"] for each in told if "fence" in each})
    assert fences[0] == fences[1] and fences[1]["seccomp"] and fences[1]["namespaces"], fences


def test_a_line_for_cron_reads_as_often_as_the_timer_would() -> None:
    command = "cd /srv/allegra && /opt/allegra/bin/allegra --config /srv/allegra/allegra.toml run --wait 30\n"
    assert pieces.cron(SITE) == f"*/2 * * * *  allegra  {command}"
    assert pieces.cron(replace(SITE, every_s=60, account="")) == f"* * * * *  {command}"
    times = {3600: "0 * * * *", 7200: "0 */2 * * *", 43200: "0 */12 * * *", 86400: "0 0 * * *"}
    for every_s, when in times.items():
        assert pieces.cron(replace(SITE, every_s=every_s)).startswith(f"{when}  allegra  ")
    assert r"100\%" in pieces.cron(replace(SITE, config=Path("/srv/100%/allegra.toml")))


def minutes_of(when: str) -> list[int]:
    """The minutes of a day in which a line of a crontab runs something."""

    def field(text: str, of: int) -> range:
        step = int(text.removeprefix("*/")) if text.startswith("*/") else 1
        return range(0, of, step) if text.startswith("*") else range(int(text), int(text) + 1)

    minute, hour = when.split()[:2]
    return [60 * each + other for each in field(hour, 24) for other in field(minute, 60)]


@pytest.mark.parametrize("every_s", pieces.EVEN_S)
def test_what_cron_keeps_is_even_over_midnight(every_s: int) -> None:
    runs = minutes_of(pieces.cron(replace(SITE, every_s=every_s)))
    gaps = {(later - run) % 1440 or 1440 for run, later in zip(runs, [*runs[1:], runs[0]], strict=True)}
    assert gaps == {every_s // 60} and pieces.uneven(every_s) == ()


@pytest.mark.parametrize(
    ("every_s", "nearest"),
    [(10, (60,)), (90, (60, 120)), (2700, (1800, 3600)), (18000, (14400, 21600)), (86399, (43200, 86400))],
)
def test_what_cron_cannot_keep_has_neighbours(every_s: int, nearest: tuple[int, ...]) -> None:
    assert pieces.uneven(every_s) == nearest


@pytest.mark.parametrize(
    ("said", "heard"), [(0, 0), (65, 65), (67, 67), (77, 77), (1, 75), (64, 75), (69, 75), (78, 75), (127, 75)]
)
def test_the_wrapper_tells_a_mail_server_nothing_but_what_it_may_hear(tmp_path: Path, said: int, heard: int) -> None:
    program, wrapper = tmp_path / "the program", tmp_path / "wrapper"
    program.write_text(f'#!/bin/sh\necho "$@" >"{tmp_path}/words"\nexit {said}\n')
    program.chmod(0o755)
    wrapper.write_text(pieces.wrapper(replace(SITE, program=program, config=tmp_path / "allegra.toml")))
    done = subprocess.run(["sh", str(wrapper), "--sender", "a b", "--recipient", "x@y"])
    assert done.returncode == heard
    assert (
        tmp_path / "words"
    ).read_text() == f"--config {tmp_path}/allegra.toml deliver --sender a b --recipient x@y\n"
    environ = {"PATH": "/bin:/usr/bin", "SENDER": "", "RECIPIENT": "help@y", "MESSAGE_ID": "1a-2"}
    subprocess.run(["sh", str(wrapper)], env=environ)
    assert (tmp_path / "words").read_text().endswith("deliver --sender  --recipient help@y --queue-id 1a-2\n")
    program.unlink()
    assert subprocess.run(["sh", str(wrapper)], stderr=subprocess.DEVNULL).returncode == 75


def test_mail_servers_hand_over_the_addresses_that_are_read() -> None:
    site = replace(SITE, addresses=("support@a.example", "help@a.example", "info@B.example"))
    for each in (site, replace(site, lmtp=True)):
        lines = pieces.postfix(each)["/etc/postfix/transport"].splitlines()
        assert [line.split()[0] for line in lines] == [*site.addresses]
    first, _ = pieces.exim(site).values()
    assert re.findall(r"^(\S+):$|domains = (.*)|local_parts = (.*)", first, re.MULTILINE) == [
        ("allegra", "", ""), ("", "a.example", ""), ("", "", "support : help"),
        ("allegra_2", "", ""), ("", "b.example", ""), ("", "", "info"),
    ]  # fmt: skip


def test_without_addresses_an_example_says_that_it_is_one() -> None:
    for text in (pieces.postfix(SITE)["/etc/postfix/transport"], next(iter(pieces.exim(SITE).values()))):
        assert text.startswith("# an example, for no mailbox has addresses") and "example.com" in text
    assert "an example" not in pieces.postfix(replace(SITE, addresses=("a@b.example",)))["/etc/postfix/transport"]


def test_Exim_is_given_no_address_to_put_into_a_command_and_keeps_the_mail_whatever_happens() -> None:
    text = "".join(pieces.exim(SITE).values())
    (command,) = re.findall(r"command = (.*)", text)
    assert command == pieces.DELIVER and "temp_errors = *" in text and "timeout_defer" in text
    assert "delivery_date_add" not in text, "a second try brings the same bytes"


def test_the_pieces_of_the_manual_are_those_that_are_printed() -> None:
    manual = (ROOT / "docs/cli.md").read_text("utf-8")
    site = replace(SITE, program=Path("/usr/local/bin/allegra"))
    for text in (
        pieces.wrapper(site),
        pieces.postfix(site)["/etc/postfix/master.cf"],
        [*pieces.exim(site).values()][1],
    ):
        assert text in manual, text


def test_Postfix_takes_the_piece_for_master_cf(tmp_path: Path) -> None:
    if shutil.which("postconf") is None:
        pytest.skip("not installed: Postfix")
    for site in (SITE, replace(SITE, lmtp=True)):
        (tmp_path / "main.cf").write_text("compatibility_level = 3.6\n")
        (tmp_path / "master.cf").write_text(pieces.postfix(site)["/etc/postfix/master.cf"])
        done = subprocess.run(["postconf", "-c", str(tmp_path), "-M"], capture_output=True, text=True)
        assert done.returncode == 0 and "warning" not in done.stderr, done.stderr
        assert re.sub(r"\s+", " ", done.stdout).startswith("allegra unix - ")


def test_no_service_is_given_up_because_it_had_to_be_started_often() -> None:
    """By default systemd gives up after five starts in ten seconds, and a socket with its service."""
    documented = re.findall(r"```(?:ini)?\n(\[Unit\]\n.*?\[Service\].*?)```", OPERATIONS.read_text("utf-8"), re.S)
    texts = [*documented, *(text for site in KINDS for text in units(site).values())]
    again = [unit for unit in map(read, texts) if "Restart" in unit.get("Service", {})]
    assert len(documented) == 2 and len(again) > 3
    for unit in again:
        (pause,) = unit["Service"]["RestartSec"]
        assert unit["Unit"].get("StartLimitIntervalSec") == ["0"] or int(pause) * 5 > 10, unit["Service"]["ExecStart"]


def test_the_door_for_mail_servers_is_open_again_soon() -> None:
    door = read(units(replace(SITE, lmtp=True))["allegra-lmtp.service"])
    assert door["Unit"]["StartLimitIntervalSec"] == ["0"] and int(door["Service"]["RestartSec"][0]) <= 2
