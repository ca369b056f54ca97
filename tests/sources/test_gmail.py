"""The Gmail API against a server of our own: listing, fetching, labels, and everything that may go wrong; F004."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mailboxes import Box, Sizes
from servers import keys
from servers.apis import huge, later
from servers.gmail import Account, Gmail, refuses
from servers.tokens import Tokens, cut_off, drips, elsewhere, hangs_up, page, says
from servers.tokens import refuses as refuses_token

from engine.config.mailbox import OAuth
from engine.sources import api
from engine.sources.source import Action, SourceError

USER = "help@example.com"


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "FIRST_WAIT_S", 0.01)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def tokens() -> Iterator[Tokens]:
    with Tokens() as made:
        yield made


@pytest.fixture
def gmail(tmp_path: Path, tokens: Tokens) -> Iterator[Gmail]:
    with Gmail(tmp_path, tokens) as made:
        yield made


@pytest.fixture
def box(bench: Any, gmail: Gmail, tokens: Tokens, tmp_path: Path) -> Box:
    app = OAuth().replaced(
        provider="google", grant="refresh_token", client_id="app", client_secret=tokens.secret, token_url=tokens.url,
        refresh_token=tokens.first(USER), name="google", kept_in=tmp_path / "oauth", uses=("gmail",),
    )  # fmt: skip
    made: Box = bench.box(
        protocol="gmail", host="localhost", port=gmail.port, ca_file=gmail.ca_file, username=USER, oauth="google",
        sign_in=app, timeout=2.0, move_on_success="Done", move_on_failure="Failed", move_on_hold="Help/Held",
    )  # fmt: skip
    return made


@pytest.fixture
def account(gmail: Gmail) -> Account:
    return gmail.account(USER)


def fails(bench: Any, box: Box) -> SourceError:
    with pytest.raises(SourceError) as caught:
        bench.read(box)
    assert caught.value.sentence.startswith("mailbox system: localhost ")
    assert "canary" not in caught.value.sentence and "access-" not in caught.value.sentence
    assert caught.value.sentence.isprintable()
    return caught.value


def states(source: Any, *actions: Action) -> list[str]:
    return [each.state for each in source.settle(actions)]


# ── listing and fetching ──────────────────────────────────────────────────────────────────────────────────────


def test_F004_mails_are_read_oldest_first_byte_by_byte_and_nothing_is_marked(
    bench: Any, box: Box, gmail: Gmail, account: Account, mails: Any
) -> None:
    wanted = [*mails(3), b"\xff\xfe no mail at all \x00\n", b"Subject: x\n\n" + bytes(range(256)) * 50]
    gmail.deliver(USER, *wanted)
    before = {key: each.labels.copy() for key, each in account.messages.items()}
    assert bench.read(box) == wanted
    assert {key: each.labels for key, each in account.messages.items()} == before
    assert gmail.count("^POST") == 0


def test_an_idle_poll_of_the_inbox_is_one_request(bench: Any, box: Box, gmail: Gmail) -> None:
    with bench.open(box) as source:
        assert source.list() == []
    assert len(gmail.heard) == 1 and "labelIds=INBOX" in gmail.heard[0] and "q=" not in gmail.heard[0]


def test_a_list_of_many_pages_is_read_to_its_end(bench: Any, box: Box, gmail: Gmail, mails: Any) -> None:
    gmail.page = 7
    keys = gmail.deliver(USER, *mails(30))
    with bench.open(box) as source:
        assert [each.key for each in source.list()] == keys
    assert gmail.count("pageToken") == 4


def test_pages_without_end_end(bench: Any, box: Box, gmail: Gmail) -> None:
    same = says(b'{"messages": [{"id": "19b2"}], "nextPageToken": "again"}')
    gmail.says = [("GET .*messages", same)] * 5
    assert "sends page after page without end" in fails(bench, box).sentence
    assert len(gmail.heard) == 2

    def more(talk: Any) -> None:
        talk.tell(200, messages=[], nextPageToken=str(time.monotonic_ns()))

    gmail.says = [("GET .*messages", more)] * 100
    assert "sends page after page without end" in fails(bench, box).sentence
    assert len(gmail.heard) == 2 + api.MOST_EMPTY + 1


def test_a_query_narrows_the_label(bench: Any, box: Box, gmail: Gmail, account: Account, mails: Any) -> None:
    first, second = gmail.deliver(USER, *mails(2))
    account.messages[first].labels.discard("UNREAD")
    with bench.open(bench.box(**{**box.__dict__, "query": "is:unread"})) as source:
        assert [each.key for each in source.list()] == [second]


def test_a_label_of_a_persons_own_is_read_and_one_that_is_missing_is_said(
    bench: Any, box: Box, gmail: Gmail, account: Account, mails: Any
) -> None:
    elsewhere_ = bench.box(**{**box.__dict__, "folder": "support/first"})
    assert fails(bench, elsewhere_).code == "source.folder_missing"
    account.labels["Label_77"] = "Support/First"
    gmail.deliver(USER, *mails(2), label="Label_77")
    assert bench.read(elsewhere_) == mails(2)


def test_what_came_before_since_is_told_by_the_time_it_came(bench: Any, box: Box, gmail: Gmail, mails: Any) -> None:
    since = datetime(2026, 3, 1, 12, tzinfo=UTC)
    edge = int(since.timestamp() * 1000)
    old, new = (gmail.deliver(USER, *mails(1), came=at)[0] for at in (edge - 1000, edge))
    with bench.open(box) as source:
        judged = source.judge(source.list(), since)
    assert judged.older == {old} and new not in judged.older


def test_of_a_mail_that_is_too_big_the_header_is_taken(bench: Any, box: Box, gmail: Gmail) -> None:
    gmail.deliver(USER, b"Subject: big\r\nFrom: anna@example.com\r\n\r\n" + b"x" * 3_000_000)
    with bench.open(box) as source:
        (raw,) = source.fetch([each.key for each in source.list()], Sizes(raw=100_000))
    assert raw.truncated and raw.origin.size_bytes > 3_000_000
    assert raw.content == b"Subject: big\r\nFrom: anna@example.com\r\n\r\n"


def test_one_that_announces_six_gigabytes_too(bench: Any, box: Box, gmail: Gmail, mails: Any) -> None:
    gmail.deliver(USER, *mails(1))
    gmail.says = [("format=raw", huge)]
    with bench.open(box) as source:
        (raw,) = source.fetch([each.key for each in source.list()], bench.limits)
    assert raw.truncated and b"Subject: Number 1\r\n" in raw.content


def test_what_is_no_base64_is_named_and_the_others_go_on(bench: Any, box: Box, gmail: Gmail, mails: Any) -> None:
    keys = gmail.deliver(USER, *mails(3))
    bad = f'{{"id": "{keys[1]}", "raw": "no base64!"}}'.encode()
    gmail.says = [(f"{keys[1]}.format=raw", says(bad))]
    with bench.open(box) as source:
        assert [raw.origin.key for raw in source.fetch(keys, bench.limits)] == [keys[0], keys[2]]
        assert source.refusal(keys[1]) == "its bytes are no base64"


def test_what_has_gone_meanwhile_is_left_out(bench: Any, box: Box, gmail: Gmail, account: Account, mails: Any) -> None:
    keys = gmail.deliver(USER, *mails(2))
    with bench.open(box) as source:
        source.list()
        del account.messages[keys[0]]
        assert [raw.origin.key for raw in source.fetch(keys, bench.limits)] == [keys[1]]


@pytest.mark.parametrize("key", ["/../x", "..", "a/b", "x" * 100, "a b", "a\\r\\nX: y", ""])
def test_an_id_that_is_none_is_never_asked_for(bench: Any, box: Box, gmail: Gmail, key: str) -> None:
    gmail.says = [("GET .*messages", says(f'{{"messages": [{{"id": "{key}"}}]}}'.encode()))]
    error = fails(bench, box)
    assert error.code == "source.protocol" and "by an id that is none" in error.sentence
    assert len(gmail.heard) == 1


def test_an_answer_about_another_message_is_not_believed(bench: Any, box: Box, gmail: Gmail, mails: Any) -> None:
    keys = gmail.deliver(USER, *mails(2))
    gmail.says = [(keys[0], says(f'{{"id": "{keys[1]}", "raw": "eA=="}}'.encode()))]
    error = fails(bench, box)
    assert (error.code, error.key) == ("source.protocol", keys[0])


# ── settling ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_F004_mails_are_moved_marked_and_put_into_the_trash(
    bench: Any, box: Box, gmail: Gmail, account: Account, mails: Any
) -> None:
    moved, seen, gone, kept = gmail.deliver(USER, *mails(4))
    actions = [Action(moved, "move", "Done"), Action(seen, "seen"), Action(gone, "delete"), Action(kept, "keep")]
    with bench.open(box) as source:
        for _ in range(2):
            assert states(source, *actions) in (["done"] * 4, ["done", "done", "gone", "done"])
    assert account.messages[moved].labels == {account.named("Done"), "UNREAD"}
    assert account.messages[seen].labels == {"INBOX"}
    assert account.messages[gone].labels == {"TRASH", "UNREAD"}
    assert account.messages[kept].labels == {"INBOX", "UNREAD"}
    assert gmail.count("^POST .*labels") == 1


def test_F004_a_nested_label_is_made_once_with_the_one_above_it(
    bench: Any, box: Box, gmail: Gmail, account: Account, mails: Any
) -> None:
    keys = gmail.deliver(USER, *mails(3))
    with bench.open(box) as source:
        assert states(source, *(Action(key, "move", "Help/Held") for key in keys)) == ["done"] * 3
    assert {"Help", "Help/Held"} <= {*account.labels.values()}
    assert gmail.count("^POST .*labels") == 2 and gmail.count("^GET .*labels$") == 3


def test_a_held_mail_is_moved_on_from_where_it_was_moved_to(
    bench: Any, box: Box, gmail: Gmail, account: Account, mails: Any
) -> None:
    (key,) = gmail.deliver(USER, *mails(1))
    with bench.open(box) as source:
        assert states(source, Action(key, "move", "Help/Held")) == ["done"]
        assert states(source, Action(key, "move", "Done")) == ["done"]
    assert account.messages[key].labels == {account.named("Done"), "UNREAD"}


def test_what_a_person_took_away_is_left_where_it_is(
    bench: Any, box: Box, gmail: Gmail, account: Account, mails: Any
) -> None:
    mine, thrown, erased = gmail.deliver(USER, *mails(3))
    account.labels["Label_9"] = "Mine"
    account.messages[mine].labels = {"Label_9"}
    account.messages[thrown].labels = {"INBOX", "TRASH"}
    del account.messages[erased]
    with bench.open(box) as source:
        for kind in ("move", "seen", "delete"):
            actions = [Action(key, kind, "Done" if kind == "move" else "") for key in (mine, thrown, erased)]
            assert states(source, *actions) == ["gone"] * 3
    assert account.messages[mine].labels == {"Label_9"}
    assert gmail.count("modify|trash$") == 0


def test_a_move_into_the_label_that_is_read_keeps_it(bench: Any, box: Box, gmail: Gmail, mails: Any) -> None:
    (key,) = gmail.deliver(USER, *mails(1))
    with bench.open(box) as source:
        assert states(source, Action(key, "move", "inbox")) == ["kept"]


def test_a_key_of_another_protocol_is_gone(bench: Any, box: Box, gmail: Gmail) -> None:
    with bench.open(box) as source:
        assert states(source, Action("INBOX/77/3", "move", "Done"), Action("../x", "delete")) == ["gone"] * 2


def test_an_answer_that_was_lost_changes_nothing_the_second_time(
    bench: Any, box: Box, gmail: Gmail, account: Account, mails: Any
) -> None:
    (key,) = gmail.deliver(USER, *mails(1))
    gmail.says = [("modify", gmail.lost)]
    with bench.open(box) as source, pytest.raises(SourceError):
        source.settle([Action(key, "move", "Done")])
    with bench.open(box) as source:
        assert states(source, Action(key, "move", "Done")) == ["done"]
    assert account.messages[key].labels == {account.named("Done"), "UNREAD"}
    assert gmail.count("modify") == 1


def test_what_is_answered_ok_and_not_done_has_failed(bench: Any, box: Box, gmail: Gmail, mails: Any) -> None:
    (key,) = gmail.deliver(USER, *mails(1))
    gmail.says = [("modify", says(f'{{"id": "{key}", "labelIds": ["INBOX"]}}'.encode()))]
    with bench.open(box) as source:
        (settled,) = source.settle([Action(key, "move", "Done")])
    assert (settled.state, "leaves it as it is" in settled.why) == ("failed", True)


def test_a_label_that_gmail_refuses_fails_the_move_and_says_why(bench: Any, box: Box, gmail: Gmail, mails: Any) -> None:
    (key,) = gmail.deliver(USER, *mails(1))
    with bench.open(box) as source:
        (settled,) = source.settle([Action(key, "move", "^Done")])
        assert settled.state == "failed" and "Invalid label name" in settled.why
        for name in ("a\r\nb", "a//b", "/", "x" * 300):
            (settled,) = source.settle([Action(key, "move", name)])
            assert settled.state == "failed" and settled.why.isprintable()


def test_of_many_mails_few_questions_are_asked(bench: Any, box: Box, gmail: Gmail, mails: Any) -> None:
    keys = gmail.deliver(USER, *mails(40))
    with bench.open(box) as source:
        assert states(source, *(Action(key, "seen") for key in keys)) == ["done"] * 40
    assert gmail.count("^GET") == 2  # what labels there are, one list


# ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_look_shows_headers_labels_and_times(bench: Any, box: Box, gmail: Gmail, mails: Any) -> None:
    gmail.deliver(USER, *mails(3))
    with bench.open(box) as source:
        looks = source.peek(2)
    assert [look.header for look in looks] == [mail.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" for mail in mails(2)]
    assert looks[0].flags == ("INBOX", "UNREAD") and looks[0].internaldate == datetime(
        2026, 9, 21, 14, 13, 20, tzinfo=UTC
    )


def test_labels_are_folders_and_the_test_tells_which_will_be_made(
    bench: Any, box: Box, account: Account, gmail: Gmail
) -> None:
    account.labels |= {"Label_1": "Done", "Label_2": "evil\r\nname", "../x": "odd id"}
    with bench.open(box) as source:
        assert source.folders() == ["INBOX", "SENT", "SPAM", "TRASH", "Done", "evil??name"]
        told = dict(source.describe())
    assert told["mailbox"] == USER and told["move_on_success"] == "Done"
    assert told["move_on_hold"] == "Help/Held (will be made)"


# ── what may go wrong ─────────────────────────────────────────────────────────────────────────────────────────


def test_F005_a_token_that_is_refused_is_renewed_once(bench: Any, box: Box, gmail: Gmail, mails: Any) -> None:
    gmail.deliver(USER, *mails(1))
    gmail.says = [("messages", refuses(401, "Invalid Credentials", "authError", "UNAUTHENTICATED"))]
    assert bench.read(box) == mails(1)
    gmail.tokens.active.clear()
    error = fails(bench, box)
    assert error.code == "oauth.login_refused"
    assert "does not accept the token of oauth google" in error.sentence


def test_an_old_token_that_is_refused_is_replaced(
    bench: Any, box: Box, gmail: Gmail, mails: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.web import tokens

    gmail.deliver(USER, *mails(1))
    assert bench.read(box) == mails(1)
    gmail.tokens.active.clear()
    monkeypatch.setattr(tokens, "REFUSED_AFTER_S", -1.0)
    assert bench.read(box) == mails(1)
    assert len(gmail.tokens.asked) == 2


@pytest.mark.parametrize("answer", [
    later(429), later(503, "0"), later(500, ""), later(502, "Mon, 01 Jan 2024 00:00:00 GMT"),
    refuses(403, "Rate Limit Exceeded", "rateLimitExceeded"),
    refuses(403, "User Rate Limit Exceeded", "userRateLimitExceeded", "RESOURCE_EXHAUSTED"),
], ids=["429", "503", "500", "502", "rate", "user rate"])  # fmt: skip
def test_what_says_later_is_asked_again(bench: Any, box: Box, gmail: Gmail, mails: Any, answer: Any) -> None:
    gmail.deliver(USER, *mails(2))
    gmail.says = [("messages.labelIds", answer), ("format=raw", answer)]
    assert bench.read(box) == mails(2)


def test_retry_after_is_kept_to_and_one_that_is_too_long_ends_the_pass(
    bench: Any, box: Box, gmail: Gmail, mails: Any
) -> None:
    gmail.deliver(USER, *mails(1))
    gmail.says = [("messages", later(429, "1"))]
    begun = time.monotonic()
    assert bench.read(box) == mails(1)
    assert 1.0 <= time.monotonic() - begun < 5
    gmail.says = [("messages", later(429, "3600"))]
    begun = time.monotonic()
    error = fails(bench, box)
    assert time.monotonic() - begun < 1
    assert (error.code, "answers 429" in error.sentence) == ("source.busy", True)
    assert "it says to ask again in 3600 s" in error.sentence


def test_what_says_later_for_ever_ends_after_some_tries(bench: Any, box: Box, gmail: Gmail) -> None:
    gmail.says = [("messages", later(503, ""))] * 100
    assert fails(bench, box).code == "source.busy"
    assert len(gmail.heard) == api.TRIES


@pytest.fixture
def by_key(bench: Any, box: Box, tmp_path: Path) -> Box:
    """The same mailbox, read by a service account."""
    file = keys.service_account(tmp_path / "google.json")
    app = box.sign_in.replaced(
        grant="service_account", client_id="", client_secret="", refresh_token="", service_account_file=file
    )
    made: Box = bench.box(**{**box.__dict__, "sign_in": app})
    return made


def test_F004_a_service_account_reads_the_mailbox_of_the_user(
    bench: Any, by_key: Box, gmail: Gmail, mails: Any
) -> None:
    gmail.deliver(USER, *mails(2))
    assert bench.read(by_key) == mails(2)
    claims = keys.signed(gmail.tokens.asked[0]["assertion"])[1]
    assert (claims["sub"], claims["scope"]) == (USER, "https://www.googleapis.com/auth/gmail.modify")


def test_F004_one_that_may_not_act_for_the_user_is_told_which_scope_to_add(
    bench: Any, by_key: Box, gmail: Gmail
) -> None:
    said = "Client is unauthorized to retrieve access tokens using this method"
    gmail.tokens.says = [refuses_token(401, "unauthorized_client", said)]
    with pytest.raises(SourceError) as caught:
        bench.read(by_key)
    assert caught.value.code == "oauth.consent_needed" and gmail.heard == []
    assert "with the scope https://www.googleapis.com/auth/gmail.modify" in caught.value.sentence


NOT_ON = (
    "Gmail API has not been used in project 123 before or it is disabled. Enable it by visiting "
    "https://console.developers.google.com/apis/api/gmail.googleapis.com/overview?project=123 then retry."
)
REFUSED: dict[str, tuple[Any, str, str]] = {
    "daily limit": (refuses(403, "Daily Limit Exceeded", "dailyLimitExceeded"), "source.busy", "used up for today"),
    "not switched on": (refuses(403, NOT_ON, "accessNotConfigured"), "oauth.api_off", "Library, Gmail API, Enable"),
    "scope": (refuses(403, "Insufficient Permission", "insufficientPermissions"), "oauth.consent_needed",
              "gmail.modify"),
    "domain": (refuses(403, "The domain administrators have disabled Gmail apps.", "domainPolicy"), "oauth.policy",
               "trust the app"),
    "no mail": (refuses(400, "Mail service not enabled", "failedPrecondition", "FAILED_PRECONDITION"),
                "oauth.no_mailbox", "Gmail must be switched on"),
    "delegation": (refuses(403, "Delegation denied for x@example.com", "forbidden"), "oauth.no_mailbox",
                   "username must be the address"),
    "something else": (refuses(418, "\x1b[31mtea\r\n pot", "teapot"), "source.refused", "refuses (?[31mtea pot)"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_F004_a_refusal_says_what_to_do(bench: Any, box: Box, gmail: Gmail, what: str) -> None:
    answer, code, said = REFUSED[what]
    gmail.says = [("messages", answer)]
    error = fails(bench, box)
    assert (error.code, said in error.sentence) == (code, True), error.sentence
    assert len(gmail.heard) == 1


ODD: dict[str, tuple[Any, str]] = {
    "a web page": (page(), "source.protocol"),
    "half a JSON": (says(b'{"messages": [{"id'), "source.protocol"),
    "a list": (says(b"[]"), "source.protocol"),
    "messages that are no list": (says(b'{"messages": {"id": "1"}}'), "source.protocol"),
    "messages that are none": (says(b'{"messages": [1, null]}'), "source.protocol"),
    "half an answer": (cut_off, "source.unreachable"),
    "no answer": (hangs_up, "source.unreachable"),
    "drop by drop": (drips, "source.timeout"),
    "elsewhere": (elsewhere("https://evil.example/"), "source.protocol"),
    "six gigabytes": (huge, "source.too_big"),
}


@pytest.mark.parametrize("what", ODD)
def test_what_is_no_answer_is_a_sentence_in_time(bench: Any, box: Box, gmail: Gmail, what: str) -> None:
    answer, code = ODD[what]
    gmail.says = [("messages", answer)]
    begun = time.monotonic()
    assert fails(bench, box).code == code
    assert time.monotonic() - begun < 4
    assert len(gmail.heard) == 1


def test_a_session_ends_however_patient_it_is(
    bench: Any, box: Box, gmail: Gmail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "SESSION_TIMES", 0)
    assert fails(bench, box).code == "source.timeout"
    assert gmail.heard == []


def test_a_server_that_is_not_trusted_hears_no_token(bench: Any, box: Box, gmail: Gmail) -> None:
    error = fails(bench, bench.box(**{**box.__dict__, "ca_file": None}))
    assert error.code == "source.certificate"
    assert gmail.heard == []
