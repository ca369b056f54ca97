"""Signing in and out: cookies, sessions, who waits, and what gets in without."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from console.offices import BASE, PASSWORD, Office, enter, served
from servers.chromium import seat

from engine.desk import access_tokens

NAME = "__Host-allegra"
"""The demo is behind TLS, as its base_url says."""


def cookie(client: Any) -> str:
    found = client.get_cookie(NAME, domain="localhost")
    assert found is not None
    return str(found.value)


def test_who_is_not_signed_in_is_asked_to_and_comes_back_to_where_they_were_going(gate: Office) -> None:
    client = gate.client
    sent = client.get("/mails?q=outcome:held", base_url=BASE)
    assert sent.status_code == 303 and sent.location == "/login?next=/mails?q%3Doutcome:held"
    assert enter(client, next="/mails?q=outcome:held").location == "/mails?q=outcome:held"
    assert client.get("/mails", base_url=BASE).status_code == 200
    for address in ("/mails.json", "/held.json"):
        answer = gate.client.get(address, base_url=BASE)
        assert answer.status_code == 401 and json.loads(answer.data) == {"error": "sign in first"}
    assert gate.client.post("/held", base_url=BASE, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 401
    assert gate.client.get("/healthz", base_url=BASE).status_code == 200


def test_a_page_that_renews_itself_keeps_nobody_in(gate: Office) -> None:
    client, seen = gate.client, "SELECT seen_at FROM session"
    enter(client)
    with gate.installation.store() as store, store.writing():
        store.database.run("UPDATE session SET seen_at = seen_at - 3600000000")
    before = gate.rows(seen)
    assert client.get("/", base_url=BASE, headers={"X-Renew": "1"}).status_code == 200
    assert gate.rows(seen) == before
    assert client.get("/", base_url=BASE).status_code == 200
    assert gate.rows(seen) > before


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/\tx", "x"]
)
def test_nobody_is_led_elsewhere(gate: Office, wanted: str) -> None:
    assert enter(gate.client, next=wanted).location == "/"


def test_the_cookie_is_for_this_host_only_and_no_script_sees_it(gate: Office) -> None:
    told = enter(gate.client).headers["Set-Cookie"]
    for word in (f"{NAME}=", "HttpOnly", "SameSite=Lax", "Path=/", "Secure"):
        assert word in told
    assert "Domain" not in told
    file = gate.folder / "allegra.toml"
    file.write_text(re.sub(r"(?m)^base_url[^\n]*\n", "", file.read_text("utf-8")), "utf-8")
    gate.installation._looked_at = 0.0
    plain = enter(gate.client).headers["Set-Cookie"]
    assert plain.startswith("allegra=") and "Secure" not in plain and "HttpOnly" in plain, "on this machine without TLS"


def test_a_wrong_password_and_an_unknown_login_get_the_same_answer(gate: Office) -> None:
    answers = [
        enter(gate.client, who, "wrong password") for who in ("anna", "nobody", "nobody@example.com", "\x00", "")
    ]
    pages = {re.sub(r'value="[^"]*"', "", each.get_data(as_text=True)) for each in answers}
    assert {each.status_code for each in answers} == {401} and len(pages) == 1
    assert all("Set-Cookie" not in each.headers for each in answers)


def test_whoever_guesses_waits_and_is_told_how_long(gate: Office) -> None:
    statuses = [enter(gate.client, "anna", f"guess number {number}").status_code for number in range(8)]
    assert statuses[:5] == [401] * 5 and statuses[-1] == 429
    answer = enter(gate.client, "anna", "guess")
    assert int(answer.headers["Retry-After"]) > 0 and "try again in" in answer.get_data(as_text=True)
    assert enter(gate.client, "anna").status_code == 429, "the right one waits as well"
    assert enter(gate.client, "bob").status_code == 303, "and nobody else does"


def test_signing_in_makes_a_new_session_and_ends_the_one_that_was_there(gate: Office) -> None:
    client = gate.client
    client.set_cookie(NAME, "chosen-by-somebody-else", domain="localhost")
    enter(client)
    first = cookie(client)
    assert first != "chosen-by-somebody-else" and len(first) > 40
    enter(client)
    other = gate.client
    other.set_cookie(NAME, first, domain="localhost")
    assert other.get("/mails", base_url=BASE).status_code == 303


def test_signing_out_ends_the_session_for_good(gate: Office) -> None:
    client = gate.client
    enter(client)
    kept, page = cookie(client), client.get("/mails", base_url=BASE).get_data(as_text=True)
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token is not None
    said = {"Sec-Fetch-Site": "same-origin"}
    assert client.post("/logout", base_url=BASE, headers=said, data={"csrf": "x"}).status_code == 403
    assert client.post("/logout", base_url=BASE, headers=said, data={"csrf": token[1]}).location == "/login"
    other = gate.client
    other.set_cookie(NAME, kept, domain="localhost")
    assert other.get("/mails", base_url=BASE).status_code == 303


def test_who_is_locked_is_out_at_once(gate: Office) -> None:
    client = gate.client
    enter(client)
    assert client.get("/mails", base_url=BASE).status_code == 200
    with gate.installation.store() as store:
        store.directory.put_account("anna", status="locked")
    assert client.get("/mails", base_url=BASE).status_code == 303


def test_the_token_of_another_session_is_none_here(gate: Office) -> None:
    one, other = gate.client, gate.client
    enter(one)
    enter(other, "bob")
    found = re.search(r'name="csrf" value="([^"]+)"', other.get("/held", base_url=BASE).get_data(as_text=True))
    assert found is not None
    sent = one.post("/logout", base_url=BASE, headers={"Sec-Fetch-Site": "same-origin"}, data={"csrf": found[1]})
    assert sent.status_code == 403


def test_a_program_reads_twins_with_a_token_and_does_nothing_else(gate: Office) -> None:
    with gate.installation.store() as store:
        secret = access_tokens.make_token(store, gate.installation.config, "anna", "report", 30, "anna")
    said = {"Authorization": f"Bearer {secret}", "Sec-Fetch-Site": "same-origin"}
    assert gate.client.get("/mails.json", base_url=BASE, headers=said).status_code == 200
    assert gate.client.get("/mails", base_url=BASE, headers=said).status_code == 303
    assert gate.client.post("/held", base_url=BASE, headers=said, data={"csrf": ""}).status_code == 401
    wrong = {"Authorization": f"Bearer {secret}x"}
    assert gate.client.get("/mails.json", base_url=BASE, headers=wrong).status_code == 401


@pytest.mark.parametrize("scripts", [True, False])
def test_signing_in_works_in_a_browser(chromium: Any, gate: Office, scripts: bool) -> None:
    with served(gate.app) as host, seat(chromium, host, scripts=scripts) as window:
        page = window.page
        window.go("/held")
        page.fill("#who", "anna@example.com")
        page.fill("#password", PASSWORD)
        page.click("button.main")
        page.wait_for_url("**/held")
        assert "wait for a decision" in window.text()
        page.click("text=Sign out")
        page.wait_for_url("**/login")
        assert window.met == []


def test_a_part_of_a_page_is_no_place_to_sign_in(gate: Office) -> None:
    part = gate.client.get("/playground", base_url=BASE, headers={"HX-Request": "true"})
    assert part.status_code == 401 and part.location is None, "it would stand where the answer stood"
