"""Deciding about held mail: one by one, all that are selected, and what is refused."""

from __future__ import annotations

import re
from urllib.parse import unquote

from console.offices import Office


def one_held(office: Office, code: str = "gate.unknown_sender") -> str:
    (ref, *_) = office.refs(f"code:{code} outcome:held")
    return ref


def test_a_mail_is_released_by_who_is_signed_in_and_the_next_one_opens(own_office: Office) -> None:
    ref, waiting = one_held(own_office), own_office.refs("outcome:held")
    answer = own_office.post(f"/held/{ref}", act="release", reason="phoned him", to="support")
    assert answer.status_code == 303
    following = re.match(r"/held/(m-\w+)\?did=", answer.location)
    assert following is not None and following[1] in waiting and following[1] != ref
    assert "is created, #" in unquote(answer.location)
    with own_office.installation.store() as store:
        row = store.archive.mail(ref)
        assert (row.outcome, row.workspace) == ("created", "support")
    page = own_office.get(answer.location).get_data(as_text=True)
    assert "is created" in page and f'href="/held/{ref}' not in page


def test_a_sender_is_known_from_now_on(own_office: Office) -> None:
    ref = one_held(own_office)
    answer = own_office.post(f"/held/{ref}", act="trust")
    assert "is known now" in unquote(answer.location) or answer.status_code == 409
    if answer.status_code == 303:
        assert own_office.refs("from:elsewhere outcome:held") == []


def test_refusing_needs_a_reason(own_office: Office) -> None:
    ref = one_held(own_office)
    for act in ("reject", "discard"):
        answer = own_office.post(f"/held/{ref}", act=act, reason=" ")
        assert answer.status_code == 422 and "say why" in answer.get_data(as_text=True)
    assert ref in own_office.refs("outcome:held")
    assert own_office.post(f"/held/{ref}", act="reject", reason="not ours").status_code == 303
    with own_office.installation.store() as store:
        row = store.archive.mail(ref)
    assert (row.outcome, row.by.kind, row.because) == ("rejected", "person", "not ours")


def test_who_was_slower_is_told_what_became_of_it(own_office: Office) -> None:
    ref, token = one_held(own_office), own_office.token()
    assert own_office.post(f"/held/{ref}", token=token, act="discard", reason="spam").status_code == 303
    answer = own_office.post(f"/held/{ref}", token=token, act="release")
    assert answer.status_code == 409 and "is not held: it ended as discarded" in answer.get_data(as_text=True)


def test_all_that_are_selected_are_decided_each_by_itself(own_office: Office) -> None:
    refs = own_office.refs("outcome:held")
    token = own_office.token()
    answer = own_office.post("/held", token=token, act="discard", reason="spam", ref=[*refs, "m-ffffffffffff"])
    assert answer.status_code == 303 and "there is no mail m-ffffffffffff" in unquote(answer.location)
    assert own_office.refs("outcome:held") == [] and len(own_office.refs("outcome:discarded")) >= len(refs)
    page = own_office.get("/held").get_data(as_text=True)
    assert "No mail is held" in page


def test_what_makes_no_sense_is_refused_and_nothing_happens(own_office: Office) -> None:
    ref, token = one_held(own_office), own_office.token()
    for form, said in (
        ({"act": "burn"}, "choose what to do"),
        ({}, "choose what to do"),
        ({"act": "release", "item": "x"}, "an item is a number"),
        ({"act": "release", "item": "999999"}, "there is no item"),
        ({"act": "release", "to": "nowhere"}, "there is no workspace"),
    ):
        answer = own_office.post(f"/held/{ref}", token=token, **form)
        assert answer.status_code in (404, 409, 422) and said in answer.get_data(as_text=True)
    assert own_office.post("/held", token=token, act="discard", reason="x").status_code == 422
    assert ref in own_office.refs("outcome:held")


def test_nobody_else_can_make_the_console_say_something(own_office: Office) -> None:
    forged = own_office.get("/held?did=Call+0900+1234,+your+password+has+expired").get_data(as_text=True)
    assert 'role="status"' not in forged and "0900 1234" not in forged
    true = own_office.post(f"/held/{one_held(own_office)}", act="discard", reason="spam").location
    assert "is discarded" in own_office.get(true).get_data(as_text=True)
    assert 'role="status"' not in own_office.get(true.replace("discarded", "created")).get_data(as_text=True)


def test_what_was_discarded_is_taken_back_by_the_line_that_says_so(own_office: Office) -> None:
    ref = one_held(own_office)
    after = own_office.post(f"/held/{ref}", act="discard", reason="spam").location
    page = own_office.get(after).get_data(as_text=True)
    found = re.search(rf'action="(/mail/{ref})".*?name="act" value="(retry)"', page)
    assert found is not None
    assert own_office.post(found[1], act=found[2]).status_code == 303
    with own_office.installation.store() as store:
        assert store.archive.mail(ref).state == "received"
    assert 'value="retry"' not in own_office.get(after).get_data(as_text=True), "once"
    for strange in ("m-ffffffffffff", "<b>", own_office.refs("outcome:created")[0]):
        again = own_office.get(re.sub(r"undo=[^&]*", f"undo={strange}", after))
        assert again.status_code == 200 and 'value="retry"' not in again.get_data(as_text=True)
