"""A proxy before the console: where requests come from, who signed in there, a path below a host."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from console.offices import Office, office

from engine.console import guard, proxied
from engine.desk import access_tokens

HEADER, BASE = "X-Remote-User", "http://localhost"


def office_of(folder: Path, options: str) -> Any:
    """An office with these options of the console, and a log."""
    return office(folder, f'accounts"\n{options}\n[log]\nfile = "var/log')


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    options = 'trusted_proxies = ["127.0.0.1", "10.1.0.0/16"]'
    with office_of(tmp_path_factory.mktemp("behind") / "demo", options) as made:
        file = made.folder / "allegra.toml"
        text = file.read_text("utf-8").replace('auth = "accounts"', f'auth = "proxy-header:{HEADER}"')
        file.write_text(text, "utf-8")
        made.installation._looked_at = 0.0
        yield made


def ask(made: Office, address: str = "/mails", peer: str = "127.0.0.1", **headers: str) -> Any:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return made.client.get(
        address, base_url=BASE, headers=sent, environ_overrides={"REMOTE_ADDR": peer}, buffered=True
    )  # fmt: skip


def logged(made: Office) -> list[str]:
    file = made.folder / "var" / "log"
    return [line.split(" ", 1)[1] for line in file.read_text("utf-8").splitlines()] if file.exists() else []


# ── who somebody is ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.1.255.7"])
@pytest.mark.parametrize("who", ["bob", "bob@example.com", "BOB@example.com"])
def test_whom_a_trusted_proxy_names_is_in_without_a_session(behind: Office, peer: str, who: str) -> None:
    answer = ask(behind, peer=peer, X_Remote_User=who)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200 and ">bob</a>" in page and "Sign out" not in page
    assert "Set-Cookie" not in answer.headers
    assert behind.rows("SELECT count(*) FROM session") == [(0,)]


@pytest.mark.parametrize("peer", ["127.0.0.2", "10.2.0.1", "::1", "localhost", "", "x"])
def test_the_header_of_anybody_else_is_refused_everywhere_and_told(behind: Office, peer: str) -> None:
    for address in ("/mails", "/mails.json", "/healthz", "/login", "/nothing"):
        assert ask(behind, address, peer, X_Remote_User="anna").status_code == 400, address
    assert ask(behind, peer=peer).status_code == 403, "and who comes past the proxy is nobody"
    assert any(line.startswith("warning security.proxy") and "no trusted proxy" in line for line in logged(behind))


def test_another_address_in_a_header_makes_nobody_trusted(behind: Office) -> None:
    for peer in ("192.0.2.1", "localhost"):
        answer = ask(behind, peer=peer, X_Remote_User="anna", X_Forwarded_For="127.0.0.1")
        assert answer.status_code == 400


def test_whom_nobody_named_signs_in_at_the_proxy(behind: Office) -> None:
    for address in ("/mails", "/mails.json"):
        answer = ask(behind, address)
        assert answer.status_code == 401 and HEADER in answer.get_data(as_text=True)
    assert ask(behind, X_Remote_User="  ").status_code == 401
    assert ask(behind, "/login").status_code == 303, "there is no form"


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("nobody", "nobody is called so here"), ("nobody@example.com", "allegra user add"), ("x" * 2000, "xxx"),
        ("bob, anna", "nobody is called so here"), ("b\u00fcb", "b\u00fcb"), ("<b>x</b>", "&lt;b&gt;"),
    ],
)  # fmt: skip
def test_who_has_no_account_is_refused_in_a_sentence_and_none_is_made(behind: Office, who: str, said: str) -> None:
    before = behind.rows("SELECT count(*) FROM account")
    answer = ask(behind, X_Remote_User=who.encode().decode("latin-1"))
    assert answer.status_code == 403 and said in answer.get_data(as_text=True)
    assert behind.rows("SELECT count(*) FROM account") == before
    assert any("security.proxy" in line and "nobody is called so" in line for line in logged(behind))


@pytest.mark.parametrize(
    "who", ["bo\u200bb", "bob\u00ad", "\u2060bob", "bob\u202e", "b\ufeffob@example.com", "bob\x7f"]
)
def test_a_name_that_only_looks_like_one_of_ours_is_nobody(behind: Office, who: str) -> None:
    """Two people at the proxy may be told apart by a sign that is not seen."""
    answer = ask(behind, X_Remote_User=who.encode().decode("latin-1"))
    assert answer.status_code == 403 and "nobody is called so here" in answer.get_data(as_text=True)


def test_whose_account_is_not_active_is_told_what_to_do(behind: Office) -> None:
    with behind.installation.store() as store:
        store.directory.put_account("eve", name="Eve", emails=["eve@people.example"])
        assert ask(behind, X_Remote_User="eve").status_code == 200
        store.directory.put_account("eve", status="locked")
    answer = ask(behind, X_Remote_User="eve")
    assert answer.status_code == 403 and "whose account is locked" in answer.get_data(as_text=True)


def test_a_form_carries_a_token_of_who_is_named_and_no_other(behind: Office) -> None:
    def token(who: str) -> str:
        page = ask(behind, "/held", X_Remote_User=who).get_data(as_text=True)
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        assert found is not None
        return found[1]

    def discard(who: str, csrf: str, site: str = "same-origin") -> int:
        answer = behind.client.post(
            "/held", base_url=BASE, headers={HEADER: who, "Sec-Fetch-Site": site},
            environ_overrides={"REMOTE_ADDR": "127.0.0.1"}, data={"csrf": csrf, "act": "x", "ref": "m-ffffffffffff"},
        )  # fmt: skip
        return int(answer.status_code)

    assert token("anna") == token("anna") != token("bob")
    assert discard("anna", token("anna")) == 422, "it got as far as what to do"
    for csrf in ("", token("bob"), "x" * 64):
        assert discard("anna", csrf) == 403
    assert discard("anna", token("anna"), "cross-site") == 403
    told = [line for line in logged(behind) if "security.refused" in line]
    assert any("anna, from 127.0.0.1: POST /held: this form is too old" in line for line in told)


def test_a_program_comes_with_its_own_token_past_the_header(behind: Office) -> None:
    with behind.installation.store() as store:
        secret = access_tokens.make_token(store, behind.installation.config, "anna", "report", 30, "anna")
    for address, status in (("/mails.json", 200), ("/mails.csv", 200), ("/mails", 401)):
        assert ask(behind, address, Authorization=f"Bearer {secret}").status_code == status


# ── where it comes from ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "peer", "seen"),
    [
        ("198.51.100.9", "127.0.0.1", "198.51.100.9"), ("1.2.3.4, 198.51.100.9", "127.0.0.1", "198.51.100.9"),
        ("[2001:db8::1]", "127.0.0.1", "2001:db8::1"), ("x", "127.0.0.1", "127.0.0.1"), ("", "10.1.0.1", "10.1.0.1"),
        ("198.51.100.9", "10.2.0.1", "10.2.0.1"), ("198.51.100.9", "localhost", "localhost"),
    ],
)  # fmt: skip
def test_only_a_trusted_proxy_says_where_somebody_comes_from(behind: Office, said: str, peer: str, seen: str) -> None:
    environ: dict[str, Any] = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": said, "PATH_INFO": "/"}
    proxied.Proxied(lambda given, _start: [], behind.installation)(environ, None)
    assert environ["REMOTE_ADDR"] == seen and proxied.FORWARDED not in environ


# ── below a path ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An office at https://desk.example.com/desk/."""
    with office(tmp_path_factory.mktemp("below") / "demo") as made:
        file = made.folder / "allegra.toml"
        text = re.sub(r"(?m)^base_url *=.*$", 'base_url = "https://desk.example.com/desk/"', file.read_text("utf-8"))
        file.write_text(text, "utf-8")
        made.installation._looked_at = 0.0
        yield made


def test_every_address_of_a_page_stands_below_the_path_and_is_there(below: Office) -> None:
    (ref, *_) = below.refs("outcome:held")
    for address in ("/desk/mails", "/desk/held", f"/desk/mail/{ref}", "/desk/item/2", "/desk/outbox", "/desk/topics"):
        page = below.client.get(address, base_url="https://desk.example.com", buffered=True).get_data(as_text=True)
        found = {each.replace("&amp;", "&") for each in re.findall(r'(?:href|src|action)="(/[^"]*)"', page)}
        assert found and all(each.startswith("/desk/") for each in found), address
        for each in sorted(found):
            answer = below.client.get(each, base_url="https://desk.example.com", buffered=True)
            assert answer.status_code in (200, 303, 405), each
            assert answer.status_code != 303 or answer.location.startswith("/desk/"), each


def test_a_proxy_may_take_the_path_away(below: Office) -> None:
    for address in ("/desk/mails", "/mails"):
        page = below.client.get(address, base_url="https://desk.example.com", buffered=True).get_data(as_text=True)
        assert 'action="/desk/mails"' in page
    assert below.client.get("/desk", base_url="https://desk.example.com").status_code in (200, 303, 308)
    assert below.client.get("/deskx/mails", base_url="https://desk.example.com").status_code == 404


def test_cookies_and_ways_back_are_those_of_the_path(below: Office) -> None:
    config = below.installation.config
    with below.app.test_request_context("/mails", base_url="https://desk.example.com/desk"):
        answer = below.app.make_response("x")
        guard.keep(answer, config, "secret")
        told = answer.headers["Set-Cookie"]
        assert told.startswith("__Secure-allegra=secret;") and "Path=/desk/" in told and "Secure" in told
        assert guard.is_inside("/desk/mails") and not guard.is_inside("/other/mails") and not guard.is_inside("/desk")
        assert not guard.is_inside("//desk/mails")
        for up in ("/desk/../other", "/desk/%2e%2E/other", "/desk/..//evil.example", "/desk/mails/..\\..\\other"):
            assert not guard.is_inside(up), up
        assert guard.is_inside("/desk/mails?q=../x")


def test_twins_are_there_below_the_path(below: Office) -> None:
    answer = below.client.get("/desk/mails.json", base_url="https://desk.example.com", buffered=True)
    assert json.loads(answer.data)["mails"]


def test_whoever_signs_in_at_the_proxy_has_a_page_of_their_own_and_makes_tokens_there(behind: Office) -> None:
    page = ask(behind, "/me", X_Remote_User="bob").get_data(as_text=True)
    assert "You sign in at the proxy" in page and 'type="password"' not in page and "Create a token" in page
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    sent = {"csrf": found[1], "act": "token", "name": "grafana", "days": "7"}
    headers = {HEADER: "bob", "Sec-Fetch-Site": "same-origin"}
    answer = behind.client.post(
        "/me", base_url=BASE, headers=headers, data=sent, environ_overrides={"REMOTE_ADDR": "127.0.0.1"}
    )  # fmt: skip
    (secret,) = re.findall(r"allegra_[\w-]+", answer.get_data(as_text=True))
    told = ask(behind, "/me.json", Authorization=f"Bearer {secret}")
    assert json.loads(told.data)["login"] == "bob"
