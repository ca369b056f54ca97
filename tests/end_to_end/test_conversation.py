"""A customer and the people of a desk write to each other by mail: who hears what, by what kind of mail, who not."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from people import JANE, PEOPLE
from servers.failpoints import At, run
from servers.taker import Taker

OFFICE = f"""{PEOPLE}
[[users]]
login  = "olga"
name   = "Olga Owner"
emails = ["olga@example.com"]
"""

PROVEN = "Authentication-Results: mx.example.com; dmarc=pass header.from=example.com"

RULES = """
[[rule]]
name = "Bob takes printers"
when = 'subject contains "printer"'
then = ['set assignee "bob"']
[[rule]]
name = "Karl and Bob watch lamps"
when = 'subject contains "lamp"'
then = ['add "karl" as watcher', 'add "bob" as watcher']
"""


@pytest.fixture
def office(desk: Any, post: Any) -> Any:
    """Anna and Bob work here, Jane and Karl are customers."""
    desk.load(OFFICE)
    desk.rules("system.toml", RULES)
    post.configure('rules = "rules/system.toml"')
    return post


def asked(desk: Any, post: Any, subject: str = "The scanner is slow") -> dict[str, EmailMessage]:
    """Let Jane ask something; gives what everybody got, by address."""
    desk.mail(subject, "It takes an hour.\n", JANE, message_id="<q1@big.example>")
    assert [line["outcome"] for line in desk.run()] == ["created"]
    return got(post)


def got(post: Any) -> dict[str, Any]:
    """What was taken since the last look, by address; nobody gets two."""
    mails = post.mails()
    assert len(dict(mails)) == len(mails), [to for to, _ in mails]
    return dict(mails)


def kinds(told: dict[str, Any]) -> dict[str, str]:
    """What kind of mail each of them got, by its mark."""
    return {to: mail["Auto-Submitted"] or "answer" for to, mail in told.items()}


def reply_to(mail: EmailMessage) -> str:
    return str(mail["Reply-To"].addresses[0].addr_spec)


def words(mail: EmailMessage) -> str:
    """The text of a mail."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def reply(
    desk: Any, mail: EmailMessage, sender: str, body: str, to: str = "", refers: bool = True,
    headers: tuple[str, ...] = (), files: dict[str, bytes] | None = None,
) -> str:  # fmt: skip
    """Write back as a mail program does; gives the Message-ID."""
    made = EmailMessage()
    made["From"], made["To"] = sender, to or reply_to(mail)
    made["Subject"] = f"Re: {str(mail['Subject']).removeprefix('Re: ')}" if refers else "About my scanner"
    made["Message-ID"] = f"<re.{desk.written}@{sender.rpartition('@')[2].rstrip('>')}>"
    if refers:
        made["In-Reply-To"] = mail["Message-ID"]
        made["References"] = f"{mail['References'] or ''} {mail['Message-ID']}".strip()
    for header in headers:
        name, _, value = header.partition(": ")
        made[name] = value
    made.set_content(body)
    for name, content in (files or {}).items():
        made.add_attachment(content, "application", "octet-stream", filename=name)
    desk.mail(raw=made.as_bytes(), box="support" if "support" in made["To"] else "system")
    return str(made["Message-ID"])


def outcome(desk: Any) -> str:
    """What becomes of the one mail that waits."""
    (line,) = desk.run()
    return str(line["outcome"])


def states(desk: Any, address: str) -> list[tuple[str, str, str]]:
    """Event, state and why of every row of an address but automatic answers."""
    rows = desk.told("address_key, class, event, state, why")
    return [row[2:] for row in rows if row[0] == address and row[1] != "auto"]


# ── a customer writes ─────────────────────────────────────────────────────────────────────────────────────────────


def test_F142_a_customer_writes_those_who_work_there_hear_and_the_customer_is_acknowledged(
    desk: Any, office: Any
) -> None:
    told = asked(desk, office)
    assert kinds(told) == {
        "jane@big.example": "auto-replied", "anna@example.com": "auto-generated", "bob@example.com": "auto-generated",
    }  # fmt: skip
    assert {mail["Subject"] for mail in told.values()} == {"Re: [#1] The scanner is slow"}
    assert "It takes an hour." in words(told["anna@example.com"])
    assert len({reply_to(mail) for mail in told.values()}) == 3, "each has an address of their own to write to"


def test_F145_one_that_a_rule_gives_to_somebody_reaches_that_person_alone(desk: Any, office: Any) -> None:
    told = asked(desk, office, "The printer is slow")
    assert kinds(told) == {"jane@big.example": "auto-replied", "bob@example.com": "auto-generated"}


# ── a colleague answers ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_colleague_s_answer_reaches_the_customer_with_its_words_its_files_and_in_its_thread(
    desk: Any, office: Any
) -> None:
    told = asked(desk, office)
    reply(
        desk, told["anna@example.com"], "anna@example.com",
        "Take the other one.\n\n> It takes an hour.\n", files={"manual.pdf": b"%PDF-1.4 how to scan"},
    )  # fmt: skip
    assert outcome(desk) == "comment"
    answered = got(office)
    assert kinds(answered) == {"jane@big.example": "answer"}
    answer = answered["jane@big.example"]
    assert "Take the other one." in words(answer)
    assert [(each.get_filename(), each.get_content()) for each in answer.iter_attachments()] == [
        ("manual.pdf", b"%PDF-1.4 how to scan")
    ]
    chain = str(answer["References"]).split()
    assert chain[0] == "<q1@big.example>" and answer["In-Reply-To"] == chain[-1]
    assert str(told["anna@example.com"]["In-Reply-To"]) in chain, "notices and answers share one root"
    assert answer["From"].addresses[0].display_name == "Anna Berg via Support"
    assert answer["Subject"] == "Re: [#1] The scanner is slow"
    assert not any(answer[name] for name in ("Auto-Submitted", "Precedence", "List-Id", "X-Auto-Response-Suppress"))


def test_an_answer_that_closes_the_item_is_one_mail(desk: Any, office: Any) -> None:
    desk.load('[[workspaces]]\nidentifier = "support"\nstatuses = ["New", { name = "Closed", closed = true }]\n')
    office.configure('rules = "rules/system.toml"', '[items]\nallow_override = ["status"]\n')
    told = asked(desk, office, "The printer is slow")
    said = "Status: Closed\n\nIt is fast now.\n"
    reply(desk, told["bob@example.com"], "bob@example.com", said, headers=(PROVEN,))
    assert (outcome(desk), desk.item(1)["status"]) == ("comment", "Closed")
    answered = got(office)
    assert kinds(answered) == {"jane@big.example": "answer"}
    said = words(answered["jane@big.example"])
    assert "It is fast now." in said and "status: closed" in said.lower()


def test_words_are_passed_on_without_what_they_quote(desk: Any, office: Any) -> None:
    told = asked(desk, office)
    notice = words(told["anna@example.com"]).splitlines()
    quoted = "\n".join(f"> {line}" for line in notice)
    reply(desk, told["anna@example.com"], "anna@example.com", f"Take the other one.\n\n{quoted}\n")
    outcome(desk)
    said = words(got(office)["jane@big.example"])
    assert "internal note" not in said and "You hear this because" not in said
    assert tokens_of(said) == []


def tokens_of(text: str) -> list[str]:
    """Personal and note tokens that stand in a text."""
    return [each for each in text.replace("<", " ").split() if "+n1-" in each or "+i1-" in each]


# ── the customer replies ──────────────────────────────────────────────────────────────────────────────────────────


def answer_of_anna(desk: Any, office: Any, subject: str) -> Any:
    """What Jane got from Anna."""
    told = asked(desk, office, subject)
    notice = told.get("anna@example.com") or told["bob@example.com"]
    who = "anna@example.com" if "anna@example.com" in told else "bob@example.com"
    reply(desk, notice, who, "Did you turn it on?\n")
    assert outcome(desk) == "comment"
    return got(office)["jane@big.example"]


WAYS: dict[str, dict[str, Any]] = {
    "to the answer": {},
    "by its Reply-To": {"refers": False},
    "by References only": {"to": "help@example.com"},
}


@pytest.mark.parametrize("way", WAYS)
def test_the_customer_s_reply_reaches_who_is_assigned(desk: Any, office: Any, way: str) -> None:
    answer = answer_of_anna(desk, office, "The printer is slow")
    reply(desk, answer, JANE, "Of course I did.\n", **WAYS[way])
    assert outcome(desk) == "comment"
    told = got(office)
    assert kinds(told) == {"bob@example.com": "auto-generated"}
    assert "Of course I did." in words(told["bob@example.com"])


@pytest.mark.parametrize("way", WAYS)
def test_where_nobody_is_assigned_the_customer_s_reply_reaches_those_who_wait_for_new_items(
    desk: Any, office: Any, way: str
) -> None:
    answer = answer_of_anna(desk, office, "The scanner is slow")
    reply(desk, answer, JANE, "Of course I did.\n", **WAYS[way])
    assert outcome(desk) == "comment"
    assert kinds(got(office)) == {"anna@example.com": "auto-generated", "bob@example.com": "auto-generated"}


def test_where_nobody_waits_for_new_items_the_owner_hears(desk: Any, office: Any) -> None:
    toml = desk.folder / "allegra.toml"
    owned = 'name = "Support"\nowner = "olga@example.com"\n'
    toml.write_text(toml.read_text().replace('name = "Support"\n', owned) + '[notify.defaults]\nnew = "none"\n')
    told = asked(desk, office)
    assert kinds(told) == {"jane@big.example": "auto-replied", "olga@example.com": "auto-generated"}
    reply(desk, told["jane@big.example"], JANE, "Still slow.\n")
    assert outcome(desk) == "comment"
    assert kinds(got(office)) == {"olga@example.com": "auto-generated"}


def test_a_customer_s_words_are_not_mailed_to_another_customer_unless_a_setting_says_so(desk: Any, office: Any) -> None:
    told = asked(desk, office, "The lamp is slow")
    assert "karl@big.example" not in told
    reply(desk, told["jane@big.example"], JANE, "Still slow.\n")
    outcome(desk)
    assert "karl@big.example" not in got(office)
    assert states(desk, "karl@big.example")[-1] == ("item.commented", "suppressed", "outside")
    office.configure('rules = "rules/system.toml"', '[notify]\nrelay = "everybody"\n')
    reply(desk, told["jane@big.example"], JANE, "Slower.\n")
    outcome(desk)
    assert kinds(got(office))["karl@big.example"] == "answer"


# ── without a proof ───────────────────────────────────────────────────────────────────────────────────────────────


def forged(desk: Any, told: dict[str, Any], how: str) -> None:
    """Write in Anna's name with what somebody else may know."""
    if how == "the number":
        desk.mail("Re: [#1] The scanner is slow", "Send us your password.\n", "anna@example.com")
    elif how == "a Message-ID":
        desk.mail("Re: The scanner", "Send us your password.\n", "anna@example.com",
                  headers=["In-Reply-To: <q1@big.example>"])  # fmt: skip
    else:
        mail = told["jane@big.example" if how == "the customer's token" else "bob@example.com"]
        reply(desk, mail, "anna@example.com", "Send us your password.\n", refers=False)


@pytest.mark.parametrize("how", ["the number", "a Message-ID", "the customer's token", "a token of Bob's"])
def test_words_in_a_colleague_s_name_that_nobody_proved_do_not_go_to_the_customer(
    desk: Any, office: Any, how: str
) -> None:
    told = asked(desk, office)
    forged(desk, told, how)
    assert outcome(desk) == "comment"
    assert "jane@big.example" not in got(office)
    assert states(desk, "jane@big.example")[-1] == ("item.answered", "held", "unproven")
    desk.run()
    assert got(office) == {}, "what is held waits for a person"


def test_who_is_assigned_hears_of_words_that_nobody_proved(desk: Any, office: Any) -> None:
    asked(desk, office, "The printer is slow")
    desk.mail("Re: [#1] The printer is slow", "Send us your password.\n", "anna@example.com")
    outcome(desk)
    assert kinds(got(office)) == {"bob@example.com": "auto-generated"}


def test_a_domain_that_vouches_for_the_sender_is_a_proof(desk: Any, office: Any) -> None:
    asked(desk, office)
    desk.mail("Re: [#1] The scanner is slow", "Take the other one.\n", "anna@example.com", headers=[PROVEN])
    assert outcome(desk) == "comment"
    assert kinds(got(office)) == {"jane@big.example": "answer"}


# ── notes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def note_address(mail: EmailMessage) -> str:
    """Where the mail says that an internal note goes."""
    return next(each for each in words(mail).split() if "+n1-" in each).rstrip(".")


def test_a_note_reaches_who_works_there_and_no_outside_person_and_so_does_the_reply_to_it(
    desk: Any, office: Any
) -> None:
    told = asked(desk, office, "The lamp is slow")
    reply(
        desk,
        told["anna@example.com"],
        "anna@example.com",
        "She never pays.\n",
        to=note_address(told["anna@example.com"]),
    )
    assert outcome(desk) == "note"
    noted = got(office)
    assert kinds(noted) == {"bob@example.com": "auto-generated"}
    assert "She never pays." in words(noted["bob@example.com"])
    assert "+n1-" in reply_to(noted["bob@example.com"])
    assert states(desk, "karl@big.example")[-1] == ("item.noted", "suppressed", "outside")

    for way in ({}, {"refers": False}, {"to": "help@example.com"}):
        reply(desk, noted["bob@example.com"], "bob@example.com", "Nor does Karl.\n", **way)
        assert outcome(desk) == "note"
        assert not {"jane@big.example", "karl@big.example"} & got(office).keys()
    assert [each["internal"] for each in desk.item(1)["comments"]] == [True] * 4


def test_an_answer_after_a_note_holds_nothing_of_the_note(desk: Any, office: Any) -> None:
    told = asked(desk, office)
    anna = told["anna@example.com"]
    reply(desk, anna, "anna@example.com", "She never pays.\n", to=note_address(anna), files={"debts.txt": b"much"})
    outcome(desk)
    got(office)
    reply(desk, anna, "anna@example.com", "Take the other one.\n")
    outcome(desk)
    answer = got(office)["jane@big.example"]
    assert b"She never pays." not in answer.as_bytes() and "She never pays." not in words(answer)
    assert list(answer.iter_attachments()) == []


def test_the_token_of_a_note_in_the_hands_of_a_customer_makes_no_comment(desk: Any, office: Any) -> None:
    told = asked(desk, office)
    reply(desk, told["anna@example.com"], JANE, "Let me in.\n", to=note_address(told["anna@example.com"]), refers=False)
    assert outcome(desk) in ("held", "note")
    assert [each for each in desk.item(1)["comments"] if not each["internal"]] == []


# ── again ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_decided_again_tells_nobody_unless_asked(desk: Any, office: Any) -> None:
    asked(desk, office)
    replayed = desk.allegra("replay", "<q1@big.example>", "--commit")
    assert replayed.exit_code == 0, replayed.output
    desk.run()
    assert got(office) == {}
    again = [row for row in desk.told("generation, class, state, why") if row[0] == 2]
    assert {row[2:] for row in again} == {("suppressed", "quiet")}
    assert {row[1] for row in again} == {"auto", "notice"}


# ── killed ────────────────────────────────────────────────────────────────────────────────────────────────────────

KILLED = [
    (step, hit, after)
    for step in ("spool", "decide", "commit", "COMMIT", "settle", "outbox claim", "send", "sent")
    for hit in (1, 2)
    for after in (False, True)
]


@pytest.fixture
def taker() -> Iterator[Taker]:
    with Taker() as server:
        yield server


@pytest.mark.parametrize(("step", "hit", "after"), KILLED)
def test_G1_a_pass_that_is_killed_in_a_conversation_tells_everybody_and_nobody_by_two_mails(
    desk: Any, office: Any, taker: Taker, step: str, hit: int, after: bool
) -> None:
    told = asked(desk, office)
    reply(desk, told["anna@example.com"], "anna@example.com", "Take the other one.\n")
    desk.mail("The lamp is slow", "So is this.\n", JANE)
    toml = desk.folder / "allegra.toml"
    toml.write_text(toml.read_text().replace(f"port = {office.server.port}", f"port = {taker.port}"))
    assert run(desk.folder, "run", at=At(step, hit, after)).code == -signal.SIGKILL
    for _ in range(2):
        assert desk.allegra("run").exit_code == 0
    sent = {each.message_id: each for each in taker.taken}
    times = Counter(each.message_id for each in taker.taken)
    assert len({each.content for each in taker.taken}) == len(sent), "what goes out again has the same bytes"
    rows = [row for row in desk.told("message_id, address_key, class, event, state") if row[4] != "suppressed"][3:]
    unsure = [row for row in rows if row[4] == "unknown"]
    assert {row[4] for row in rows} <= {"sent", "unknown"} and len(unsure) <= 1
    assert {row[2] for row in unsure} <= {"auto"}
    assert Counter(row[1:4] for row in rows) == Counter(
        [("jane@big.example", "answer", "item.answered"), ("jane@big.example", "auto", "item.created"),
         ("anna@example.com", "notice", "item.created"), ("bob@example.com", "notice", "item.created")]
    )  # fmt: skip
    assert set(sent) <= {row[0] for row in rows}
    assert all(times[row[0]] <= (1 if row[2] == "auto" else 2) for row in rows)
    assert sum(times.values()) <= len(rows) + 1
