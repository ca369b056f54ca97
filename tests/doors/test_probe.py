"""Whether a door stands open, asked from outside, and what health makes of it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from servers.doors import Standing

from engine.config.doors import Http, Lmtp
from engine.desk.health import Seen, Status, judge
from engine.doors.probe import doors
from engine.model.figures import Figures, Pulse

Opening = Callable[..., Standing]


def asked(config: Any, lmtp: str = "", http: str = "") -> dict[str, str]:
    root = replace(
        config.root,
        lmtp=Lmtp().replaced(listen=lmtp) if lmtp else None,
        http=Http().replaced(listen=http) if http else None,
    )
    return dict(doors(replace(config, root=root)))


def test_doors_that_are_open_are_well(lmtp: Opening, http: Opening, config: Any) -> None:
    assert asked(config, lmtp().at, http().at) == {"lmtp": "", "http": ""}


def test_doors_that_are_not_configured_are_not_asked(config: Any) -> None:
    assert asked(config) == {}


def test_a_door_that_is_shut_or_takes_no_mail_is_critical(config: Any, http: Opening, tmp_path: Path) -> None:
    door = http()
    config.path.write_text("[nonsense]\n")
    wrong = asked(config, str(tmp_path / "nobody"), door.at)
    assert wrong["lmtp"].startswith("nobody listens at") and wrong["http"].startswith("takes no mail at")
    checks = judge(Figures(), Seen((), doors=tuple(wrong.items())), datetime(2026, 11, 20, tzinfo=UTC))
    assert [(each.name, each.status) for each in checks if each.name in wrong] == [
        ("lmtp", Status.CRITICAL), ("http", Status.CRITICAL),
    ]  # fmt: skip


def test_a_door_that_does_not_answer_is_said(config: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("engine.doors.probe.WAIT_S", 0.2)
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(tmp_path / "mute"))
        mute.listen()
        assert asked(config, str(tmp_path / "mute"))["lmtp"].startswith("nobody answers at")


def test_of_a_mailbox_that_is_pushed_to_health_tells_when_a_pass_visited_it(config: Any) -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    box = config.mailbox("support")
    for pulses, said in (((), "was never visited"), ((Pulse("support", ok_at=now),), "last visited 0 s ago")):
        checks = judge(Figures(pulses), Seen((box,)), now)
        assert [each.said for each in checks if each.name == "mailbox support"] == [said]
