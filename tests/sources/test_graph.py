"""Microsoft Graph against a server of our own: listing, fetching, folders, and everything that may go wrong; F005."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mailboxes import Box, Sizes
from servers.apis import huge, later
from servers.graph import Account, Folder, Graph, refuses
from servers.tokens import Tokens, cut_off, drips, elsewhere, hangs_up, page, says

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
def graph(tmp_path: Path, tokens: Tokens) -> Iterator[Graph]:
    with Graph(tmp_path, tokens) as made:
        made.account(USER)
        yield made


@pytest.fixture
def box(bench: Any, graph: Graph, tokens: Tokens, tmp_path: Path) -> Box:
    app = OAuth().replaced(
        provider="microsoft", grant="client_credentials", tenant="example.com", client_id="app",
        client_secret=tokens.secret, token_url=tokens.url, name="m365", kept_in=tmp_path / "oauth", uses=("graph",),
    )  # fmt: skip
    made: Box = bench.box(
        protocol="graph", host="localhost", port=graph.port, ca_file=graph.ca_file, username=USER, oauth="m365",
        sign_in=app, timeout=2.0, move_on_success="Done", move_on_failure="Failed", move_on_hold="Help/Held",
    )  # fmt: skip
    return made


@pytest.fixture
def account(graph: Graph) -> Account:
    return graph.account(USER)


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


def test_F005_mails_are_read_oldest_first_byte_by_byte_and_nothing_is_marked(
    bench: Any, box: Box, graph: Graph, mails: Any
) -> None:
    wanted = [*mails(3), b"\xff\xfe no mail at all \x00\n", b"Subject: x\n\n" + bytes(range(256)) * 50]
    graph.deliver(USER, *wanted)
    assert bench.read(box) == wanted
    assert graph.unread(USER) == 5
    assert graph.count("^(POST|PATCH)") == 0
    assert graph.tokens.asked[0]["scope"] == "https://graph.microsoft.com/.default"


def test_an_idle_poll_of_the_inbox_is_one_request(bench: Any, box: Box, graph: Graph) -> None:
    with bench.open(box) as source:
        assert source.list() == []
    assert len(graph.heard) == 1 and "mailFolders/inbox/messages" in graph.heard[0]


def test_a_list_of_many_pages_is_read_to_its_end(bench: Any, box: Box, graph: Graph, mails: Any) -> None:
    graph.page = 7
    keys = graph.deliver(USER, *mails(30))
    with bench.open(box) as source:
        listed = source.list()
    assert [each.key for each in listed] == keys
    assert listed[0].internaldate == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
    assert graph.count("skip") == 4


def test_pages_without_end_end_and_none_of_another_host_is_asked_for(bench: Any, box: Box, graph: Graph) -> None:
    def again(talk: Any) -> None:
        talk.tell(200, value=[], **{"@odata.nextLink": f"{graph.origin}{talk.path}"})

    graph.says = [("GET .*messages", again)] * 5
    assert "sends page after page without end" in fails(bench, box).sentence
    assert len(graph.heard) == 1
    for url in ("https://evil.example/v1.0/x", f"{graph.origin}@evil.example/", "http://localhost/", "/v1.0/x"):
        graph.says = [("GET .*messages", lambda talk, url=url: talk.tell(200, value=[], **{"@odata.nextLink": url}))]
        error = fails(bench, box)
        assert error.code == "source.protocol" and "to another host" in error.sentence
        assert graph.says == []


def test_a_folder_in_a_folder_is_read_and_one_that_is_missing_is_said(
    bench: Any, box: Box, graph: Graph, account: Account, mails: Any
) -> None:
    theirs = bench.box(**{**box.__dict__, "folder": "Anna's mail/First"})
    assert fails(bench, theirs).code == "source.folder_missing"
    account.folders |= {"AAMk1=": Folder("anna's MAIL"), "AAMk2=": Folder("First", "AAMk1=")}
    graph.deliver(USER, *mails(2), folder="Anna's mail/First")
    assert bench.read(theirs) == mails(2)


def test_a_folder_that_graph_knows_by_name_is_read_in_every_language(
    bench: Any, box: Box, graph: Graph, mails: Any
) -> None:
    graph.deliver(USER, *mails(1), folder="junkemail")
    assert bench.read(bench.box(**{**box.__dict__, "folder": "junkemail"})) == mails(1)


def test_what_came_before_since_is_told_by_the_time_it_came(bench: Any, box: Box, graph: Graph, mails: Any) -> None:
    since = datetime(2026, 3, 1, 12, tzinfo=UTC)
    edge = int(since.timestamp() * 1000)
    old, _ = (graph.deliver(USER, *mails(1), came=at)[0] for at in (edge - 1000, edge))
    with bench.open(box) as source:
        assert source.judge(source.list(), since).older == {old}


BIG = b"Subject: big\r\nFrom: anna@example.com\r\n\r\n" + b"x" * 3_000_000


@pytest.mark.parametrize("answer", [None, huge, refuses(413, "RequestEntityTooLarge")], ids=["as it is", "6 GB", "413"])
def test_of_a_mail_that_is_too_big_the_header_is_taken(bench: Any, box: Box, graph: Graph, answer: Any) -> None:
    graph.deliver(USER, BIG)
    graph.says = [("value$", answer)] if answer else []
    with bench.open(box) as source:
        (raw,) = source.fetch([each.key for each in source.list()], Sizes(raw=100_000))
    assert raw.truncated and raw.origin.size_bytes == len(BIG)
    assert raw.content == b"Subject: big\r\nFrom: anna@example.com\r\n\r\n"


def test_what_has_gone_meanwhile_is_left_out(bench: Any, box: Box, graph: Graph, account: Account, mails: Any) -> None:
    keys = graph.deliver(USER, *mails(2))
    with bench.open(box) as source:
        source.list()
        del account.messages[keys[0]]
        assert [raw.origin.key for raw in source.fetch(keys, bench.limits)] == [keys[1]]


def test_a_message_that_is_refused_is_named_and_the_others_go_on(
    bench: Any, box: Box, graph: Graph, mails: Any
) -> None:
    keys = graph.deliver(USER, *mails(3))
    graph.says = [(f"{keys[1][:-1]}.*value$", refuses(400, "ErrorMimeContentConversionFailed", "cannot be shown"))]
    with bench.open(box) as source:
        assert [raw.origin.key for raw in source.fetch(keys, bench.limits)] == [keys[0], keys[2]]
        assert "cannot be shown" in source.refusal(keys[1])


@pytest.mark.parametrize("key", ["/../x", "..", "a/b", "x" * 600, "a b", "a\\r\\nX: y", ""])
def test_an_id_that_is_none_is_never_asked_for(bench: Any, box: Box, graph: Graph, key: str) -> None:
    graph.says = [("GET .*messages", says(f'{{"value": [{{"id": "{key}"}}]}}'.encode()))]
    error = fails(bench, box)
    assert error.code == "source.protocol" and "by an id that is none" in error.sentence
    assert len(graph.heard) == 1


# ── settling ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_F005_mails_are_moved_marked_and_moved_to_the_deleted_items(
    bench: Any, box: Box, graph: Graph, account: Account, mails: Any
) -> None:
    moved, seen, gone, kept = graph.deliver(USER, *mails(4))
    actions = [Action(moved, "move", "Done"), Action(seen, "seen"), Action(gone, "delete"), Action(kept, "keep")]
    with bench.open(box) as source:
        for _ in range(2):
            assert states(source, *actions) == ["done"] * 4
    assert account.messages[moved].folder == account.named("Done")
    assert [account.messages[key].read for key in (moved, seen, gone, kept)] == [False, True, False, False]
    assert account.messages[gone].folder == account.named("deleteditems")
    assert graph.count("^POST .*mailFolders") == 1 and graph.count("/move") == 2


@pytest.mark.parametrize("odd", [False, True])
def test_a_held_mail_is_moved_on_from_a_folder_in_a_folder(
    bench: Any, box: Box, graph: Graph, account: Account, mails: Any, odd: bool
) -> None:
    (key,) = graph.deliver(USER, *mails(1))
    graph.odd_parents = odd
    with bench.open(box) as source:
        assert states(source, Action(key, "move", "Help/Held")) == ["done"]
    assert account.messages[key].folder == account.named("Help/Held") != ""
    with bench.open(box) as source:
        assert states(source, Action(key, "move", "Done")) == ["done"]
    assert account.messages[key].folder == account.named("Done")


def test_what_a_person_took_away_is_left_where_it_is(
    bench: Any, box: Box, graph: Graph, account: Account, mails: Any
) -> None:
    mine, thrown, erased = graph.deliver(USER, *mails(3))
    account.folders["AAMk9="] = Folder("Mine")
    account.messages[mine].folder = "AAMk9="
    account.messages[thrown].folder = account.named("deleteditems")
    del account.messages[erased]
    with bench.open(box) as source:
        for kind in ("move", "seen"):
            actions = [Action(key, kind, "Done" if kind == "move" else "") for key in (mine, thrown, erased)]
            assert states(source, *actions) == ["gone"] * 3
        assert states(source, Action(mine, "delete"), Action(thrown, "delete")) == ["gone", "done"]
    assert graph.count("/move|^PATCH") == 0


def test_a_move_into_the_folder_that_is_read_keeps_it(bench: Any, box: Box, graph: Graph, mails: Any) -> None:
    (key,) = graph.deliver(USER, *mails(1))
    with bench.open(box) as source:
        assert states(source, Action(key, "move", "Inbox")) == ["kept"]


def test_a_key_of_another_protocol_is_gone(bench: Any, box: Box, graph: Graph) -> None:
    graph.says = [("19b2c3", refuses(400, "ErrorInvalidIdMalformed", "Id is malformed."))]
    with bench.open(box) as source:
        assert states(source, Action("INBOX/77/3", "move", "Done"), Action("19b2c3", "delete")) == ["gone"] * 2


def test_an_answer_that_was_lost_changes_nothing_the_second_time(
    bench: Any, box: Box, graph: Graph, account: Account, mails: Any
) -> None:
    (key,) = graph.deliver(USER, *mails(1))
    graph.says = [("/move", graph.lost)]
    with bench.open(box) as source, pytest.raises(SourceError):
        source.settle([Action(key, "move", "Done")])
    with bench.open(box) as source:
        assert states(source, Action(key, "move", "Done")) == ["done"]
    assert account.messages[key].folder == account.named("Done")
    assert graph.count("/move") == 1


def test_another_id_behind_a_move_is_kept(bench: Any, box: Box, graph: Graph, mails: Any) -> None:
    (key,) = graph.deliver(USER, *mails(1))
    graph.says = [("/move", says(b'{"id": "AAkother="}', status=201))]
    with bench.open(box) as source:
        (settled,) = source.settle([Action(key, "move", "Done")])
    assert (settled.state, settled.moved_to) == ("done", "AAkother=")


def test_a_folder_that_graph_refuses_fails_the_move_and_says_why(
    bench: Any, box: Box, graph: Graph, mails: Any
) -> None:
    (key,) = graph.deliver(USER, *mails(1))
    with bench.open(box) as source:
        (settled,) = source.settle([Action(key, "move", "^Done")])
        assert settled.state == "failed" and "not valid" in settled.why
        for name in ("a\r\nb", "a//b", "/", "x" * 300):
            (settled,) = source.settle([Action(key, "move", name)])
            assert settled.state == "failed" and settled.why.isprintable()


def test_a_folder_that_somebody_makes_at_the_same_time_is_taken(
    bench: Any, box: Box, graph: Graph, account: Account, mails: Any
) -> None:
    def first(talk: Any) -> None:
        account.folders["AAMk5="] = Folder("Done")
        graph.usual(talk)

    (key,) = graph.deliver(USER, *mails(1))
    graph.says = [("POST .*mailFolders", first)]
    with bench.open(box) as source:
        assert states(source, Action(key, "move", "Done")) == ["done"]
    assert account.messages[key].folder == "AAMk5="


def test_of_many_mails_few_questions_are_asked(bench: Any, box: Box, graph: Graph, mails: Any) -> None:
    keys = graph.deliver(USER, *mails(40))
    with bench.open(box) as source:
        assert states(source, *(Action(key, "move", "Done") for key in keys)) == ["done"] * 40
    assert graph.count("^GET") == 3  # the list, the folder, the inbox


# ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_look_shows_headers_sizes_and_times(bench: Any, box: Box, graph: Graph, mails: Any) -> None:
    graph.deliver(USER, *mails(3))
    with bench.open(box) as source:
        looks = source.peek(2)
    assert [look.header for look in looks] == [mail.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" for mail in mails(2)]
    assert (looks[0].size_bytes, looks[0].flags) == (len(mails(1)[0]), ())


def test_folders_are_paths_and_the_test_tells_which_will_be_made(bench: Any, box: Box, account: Account) -> None:
    account.folders |= {"AAMk1=": Folder("Done"), "AAMk2=": Folder("evil\r\nname", "AAMk1="), "../x": Folder("odd id")}
    with bench.open(box) as source:
        assert {"Posteingang", "Done", "Done/evil??name"} <= {*source.folders()}
        assert "odd id" not in source.folders()
        told = dict(source.describe())
    assert told["folder"] == "INBOX (Posteingang), 0 messages" and told["move_on_success"] == "Done"
    assert told["move_on_hold"] == "Help/Held (will be made)"


# ── what may go wrong ─────────────────────────────────────────────────────────────────────────────────────────


def test_F005_a_token_that_is_refused_is_renewed_once(bench: Any, box: Box, graph: Graph, mails: Any) -> None:
    graph.deliver(USER, *mails(1))
    graph.says = [("messages", graph.unauthorized)]
    assert bench.read(box) == mails(1)
    graph.tokens.active.clear()
    error = fails(bench, box)
    assert error.code == "oauth.login_refused"
    assert "does not accept the token of oauth m365" in error.sentence


@pytest.mark.parametrize("answer", [
    later(429), later(503, "0"), later(504, ""), refuses(403, "ApplicationThrottled"),
    refuses(423, "ErrorMailboxStoreUnavailable"),
], ids=["429", "503", "504", "throttled", "store"])  # fmt: skip
def test_what_says_later_is_asked_again(bench: Any, box: Box, graph: Graph, mails: Any, answer: Any) -> None:
    graph.deliver(USER, *mails(2))
    graph.says = [("messages.%24select", answer), ("value$", answer)]
    assert bench.read(box) == mails(2)


REFUSED: dict[str, tuple[Any, str, str]] = {
    "not allowed": (refuses(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."),
                    "oauth.no_mailbox", "Mail.ReadWrite of Microsoft Graph"),
    "no mailbox": (refuses(404, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, soft-deleted, …"),
                   "oauth.account_unknown", "on a server of your own"),
    "no user": (refuses(404, "Request_ResourceNotFound", "Resource 'x' does not exist"), "oauth.account_unknown",
                "username must be"),
    "something else": (refuses(418, "Teapot", "\x1b[31mtea\r\n pot"), "source.refused", "(Teapot: ?[31mtea pot)"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_F005_a_refusal_says_what_to_do(bench: Any, box: Box, graph: Graph, what: str) -> None:
    answer, code, said = REFUSED[what]
    graph.says = [("messages", answer)]
    error = fails(bench, box)
    assert (error.code, said in error.sentence) == (code, True), error.sentence
    assert len(graph.heard) == 1


ODD: dict[str, tuple[Any, str]] = {
    "a web page": (page(), "source.protocol"),
    "half a JSON": (says(b'{"value": [{"id'), "source.protocol"),
    "a list": (says(b"[]"), "source.protocol"),
    "messages that are no list": (says(b'{"value": {"id": "1"}}'), "source.protocol"),
    "messages that are none": (says(b'{"value": [1, null]}'), "source.protocol"),
    "half an answer": (cut_off, "source.unreachable"),
    "no answer": (hangs_up, "source.unreachable"),
    "drop by drop": (drips, "source.timeout"),
    "elsewhere": (elsewhere("https://evil.example/"), "source.protocol"),
    "six gigabytes": (huge, "source.too_big"),
}


@pytest.mark.parametrize("what", ODD)
def test_what_is_no_answer_is_a_sentence_in_time(bench: Any, box: Box, graph: Graph, what: str) -> None:
    answer, code = ODD[what]
    graph.says = [("messages", answer)]
    begun = time.monotonic()
    assert fails(bench, box).code == code
    assert time.monotonic() - begun < 4
    assert len(graph.heard) == 1


def test_a_web_page_in_place_of_a_mail_is_no_mail(bench: Any, box: Box, graph: Graph, mails: Any) -> None:
    (key,) = graph.deliver(USER, *mails(1))
    graph.says = [("value$", page())]
    error = fails(bench, box)
    assert (error.code, error.key) == ("source.protocol", key)


def test_a_server_that_is_not_trusted_hears_no_token(bench: Any, box: Box, graph: Graph) -> None:
    error = fails(bench, bench.box(**{**box.__dict__, "ca_file": None}))
    assert error.code == "source.certificate"
    assert graph.heard == []
