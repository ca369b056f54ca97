"""The search for the servers of an address, with a name server, web server and mail servers of its own."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers.names import Files, Greeter, Names

from engine.discovery.autoconfig import Unusable, read
from engine.discovery.found import Found, Server
from engine.discovery.search import find, known
from engine.discovery.world import World

HERE = ["127.0.0.1"]
Search = Callable[..., Found]

AUTOCONFIG = b"""<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="example.test">
<incomingServer type="pop3"><hostname>pop.example.test</hostname><port>995</port><socketType>SSL</socketType>
<username>%EMAILADDRESS%</username></incomingServer>
<incomingServer type="imap"><hostname>box.example.test</hostname><port>993</port><socketType>SSL</socketType>
<username>%EMAILLOCALPART%</username></incomingServer>
<outgoingServer type="smtp"><hostname>out.example.test</hostname><port>587</port><socketType>STARTTLS</socketType>
<username>%EMAILADDRESS%</username></outgoingServer></emailProvider></clientConfig>"""

MX = {("example.test", "MX"): ["10 mx.hoster.test."]}
WEB = {**MX, ("autoconfig.example.test", "A"): HERE}
SRV = {
    **MX,
    ("_imaps._tcp.example.test", "SRV"): ["20 1 993 second.example.test.", "10 1 9993 first.example.test."],
    ("_imap._tcp.example.test", "SRV"): ["0 0 0 ."],
    ("_pop3s._tcp.example.test", "SRV"): ["0 1 995 pop.example.test."],
    ("_submissions._tcp.example.test", "SRV"): ["0 1 465 out.example.test."],
}


@pytest.fixture
def web(trusted: ssl.SSLContext) -> Iterator[Callable[..., Files]]:
    made: list[Files] = []

    def serve(pages: Any) -> Files:
        made.append(Files(trusted, pages))
        return made[-1]

    yield serve
    for each in made:
        each.close()


def page(content: bytes = AUTOCONFIG, host: str = "autoconfig.example.test", status: int = 200, **headers: str) -> Any:
    return {f"{host}/mail/config-v1.1.xml": (status, headers, content)}


def test_F014_the_autoconfig_of_the_domain_comes_first(search: Search, web: Any) -> None:
    files = web(page())
    found = search({**WEB, **SRV}, {443: files.port})
    assert found.servers[1] == Server("imap", "box.example.test", 993, True, "me")
    assert found.reading() == found.servers[1] and found.reading("pop3") == Server("pop3", "pop.example.test", 995)
    assert found.sending == Server("smtp", "out.example.test", 587, "starttls") and found.sure
    assert found.way == "https://autoconfig.example.test/mail/config-v1.1.xml says so"
    assert files.asked == ["/mail/config-v1.1.xml?emailaddress=me@example.test"]


def test_the_second_place_is_asked_without_the_address_and_a_redirect_is_followed(search: Search, web: Any) -> None:
    second, there = "example.test/.well-known/autoconfig/mail/config-v1.1.xml", "https://other.test/x.xml"
    files = web({second: (302, {"Location": there}, b""), "other.test/x.xml": (200, {}, AUTOCONFIG)})
    records = {**WEB, ("example.test", "A"): HERE, ("other.test", "A"): HERE}
    found = search(records, {443: files.port})
    assert found.reading().host == "box.example.test" and found.tried[0].endswith("answers 404")
    assert files.asked[1:] == ["/.well-known/autoconfig/mail/config-v1.1.xml", "/x.xml"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (page(b"<html>Hello</html>"), "names no server that mail is read from with TLS"),
        (page(b"<html>Hello"), "is no such file"),
        (page(b""), "is no such file"),
        (page(AUTOCONFIG.replace(b'"1.0"?>', b'"1.0"?><!DOCTYPE x [<!ENTITY a "b">]>')), "holds a document type"),
        (page(AUTOCONFIG.replace(b'"1.0"?>', b'"1.0" encoding="utf-16"?>')), "is no such file"),
        (page(AUTOCONFIG.replace(b"<socketType>SSL", b"<socketType>plain")), "names no server"),
        (page(AUTOCONFIG.replace(b"993", b"99999").replace(b"995", b"0x3")), "names no server"),
        (page(AUTOCONFIG.replace(b"box.example", b"a b/c").replace(b"pop.example", b"")), ""),
        (page(b" " * 300_000), "sends more than 262144 bytes"),
        (page(status=500), "answers 500"),
        (page(status=302), "answers 302"),
        (page(status=302, Location="http://autoconfig.example.test/x"), "which is no HTTPS"),
        (page(status=302, Location="file:///etc/passwd"), "which is no HTTPS"),
        (page(status=302, Location="https://other.test:99999/x"), "which is no HTTPS"),
        (page(status=302, Location="https://[::1/x"), "leads nowhere"),
        (page(status=302, Location="https:///x"), ""),
        (page(status=302, Location=f"https://{'x' * 70}.test/"), "cannot be asked for"),
        (page(status=302, Location="https://a..test/"), "cannot be asked for"),
        (page(status=302, Location="/a b\x01c"), "cannot be asked"),
        (page(status=302, Location="/mail/config-v1.1.xml"), "leads on and on"),
    ],
)
def test_a_file_of_no_use_is_told_and_the_search_goes_on(search: Search, web: Any, answer: Any, why: str) -> None:
    found = search({**WEB, **SRV}, {443: web(answer).port})
    assert why in found.tried[0] if why else True
    assert found.reading().host in ("first.example.test", "pop.example.test")


def test_a_host_with_another_certificate_is_not_believed(
    search: Search, certificate: tuple[Any, ssl.SSLContext]
) -> None:
    with closing(Files(certificate[1], page())) as files:
        found = search(WEB, {443: files.port})
    assert "certificate" in found.tried[0] and found.servers == () and files.asked == []


def test_a_web_server_that_never_ends_costs_its_deadline(
    search: Search, trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.discovery.autoconfig.ANSWERING_S", 0.5)
    with closing(Greeter(trusted, b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nslow")) as drip:
        monkeypatch.setattr(drip, "_greet", lambda line: _drip(trusted, line))
        begun = time.monotonic()
        found = search({**WEB, **SRV}, {443: drip.port})
    assert "is too slow" in found.tried[0] and time.monotonic() - begun < 6
    assert found.reading().host == "first.example.test"


def _drip(context: ssl.SSLContext, line: Any) -> None:
    try:
        line = context.wrap_socket(line, server_side=True)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
        for _ in range(900):
            line.sendall(b"x")
            time.sleep(0.1)
    except OSError:
        pass
    finally:
        line.close()


def test_SRV_records_come_second_and_the_lowest_priority_first(search: Search) -> None:
    found = search(SRV)
    assert found.reading() == Server("imap", "first.example.test", 9993)
    assert [each.host for each in found.servers if each.protocol == "imap"] == [
        "first.example.test", "second.example.test"
    ]  # fmt: skip
    assert found.reading("pop3").port == 995 and found.sending.port == 465 and found.sure


def test_a_server_of_another_domain_named_by_SRV_alone_is_not_sure(search: Search) -> None:
    found = search({**MX, ("_imaps._tcp.example.test", "SRV"): ["0 0 993 imap.evil.test."]})
    assert found.reading().host == "imap.evil.test" and not found.sure
    known_one = search({**MX, ("_imaps._tcp.example.test", "SRV"): ["0 0 993 imap.fastmail.com."]})
    assert known_one.sure and known_one.provider.name == "Fastmail" and known_one.sending.host == "smtp.fastmail.com"


@pytest.mark.parametrize(
    ("exchanger", "provider", "host"),
    [("example-test.mail.protection.outlook.com", "Microsoft 365", "outlook.office365.com"),
     ("example-test.a-v1.mx.microsoft", "Microsoft 365", "outlook.office365.com"),
     ("aspmx.l.google.com", "Google", "imap.gmail.com"),
     ("in1-smtp.messagingengine.com", "Fastmail", "imap.fastmail.com"),
     ("mxext1.mailbox.org", "mailbox.org", "imap.mailbox.org"), ("mx00.ionos.de", "Ionos (1&1)", "imap.ionos.de"),
     ("mx00.kundenserver.de", "Ionos (1&1)", "imap.ionos.de"), ("mx01.ionos.co.uk", "Ionos (1&1)", "imap.ionos.co.uk"),
     ("smtpin.rzone.de", "Strato", "imap.strato.de"), ("mx1.mail.ovh.net", "OVH", "ssl0.ovh.net"),
     ("spool.mail.gandi.net", "Gandi", "mail.gandi.net"), ("mta-gw.infomaniak.ch", "Infomaniak", "mail.infomaniak.com"),
     ("mx.zoho.eu", "Zoho", "imappro.zoho.eu"), ("mx-eu.mail.am0.yahoodns.net", "Yahoo", "imap.mail.yahoo.com"),
     ("mx01.mail.icloud.com", "iCloud", "imap.mail.me.com"), ("mx00.gmx.net", "GMX", "imap.gmx.net"),
     ("mx-ha02.web.de", "WEB.DE", "imap.web.de"), ("www123.your-server.de", "Hetzner", "mail.your-server.de")],
)  # fmt: skip
def test_the_mail_exchanger_tells_the_provider(search: Search, exchanger: str, provider: str, host: str) -> None:
    found = search({("example.test", "MX"): [f"10 {exchanger}."]})
    assert (found.provider.name, found.reading().host, found.sure) == (provider, host, True)
    assert exchanger in found.way and found.sending is not None


def test_a_name_that_only_ends_like_a_provider_is_none(search: Search) -> None:
    assert search({("example.test", "MX"): ["10 notgoogle.com.", "20 google.com.evil.test."]}).provider is None


def test_proton_has_no_server_and_the_bridge_is_named(search: Search) -> None:
    found = search({("example.test", "MX"): ["10 mail.protonmail.ch."]})
    assert found.servers == () and "Bridge" in found.provider.told


def test_a_filter_before_microsoft_is_seen_through(search: Search) -> None:
    behind = {("autodiscover.example.test", "CNAME"): ["autodiscover.outlook.com."]}
    filtered = {("example.test", "MX"): ["10 eu-smtp-inbound-1.mimecast.com."]}
    assert search({**filtered, **behind}).provider.name == "Microsoft 365"
    (told,) = [each for each in search(filtered).tried if "filter" in each]
    assert "Mimecast" in told


def test_guesses_come_last_and_take_a_good_certificate_only(search: Search, trusted: ssl.SSLContext) -> None:
    records = {
        **MX,
        ("imap.example.test", "A"): HERE,
        ("mail.example.test", "A"): HERE,
        ("smtp.example.test", "A"): HERE,
    }
    with closing(Greeter(trusted, b"* OK ready\r\n")) as imaps, closing(Greeter(trusted, b"220 hi\r\n")) as smtps:
        found = search(records, {993: imaps.port, 465: smtps.port})
        assert found.servers == (Server("imap", "imap.example.test", 993), Server("smtp", "smtp.example.test", 465))
        assert found.sure and all(not said for said in imaps.heard + smtps.heard), "nothing is said to a guess"
    elsewhere = {("example.test", "MX"): ["10 wrong.test."], ("wrong.test", "A"): HERE}
    with closing(Greeter(trusted, b"* OK ready\r\n")) as imaps:
        assert search(elsewhere, {993: imaps.port}).servers == ()


def test_a_guess_may_offer_starttls_and_the_mail_exchanger_is_asked_about(
    search: Search, trusted: ssl.SSLContext
) -> None:
    records = {**MX, ("mx.hoster.test", "A"): HERE}
    imap = Greeter(trusted, b"* OK ready\r\n", [b"a OK begin\r\n"])
    smtp = Greeter(trusted, b"220 hi\r\n", [b"250-hello\r\n250 STARTTLS\r\n", b"220 go\r\n"])
    with closing(imap), closing(smtp):
        found = search(records, {143: imap.port, 587: smtp.port})
    assert found.reading() == Server("imap", "mx.hoster.test", 143, "starttls")
    assert found.sending == Server("smtp", "mx.hoster.test", 587, "starttls")
    assert not found.sure, "it is of another domain, and only the name service says so"


def test_pop3_is_found_where_it_is_asked_for(search: Search, trusted: ssl.SSLContext) -> None:
    records = {**MX, ("mail.example.test", "A"): HERE}
    with closing(Greeter(trusted, b"+OK ready\r\n")) as pop3s:
        assert search(records, {995: pop3s.port}, "pop3").reading().host == "mail.example.test"
        assert search(records, {995: pop3s.port}).reading().protocol == "pop3", "and where there is nothing else"
        assert search(records, {995: pop3s.port}, "imap").servers == ()


@pytest.mark.parametrize(
    ("records", "told"),
    [({("other.test", "A"): HERE}, "there is no domain example.test"),
     ({("example.test", "MX"): ["0 ."]}, "says that it takes no mail")],
)  # fmt: skip
def test_a_domain_that_is_none_or_takes_no_mail_ends_the_search(search: Search, records: Any, told: str) -> None:
    (said,) = search(records).tried
    assert told in said


def test_a_name_service_that_is_silent_ends_the_search_at_once(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.discovery.world.ASKING_S", 0.5)
    begun = time.monotonic()
    (told,) = search({}, silent=("*",)).tried
    assert "did not answer within 0.5 s" in told and time.monotonic() - begun < 3


def test_a_question_that_gets_no_answer_costs_its_step_only(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.discovery.world.ASKING_S", 0.4)
    records = {("example.test", "MX"): ["10 aspmx.l.google.com."]}
    found = search(records, silent=("_imaps._tcp.example.test", "autoconfig.example.test"))
    assert found.provider.name == "Google"
    assert [each for each in found.tried if "did not answer" in each]


def test_where_nothing_is_found_every_step_is_told(search: Search) -> None:
    found = search(MX)
    assert found.servers == () and len(found.tried) == 5, found.tried
    assert search.told[0] == "asking https://autoconfig.example.test/mail/config-v1.1.xml"  # type: ignore[attr-defined]


def test_a_provider_s_own_domain_needs_no_network() -> None:
    nobody = World(("127.0.0.1", 9))
    found = find("me@GMail.com", print, "", nobody)
    assert found == known("gmail.com") and found.reading().host == "imap.gmail.com"
    assert find("me@icloud.com", print, "pop3", nobody).reading("pop3") is None
    assert find("me@mailbox.org", print, "pop3", nobody).reading("pop3").host == "pop3.mailbox.org"


def test_a_label_that_is_too_long_is_no_crash() -> None:
    with Names({}) as names:
        (told,) = find(f"me@{'x' * 70}.test", print, "", World(names.address)).tried
    assert "cannot be asked for" in told


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_whatever_a_file_holds_is_servers_or_of_no_use(content: bytes) -> None:
    for each in (content, AUTOCONFIG.replace(b"box.example.test", content), content.join([AUTOCONFIG[:300], b">"])):
        try:
            servers = read(each, "me@example.test")
        except Unusable:
            continue
        assert all(server.host and 0 < server.port < 65536 and server.ssl for server in servers)
        assert all(server.username.isprintable() for server in servers)
