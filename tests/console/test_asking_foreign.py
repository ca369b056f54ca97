"""What somebody sends in a form tells them nothing of places that are not theirs, and does nothing there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from console.offices import Office, office
from console.roles import become
from console.test_nothing_foreign import MINE, THEIRS, WHO, furnish, items_of, mail_of
from markupsafe import escape

from engine.console.pages import held, item_acts, rule_edit
from engine.console.pages.mail import AGAIN
from engine.run.engine import Engine
from engine.run.passing import Pass
from engine.sources.source import raw_mail
from rules.document import digest


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("forged") / "demo") as made:
        furnish(made)
        yield made


def ref_of(made: Office, message_id: str) -> str:
    return str(made.rows(f"SELECT ref FROM inbound WHERE message_id = '<{message_id}>'")[0][0])  # noqa: S608


def state_of(made: Office, ref: str) -> str:
    with made.installation.store() as store:
        return store.archive.mail(ref).state


def edit(made: Office, text: str, **form: Any) -> str:
    return str(made.post(f"/rules/{MINE}/edit", token=made.form_token(1), text=text, **form).get_data(as_text=True))


def test_mail_that_waits_to_be_decided_says_nothing_to_who_may_not_read_it(shared: Office) -> None:
    mail = mail_of(MINE, "waits", "Not decided yet", "x <x@x.example>", In_Reply_To=f"<{THEIRS}.1@{THEIRS}.example>")
    with shared.installation.store() as store:
        raw = raw_mail(MINE, "waits", mail.replace(b"says plover words", b"albatross"), datetime.now(UTC))
        (spooled,) = store.ledger.spool([raw], store.owner)
        with store.writing():
            store.database.run("UPDATE inbound SET attempts = 0 WHERE ref = ?", spooled.mail)
    for login in ("lists", "agent"):
        become(shared, login)
        answer = shared.get(f"/mail/{spooled.mail}.json").get_data(as_text=True)
        assert "Not decided yet" in answer and "own_addresses" in answer
        assert ("albatross" in answer) is (login == "agent")
        assert f"{THEIRS} asks" not in answer, "the title of the item that it answers"


def test_a_forged_beginning_gives_no_text_of_another_file(shared: Office) -> None:
    become(shared, "lists")
    for file in (THEIRS, "system"):
        text = (shared.folder / "rules" / f"{file}.toml").read_text(encoding="utf-8")
        with shared.installation.store() as store:
            store.rule_files.found(file, text)
        page = edit(shared, "# mine\n", base=digest(text), act="check")
        assert "<textarea" in page and f"{THEIRS} waits" not in page and "claims to be a VIP" not in page


def test_mail_is_released_to_no_item_that_is_not_seen(shared: Office) -> None:
    token = shared.form_token(1)
    become(shared, "agent")
    ref, there = ref_of(shared, f"{MINE}.4@{MINE}.example"), min(n for n, place in items_of(shared) if place == THEIRS)
    said = set()
    for number in (there, 99999):
        for to in ("", MINE):
            answer = shared.post(f"/held/{ref}", token=token, act="release", item=str(number), to=to)
            text = answer.get_data(as_text=True).replace(f"#{number}", "#N")
            assert answer.status_code == 404 and THEIRS not in text
            said.add(text)
    assert len(said) == 1, "one that is not seen is not there"
    assert state_of(shared, ref) == "held"


def test_trust_lets_go_only_what_one_decides(shared: Office) -> None:
    token = shared.form_token(1)
    become(shared, "agent")
    ref, theirs = (ref_of(shared, f"{word}.7@{word}.example") for word in (MINE, THEIRS))
    with shared.installation.store() as store, store.writing():
        mine = "(SELECT id FROM inbound WHERE ref = ?)"
        store.database.run(f"UPDATE receipt SET workspace = '' WHERE inbound_id = {mine}", ref)  # noqa: S608
    answer = shared.post(f"/held/{ref}", token=token, act="trust")
    assert answer.status_code in (303, 409)
    assert state_of(shared, theirs) == "held"


def test_a_test_of_rules_opens_no_file_beside_the_rules(shared: Office) -> None:
    become(shared, "lists")
    (shared.folder / "secrets").mkdir(exist_ok=True)
    (shared.folder / "secrets" / "a.eml").write_bytes(mail_of(THEIRS, "9", "albatross"))
    tests = (
        '\n[[rule]]\nname="r"\nwhen=\'subject contains "albatross"\'\nthen=["stop"]\n'
        '[[test]]\nname="t"\nmail="{}"\nexpect_rule=["r"]\n'
    )
    for name in ("secrets/a.eml", "rules/../secrets/a.eml", ref_of(shared, f"{THEIRS}.1@{THEIRS}.example")):
        page = json.loads(shared.get("/mails.json").data) and edit(shared, tests.format(name), act="test")
        assert "matched" not in page.partition("<textarea")[0], name
        assert "there is no mail" in page or "cannot be found" in page or "not found" in page, name


@pytest.mark.parametrize("text", [
    '[[rule]]\nname="r"\nwhen=\'workspace is "kestre"\'\nthen=["stop"]\n',
    '[[rule]]\nname="r"\nwhen=\'thread.workspace is "x"\'\nthen=["stop"]\n',
    '[[rule]]\nname="r"\nwhen=\'mailbox is "x"\'\nthen=["stop"]\n',
    '[[rule]]\nname="r"\nwhen=\'subject exists\'\nthen=[\'route to workspace "kestre"\']\n',
    '[[rule]]\nname="r"\nwhen=\'subject exists\'\nthen=[\'assign to "kestreluse"\']\n',
    '[[rule]]\nname="r"\nwhen=\'subject exists\'\nthen=[\'route to workspace "kestrel"\', \'set category "x"\']\n',
    '[[test]]\nname="t"\nmail={subject="x"}\nexpect_workspace="kestre"\n',
    '[[rule]]\nname="r"\nwhen=\'from in list "kestrellis"\'\nthen=["stop"]\n',
])  # fmt: skip
def test_no_hint_names_what_is_of_others(shared: Office, text: str) -> None:
    become(shared, "writes")
    shown = edit(shared, text, act="check")
    for typed in ("kestreluse", "kestrellis", "workspace &#34;kestrel&#34;", ": plover, kestrel"):
        shown = shown.replace(typed, "")
    assert "kestrel" not in shown


def test_a_condition_without_a_place_knows_no_list_of_the_rules_of_all(shared: Office) -> None:
    for login, names in (("reads", False), ("anna", True)):
        become(shared, login)
        answer = json.loads(shared.get('/playground.json?condition=from in list "vip"').data)["answer"]
        assert bool(answer["problems"]) is not names
        assert ("vendors" in json.dumps(answer)) is False


def test_work_says_nothing_of_rules_that_are_not_seen(shared: Office) -> None:
    path = shared.folder / "rules" / f"{THEIRS}.toml"
    was = path.read_text(encoding="utf-8")
    become(shared, "lead")
    page = edit(shared, "# nothing\n", act="check")
    assert "<textarea" in page
    try:
        path.write_text(was + f'\n[[rule]]\nname = "{THEIRS} broken"\nwhen = "{THEIRS} is is"\nthen = ["nothing"]\n')
        sent = shared.post(f"/rules/{MINE}/edit", token=shared.form_token(1), text="# nothing\n", act="effect")
        text = sent.get_data(as_text=True)
        if sent.status_code == 303:
            text = json.dumps(over(shared, sent.headers["Location"].partition("job=")[2].partition("#")[0]))
        assert THEIRS not in text
    finally:
        path.write_text(was, encoding="utf-8")


def test_what_others_make_of_a_mail_that_goes_to_them_is_not_told(shared: Office) -> None:
    path = shared.folder / "rules" / f"{THEIRS}.toml"
    was, token = path.read_text(encoding="utf-8"), shared.form_token(1)
    become(shared, "lead")
    text = '[[rule]]\nname = "on"\non = "any"\nwhen = "subject exists"\nthen = [\'route to workspace "kestrel"\']\n'
    rule = '[[rule]]\nname = "secret"\non = "any"\nwhen = "subject exists"\nthen = [\'hold because "secret"\']\n'
    try:
        path.write_text(rule, encoding="utf-8")
        sent = shared.post(f"/rules/{MINE}/edit", token=token, text=text, act="effect")
        told = over(shared, sent.headers["Location"].partition("job=")[2].partition("#")[0])
    finally:
        path.write_text(was, encoding="utf-8")
    lines = [line for line in told["lines"] if "after" in line]
    assert {line["after"] for line in lines} == {"elsewhere"}
    assert "secret" not in json.dumps(told) and THEIRS not in json.dumps(lines)


def test_rules_of_others_that_were_asked_about_a_mail_are_not_shown_with_it(shared: Office) -> None:
    paths = {word: shared.folder / "rules" / f"{word}.toml" for word in (MINE, THEIRS)}
    was = {word: path.read_text(encoding="utf-8") for word, path in paths.items()}
    rule = '[[rule]]\nname = "{}"\non = "any"\nwhen = \'subject contains "passing"\'\nthen = [\'{}\']\n'
    config = shared.installation.config
    try:
        paths[MINE].write_text(rule.format("on", f'route to workspace "{THEIRS}"'), encoding="utf-8")
        paths[THEIRS].write_text(rule.format("secret", 'hold because "waits"'), encoding="utf-8")
        inbox = shared.folder / "mail" / MINE / "new"
        (inbox / "passing.test").write_bytes(mail_of(MINE, "passing", "passing by"))
        with shared.installation.store() as store, closing(Engine(config, store)) as engine:
            Pass(engine, hosted=True).run([box for box in config.mailboxes if box.name == MINE])
            row = store.archive.mail(f"<{MINE}.passing@{MINE}.example>")
            assert row.home == THEIRS
            with store.writing():  # somebody takes it back to where it came
                its = "inbound_id = (SELECT id FROM inbound WHERE ref = ?)"
                store.database.run(f"UPDATE receipt SET workspace = ? WHERE {its}", MINE, row.mail)  # noqa: S608
    finally:
        for word, path in paths.items():
            path.write_text(was[word], encoding="utf-8")
    become(shared, "lead")
    told = json.loads(shared.get(f"/mail/{row.mail}.json").data)
    assert [file["place"] for file in told["trace"]["rules"]] == [MINE]
    page = shared.get(f"/mail/{row.mail}?all=1").get_data(as_text=True)
    assert f"rules/{THEIRS}.toml" not in page.partition('aria-labelledby="why"')[2]


MOVED = "UPDATE receipt SET workspace = ? WHERE inbound_id IN (SELECT id FROM inbound WHERE message_id"


def test_scripts_are_run_on_no_mail_that_answers_an_item_of_others(shared: Office) -> None:
    token, path = shared.form_token(1), shared.folder / "hooks" / "guard.py"
    was = path.read_text(encoding="utf-8")
    refs = {name: ref_of(shared, f"{MINE}.{name}@{MINE}.example") for name in ("1", "c0", "c1")}
    become(shared, "owner")
    assert shared.post(f"/mail/{refs['c0']}", token=token, act="scripts").status_code == 404, "it is theirs"
    with shared.installation.store() as store, store.writing():  # somebody takes it back to where it came
        store.database.run(f"{MOVED} LIKE '<{MINE}.c%')", MINE)
    try:
        path.write_text("def guard(mail, ctx):\n    ctx.log(mail.subject)\n", encoding="utf-8")
        told = {}
        for name, ref in refs.items():
            sent = shared.post(f"/mail/{ref}", token=token, act="scripts")
            assert sent.status_code == 303, name
            told[name] = over(shared, sent.headers["Location"].partition("job=")[2].partition("#")[0])
    finally:
        path.write_text(was, encoding="utf-8")
        with shared.installation.store() as store, store.writing():
            store.database.run(f"{MOVED} LIKE '<{MINE}.c%')", THEIRS)
    assert told["1"]["lines"][0]["log"] == [f"{MINE} asks"] and told["1"]["state"] == "done"
    for name in ("c0", "c1"):
        assert told[name]["lines"] == [] and THEIRS not in json.dumps(told[name]), name


def over(made: Office, number: str) -> dict[str, Any]:
    """A job when nothing more comes of it."""
    until = time.monotonic() + 60
    while (told := json.loads(made.get(f"/jobs/{number}.json").data))["state"] in ("waits", "runs"):
        assert time.monotonic() < until
        time.sleep(0.05)
    return dict(told)


def test_what_work_found_is_not_for_who_lost_the_right_to_read(shared: Office) -> None:
    token = shared.form_token(1)
    become(shared, "reads")
    sent = shared.post("/playground", token=token, act="all", condition="subject exists", place=MINE)
    number = sent.headers["Location"].partition("job=")[2].partition("#")[0]
    over(shared, number)
    assert f"{MINE} asks" in shared.get(f"/jobs/{number}.json").get_data(as_text=True)
    assert shared.get(f"/playground?job={number}").status_code == 200
    with shared.installation.store() as store:
        store.directory.put_role(f"reads in {MINE}", ("view_mail",))
    try:
        assert shared.get(f"/jobs/{number}.json").status_code == 404
        assert shared.post(f"/jobs/{number}/stop", token=token).status_code == 404
    finally:
        with shared.installation.store() as store:
            store.directory.put_role(f"reads in {MINE}", ("view_mail", "read_mail"))


COUNTED = ("event", "receipt", "comment", "rule_version", "rule_draft", "begun_words", "account", "item")


def forms(made: Office) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every form there is, about what is theirs."""
    refs = [ref for (ref,) in made.rows(f"SELECT ref FROM inbound WHERE message_id LIKE '<{THEIRS}.%'")]  # noqa: S608
    numbers = {place: number for number, place in sorted(items_of(made), reverse=True)}
    letters = [n for (n,) in made.rows(f"SELECT id FROM outbox WHERE item = {numbers[THEIRS]}")]  # noqa: S608
    words = {
        "reason": "x",
        "words": "x",
        "comment": "1",
        "who": "agent",
        "role": "watcher",
        "title": "x",
        "labels": "x",
    }
    for ref in refs:
        yield from [(f"/mail/{ref}", {"act": act, **words}) for act in (*AGAIN, "scripts")]
        yield from [(f"/held/{ref}", {"act": act, **words}) for act in held.DEEDS]
    yield from [("/held", {"act": act, "ref": refs, **words}) for act in held.DEEDS]
    for act in item_acts.DEEDS:
        yield f"/item/{numbers[THEIRS]}", {"act": act, "into": str(numbers[MINE]), **words}
    yield f"/item/{numbers[MINE]}", {"act": "merge", "into": str(numbers[THEIRS])}
    yield from [("/outbox", {"act": act, "row": letters, **words}) for act in ("retry", "hold", "drop")]
    yield from [
        (f"/rules/{THEIRS}/edit", {"act": act, "text": "# x", "unseen": "1", **words}) for act in rule_edit.DEEDS
    ]
    yield from [(f"/mailbox/{THEIRS}", {"act": act, **words}) for act in ("pause", "resume", "test", "peek")]
    yield from [(f"/person/{THEIRS}@{THEIRS}.example", {"act": act, **words}) for act in ("look", "forget")]
    yield "/playground", {"act": "all", "condition": "subject exists", "place": THEIRS}
    mails: tuple[dict[str, str], ...] = (
        {"ref": refs[0]}, {"source": "Subject: x\n\nx", "mailbox": THEIRS}, {"rules": THEIRS, "mailbox": MINE},
        {"source": f"From: a@b.example\nIn-Reply-To: <{THEIRS}.1@{THEIRS}.example>\n\nx", "mailbox": MINE},
    )  # fmt: skip
    yield from [("/playground", {"act": "mail", **each}) for each in mails]


@pytest.mark.parametrize("login", WHO)
def test_no_form_reaches_what_is_not_theirs(shared: Office, login: str) -> None:
    token, asked = shared.form_token(1), list(forms(shared))

    def rows() -> list[object]:
        return [shared.rows(f"SELECT count(*) FROM {table}") for table in COUNTED]  # noqa: S608

    before = rows()
    become(shared, login)
    for address, form in asked:
        answer = shared.post(address, token=token, **form)
        text = answer.get_data(as_text=True)
        assert answer.status_code in (404, 409, 422) or (address, answer.status_code) == ("/held", 303), (address, form)
        for said in (*form.values(), THEIRS if answer.status_code == 404 else ""):  # what was asked for comes back
            text = text.replace(str(escape(said)), "") if isinstance(said, str) else text
        text = text.replace(f"no rules of &#39;{THEIRS}&#39;", "")
        assert THEIRS not in text, (address, form)
    assert rows() == before
