"""Topics in the console: who sees which, and writing below one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from console.offices import Office, office
from console.test_access import become
from console.test_items import ROLES, furnish

POSTS = "SELECT text FROM post ORDER BY id DESC LIMIT 1"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path / "demo") as made:
        furnish(made)
        yield made


def elsewhere(made: Office) -> None:
    """Let the topic of the demo be one of finance."""
    with made.installation.store() as store, store.writing():
        store.database.run("UPDATE topic SET workspace_id = (SELECT id FROM workspace WHERE identifier = 'finance')")


def test_topics_are_seen_and_written_to_as_roles_say(own: Office) -> None:
    token = own.form_token()
    for login, words in ROLES.items():
        become(own, login)
        page = own.get("/topic/1").get_data(as_text=True)
        assert ("Which printers do we buy next?" in page) == ("view_items" in words)
        assert ("Which printers" in own.get("/topics").get_data(as_text=True)) == ("view_items" in words)
        assert ('name="words"' in page) == ("add_comments" in words) and (">Lock</button>" in page) == (
            "edit_items" in words
        )
        answer = own.post("/topic/1", token=token, act="post", words=f"by {login}", key="k")
        assert answer.status_code == (303 if "add_comments" in words else 409 if words else 404)
        assert (own.rows(POSTS) == [(f"by {login}",)]) == ("add_comments" in words)
        answer = own.post("/topic/1", token=token, act="lock", key="l")
        assert answer.status_code == (303 if "edit_items" in words else 409 if words else 404)
    assert "<strong>locked</strong>" in own.get("/topic/1").get_data(as_text=True)
    refused = own.post("/topic/1", token=token, act="post", words="too late", key="m")
    assert refused.status_code == 409 and "is locked" in refused.get_data(as_text=True)
    assert own.post("/topic/1", token=token, act="unlock", key="n").status_code == 303
    elsewhere(own)
    for login in ROLES:
        become(own, login)
        assert own.get("/topic/1").status_code == own.get("/topic/1.json").status_code == 404
        assert own.post("/topic/1", token=token, act="post", words="x", key="o").status_code == 404
        assert json.loads(own.get("/topics.json").data)["topics"] == []


def test_what_is_refused_says_why_and_a_form_that_comes_twice_is_one_post(own: Office) -> None:
    become(own, "editor")
    token = own.form_token()
    for form, status in (({"act": "post", "words": " "}, 422), ({"act": "nonsense", "words": "kept"}, 422), ({}, 422)):
        answer = own.post("/topic/1", token=token, **form)
        text = answer.get_data(as_text=True)
        assert answer.status_code == status and 'role="alert"' in text
        assert "words" not in form or form["words"].strip() + "</textarea>" in text
    for _ in range(2):
        assert own.post("/topic/1", token=token, act="post", words="once", key="same").status_code == 303
    assert own.rows("SELECT count(*) FROM post WHERE text = 'once'") == [(1,)]
