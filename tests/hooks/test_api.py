"""What scripts see and say: mail, item and ctx."""

from __future__ import annotations

from typing import Any

import pytest

ITEM = {"title": "t", "priority": "Low", "estimate": 1, "tags": []}


def changes(reply: dict[str, Any]) -> dict[str, Any]:
    assert reply["outcome"] == "ok", reply["error"]
    return reply["changes"]  # type: ignore[no-any-return]


def test_fields_are_set_by_attribute_and_by_displayed_name(activity: Any) -> None:
    schema = {"Order number": "line", "priority": "line"}
    body = "item.priority = 'High'\nitem['Order number'] = '5'\nctx.log(item.order_number, item['order number'])"
    reply = activity(body, item={"priority": "Low"}, schema=schema)
    assert changes(reply) == {"priority": "High", "Order number": "5"}
    assert reply["log"] == ["5 5"]


def test_what_is_set_to_what_it_was_is_no_change(activity: Any) -> None:
    assert changes(activity("item.priority = 'Low'\nitem.description = ''\nitem.tags = []", item=ITEM)) == {}


def test_tags_can_be_changed_in_place(activity: Any) -> None:
    body = "item.tags.append('mail')\nitem.add_tag('vip')\nitem.add_tag('vip')\nitem.tags += ['x']"
    assert changes(activity(body, item=ITEM)) == {"tags": ["mail", "vip", "x"]}


def test_get_set_field_names_and_is_new(activity: Any) -> None:
    body = (
        "item.set('priority', 'High')\n"
        "ctx.log(item.get('priority'), item.get('Customer', 'none'), item.get('nothing', 1), item.is_new)\n"
        "ctx.log('title' in item.field_names, 'title' in item, item.field_names() == item.field_names)"
    )
    assert activity(body, item=ITEM)["log"] == ["High none 1 True", "True True True"]


def test_another_name_of_a_field_is_the_same_field(activity: Any) -> None:
    schema = {"assigned_to": "line", "assignee": "=assigned_to"}
    reply = activity("item.assignee = 'anna'\nctx.log(item.assigned_to, item.field_names)", schema=schema)
    assert changes(reply) == {"assigned_to": "anna"}
    assert reply["log"] == ["anna ('assigned_to',)"]


def test_the_original_stays_as_it_was(activity: Any) -> None:
    reply = activity("item.priority = 'High'\nctx.log(ctx.original.priority, ctx.original['title'])", item=ITEM)
    assert reply["log"] == ["Low t"]
    assert activity("ctx.original.priority = 'x'", item=ITEM)["outcome"] == "runtime-denied"


def test_dates_numbers_and_truth_have_their_fields(activity: Any) -> None:
    schema = {"due": "date", "hours": "float", "open": "bool", "count": "int"}
    body = "from datetime import date\nitem.due = date(2026, 2, 1)\nitem.hours = 1\nitem.open = True\nitem.count = 5"
    assert changes(activity(body, schema=schema)) == {"due": "2026-02-01", "hours": 1, "open": True, "count": 5}
    assert changes(activity("item.due = '2026-02-01'\nitem.due = None", schema=schema, item={"due": "2026-01-01"})) == {
        "due": None
    }


WRONG = {
    "text in a number": "item.estimate = '5'",
    "truth in a number": "item.estimate = True",
    "a huge number": "item.estimate = 2 ** 70",
    "a number in a line": "item.title = 5",
    "a line break in a line": "item.title = 'x\\r\\nBcc: a@b.example'",
    "a strange line break in a line": "item.title = 'x\\u2028y'",
    "half a character": "item.description = '\\ud83d'",
    "a NUL": "item.description = 'a\\0b'",
    "a huge text": "item.description = 'x' * 900_000",
    "the mail as text": "item.description = mail",
    "text as a list": "item.tags = 'x'",
    "numbers in a list": "item.tags.append(5)",
    "a list in a list": "x = []\nx.append(x)\nitem.tags = x",
    "a long list": "item.tags = ['x'] * 300",
    "a read-only field": "item.id = 5",
    "an unknown field": "item['nothing'] = 1",
    "a private field": "item['_schema'] = {}",
    "a method": "item.get = 1",
    "a key that is no text": "item[5] = 'x'",
    "deleting": "del item['title']",
    "a date that is none": "item['due'] = 'tomorrow'",
}


@pytest.mark.parametrize("what", WRONG)
def test_a_field_refuses(what: str, activity: Any) -> None:
    schema = {"id": "ro", "title": "line", "description": "text", "tags": "list", "estimate": "int", "due": "date"}
    reply = activity(WRONG[what], item=ITEM, schema=schema)
    assert reply["outcome"] == "runtime-denied", reply
    assert reply["changes"] == {}


def test_headers_are_found_in_any_case(guard: Any) -> None:
    headers = [["X-One", "1"], ["x-one", "2"]]
    body = "ctx.log(mail.header('X-ONE'), mail.headers('x-One'), mail.header('no', 'd'), repr(mail.header('no')))"
    assert guard(body, mail={"headers": headers})["log"] == ["1 ('1', '2') d ''"]


def test_attachments_can_be_left_out(activity: Any) -> None:
    files = [{"name": n, "content_type": "image/png", "size": 5} for n in ("a.png", "b.png")]
    reply = activity(
        "mail.attachments[1].drop('too\\nsmall')\nmail.attachments[1].drop('again')", mail={"attachments": files}
    )
    assert reply["dropped"] == [(1, "too\\nsmall")]


def test_every_attachment_of_a_mail_can_be_left_out(activity: Any) -> None:
    files = [{"name": "a" * 250, "content_type": "a/b", "size": 1}] * 500
    reply = activity("for a in mail.attachments:\n    a.drop('it is ' + a.name * 9)", mail={"attachments": files})
    assert len(reply["dropped"]) == 500
    assert reply["dropped"][499][1].endswith("…") and len(reply["dropped"][499][1]) == 200


@pytest.mark.parametrize("verdict", ["reject", "hold"])
@pytest.mark.parametrize("then", ["1 / 0", "mail.nothing", "ctx.log([0] * 900_000)", "raise MemoryError", "return 5"])
def test_a_refusal_stands_whatever_follows(verdict: str, then: str, guard: Any) -> None:
    reply = guard(f"ctx.{verdict}('no')\n{then}")
    assert (reply["verdict"], reply["reason"]) == (verdict, "no")


def test_an_error_stands_whatever_follows_and_holds(activity: Any) -> None:
    reply = activity("item.priority = 'High'\nctx.error('title', 'is bad')\n1 / 0", item=ITEM)
    assert (reply["outcome"], reply["verdict"], reply["reason"]) == ("runtime-error", "hold", "is bad")
    assert (reply["errors"], reply["changes"]) == ([["title", "is bad"]], {})


def test_long_texts_are_cut_and_the_log_says_so(activity: Any) -> None:
    body = "ctx.log('l' * 5_000, 'x')\nctx.log(*['y' * 900_000] * 900)\nprint(1, 2, sep='z' * 900_000)\n"
    reply = activity(body + "ctx.log([0] * 30_000, 'behind')\nctx.hold('r' * 5_000)\nctx.error('f', 'e' * 5_000)")
    assert reply["outcome"] == "ok"
    assert (len(reply["reason"]), reply["reason"][-1]) == (1_000, "…")
    assert (len(reply["errors"][0][1]), reply["errors"][0][1][-1]) == (1_000, "…")
    assert [(len(line), line[-1]) for line in reply["log"][:3]] == [(1_000, "…")] * 3
    assert reply["log"][3].startswith("(this value is too big") and reply["log"][3].endswith(" behind")
    assert [line[:31] for line in reply["log"][4:]] == ["cut to 1,000 of 5,000 characters"[:31]] * 2


@pytest.mark.parametrize(
    "body", ["m = re.match('.*', 'x' * 900)\nm.expand(r'\\g<0>' * 9_000)", "re.sub('.*', r'\\g<0>' * 9_000, 'x' * 900)"]
)
def test_what_a_replacement_makes_is_bounded(body: str, guard: Any) -> None:
    reply = guard("import re\n" + body)
    assert reply["outcome"] == "runtime-denied" and "1,000,000 characters" in reply["error"]["message"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("item.add_tag('a', 'b')", "write item.add_tag(tag): one at a time"),
        ("item.add_tag()", "write item.add_tag(tag): one at a time"),
        ("item.set('title')", "write item.set(name, value)"),
        ("item.get()", "write item.get(name, default)"),
        ("ctx.original.get()", "write item.get(name, default)"),
        ("ctx.reject('a', 'b')", "write ctx.reject(reason)"),
        ("ctx.hold(why='x')", "write ctx.hold(reason)"),
        ("ctx.error()", "write ctx.error(field, message), or ctx.error(message)"),
        ("ctx.lookup('c')", "write ctx.lookup(table, key, default)"),
        ("mail.header()", "write mail.header(name, default)"),
        ("mail.attachments[0].drop(1, 2)", "write attachment.drop(reason)"),
        ("print('x', file=None)", 'write print(value, ..., sep=" ", end="\\n")'),
    ],
)
def test_a_wrong_call_says_how_it_is_written(body: str, said: str, activity: Any) -> None:
    reply = activity(body, item=ITEM)
    assert (reply["outcome"], reply["error"]["message"]) == ("runtime-denied", said)


GIVEN = """
item.description = mail.body + mail.html[:100]
item.title = mail.subject
item.priority = mail.header("X-Long")
item.Customer = mail.from_name
item.tags = [*mail.to][:200]
"""


def test_what_a_script_was_given_it_may_write_back(activity: Any) -> None:
    mail = {"body": "é\n" * 250_000, "subject": "s" * 32_000, "headers": [["X-Long", "h" * 32_000]]}
    reply = activity(GIVEN, mail={**mail, "from_name": "n" * 9_000, "to": ["a@b.example"] * 200})
    assert reply["outcome"] == "ok", reply["error"]


def test_a_field_may_stay_as_long_as_it_was(activity: Any) -> None:
    item = {"description": "x" * 1_500_000, "tags": ["t"] * 300}
    reply = activity("item.description = item.description.upper()\nitem.add_tag('new')", item=item)
    assert reply["outcome"] == "ok", reply["error"]
    assert len(reply["changes"]["tags"]) == 301


@pytest.mark.filterwarnings("ignore:'return' in a 'finally' block:SyntaxWarning")  # since 3.14; a worker is silent
@pytest.mark.parametrize(
    ("body", "verdict", "reason"),
    [
        ("return True", "accept", ""),
        ("return None", "accept", ""),
        ("return ctx.accept()", "accept", ""),
        ("return False", "refuse", ""),
        ("return ctx.reject('no')", "reject", "no"),
        ("return ctx.hold('look')", "hold", "look"),
        ("ctx.reject('first')\nctx.hold('second')\nreturn True", "reject", "first"),
        ("try:\n    ctx.reject('no')\nfinally:\n    return True", "reject", "no"),
        ("ctx.reject('a\\r\\nb')", "reject", "a b"),
    ],
)
def test_a_guard_says(body: str, verdict: str, reason: str, guard: Any) -> None:
    reply = guard(body)
    assert (reply["outcome"], reply["verdict"], reply["reason"]) == ("ok", verdict, reason)


def test_errors_name_a_field_or_the_item(activity: Any) -> None:
    assert activity("ctx.error('priority', 'is missing')\nctx.error('all wrong')")["errors"] == [
        ["priority", "is missing"],
        ["", "all wrong"],
    ]


def test_nothing_of_a_failed_script_survives_but_its_log(activity: Any) -> None:
    reply = activity("item.priority = 'High'\nctx.log('here')\nmail.attachments[0].drop()\n1 / 0", item=ITEM)
    assert (reply["changes"], reply["dropped"], reply["log"]) == ({}, [], ["here"])
    assert reply["error"] == {
        "type": "ZeroDivisionError",
        "message": "division by zero",
        "line": 6,
        "column": 5,
        "code": "",
        "length": 5,
    }


def test_the_log_is_bounded_and_printable(guard: Any) -> None:
    reply = guard("ctx.log('\\x1b[2J\\r\\nx\\x00')\nfor i in range(500):\n    print('x' * 5_000)")
    assert reply["log"][0] == "\\x1b[2J\\r\\nx\\x00"
    assert len(reply["log"]) == 200
    assert max(map(len, reply["log"])) <= 1_000


def test_lookup_tables(guard: Any) -> None:
    body = (
        "ctx.log(ctx.lookup('c', 'a'), ctx.lookup('c', 5), ctx.lookup('c', 'x'), ctx.lookup('c', 'x', 'd'), "
        "ctx.lookup('no', 'x', 'd'))"
    )
    reply = guard(body, lookups={"c": {"a": "A", "5": "five"}})
    assert reply["log"] == ["there is no lookup table 'no'", "A five None d d"]


def test_user_and_locale(guard: Any) -> None:
    body = "ctx.log(ctx.user.login, ctx.user.name, ctx.user.groups, bool(ctx.user), ctx.locale)"
    assert guard(body, user={"login": "anna", "name": "Anna", "groups": ["staff"]}, locale="de")["log"] == [
        "anna Anna ('staff',) True de"
    ]
    assert guard(body)["log"] == ["  () False "]
