"""A help desk whose mailboxes let in by tokens only: signing in, reading, sending, what goes wrong; F005."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from served import configure, mail
from servers.failpoints import ended, start
from servers.scripted import Scripted, Talk, imap
from servers.tokens import Tokens, cut_off, endless, page, refuses, says

from engine.web import asking, client

ROOT = Path(__file__).resolve().parents[2]
USER = "help@example.com"


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "EXCHANGE_S", 1.5)
    monkeypatch.setattr(asking, "AWAY_S", 0.0)


@pytest.fixture
def tokens() -> Iterator[Tokens]:
    with Tokens() as made:
        yield made


def section(tokens: Tokens, grant: str = "client_credentials", provider: str = "microsoft", **more: str) -> str:
    lines = {"provider": provider, "grant": grant, "client_id": "app-1", "token_url": tokens.url,
             "client_secret_env": "TEST_SECRET", **more}  # fmt: skip
    return "[oauth.ours]\n" + "".join(f'{name} = "{value}"\n' for name, value in lines.items() if value)


def box(port: int, user: str = USER, more: str = "ssl = false") -> str:
    return f'protocol = "imap"\nhost = "localhost"\nport = {port}\nusername = "{user}"\noauth = "ours"\n{more}\n'


def of(account: Any) -> str:
    return box(account.server.imaps, account.user, f'ca_file = "{account.server.ca_file}"')


def lets_in(talk: Talk, tag: bytes, rest: bytes) -> None:
    talk.send("+ ")
    talk.line()
    talk.send(tag + b" OK in")


# ── all is well ───────────────────────────────────────────────────────────────────────────────────────────────


def test_F005_two_mailboxes_share_an_app_and_a_token(desk: Any, dovecot_and_tokens: Any) -> None:
    dovecot, server = dovecot_and_tokens
    first, second = dovecot.account(), dovecot.account()
    server.asked.clear()
    desk.environ["TEST_SECRET"] = server.secret
    configure(desk, of(first), of(second), section(server, provider="other"))
    first.deliver(mail(1), mail(2))
    second.deliver(mail(3))

    def whose(talk: Any) -> None:  # Exchange knows by the service principal; Dovecot by the name it is told
        token = f"access-{time.monotonic_ns()}"
        server.active[token] = first.user
        talk.tell(200, access_token=token, token_type="Bearer", expires_in=3599)

    server.says = [whose]
    done = desk.allegra("run", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 69
    assert [line["outcome"] for line in lines if "mail" in line] == ["created", "created"]
    told = lines[-1]["mailboxes"]
    assert told["system"]["ok"] is True and told["support"]["code"] == "oauth.login_refused"
    assert len(server.asked) == 1
    assert len(first.mails("Done")) == 2 and len(second.mails()) == 1


def test_F005_a_person_signs_in_and_the_mailbox_is_read_from_then_on(desk: Any, dovecot_and_tokens: Any) -> None:
    dovecot, server = dovecot_and_tokens
    account = dovecot.account()
    account.deliver(mail(1))
    server.user = account.user
    desk.environ["TEST_SECRET"] = server.secret
    configure(desk, of(account), more=section(server, "refresh_token", tenant="t"))
    before = desk.allegra("run")
    assert before.exit_code == 69
    assert "oauth ours: nobody has signed in yet; sign in: allegra mailbox login system" in before.stderr
    server.approved.set()
    done = desk.allegra("mailbox", "login", "system")
    assert done.exit_code == 0, done.output
    assert f"Sign in as {account.user}" in done.stderr
    assert "https://microsoft.com/devicelogin" in done.stderr and "ABCD-EFGH" in done.stderr
    assert "signed in for mailbox system; it works" in done.stdout
    assert [line["outcome"] for line in desk.run()] == ["created"]


def test_who_signs_in_ends_the_wait_of_a_mailbox_that_was_refused(desk: Any, dovecot_and_tokens: Any) -> None:
    dovecot, server = dovecot_and_tokens
    account = dovecot.account()
    account.deliver(mail(1))
    server.user = account.user
    desk.environ["TEST_SECRET"] = server.secret
    configure(desk, of(account), more=section(server, "refresh_token", tenant="t"))
    for _ in range(4):
        desk.allegra("run")
    assert desk.lines("mailbox", "list")[0]["retry_at"]
    server.approved.set()
    assert desk.allegra("mailbox", "login", "system").exit_code == 0
    assert [line["outcome"] for line in desk.run()] == ["created"]


def test_F005_where_no_codes_are_given_an_address_is_pasted(desk: Any, dovecot_and_tokens: Any) -> None:
    dovecot, server = dovecot_and_tokens
    account = dovecot.account()
    server.user = account.user
    desk.environ["TEST_SECRET"] = server.secret
    configure(desk, of(account), more=section(server, "refresh_token", "google"))
    command = desk.start("mailbox", "login", "system", "--json", stdin=subprocess.PIPE)
    shown = b""
    while b"paste it here" not in shown:
        shown += command.stderr.readline()
    state = shown.partition(b"state=")[2].partition(b"&")[0].decode()
    out, err = command.communicate(f"http://localhost/?state={state}&code=4/0Ab\n".encode(), timeout=60)
    assert command.returncode == 0, err
    assert json.loads(out) == {
        "schema": "allegra.mailbox/1", "mailbox": "system", "signed_in": True, "works": True, "sentence": "",
    }  # fmt: skip


def test_who_signs_in_as_somebody_else_is_told_at_once(desk: Any, dovecot_and_tokens: Any) -> None:
    dovecot, server = dovecot_and_tokens
    account = dovecot.account()
    server.user = "the-admin"
    server.approved.set()
    desk.environ["TEST_SECRET"] = server.secret
    configure(desk, of(account), more=section(server, "refresh_token", tenant="t"))
    done = desk.allegra("mailbox", "login", "system")
    assert done.exit_code == 69
    assert "signed in for mailbox system, but it does not work: " in done.stderr
    assert "the username must be a mailbox that the user who signed in may open" in done.stderr


@pytest.mark.parametrize(
    ("words", "grant", "more", "said"),
    [
        (("login",), "refresh_token", "", "name a mailbox, or say --smtp"),
        (("login", "system", "--smtp"), "refresh_token", "", "name a mailbox, or say --smtp"),
        (("login", "nobody"), "refresh_token", "", "there is no mailbox 'nobody'"),
        (("login", "--smtp"), "refresh_token", "", "[smtp] logs in with a password"),
        (("login", "support"), "refresh_token", "", "mailbox support logs in with a password"),
        (("login", "system"), "client_credentials", "", '[oauth.ours] signs in by itself, with  grant = "client_cre'),
        (("login", "system"), "refresh_token", 'refresh_token_env = "R"\n', "[oauth.ours] gives a refresh_token"),
    ],
)
def test_where_nobody_has_to_sign_in_that_is_said(
    desk: Any, tokens: Tokens, words: tuple[str, ...], grant: str, more: str, said: str
) -> None:
    configure(desk, box(1), more=section(tokens, grant, tenant="t") + more)
    done = desk.allegra("mailbox", *words)
    assert done.exit_code in (2, 64) and said in done.stderr, done.output
    assert tokens.asked == []


def test_a_sign_in_that_is_refused_is_a_sentence(desk: Any, tokens: Tokens) -> None:
    desk.environ["TEST_SECRET"] = tokens.secret
    configure(desk, box(1), more=section(tokens, "refresh_token", tenant="t"))
    tokens.says = [refuses(400, "unauthorized_client", "AADSTS700016: not found in the directory")]
    done = desk.allegra("mailbox", "login", "system")
    assert done.exit_code == 69 and "there is no app with this client_id in the tenant" in done.stderr


# ── trouble ───────────────────────────────────────────────────────────────────────────────────────────────────

TROUBLES: dict[str, tuple[Any, str, str]] = {
    "secret expired": (
        refuses(401, "invalid_client", "AADSTS7000222: expired"),
        "oauth.secret_expired",
        "Certificates",
    ),
    "consent": (
        refuses(400, "invalid_grant", "AADSTS65001: no consent"),
        "oauth.consent_needed",
        "Grant admin consent",
    ),
    "tenant": (refuses(400, "invalid_request", "AADSTS90002: no tenant"), "oauth.tenant_unknown", "Directory (tenant)"),
    "away": (says(b"", status=503), "oauth.server_away", "answers 503"),
    "web page": (page(), "oauth.bad_answer", "a web page in place of JSON"),
    "half": (cut_off, "oauth.server_away", "broke off"),
    "endless": (endless, "oauth.bad_answer", "without end"),
}


@pytest.mark.parametrize("what", TROUBLES)
def test_F005_trouble_with_tokens_is_one_sentence_and_the_other_mailbox_goes_on(
    desk: Any, tokens: Tokens, what: str
) -> None:
    answer, code, said = TROUBLES[what]
    desk.environ["TEST_SECRET"] = tokens.secret
    other = 'protocol = "maildir"\npath = "mail/support"'
    configure(desk, box(1), other, section(tokens, tenant="t"))
    desk.mail(box="support")
    tokens.says = [answer]
    done = desk.allegra("run", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 69
    assert [line["mailbox"] for line in lines if "mail" in line] == ["support"]
    assert lines[-1]["mailboxes"]["system"]["code"] == code
    (fare,) = (row for row in desk.lines("mailbox", "list") if row["mailbox"] == "system")
    assert fare["state"] == "failing" and said in fare["sentence"] and "password" not in fare["sentence"]
    tokens.says = [answer]
    tried = desk.allegra("mailbox", "test", "system")
    assert tried.exit_code == 69 and said in tried.stderr


@pytest.mark.parametrize(
    ("answer", "status"),
    [(refuses(401, "invalid_client", "AADSTS7000222: expired"), "critical"), (says(b"", status=503), "warning")],
)
def test_F005_monitoring_knows_what_waits_for_a_person(desk: Any, tokens: Tokens, answer: Any, status: str) -> None:
    desk.environ["TEST_SECRET"] = tokens.secret
    configure(desk, box(1), more=section(tokens, tenant="t"))
    tokens.says = [answer]
    desk.allegra("run")
    for column in ("failing_since", "failed_at"):
        desk.change(f"UPDATE mailbox SET {column} = {column} - 1200000000")  # noqa: S608
    (told,) = desk.lines("health")
    assert [each["status"] for each in told["checks"] if each["name"] == "mailbox system"] == [status]


def test_F005_what_ends_soon_is_told_by_health_and_by_check_online(desk: Any, tokens: Tokens) -> None:
    desk.environ["TEST_SECRET"] = tokens.secret
    soon = f"{datetime.now(UTC) + timedelta(days=10):%Y-%m-%d}"
    with Scripted(imap(authenticate=lets_in)) as server:
        configure(desk, box(server.port), more=section(tokens, tenant="t", secret_expires=soon))
        desk.run()
        (told,) = desk.lines("health")
        (sign_in,) = (each for each in told["checks"] if each["name"] == "sign-in")
        assert sign_in["status"] == "warning" and f"the client secret ends on {soon}" in sign_in["said"]
        checked = desk.allegra("check", "--online")
    assert "warning[C199]: oauth ours: the client secret ends on" in checked.stdout
    assert "C199" not in desk.allegra("check").stdout


# ── secrets ───────────────────────────────────────────────────────────────────────────────────────────────────


def forms(secret: str) -> list[bytes]:
    raw = secret.encode()
    blobs = (raw, f"user={USER}\1auth=Bearer {secret}\1\1".encode())
    return [raw, *map(base64.b64encode, blobs)]


def found_in(desk: Any, secrets: list[str], outputs: list[str]) -> list[str]:
    """Where any of the secrets stands, apart from the files that keep them."""
    kept = desk.folder / "var" / "oauth"
    files = [path for path in desk.folder.rglob("*") if path.is_file() and kept not in path.parents]
    texts = {str(path): path.read_bytes() for path in files} | {
        f"output {n}": o.encode() for n, o in enumerate(outputs)
    }
    return [name for name, text in texts.items() for secret in secrets for form in forms(secret) if form in text]


def test_F005_no_token_or_secret_is_in_a_log_the_database_or_what_is_printed(desk: Any, tokens: Tokens) -> None:
    def echo(talk: Talk, tag: bytes, rest: bytes) -> None:
        talk.send("+ ")
        talk.send(tag + b" NO you said " + talk.line()[-140:])

    desk.environ["TEST_SECRET"] = tokens.secret
    more = section(tokens, "refresh_token", tenant="t") + '[log]\nfile = "allegra.log"\nlevel = "debug"\n'
    tokens.rotates = True
    tokens.approved.set()
    outputs = []
    with Scripted(imap(authenticate=echo)) as server:
        configure(desk, box(server.port), more=more)
        for words in (("mailbox", "login", "system"), ("-vv", "run"), ("run", "--json"), ("mailbox", "list"),
                      ("config", "show"), ("health",), ("check", "--online")):  # fmt: skip
            outputs.append(desk.allegra(*words).output)
        tokens.says = [lambda talk: talk.tell(400, error="x", error_description=json.dumps(talk.form))]
        (desk.folder / "var" / "oauth").rename(desk.folder / "var" / "before")
        outputs.append(desk.allegra("mailbox", "login", "system").output)
        (desk.folder / "var" / "before").rename(desk.folder / "var" / "oauth2")
    secrets = [tokens.secret, *tokens.active, *tokens.refresh_tokens, "device-code-canary"]
    assert len(tokens.active) >= 1 and len(outputs) == 8
    for path in (desk.folder / "var" / "oauth2").iterdir():
        path.unlink()
    assert found_in(desk, secrets, outputs) == []


def test_F005_a_kill_in_the_middle_of_the_question_leaves_the_old_token_and_no_half_a_file(
    desk: Any, tokens: Tokens
) -> None:
    """Google and Microsoft let the old refresh token count on; a provider that does not is told by the next run."""
    asked = threading.Event()

    def hangs(talk: Any) -> None:
        asked.set()
        time.sleep(5)

    configure(desk, box(1), more=section(tokens, "refresh_token", tenant="t"))
    file = desk.folder / "var" / "oauth" / f"ours.{USER}.json"
    file.parent.mkdir(parents=True)
    kept = {"app": f"refresh_token {tokens.url} app-1", "refresh_token": tokens.first(USER)}
    file.write_text(json.dumps(kept))
    tokens.says = [hangs]
    environ = {"TEST_SECRET": tokens.secret}
    process = start(desk.folder, "run", environ=environ)
    assert asked.wait(30)
    assert tokens.secret.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
    os.kill(process.pid, signal.SIGKILL)
    ended(process)
    assert json.loads(file.read_text()) == kept
    desk.environ["TEST_SECRET"] = tokens.secret
    desk.allegra("run")
    assert json.loads(file.read_text())["access_token"] in tokens.active


@pytest.mark.sqlite
def test_F005_a_pass_with_a_token_that_counts_loads_nothing_of_the_network_but_the_mailbox_s(
    desk: Any, tokens: Tokens
) -> None:
    desk.environ["TEST_SECRET"] = tokens.secret
    with Scripted(imap(authenticate=lets_in, uid_search=nothing, search=nothing)) as server:
        configure(desk, box(server.port), more=section(tokens, tenant="t"))
        desk.run()
        code = (
            f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom engine.cli.main import main\ntry:\n    main()\n"
            "except SystemExit:\n    pass\nsys.stdout.write(' '.join(sys.modules))"
        )
        done = subprocess.run(
            [sys.executable, "-I", "-c", code, "run"], cwd=desk.folder, capture_output=True, text=True, check=True
        )
    loaded = {*done.stdout.split()}
    assert "engine.web.tokens" in loaded and "imapclient" in loaded
    assert {"urllib3", "cryptography", "concurrent.futures", "engine.web.client", "engine.web.asking"} & loaded == set()


def nothing(talk: Talk, tag: bytes, rest: bytes) -> None:
    talk.send("* SEARCH", tag + b" OK done")
