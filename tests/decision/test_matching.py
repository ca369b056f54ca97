"""Which item a mail answers: tokens, Message-IDs, plus tags, subjects; in order, and never by guessing."""

# ruff: noqa: E501  (mails and tables)

import pytest
from builders import World, config, item, mail
from msgspec.structs import replace

from engine.decision import tokens
from engine.decision.matching import find, message_ids
from engine.model.answers import MessageMatch
from engine.model.desk import Kind
from engine.model.facts import Thread
from engine.model.questions import ItemByMarkers, ItemByMessageIds
from engine.wording.sentence import sentence

SECRET = b"0123456789abcdef0123456789abcdef"
SEVEN = item(7)
TOPIC = replace(item(3), kind=Kind.TOPIC)
OURS = tokens.message_id("m-1.1.0", 7, SECRET, "example.com")


def thread(
    threading: str = "", world: World | None = None, about: str = "", secret: bytes = SECRET, **arrangement
) -> Thread:
    """What is found for a mail, in a world that holds item 7 and topic 3."""
    settings = config(f"[items.threading]\n{threading}\n" if threading else "").settings("")
    look = world or World(items=(SEVEN,), topics=(TOPIC,), messages={"<known@bigcorp.example>": SEVEN})
    return find(mail(**arrangement), settings, look, ("help@example.com", "allegra@example.com"), secret, about)


def said(found: Thread) -> list[tuple[str, str]]:
    """What each way saw, in words."""
    return [(way, sentence(saw)) for way, saw in found.tried]


def test_a_new_mail_answers_nothing():
    assert thread() == Thread()


# ── token ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_F106_a_token_in_the_reply_address_finds_the_item():
    found = thread(to=f"help+{tokens.sign(7, SECRET)}@example.com")
    assert (found.item, found.by, found.proven) == (SEVEN, "token", True)


def test_F106_the_case_of_the_local_part_does_not_matter():
    assert thread(to=f"HELP+{tokens.sign(7, SECRET).upper()}@EXAMPLE.com").item is SEVEN


def test_F106_a_signed_message_id_of_ours_finds_the_item():
    assert thread(headers=[("In-Reply-To", OURS)]).by == "token"
    assert thread(headers=[("References", f"<x@y.example> {OURS} <z@y.example>")]).item is SEVEN


def test_F120_mail_about_a_topic_that_was_signed_as_an_item_leads_to_the_topic():
    ours = tokens.message_id("m-2.1.0", 3, SECRET, "example.com")
    world = World(items=(item(3),), topics=(TOPIC,), messages={ours: TOPIC})
    found = thread(world=world, headers=[("In-Reply-To", ours)])
    assert (found.item, found.by, found.proven) == (TOPIC, "token", True)


def test_F106_where_it_was_delivered_counts_before_to():
    found = thread(to="help@example.com", headers=[("X-Original-To", f"help+{tokens.sign(7, SECRET)}@example.com")])
    assert found.by == "token"


@pytest.mark.parametrize(
    "address",
    ["help+i7.aaaaaaaaaaaaaaaa@example.com", "help+i7@example.com", f"help+i8.{tokens.sign(7, SECRET).partition('.')[2]}@example.com",
     f"eve+{tokens.sign(7, SECRET)}@elsewhere.example"],
)  # fmt: skip
def test_G24_a_guessed_token_proves_nothing(address):
    found = thread(to=address)
    assert (found.item, found.proven, found.dangling) == (None, False, False)


def test_a_forged_token_is_told_to_explain():
    found = thread(to="help+i7.aaaaaaaaaaaaaaaa@example.com")
    assert said(found) == [("token", "help+i7.aaaaaaaaaaaaaaaa@example.com: not signed by us")] and found.unsigned


def test_without_a_secret_no_token_is_believed():
    forged = tokens.sign(7, b"")
    assert thread(to=f"help+{forged}@example.com", secret=b"").item is None


def test_F113_a_valid_token_of_a_missing_item_dangles():
    found = thread(to=f"help+{tokens.sign(99, SECRET)}@example.com", subject="Re: [#7] Printer")
    assert (found.item, found.dangling) == (None, True)


def test_F113_with_next_the_other_ways_are_tried():
    found = thread('on_dangling = "next"', to=f"help+{tokens.sign(99, SECRET)}@example.com", subject="Re: [#7] Printer")
    assert (found.item, found.by, found.dangling) == (SEVEN, "subject", False)


def test_F120_a_token_of_a_topic_finds_the_topic():
    found = thread(to=f"help+{tokens.sign(3, SECRET, 't')}@example.com")
    assert (found.item, found.proven) == (TOPIC, True)


# ── tokens of one person, and of notes ────────────────────────────────────────────────────────────────────────


def personal(item: int = 7, account: int = 3, kind: str = "i") -> str:
    return tokens.sign(item, SECRET, kind, account)


def test_a_personal_token_tells_whose_it_is():
    found = thread(to=f"help+{personal()}@example.com")
    assert (found.item, found.by, found.proven, found.account, found.private) == (SEVEN, "token", True, 3, False)


def test_the_token_of_everybody_is_nobodys():
    assert thread(to=f"help+{tokens.sign(7, SECRET)}@example.com").account == 0


def test_F119_a_note_token_leads_to_a_note_whoever_is_answered():
    found = thread(to=f"help+{personal(kind='n')}@example.com")
    assert (found.item, found.proven, found.account, found.private) == (SEVEN, True, 3, True)
    public = {ItemByMessageIds: lambda by: MessageMatch(by.message_ids[0], SEVEN, account=5)}
    world = World(items=(SEVEN,), answers=public)
    tagged = thread(
        world=world, to=f"help+{personal(kind='n')}@example.com", headers=[("In-Reply-To", "<notice@example.com>")]
    )
    assert (tagged.private, tagged.account) == (True, 3)


@pytest.mark.parametrize("kind", ["i", "n"])
@pytest.mark.parametrize(
    "changed",
    [lambda t: t.replace("7-3.", "8-3."), lambda t: t.replace("7-3.", "7-4."), lambda t: t.replace("7-3.", "7."),
     lambda t: ("n" if t[0] == "i" else "i") + t[1:], lambda t: "t" + t[1:], lambda t: t[:-1] + ("a" if t[-1] != "a" else "b")],
    ids=["other item", "other account", "of everybody", "note or not", "of a topic", "guessed"],
)  # fmt: skip
def test_G24_a_personal_token_that_was_changed_proves_nothing(kind, changed):
    forged = changed(personal(kind=kind))
    found = thread(to=f"help+{forged}@example.com", world=World(items=(SEVEN, item(8)), topics=(TOPIC,)))
    assert (found.item, found.proven, found.account, found.private) == (None, False, 0, False)
    assert found.unsigned and "not signed by us" in said(found)[0][1]


def test_G24_a_token_that_is_good_counts_beside_one_that_is_forged():
    forged = personal().replace("7-3.", "8-3.")
    found = thread(to=f"help+{forged}@example.com, help+{personal()}@example.com", world=World(items=(SEVEN, item(8))))
    assert (found.item, found.account, found.unsigned) == (SEVEN, 3, True)


def test_a_personal_token_behind_another_separator_is_found():
    settings = config('[people]\nmail_suffix_separators = "-"\n').settings("")
    letter = mail(to=f"help-{personal()}@example.com")
    assert find(letter, settings, World(items=(SEVEN,)), ("help@example.com",), SECRET).account == 3


def test_F117_a_personal_token_that_answers_a_note_is_private():
    private = {ItemByMessageIds: lambda by: MessageMatch(by.message_ids[0], SEVEN, private=True, account=3)}
    world = World(items=(SEVEN,), answers=private)
    found = thread(world=world, to=f"help+{personal()}@example.com", headers=[("In-Reply-To", "<note@example.com>")])
    assert (found.private, found.account) == (True, 3)


def test_a_message_id_of_ours_tells_to_whom_it_went():
    sent = {ItemByMessageIds: lambda by: MessageMatch(by.message_ids[0], SEVEN, account=3)}
    world = World(items=(SEVEN,), answers=sent)
    for order in ('order = ["token"]', 'order = ["message_id"]'):
        found = thread(order, world=world, headers=[("In-Reply-To", OURS)])
        assert (found.item, found.proven, found.account) == (SEVEN, True, 3)


def test_a_personal_token_of_a_missing_item_dangles_and_is_not_foreign():
    found = thread(to=f"help+{personal(99)}@example.com")
    assert (found.item, found.dangling, found.foreign) == (None, True, False)


# ── Message-IDs ───────────────────────────────────────────────────────────────────────────────────────────────


def test_F107_a_stored_message_id_finds_the_item():
    for field in ("In-Reply-To", "References"):
        found = thread(headers=[(field, "<known@bigcorp.example>")])
        assert (found.item, found.by, found.proven, found.marker) == (
            SEVEN,
            "message_id",
            True,
            "<known@bigcorp.example>",
        )


def test_F107_an_unknown_message_id_does_not_dangle():
    found = thread(headers=[("In-Reply-To", "<private@elsewhere.example>")])
    assert (found.item, found.dangling) == (None, False)
    assert said(found) == [("message_id", "<private@elsewhere.example> is not known")]


def test_F117_an_answer_to_an_internal_note_is_private():
    def noted():
        private = {ItemByMessageIds: lambda by: MessageMatch(by.message_ids[0], SEVEN, private=True)}
        return World(items=(SEVEN,), answers=private)

    assert thread(world=noted(), headers=[("In-Reply-To", "<note@example.com>")]).private
    tagged = thread(
        world=noted(),
        to=f"help+{tokens.sign(7, SECRET)}@example.com",
        headers=[("In-Reply-To", "<note@example.com>")],
    )
    assert (tagged.by, tagged.private) == ("token", True)


def test_F098_a_forwarding_mail_answers_nothing_by_its_references():
    found = thread(
        headers=[("References", "<known@bigcorp.example>"), ("X-Forwarded-Message-Id", "<known@bigcorp.example>")]
    )
    assert found.item is None
    assert "forwards" in said(found)[0][1]


def test_fifty_thousand_references_ask_about_fifty():
    long = mail(headers=[("In-Reply-To", "<last@x.example>")])
    long = replace(long, references=tuple(f"<{number}@x.example>" for number in range(50_000)))
    wanted = message_ids(long)
    assert len(wanted) <= 50
    assert wanted[:2] == ("<last@x.example>", "<49999@x.example>")
    assert "<0@x.example>" in wanted


def test_F039_a_bounce_is_linked_by_the_mail_it_returns():
    assert thread(about=OURS).item is SEVEN
    assert thread(about="<known@bigcorp.example>").by == "message_id"


# ── plus ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("to", ["help+issue-7@example.com", "issue-7@example.com", "x@y.example, Issue-7@Example.com"])
def test_F109_an_address_with_the_number_finds_the_item_and_proves_nothing(to):
    found = thread(to=to)
    assert (found.item, found.by, found.proven) == (SEVEN, "plus", False)


def test_F109_a_number_in_a_foreign_domain_is_none_of_ours():
    assert thread(to="issue-7@elsewhere.example").item is None


def test_F109_a_missing_item_dangles():
    assert thread(to="issue-99@example.com").dangling


# ── subject ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_F108_a_marker_in_the_subject_finds_the_item_and_proves_nothing():
    found = thread(subject="Re: [#7] Printer")
    assert (found.item, found.by, found.marker, found.proven) == (SEVEN, "subject", "[#7]", False)


def test_F108_every_group_of_the_pattern_is_tried():
    pattern = r"title_pattern = '/R-([0-9]{6})|Case (\d+)/'"
    assert thread(pattern, subject="R-000007: Printer").item is SEVEN
    assert thread(pattern, subject="R-000099, Case 7").item is SEVEN


def test_F108_foreign_numbers_are_passed_over():
    threading = "title_pattern = '/(\\d+)/'\nignore_patterns = ['/\\bINC\\d+\\b/', '/\\d{4}-\\d\\d/']"
    assert thread(threading, subject="INC7 2026-11").item is None
    assert thread(threading, subject="INC8 and 7").item is SEVEN


def test_F108_no_pattern_no_marker():
    assert thread("title_pattern = ''", subject="[#7]").item is None


@pytest.mark.parametrize("subject", ["[#" + "9" * 40 + "]", "[#0]", "[#x]", "#7", "[12345#1]"])
def test_numbers_that_are_none(subject):
    assert thread(subject=subject).item is None


def test_F113_a_marker_of_a_missing_item_dangles():
    found = thread(subject="Re: [#99] Printer")
    assert (found.dangling, found.marker) == (True, "[#99]")


def test_F113_a_bare_number_that_was_never_given_is_foreign_and_what_we_signed_is_not():
    world = World(items=(SEVEN, item(9)), topics=(TOPIC,))
    assert thread(world=world, subject="Re: [#99] Printer").foreign
    assert thread(world=world, to="issue-99@example.com").foreign
    assert thread(world=world, subject="Re: [Support - msg9] Hello").foreign
    assert not thread(world=world, subject="Re: [#8] Printer").foreign
    assert not thread(world=world, to=f"help+{tokens.sign(99, SECRET)}@example.com").foreign


def test_F113_behind_a_foreign_number_the_other_ways_are_tried():
    assert thread(to="issue-99@example.com", subject="Re: [#7] Printer").item is SEVEN


def test_F120_a_marker_of_a_topic_finds_the_topic():
    assert thread(subject="Re: [Support - msg3] Hello").item is TOPIC


def test_F110_the_order_is_that_of_the_settings():
    other = item(8)
    world = World(items=(SEVEN, other), messages={"<known@bigcorp.example>": other})
    arrangement = {"subject": "[#7]", "headers": [("In-Reply-To", "<known@bigcorp.example>")]}
    assert thread(world=world, **arrangement).item is other
    assert thread('order = ["subject", "message_id"]', world=world, **arrangement).item is SEVEN
    assert thread('order = ["token"]', world=world, **arrangement).item is None


def test_the_winner_is_told_to_explain():
    assert said(thread(subject="[#7]")) == [("subject", "[#7] is #7")]


# ── what is meant to be a note or a draft ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arrangement", "meant"),
    [
        ({"to": "help+note-7@example.com"}, "note"),
        ({"to": "note-7@example.com"}, "note"),
        ({"to": "draft-7@example.com"}, "draft"),
        ({"to": "help+draft-7@example.com"}, "draft"),
        ({"to": f"help+{tokens.sign(7, SECRET, 'n', 3)}@example.com"}, "note"),
        ({"subject": "Re: [#7 Note] Printer"}, "note"),
        ({"subject": "AW: [#7 NOTE] Printer [#7]"}, "note"),
    ],
)
def test_F108_F109_an_address_or_a_subject_says_that_a_note_or_a_draft_is_meant(arrangement, meant):
    found = thread(**arrangement)
    assert (found.item, found.private, found.meant) == (SEVEN, True, meant)


@pytest.mark.parametrize(
    ("arrangement", "meant"),
    [
        ({"to": "note-7@example.com"}, "note"),
        ({"to": "draft-99@example.com"}, "draft"),
        ({"subject": "Re: [#7 Note] Printer"}, "note"),
    ],
)
def test_F109_what_is_meant_to_be_private_is_so_whichever_way_finds_the_item(arrangement, meant):
    found = thread(headers=[("In-Reply-To", OURS)], **arrangement)
    assert (found.item, found.by, found.private, found.meant) == (SEVEN, "token", True, meant)


def test_F108_a_note_about_a_number_that_was_never_given_is_no_new_item():
    found = thread(subject="[#4711 Note] Printer")
    assert (found.item, found.dangling, found.foreign, found.private) == (None, True, False, True)


def test_F108_F109_each_can_be_switched_off():
    assert thread('title_note = ""', subject="[#7 Note] Printer") == Thread()
    assert thread('plus_draft = ""', to="draft-7@example.com") == Thread()


# ── markers of another system ─────────────────────────────────────────────────────────────────────────────────


def imported(*markers: str, private: bool = False) -> World:
    """A world that holds item 7 and no other, where these markers mean it."""

    def mean(question: ItemByMarkers) -> MessageMatch | None:
        found = next((each for each in question.markers if each in markers), None)
        return None if found is None else MessageMatch(found, SEVEN, private, imported=True)

    return World(items=(SEVEN,), answers={ItemByMarkers: mean})


def test_F108_a_marker_of_another_system_finds_its_item_and_proves_nothing():
    world = imported("[support - bug #2]")
    found = thread(world=world, subject="Re: [Support - Bug #2] The printer")
    assert (found.item, found.by, found.proven, found.ours) == (SEVEN, "imported", False, False)
    assert said(found) == [
        ("imported", "[support - bug #2] was brought in from another system and means #7; it can be guessed")
    ]


def test_F108_their_marker_is_asked_before_our_number_because_it_says_more():
    pattern = r"title_pattern = '/\[(?:[^\]]*\s+)?#(\d+)\]/'"
    world = imported("[… #7]")
    assert thread(pattern, world, subject="Re: [Support - Bug #7] x").by == "imported"
    assert thread(pattern, world, subject="Re: [#7] x").by == "subject"


def test_F109_their_address_finds_its_item_and_a_note_of_theirs_stays_a_note():
    world = imported("issue-2@", "note-2@")
    found = thread(world=world, to="issue-2@example.com")
    assert (found.item, found.by, found.private) == (SEVEN, "imported", False)
    found = thread(world=world, to="note-2@example.com")
    assert (found.item, found.by, found.meant, found.private) == (SEVEN, "imported", "note", True)


def test_F117_what_answers_a_note_of_theirs_is_private():
    assert thread(world=imported("[a #2]", private=True), subject="[A #2] x").private


def test_F106_a_message_id_of_another_system_is_no_proof():
    match = MessageMatch("<redmine.issue-2@>", SEVEN, imported=True)
    world = World(items=(SEVEN,), answers={ItemByMessageIds: lambda question: match})
    found = thread(world=world, headers=[("In-Reply-To", "<redmine.issue-2.20080101@h>")])
    assert (found.item, found.by, found.proven) == (SEVEN, "imported", False)


def test_order_says_which_markers_of_another_system_are_asked_too():
    world = imported("[a #2]", "issue-2@")
    assert thread('order = ["token", "message_id"]', world, subject="[A #2] x", to="issue-2@example.com").item is None


def test_a_mail_without_such_a_marker_asks_nothing_new():
    world = World(items=(SEVEN,))
    thread(world=world, subject="Re: The printer", to="help@example.com", headers=[("References", "<a@b.example>")])
    assert world.counted(ItemByMarkers) == 0
