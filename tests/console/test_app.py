"""Every address of the console: what a page is, what a request may not do, what an error tells."""

from __future__ import annotations

import json
import re
import time
from hashlib import sha256
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
from console.catalogues import TEMPLATES
from console.offices import HOSTILE, Office, queue_letters

from engine.console import guard, static
from engine.console.app import ACTS, PAGES
from engine.console.guard import HEADERS
from engine.desk import for_good
from engine.desk.item_whole import weighed
from rules.document import digest

FOREIGN = r'<(script(?! src="/static/)|svg|iframe(?! class="body")|img|object|base|meta http)'
"""Elements that a page of ours does not have."""

ALIVE = r"<(script|iframe|form|object|svg|link|meta http)|<[^>]+ on(load|error)=|evil\.example/(a|b|pixel)"
"""What does something, or asks somebody, in the HTML of a mail."""

LETTER = "SELECT max(id) FROM outbox WHERE state = 'queued'"
WORK = {"/playground", "/hooks/guard.py", "/settings", "/jobs/<number>/stop"}
"""Where nothing is done but work that looks."""

DONE = "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM receipt)"

WRITER, NEVER_WROTE = "jane@mail.bigcorp.example", "bob.lund@example.com"

TABLES = ("inbound", "receipt", "event", "act", "outbox", "item", "comment", "tally", "sender", "trace",
          "rule_version", "rule_draft", "begun_words")  # fmt: skip


def addresses(office: Office) -> list[str]:
    """Every page there is, of a mail that is held, of a hostile one and of one that made an item."""
    (held, *_), (made, *_), (evil, *_) = office.refs("outcome:held"), office.refs("outcome:created"), office.evil()
    found = []
    for address, _ in PAGES:
        for ref in (held, made, evil) if "<ref>" in address else ("",):
            if address == "/held/<ref>" and ref == made:
                continue
            place = address.replace("<ref>", ref).replace("<path:address>", WRITER)
            place = place.replace("<path:name>", "support").replace("/hooks/<name>", "/hooks/guard.py")
            place = place.replace("/rules/<name>", "/rules/support")
            for part, one in (("number", "1"), ("comment", "0"), ("attachment", "1")):
                place = place.replace(f"<int:{part}>", one)
            found.append(place)
    return sorted(set(found))


NOT_THERE = {"/jobs/<number>", "/rules/support/version/1"}
"""Pages of what somebody has to begin or to save first."""


def test_every_page_is_there_and_has_the_headers_that_keep_it_safe(quiet_office: Office) -> None:
    for address in addresses(quiet_office):
        answer = quiet_office.get(address)
        assert answer.status_code in (200, 303, 404), address
        assert answer.status_code != 404 or "/file/" in address or address in NOT_THERE, address
        for name in HEADERS:
            assert name in answer.headers, (address, name)
        assert answer.headers["Cache-Control"] == "no-store" and "unsafe-eval" not in str(answer.headers)
        if "/body" not in address:
            assert "unsafe" not in answer.headers["Content-Security-Policy"], address


def test_looking_changes_nothing(quiet_office: Office) -> None:
    def all_rows() -> list[object]:
        return [quiet_office.rows(f"SELECT * FROM {table} ORDER BY 1") for table in TABLES]  # noqa: S608

    before = all_rows()
    for address in addresses(quiet_office):
        quiet_office.get(address)
        quiet_office.get(f"{address}.json")
    assert all_rows() == before


def test_a_twin_is_the_page_for_programs(quiet_office: Office) -> None:
    (held, *_) = quiet_office.refs("outcome:held")
    mails = json.loads(quiet_office.get("/mails.json?q=outcome:held").data)
    assert [each["mail"] for each in mails["mails"]] == quiet_office.refs("outcome:held")
    told = json.loads(quiet_office.get(f"/mail/{held}.json").data)
    assert told["mail"] == held and told["outcome"] == "held" and told["trace"]["stages"]
    assert json.loads(quiet_office.get(f"/held/{held}.json").data)["row"]["mail"] == held
    missing = quiet_office.get("/mail/m-ffffffffffff.json")
    assert missing.status_code == 404 and json.loads(missing.data) == {"error": "there is no mail m-ffffffffffff"}


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/nothing", 404, "Not found"),
        ("/mail/m-ffffffffffff", 404, "there is no mail m-ffffffffffff"),
        ("/mail/%00%ff", 404, "Not found"),
        ("/held/m-ffffffffffff", 404, "there is no mail"),
        ("/mails?q=outcome:hled", 422, "did you mean"),
        ("/mails?q=form:x", 422, "from:"),
        ("/mails?q=on:someday", 422, "takes a day"),
        ("/mails?before=x", 200, "Mails"),
        ("/mails?before=99999999999999999999", 200, "Mails"),
        ("/mails?q=%00%ed%a0%80", 200, "Mails"),
        ("/mails?q=" + "a+" * 51, 422, "50 words"),
        ("/held?q=newer_than:soon", 422, "an age is"),
        ("/static/0000000000000000/a.css", 404, "Not found"),
        ("/static/x/..%2f..%2fapp.py", 404, "Not found"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(quiet_office: Office, address: str, status: int, said: str) -> None:
    answer = quiet_office.get(address)
    assert answer.status_code == status
    assert said in answer.get_data(as_text=True).replace("&#39;", "'")
    assert "Traceback" not in answer.get_data(as_text=True)


def test_a_fault_of_ours_is_a_number_that_stands_in_the_log(
    own_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.desk import looking

    def breaks(*_args: object, **_more: object) -> None:
        raise RuntimeError("secret inside")

    file = own_office.folder / "allegra.toml"
    file.write_text(file.read_text("utf-8") + '\n[log]\nfile = "var/console.log"\n', "utf-8")
    own_office.installation._looked_at = 0.0
    monkeypatch.setattr(looking, "search", breaks)
    answer = own_office.get("/mails")
    found = re.search(r"under ([0-9a-f]{8})", answer.get_data(as_text=True))
    assert answer.status_code == 500 and found is not None and "secret" not in answer.get_data(as_text=True)
    assert found[1] in (own_office.folder / "var" / "console.log").read_text("utf-8")


# ── what a request may not do ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "169.254.169.254", "[fe80::1]"])
def test_a_name_that_is_not_ours_gets_nothing(quiet_office: Office, host: str) -> None:
    answer = quiet_office.client.get("/mails", base_url=f"http://{host}")
    assert answer.status_code == 421 and "bigcorp" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("address", [address for address, _ in ACTS])
def test_nothing_is_done_without_the_token_of_a_page_of_ours(own_office: Office, address: str) -> None:
    (held, *_) = own_office.refs("outcome:held")
    address = address.replace("<ref>", held).replace("<int:number>", "1").replace("<path:address>", NEVER_WROTE)
    address = address.replace("<path:name>", "support").replace("/hooks/<name>", "/hooks/guard.py")
    address = address.replace("/rules/<name>", "/rules/support")
    queue_letters(own_office)
    base = digest((own_office.folder / "rules" / "support.toml").read_text("utf-8"))
    (letter, *_), is_held = own_office.rows(LETTER)[0], address.startswith("/held")
    with own_office.installation.store() as store:
        goes, seen = str(weighed(store, 1)), for_good.state(store.archive.mail(held))
    forms = {
        "/item/1": {"act": "note", "words": "x"},
        "/item/1/delete": {"goes": goes},
        f"/mail/{held}/for-good": {"act": "do", "what": "replay", "reason": "x", "seen": seen},
        f"/mail/{held}": {"act": "settle"},
        "/topic/1": {"act": "post", "words": "x"},
        "/outbox": {"act": "hold", "row": str(letter)},
        f"/person/{NEVER_WROTE}": {"act": "forget", "reason": "x"},
        "/mailbox/support": {"act": "pause", "reason": "x"},
        "/me": {"act": "wants", "prefers-new": "all"},
        "/rules/support/edit": {"act": "save", "text": "# none\n", "reason": "x", "unseen": "1", "base": base},
        "/playground": {"act": "all", "condition": "subject exists"},
        "/hooks/guard.py": {"act": "test"},
        "/settings": {"act": "check-online"},
    }
    form = forms.get(address, {"act": "discard", "reason": "x", "ref": held})
    before = own_office.rows(DONE)
    for more in ({"token": ""}, {"token": "x" * 43}, {"site": "cross-site"}, {"site": "same-site"}, {"site": "none"}):
        assert own_office.post(address, **more, **form).status_code == 403
    sent = own_office.client.post(address, base_url="http://localhost", data={**form, "csrf": own_office.token()})
    assert sent.status_code == 403
    sent = own_office.client.post(
        address, base_url="http://localhost", data={**form, "csrf": own_office.token()},
        headers={"Origin": "http://evil.example"},
    )  # fmt: skip
    assert sent.status_code == 403
    assert held in own_office.refs("outcome:held") and own_office.rows(DONE) == before
    assert own_office.post(address, **form).status_code == (404 if address == "/jobs/<number>/stop" else 303)
    assert (held not in own_office.refs("outcome:held")) == is_held
    assert (own_office.rows(DONE) == before) == (address in WORK), "work only looks"


def test_an_act_is_no_get_and_a_page_no_post(quiet_office: Office) -> None:
    assert quiet_office.post("/mails").status_code == 405
    for method in ("PUT", "DELETE", "PATCH"):
        assert quiet_office.client.open("/held", method=method, base_url="http://localhost").status_code == 405


def test_a_form_is_only_so_long(quiet_office: Office) -> None:
    assert quiet_office.post("/held", reason="x" * 3_000_000).status_code == 413


def test_a_form_has_only_so_many_fields_whoever_sends_it(quiet_office: Office) -> None:
    """A megabyte of fields takes seconds to read, and a stranger may send it to the page where one signs in."""
    kind, site = "application/x-www-form-urlencoded", {"Sec-Fetch-Site": "same-origin"}
    for address in ("/login", "/held", "/item/2"):
        began = time.process_time()
        sent = quiet_office.client.post(
            address, base_url="http://localhost", data=b"a&" * 500_000, content_type=kind, headers=site
        )
        assert sent.status_code == 413 and time.process_time() - began < 0.3, address


# ── strangers' words ──────────────────────────────────────────────────────────────────────────────────────────


def test_what_strangers_wrote_is_text_on_every_page(quiet_office: Office) -> None:
    refs = quiet_office.evil()
    assert len(refs) == len(HOSTILE)
    pages = [quiet_office.get(address) for address in ("/mails", "/held", "/mails?q=domain:attacker.example")]
    for ref in refs:
        pages += [quiet_office.get(f"/mail/{ref}"), quiet_office.get(f"/mail/{ref}/headers")]
    for page in pages:
        text = page.get_data(as_text=True)
        assert page.status_code == 200
        assert not re.search(
            r"<(script(?! src=\"/static/)|svg|iframe(?! class=\"body\")|img|object|base|meta http)", text, re.I
        )
        assert not re.search(r"<[^>]+\son\w+\s*=", re.sub(r'"[^"]*"', '""', text))
        assert "74208949" not in text
        assert not re.search("[\u0000-\u0008\u000b\u000c\u000e-\u001f\u202a-\u202e\u2066-\u2069\u200b\ufeff]", text)


def test_the_html_of_a_mail_can_do_nothing(quiet_office: Office) -> None:
    for ref in quiet_office.evil():
        answer = quiet_office.get(f"/mail/{ref}/body")
        text = answer.get_data(as_text=True)
        policy = answer.headers["Content-Security-Policy"]
        assert "sandbox allow-popups" in policy and "allow-scripts" not in policy and "allow-same-origin" not in policy
        assert not re.search(
            r"<(script|iframe|form|object|svg|link|meta http)|onload|onerror=|evil\.example/(a|b|pixel)", text, re.I
        )


def test_a_file_is_saved_and_never_shown_unless_it_is_a_picture_by_its_bytes(quiet_office: Office) -> None:
    (ref, *_) = quiet_office.evil()
    answer = quiet_office.get(f"/mail/{ref}/file/1")
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.content_type == "application/octet-stream" and b"GIF89a" in answer.data
    shown = quiet_office.get(f"/mail/{ref}/file/1?view=1")
    assert "script" not in shown.content_type and "html" not in shown.content_type
    assert quiet_office.get(f"/mail/{ref}/file/9").status_code == 404
    assert quiet_office.get(f"/mail/{ref}/raw").headers["Content-Disposition"].startswith("attachment;")


def test_a_search_that_takes_long_says_how_far_it_looked_and_goes_on_from_there(
    quiet_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.console.pages import mails
    from engine.store import walking

    monkeypatch.setattr(mails, "WITHIN_S", 0.0)
    monkeypatch.setattr(walking, "WINDOW_ROWS", 3)
    address, seen, pages = "/mails?q=subject:laptop", [], 0
    while address:
        page = quiet_office.get(address).get_data(as_text=True)
        seen += re.findall(r'<a href="/mail/(m-\w+)"><bdi>', page)
        found = re.search(r'rel="next" href="([^"]+)">Search older', page)
        assert found is None or "Looked back to" in page
        address, pages = (found[1].replace("&amp;", "&") if found else ""), pages + 1
    assert pages > 5 and seen == quiet_office.refs("subject:laptop")


class _Forms(HTMLParser):
    """How deep forms stand in each other: a browser closes the outer one where the inner one ends."""

    def __init__(self) -> None:
        super().__init__()
        self.depth, self.nested = 0, 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.depth += tag == "form"
        self.nested += tag == "form" and self.depth > 1

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "form"


def test_no_form_stands_in_another(quiet_office: Office) -> None:
    from console.test_browser import pages

    for address in pages(quiet_office).values():
        seen = _Forms()
        seen.feed(quiet_office.get(address).get_data(as_text=True))
        assert (seen.nested, seen.depth) == (0, 0), address


def test_no_form_stands_in_another_while_work_is_under_way(own_office: Office) -> None:
    token = own_office.form_token()
    began = own_office.post("/rules/support/edit", token=token, act="effect", text="", base="")
    seen = _Forms()
    text = own_office.get(began.headers["Location"].partition("#")[0]).get_data(as_text=True)
    seen.feed(text)
    assert "every 1s" in text and (seen.nested, seen.depth) == (0, 0)


@pytest.mark.parametrize("origin", ["null", "", "http://[", "//", "https:", "http://evil.example"])
def test_a_page_without_a_name_is_none_of_ours_where_we_have_no_address(quiet_office: Office, origin: str) -> None:
    config: Any = SimpleNamespace(instance=SimpleNamespace(base_url=""))
    with quiet_office.app.test_request_context("/held", base_url="http://localhost", headers={"Origin": origin}):
        assert not guard._same_origin(config)


NULS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/rules/support/edit", {"act": "check", "text": "# a\0b", "base": "x\0"}),
    ("/held/<held>", {"act": "discard", "reason": "a\0b"}), ("/held/<held>", {"act": "release", "to": "\0"}),
    ("/item/1", {"act": "note", "words": "a\0b", "key": "k\0"}), ("/item/1", {"act": "set", "title": "a\0b"}),
    ("/item/1", {"act": "relabel", "labels": "a\0b"}), ("/item/1", {"act": "join", "who": "a\0b", "role": "watcher"}),
    ("/mailbox/support", {"act": "pause", "reason": "a\0b"}), ("/outbox", {"act": "hold", "row": "1", "reason": "a\0"}),
    ("/topic/1", {"act": "post", "words": "a\0b"}), ("/playground", {"act": "all", "condition": 'subject is "a\0b"'}),
    ("/playground", {"act": "mail", "source": "Subject: a\0b\n\nx\0", "mailbox": "support"}),
    ("/playground", {"act": "mail", "sender": "a\0b@c.d", "to": "x@y", "subject": "a\0b", "mailbox": "support"}),
    ("/person/jane@mail.bigcorp.example", {"act": "forget", "reason": "a\0"}),
    ("/me", {"act": "wants", "preset": "x\0"}), ("/login", {"who": "a\0b", "password": "x\0"}),
)  # fmt: skip

ASKED = (
    "/mails?q=a%00b", "/mails?q=from:a%00b", "/mails?q=rule:a%00", "/mails?q=mailbox:a%00", "/items?q=a%00b",
    "/items?q=assigned:a%00", "/items?q=label:a%00", "/people?q=a%00b", "/person/a%00b@c.d", "/held?q=a%00",
    "/held?q=%22", "/held?q=from:", "/audit?q=actor:a%00b", "/audit?q=a%00b@x", "/outbox?q=a%00b", "/outbox?q=to:a%00",
    "/mailbox/a%00", "/hooks/a%00", "/rules/a%00", "/jobs/%00", "/mail/%3Ca%00@b%3E", "/playground?mail=%00",
    "/playground?condition=subject+is+%22a%00%22", "/me?workspace=%00", "/rules/support/edit?mail=%00",
    "/rules/support/edit?condition=%00", "/playground?condition=subject+is+%22a%EF%BF%BF%22",
    "/playground?condition=subject+is+%22a%7F%22", "/playground?condition=subject+is+%22'''%22",
)  # fmt: skip


def test_a_character_that_is_none_breaks_no_page_and_no_form(own_office: Office) -> None:
    (waits, *_) = own_office.refs("outcome:held")
    token = own_office.form_token()
    for address, form in NULS:
        answer = own_office.post(address.replace("<held>", waits), token=token, **form)
        assert answer.status_code < 500, (address, form)
    for address in ASKED:
        assert own_office.get(address).status_code < 500, address


ATTRIBUTES = {
    "get",
    "post",
    "target",
    "trigger",
    "select",
    "select-oob",
    "swap",
    "sync",
    "vals",
    "replace-url",
    "encoding",
}
"""What templates use of the script that asks for parts of a page again: nothing of it is code."""


def test_the_script_that_is_not_ours_is_the_one_that_was_published_and_runs_no_code_of_a_page(
    quiet_office: Office,
) -> None:
    recorded, name = static.FOLDER.joinpath("SHA256").read_text("utf-8").split()[:2]
    assert sha256(static.FOLDER.joinpath(name).read_bytes()).hexdigest() == recorded
    templates = "".join(each.read_text("utf-8") for each in TEMPLATES.glob("*.html"))
    used = set(re.findall(r"\shx-([\w:-]+)=", templates))
    assert used <= ATTRIBUTES and {"get", "post"} <= used
    assert not re.search(r"""hx-[\w-]+=["'](js|javascript):|hx-trigger="[^"]*\[""", templates)
