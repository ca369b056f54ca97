"""Items in the console: who sees which, what is said and changed there, and that a form does one thing once."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from console.offices import Office, office
from console.test_access import become
from servers.chromium import seat

ROLES = {
    "nobody": (),
    "viewer": ("view_items",),
    "talker": ("view_items", "add_comments"),
    "editor": ("view_items", "add_comments", "edit_items"),
}
"""What each may in the workspace support, which is private here; in no other one anything."""

ACTS: tuple[tuple[str, dict[str, str], tuple[str, ...]], ...] = (
    ("answer", {"words": "It is mended.", "anyway": "1"}, ("talker", "editor")),
    ("note", {"words": "Ask Bob."}, ("editor",)),
    ("draft", {"words": "We think that"}, ("editor",)),
    ("set", {"priority": "High", "was-priority": "Normal"}, ("editor",)),
    ("set", {"status": "Closed", "was-status": "New"}, ("editor",)),
    ("relabel", {"labels": "urgent, vip"}, ("editor",)),
    ("undo", {"of": "first"}, ()),
    ("join", {"who": "bob", "role": "watcher"}, ("editor",)),
)
"""Acts, what their form says, and who may."""


def furnish(made: Office) -> dict[str, int]:
    """A login for each role; an item that everybody in support sees, a private one, one of another workspace."""
    with made.installation.store() as store:
        store.items.put_workspace("finance", public=False)
        store.items.put_workspace("support", public=False)
        for name, words in ROLES.items():
            store.directory.put_account(name, name=name, emails=[f"{name}@people.example"])
            if words:
                store.directory.put_role(f"items {name}", words)
                store.directory.put_member("support", f"items {name}", user=name)
        made.take(OTHERS)
        (other, *_), (mine, secret, *_) = store.items.newest("", 1), store.items.newest("support", 100)[::-1]
        with store.writing():
            for change, item in ((SECRET, secret), (MINE, mine), (ELSEWHERE, other)):
                store.database.run(change, item.id)
    become(made, "editor")
    found = {"mine": mine.id, "secret": secret.id, "other": other.id}
    note = {"act": "note", "words": "the customer is difficult", "key": "first"}
    assert made.post(f"/item/{mine.id}", token=made.form_token(mine.id), **note).status_code == 303
    return found


SECRET = "UPDATE item SET private = TRUE, title = 'Dismissal of Zoe' WHERE id = ?"
MINE = "UPDATE item SET status = 'New', priority = 'Normal', closed_at = NULL, title = 'Printer' WHERE id = ?"
ELSEWHERE = "UPDATE item SET workspace_id = (SELECT id FROM workspace WHERE identifier = 'finance') WHERE id = ?"
COUNTED = "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM outbox), (SELECT count(*) FROM comment)"

OTHERS = (
    b"From: jane@example.com\r\nTo: help@example.com\r\nMessage-ID: <salaries@example.com>\r\n"
    b"Subject: Salaries of May\r\n\r\nWe pay too much.\r\n"
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, dict[str, int]]]:
    with office(tmp_path_factory.mktemp("items") / "demo") as made:
        yield made, furnish(made)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Office, dict[str, int]]]:
    with office(tmp_path / "demo") as made:
        yield made, furnish(made)


@pytest.mark.parametrize("login", ROLES)
def test_nothing_of_an_item_of_others_stands_on_any_page(shared: tuple[Office, dict[str, int]], login: str) -> None:
    made, items = shared
    become(made, login)
    may, edits = bool(ROLES[login]), "edit_items" in ROLES[login]
    hidden = ["Salaries of May"] + ([] if edits else ["Dismissal of Zoe"]) + ([] if may else ["Printer"])
    for address in ("/items", "/items.json", "/items?q=status:open", "/items?q=may", "/items?q=-nothing"):
        text = made.get(address).get_data(as_text=True)
        assert [word for word in hidden if word in text] == [], address
    for name, seen in (("mine", may), ("secret", edits), ("other", False)):
        for part in ("", ".json", "/body/0"):
            assert made.get(f"/item/{items[name]}{part}").status_code == (200 if seen else 404), (name, part)
    unseen, absent = (made.get(f"/item/{number}").data for number in (items["other"], 999_999))
    assert unseen == absent.replace(b"999999", str(items["other"]).encode())


@pytest.mark.parametrize("login", [login for login, words in ROLES.items() if words])
def test_what_is_said_inside_is_for_who_may_edit(shared: tuple[Office, dict[str, int]], login: str) -> None:
    made, items = shared
    become(made, login)
    for part in ("", ".json"):
        text = made.get(f"/item/{items['mine']}{part}").get_data(as_text=True)
        assert ("the customer is difficult" in text) == ("edit_items" in ROLES[login])
    page = made.get(f"/item/{items['mine']}").get_data(as_text=True)
    assert ('value="answer"' in page) == ("add_comments" in ROLES[login])
    assert ('value="note"' in page) == ('name="priority"' in page) == ("edit_items" in ROLES[login])
    twin = json.loads(made.get(f"/item/{items['mine']}.json").data)
    assert not any([twin["mail"], *[each["mail"] for each in twin["comments"]]]), "nobody here may view mail"
    assert ('class="told"' in page) <= ("edit_items" in ROLES[login]), "addresses of who heard"


@pytest.mark.parametrize("login", ROLES)
@pytest.mark.parametrize(("act", "form", "who"), ACTS, ids=[f"{act} {next(iter(form))}" for act, form, _ in ACTS])
def test_each_act_is_done_or_refused_as_roles_say(
    shared: tuple[Office, dict[str, int]], login: str, act: str, form: dict[str, str], who: tuple[str, ...]
) -> None:
    made, items = shared
    become(made, login)
    before = made.rows(COUNTED)
    key = f"{login}-{act}-{next(iter(form))}"
    answer = made.post(f"/item/{items['mine']}", token=made.form_token(), act=act, key=key, **form)
    done = login in who
    assert answer.status_code == (303 if done else 409 if ROLES[login] else 404)
    assert (made.rows(COUNTED) > before) == done
    become(made, login)
    for name in ("other",) if "edit_items" in ROLES[login] else ("other", "secret"):
        assert made.post(f"/item/{items[name]}", token=made.form_token(), act=act, **form).status_code == 404
    assert made.rows(COUNTED) == before or done


@pytest.mark.parametrize("login", [*ROLES, "anna"])
def test_what_items_have_in_common_leads_to_them_and_tells_of_no_others(
    shared: tuple[Office, dict[str, int]], login: str
) -> None:
    made, _ = shared
    become(made, login)
    for query in ("", "status:open", "unanswered", "printer"):
        told = json.loads(made.get(f"/items.json?q={query}").data)
        rows, kinds = told["items"], told["facets"]
        assert kinds["items"] == len(rows) < 50 and not kinds["more"]
        for name, key in (("status", "status"), ("assigned", "assigned_to"), ("workspace", "workspace")):
            assert sum(many for _, many in kinds[name]) == len(rows)
            assert {value for value, _ in kinds[name]} == {row[key] or "-" for row in rows}
    aside = made.get("/items?q=status:open").get_data(as_text=True).partition("<aside")[2].partition("</aside>")[0]
    links = re.findall(r'href="/items\?q=(status:open\+[^"]+)">.*?<span class="quiet">(\d+)</span>', aside)
    assert links if login == "anna" else login != "nobody" or not links
    for query, many in links:
        assert len(json.loads(made.get(f"/items.json?q={query}").data)["items"]) == int(many), query
    older = json.loads(made.get("/items.json?before=2").data)
    assert older["facets"] is None, "they are told beside the newest ones"


def test_how_a_search_may_go_on_is_told_to_who_sees_it(shared: tuple[Office, dict[str, int]]) -> None:
    made, _ = shared
    become(made, "viewer")
    assert json.loads(made.get("/complete?of=items&q=title:x+workspace:").data) == ["title:x workspace:support"]
    assert json.loads(made.get("/complete?of=mails&q=workspace:").data) == [], "no mail is seen"
    assert made.get("/complete?of=people&q=x").status_code == 422
    become(made, "nobody")
    assert json.loads(made.get("/complete?of=items&q=workspace:").data) == []


def test_who_would_hear_is_told_and_nothing_is_recorded(own: tuple[Office, dict[str, int]]) -> None:
    made, items = own
    where, token = f"/item/{items['mine']}", made.form_token()
    before = made.rows(COUNTED)
    page = made.post(where, token=token, act="note", words='is it "so" <b>?', key="k", **{"try": "1"})
    text = page.get_data(as_text=True)
    assert page.status_code == 200 and "A note " in text and "is it &#34;so&#34; &lt;b&gt;?</textarea>" in text
    assert made.rows(COUNTED) == before
    assert made.post(where, token=token, act="note", words="is it so?", key="k").status_code == 303, "the key is free"


def test_a_form_that_comes_twice_is_one_act(own: tuple[Office, dict[str, int]]) -> None:
    made, items = own
    where, token = f"/item/{items['mine']}", made.form_token()
    for _ in range(2):
        assert made.post(where, token=token, act="note", words="once", key="same").status_code == 303
    assert made.rows("SELECT count(*) FROM comment WHERE text = 'once'") == [(1,)]
    (event, *_) = made.rows("SELECT actor, via FROM event WHERE name = 'item.noted' ORDER BY id DESC")
    assert event == ("editor", "console")


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"act": "answer", "words": "  "}, 422, "there are no words"),
        ({"act": "nonsense", "words": "kept"}, 422, "choose what to do"),
        ({"act": "answer", "words": "kept", "status": "Purple"}, 422, "status"),
        ({"act": "set", "priority": "Enormous", "was-priority": "Normal"}, 422, "priority"),
        ({"act": "set", "priority": "Normal", "was-priority": "Normal"}, 422, "nothing is changed"),
        ({"act": "join", "who": " "}, 422, "say who"),
        ({"act": "join", "who": "bob", "role": "king"}, 422, "a role is watcher"),
        ({"act": "join", "who": "nobody-there", "role": "reader"}, 422, "nobody-there"),
        ({"act": "merge", "into": "#x"}, 422, "into which item"),
        ({"act": "merge", "into": "999999"}, 422, "no item #999999"),
        ({"act": "send", "comment": "999999"}, 422, ""),
        ({"act": "send", "comment": "x" * 50}, 422, ""),
    ],
)
def test_what_is_refused_says_why_and_keeps_what_was_typed(
    shared: tuple[Office, dict[str, int]], form: dict[str, str], status: int, said: str
) -> None:
    made, items = shared
    become(made, "editor")
    answer = made.post(f"/item/{items['mine']}", token=made.form_token(), **form)
    text = answer.get_data(as_text=True)
    assert answer.status_code == status
    (alert,) = re.findall(r'role="alert">([^<]*)', text)
    assert said in alert and alert
    assert "kept" not in form.get("words", "") or "kept</textarea>" in text


def test_a_long_conversation_is_short_until_all_is_asked_for(own: tuple[Office, dict[str, int]]) -> None:
    made, items = own
    with made.installation.store() as store, store.writing():
        for number in range(80):
            store.database.run(COMMENT, items["mine"], f"word {number:03d}" + " and more" * 2000, number + 3 * 10**15)
    where = f"/item/{items['mine']}"
    page, whole = (made.get(address).get_data(as_text=True) for address in (where, f"{where}?all=1"))
    assert (
        page.count("word 0") == 50
        and "word 079" in page
        and "word 029" not in page
        and "32 more entries before" in page
    )
    assert "more characters" in page and len(page) < len(whole) and whole.count("word 0") == 80


def test_somebody_joins_and_is_taken_off(own: tuple[Office, dict[str, int]]) -> None:
    made, items = own
    where, token = f"/item/{items['mine']}", made.form_token()
    assert made.post(where, token=token, act="join", who="bob", role="watcher", key="j").status_code == 303
    assert "Remove bob" in made.get(where).get_data(as_text=True)
    assert made.post(where, token=token, act="leave", who="bob", key="l").status_code == 303
    assert "Remove bob" not in made.get(where).get_data(as_text=True)
    before = made.rows(COUNTED)
    again = made.post(where, token=token, act="leave", who="bob", key="again")
    assert "Nothing+changed" in again.headers["Location"] or "Nothing%20changed" in again.headers["Location"]
    assert made.rows(COUNTED) == before
    become(made, "talker")
    assert made.post(where, token=token, act="leave", who="editor", key="x").status_code == 409


def test_an_item_is_merged_into_one_that_is_seen_only(own: tuple[Office, dict[str, int]]) -> None:
    made, items = own
    token = made.form_token()
    unseen = made.post(f"/item/{items['mine']}", token=token, act="merge", into=str(items["other"]))
    assert unseen.status_code == 422 and f"no item #{items['other']}" in unseen.get_data(as_text=True)
    public = made.post(f"/item/{items['secret']}", token=token, act="merge", into=f"#{items['mine']}")
    assert public.status_code == 409 and "is private and" in public.get_data(as_text=True)
    made.post(f"/item/{items['mine']}", token=token, act="merge", into=str(items["secret"]), key="m")
    assert f'href="/item/{items["secret"]}"' in made.get(f"/item/{items['mine']}").get_data(as_text=True)


def test_a_key_is_of_who_sent_it(own: tuple[Office, dict[str, int]]) -> None:
    made, items = own
    form = {"act": "note", "words": "of one", "key": "same", "token": made.form_token()}
    assert made.post(f"/item/{items['mine']}", **form).status_code == 303
    become(made, "anna")
    assert made.post(f"/item/{items['secret']}", **form).status_code == 303, "the key of somebody else is not ours"


COMMENT = (
    "INSERT INTO comment (item_id, text, quoted, html, sender, internal, draft, created_at)"
    " VALUES (?, ?, '', '', '', FALSE, FALSE, ?)"
)


def test_a_twin_is_what_the_command_prints(shared: tuple[Office, dict[str, int]]) -> None:
    made, items = shared
    become(made, "anna")
    twin = json.loads(made.get(f"/item/{items['mine']}.json").data)
    command = [sys.executable, "-m", "engine", "--config", str(made.folder / "allegra.toml"), "item", "show"]
    told = subprocess.run([*command, str(items["mine"]), "--json"], capture_output=True, text=True, check=True).stdout
    printed = json.loads(told)
    assert {name: twin[name] for name in ("id", "title", "comments", "people")} == {
        name: printed[name] for name in ("id", "title", "comments", "people")
    }


@pytest.mark.server
@pytest.mark.parametrize("scripts", [True, False])
def test_an_item_is_found_noted_and_answered(chromium: Any, own_office: Office, own_host: str, scripts: bool) -> None:
    with seat(chromium, own_host, scripts=scripts) as window:
        page = window.page
        window.go("/items")
        page.fill("#items-q", "-title:nothing sta")
        if scripts:
            page.wait_for_selector("#items-words option[value='-title:nothing status:']", state="attached")
        page.fill("#items-q", "-title:nothing")
        page.press("#items-q", "Enter")
        page.click("td.w-subject a >> nth=0")
        page.wait_for_selector("#words")
        page.check(".say input[value=note]")
        page.fill("#words", "Only for us.")
        page.click("text=Who would be told?")
        assert "A note" in page.inner_text(".say [role=status]")
        assert page.input_value("#words") == "Only for us."
        page.click(".say button.main")
        assert "Noted" in page.inner_text("[role=status]")
        assert "Only for us." in page.inner_text(".words.note >> nth=-1")
        if scripts:
            page.keyboard.press("a")
            page.keyboard.type("It is mended.")
        else:
            page.fill("#words", "It is mended.")
        page.check(".say input[name=anyway]")
        page.focus("#words")
        page.keyboard.press("Control+Enter") if scripts else page.click(".say button.main")
        page.wait_for_selector("text=Answered:")
        assert "It is mended." in page.inner_text(".words.comment >> nth=-1")
        page.select_option("#f-status", "Closed")
        page.click("button[value=set]")
        page.wait_for_selector("text=The details are changed:")
        assert window.met == []


def test_files_come_with_an_answer_a_note_and_a_draft(own_office: Office) -> None:
    token = own_office.form_token()
    for number, (act, words) in enumerate((("answer", "See the file."), ("note", ""), ("draft", "Later"))):
        name = f"plan \u202e{number}<b>.txt"
        files = [(io.BytesIO(b"a" * 300_000), name), (io.BytesIO(b"b"), "second.png"), (io.BytesIO(b""), "")]
        answer = own_office.post("/item/2", token=token, act=act, words=words, key=f"files {number}", file=files)
        assert answer.status_code == 303, answer.get_data(as_text=True)
    page = own_office.get("/item/2").get_data(as_text=True)
    assert page.count("second.png") == 3 and "\u202e" not in page
    kept = own_office.rows("SELECT id, name FROM attachment WHERE item_id = 2 AND name LIKE 'plan%' ORDER BY id")
    assert own_office.get(f"/item/2/file/{kept[0][0]}").data == b"a" * 300_000
    again = own_office.post(
        "/item/2", token=token, act="note", words="", key="files 1", file=[(io.BytesIO(b"x"), "twice.txt")]
    )
    assert again.status_code == 303 and "twice.txt" not in own_office.get("/item/2").get_data(as_text=True), "done once"


def test_files_are_only_so_many_and_so_big(own_office: Office) -> None:
    token = own_office.form_token()
    many = [(io.BytesIO(b"x"), f"{number}.txt") for number in range(21)]
    assert own_office.post("/item/2", token=token, act="note", words="x", file=many).status_code == 422
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="big.bin"\r\n\r\n'
    sent = own_office.client.post(
        "/item/2", base_url="http://localhost", data=head + b"x" * 11_000_000 + b"\r\n--x--\r\n",
        headers={"Sec-Fetch-Site": "same-origin"}, content_type="multipart/form-data; boundary=x",
    )  # fmt: skip
    assert sent.status_code == 413
    assert own_office.post("/topic/1", token=token, act="post", words="x" * 1_100_000).status_code == 413
    assert own_office.rows("SELECT count(*) FROM attachment WHERE name LIKE '%.bin'") == [(0,)]


def fact(made: Office, item: int, name: str) -> str:
    (found,) = made.rows(f"SELECT {name} FROM item WHERE id = {item}")  # noqa: S608 - a column
    return str(found[0])


def undo_of(made: Office, where: str) -> dict[str, str]:
    """The form that takes back what a page says was done; empty where there is none."""
    page = made.get(where).get_data(as_text=True)
    found = re.search(r'name="key" value="([^"]+)"><input type="hidden" name="of" value="([^"]+)">', page)
    return {"act": "undo", "key": found[1], "of": found[2]} if found else {}


def test_what_was_changed_is_taken_back_by_the_line_that_says_so(own: tuple[Office, dict[str, int]]) -> None:
    made, items = own
    where, token = f"/item/{items['mine']}", made.form_token()
    facts = {"status": "Closed", "was-status": "New", "priority": "High", "was-priority": "Normal"}
    answer = made.post(where, token=token, act="set", key="one", assigned_to="anna", **facts)
    form = undo_of(made, answer.headers["Location"])
    undone = made.post(where, token=token, **form)
    assert undone.status_code == 303
    now = [fact(made, items["mine"], name) for name in ("status", "priority", "assigned_to", "closed_at")]
    assert now == ["New", "Normal", "", "None"]
    (event, *_) = made.rows("SELECT name, actor, via FROM event ORDER BY id DESC LIMIT 1")
    assert event[1:] == ("editor", "console")
    assert made.post(where, token=token, **form).status_code == 303, "twice is once"
    back = undo_of(made, undone.headers["Location"])
    assert made.post(where, token=token, **back).status_code == 303
    assert fact(made, items["mine"], "assigned_to") == "anna", "what was taken back can be done again"


def test_labels_are_taken_back(own: tuple[Office, dict[str, int]]) -> None:
    made, items = own
    where, token = f"/item/{items['mine']}", made.form_token()
    made.post(where, token=token, act="relabel", labels="old", key="l1")
    answer = made.post(where, token=token, act="relabel", labels="new", key="l2", **{"was-labels": "old"})
    made.post(where, token=token, **undo_of(made, answer.headers["Location"]))
    assert made.rows(f"SELECT label FROM item_label WHERE item_id = {items['mine']}") == [("old",)]  # noqa: S608


def test_what_somebody_changed_meanwhile_stays(own: tuple[Office, dict[str, int]]) -> None:
    made, items = own
    where, token = f"/item/{items['mine']}", made.form_token()
    both = {"status": "Closed", "was-status": "New", "priority": "High", "was-priority": "Normal"}
    answer = made.post(where, token=token, act="set", key="one", **both)
    form = undo_of(made, answer.headers["Location"])
    become(made, "anna")
    made.post(where, token=token, act="set", key="two", priority="Low", **{"was-priority": "High"})
    assert undo_of(made, answer.headers["Location"]) == {}, "it is of who did it"
    assert made.post(where, token=token, **form).status_code == 409, "also for who knows the key"
    become(made, "editor")
    refused = made.post(where, token=token, **form)
    assert refused.status_code == 409 and "priority is Low now" in refused.get_data(as_text=True)
    assert [fact(made, items["mine"], name) for name in ("status", "priority")] == ["Closed", "Low"], "none of it"


@pytest.mark.parametrize("of", ["", "first", "one", "x" * 200])
def test_nothing_else_is_taken_back(own: tuple[Office, dict[str, int]], of: str) -> None:
    made, items = own
    where, token = f"/item/{items['mine']}", made.form_token()
    made.post(f"/item/{items['secret']}", token=token, act="set", priority="High", key="one")
    before = made.rows(COUNTED)
    assert made.post(where, token=token, act="undo", of=of, key="u").status_code == 409, "a note stays said"
    assert undo_of(made, f"{where}?undo={of}") == {} and made.rows(COUNTED) == before
