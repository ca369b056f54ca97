"""No credential leaves before the connection is as safe as the mailbox asks for; IMAP and POP3 alike."""

from __future__ import annotations

import ssl
import warnings
from typing import Any

import pytest
from servers.dovecot import make_certificate
from servers.scripted import Scripted, imap, pop3

from engine.sources.source import SourceError

CANARY = b"canary"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    base = tmp_path_factory.mktemp("certificates")
    names = {"right": "DNS:localhost", "wrong": "DNS:other.example"}
    return {name: make_certificate(base, name, alternative) for name, alternative in names.items()}


def context(certificate, oldest=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*certificate)
    if oldest:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            made.minimum_version = made.maximum_version = oldest
        made.set_ciphers("DEFAULT:@SECLEVEL=0")
    return made


SCRIPTS: dict[str, Any] = {"imap": imap, "pop3": pop3}
BOTH = pytest.mark.parametrize("protocol", ["imap", "pop3"])


def refused(bench, protocol, server, **options):
    """Try to read; gives the error, having made sure that nothing secret was sent."""
    box = bench.box(protocol=protocol, port=server.port, timeout=5.0, **options)
    with pytest.raises(SourceError) as caught, bench.open(box):
        pass
    assert CANARY not in server.heard
    assert b"somebody" not in server.heard
    assert "canary" not in caught.value.sentence
    return caught.value


@BOTH
def test_F009_a_certificate_of_an_unknown_authority_is_refused(bench, certificates, protocol):
    with Scripted(SCRIPTS[protocol](), tls=context(certificates["right"])) as server:
        error = refused(bench, protocol, server)
    assert error.code == "source.certificate"
    said = "shows a certificate that cannot be trusted (self-signed certificate)"
    assert error.sentence == f"mailbox system: localhost:{server.port} {said}"
    assert server.heard == b""


@BOTH
def test_F009_a_certificate_for_another_host_is_refused(bench, certificates, protocol):
    with Scripted(SCRIPTS[protocol](), tls=context(certificates["wrong"])) as server:
        error = refused(bench, protocol, server, ca_file=certificates["wrong"][0])
    assert error.code == "source.certificate"
    assert "Hostname mismatch" in error.sentence
    assert server.heard == b""


@BOTH
def test_F009_ssl_verification_false_accepts_any_certificate(bench, certificates, protocol):
    with Scripted(SCRIPTS[protocol](), tls=context(certificates["wrong"])) as server:
        box = bench.box(protocol=protocol, port=server.port, ssl_verification=False)
        assert len(bench.read(box)) == 1


@BOTH
def test_tls_below_1_2_is_refused(bench, certificates, protocol):
    old = context(certificates["right"], ssl.TLSVersion.TLSv1_1)
    with Scripted(SCRIPTS[protocol](), tls=old) as server:
        error = refused(bench, protocol, server, ca_file=certificates["right"][0])
    assert error.code == "source.tls"


@BOTH
def test_a_server_without_tls_is_refused_on_a_tls_port(bench, protocol):
    with Scripted(SCRIPTS[protocol]()) as server:
        error = refused(bench, protocol, server)
    assert error.code == "source.tls"
    port = {"imap": 993, "pop3": 995}[protocol]
    said = f'speaks no TLS at first on this port: write  ssl = "starttls", or port = {port} with  ssl = true'
    assert error.sentence.startswith(f"mailbox system: localhost:{server.port} {said}")


@BOTH
def test_a_server_that_waits_for_tls_is_told_by_its_port(bench, protocol, certificates, monkeypatch):
    from engine.sources import wire

    with Scripted(SCRIPTS[protocol](), tls=context(certificates["right"])) as server:
        monkeypatch.setattr(wire, "PORTS", {(protocol, True): server.port})
        box = bench.box(protocol=protocol, port=server.port, ssl="starttls", timeout=0.5)
        with pytest.raises(SourceError) as caught, bench.open(box):
            pass
    assert caught.value.code == "source.timeout"
    assert caught.value.sentence.endswith("says nothing: this port waits for TLS, write  ssl = true")


@BOTH
def test_a_tls_handshake_that_hangs_ends_at_the_deadline(bench, protocol):
    with Scripted(lambda talk: talk.server.stopped.wait(5)) as server:
        with (
            pytest.raises(SourceError) as caught,
            bench.open(bench.box(protocol=protocol, port=server.port, timeout=0.3)),
        ):
            pass
        assert caught.value.code == "source.timeout"


@BOTH
def test_F009_starttls_that_is_not_offered_ends_it(bench, protocol):
    with Scripted(SCRIPTS[protocol]()) as server:
        error = refused(bench, protocol, server, ssl="starttls")
    assert error.code == "source.starttls_missing"


def test_F009_starttls_stripped_on_the_way_sends_no_login(bench, dovecot, chaos):
    account = dovecot.account()
    proxy = chaos(dovecot.imap)
    proxy.replace = {b"STARTTLS": b"XSTRTTLS"}
    with pytest.raises(SourceError) as caught, bench.open(bench.of(account, "imap", port=proxy.port, ssl="starttls")):
        pass
    assert caught.value.code == "source.starttls_missing"
    assert account.password.encode() not in proxy.heard
    assert account.user.encode() not in proxy.heard


@pytest.mark.parametrize("word", [b"NO", b"BAD"])
def test_starttls_offered_and_then_refused_sends_no_login(bench, word):
    script = imap(
        capability="IMAP4rev1 STARTTLS", starttls=lambda talk, tag, rest: talk.send(tag + b" " + word + b" no")
    )
    with Scripted(script) as server:
        error = refused(bench, "imap", server, ssl="starttls")
    assert error.code in ("source.starttls_missing", "source.protocol")


@pytest.mark.parametrize("ssl_option", ["starttls", False])
def test_preauth_is_refused(bench, ssl_option):
    with Scripted(imap(greeting="* PREAUTH welcome somebody else", capability="IMAP4rev1 STARTTLS")) as server:
        error = refused(bench, "imap", server, ssl=ssl_option)
    assert error.code == ("source.starttls_missing" if ssl_option else "source.protocol")
    assert "PREAUTH" in error.sentence


def imap_starttls(talk, injected=b""):
    """An IMAP server that starts TLS when asked, with something slipped in before."""
    talk.send("* OK ready")
    while line := talk.line():
        tag, _, rest = line.partition(b" ")
        if rest == b"STARTTLS":
            talk.raw(tag + b" OK go\r\n" + injected)
            talk.start_tls()
            inner = imap(greeting="")
            talk.send = lambda *lines, send=talk.send: send(*(each for each in lines if each))
            inner(talk)
            return
        talk.send("* CAPABILITY IMAP4rev1 STARTTLS", tag + b" OK done")


def test_F009_starttls_reads_mail(bench, certificates):
    with Scripted(imap_starttls, tls=context(certificates["right"]), wrapped=False) as server:
        box = bench.box(port=server.port, ssl="starttls", ca_file=certificates["right"][0])
        assert len(bench.read(box)) == 1


@pytest.mark.parametrize("injected", [b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n", b"* PREAUTH hello\r\n", b"x"])
def test_plaintext_behind_starttls_is_an_attack(bench, certificates, injected):
    script = lambda talk: imap_starttls(talk, injected)  # noqa: E731
    with Scripted(script, tls=context(certificates["right"]), wrapped=False) as server:
        error = refused(bench, "imap", server, ssl="starttls", ca_file=certificates["right"][0])
    assert error.code == "source.tls"


def test_plaintext_behind_stls_is_an_attack(bench, certificates):
    with Scripted(pop3(stls="+OK go\r\n+OK extra"), tls=context(certificates["right"]), wrapped=False) as server:
        error = refused(bench, "pop3", server, ssl="starttls", ca_file=certificates["right"][0])
    assert error.code == "source.tls"


@BOTH
def test_starttls_checks_the_certificate_too(bench, dovecot, protocol):
    account = dovecot.account()
    with pytest.raises(SourceError) as caught, bench.open(bench.of(account, protocol, ssl="starttls", ca_file=None)):
        pass
    assert caught.value.code == "source.certificate"


def test_a_ca_file_that_is_missing_is_a_sentence(bench, tmp_path):
    with pytest.raises(SourceError) as caught, bench.open(bench.box(port=1, ca_file=tmp_path / "none.pem")):
        pass
    assert caught.value.code == "source.certificate"
    assert "none.pem" in caught.value.sentence


def test_a_secret_that_cannot_be_had_connects_nowhere(bench):
    from engine.config import SecretError

    class Locked(type(bench.box())):  # type: ignore[misc]
        def secret(self):
            raise SecretError("mailbox system: the environment variable X (password_env) is not set")

    for protocol in ("imap", "pop3"):
        with pytest.raises(SourceError) as caught, bench.open(Locked(protocol=protocol, port=1)):
            pass
        assert caught.value.code == "source.secret"
        assert "password_env" in caught.value.sentence
