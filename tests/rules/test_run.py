"""Evaluation: order, first decision wins, lists add up, destinations end the file, nothing feeds itself."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.explain import as_json


def done(evaluation: Any) -> list[tuple[Any, ...]]:
    """Acts as plain tuples."""
    return [(act.name, *act.texts) if act.name != "set" else ("set", act.target, act.value) for act in evaluation.acts]


def effects(evaluation: Any) -> list[tuple[str, str, str]]:
    return [(each.text, each.effect, each.because) for hit in evaluation.trace.hits for each in hit.effects]


def rule(name: str, then: str, *, when: str = "", **keys: str) -> str:
    condition = f"when = '{when}'\n" if when else ""
    more = "".join(f"{key} = {value}\n" for key, value in keys.items())
    return f"[[rule]]\nname = '{name}'\n{condition}{more}then = [{then}]\n"


def test_the_first_decision_of_a_field_wins_and_explain_says_so(language: Any) -> None:
    text = rule("one", "'set priority \"High\"'") + rule("two", "'set priority \"Low\"', 'set category \"x\"'")
    evaluation = language.run(text)
    assert done(evaluation) == [("set", "priority", "High"), ("set", "category", "x")]
    assert ('set priority "Low"', "ignored", 'rule 1 "one" already decided priority') in effects(evaluation)


def test_fields_are_one_whatever_they_are_called(language: Any) -> None:
    text = rule("one", '\'set tracker "Bug"\', \'set "PO number" "1"\'') + rule(
        "two", '\'set type "Task"\', \'set "po NUMBER" "2"\', \'set assigned_to "anna"\', \'assign to group "g"\''
    )
    assert done(language.run(text)) == [
        ("set", "type", "Bug"),
        ("set", "PO number", "1"),
        ("set", "assigned_to", "anna"),
    ]


def test_lists_add_up(language: Any) -> None:
    text = rule("one", "'add label \"a\"', 'notify \"anna\"'") + rule(
        "two", "'add label \"b\"', 'add \"bob\" as reader'"
    )
    assert done(language.run(text)) == [
        ("add_label", "a"), ("notify", "anna"), ("add_label", "b"), ("add_person", "bob", "reader"),
    ]  # fmt: skip


def test_the_first_destination_ends_the_file(language: Any) -> None:
    text = rule("one", "'route to workspace \"a\"', 'add label \"x\"'") + rule("two", "'add label \"y\"'")
    evaluation = language.run(text)
    assert evaluation.destination.texts == ("a",)
    assert evaluation.trace.ended == 1
    assert ("add_label", "y") not in done(evaluation)


def test_continue_goes_on_and_the_first_destination_stays(language: Any) -> None:
    text = (
        rule("one", "'route to workspace \"a\"', 'continue'")
        + rule("two", "'hold because \"b\"'")
        + rule("three", "'add label \"c\"'")
    )
    evaluation = language.run(text)
    assert evaluation.destination.name == "route_to_workspace"
    assert ('hold because "b"', "ignored", 'rule 1 "one" already decided the destination') in effects(evaluation)
    assert ("add_label", "c") in done(evaluation)


def test_stop_ends_the_file_without_a_destination(language: Any) -> None:
    evaluation = language.run(rule("one", "'stop'") + rule("two", "'add label \"y\"'"))
    assert (evaluation.destination, evaluation.acts, evaluation.trace.ended) == (None, (), 1)


def test_on_chooses_new_mail_or_replies(language: Any) -> None:
    text = (
        rule("n", "'add label \"new\"'")
        + rule("r", "'add label \"reply\"'", on='"reply"')
        + rule("a", "'add label \"any\"'", on='"any"')
    )
    assert done(language.run(text, False)) == [("add_label", "new"), ("add_label", "any")]
    assert done(language.run(text, True)) == [("add_label", "reply"), ("add_label", "any")]


def test_a_shadow_rule_is_traced_and_does_nothing(language: Any) -> None:
    evaluation = language.run(rule("s", "'hold because \"x\"'", shadow="true") + rule("t", "'add label \"y\"'"))
    assert done(evaluation) == [("add_label", "y")]
    assert effects(evaluation)[0][1] == "shadow"
    assert evaluation.trace.ended == 0


def test_rules_are_switched_off_or_expire(language: Any) -> None:
    text = rule("off", "'add label \"off\"'", enabled="false") + rule("old", "'add label \"old\"'", until="2026-01-14")
    text += rule("today", "'add label \"today\"'", until="2026-01-15")
    assert done(language.run(text, False, date(2026, 1, 15))) == [("add_label", "today")]


def test_captures_are_seen_in_the_actions_of_their_rule(language: Any) -> None:
    text = rule(
        "c", '\'set "PO" to "{po}"\', \'add label "{po}-{title}-{{x}}"\'', when=r"title matches /PO (?P<po>\d+)/"
    )
    assert done(language.run(text, title="a PO 77")) == [("set", "PO", "77"), ("add_label", "77-a PO 77-{x}")]


def test_a_capture_out_of_a_definition_and_out_of_a_list(language: Any) -> None:
    text = "[define]\nref = 'names matches /INC(?<nr>[0-9]+)/'\n" + rule(
        "c", "'add label \"{nr}\"'", when="known and ref"
    )
    assert done(language.run(text, names=("a", "INC5", "INC6"), known=True)) == [("add_label", "5")]


def test_an_action_whose_text_is_empty_is_left_out_and_told(language: Any) -> None:
    text = rule("c", '\'add label "{title}"\', \'set priority "{story}"\', \'thread by "ref" = "{title}"\'')
    evaluation = language.run(text)
    assert done(evaluation) == []
    assert {effect for _, effect, _ in effects(evaluation)} == {"ignored"}


def test_values_are_filled_in_as_people_write_them(language: Any) -> None:
    text = rule("v", "'add label \"{weight}|{age}|{clock}|{day}|{known}|{people}|{score}|{thing}|{written}\"'")
    [(_, said)] = done(
        language.run(
            text, weight=5 << 20, age=172800.0, clock=90, day=4, known=True, people=("a@x", "b@x"), score=9.5, thing=7
        )
    )
    assert said == "5 MB|2 days|01:30|Friday|yes|a@x, b@x|9.5|7|"


def test_what_is_filled_in_is_one_short_line(language: Any) -> None:
    [(_, said)] = done(language.run(rule("v", "'add label \"<{story}>\"'"), story="a\r\nb\x1b[0m" + "x" * 5000))
    assert said.startswith("<a b [0mxxx")
    assert len(said) < 520


def test_relative_dates_count_from_when_the_mail_was_received(language: Any) -> None:
    text = rule(
        "d",
        "'set due_date +2 days', 'set start_date 2026-01-20', 'set done_ratio 50', "
        "'set private yes', 'set \"Owner\" who'",
    )
    assert done(language.run(text, who="a@x")) == [
        ("set", "due_date", "2026-01-17"), ("set", "start_date", "2026-01-20"), ("set", "done_ratio", 50),
        ("set", "private", True), ("set", "Owner", "a@x"),
    ]  # fmt: skip


def test_a_condition_reads_the_mail_never_what_another_rule_did(language: Any) -> None:
    text = rule("one", "'set priority \"High\"', 'add label \"x\"', 'start new item'") + rule(
        "two", "'add label \"y\"'", when="thing exists"
    )
    assert ("add_label", "y") in done(language.run(text, thing=5))


def test_a_miss_keeps_the_first_failing_part_and_the_value_seen(language: Any) -> None:
    text = "[define]\nproven = 'proof is pass or score > 5'\n" + "".join(
        rule(f"r{number}", "'stop'", when=when)
        for number, when in enumerate(
            ['known and title is "x"', "proven", "not known", 'weight > 5 MB or title is "q"']
        )
    )
    trace = language.run(text, known=True, title="Hello", proof="fail", score=1, weight=10).trace
    assert trace.misses == ((1, 2, "Hello"), (2, 1, None), (3, 0, None), (4, 0, None))


def test_long_values_are_shortened_in_the_trace(language: Any) -> None:
    trace = language.run(rule("r", "'stop'", when='story is "x" and known'), story="y" * 10_000).trace
    assert len(trace.misses[0][2]) == 121


def test_text_over_the_limit_is_cut_and_the_trace_says_so(language: Any) -> None:
    story = "x" * 64 * 1024
    text = rule("r", "'stop'", when='story contains "needle"')
    assert language.run(text, story=story[:-6] + "needle").trace.cut == ()
    trace = language.run(text, story=story + "needle").trace
    assert (trace.cut, len(trace.hits)) == (("story",), 0)


_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "title": st.text(max_size=10), "known": st.booleans(), "score": st.integers(-5, 15),
        "proof": st.sampled_from(["pass", "fail"]),
        "people": st.lists(st.sampled_from(["a@x", "b@y"]), max_size=3).map(tuple), "thing": st.integers(1, 5),
        "clock": st.integers(0, 1439),
    },
)  # fmt: skip
_TESTS = ['title contains "a"', "title matches /(?P<c>[a-z])/i", "known", "score > 8", "proof is pass",
          'all people end with "@x"',
          "thing exists", "clock between 18:00 and 08:00", "title is missing"]  # fmt: skip
_CONDITIONS = st.recursive(
    st.sampled_from(_TESTS),
    lambda inner: st.one_of(
        inner.map(lambda a: f"not ({a})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}) and ({p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}) or ({p[1]})"),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(conditions=st.lists(_CONDITIONS, min_size=1, max_size=4), fields=_FIELDS)
def test_evaluating_twice_gives_the_same_trace_and_the_tree_agrees(
    language: Any, conditions: list[str], fields: dict[str, Any]
) -> None:
    text = "".join(rule(f"r{n}", "'add label \"x\"'", when=when) for n, when in enumerate(conditions))
    first, second = language.run(text, **fields), language.run(text, **fields)
    assert (first.trace, done(first)) == (second.trace, done(second))
    told = as_json(first.trace, lambda _: text)
    for each in told["rules"]:
        assert each["tree"]["ok"] is each["matched"]
        assert each["matched"] or "failed" in each
