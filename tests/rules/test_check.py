"""What conditions mean: every type with every comparison, absence, quantifiers, case, lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("condition", "fields"),
    [
        ('title is "HELLO"', {"title": "Hello"}),
        ('title contains "straße"', {"title": "Die STRASSE"}),
        ('title contains "ﬁn"', {"title": "FINANCE"}),
        ('title starts with any of ["re:", "aw:"]', {"title": "AW: x"}),
        ('title ends with "!"', {"title": "Help!"}),
        ('title like "*in?oice*"', {"title": "my Invoice 5"}),
        ('title like "a*c"', {"title": "a/b\nc"}),
        ('title contains all of ["a", "b"]', {"title": "xAyB"}),
        ('title contains none of ["a", "b"]', {"title": "xyz"}),
        ('title is not "x"', {"title": "y"}),
        (r"title matches /^\w+ \d$/", {"title": "Übung 5"}),
        ("title matches /B/", {"title": "aBc"}),
        ('title in ["a", "*b"]', {"title": "aab"}),
        ('who is "ANN@example.com"', {"who": "ann@Example.com"}),
        ('who in ["@example.com"]', {"who": "ann@example.com"}),
        ('who in ["*.example.com"]', {"who": "ann@mail.example.com"}),
        ("title is who.domain", {"title": "a.example", "who__domain": "A.example"}),
        ("title contains who.domain", {"title": "at a.example!", "who__domain": "a.example"}),
        ('people contains "@a"', {"people": ("x@b", "y@a")}),
        ('all people end with "@a"', {"people": ("x@a", "y@A")}),
        ('no people end with "@a"', {"people": ("x@b",)}),
        ('any people is not "x@a"', {"people": ("x@a", "y@a")}),
        ('people is not "z@a"', {"people": ("x@a", "y@a")}),
        ('people is all of ["x@a", "y@a"]', {"people": ("x@a", "y@a", "z@a")}),
        ("names matches /^b/", {"names": ("abc", "bcd")}),
        ('headers["X-Flag"] is "yes"', {"headers x-flag": ("no", "YES")}),
        ('headers["X-Flag"] exists', {"headers x-flag": ("",)}),
        ('headers["X-Flag"] is empty', {"headers x-flag": (" ",)}),
        ("score > 8", {"score": 8.5}),
        ("score >= 8", {"score": 8}),
        ("score between 1 and 3", {"score": 3}),
        ("score in [1, 2]", {"score": 2}),
        ("score is 2", {"score": 2.0}),
        ("score > limit", {"score": 5, "limit": 4}),
        ("weight > 5 MB", {"weight": 5 * 1024 * 1024 + 1}),
        ("weight < 1.5 kB", {"weight": 1500}),
        ("weight is 0", {"weight": 0}),
        ("age > 30 days", {"age": 31 * 86400.0}),
        ("written before 2 days ago", {"written": NOW - timedelta(days=3)}),
        ("written after 2026-01-10", {"written": datetime(2026, 1, 11, tzinfo=UTC)}),
        ("written is 2026-01-10", {"written": datetime(2026, 1, 10, 23, tzinfo=UTC)}),
        ("written between 2026-01-01 and 2026-01-31", {"written": datetime(2026, 1, 31, 23, tzinfo=UTC)}),
        ("written before received", {"written": NOW - timedelta(seconds=1)}),
        ("clock between 08:00 and 18:00", {"clock": 480}),
        ("clock between 18:00 and 08:00", {"clock": 1430}),
        ("clock after 18:00", {"clock": 1080}),
        ("day in [sat, sun]", {"day": 6}),
        ("day between fri and mon", {"day": 6}),
        ("day not in [sat, sun]", {"day": 3}),
        ("proof is pass", {"proof": "pass"}),
        ("proof is not pass", {"proof": "fail"}),
        ("proof in [none, fail]", {"proof": "none"}),
        ("known", {"known": True}),
        ("not known", {"known": False}),
        ("thing exists", {"thing": 7}),
        ("thing is 7", {"thing": 7}),
    ],
)
def test_a_condition_that_holds(language: Any, condition: str, fields: dict[str, Any]) -> None:
    assert language.holds(condition, **fields)


@pytest.mark.parametrize(
    ("condition", "fields"),
    [
        ('who in ["@example.com"]', {"who": "ann@mail.example.com"}),
        ('who in ["*.example.com"]', {"who": "ann@example.com"}),
        ("title matches /b/", {"title": "aBc"}),
        ("clock between 08:00 and 18:00", {"clock": 1080}),
        ('people is not "x@a"', {"people": ("x@a", "y@a")}),
        ('people is all of ["x@a", "q@a"]', {"people": ("x@a",)}),
        ("weight > 5 MB", {"weight": 5 * 1024 * 1024}),
        ('title is "a"', {"title": "a b"}),
    ],
)
def test_a_condition_that_does_not_hold(language: Any, condition: str, fields: dict[str, Any]) -> None:
    assert not language.holds(condition, **fields)


@pytest.mark.parametrize(
    "comparison",
    ['title is "a"', 'title contains "a"', 'title starts with "a"', 'title like "*"', "title matches /.*/",
     'title in ["a"]',
     'title contains any of ["a"]', 'title contains none of ["a"]', "title exists", 'people is "a"',
     'any people contains "a"',
     'all people contains "a"', "score > 1", "score < 1", "score is 1", "score in [1]", "score between 0 and 9",
     "weight < 1 MB",
     "age < 1 days", "written before 2026-01-01", "written is 2026-01-01", "clock before 12:00", "day is mon",
     "proof is pass",
     "thing exists", "thing is 1", "title is who", "score < limit", "known"],
)  # fmt: skip
def test_a_comparison_with_something_absent_is_false_and_its_negation_true(language: Any, comparison: str) -> None:
    assert not language.holds(comparison)
    assert language.holds(f"not ({comparison})")


@pytest.mark.parametrize(
    "negation",
    ['title is not "a"', 'title does not contain "a"', 'title not like "a"', "title does not match /a/",
     'title not in ["a"]',
     'people is not "a"', "score is not 1", "proof is not pass", "title is missing", 'no people is "a"'],
)  # fmt: skip
def test_a_negated_comparison_with_something_absent_is_true(language: Any, negation: str) -> None:
    assert language.holds(negation)


def test_lists_and_definitions_are_opened(language: Any) -> None:
    before = """
[lists]
vip = ["@big.example", "ann@x.example"]
[define]
proven = 'proof is pass'
vip_proven = 'proven and who in list "vip"'
"""
    assert language.holds("vip_proven", before, who="bob@big.example", proof="pass")
    assert not language.holds("vip_proven", before, who="bob@big.example", proof="fail")
    assert language.holds('title contains any of list "vip"', before, title="cc @big.example")


def test_many_words_are_looked_for_at_once(language: Any) -> None:
    words = ", ".join(f'"word{n}"' for n in range(50)) + r', "a\E+(b"'
    assert language.holds(f"title contains any of [{words}]", title="The WORD49.")
    assert language.holds(f"title contains any of [{words}]", title=r"xA\e+(B")
    assert not language.holds(f"title contains any of [{words}]", title="wordx")


def test_and_or_mixed_is_refused_with_both_readings(language: Any) -> None:
    _, problems = language.load("[[rule]]\nname='x'\nwhen='known and score > 1 or thing exists'\nthen=['stop']\n")
    assert [problem.code for problem in problems] == ["E120"]
    assert "(known and score > 1) or thing exists" in problems[0].help
    assert "known and (score > 1 or thing exists)" in problems[0].help
    assert language.codes("(known and score > 1) or thing exists") == []
    assert language.codes("not known and not (score > 1 or thing exists)") == []


def test_all_problems_of_all_files_come_at_once_in_order(language: Any) -> None:
    from rules.load import Source, load

    bad = "[[rule]]\nname = 'a'\nwhen = 'x is \"1\"'\nthen = ['stp']\n"
    bad += "[[rule]]\nname = 'b'\nwhen = 'known is true'\nthen = ['stop']\n"
    ruleset, problems = load([Source("b.toml", bad), Source("a.toml", bad, "w")], language.schema)
    assert [(p.file, p.line, p.code) for p in problems] == [
        (file, line, code) for file in ("a.toml", "b.toml") for line, code in ((3, "E130"), (4, "E110"), (7, "E134"))
    ]
    assert not ruleset.files
    assert set(ruleset.broken) == {"", "w"}


def test_a_sound_file_loads_beside_a_broken_one(language: Any) -> None:
    from rules.load import Source, load

    good = "[[rule]]\nname = 'a'\nthen = ['stop']\n"
    ruleset, _ = load([Source("a.toml", good), Source("b.toml", "x", "w")], language.schema)
    assert set(ruleset.files) == {""}
