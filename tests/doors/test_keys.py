"""Keys of the HTTP door: each is read by itself, and what cannot be had costs nobody else."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from servers.doors import KEY, Answer, Standing, asked, pushed, request

from engine.config import SecretError, load
from engine.desk.health import Seen, Status, judge
from engine.doors.keys import Keys
from engine.model.figures import Figures
from engine.model.stored import Trouble, keyless
from engine.store.store import Store

MAIL = b"From: anna@example.com\r\nTo: help@example.com\r\nSubject: Pushed\r\nMessage-ID: <1@x>\r\n\r\nHello\r\n"
OLD, NEW = "the-old-key-of-a-program", "the-new-key-of-a-program"

Opening = Callable[..., Standing]


def add(config: Any, table: str) -> None:
    config.path.write_text(config.path.read_text() + f"[http.keys.other]\n{table}\n")


def program(folder: Path, does: str) -> str:
    """The option for a program that notes each start of it in `runs`."""
    script = folder / "program.py"
    script.write_text(f"import os, sys, time\nopen({str(folder / 'runs')!r}, 'a').write('x')\n{does}\n")
    return f'key_command = ["{sys.executable}", "{script}"]'


def runs(folder: Path) -> int:
    return len((folder / "runs").read_text())


def up(door: Standing) -> Answer:
    (answer,) = asked(door.at, request("/healthz", method="GET", key="", kind=""))
    return answer


def push(door: Standing, key: str) -> int:
    return pushed(door.at, "/mail/system", MAIL, key=key).status


def noted(door: Standing, store: Store) -> dict[str, Trouble]:
    """What health can see of keys, after what the door wrote until now."""
    door.reception.ask_store(lambda _: None).result(10)
    return {name: each for name, each in store.troubles.all().items() if name.startswith(keyless(""))}


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ('key_env = "NOT_SET_KEY"', "the environment variable NOT_SET_KEY (key_env) is not set"),
        ('key_file = "nowhere"', "nowhere: No such file or directory"),
        ('key = "12345"', "shorter than 16 characters"),
        ('key_command = ["false"]', "false ended with code 1"),
        ('key_command = ["no-such-program"]', "cannot run no-such-program: No such file or directory"),
    ],
)
def test_a_key_that_cannot_be_had_is_told_to_us_and_shuts_the_door_for_nobody(
    http: Opening, config: Any, store: Store, tmp_path: Path, table: str, why: str
) -> None:
    door = http()
    add(config, table)
    assert push(door, KEY) == 202
    assert push(door, "") == 401
    answer = pushed(door.at, "/mail/system", MAIL, key=OLD)
    assert (answer.status, answer.code, answer.fields["retry-after"]) == (503, "later", "60"), "it may be the right one"
    assert answer.data["sentence"] == "mail cannot be taken now: try again"
    assert up(door).data == {"schema": "allegra.up/1", "up": True}
    (line,) = [each for each in (tmp_path / "log").read_text().splitlines() if "door.key" in each]
    assert "error   door.key http key other: " in line and line.endswith(why)
    (trouble,) = noted(door, store).values()
    assert trouble.name == keyless("other") and trouble.said.endswith(why) and "http key" not in trouble.said


def test_wrong_keys_are_counted_also_where_one_cannot_be_had(http: Opening, config: Any, tmp_path: Path) -> None:
    add(config, 'key_env = "NOT_SET_KEY"')
    door = http()
    assert [push(door, OLD) for _ in range(5)] == [503] * 5
    (line,) = [each for each in (tmp_path / "log").read_text().splitlines() if "http.refused" in each]
    assert line.endswith("503 later: no key or a wrong one, 1 so far, from 127.0.0.1")


def test_health_tells_of_a_key_that_cannot_be_had_until_it_can(http: Opening, config: Any, store: Store) -> None:
    add(config, 'key_env = "SOME_KEY"')
    door = http()
    trouble = noted(door, store)[keyless("other")]
    now = datetime.now(UTC)
    checks = judge(Figures(), Seen((), keys=(("all", None), ("other", trouble))), now)
    said = {each.name: (each.status, each.said) for each in checks if each.name.startswith("http key")}
    assert said["http key all"] == (Status.OK, "fine")
    status, sentence = said["http key other"]
    assert status is Status.CRITICAL and sentence.startswith("cannot be had since 0 s: the environment variable")
    config.path.write_text(config.path.read_text().replace('key_env = "SOME_KEY"', f'key = "{NEW}"'))
    assert push(door, NEW) == 202
    assert noted(door, store) == {}


def test_without_any_key_that_can_be_had_the_door_is_not_up_and_is_not_opened(
    http: Opening, config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = http()
    text = config.path.read_text()
    config.path.write_text(text[: text.index("[http.keys.all]")] + '[http.keys.all]\nkey = "short"\n')
    assert up(door).status == 503
    with pytest.raises(SecretError, match="http key all: shorter than 16 characters"):
        Keys(lambda _: None).begin(load(config.path))


def test_a_key_file_that_changes_is_noticed(
    http: Opening, config: Any, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.doors.key_reading.FILE_S", 0.0)
    file = tmp_path / "key"
    file.write_text(OLD + "\n")
    add(config, 'key_file = "key"')
    door = http()
    assert (push(door, OLD), push(door, NEW)) == (202, 401)
    file.write_text(NEW + "\n")
    assert (push(door, OLD), push(door, NEW)) == (401, 202)
    file.unlink()
    assert (push(door, OLD), push(door, NEW), push(door, KEY)) == (503, 503, 202)
    file.write_text(OLD + "\n")
    assert (push(door, OLD), push(door, NEW)) == (202, 401)


def test_a_program_that_hangs_holds_up_nobody(
    http: Opening, config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.config.secrets.COMMAND_TIMEOUT_S", 8.0)
    monkeypatch.setattr("engine.doors.keys.WAIT_S", 0.3)
    add(config, program(tmp_path, "time.sleep(30)"))
    door = http(clients=5)
    began = time.monotonic()
    assert [push(door, key) for key in ("", KEY, "", KEY, OLD)] == [401, 202, 401, 202, 503]
    assert up(door).status == 200
    door.listener.end()
    assert time.monotonic() - began < 6
    assert runs(tmp_path) == 1


def test_a_file_that_never_ends_is_a_key_that_cannot_be_had(
    http: Opening, config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.doors.keys.WAIT_S", 0.1)
    monkeypatch.setattr("engine.doors.key_reading.DEADLINE_S", 0.2)
    os.mkfifo(tmp_path / "key", stat.S_IRUSR | stat.S_IWUSR)
    add(config, 'key_file = "key"')
    door = http()
    end = time.monotonic() + 10
    while "did not come within" not in (tmp_path / "log").read_text() and time.monotonic() < end:
        assert (push(door, KEY), push(door, NEW), push(door, "")) == (202, 503, 401)
    with (tmp_path / "key").open("w") as writer:
        writer.write(NEW + "\n")
    while push(door, NEW) != 202:
        assert time.monotonic() < end


def test_a_program_that_fails_is_not_asked_again_at_once_and_leaves_the_key_it_gave(
    http: Opening, config: Any, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.doors.key_reading.COMMAND_S", 0.0)
    (tmp_path / "vault").write_text(NEW)
    add(config, program(tmp_path, f"print(open({str(tmp_path / 'vault')!r}).read())"))
    door = http()
    assert push(door, NEW) == 202
    (tmp_path / "vault").unlink()
    assert push(door, NEW) == 202 and keyless("other") in noted(door, store)
    before = runs(tmp_path)
    assert [push(door, each) for each in (OLD, NEW, "", KEY)] == [401, 202, 401, 202]
    assert runs(tmp_path) == before


def test_a_key_that_two_programs_share_is_that_of_both(http: Opening, config: Any) -> None:
    text = (
        config.path.read_text()
        .replace(f"{KEY}-support", KEY)
        .replace(f'[http.keys.all]\nkey = "{KEY}"', f'[http.keys.all]\nkey = "{KEY}"\nmailboxes = ["system"]')
    )
    config.path.write_text(text)
    door = http()
    assert [pushed(door.at, f"/mail/{box}", MAIL).status for box in ("system", "support")] == [202, 202]
    config.path.write_text(text.replace('mailboxes = ["system"]\n', ""))
    assert [pushed(door.at, f"/mail/{box}", MAIL).status for box in ("system", "support")] == [202, 202]
