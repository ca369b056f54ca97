"""`allegra run` against the APIs of Gmail and Microsoft Graph: crashes, lost answers, refusals; F004, F005."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import databases
import pytest
from conservation import Case
from served import Boxes, configure, mail
from servers.apis import Service, later
from servers.failpoints import At, run
from servers.gmail import Gmail
from servers.graph import Graph
from servers.tokens import Tokens, cut_off, hangs_up, page

from engine.sources import api

FOLDERS: dict[tuple[str, str], str | None] = {
    ("system", "created"): "Done", ("system", "comment"): "Done", ("system", "rejected"): "Failed",
    ("system", "held"): "Held/Wait", ("support", "created"): "Done",
}  # fmt: skip
USERS = {"system": "help@example.com", "support": "support@example.com"}
ACT = {"gmail": "Gmail change", "graph": "Graph act"}
SERVICES: dict[str, type[Service]] = {"gmail": Gmail, "graph": Graph}

MAILBOX = """
protocol = "{kind}"
host     = "localhost"
port     = {port}
ca_file  = "{ca_file}"
username = "{user}"
oauth    = "{oauth}"
{more}
"""

SECTIONS = {
    "gmail": """
[oauth.{name}]
provider      = "google"
grant         = "refresh_token"
client_id     = "app"
client_secret = "{secret}"
refresh_token = "{refresh}"
token_url     = "{url}"
""",
    "graph": """
[oauth.{name}]
provider      = "microsoft"
grant         = "client_credentials"
tenant        = "example.com"
client_id     = "app"
client_secret = "{secret}"
token_url     = "{url}"
""",
}


class Account:
    """The mailbox of a user, as `Boxes` fills and reads it."""

    def __init__(self, server: Any, user: str) -> None:
        self.server, self.user = server, user
        server.account(user)

    def deliver(self, *contents: bytes) -> list[str]:
        made: list[str] = self.server.deliver(self.user, *contents)
        return made

    def mails(self, folder: str = "INBOX") -> list[bytes]:
        found: list[bytes] = self.server.mails(self.user, folder)
        return found


class ApiBoxes(Boxes):
    """Two mailboxes that are read by an API."""

    def __init__(self, desk: Any, server: Any, kind: str) -> None:
        self.desk, self.server, self.kind, self.ends, self.more = desk, server, kind, FOLDERS, ""
        self.accounts = {name: Account(server, user) for name, user in USERS.items()}  # type: ignore[misc]
        self.case = Case(desk.where)
        self.refresh = {name: server.tokens.first(user) for name, user in USERS.items()}
        self.configure()

    def configure(self, kind: str = "", system: str | None = None, **changed: Any) -> None:
        tokens, kind, names = self.server.tokens, kind or self.kind, [*USERS]
        oauth = names if kind == "gmail" else names[:1]
        sections = [
            SECTIONS[kind].format(name=name, secret=tokens.secret, refresh=self.refresh[name], url=tokens.url)
            for name in oauth
        ]
        told = [
            MAILBOX.format(
                kind=kind, ca_file=self.server.ca_file, user=USERS[name], oauth=oauth[min(number, len(oauth) - 1)],
                **({"port": self.server.port, "more": system or ""} | (changed if name == "system" else {})),
            )
            for number, name in enumerate(names)
        ]  # fmt: skip
        configure(self.desk, told[0], told[1], "".join(sections))
        path = self.desk.folder / "allegra.toml"
        path.write_text(
            path.read_text().replace('"Held"', '"Held/Wait"').replace('timeout = "20 s"', 'timeout = "3 s"')
        )

    def folders(self, box: str) -> Iterator[tuple[str, bytes]]:
        for folder in ("", "Done", "Failed", "Held/Wait"):
            for content in self.accounts[box].mails(folder or "INBOX"):
                yield folder, content


@pytest.fixture(params=[*SERVICES])
def boxes(request: pytest.FixtureRequest, desk: Any, tmp_path: Path, monkeypatch: Any) -> Iterator[ApiBoxes]:
    monkeypatch.setattr(api, "FIRST_WAIT_S", 0.01)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with Tokens() as tokens, SERVICES[request.param](tmp_path, tokens) as server:
        yield ApiBoxes(desk, server, request.param)


def test_F004_mails_of_two_mailboxes_become_items_and_are_moved_by_their_outcome(boxes: ApiBoxes) -> None:
    boxes.fill()
    lines = boxes.desk.run()
    assert {(line["mailbox"], line["outcome"]) for line in lines} == set(FOLDERS)
    boxes.conserved()
    boxes.nothing_new()


def test_an_idle_poll_is_one_request_for_each_mailbox(boxes: ApiBoxes) -> None:
    boxes.fill()
    boxes.desk.run()
    before = len(boxes.server.heard)
    assert boxes.desk.allegra("run").output == ""
    assert len(boxes.server.heard) == before + 2


def test_more_mails_than_a_page_and_a_batch_hold_are_all_read(boxes: ApiBoxes) -> None:
    boxes.server.page = 25
    for number in range(1, 61):
        boxes.put("created", mail(number))
    assert len(boxes.desk.run()) == 60
    boxes.conserved()


@pytest.mark.parametrize("what", ["a web page", "half an answer", "no answer"])
@pytest.mark.parametrize("at", ["list", "fetch", "settle"])
def test_an_answer_that_is_none_costs_one_sentence_and_the_next_pass_goes_on(
    boxes: ApiBoxes, at: str, what: str
) -> None:
    boxes.fill()
    answer = {"a web page": page(), "half an answer": cut_off, "no answer": hangs_up}[what]
    again = at == "fetch" and what != "a web page"  # a connection that was kept may be an old one: once more
    boxes.server.says = [(boxes.server.requests[at], answer)] * (2 if again else 1)
    result = boxes.desk.allegra("run")
    assert result.exit_code == 69
    assert result.stderr.startswith("mailbox s") and result.stderr.count("\n") == 1
    assert boxes.desk.allegra("run").exit_code == 0
    boxes.conserved()
    boxes.nothing_new()


def test_a_connection_that_was_kept_and_is_closed_meanwhile_is_made_anew(boxes: ApiBoxes) -> None:
    boxes.fill()
    boxes.server.says = [(boxes.server.requests["fetch"], hangs_up)]
    assert boxes.desk.allegra("run").exit_code == 0
    boxes.conserved()


def test_an_answer_that_is_lost_behind_the_act_does_nothing_twice(boxes: ApiBoxes) -> None:
    boxes.fill()
    boxes.server.says = [(boxes.server.requests["settle"], boxes.server.lost)] * 2
    assert boxes.desk.allegra("run").exit_code == 69
    assert boxes.desk.allegra("run").exit_code == 0
    boxes.conserved()
    boxes.nothing_new()


def test_a_server_that_says_later_at_every_turn_is_waited_for(boxes: ApiBoxes) -> None:
    boxes.fill()
    boxes.server.says = [
        (pattern, later(code, "0")) for pattern in boxes.server.requests.values() for code in (429, 503)
    ]
    assert boxes.desk.allegra("run").exit_code == 0
    boxes.conserved()


def test_a_pass_that_is_told_to_come_back_in_an_hour_ends_and_loses_nothing(boxes: ApiBoxes) -> None:
    boxes.fill()
    boxes.server.says = [(boxes.server.requests["fetch"], later(429, "3600"))] * 2
    result = boxes.desk.allegra("run")
    assert result.exit_code == 69 and "ask again in 3600 s" in result.stderr
    assert boxes.desk.allegra("run").exit_code == 0
    boxes.conserved()


def test_F005_a_token_that_ends_in_the_middle_is_renewed(boxes: ApiBoxes) -> None:
    boxes.fill()
    boxes.server.says = [(boxes.server.requests[at], boxes.server.unauthorized) for at in ("fetch", "settle")]
    assert boxes.desk.allegra("run").exit_code == 0
    boxes.conserved()


@pytest.mark.parametrize("side", ["before", "behind"])
@pytest.mark.parametrize("step", ["spool", "decide", "COMMIT", "act", "settled", "lease back"])
def test_G1_a_pass_killed_on_an_api(boxes: ApiBoxes, step: str, side: str) -> None:
    boxes.fill()
    name, hit = ACT[boxes.kind] if step == "act" else step, 12 if step == "COMMIT" else 1
    assert run(boxes.desk.folder, "run", batch=2, at=At(name, hit, side == "behind")).code == -signal.SIGKILL
    for _ in range(2):
        assert boxes.desk.allegra("run").exit_code == 0
    boxes.conserved()
    boxes.nothing_new()


def test_a_mail_put_back_by_hand_is_moved_away_again_and_not_processed(boxes: ApiBoxes) -> None:
    boxes.fill()
    boxes.desk.run()
    boxes.server.put_back(USERS["system"])
    assert len(boxes.accounts["system"].mails()) == 4
    assert boxes.desk.run() == []
    boxes.conserved()
    boxes.nothing_new()


def test_held_mail_is_moved_on_when_it_is_released(boxes: ApiBoxes) -> None:
    account = boxes.accounts["system"]
    account.deliver(*(mail(number, sender="x@elsewhere.example") for number in (1, 2)))
    held = boxes.desk.run()
    assert ([line["outcome"] for line in held], len(account.mails("Held/Wait"))) == (["held"] * 2, 2)
    assert boxes.desk.allegra("held", "release", held[0]["mail"]).exit_code == 0
    boxes.desk.run()
    assert [len(account.mails(folder)) for folder in ("Held/Wait", "Done", "INBOX")] == [1, 1, 0]
    assert boxes.desk.allegra("run").output == ""


def test_F004_seen_marks_a_mail_as_read_and_leaves_it(boxes: ApiBoxes) -> None:
    boxes.configure(system='after_success = "seen"\nafter_failure = "seen"\nmove_on_success = ""\nmove_on_failure = ""')
    boxes.accounts["system"].deliver(mail(1), mail(2, ""))
    assert {line["outcome"] for line in boxes.desk.run()} == {"created", "rejected"}
    assert len(boxes.accounts["system"].mails()) == 2
    assert boxes.server.unread(USERS["system"]) == 0
    assert boxes.desk.run() == []


def test_F004_delete_puts_a_mail_into_the_trash(boxes: ApiBoxes) -> None:
    boxes.configure(system='after_success = "delete"\nmove_on_success = ""')
    boxes.accounts["system"].deliver(mail(1))
    boxes.desk.run()
    assert boxes.accounts["system"].mails() == []
    assert boxes.accounts["system"].mails(boxes.server.trash) == [mail(1)]


def test_a_mail_is_deleted_on_the_server_when_a_person_says_so(boxes: ApiBoxes) -> None:
    boxes.accounts["system"].deliver(mail(1))
    (line,) = boxes.desk.run()
    assert boxes.desk.allegra("mail", "delete", line["mail"], "--on-server", "--commit").exit_code == 0
    boxes.desk.run()
    assert boxes.accounts["system"].mails("Done") == []
    assert boxes.accounts["system"].mails(boxes.server.trash) == [mail(1)]


def test_what_lies_there_is_looked_at_and_compared_without_a_mark(boxes: ApiBoxes) -> None:
    boxes.fill()
    looks = boxes.desk.lines("mailbox", "peek", "system")
    assert [look["subject"] for look in looks] == ["Printer broken", "Re: Printer broken", "Mail 3", ""]
    result = boxes.desk.allegra("mailbox", "test", "system")
    assert result.exit_code == 0 and "Done (will be made)" in result.stdout
    checked = boxes.desk.allegra("check", "--online")
    assert checked.exit_code == databases.ON_SERVER, checked.output  # its server may lose what was committed
    assert "logged in, 4 mails" in checked.stdout
    assert boxes.server.count("^(POST|PATCH|DELETE)") == 0
    boxes.desk.run()
    compared = boxes.desk.allegra("mailbox", "reconcile", "system", "--folder", "Done")
    assert compared.exit_code == 0 and "2" in compared.stdout
    assert "Held/Wait" in boxes.desk.allegra("mailbox", "folders", "system").stdout
    boxes.conserved()


def test_a_first_look_tells_how_many_mails_wait_and_of_whom(boxes: ApiBoxes) -> None:
    from engine.config import load
    from engine.desk.mailboxes import first_look

    boxes.fill()
    config = load(boxes.desk.folder / "allegra.toml")
    look = first_look(config, config.mailboxes[0], 2)
    assert (look.waiting, look.first[0]) == (4, ("anna@example.com", "Printer broken"))
    assert boxes.server.count("^(POST|PATCH|DELETE)") == 0


def test_a_dry_run_tells_the_server_nothing(boxes: ApiBoxes) -> None:
    boxes.fill()
    assert boxes.desk.allegra("run", "--dry-run").exit_code == 0
    assert boxes.server.count("^(POST|PATCH|DELETE)") == 0


def test_old_mail_is_left_alone(boxes: ApiBoxes) -> None:
    boxes.configure(system='since = "2026-09-21 14:20Z"')
    boxes.server.deliver(USERS["system"], mail(1), came=1_790_000_000_000)
    boxes.server.deliver(USERS["system"], mail(2), came=1_790_001_000_000)
    (line,) = boxes.desk.run()
    assert line["subject"] == "Mail 2"
    assert boxes.accounts["system"].mails() == [mail(1)]


def test_a_mailbox_that_is_no_longer_read_by_imap_reads_nothing_twice(boxes: ApiBoxes) -> None:
    """The keys of two protocols differ; the bytes tell that a mail is known."""
    kept = 'after_success = "keep"\nmove_on_success = ""'
    boxes.configure(system=kept)
    boxes.accounts["system"].deliver(mail(1), mail(2))
    assert len(boxes.desk.run()) == 2
    boxes.desk.allegra("run")
    boxes.server.renumber(USERS["system"])
    assert boxes.desk.run() == []
    assert len(boxes.desk.lines("item", "list")) == 2


def test_F005_no_token_is_in_the_database_the_output_or_the_log(boxes: ApiBoxes) -> None:
    boxes.fill()
    path = boxes.desk.folder / "allegra.toml"
    path.write_text(path.read_text() + '\n[log]\nfile = "allegra.log"\nlevel = "debug"\n')
    boxes.server.says = [(boxes.server.requests["settle"], page())]
    said = [boxes.desk.allegra(*words).output for words in (["run"], ["-v", "run"], ["check", "--online"])]
    shown = "".join(said).encode() + b"".join(
        each.read_bytes() for each in boxes.desk.folder.rglob("*") if each.is_file() and "oauth" not in each.parts
        and each.suffix not in (".toml", ".key")
    )  # fmt: skip
    assert boxes.server.tokens.active
    assert not [token for token in boxes.server.tokens.active if token.encode() in shown]
