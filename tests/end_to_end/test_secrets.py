"""G25: a password never appears in what the engine prints, writes or stores, whatever fails, whatever servers echo."""

from __future__ import annotations

import base64
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from served import configure
from servers import limits, poison
from servers.failpoints import ended, run, start
from servers.scripted import Scripted, Talk, imap, pop3
from servers.taker import Taker

CANARY = "Kanarien/vogel+4711 ä"
ASCII = "Kanarienvogel-4711"
USER = "somebody"


def forms(secret: str) -> list[bytes]:
    """What a secret looks like on its way: plain, in base64, in SASL blobs, in a URL."""
    raw = secret.encode()
    blobs = (raw, f"\0{USER}\0{secret}".encode(), f"user={USER}\1auth=Bearer {secret}\1\1".encode())
    return [raw, quote(secret, safe="").encode(), secret.encode("unicode_escape"), *map(base64.b64encode, blobs)]


def left_behind(desk: Any) -> Iterator[tuple[str, bytes]]:
    """Everything the engine wrote; the file with the secret itself does not count."""
    for path in desk.folder.rglob("*"):
        if path.is_file() and path.name not in ("allegra.toml", "secret.txt") and "mail" not in path.parts[-4:-1]:
            yield path.name, path.read_bytes()


def silent(desk: Any, *outputs: str) -> None:
    told = [("output", output.encode()) for output in outputs]
    found = [(name, form) for name, content in (*told, *left_behind(desk)) for secret in (CANARY, ASCII)
             for form in forms(secret) if form in content]  # fmt: skip
    assert found == []


def echo(talk: Talk, tag: bytes, rest: bytes) -> None:
    """Repeat all that was heard so far, as badly made servers do."""
    said = talk.server.heard.replace(b"\r\n", b" ")
    talk.send(tag + b" NO [AUTHENTICATIONFAILED] " + said[-150:])


def echo_all(talk: Talk, tag: bytes, rest: bytes) -> None:
    talk.send(b"* " + talk.server.heard.replace(b"\r\n", b" ")[-150:], tag + b" BAD " + rest)


def asks(talk: Talk, tag: bytes, rest: bytes) -> None:
    talk.send("+ ")
    said = talk.line()
    talk.send(tag + b" NO you said " + said + b" " + base64.b64decode(said + b"=="))


def refuses(talk: Talk, rest: bytes) -> None:
    talk.send(b"-ERR you said " + talk.server.heard.replace(b"\r\n", b" ")[-150:])


SERVERS: dict[str, tuple[str, Callable[[Talk], None], str]] = {
    "IMAP refuses the login": ("imap", imap(login=echo), ""),
    "IMAP breaks the protocol": ("imap", imap(login=echo_all), ""),
    "IMAP refuses a SASL login": ("imap", imap(capability="IMAP4rev1 AUTH=PLAIN", authenticate=asks), 'auth = "plain"'),
    "IMAP refuses the search": ("imap", imap(uid_search=echo), ""),
    "IMAP breaks later": ("imap", imap(uid_fetch=echo_all), ""),
    "IMAP refuses the move": ("imap", imap(uid_move=echo), ""),
    "POP3 refuses the password": ("pop3", pop3(**{"pass": refuses}), ""),
    "POP3 refuses to list": ("pop3", pop3(list=refuses), ""),
    "POP3 refuses to hand out": ("pop3", pop3(retr=refuses), ""),
    "POP3 refuses to delete": ("pop3", pop3(dele=refuses), 'after_success = "delete"\nafter_failure = "delete"'),
}


def box(kind: str, port: int, secret: str, more: str = "") -> str:
    return (
        f'protocol = "{kind}"\nhost = "localhost"\nport = {port}\nssl = false\nusername = "{USER}"\n{secret}\n{more}\n'
    )


def outgoing(port: int) -> str:
    """A server for outgoing mail that wants a password."""
    return (
        f'[smtp]\nhost = "localhost"\nport = {port}\nssl = false\nfrom = "help@example.com"\n'
        f'username = "{USER}"\npassword_env = "ALLEGRA_TEST_PASSWORD"\n'
    )


@pytest.fixture(params=["environment", "file", "command"])
def secret(request: pytest.FixtureRequest, desk: Any) -> str:
    """A password in one of the places where it may be; the option that says so."""
    file = desk.folder / "secret.txt"
    file.write_text(ASCII + "\n", encoding="utf-8")
    file.chmod(0o600)
    desk.environ["ALLEGRA_TEST_PASSWORD"] = ASCII
    return {
        "environment": 'password_env = "ALLEGRA_TEST_PASSWORD"',
        "file": 'password_file = "secret.txt"',
        "command": f'password_command = ["cat", "{file}"]',
    }[request.param]


@pytest.mark.parametrize("what", SERVERS)
def test_a_server_that_repeats_everything_it_hears(desk: Any, secret: str, what: str) -> None:
    kind, script, more = SERVERS[what]
    with Scripted(script) as server:
        configure(desk, box(kind, server.port, secret, more))
        results = [desk.allegra("-vv", "run"), desk.allegra("run", "--json"), desk.allegra("mailbox", "test"),
                   desk.allegra("mailbox", "list"), desk.allegra("config", "show")]  # fmt: skip
        asked = ASCII.encode() in server.heard or base64.b64encode(f"\0{USER}\0{ASCII}".encode()) in server.heard
    assert asked, "the canary never came to the server: nothing was tested"
    silent(desk, *(each.output for each in results))


@pytest.mark.parametrize("auth", ["login", "plain"])
def test_a_password_with_accents_is_as_secret(desk: Any, auth: str) -> None:
    desk.environ["ALLEGRA_TEST_PASSWORD"] = CANARY
    with Scripted(imap(capability="IMAP4rev1 AUTH=PLAIN", authenticate=asks, login=echo)) as server:
        configure(desk, box("imap", server.port, 'password_env = "ALLEGRA_TEST_PASSWORD"', f'auth = "{auth}"'))
        result = desk.allegra("run")
        assert result.exit_code == 69
        assert server.heard.count(base64.b64encode(f"\0{USER}\0{CANARY}".encode())) >= 1
    silent(desk, result.output)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_pass_that_ends_in_the_middle(desk: Any, how: signal.Signals) -> None:
    waiting = threading.Event()

    def hang(talk: Talk, tag: bytes, rest: bytes) -> None:
        waiting.set()
        talk.hang()

    environ = {"ALLEGRA_TEST_PASSWORD": ASCII}
    with Scripted(imap(uid_search=hang)) as server:
        configure(desk, box("imap", server.port, 'password_env = "ALLEGRA_TEST_PASSWORD"'))
        process = start(desk.folder, "run", environ=environ)
        assert waiting.wait(30)
        argv = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        os.kill(process.pid, how)
        end = ended(process)
    assert ASCII.encode() not in argv
    silent(desk, end.output)


@pytest.mark.parametrize("how", ["no_page_more", "read_only", "small_files"])
def test_a_disk_that_fails(desk: Any, how: str) -> None:
    with Scripted(imap()) as server:
        configure(desk, box("imap", server.port, 'password_env = "ALLEGRA_TEST_PASSWORD"'))
        end = run(desk.folder, "run", environ={"ALLEGRA_TEST_PASSWORD": ASCII}, before=getattr(limits, how))
    silent(desk, end.output)


def test_a_mail_that_breaks_the_machine(desk: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The fault is stored with its traceback; the process that reads the mail apart is not told the secret."""
    desk.configure(more='[errors]\nretry = ["0 s"]\n' + outgoing(1))
    site = tmp_path_factory.mktemp("site")
    environ = poison.everywhere(site) | {"ALLEGRA_TEST_PASSWORD": ASCII}
    tell = f"import os\nwith open({str(site / 'seen')!r}, 'a') as seen:\n    seen.write(repr(dict(os.environ)))\n"
    (site / "sitecustomize.py").write_text((site / "sitecustomize.py").read_text() + tell)
    desk.mail("Bad", body="raise deciding")
    ends = [run(desk.folder, "run", environ=environ, before=poison.install) for _ in range(2)]
    desk.environ["ALLEGRA_TEST_PASSWORD"] = ASCII
    told = [
        desk.allegra("explain", "last"),
        desk.allegra("mail", "show", "last", "--json"),
        desk.allegra("held", "list"),
    ]
    silent(desk, *(each.output for each in (*ends, *told)))
    seen = (site / "seen").read_text()
    assert "PYTHONPATH" in seen
    assert ASCII not in seen


def test_an_outgoing_server_that_repeats_everything(desk: Any) -> None:
    desk.environ["ALLEGRA_TEST_PASSWORD"] = ASCII

    def talk(talk: Talk) -> None:
        talk.send("220 hello")
        while line := talk.line():
            if line.upper().startswith(b"EHLO"):
                talk.send("250-here", "250 AUTH PLAIN LOGIN")
            else:
                talk.send(b"535 you said " + talk.server.heard.replace(b"\r\n", b" ")[-150:])

    with Scripted(talk) as server:
        desk.configure(more=outgoing(server.port))
        desk.mail()
        results = [desk.allegra("-vv", "run"), desk.allegra("run", "--json")]
        assert base64.b64encode(f"\0{USER}\0{ASCII}".encode()) in server.heard
    assert desk.lines("item", "list") != []
    silent(desk, *(each.output for each in results))


def test_the_key_that_signs_reply_tokens_is_nowhere_but_in_its_file(desk: Any) -> None:
    with Taker() as taker:
        desk.configure(more=f'[smtp]\nhost = "localhost"\nport = {taker.port}\nssl = false\nfrom = "help@example.com"')
        desk.mail()
        outputs = [desk.allegra("run").output, desk.allegra("explain", "last", "--json").output]
        sent = b"".join(each.content for each in taker.taken)
    key = (desk.folder / "var" / "secret").read_bytes()
    assert len(key) >= 16
    for form in (key, base64.b64encode(key), key.hex().encode()):
        assert form not in sent
        assert [name for name, content in left_behind(desk) if form in content and name != "secret"] == []
        assert not any(form in output.encode() for output in outputs)
