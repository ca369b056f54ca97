"""A person is forgotten: nothing in the database file names them or holds their words, and all else stays as it was."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import databases
import pytest

from engine.store.store import Store

WORD, NAME, LOGIN = "plughxyzzy", "Xenobia Quaxel", "xenoq"
ADDRESS = "xenobia@zulu-marker.example"
WHO = f"{NAME} <{ADDRESS}>"
MARKERS = (WORD, "xenobia", "quaxel", LOGIN, "zulu-marker")

OUT = '[smtp]\ntransport = "maildir"\npath = "out"\nfrom = "Help <help@example.com>"\n'
FIELDS = '[items]\nallow_override = ["order", "status", "assigned_to"]\n'
PEOPLE = '[people]\nreply_from_stranger = "accept"\n'
RULES = f"""
[[rule]]
name = "Known trouble"
when = 'from is "{ADDRESS}" and subject contains "no such thing"'
then = ['hold because "look"']
[[rule]]
name = "Wait"
when = 'subject contains "wait"'
then = ['hold because "she said so"']
[[rule]]
name = "No"
when = 'subject contains "refuse"'
then = ['reject with "not for us"']
"""
FIELD = '[[fields]]\nname = "order"\nkind = "text"\n[[topics]]\nid = 4\nworkspace = "support"\ntitle = "Coffee?"\n'


def everything(desk: Any) -> dict[str, str]:
    """All rows of all tables as text."""
    return {name: str(rows).lower() for name, rows in databases.everything(desk.where).items()}


def naming(desk: Any) -> set[str]:
    return {table for table, text in everything(desk).items() if any(marker in text for marker in MARKERS)}


def in_file(desk: Any) -> list[str]:
    """The markers that stand anywhere in the files of the database, used or not."""
    content = databases.on_the_disk(desk.where).lower()
    return [marker for marker in MARKERS if marker.encode() in content]


def rich(subject: str, message_id: str) -> bytes:
    """A mail with HTML, a file and a picture, full of words."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = WHO, "help@example.com", subject
    mail["Message-ID"] = message_id
    mail["Authentication-Results"] = "mx.example.com; dmarc=pass header.from=zulu-marker.example"
    mail.set_content(f"Order: {WORD}-7\n\nIt is {WORD}, says {NAME}.\n")
    mail.add_alternative(f"<p>It is <b>{WORD}</b>, says {NAME}.</p>", subtype="html")
    mail.add_attachment(f"{WORD} {ADDRESS}".encode(), maintype="text", subtype="plain", filename=f"{NAME}.txt")
    return mail.as_bytes()


def act(desk: Any, *words: str) -> None:
    result = desk.allegra(*words)
    assert result.exit_code == 0, result.output


def live(desk: Any) -> None:
    """Let the person write, be answered, be held and refused, and be spoken of, by mails and acts."""
    first = "<first@zulu-marker.example>"
    desk.mail(raw=rich(f"{WORD} is broken", first))
    desk.run()
    desk.mail(
        f"Re: {WORD} is broken", f"Me again, {WORD}.\n", sender=f"{NAME} <xenobia+shop@zulu-marker.example>",
        headers=[f"In-Reply-To: {first}"],
    )  # fmt: skip
    desk.mail(
        f"Re: {WORD} is broken", f"Dear Xenobia, soon.\n\nOn Monday {WHO} wrote:\n> {WORD}\n",
        headers=[f"In-Reply-To: {first}", f"Cc: {WHO}"],
    )  # fmt: skip
    desk.mail("Another matter", f"Ask {ADDRESS} about it.\n", headers=[f"Cc: {WHO}"])
    desk.mail("Please wait", f"{WORD}\n", sender=WHO)
    desk.mail("Please refuse", f"{WORD}\n", sender=WHO)
    desk.mail("Re: [msg4] Coffee?", f"{WORD}!\n", sender=WHO)
    lines = desk.run()
    assert sorted(line["outcome"] for line in lines) == [
        "comment", "comment", "comment", "created", "held", "rejected"
    ], lines  # fmt: skip
    for line in lines:
        if line["outcome"] == "held":
            act(desk, "held", "discard", line["mail"], "--reason", f"{WORD} again from {ADDRESS}")
    file = desk.folder / f"{NAME}.vcf"
    file.write_text(f"BEGIN:VCARD\nEMAIL:{ADDRESS}\n")
    act(desk, "item", "answer", "1", "-m", f"Dear {NAME}, here you are.", "--attach", str(file))
    act(desk, "item", "note", "1", "-m", f"Quaxel called, reach her at {ADDRESS}.")
    act(desk, "item", "set", "1", f"title={WORD} is really broken", "priority=High")
    act(desk, "item", "label", "1", f"+for {NAME}")
    act(desk, "topic", "post", "4", "-m", f"Thank you, {NAME}.")
    act(desk, "run")
    act(desk, "item", "answer", "1", "-m", f"{NAME}: not sent yet.")


def by_hand(desk: Any) -> None:
    """What takes weeks, or a broken server, to come about."""
    late = 9_000_000_000_000_000
    desk.change("INSERT INTO mute (address_key, item, until, why) VALUES (?, 1, ?, 'x')", ADDRESS, late)
    desk.change("INSERT INTO address_state (address_key, failures) VALUES (?, 2)", ADDRESS)
    desk.change("INSERT INTO trouble (name, since, said) VALUES ('smtp', 1, ?)", f"550 {ADDRESS}")
    told = f'{{"said":"mails.csv, more than 1000 rows: from:{ADDRESS}"}}'
    taken = "INSERT INTO event (at, name, actor, via, comment, workspace, generation, act, detail)"
    desk.change(f"{taken} VALUES (1, 'console.exported', 'root', 'console', 0, '', 0, '', ?)", told)
    desk.change("UPDATE mailbox SET sentence = ? WHERE name = 'system'", f"{ADDRESS} broke it")


@pytest.fixture
def desk(desk: Any) -> Any:
    desk.rules("system.toml", RULES)
    desk.configure(system='rules = "rules/system.toml"', more=OUT + FIELDS + PEOPLE)
    desk.load(FIELD)
    return desk


@pytest.fixture
def lived(desk: Any) -> Any:
    act(desk, "user", "add", LOGIN, "--name", NAME, "--email", ADDRESS, "--language", "de")
    act(desk, "user", "notify", LOGIN, "mine=yes")
    live(desk)
    act(desk, "user", "add", LOGIN, "--admin")  # only who works here is given an item
    proof = "Authentication-Results: mx.example.com; dmarc=pass header.from=example.com"
    desk.mail("A third matter", f"Assignee: {LOGIN}\n\nHers.\n", headers=[proof])
    desk.run()
    assert desk.item(3)["assigned_to"] == LOGIN
    act(desk, "item", "join", "1", LOGIN, "--role", "reader")
    act(desk, "item", "assign", "1", LOGIN)
    act(desk, "user", "add", LOGIN, "--no-admin")
    act(desk, "item", "answer", "1", "-m", f"I, {WORD}.", "--as", LOGIN, "--anyway")
    by_hand(desk)
    return desk


# ── all of it ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_trace_of_a_user_is_left_in_the_file(lived: Any) -> None:
    assert naming(lived) >= {
        "account", "act", "address_state", "attachment", "blob", "comment", "effect", "email", "event", "inbound",
        "item", "item_field", "item_label", "mailbox", "mute", "outbox", "post", "raw_mail", "receipt", "rule_text",
        "trouble",
    }  # fmt: skip
    (done,) = lived.lines("person", "forget", ADDRESS, "--commit")
    assert (done["done"], done["login"], done["rest"]) == ("forgotten", LOGIN, None)
    assert NAME in done["names"]
    assert naming(lived) == set()
    assert in_file(lived) == []


def test_no_trace_of_a_stranger_is_left_in_the_file(desk: Any) -> None:
    act(desk, "user", "add", "guest", "--status", "guest")
    config = (desk.folder / "allegra.toml").read_text().replace("[people]", '[people]\nunknown_user = "accept"')
    (desk.folder / "allegra.toml").write_text(config)
    live(desk)
    by_hand(desk)
    assert naming(desk) >= {"comment", "event", "inbound", "item", "item_copy", "outbox", "post", "raw_mail", "receipt"}
    act(desk, "person", "forget", ADDRESS, "--commit")
    assert (naming(desk), in_file(desk)) == (set(), [])
    assert [user["login"] for user in desk.lines("user", "list")] == ["anna", "guest"]


def test_no_trace_is_left_of_what_was_drafted_merged_or_deleted_or_told_to_a_program(lived: Any) -> None:
    file = lived.folder / "allegra.toml"
    file.write_text(file.read_text() + '[webhooks.chat]\nurl = "http://127.0.0.1:9/"\nevents = ["item.*"]\n')
    act(lived, "user", "notify", LOGIN, "item:1=yes")
    act(lived, "user", "signature", LOGIN, f"{NAME}, {WORD}")
    act(lived, "item", "answer", "1", "--draft", "-m", f"{WORD} soon.", "--as", LOGIN)
    act(lived, "item", "answer", "1", "--draft", "-m", f"Dear {NAME}, later.")
    lived.mail(f"{WORD} once", f"{WORD}\n", sender=WHO)
    lived.mail(f"{WORD} twice", f"{WORD}\n", sender=WHO)
    assert [line["item"] for line in lived.run()] == [4, 5]
    act(lived, "item", "note", "5", "-m", f"{NAME} wrote that.")
    act(lived, "item", "merge", "4", "--into", "2")
    act(lived, "user", "add", "root", "--admin")
    act(lived, "item", "delete", "5", "--commit", "--as", "root")
    act(lived, "person", "forget", ADDRESS, "--commit")
    assert (naming(lived), in_file(lived)) == (set(), [])
    assert [each["text"] for each in lived.lines("item", "drafts")] == ["Dear [erased], later."]
    assert lived.lines("item", "show", "4")[0]["merged_into"] == 2
    for words in (("item", "history", "4"), ("item", "history", "5"), ("log",), ("outbox", "list", "--all"), ("run",)):
        assert lived.allegra(*words).exit_code in (0, 69), words


@pytest.mark.parametrize("sent", [True, False])
def test_no_trace_is_left_in_mails_that_tell_of_many_things(lived: Any, sent: bool) -> None:
    act(lived, "user", "add", "bob", "--email", "bob@example.com", "--admin")
    act(lived, "user", "notify", "bob", "how=hourly")
    act(lived, "item", "join", "1", "bob", "--role", "watcher")
    act(lived, "item", "note", "1", "-m", "Quaxel called: Xenobia wants it on Monday.")
    lived.mail(f"Please wait, {WORD}", "Today.\n", sender=WHO)
    (held,) = lived.run()
    lived.change("UPDATE outbox SET next_at = 1 WHERE state = 'digest'")
    act(lived, "run")
    act(lived, "held", "discard", held["mail"], "--reason", "no")
    act(lived, "run")
    digests = "SELECT content FROM outbox WHERE event IN ('desk.digest', 'desk.held') AND content IS NOT NULL"
    told = b"".join(content for (content,) in lived.rows(digests))
    assert b"Quaxel called" in told and WORD.encode() in told, "both were composed"
    if not sent:  # composed, and its server was away
        lived.change("UPDATE outbox SET state = 'queued' WHERE event LIKE 'desk.%'")
    act(lived, "person", "forget", ADDRESS, "--commit")
    assert (naming(lived), in_file(lived)) == (set(), [])
    assert lived.allegra("run").exit_code == 0
    assert (naming(lived), in_file(lived)) == (set(), [])


def test_what_is_left_is_shown_and_goes_on_as_before(lived: Any) -> None:
    before = {row["mail"]: (row["outcome"], row["code"], row["item"]) for row in lived.lines("mail", "list")}
    act(lived, "person", "forget", ADDRESS, "--commit")
    assert {row["mail"]: (row["outcome"], row["code"], row["item"]) for row in lived.lines("mail", "list")} == before
    item = lived.item(1)
    assert (item["title"], item["text"], item["author"], item["priority"]) == ("[erased]", "[erased]", "", "High")
    texts = [each["text"].strip() for each in item["comments"]]
    assert texts == [
        "[erased]", "Dear [erased], soon.", "Dear [erased], here you are.",
        "[erased] called, reach her at [erased].", "[erased]: not sent yet.", "[erased]",
    ]  # fmt: skip
    assert [each["author"] for each in item["comments"]] == ["", "anna", "anna", "anna", "anna", ""]
    assert (item["labels"], item["fields"], item["attachments"], item["people"]) == (["for [erased]"], {}, [], [])
    assert lived.item(2)["text"].strip() == "Ask [erased] about it."
    (topic,) = lived.lines("topic", "show", "4")
    assert [each["text"] for each in topic["posts"]] == ["[erased]", "Thank you, [erased]."]
    for words in (
        ("item", "show", "1"), ("item", "comments", "1"), ("item", "history", "1"), ("item", "told", "1"),
        ("outbox", "list", "--all"), ("explain", "last"), ("mail", "show", "last"), ("user", "list"), ("check",),
        ("replay", "last"),
    ):  # fmt: skip
        assert lived.allegra(*words).exit_code in (0, 1), words
    lived.mail("Something new")
    assert [line["outcome"] for line in lived.run()] == ["created"]


def test_what_was_to_go_to_them_is_not_sent_and_what_goes_to_others_is(lived: Any) -> None:
    act(lived, "item", "assign", "1", "anna")
    waiting = [row for row in lived.told("address_key, state") if row[1] == "queued"]
    assert (ADDRESS, "queued") in waiting
    act(lived, "person", "forget", ADDRESS, "--commit")
    sent = len(list((lived.folder / "out" / "new").iterdir()))
    act(lived, "run")
    states = lived.told("address_key, state")
    assert ("", "dropped") in states
    assert not any(state in ("queued", "failed") for _, state in states)
    others = [row for row in waiting if row[0] != ADDRESS]
    assert len(list((lived.folder / "out" / "new").iterdir())) - sent == len(others)


def test_a_dry_run_counts_what_would_go_and_changes_nothing(lived: Any) -> None:
    before = everything(lived)
    (tried,) = lived.lines("person", "forget", ADDRESS)
    assert (tried["done"], everything(lived)) == ("nothing", before)
    (done,) = lived.lines("person", "forget", ADDRESS, "--commit")
    assert done["rows"] == tried["rows"]
    assert done["rows"]["item"] == 3 and done["rows"]["account"] == 1
    said = lived.allegra("person", "forget", ADDRESS, "--commit")
    assert (said.exit_code, f"nothing here names {ADDRESS} any more" in said.stdout) == (0, True)


def test_that_somebody_was_forgotten_is_written_down_and_not_whom(lived: Any) -> None:
    act(lived, "person", "forget", ADDRESS, "--commit")
    ((actor, detail),) = lived.rows("SELECT actor, detail FROM event WHERE name = 'person.forgotten'")
    assert actor and '"account":1' in detail


def test_while_somebody_reads_the_database_the_command_says_that_it_is_to_be_repeated(lived: Any) -> None:
    file = lived.folder / "allegra.toml"
    databases.configured(lived.folder, file.read_text() + '[store]\nbusy_timeout = "1 s"\n')
    with databases.being_read(lived.where, "item"):
        said = lived.allegra("person", "forget", ADDRESS, "--commit")
        assert (said.exit_code, "may still hold it, run this again: " in said.stderr) == (75, True)
    assert naming(lived) == set()
    act(lived, "person", "forget", ADDRESS, "--commit")
    assert in_file(lived) == []


# ── what stands in the way ────────────────────────────────────────────────────────────────────────────────────────


def refused(desk: Any, *words: str) -> str:
    before = everything(desk)
    result = desk.allegra("person", "forget", ADDRESS, "--commit", *words)
    assert (result.exit_code, everything(desk)) == (1, before)
    return str(result.stderr)


def test_nobody_is_forgotten_in_an_item_under_legal_hold(lived: Any) -> None:
    act(lived, "item", "label", "1", "+Legal-Hold")
    assert "item #1 is labelled legal-hold" in refused(lived)
    act(lived, "item", "label", "1", "-Legal-Hold")
    act(lived, "item", "label", "2", "+legal-hold")
    assert "item #2 is labelled legal-hold" in refused(lived), "the address stands in its text"


def test_nobody_is_forgotten_while_mail_of_theirs_waits(lived: Any) -> None:
    lived.mail("Please wait", sender=WHO)
    (line,) = lived.run()
    assert f"mail {line['mail']} is not decided yet" in refused(lived)


def test_nobody_is_forgotten_while_mail_of_theirs_is_to_be_moved(lived: Any) -> None:
    lived.mail("Later", sender=WHO)
    (line,) = lived.run("--no-move")
    assert f"mail {line['mail']} is still to be moved in the mailbox: allegra run first" in refused(lived)


@pytest.mark.parametrize(
    ("address", "said"),
    [("foo", "is no mail address"), ("", "is no mail address"), ("a b@example.com", "is no mail address"),
     ("@example.com", "is no mail address"), ("HELP@example.com", "is an address of ours")],
)  # fmt: skip
def test_an_address_that_is_none_or_ours_is_refused(desk: Any, address: str, said: str) -> None:
    result = desk.allegra("person", "forget", address, "--commit")
    assert (result.exit_code != 0, said in result.stderr) == (True, True)


# ── who is meant ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_address_that_only_holds_theirs_is_somebody_else(desk: Any) -> None:
    others = (f"mary-{ADDRESS}", f"{ADDRESS}.org", f"mary.{ADDRESS}")
    for number, other in enumerate(others):
        act(desk, "user", "add", f"other{number}", "--email", other)
        desk.mail("Printer", f"Write to {other}.\n", sender=other)
    desk.run()
    (tried,) = desk.lines("person", "forget", ADDRESS)
    assert tried["rows"] == {"rule_text": 1}, "the rules do name them"


def test_a_further_name_is_taken_out_where_they_took_part(lived: Any) -> None:
    act(lived, "item", "note", "1", "-m", "Ask Nobby.")
    act(lived, "person", "forget", ADDRESS, "--name", "Nobby", "--commit")
    assert lived.item(1)["comments"][-1]["text"] == "Ask [erased]."


def test_nothing_that_somebody_is_writing_there_names_them(lived: Any) -> None:
    with Store.open(lived.where) as store:
        store.directory.put_account("kim")
        kim = store.directory.login("kim").id
        store.begun_words.put(kim, 1, "note", f"{NAME} ({ADDRESS}) says")
    act(lived, "person", "forget", ADDRESS, "--commit")
    assert naming(lived) == set()
    with Store.open(lived.where) as store:
        assert store.begun_words.begun(kim, 1).words == "[erased] ([erased]) says"


def test_their_later_mail_is_a_strangers_and_their_number_is_nobody_elses(lived: Any) -> None:
    act(lived, "person", "forget", ADDRESS, "--commit")
    act(lived, "user", "add", "kim", "--email", "kim@example.com")
    rows = lived.rows("SELECT id, login, status FROM account ORDER BY id")
    assert [row[1:] for row in rows] == [("anna", "active"), (f"erased-{rows[1][0]}", "locked"), ("kim", "active")]
    lived.mail("Printer", sender=WHO)
    (line,) = lived.run()
    assert (line["outcome"], line["code"]) == ("held", "gate.unknown_sender")


def test_a_file_that_others_sent_as_well_stays_theirs(lived: Any) -> None:
    file = lived.folder / "logo.txt"
    file.write_text("our logo")
    act(lived, "item", "answer", "1", "-m", "x", "--attach", str(file), "--as", LOGIN, "--anyway")
    act(lived, "item", "note", "2", "-m", "y", "--attach", str(file))
    act(lived, "person", "forget", ADDRESS, "--commit")
    (left,) = lived.item(2)["attachments"]
    assert lived.allegra("item", "file", "2", str(left["id"])).stdout == "our logo"
    assert lived.item(1)["attachments"] == []
