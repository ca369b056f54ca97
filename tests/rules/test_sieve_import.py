"""Sieve to rules: what can be said the same way, and a comment for the rest; the file always loads."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.rulebook.actions import declared
from rules.format import formatted
from rules.load import Source, load_file
from rules.sieve import SieveFault
from rules.sieve_import import translate


def loads(text: str) -> int:
    """How many rules a translation has; fails if it does not load."""
    file, problems = load_file(Source("sieve.toml", text, "", True), declared())
    assert file is not None, (text, problems)
    return len(file.rules)


@pytest.mark.parametrize(
    ("test", "condition"),
    [
        ('header :contains "X-Spam-Flag" "YES"', 'headers["X-Spam-Flag"] contains "YES"'),
        ('header :is "subject" ["a", "b"]', 'subject is any of ["a", "b"]'),
        ('header :matches "Subject" "*invoice*"', 'subject like "*invoice*"'),
        ('header :regex "subject" "^INC([0-9]+)"', "subject matches /^INC([0-9]+)/i"),
        ('address :is "from" "a@b.example"', 'from is "a@b.example"'),
        ('address :domain :is "from" "b.example"', 'from.domain is "b.example"'),
        ('address :localpart "from" "root"', 'from.local is "root"'),
        ('address :domain "to" ["x.example"]', 'to ends with "@x.example"'),
        ('address :detail "to" "billing"', 'plus is "billing"'),
        ('exists ["X-A", "X-B"]', 'headers["X-A"] exists and headers["X-B"] exists'),
        ("size :over 1M", "size > 1 MB"),
        ("size :under 500", "size < 500 B"),
        ('envelope "from" "a@b.example"', 'envelope.from is "a@b.example"'),
        ('allof (exists "A", anyof (exists "B", exists "C"))',
         'headers["A"] exists and (headers["B"] exists or headers["C"] exists)'),
        ('not exists "A"', 'not headers["A"] exists'),
        ('body :text :contains "pay"', 'body contains "pay"'),
        ('spamtest :value "ge" :comparator "i;ascii-numeric" "5"', "spam.score >= 5"),
        ('currentdate :is "weekday" ["0", "6"]', "received.weekday in [sun, sat]"),
        ('currentdate :value "ge" "hour" "18"', "received.time after 18:00"),
        ('date :value "lt" "date" "date" "2026-01-01"', "date before 2026-01-01"),
        ('header :count "ge" "X-A" "1"', 'headers["X-A"] exists'),
        ('header :is "subject" "a\\"b"', 'subject like "a?b"'),
    ],
)  # fmt: skip
def test_tests_become_conditions(test: str, condition: str) -> None:
    text = translate(f"if {test} {{ discard; }}").text
    assert f"when = '{condition}'" in text
    assert loads(text) == 1


@pytest.mark.parametrize(
    ("command", "action"),
    [
        ('fileinto "INBOX.Support"', 'route to workspace "support"'),
        ('fileinto "Mapped"', 'route to workspace "other"'),
        ('reject "no  thanks"', 'reject with "no thanks"'), ("discard", 'discard because "sieve"'),
        ('redirect "a@b.example"', 'forward to "a@b.example"'), ('addflag "x"', 'add label "x"'), ("keep", "stop"),
        ('vacation :days 7 "gone"', 'reply with template "vacation"'), ('reject "{x}"', 'reject with "{{x}}"'),
    ],
)  # fmt: skip
def test_commands_become_actions(command: str, action: str) -> None:
    text = translate(f"{command};", {"Mapped": "other"}).text
    assert action in text
    assert loads(text) == 1


def test_chains_become_rules_in_order_and_else_denies_only_what_goes_on() -> None:
    text = translate('if exists "A" { fileinto "a"; } elsif exists "B" { addflag "b"; } else { addflag "c"; }').text
    assert loads(text) == 3
    assert "when = 'not headers[\"B\"] exists'" in text


def test_captures_become_named_groups() -> None:
    text = translate('if header :matches "subject" "[*] *" { set "nr" "${1}"; addflag "n-${nr}"; }').text
    assert r"subject matches /^\[(?P<c1>.*)\]\ (?P<c2>.*)$/i" in text
    assert 'add label "n-{c1}"' in text
    assert loads(text) == 1


@pytest.mark.parametrize(
    "script",
    ['if virustest :value "ge" "3" { discard; }', 'if header :contains "x" "y" { setflag "\\\\Seen"; }',
     'if hasflag "x" { discard; }', 'addheader "X" "y";', 'if string "${x}" "y" { stop; }',
     'if header :regex "subject" "(a)\\\\1" { discard; }'],
)  # fmt: skip
def test_the_rest_stays_as_a_comment_with_the_original_lines(script: str) -> None:
    text = translate(script).text
    assert "# not translated:" in text
    assert any(line.startswith("#   ") for line in text.splitlines())
    assert loads(text) == 0


def test_rules_are_named_as_web_mail_names_them() -> None:
    assert 'name = "Spam"' in translate('# rule:[Spam]\nif exists "A" { discard; }').text


def test_a_script_that_is_no_sieve_says_where() -> None:
    with pytest.raises(SieveFault) as caught:
        translate('if exists "A" {\n discard;\n')
    assert caught.value.line >= 2


_SCRIPTS = st.lists(
    st.sampled_from(
        ['if exists "A" {', "}", "elsif", "else {", "discard;", 'fileinto "x";', 'header :is "a" "b"', "allof (", ",",
         ")", "not", 'set "a" "${1}";', 'addflag "${a}{}";', ":regex", '"(a|b)"', '["x","y"]', "{", ";", "if",
         "size :over 1K", "stop;"]
    ),
    max_size=14,
).map(" ".join)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(_SCRIPTS | st.text(max_size=30))
def test_any_script_loads_as_rules_or_says_where_it_breaks(script: str) -> None:
    try:
        text = translate(script).text
    except SieveFault as fault:
        assert 1 <= fault.line <= script.count("\n") + 1
        return
    _is_sound(text)


_IFS = st.lists(
    st.tuples(
        st.sampled_from(
            ['exists "A"', 'header :is "a" "b"', "size :over 1K", 'anyof (exists "A", not exists "B")', "true",
             'header :matches "Subject" "*x*"', 'virustest :value "gt" "1"']
        ),
        st.sampled_from(["discard;", 'fileinto "x";', 'fileinto "y"; stop;', 'addflag "a";', 'notify "mailto:x";']),
    ),
    min_size=1,
    max_size=5,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(_IFS)
def test_every_branch_of_a_script_becomes_a_rule_or_a_comment_that_says_why_not(
    branches: list[tuple[str, str]],
) -> None:
    made = translate("\n".join(f"if {test} {{ {command} }}" for test, command in branches))
    assert _is_sound(made.text) + made.left >= len(branches)
    assert made.text.count("# not translated:") == made.left


def _is_sound(text: str) -> int:
    """Give the number of rules: all that are written load, and formatting loses none of them."""
    rules = loads(text)
    shaped = formatted("x", text)
    assert isinstance(shaped, str)
    assert rules == text.count("[[rule]]") == loads(shaped)
    assert formatted("x", shaped) == shaped
    return rules
