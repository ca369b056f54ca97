"""Who may look at which page of the console's nouns and send which form there: the table, as data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from console.offices import Office, office
from console.roles import EVERYBODY, become, people

WRITER, STRANGER = "/person/jane@mail.bigcorp.example", "/person/never@wrote.example"

LOOK: tuple[tuple[str, tuple[int, int, int, int, int]], ...] = (
    ("/me", (200, 200, 200, 200, 200)),
    ("/me?workspace=finance", (404, 404, 404, 404, 200)),
    ("/people", (200, 200, 200, 200, 200)),
    (WRITER, (404, 200, 200, 200, 200)),
    (STRANGER, (404, 404, 404, 404, 404)),
    ("/mailboxes", (200, 200, 200, 200, 200)),
    ("/mailbox/support", (404, 200, 200, 200, 200)),
    ("/mailbox/system", (404, 404, 404, 404, 200)),
    ("/hooks", (404, 404, 404, 200, 200)),
    ("/hooks/guard.py", (404, 404, 404, 200, 200)),
    ("/audit", (404, 404, 404, 200, 200)),
    ("/settings", (404, 404, 404, 404, 200)),
)
"""What a page and its twin answer, in the order of `EVERYBODY`: nobody, viewer, agent, owner, admin."""

SEND: tuple[tuple[str, dict[str, str], tuple[int, int, int, int, int]], ...] = (
    ("/me", {"act": "wants", "prefers-new": "all"}, (303, 303, 303, 303, 303)),
    ("/me", {"act": "wants", "prefers-new": "all", "workspace": "finance"}, (404, 404, 404, 404, 303)),
    ("/me", {"act": "token", "name": "x", "days": "3"}, (409, 409, 409, 409, 409)),
    ("/me", {"act": "end-session", "ref": "s-000000000000"}, (422, 422, 422, 422, 422)),
    (WRITER, {"act": "look"}, (404, 403, 403, 403, 409)),
    (WRITER, {"act": "forget", "reason": ""}, (404, 403, 403, 403, 422)),
    (STRANGER, {"act": "forget", "reason": "x"}, (404, 404, 404, 404, 404)),
    ("/mailbox/support", {"act": "pause", "reason": "x"}, (404, 403, 403, 303, 303)),
    ("/mailbox/support", {"act": "resume"}, (404, 403, 403, 303, 303)),
    ("/mailbox/system", {"act": "pause", "reason": "x"}, (404, 404, 404, 404, 303)),
    ("/mailbox/system", {"act": "resume"}, (404, 404, 404, 404, 303)),
    ("/hooks/guard.py", {"act": "enable"}, (404, 404, 404, 403, 303)),
    ("/settings", {"act": "nonsense"}, (404, 404, 404, 404, 422)),
    ("/audit", {"act": "nonsense"}, (405, 405, 405, 405, 405)),
)
"""What a form is answered. Nobody is forgotten of whom a mail waits (409)."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("nouns") / "demo") as made:
        people(made)
        with made.installation.store() as store, store.writing():
            theirs = "SELECT id FROM inbound WHERE sender = 'jane@mail.bigcorp.example'"
            store.database.run(f"UPDATE receipt SET workspace = 'support' WHERE inbound_id IN ({theirs})")  # noqa: S608
        yield made


@pytest.mark.parametrize("login", EVERYBODY)
def test_each_page_and_each_form_is_for_whom_the_table_says(shared: Office, login: str) -> None:
    token, column = shared.form_token(), EVERYBODY.index(login)
    become(shared, login)
    for address, expected in LOOK:
        path, mark, query = address.partition("?")
        for place in (address, f"{path}.json{mark}{query}"):
            assert shared.get(place).status_code == expected[column], place
    for address, form, answers in SEND:
        assert shared.post(address, token=token, **form).status_code == answers[column], (address, form)
        for wrong in ({"token": ""}, {"token": token, "site": "cross-site"}):
            assert shared.post(address, **wrong, **form).status_code in (403, 405), address
