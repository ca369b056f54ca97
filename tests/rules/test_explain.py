"""Explaining: the owner's words, the value seen, near misses, everything out of the stored trace."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rules.explain import as_json, lines, opened
from rules.trace import FileTrace

TEXT = """
[lists]
vip = ["@bigcorp.example", "ceo@partner.example"]

[define]
authentic = 'proof is pass or known'

[[rule]]
name = "Upstream"
when = 'score > 8 or title is "spam"'
then = ['discard because "score {score}"']

[[rule]]
name = "A VIP without proof"
when = 'who in list "vip" and not authentic'
then = ['hold because "proof is {proof}"']

[[rule]]
name = "Only replies"
on   = "reply"
then = ['stop']

[[rule]]
name    = "Off"
enabled = false
then    = ['stop']

[[rule]]
name  = "Old"
until = 2020-01-01
then  = ['stop']

[[rule]]
name = "First label"
when = 'authentic'
then = ['set priority "High"', 'add label "a"']

[[rule]]
name = "End of it"
then = ['set priority "Low"', 'route to workspace "x"']

[[rule]]
name = "Never"
then = ['stop']
"""


def told(language: Any, text: str = TEXT, every_rule: bool = False, **fields: Any) -> list[str]:
    from datetime import date

    trace = language.run(text, False, date(2026, 1, 15), **fields).trace
    stored = msgspec.json.decode(msgspec.json.encode(trace), type=FileTrace)
    assert stored == trace
    return lines(stored, lambda digest: text if digest == trace.digest else "", every_rule)


def test_a_line_for_each_rule_and_a_tree_for_those_that_matched(language: Any) -> None:
    assert told(language, who="jane@mail.bigcorp.example", proof="pass", score=1, title="Hi") == [
        '    1. Upstream                             ✘ none of 2: score > 8; title is "spam"',
        '    2. A VIP without proof                  ✘ who in list "vip"   ⟵ "jane@mail.bigcorp.example"   '
        "← close: sub-domain of @bigcorp.example",
        '    3. Only replies                         – not considered: only for "reply", this mail is "new"',
        "    4. Off                                  – switched off: enabled = false",
        "    5. Old                                  – expired: until 2020-01-01",
        " ▶  6. First label  (test.toml:33)",
        "       ✔ authentic  (definition)",
        "         ✔ any of these",
        '           ✔ proof is pass   ⟵ "pass"',
        "           ✘ known   ⟵ (absent)",
        '       → set priority "High"',
        '       → add label "a"',
        " ▶  7. End of it  (test.toml:38)",
        "       ✔ no condition",
        '       → set priority "Low"   ignored: rule 6 "First label" already decided priority',
        '       → route to workspace "x"',
        "    8. Never                                – not reached: rule 7 ended the file",
    ]


def test_a_negated_definition_is_opened_to_its_leaves(language: Any) -> None:
    said = told(language, who="ceo@partner.example", proof="fail", known=False)
    start = said.index(" ▶  2. A VIP without proof  (test.toml:13)")
    assert said[start + 1 : start + 9] == [
        "       ✔ all of these",
        '         ✔ who in list "vip"   ⟵ "ceo@partner.example"',
        "         ✔ not",
        "           ✘ authentic  (definition)",
        "             ✘ any of these",
        '               ✘ proof is pass   ⟵ "fail"',
        "               ✘ known   ⟵ no",
        '       → hold because "proof is fail"',
    ]
    assert said[-1] == "    3.–8. not reached: rule 2 ended the file"


@pytest.mark.parametrize(
    ("condition", "fields", "said"),
    [
        ("authentic", {"proof": "fail"}, "✘ authentic: none of 2: proof is pass; known"),
        ("not known", {"known": True}, "✘ not: known is true"),
        ("not authentic", {"known": True}, "✘ not: authentic  (definition) is true"),
        ("known and not (score > 1)", {"known": True, "score": 3}, "✘ not: score > 1 is true"),
        ("weight > 5 MB", {"weight": 0}, "✘ weight > 5 MB   ⟵ 0 B"),
        ("clock after 18:00", {"clock": 571}, "✘ clock after 18:00   ⟵ 09:31"),
        ("title exists", {}, "✘ title exists   ⟵ (absent)"),
        ('people is "a@x"', {"people": ("b@x", "c@x")}, '✘ people is "a@x"   ⟵ "b@x", "c@x"'),
        ("title matches /ABC/", {"title": "xabc"}, '✘ title matches /ABC/   ⟵ "xabc"   ← close: would match with /i'),
        ('who is "a@x.example"', {"who": "a+tag@x.example"}, "← close: plus-tag of a@x.example"),
        ('who.domain is "x.example"', {"who__domain": "m.x.example"}, "← close: sub-domain of x.example"),
        ('title is "a b"', {"title": "a  b"}, "← close: differs in blanks only"),
        ('story is "a"', {"story": "one\ntwo\x1b[31m"}, '⟵ "one ⏎ two[31m"'),
    ],
)
def test_what_failed_first_is_told_with_what_was_seen(language: Any, condition: str, fields: Any, said: str) -> None:
    head = "[define]\nauthentic = 'proof is pass or known'\n"
    text = f"{head}[[rule]]\nname = 'x'\nwhen = '{condition}'\nthen = ['stop']\n"
    [line] = told(language, text, **fields)
    assert said in line


def test_all_opens_every_rule_and_says_what_nobody_asked(language: Any) -> None:
    text = "[[rule]]\nname = 'x'\nwhen = 'known and (score > 1 or title is \"q\") and weight > 1 B'\nthen = ['stop']\n"
    assert told(language, text, True, known=True, score=0)[1:] == [
        "           ✘ all of these",
        "             ✔ known",
        "             ✘ any of these",
        "               ✘ score > 1",
        '               ✘ title is "q"',
        "             · weight > 1 B",
    ]


def test_all_with_the_mail_at_hand_knows_every_value(language: Any) -> None:
    text = "[[rule]]\nname = 'x'\nwhen = 'known and score > 1'\nthen = ['stop']\n"
    trace = language.run(text, score=3).trace
    leaves = opened(language.file(text), language.values(score=3))
    assert lines(trace, lambda _: text, True, leaves)[-1] == "             ✔ score > 1   ⟵ 3"


def test_a_text_that_is_gone_costs_the_labels_only(language: Any) -> None:
    trace = language.run(TEXT, who="ceo@partner.example", proof="fail").trace
    said = lines(trace, lambda _: "")
    assert '       → hold because "proof is fail"' in said
    assert as_json(trace, lambda _: "")["rules"][0]["matched"]


def test_json_has_the_tree_with_places_in_the_file(language: Any) -> None:
    trace = language.run(TEXT, who="ceo@partner.example", proof="fail", known=False).trace
    told = as_json(trace, lambda _: TEXT)
    second = told["rules"][1]
    assert (second["rule"], second["line"], second["matched"]) == ("A VIP without proof", 13, True)
    leaf = second["tree"]["kids"][1]["kids"][0]["kids"][0]["kids"][0]
    assert TEXT[slice(*leaf["span"])] == leaf["label"] == "proof is pass"
    assert (leaf["ok"], leaf["seen"]) == (False, "fail")
    assert second["actions"] == [{"text": 'hold because "proof is fail"', "effect": "applied", "because": ""}]
    assert told["rules"][0]["failed"] == {"label": 'none of 2: score > 8; title is "spam"', "seen": None}
    assert told["rules"][7]["because"] == "not reached: rule 2 ended the file"


def test_shadow_rules_say_that_nothing_is_done(language: Any) -> None:
    text = "[[rule]]\nname = 's'\nshadow = true\nthen = ['add label \"x\"']\n"
    assert told(language, text) == [
        " ▶  1. s  (test.toml:1, shadow: nothing is done)",
        "       ✔ no condition",
        '       → add label "x"   shadow: shadow = true',
    ]
