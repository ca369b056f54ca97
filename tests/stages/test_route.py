"""Stage 3: the way through the rule files."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, World, answers, config, facts, item, mail, proven

from engine.model.draft import Draft, FieldChange, Role, Verdict
from engine.model.facts import Auto, Automatic, Facts, Release
from engine.model.mail import Address, Mail
from engine.model.questions import EarlierMail
from engine.rulebook.actions import Vocabulary
from engine.stages.route import Route
from engine.wording.sentence import sentence
from rules.load import Source, load

WORKSPACES = "".join(f"[workspace.{name}]\nname = '{name}'\n" for name in ("finance", "legal", "archive"))


def rule(then: str, when: str = "", on: str = "any", name: str = "") -> str:
    condition = f"when = '''{when}'''\n" if when else ""
    name = name or f"{then[:20]} {when}"
    return f"[[rule]]\nname = '''{name}'''\non = '{on}'\n{condition}then = ['''{then}''']\n"


def rules(*then: str, when: str = "") -> str:
    """One rule with these actions."""
    actions = ", ".join(f"'''{each}'''" for each in then)
    condition = f"when = '''{when}'''\n" if when else ""
    return f"[[rule]]\nname = 'only'\non = 'any'\n{condition}then = [{actions}]\n"


def decide(
    files: dict[str, str],
    about: Mail | None = None,
    known: Facts | None = None,
    toml: str = "",
    world: Any = None,
    broken: bool = False,
) -> Draft:
    """Follow the files ("" is the system's) with one mail."""
    about = about or mail()
    known = known or facts(about)
    settings = config(WORKSPACES + toml)
    vocabulary = Vocabulary(settings)
    sources = [Source(f"rules/{place or 'system'}.toml", text, place, not place) for place, text in files.items()]
    loaded, problems = load(sources, vocabulary.schema)
    assert broken or not problems, problems
    before = Draft(workspace=known.workspace, item=known.thread.item)
    return Route(settings, loaded, vocabulary).decide(about, known, before, world or World())


FORWARDED = """Please see below.

---------- Forwarded message ----------
From: Eve Stranger <eve@stranger.example>
Date: Fri, 20 Nov 2026
Subject: Lift

It is stuck.
"""


def test_the_original_sender_is_found_in_a_forwarded_mail() -> None:
    file = {"": rules("set author to original sender")}
    decided = decide(file, mail(FORWARDED))
    assert decided.original == Address("eve@stranger.example", "Eve Stranger")
    for text in ("Nobody else", FORWARDED.replace("eve@stranger.example", "help@example.com")):
        decided = decide(file, mail(text))
        assert decided.original is None
        assert any(note.kind == "route.no_original" for note in decided.notes)


def test_only_the_system_file_may_take_the_original_sender() -> None:
    _, problems = load(
        [Source("rules/finance.toml", rules("set author to original sender"), "finance", False)],
        Vocabulary(config(WORKSPACES)).schema,
    )
    assert [problem.code for problem in problems] == ["E160"]


def field(decided: Draft, name: str) -> Any:
    return next((change.value for change in decided.fields if change.name == name), None)


# ── the way ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_F063_without_rules_mail_goes_to_the_default_workspace() -> None:
    decided = decide({})
    assert (decided.workspace, decided.hops, decided.disposition) == ("support", ("system", "support"), None)


def test_F063_mail_in_a_workspace_mailbox_stays_there() -> None:
    about = mail()
    assert decide({}, about, facts(about, mailbox="finance", workspace="finance")).workspace == "finance"


def test_without_a_default_workspace_nobody_has_it_yet() -> None:
    base = (
        '[system]\n[system.mailbox]\nhost = "h"\nusername = "u"\npassword_env = "S"\naddresses = ["help@example.com"]\n'
    )
    settings = config("", base)
    about = mail()
    decided = Route(settings, load([], Vocabulary(settings).schema)[0]).decide(about, facts(about), Draft(), World())
    assert (decided.workspace, decided.disposition) == ("", None)


def test_a_rule_routes_and_the_workspace_reads_its_own_file() -> None:
    files = {"": rule('route to workspace "finance"'), "finance": rule('add label "seen by finance"')}
    decided = decide(files)
    assert (decided.workspace, decided.labels) == ("finance", ("seen by finance",))
    assert [trace.file for trace in decided.rule_traces] == ["rules/system.toml", "rules/finance.toml"]


def test_F064_a_workspace_can_be_named_by_the_mail() -> None:
    about = mail()
    decided = decide({"": rule('route to workspace "{plus}"', "plus exists")}, about, facts(about, plus="legal"))
    assert decided.workspace == "legal"


def test_the_default_workspace_reads_its_file_too() -> None:
    assert decide({"support": rule('add label "x"')}).labels == ("x",)


def test_a_workspace_may_route_on_and_back_to_the_system() -> None:
    files = {"support": rule("route to system"), "": rule('route to workspace "legal"')}
    about = mail()
    decided = decide(files, about, facts(about, mailbox="support", workspace="support"))
    assert (decided.workspace, decided.hops) == ("legal", ("support", "system", "legal"))


def test_a_place_is_never_entered_twice() -> None:
    files = {"": rule('route to workspace "finance"'), "finance": rule("route to system")}
    decided = decide(files)
    assert decided.workspace == "finance"
    assert any(note.code == "rule.cycle_cut" for note in decided.notes)


def test_moves_are_limited() -> None:
    names = ["finance", "legal", "archive", "support"]
    files = {place: rule(f'route to workspace "{name}"') for place, name in zip(["", *names], names, strict=False)}
    decided = decide(files, toml="[rules]\nmax_hops = 2\n")
    assert (decided.workspace, decided.hops) == ("legal", ("system", "finance", "legal"))
    assert any(note.code == "rule.cycle_cut" for note in decided.notes)
    assert decide(files).workspace == "archive"


def test_fields_are_kept_on_the_way_and_the_assignee_may_change() -> None:
    files = {
        "": rules('set priority "High"', 'assign to "anna"', 'add label "a"', 'route to workspace "finance"'),
        "finance": rules('set priority "Low"', 'assign to group "money"', 'add label "b"', 'set category "Tax"'),
    }
    decided = decide(files)
    assert (field(decided, "priority"), field(decided, "category")) == ("High", "Tax")
    assert decided.assignee and decided.assignee.value == "group:money"
    assert decided.labels == ("a", "b")


def test_who_receives_a_mail_may_assign_anew_and_people_of_the_team_before_do_not_come_along() -> None:
    system = rules('assign to "anna"', 'route to workspace "finance"')
    kept = decide({"": system}).assignee
    assert kept and kept.value == "anna"
    assert decide({"": system, "finance": rule('route to workspace "legal"')}).assignee is None


def test_a_reply_that_no_rule_routes_goes_to_the_workspace_of_its_item() -> None:
    about = mail()
    known = facts(about, thread=answers(item(7, workspace="legal")))
    decided = decide({"": rule('route to workspace "finance"', on="new"), "legal": rule('add label "x"')}, about, known)
    assert (decided.workspace, decided.labels, decided.item and decided.item.id) == ("legal", ("x",), 7)


def test_a_broken_file_on_the_way_lets_the_mail_wait() -> None:
    decided = decide({"": rule('route to workspace "finance"'), "finance": "x ="}, broken=True)
    assert decided.disposition and decided.disposition.verdict is Verdict.DEFER
    assert decided.disposition.code == "rule.file_broken"
    assert "rules/finance.toml:1" in decided.disposition.because


# ── ends ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("action", "verdict", "code"),
    [
        ('hold because "look, {from}"', Verdict.HOLD, "rule.hold"),
        ('discard because "look, {from}"', Verdict.DISCARD, "rule.discard"),
        ('reject with "look, {from}"', Verdict.REJECT, "rule.reject"),
    ],
)
def test_reject_discard_and_hold_settle_at_once(action: str, verdict: Verdict, code: str) -> None:
    decided = decide({"": rule(action, name="Look")})
    end = decided.disposition
    assert end and (end.verdict, end.code, end.because) == (verdict, code, "look, jane@bigcorp.example")
    assert (end.by.kind, end.by.name, end.by.file, end.by.line) == ("rule", "Look", "rules/system.toml", 1)
    assert decided.workspace == ""


def test_reject_tells_the_sender_its_sentence() -> None:
    decided = decide({"": rule('reject with "Too big."')})
    assert decided.reply and decided.reply.text == "Too big."


def test_a_release_passes_a_hold_and_notes_it() -> None:
    about = mail()
    known = facts(about, released=Release("anna"))
    decided = decide({"": rule('hold because "x"')}, about, known)
    assert (decided.disposition, decided.workspace) == (None, "support")
    assert any("passed, because anna released it" in sentence(note) for note in decided.notes)


def test_a_release_passes_nothing_but_holds() -> None:
    about = mail()
    decided = decide({"": rule('discard because "x"')}, about, facts(about, released=Release("anna")))
    assert decided.disposition and decided.disposition.verdict is Verdict.DISCARD


def test_a_release_says_where_it_belongs() -> None:
    about = mail()
    known = facts(about, released=Release("anna", workspace="legal"))
    assert decide({"": rule('route to workspace "finance"')}, about, known).workspace == "legal"
    known = facts(about, released=Release("anna", item=9))
    decided = decide({}, about, known, world=World(items=(item(9, workspace="finance"),)))
    assert (decided.workspace, decided.item and decided.item.id) == ("finance", 9)


# ── proposals ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_F066_fields_labels_and_people() -> None:
    files = {
        "": rules(
            'set "Order number" to "{no}"', "set due_date +2 days", "set private yes", 'set assigned_to "bob"',
            'add label "x"', 'add label "x"', "add cc as reader", 'add "anna" as watcher', 'add "nobody" as editor',
            when=r"text matches /order (?P<no>\d+)/",
        )
    }  # fmt: skip
    decided = decide(files, mail("order 4711"))
    assert (field(decided, "Order number"), field(decided, "due_date")) == ("4711", "2026-11-22")
    assert field(decided, "private") is True
    assert decided.assignee == FieldChange("assigned_to", "bob", decided.fields[0].by)
    assert (decided.labels, decided.cc_role) == (("x",), Role.READER)
    assert [(person.login, person.role) for person in decided.people] == [("anna", Role.WATCHER)]
    assert any('nobody here is called "nobody"' in sentence(note) for note in decided.notes)


def test_people_in_to_join_if_they_have_an_account_and_are_not_us() -> None:
    about = mail(to="help@example.com, anna@example.com, stranger@x.example")
    decided = decide({"": rule("add to as watcher")}, about)
    assert [person.login for person in decided.people] == ["anna"]


def test_F073_assigning_by_turn_leaves_open_who_it_is() -> None:
    decided = decide({"": rule('assign to group "tier2" by turn')})
    assert decided.assignee and decided.assignee.value == "turn:tier2"


def test_F074_assigning_to_a_group_says_that_it_is_one() -> None:
    decided = decide({"": rule('assign to group "tier2"')})
    assert decided.assignee and decided.assignee.value == "group:tier2"


def test_replies_forwards_hooks_and_attachments() -> None:
    files = {
        "": rules(
            'reply with template "ack-night"', "no reply", 'forward to "x@y.example"', 'notify "anna"',
            'drop attachments like "*.exe"', 'run hook "redact"', 'skip gate "auto_reply" because "a person"',
        )
    }  # fmt: skip
    decided = decide(files)
    assert decided.reply and decided.reply.template == "ack-night"
    assert (decided.no_reply, decided.forwards, decided.notifies) == (False, ("x@y.example",), ("anna",))
    assert (decided.drop_names, decided.hooks) == (("*.exe",), ("redact",))
    assert [(skip.gate, skip.because, skip.by.name) for skip in decided.skips] == [("auto_reply", "a person", "only")]


def test_thread_by_moves_the_mail_to_that_item_and_its_workspace() -> None:
    found = item(12, workspace="legal", fields=(("external_ref", "INC1"),))
    decided = decide({"": rule('thread by "external_ref" = "INC1"')}, world=World(items=(found,)))
    assert (decided.item and decided.item.id, decided.workspace) == (12, "legal")
    assert decided.thread_by == ("external_ref", "INC1")


def test_thread_by_what_no_item_has_changes_nothing() -> None:
    about = mail()
    decided = decide({"": rule('thread by "ref" = "x"')}, about, facts(about, thread=answers(item(7))))
    assert decided.item and decided.item.id == 7


def test_start_new_item_leaves_the_item_answered() -> None:
    about = mail()
    known = facts(about, thread=answers(item(7, closed=True, closed_at=NOW - timedelta(days=40))))
    decided = decide({"support": rule("start new item", "thread.closed_for > 30 days")}, about, known)
    assert (decided.start_new, decided.item) == (True, None)


def test_thread_facts_stay_as_they_were_for_later_rules() -> None:
    about = mail()
    known = facts(about, thread=answers(item(7)))
    files = {"": rule("start new item"), "support": rule('add label "still a reply"', "thread.item exists")}
    assert decide(files, about, known).labels == ("still a reply",)


def test_the_sender_may_be_proven_by_what_the_server_wrote() -> None:
    about = mail()
    files = {"": rule('add label "{auth.dmarc}"', "auth.dmarc is pass")}
    assert decide(files, about, facts(about, authentication=proven())).labels == ("pass",)


def test_automatic_mail_is_seen_by_rules_before_the_gates() -> None:
    about = mail()
    known = facts(about, automatic=Automatic(Auto.AUTO_REPLY, "Auto-Submitted"))
    assert decide({"": rule('add label "{auto.reason}"', "auto.reply")}, about, known).labels == ("Auto-Submitted",)


# ── the workspace reached ─────────────────────────────────────────────────────────────────────────────────────


def again() -> World:
    """A world where every workspace has had this mail before."""
    return World(answers={EarlierMail: lambda _: "m-1"})


def test_the_same_content_in_the_same_workspace_is_a_duplicate() -> None:
    world = again()
    decided = decide({"": rule('route to workspace "finance"')}, world=world)
    assert decided.disposition and decided.disposition.code == "limits.duplicate"
    assert decided.disposition.verdict is Verdict.DISCARD
    assert [each.workspace for each in world.asked if isinstance(each, EarlierMail)] == ["finance"]


def test_duplicates_may_be_held_or_let_in() -> None:
    held = decide(
        {}, toml='[workspace.support.gates]\nduplicate = "discard"\n[gates]\nduplicate = "hold"\n', world=again()
    )
    assert held.disposition and held.disposition.verdict is Verdict.DISCARD
    assert decide({}, toml='[gates]\nduplicate = "warn"\n', world=again()).disposition is None
    assert decide({}, toml='[gates]\nduplicate = "off"\n', world=again()).disposition is None


# ── the trace ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_trace_is_on_the_draft_and_survives_json() -> None:
    import msgspec

    from rules.trace import FileTrace

    decided = decide({"": rule('add label "x"', 'from is "jane@bigcorp.example"') + rule("stop", "auto")})
    stored = msgspec.json.decode(msgspec.json.encode(decided.rule_traces), type=tuple[FileTrace, ...])
    assert stored == decided.rule_traces
    assert stored[0].hits[0].leaves == ((True, "jane@bigcorp.example"),)
    assert stored[0].misses == ((2, 0, False),)


def test_text_over_the_limit_leaves_a_note() -> None:
    about = mail("x" * 70_000)
    decided = decide({"": rule("stop", 'body contains "needle"')}, about)
    assert any(note.code == "rule.text_cut" for note in decided.notes)


def test_deciding_twice_gives_the_same_draft() -> None:
    files = {"": rules('set priority "High"', 'route to workspace "finance"'), "finance": rule('add label "x"')}
    assert decide(files) == decide(files)
