"""Nothing of a place that somebody has no part in stands in any answer: of no page, twin, list, form or job.

Two workspaces hold mail, items, letters, rules and a mailbox of their own, each with a word that stands in all of them
and nowhere else. Whoever has nothing there reads that word nowhere, wherever they ask and whatever they send.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from email.message import EmailMessage
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

import pytest
from console.offices import Office, office
from console.roles import become

from engine.config import load
from engine.console.app import PAGES
from engine.desk import items, rule_places, rule_saving
from engine.desk.scope import EVERYTHING
from engine.run.engine import Engine
from engine.run.passing import Pass
from rules.document import digest

MINE, THEIRS = "plover", "kestrel"
"""Two workspaces; each name is also the word that stands in all that is theirs."""

MAIL = ("view_mail", "read_mail", "decide_mail", "edit_rules")

WHO: dict[str, dict[str, tuple[str, ...]]] = {
    "nothing": {},
    "lists": {MINE: ("view_mail",)},
    "reads": {MINE: ("view_mail", "read_mail")},
    "writes": {MINE: ("view_mail", "edit_rules")},
    "agent": {MINE: ("view_items", "add_items", "add_comments", "view_mail", "read_mail", "decide_mail")},
    "lead": {MINE: ("view_items", "add_items", "add_comments", "edit_items", "watch", *MAIL)},
    "owner": {},
    "strange": {THEIRS: ("add_comments",), MINE: ("read_mail", "decide_mail", "edit_rules")},
}
"""What each may by a role. `owner` owns `MINE`; the words of "strange" are worth little without others."""

RULES = """
[lists]
{word}list = ["{word}@{word}.example", "{word}"]

[[rule]]
name = "{word} rule"
when = 'subject contains "{word} labelled"'
then = ['add label "{word}label"']

[[rule]]
name = "{word} waits"
on = "any"
when = 'subject contains "{word} waits"'
then = ['hold because "{word} because"']
"""


def mail_of(word: str, number: str, subject: str, sender: str = "", **more: str) -> bytes:
    mail = EmailMessage()
    mail["From"] = sender or f"{word} sender <{word}@{word}.example>"
    mail["To"] = f"{word}@desk.example"
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{word}.{number}@{word}.example>"
    for name, value in more.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(f"{word} says {word} words\n")
    mail.add_attachment(b"x", maintype="application", subtype="octet-stream", filename=f"{word}.bin")
    return mail.as_bytes()


def _section(word: str) -> str:
    """The workspace of a word. One rule file lies outside of the folder of all."""
    owner = f'owner = "owner@{word}.example"\n' if word == MINE else ""
    return (
        f'\n[workspace.{word}]\nname = "The {word} team"\n{owner}rules = "rules/{word}.toml"\n'
        f'[workspace.{word}.mailbox]\nprotocol = "maildir"\npath = "mail/{word}"\n'
        f'addresses = ["{word}@desk.example"]\n'
        f'[workspace.{word}.people]\nunknown_user = "ignore"\n'
    )


def furnish(made: Office) -> None:
    """Put both places there, and let the same things happen in each."""
    file = made.folder / "allegra.toml"
    file.write_text(file.read_text(encoding="utf-8") + _section(MINE) + _section(THEIRS), encoding="utf-8")
    made.installation._looked_at = 0.0
    config = made.installation.config
    with made.installation.store() as store:
        store.directory.put_role("stranger", ("add_items", "add_comments"))
        for word in (MINE, THEIRS):
            store.items.put_workspace(word, public=False, lists={"categories": [f"{word}category"]})
            store.directory.put_account(f"{word}user", name=f"{word} user", emails=[f"{word}@{word}.example"])
            store.directory.put_member(word, "stranger", user=f"{word}user")
        store.directory.put_account("both", name="both", emails=["both@both.example"])
        for who, places in WHO.items():
            emails = [f"{who}@{MINE if who == 'owner' else 'people'}.example"]
            store.directory.put_account(who, name=who, emails=emails)
            for place, words in places.items():
                store.directory.put_role(f"{who} in {place}", words)
                store.directory.put_member(place, f"{who} in {place}", user=who)
    for word in (THEIRS, MINE):
        made.folder.joinpath("rules", f"{word}.toml").write_text(RULES.format(word=word), encoding="utf-8")
        inbox = made.folder / "mail" / word / "new"
        for part in ("new", "cur", "tmp"):
            inbox.parent.joinpath(part).mkdir(parents=True, exist_ok=True)
        stranger = f"{word} nobody <nobody@{word}.example>"
        mails = [
            mail_of(word, "1", f"{word} asks"), mail_of(word, "2", f"{word} labelled"),
            mail_of(word, "3", f"{word} waits"),
            mail_of(word, "4", f"{word} unknown", stranger),
            mail_of(word, "5", f"{word} of both", f"{word} both <both@both.example>"),
            mail_of(word, "6", f"Re: {word} asks", In_Reply_To=f"<{word}.1@{word}.example>"),
            mail_of(word, "7", f"{word} unknown of both", f"{word} stranger <shared@stranger.example>"),
        ]  # fmt: skip
        if word == MINE:  # what people answer to an item of others
            asked = f"<{THEIRS}.1@{THEIRS}.example>"
            answers = "x <x@stranger.example>", f"{word} user <{word}@{word}.example>", "m <MAILER-DAEMON@x.example>"
            mails += [
                mail_of(word, f"c{n}", f"Re: {word} crossing {n}", sender, In_Reply_To=asked)
                for n, sender in enumerate(answers)
            ]
        for number, mail in enumerate(mails):
            (inbox / f"{number}.{word}.test").write_bytes(mail)
    made.installation._looked_at = 0.0
    config = load(file)
    with made.installation.store() as store, closing(Engine(config, store)) as engine:
        for box in sorted(config.mailboxes, key=lambda box: box.name != THEIRS):
            Pass(engine, hosted=True).run([box])
        anna = items.How(items.whoever(engine, "anna", ""))
        for word in (MINE, THEIRS):
            number = min(number for number, place in items_of(made) if place == word)
            items.answer(engine, number, f"{word} answered", anna)
            items.note(engine, number, f"{word} noted", anna)
            items.draft(engine, number, f"{word} drafted", anna)
            items.set_values(engine, number, [("category", f"{word}category")], anna)
            file_of = rule_places.place(config, EVERYTHING, word)
            text = RULES.format(word=word)
            wish = rule_saving.Wish(text + f"# {word}\n", digest(text), f"{word} reason", unseen=True, warned=True)
            rule_saving.save(engine, EVERYTHING, "anna", file_of, wish)
    made.installation._looked_at = 0.0


def items_of(made: Office) -> list[tuple[int, str]]:
    rows = made.rows(
        "SELECT item.id, workspace.identifier FROM item JOIN workspace ON workspace.id = item.workspace_id"
    )
    return [(int(number), str(place)) for number, place in rows]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("foreign") / "demo") as made:
        furnish(made)
        yield made


def _addresses(made: Office) -> Iterator[str]:
    """Every page with every thing that it can be about, of both places and of none."""
    ours = "message_id LIKE '<kestrel.%' OR message_id LIKE '<plover.%'"
    refs = [ref for (ref,) in made.rows(f"SELECT ref FROM inbound WHERE {ours} ORDER BY id")]  # noqa: S608
    numbers = [number for number, place in items_of(made) if place in (MINE, THEIRS)]
    letters = [number for (number,) in made.rows("SELECT id FROM outbox ORDER BY id DESC LIMIT 12")]
    versions = [number for (number,) in made.rows("SELECT id FROM rule_version ORDER BY id")]
    people = [f"{who}@{word}.example" for word in (MINE, THEIRS) for who in (word, "nobody")]
    values: dict[str, list[object]] = {
        "/mail": [*refs], "/held": [*refs], "/item": [*numbers], "/outbox": [*letters],
        "/rules": [MINE, THEIRS, "system"], "/hooks": ["guard.py"], "/mailbox": [MINE, THEIRS, "system"],
        "/person": [*people, "both@both.example", "shared@stranger.example"], "/jobs": ["0"], "/topic": [1],
    }  # fmt: skip
    for address, _ in PAGES:
        first = f"/{address.split('/')[1]}"
        if "<" not in address:
            yield address
            continue
        for value in values[first]:
            there = re.sub(r"<[^>]*>", str(value), address, count=1)
            for number in versions if "version/" in there else (0, 1):
                yield re.sub(r"<[^>]*>", str(number), there)
                if "<" not in there:
                    break


ASKED = (
    "/mails?q=from:both@both.example", "/mails?q=sender:shared", "/mails?q=item:{item}", "/mails?q=mailbox:kestrel",
    "/mails?q=workspace:kestrel", "/items?q=workspace:kestrel", "/items?q=kestrel", "/people?q=kestrel",
    "/people?q=example", "/audit?q=workspace:kestrel", "/audit?q=", "/outbox?q=state:sent", "/outbox?q=kestrel",
    "/held?q=both", "/stats?show=Rules", "/stats?show=People", "/stats?show=Machine", "/stats?last=365d",
    *[f"/complete?of=mails&q={word}:" for word in ("code", "mailbox", "workspace", "by", "rule", "domain", "from")],
    *[f"/complete?of=items&q={word}:" for word in ("status", "assigned", "workspace", "label", "from")],
    "/topics?q=kestrel", "/me?workspace=plover", "/rules/plover?all=1", "/rules/plover/edit?mail={ref}",
    "/rules/plover/edit?test={ref}", "/rules/plover/edit?version={version}", "/playground?mail={ref}",
)  # fmt: skip


@pytest.mark.parametrize("login", WHO)
def test_no_answer_tells_of_a_place_that_is_not_theirs(shared: Office, login: str) -> None:
    become(shared, login)
    item = next(number for number, place in items_of(shared) if place == THEIRS)
    ((ref,),) = shared.rows("SELECT ref FROM inbound WHERE message_id = '<kestrel.1@kestrel.example>'")
    version = shared.rows("SELECT id FROM rule_version WHERE place = 'kestrel'")[0][0]
    asked = [each.format(item=item, ref=ref, version=version) for each in ASKED]
    told, some = list[str](), 0
    for address in [*dict.fromkeys(_addresses(shared)), *asked]:
        path, mark, query = address.partition("?")
        path = "/index" if path == "/" else path
        for place in (address, *(f"{path}{form}{mark}{query}" for form in (".json", ".csv", ".ndjson"))):
            answer = shared.get(place)
            text = answer.get_data(as_text=True)
            assert "Traceback" not in text and answer.status_code < 500, place
            some += answer.status_code == 200
            if answer.status_code != 404 and _tells(text, place):
                told.append(f"{place}: {_tells(text, place)}")
    assert some > 20
    assert told == []


def _tells(text: str, place: str) -> str:
    """The words around the first word of theirs, but for what was asked and comes back."""
    for said in {said for (_, said) in parse_qsl(urlsplit(place).query)}:
        for each in (said, quote(said), quote_plus(said), quote(said, safe="")):
            text = text.replace(each, "")
    found = re.search(f"(?i).{{0,60}}{THEIRS}.{{0,40}}", text)
    return found[0] if found else ""
