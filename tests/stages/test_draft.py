"""Stage 7: title, text, fields, attachments, and what a reply becomes."""

from __future__ import annotations

from typing import Any

import pytest
from builders import ANNA, GUEST, JANE, SUPPORT, World, answers, config, draft, facts, item, mail
from msgspec.structs import replace

from engine.item.words import NOTHING_SAID
from engine.mail.html_reply import cut_page
from engine.mail.parts import text as parts_text
from engine.mail.reply import cut
from engine.model.desk import Catalog, CustomField, Kind, Status, Value
from engine.model.draft import Decider, Draft, FieldChange, Target, Verdict
from engine.model.facts import Auto, Automatic, Cut, Facts, Meant, Release, Sender, Thread
from engine.model.mail import Address, Mail
from engine.outbox.templates import LANGUAGES
from engine.stages.draft import DraftStage
from engine.wording.sentence import sentence

RULE = Decider("rule", "Invoices", "rules/system.toml", 21)


def decide(
    about: Mail | None = None,
    known: Facts | None = None,
    toml: str = "",
    before: Draft | None = None,
    world: World | None = None,
) -> Draft:
    about = about or mail()
    return DraftStage(config(toml)).decide(about, known or facts(about), before or draft(), world or World())


def code(decided: Draft) -> str:
    return decided.disposition.code if decided.disposition else ""


def fields(decided: Draft) -> dict[str, Value]:
    return {change.name: change.value for change in decided.fields}


def reply(by: str = "token", account: object = JANE, people: tuple[str, ...] = ("jane",), **known: object) -> Facts:
    about = {name: known.pop(name) for name in ("closed", "locked", "kind", "fields", "status") if name in known}
    thread = answers(item(7, people, **about), by, private=bool(known.pop("private", False)))
    return facts(mail(), account, thread=thread, **known)  # type: ignore[arg-type]


# ── new items


def test_F001_F075_a_mail_becomes_an_item_with_subject_as_title_and_body_as_description() -> None:
    decided = decide(mail("It smokes.", "Printer on fire"))
    assert decided.target is Target.NEW_ITEM
    assert (decided.title, decided.text) == ("Printer on fire", "It smokes.")


def test_F092_the_title_is_cut_to_255_characters() -> None:
    decided = decide(mail(subject="x" * 400))
    assert len(decided.title) == 255
    assert decided.title.endswith("…")


def test_F092_the_title_gets_the_prefix_once() -> None:
    toml = '[items]\ntitle_prefix = "[mail]"\n'
    assert decide(mail(subject="Printer"), toml=toml).title == "[mail] Printer"
    assert decide(mail(subject="[mail] Printer"), toml=toml).title == "[mail] Printer"


def test_F105_many_replies_in_front_become_one() -> None:
    assert decide(mail(subject="RE: AW: Re[2]: Antwort: Printer")).title == "Re: Printer"


def test_F076_a_title_comes_from_the_default_where_the_subject_says_nothing() -> None:
    assert decide(mail(subject="Re:")).title == "(no subject)"


def test_F093_an_item_without_text_says_so() -> None:
    assert decide(mail("")).text == "No description provided."
    assert decide(mail(""), toml='[instance]\nlanguage = "de"\n').text == "Keine Beschreibung angegeben."
    assert set(NOTHING_SAID) == set(LANGUAGES)


def test_F093_the_quoted_rest_is_folded_never_lost() -> None:
    about = mail("New.\n\n> Old.")
    known = facts(about, cut=Cut("New.", "> Old.", "-- \nJane"))
    decided = decide(about, known)
    assert decided.text == "New."
    assert "> Old." in decided.quoted
    assert "Jane" in decided.quoted


@pytest.mark.parametrize(("keep", "text", "quoted"), [("drop", "New.", ""), ("keep", "New.\n\n> Old.", "")])
def test_F093_the_quoted_rest_is_dropped_or_kept_where_that_is_set(keep: str, text: str, quoted: str) -> None:
    about = mail("New.\n\n> Old.")
    decided = decide(about, facts(about, cut=Cut("New.", "> Old.")), f'[body]\nkeep_quoted = "{keep}"\n')
    assert (decided.text, decided.quoted) == (text, quoted)


def test_F103_a_new_item_of_nothing_but_quotes_takes_them_as_its_text_and_reads_no_keyword_in_them() -> None:
    about = mail("> Status: Closed")
    known = facts(about, cut=Cut("", "Status: Closed\nOld."))
    decided = decide(about, known, '[items]\nallow_override = ["all"]\n')
    assert decided.text == "Status: Closed\nOld."
    assert fields(decided)["status"] == "New"


def test_F094_html_is_kept_beside_the_text_by_default() -> None:
    about = mail("plain", html="<p>plain</p>")
    assert decide(about).html_part is not None


@pytest.mark.parametrize(
    "toml", ['[body]\nhtml = "to-text"\n', '[body]\nbody_parts_order = ["text/plain", "text/html"]\n']
)
def test_F094_F095_plain_text_is_preferred_where_that_is_set(toml: str) -> None:
    about = mail("plain", html="<p>plain</p>")
    assert decide(about, toml=toml).html_part is None


def test_F094_html_is_used_where_plain_is_preferred_and_missing() -> None:
    about = mail("", html="<p>only</p>")
    assert decide(about, toml='[body]\nbody_parts_order = ["text/plain", "text/html"]\n').html_part is not None


def test_F091_a_mail_with_keywords_is_shown_as_text() -> None:
    about = mail("Priority: High\nText", html="<p>Priority: High</p><p>Text</p>")
    decided = decide(about)
    assert decided.html_part is None
    assert decided.text == "Text"


REPLY = "It works.\n\nOn Mon, Jan 5, 2026 at 10:15 AM Ben <ben@example.com> wrote:\n> Does it?"
TWIN = (
    "<p>It <b>works</b>.</p><div>On Mon, Jan 5, 2026 at 10:15 AM Ben &lt;ben@example.com&gt; wrote:</div>"
    '<blockquote type="cite">Does it?</blockquote>'
)


def _known(about: Mail, toml: str = "") -> Facts:
    return facts(about, cut=cut(about.text, config(toml).settings().body, not about.text, about.subject))


def _shown(toml: str = "", html: str = TWIN, text: str = REPLY) -> str | None:
    about = mail(text, html=html)
    decided = decide(about, _known(about, toml), toml)
    part = decided.html_part
    if part is None:
        return None
    page = parts_text(about.raw.content, part)
    return page if part.cutting is None else cut_page(page, decided.text, part.cutting, config(toml).settings().body)


def test_F103_the_html_of_a_reply_is_cut_like_its_text() -> None:
    shown = _shown()
    assert shown is not None
    assert "<b>works</b>" in shown and "Ben" not in shown and "Does it?" not in shown
    assert _shown(text="") == shown


def test_F103_where_the_quotation_is_kept_the_html_keeps_it() -> None:
    for toml in ('[body]\nkeep_quoted = "keep"\n', '[body]\ncut = "off"\n'):
        assert "Does it?" in (_shown(toml) or ""), toml


def test_F103_a_signature_that_only_the_text_marks_leaves_the_html_whole() -> None:
    signature = " ".join(f"line{number}" for number in range(80))
    assert (
        _shown(html="<p>It works.</p><p>Another sentence.</p>" * 9, text=f"It works.\n\n-- \n{signature}") is not None
    )


def test_F103_html_that_cannot_be_cut_like_the_text_is_not_shown() -> None:
    assert _shown(html="<p>Please read the text.</p>") == ""


def test_F093_html_becomes_an_attachment_where_that_is_set() -> None:
    about = mail("plain", html="<p>plain</p>")
    decided = decide(about, toml='[body]\nhtml = "attach"\n')
    assert decided.html_part is None
    assert [fate.attachment.name for fate in decided.attachments] == ["message.html"]


def test_F096_F097_text_parts_in_any_charset_become_one_description() -> None:
    from builders import raw

    from engine.mail.parse import parse

    about = parse(
        raw(
            b"From: jane@bigcorp.example\nSubject: Two\nMIME-Version: 1.0\n"
            b"Content-Type: multipart/mixed; boundary=b\n\n"
            b"--b\nContent-Type: text/plain; charset=iso-8859-1\n\nGr\xfc\xdfe\n"
            b"--b\nContent-Type: text/plain; charset=koi8-r\n\n\xf0\xd2\xc9\xd7\xc5\xd4\n--b--\n"
        )
    )
    decided = decide(about)
    assert "Grüße" in decided.text
    assert "Привет" in decided.text


def test_F099_F104_what_stands_below_a_delimiter_line_is_folded_and_holds_no_keyword() -> None:
    about = mail("New.\n\n---- Reply above this line ----\nStatus: Closed")
    toml = '[items]\nallow_override = ["all"]\nkeywords = "anywhere"\n'
    known = facts(about, cut=cut(about.text, config(toml).settings().body))
    decided = decide(about, known, toml)
    assert decided.text == "New."
    assert "Status: Closed" in decided.quoted
    assert fields(decided)["status"] == "New"


# ── fields of new items


def test_F069_F073_a_new_item_has_the_defaults() -> None:
    toml = (
        '[items]\ntype = "Incident"\npriority = "High"\ncategory = "hardware"\nversion = "1.0"\nassigned_to = "bob"\n'
    )
    assert fields(decide(toml=toml)) == {
        "type": "Incident",
        "status": "New",
        "priority": "High",
        "category": "Hardware",
        "version": "1.0",
        "assigned_to": "bob",
    }


def test_F063_F067_type_and_behavior_are_those_of_the_workspace() -> None:
    toml = '[workspace.support.items]\ntype = "Incident"\n[workspace.finance.items]\nbehavior = "update"\n'
    assert fields(decide(toml=toml))["type"] == "Incident"
    assert code(decide(toml=toml, before=draft(workspace="finance"))) == "draft.undecided"


def test_F074_the_default_assignee_may_be_a_group() -> None:
    assert fields(decide(toml='[items]\nassigned_to = "tier2"\n'))["assigned_to"] == "group:tier2"


def test_F069_private_by_default_makes_a_private_item() -> None:
    assert decide(toml="[items]\nprivate = true\n").private


def test_F077_a_default_the_workspace_does_not_have_falls_back_to_its_first() -> None:
    decided = decide(toml='[items]\ntype = "Nothing"\ncategory = "Nothing"\n')
    assert fields(decided)["type"] == "Task"
    assert "category" not in fields(decided)
    assert any("default of items.type" in sentence(note) for note in decided.notes)


def test_F070_rules_win_over_keywords_and_keywords_over_defaults() -> None:
    about = mail("Priority: High\nType: Incident\nText")
    before = draft(fields=(FieldChange("priority", "urgent", RULE),))
    decided = decide(about, before=before)
    assert fields(decided)["priority"] == "Urgent"
    assert fields(decided)["type"] == "Incident"
    told = [sentence(note) for note in decided.notes]
    assert any('rule "Invoices"' in each and "already decided priority" in each for each in told)


def test_a_rules_value_that_does_not_exist_is_told_and_leaves_the_default() -> None:
    decided = decide(before=draft(fields=(FieldChange("priority", "Enormous", RULE),)))
    assert fields(decided)["priority"] == "Normal"
    assert any("Enormous" in sentence(note) for note in decided.notes)


def test_a_rules_field_that_the_catalog_does_not_know_is_kept() -> None:
    decided = decide(before=draft(fields=(FieldChange("external_ref", "INC1", RULE),)))
    assert fields(decided)["external_ref"] == "INC1"


def test_a_rules_assignee_is_a_field() -> None:
    decided = decide(before=draft(assignee=FieldChange("assignee", "group:tier2", RULE)))
    assert fields(decided)["assigned_to"] == "group:tier2"
    assert decided.assignee is None


def test_a_rules_numbers_are_judged_too() -> None:
    before = draft(fields=(FieldChange("done_ratio", 30.0, RULE), FieldChange("estimated_hours", 2, RULE)))
    assert fields(decide(before=before))["done_ratio"] == 30
    assert "done_ratio" not in fields(decide(before=draft(fields=(FieldChange("done_ratio", 35, RULE),))))


def test_a_token_that_we_did_not_sign_is_told() -> None:
    known = facts(thread=Thread(unsigned=True))
    assert any(note.code == "thread.bad_token" for note in decide(known=known).notes)


def test_a_rules_title_is_the_title() -> None:
    decided = decide(before=draft(fields=(FieldChange("title", "Better", RULE),)))
    assert decided.title == "Better"
    assert "title" not in fields(decided)


def with_fields(*custom: CustomField) -> World:
    return World(catalogs=(replace(SUPPORT, fields=custom),))


def test_F069_custom_fields_have_their_defaults() -> None:
    assert fields(decide(world=with_fields(CustomField("Colour", default="Red"))))["Colour"] == "Red"


def test_F069_a_mandatory_field_without_a_value_holds_the_mail() -> None:
    decided = decide(world=with_fields(CustomField("Customer", required=True)))
    assert code(decided) == "draft.missing_field"
    assert decided.disposition and "Customer" in decided.disposition.because


def test_F069_fields_of_other_types_do_not_count() -> None:
    world = with_fields(CustomField("Customer", required=True, types=("Incident",)))
    assert code(decide(world=world)) == ""
    about = mail("Customer: ACME\nText")
    decided = decide(about, toml='[items]\nallow_override = ["all"]\n', world=world)
    assert "Customer" not in fields(decided)


def test_F068_a_closed_workspace_refuses_whatever_permissions_say() -> None:
    world = World(catalogs=(replace(SUPPORT, status="closed"),))
    decided = decide(toml="[people]\nno_permission_check = true\n", world=world)
    assert code(decided) == "draft.no_permission"
    assert decided.disposition and decided.disposition.verdict is Verdict.REJECT


def test_F068_a_workspace_without_items_refuses() -> None:
    assert code(decide(world=World(catalogs=(replace(SUPPORT, modules=("topics",)),)))) == "draft.no_permission"


def test_a_mail_without_a_workspace_is_held() -> None:
    assert code(decide(before=Draft())) == "draft.undecided"
    assert code(decide(before=draft(workspace="nowhere"))) == "draft.undecided"


def test_an_unknown_keyword_refuses_the_mail_where_that_is_set() -> None:
    about = mail("Moon: full\nText")
    decided = decide(about, toml='[items]\nunknown_keyword = "reject"\n')
    assert code(decided) == "draft.bad_keyword"
    assert decided.disposition and decided.disposition.verdict is Verdict.REJECT


# ── replies


def test_F116_a_reply_becomes_a_comment() -> None:
    decided = decide(known=reply())
    assert decided.target is Target.COMMENT
    assert decided.item and decided.item.id == 7
    assert decided.fields == ()


def test_F071_defaults_do_not_touch_an_item_that_exists() -> None:
    decided = decide(known=reply(account=ANNA), toml='[items]\npriority = "High"\n')
    assert fields(decided) == {}


def test_F090_keywords_change_an_item_for_those_who_may_edit_it() -> None:
    about = mail("Status: closed\n\nDone.")
    thread = answers(item(7, ("jane", "anna")))
    toml = '[items]\nallow_override = ["status"]\n'
    anna = decide(about, facts(about, ANNA, thread=thread), toml)
    assert fields(anna) == {"status": "Closed"}
    assert anna.text == "Done."
    jane = decide(about, facts(about, JANE, thread=thread), toml)
    assert fields(jane) == {}
    assert jane.text.startswith("Status: closed")


def test_F078_a_rule_changes_fields_of_the_item_that_is_answered() -> None:
    before = draft(fields=(FieldChange("status", "closed", RULE), FieldChange("type", "Task", RULE)))
    assert fields(decide(known=reply(), before=before)) == {"status": "Closed"}


@pytest.mark.parametrize(
    ("policy", "target"),
    [("comment", Target.COMMENT), ("reopen", Target.COMMENT), ("new-item", Target.NEW_ITEM), ("reject", None)],
)
def test_F115_a_reply_to_a_closed_item_follows_the_policy(policy: str, target: Target | None) -> None:
    decided = decide(known=reply(closed=True, status="Closed"), toml=f'[items]\nclosed_item = "{policy}"\n')
    if target is None:
        assert code(decided) == "thread.closed"
        return
    assert decided.target is target
    assert (fields(decided).get("status") == "New") is (policy != "comment")
    assert decided.labels == (("follows #7",) if policy == "new-item" else ())


@pytest.mark.parametrize(("behavior", "target"), [("create", Target.NEW_ITEM), ("update", Target.COMMENT)])
def test_F112_a_reply_follows_the_behavior(behavior: str, target: Target) -> None:
    assert decide(known=reply(), toml=f'[items]\nbehavior = "{behavior}"\n').target is target


def test_F112_a_new_mail_is_held_where_only_updates_are_wanted() -> None:
    assert code(decide(toml='[items]\nbehavior = "update"\n')) == "draft.undecided"


@pytest.mark.parametrize(("policy", "verdict"), [("hold", Verdict.HOLD), ("reject", Verdict.REJECT)])
def test_F113_a_marker_that_names_no_item_follows_the_policy(policy: str, verdict: Verdict) -> None:
    known = facts(thread=Thread(marker="[#999]", dangling=True))
    decided = decide(known=known, toml=f'[items.threading]\non_dangling = "{policy}"\n')
    assert decided.disposition and decided.disposition.verdict is verdict
    assert code(decided) == "thread.item_gone"


def test_F113_a_dangling_marker_makes_a_new_item_where_the_next_matcher_is_asked() -> None:
    known = facts(thread=Thread(marker="[#999]", dangling=True))
    decided = decide(known=known, toml='[items.threading]\non_dangling = "next"\n')
    assert decided.target is Target.NEW_ITEM
    assert code(decided) == ""


def test_F114_a_reply_that_a_rule_routes_elsewhere_becomes_an_item_there() -> None:
    decided = decide(known=reply(), before=draft(workspace="finance"))
    assert decided.target is Target.NEW_ITEM
    assert decided.labels == ("follows #7",)


@pytest.mark.parametrize(("policy", "target"), [("note", Target.NOTE), ("accept", Target.COMMENT)])
def test_F046_a_strangers_reply_with_proof_follows_the_policy(policy: str, target: Target) -> None:
    known = reply(people=("bob",))
    decided = decide(known=known, toml=f'[people]\nreply_from_stranger = "{policy}"\n')
    assert decided.target is target


def test_F046_what_nothing_proves_is_said_to_be_that_and_its_sender_no_stranger() -> None:
    mine = item(7, ("jane",), answered=("jane",))
    world = World(catalogs=(replace(SUPPORT, public=False),), rights=frozenset())
    unproven = decide(known=facts(mail(), thread=answers(mine, ours=False)), world=world)
    assert unproven.target is Target.NOTE
    assert any(
        "nothing proves that jane@bigcorp.example (jane) wrote this" in sentence(each) for each in unproven.notes
    )
    assert decide(known=facts(mail(), thread=answers(mine)), world=world).target is Target.COMMENT


@pytest.mark.parametrize("thread", [None, answers(item(7)), answers(item(7), account=ANNA.id)])
def test_F087_a_keyword_gives_an_item_to_nobody_who_does_not_work_there(thread: Thread | None) -> None:
    about, toml = mail("Assigned to: jane\n\nTake it."), '[items]\nallow_override = ["assigned_to"]\n'
    known = facts(about, ANNA, thread=thread or Thread())
    decided = decide(about, known, toml)
    assert "assigned_to" not in fields(decided) and decided.text.startswith("Assigned to: jane")
    assert any("jane has no role in support that may edit items" in sentence(each) for each in decided.notes)
    colleague = mail("Assigned to: bob\n\nTake it.")
    assert fields(decide(colleague, facts(colleague, ANNA, thread=thread or Thread()), toml))["assigned_to"] == "bob"


def test_F046_a_strangers_reply_is_held_where_that_is_set() -> None:
    toml = '[people]\nreply_from_stranger = "hold"\n'
    assert code(decide(known=reply(people=("bob",)), toml=toml)) == "thread.stranger"
    released = decide(known=reply(people=("bob",), released=Release("anna")), toml=toml)
    assert released.target is Target.COMMENT


@pytest.mark.parametrize("by", ["subject", "plus"])
def test_F108_F109_a_number_that_can_be_guessed_gives_a_stranger_no_way_in(by: str) -> None:
    decided = decide(known=reply(by, people=("bob",)))
    assert decided.target is Target.NEW_ITEM
    assert decided.labels == ("claims #7",)


def test_F108_a_bare_marker_counts_from_somebody_on_the_item() -> None:
    assert decide(known=reply("subject", people=("JANE@bigcorp.example",))).target is Target.COMMENT


def test_F108_a_bare_marker_counts_from_somebody_who_works_there() -> None:
    assert decide(known=reply("subject", account=ANNA, people=("bob",))).target is Target.COMMENT


def test_F108_a_bare_marker_counts_as_proof_where_that_is_set() -> None:
    toml = "[items.threading]\nsubject_needs_sender = false\n"
    assert decide(known=reply("subject", people=("bob",)), toml=toml).target is Target.NOTE


def test_F046_in_a_private_workspace_its_members_are_no_strangers() -> None:
    world = World(catalogs=(replace(SUPPORT, public=False),))
    assert decide(known=reply(people=("bob",)), world=world).target is Target.COMMENT


def test_a_guest_is_a_stranger() -> None:
    assert decide(known=reply(account=GUEST, people=("bob",))).target is Target.NOTE


def test_F117_an_answer_to_a_note_stays_a_note() -> None:
    assert decide(known=reply(private=True)).target is Target.NOTE


@pytest.mark.parametrize(("meant", "unsent"), [("note", False), ("draft", True)])
@pytest.mark.parametrize("by", ["subject", "plus", "token"])
def test_F108_F109_somebody_who_works_there_writes_a_note_or_a_draft(by: str, meant: str, unsent: bool) -> None:
    decided = decide(known=meaning(reply(by, account=ANNA, people=("bob",)), meant))
    assert (decided.target, decided.unsent) == (Target.NOTE, unsent)


@pytest.mark.parametrize("toml", ["", '[people]\nreply_from_stranger = "accept"\n', '[items]\nbehavior = "create"\n'])
@pytest.mark.parametrize("account", [JANE, GUEST, None])
@pytest.mark.parametrize("people", [("jane",), ("bob",)])
@pytest.mark.parametrize("meant", ["note", "draft"])
def test_F108_F109_of_anybody_else_it_is_held(toml: str, account: object, people: tuple[str, ...], meant: str) -> None:
    decided = decide(known=meaning(reply("token", account=account, people=people), meant), toml=toml)
    assert code(decided) == "thread.stranger"
    assert decided.disposition and decided.disposition.verdict is Verdict.HOLD


def test_F109_who_has_the_item_writes_a_note_though_they_do_not_work_there() -> None:
    known = meaning(reply(people=("jane",), fields=(("assigned_to", "jane"),)), "note")
    assert decide(known=known).target is Target.NOTE


@pytest.mark.parametrize("item", [0, 7])
def test_F108_what_was_meant_to_be_a_note_is_one_when_a_person_releases_it(item: int) -> None:
    known = meaning(reply(released=Release("anna", item=item)), "draft")
    decided = decide(known=known, world=World(items=(known.thread.item,)))
    assert (decided.target, decided.unsent) == (Target.NOTE, False)


def test_F109_a_rule_that_starts_a_new_item_makes_none_of_a_note() -> None:
    decided = decide(known=meaning(reply(account=ANNA), "note"), before=draft(start_new=True))
    assert code(decided) == "draft.undecided"


def test_F108_what_is_meant_to_be_a_note_is_no_post() -> None:
    decided = decide(known=meaning(reply(account=ANNA, kind=Kind.TOPIC), "note"))
    assert code(decided) == "draft.undecided"


def meaning(known: Facts, meant: str) -> Facts:
    """The same mail, whose address or subject says what it is meant to be."""
    return replace(known, thread=replace(known.thread, private=True, meant=Meant(meant)))


def test_F120_a_reply_to_a_topic_becomes_a_post_without_the_marker() -> None:
    about = mail(subject="Re: [support - msg12] Which printer?")
    known = facts(about, thread=answers(item(12, kind=Kind.TOPIC)))
    decided = decide(about, known)
    assert decided.target is Target.TOPIC_POST
    assert decided.title == "Re: Which printer?"


def test_F120_a_locked_topic_refuses() -> None:
    decided = decide(known=reply(kind=Kind.TOPIC, locked=True))
    assert code(decided) == "thread.topic_locked"
    assert decided.disposition and decided.disposition.verdict is Verdict.REJECT


def test_F118_the_new_part_goes_into_a_field_where_that_is_set() -> None:
    world = with_fields(CustomField("Public log", "long_text"))
    known = reply(fields=(("Public log", "First."),))
    decided = decide(known=known, toml='[items]\nlog_field = "Public log"\n', world=world)
    assert fields(decided) == {"Public log": "First.\n\nThe printer is on fire."}


def test_F118_what_goes_to_a_log_that_is_not_there_is_for_staff() -> None:
    decided = decide(known=reply(), toml='[items]\nlog_field = "private_log"\n')
    assert decided.target is Target.NOTE and fields(decided) == {}


def test_a_note_of_a_machine_changes_no_fields() -> None:
    known = reply(automatic=Automatic(Auto.AUTO_REPLY, "Auto-Submitted: auto-replied"))
    before = draft(target=Target.NOTE, item=item(7), fields=(FieldChange("status", "Closed", RULE),))
    decided = decide(known=known, before=before)
    assert decided.target is Target.NOTE
    assert decided.fields == ()


# ── rules and releases


def test_a_rule_starts_a_new_item_although_the_mail_answers_one() -> None:
    assert decide(known=reply(), before=draft(start_new=True)).target is Target.NEW_ITEM


def test_a_rule_threads_by_a_field_and_answers_for_the_sender() -> None:
    world = World(items=(item(9, ("bob",), fields=(("external_ref", "INC1"),)),))
    decided = decide(before=draft(thread_by=("external_ref", "INC1")), world=world)
    assert decided.item and decided.item.id == 9
    assert decided.target is Target.COMMENT


def test_a_rule_that_threads_by_a_value_nobody_has_makes_a_new_item() -> None:
    assert decide(before=draft(thread_by=("external_ref", "INC9"))).target is Target.NEW_ITEM


def test_F111_a_person_says_which_item_a_held_mail_belongs_to() -> None:
    known = facts(account=None, released=Release("anna", item=7))
    decided = decide(known=known, world=World(items=(item(7, ("bob",)),)))
    assert decided.target is Target.COMMENT
    assert decided.item and decided.item.id == 7


def test_F111_an_item_that_is_not_there_holds_the_mail_again() -> None:
    assert code(decide(known=facts(released=Release("anna", item=99)))) == "thread.item_gone"


def test_a_release_turns_a_dangling_marker_into_a_new_item() -> None:
    known = facts(thread=Thread(marker="[#999]", dangling=True), released=Release("anna"))
    decided = decide(known=known)
    assert decided.disposition is None
    assert decided.target is Target.NEW_ITEM


# ── what follows from who writes


@pytest.mark.parametrize(
    ("address", "organisation"),
    [
        ("jane@big.example", "Big Ltd"), ("jane@EU.Big.Example", "Big Ltd"), ("jane@lab.big.example", "The Lab"),
        ("jane@notbig.example", None), ("jane@bücher.example", "Books"), ("jane@xn--bcher-kva.example", "Books"),
    ],
)  # fmt: skip
def test_F075_a_new_item_says_which_organisation_it_comes_from(address: str, organisation: str | None) -> None:
    table = '{ "big.example" = "Big Ltd", "lab.big.example" = "The Lab", "bücher.example" = "Books" }'
    known = replace(facts(), sender=Sender(Address(address)))
    decided = decide(known=known, toml=f"[people]\norganisations = {table}\n")
    assert fields(decided).get("organisation") == organisation


def test_F075_a_rule_may_name_another_organisation_and_a_forged_from_names_none() -> None:
    toml = '[people]\norganisations = { "example.com" = "Us" }\n'
    before = draft(fields=(FieldChange("organisation", "Them", RULE),))
    assert fields(decide(toml=toml, before=before))["organisation"] == "Them"
    liar = replace(facts(), sender=Sender(Address("anna@example.com"), problem="From is not believed"))
    assert "organisation" not in fields(decide(known=liar, toml=toml))


ON_REPLY = '[items]\non_reply = { "waiting" = "in progress" }\n'
WAITING = Catalog("support", statuses=(Status("New"), Status("Waiting"), Status("In progress"), Status("Closed", True)))


def after_reply(before: Draft | None = None, toml: str = ON_REPLY, **known: Any) -> Value:
    world = World(catalogs=(WAITING,))
    return fields(decide(known=reply(status="Waiting", **known), toml=toml, before=before, world=world)).get("status")


def test_F078_a_reply_from_outside_moves_the_status_on() -> None:
    assert after_reply() == "In progress"
    assert after_reply(toml="") is None
    assert after_reply(toml='[items]\non_reply = { "New" = "In progress" }\n') is None


def test_F078_who_works_there_moves_no_status_by_a_reply() -> None:
    assert after_reply(account=ANNA, people=("anna",)) is None


def test_F078_a_rule_wins_over_the_table() -> None:
    assert after_reply(draft(fields=(FieldChange("status", "New", RULE),))) == "New"
