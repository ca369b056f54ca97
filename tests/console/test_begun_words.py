"""What somebody is writing on an item is there again, on another machine as well, for them and nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from console.offices import Office, office
from console.test_access import become
from console.test_items import COUNTED, ROLES, furnish
from servers.chromium import seat

HALF = "I think that <b> \u202e we"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, dict[str, int]]]:
    with office(tmp_path_factory.mktemp("begun") / "demo") as made:
        yield made, furnish(made)


def keep(made: Office, item: int, words: str, mode: str = "answer", **more: str) -> Any:
    form = {"act": mode, "words": words, "try": "keep", **more}
    return made.post(f"/item/{item}", token=made.form_token(), **form)


def box(made: Office, item: int) -> tuple[str, str, bool]:
    """The words in the box, as what they are meant, and whether it says that they are kept."""
    page = made.get(f"/item/{item}").get_data(as_text=True)
    (words,) = re.findall(r"<textarea[^>]*>([^<]*)</textarea>", page)
    (mode,) = re.findall(r'name="act" value="(\w+)" checked', page)
    return words, mode, "Kept for you at" in page


def kept(made: Office) -> Any:
    return made.rows("SELECT words FROM begun_words")


def test_it_is_there_again_for_who_wrote_it_and_for_nobody_else(shared: tuple[Office, dict[str, int]]) -> None:
    made, items = shared
    become(made, "editor")
    before = made.rows(COUNTED)
    answer = keep(made, items["mine"], HALF, "note")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200 and 'id="kept"' in text and "Files are not kept" in text and len(text) < 400
    assert box(made, items["mine"]) == ("I think that &lt;b&gt; \u202e we", "note", True)
    assert made.rows(COUNTED) == before, "nothing is sent, and nothing happened"
    for login in ("anna", "talker"):
        become(made, login)
        assert "I think that" not in made.get(f"/item/{items['mine']}").get_data(as_text=True)
        assert "I think that" not in made.get(f"/item/{items['mine']}.json").get_data(as_text=True)
    become(made, "editor")
    assert "I think that" not in made.get(f"/item/{items['secret']}").get_data(as_text=True)
    keep(made, items["mine"], " \r\n ", "note")
    assert kept(made) == [] and box(made, items["mine"]) == ("", "answer", False)


@pytest.mark.parametrize("login", ROLES)
@pytest.mark.parametrize("mode", ["answer", "note", "draft", "publish"])
def test_who_may_not_say_it_keeps_nothing(shared: tuple[Office, dict[str, int]], login: str, mode: str) -> None:
    made, items = shared
    become(made, login)
    may = (login == "editor" and mode != "publish") or (login, mode) == ("talker", "answer")
    for name, seen in (("mine", bool(ROLES[login])), ("secret", login == "editor"), ("other", False)):
        expected = (200 if may else 409) if seen else 404
        assert keep(made, items[name], "x", mode).status_code == expected, name
        assert len(kept(made)) == (may and seen), name
        with made.installation.store() as store, store.writing():
            store.database.run("DELETE FROM begun_words")


def test_what_somebody_may_not_say_any_more_is_not_filled_in(shared: tuple[Office, dict[str, int]]) -> None:
    made, items = shared
    with made.installation.store() as store:
        talker = store.directory.login("talker")
        assert talker is not None
        store.begun_words.put(talker.id, items["mine"], "note", "only for us")
    become(made, "talker")
    assert box(made, items["mine"]) == ("", "answer", False), "what was a note is not sent outside"
    with made.installation.store() as store:
        assert store.begun_words.drop(talker.id, items["mine"])


def test_sending_ends_it_and_a_page_that_comes_late_does_not_bring_it_back(
    shared: tuple[Office, dict[str, int]],
) -> None:
    made, items = shared
    become(made, "editor")
    keep(made, items["mine"], "half", "note", key="begun")
    form = {"act": "note", "words": "half and more", "key": "begun"}
    assert made.post(f"/item/{items['mine']}", token=made.form_token(), **form).status_code == 303
    assert kept(made) == []
    assert keep(made, items["mine"], "half", "note", key="begun").status_code == 200
    assert kept(made) == [], "it was sent under this key"
    keep(made, items["mine"], "the next", "note", key="another")
    assert kept(made) == [("the next",)]
    keep(made, items["mine"], "")


def test_what_is_tried_or_refused_is_kept_where_no_script_runs(shared: tuple[Office, dict[str, int]]) -> None:
    made, items = shared
    become(made, "editor")
    where, token = f"/item/{items['mine']}", made.form_token()
    assert made.post(where, token=token, act="note", words="is it so?", **{"try": "1"}).status_code == 200
    assert box(made, items["mine"]) == ("is it so?", "note", True)
    refused = made.post(where, token=token, act="answer", words="and so?", status="Purple")
    assert refused.status_code == 422 and "and so?</textarea>" in refused.get_data(as_text=True)
    changed = made.post(where, token=token, act="set", priority="Enormous", **{"was-priority": "Normal"})
    assert "and so?</textarea>" in changed.get_data(as_text=True), "another form does not empty the box"
    assert made.post(where, token=token, act="answer", words="").status_code == 422
    assert kept(made) == []


@pytest.mark.server
def test_what_is_typed_is_kept_while_it_is_typed_and_when_the_page_is_left(
    chromium: Any, own_office: Office, own_host: str
) -> None:
    with seat(chromium, own_host) as window:
        window.go("/item/2")
        page = window.page
        page.set_input_files("#files", {"name": "a.bin", "mimeType": "text/plain", "buffer": b"x" * 100_000})
        sent: list[int] = []
        page.on("request", lambda request: sent.append(len(request.post_data_buffer or b"")))
        page.fill("#words", "Half a sen")
        page.focus("#f-title")
        page.wait_for_selector("#kept:has-text('Kept for you')")
        assert sent and max(sent) < 10_000, "files are not sent"
        page.focus("#words")
        page.keyboard.press("End")
        page.keyboard.type("tence")
        window.go("/items")
        for _ in range(100):
            if own_office.rows("SELECT words FROM begun_words") == [("Half a sentence",)]:
                break
            page.wait_for_timeout(50)
        window.go("/item/2")
        assert page.input_value("#words") == "Half a sentence"
        assert window.met == []
