"""Settings in the console: who sees them, where each comes from, and that no page tells a secret."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from console.offices import Office, office
from console.roles import EVERYBODY, become, people
from console.test_app import addresses

SECRETS = {
    "hunter2-imap": """
[workspace.finance.mailbox]
protocol = "imap"
host = "imap.example"
username = "finance"
password = "{}"
""",
    "hunter2-hook": """
[webhooks.chat]
url = "https://chat.example/in/hunter2-url"
secret = "{}"
events = ["item.created"]
""",
}
"""Secrets that are written into the configuration, and the section of each."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("settings") / "demo") as made:
        people(made)
        file = made.folder / "allegra.toml"
        text = "".join(section.format(secret) for secret, section in SECRETS.items())
        file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")
        made.installation._looked_at = 0.0
        assert "finance" in {box.name for box in made.installation.config.mailboxes}, made.installation.trouble
        yield made


@pytest.mark.parametrize("login", EVERYBODY)
def test_only_admins_see_the_configuration(shared: Office, login: str) -> None:
    token, sees = shared.form_token(), login == "anna"
    become(shared, login)
    for address in ("/settings", "/settings.json", "/settings?all=1", "/settings?q=imap"):
        assert shared.get(address).status_code == (200 if sees else 404)
    assert ('href="/settings"' in shared.get("/mails").get_data(as_text=True)) is sees
    assert shared.post("/settings", token=token, act="nonsense").status_code == (422 if sees else 404)
    if not sees:
        assert shared.post("/settings", token=token, act="check").status_code == 404


def test_each_option_says_where_it_comes_from_and_a_search_finds_some(shared: Office) -> None:
    become(shared, "anna")
    told = json.loads(shared.get("/settings.json?q=imap.example").data)["settings"]
    assert [(each["key"], each["value"]) for each in told] == [("workspace.finance.mailbox.host", '"imap.example"')]
    assert "allegra.toml:" in told[0]["origin"]
    short, whole = (shared.get(address).get_data(as_text=True) for address in ("/settings", "/settings?all=1"))
    assert "more settings have their defaults" in short and len(whole) > 2 * len(short)
    assert "No setting fits" in shared.get("/settings?q=<script>alert(1)").get_data(as_text=True)


def test_no_page_and_no_twin_tells_a_secret(shared: Office) -> None:
    become(shared, "anna")
    shared.take(b"From: evil@attacker.example\nMessage-ID: <evil.1@attacker.example>\n\nx")
    secrets = [*SECRETS, "hunter2-url", shared.installation.config.instance.secret().decode("latin-1")]
    more = ["/settings?all=1", "/settings?q=password", "/settings?q=hunter2", "/mailbox/finance", "/hooks/guard.py"]
    for address in [*addresses(shared), *more]:
        for twin in ("", ".json"):
            path, mark, query = address.partition("?")
            text = shared.get(f"{path}{twin}{mark}{query}").get_data(as_text=True)
            assert [secret for secret in secrets if secret in text] == [], (address, twin)


def test_whether_all_is_sound_is_looked_at_beside_the_page(own_office: Office) -> None:
    token = own_office.form_token()
    begun = own_office.post("/settings", token=token, act="check").location.partition("#")[0]
    deadline = time.monotonic() + 60
    while "Refresh" in (page := own_office.get(begun).get_data(as_text=True)):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert "What the check found" in page and "allegra.toml" in page and "hooks sandbox" in page
