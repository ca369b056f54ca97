"""What becomes of a message after its receipt, on a real Dovecot: moved, flagged, deleted or kept; and twice."""

from __future__ import annotations

import pytest

from engine.sources.source import RENUMBERED, Action, SourceError

WITHOUT_MOVE = {b" MOVE ": b" XOVE "}
WITHOUT_UIDPLUS = WITHOUT_MOVE | {b" UIDPLUS ": b" XIDPLUS "}


def actions(source, kind, folder="", size=0, ids=()):
    listed = source.list()
    ids = ids or [""] * len(listed)
    return [Action(each.key, kind, folder, size, name) for each, name in zip(listed, ids, strict=True)]


def states(settled):
    return [each.state for each in settled]


@pytest.fixture
def filled(dovecot, mails):
    account = dovecot.account()
    account.deliver(*mails(3))
    return account


def test_F026_mail_is_moved_into_a_folder_that_is_made_when_missing(bench, filled, mails):
    with bench.open(bench.of(filled)) as source:
        assert states(source.settle(actions(source, "move", "Allegra/Done"))) == ["done"] * 3
        assert source.list() == []
    assert filled.mails() == []
    assert filled.mails("Allegra/Done") == mails(3)


def test_moving_twice_finds_the_messages_gone(bench, filled, mails):
    with bench.open(bench.of(filled)) as source:
        planned = actions(source, "move", "Done")
        source.settle(planned)
    with bench.open(bench.of(filled)) as source:
        assert states(source.settle(planned)) == ["gone"] * 3
    assert filled.mails("Done") == mails(3)


def test_F031_seen_flags_and_keeps(bench, filled):
    with bench.open(bench.of(filled)) as source:
        for _ in range(2):
            assert states(source.settle(actions(source, "seen"))) == ["done"] * 3
    assert filled.flags() == ["S"] * 3


def test_F025_delete_removes_exactly_these(bench, filled, mails):
    filled.doveadm("flags", "add", "\\Deleted", "mailbox", "INBOX", "uid", "1")
    with bench.open(bench.of(filled)) as source:
        second = actions(source, "delete")[:1]
        assert states(source.settle(second)) == ["done"]
    assert filled.mails() == [mails(3)[0], mails(3)[2]]


def test_keep_does_not_even_open_the_folder_for_writing(bench, filled, chaos):
    proxy = chaos(filled.server.imap)
    with bench.open(bench.of(filled, "imap", port=proxy.port)) as source:
        assert states(source.settle(actions(source, "keep"))) == ["done"] * 3
    assert b"SELECT" not in proxy.heard
    assert b"EXAMINE" in proxy.heard


def test_settle_answers_in_the_order_asked(bench, filled):
    with bench.open(bench.of(filled)) as source:
        first, second, third = (each.key for each in source.list())
        mixed = [
            Action(third, "keep"),
            Action("INBOX/1/99", "seen"),
            Action(first, "move", "Done"),
            Action(second, "seen"),
        ]
        settled = source.settle(mixed)
    assert [each.key for each in settled] == [each.key for each in mixed]
    assert states(settled) == ["done", "gone", "done", "done"]


def test_a_move_where_the_server_has_none_copies_and_removes(bench, filled, chaos, mails):
    proxy = chaos(filled.server.imap)
    proxy.replace = WITHOUT_MOVE
    with bench.open(bench.of(filled, "imap", port=proxy.port)) as source:
        assert states(source.settle(actions(source, "move", "Done"))) == ["done"] * 3
    assert filled.mails() == []
    assert filled.mails("Done") == mails(3)
    assert b"UID EXPUNGE" in proxy.heard


def test_without_uidplus_deleted_messages_stay_and_nothing_is_expunged(bench, filled, chaos, mails):
    proxy = chaos(filled.server.imap)
    proxy.replace = WITHOUT_UIDPLUS
    with bench.open(bench.of(filled, "imap", port=proxy.port)) as source:
        assert states(source.settle(actions(source, "move", "Done"))) == ["done"] * 3
        assert source.list() == []
    assert all("T" in each for each in filled.flags())
    assert filled.mails("Done") == mails(3)
    assert b"EXPUNGE" not in proxy.heard
    assert b"CLOSE" not in proxy.heard


def test_an_exclusive_mailbox_may_be_expunged(bench, filled, chaos):
    proxy = chaos(filled.server.imap)
    proxy.replace = WITHOUT_UIDPLUS
    with bench.open(bench.of(filled, "imap", port=proxy.port, exclusive_mailbox=True)) as source:
        assert states(source.settle(actions(source, "delete"))) == ["done"] * 3
    assert filled.mails() == []


def test_a_copy_whose_end_was_lost_is_not_made_again(bench, filled, chaos, mails):
    proxy = chaos(filled.server.imap)
    proxy.replace = WITHOUT_MOVE
    proxy.drop_reply = b"UID COPY"
    box = bench.of(filled, "imap", port=proxy.port)
    with bench.open(box) as source:
        source.session.create("Done")
        size = len(mails(1)[0])
        planned = actions(source, "move", "Done", size, [f"<n{number}@example.com>" for number in (1, 2, 3)])
        with pytest.raises(SourceError):
            source.settle(planned)
    assert len(filled.mails("Done")) == len(filled.mails()) == 3
    with bench.open(box) as source:
        assert states(source.settle(planned)) == ["done"] * 3
    assert filled.mails() == []
    assert filled.mails("Done") == mails(3)


@pytest.mark.parametrize("fault", ["drop_reply", "drop_command"])
@pytest.mark.parametrize("command", [b"UID MOVE", b"UID FETCH", b"SELECT", b"UID SEARCH"])
def test_whenever_the_line_breaks_a_second_pass_leaves_one_copy(bench, filled, chaos, mails, fault, command):
    proxy = chaos(filled.server.imap)
    setattr(proxy, fault, command)
    box = bench.of(filled, "imap", port=proxy.port)
    with pytest.raises(SourceError) as caught, bench.open(box) as source:
        source.settle(actions(source, "move", "Done"))
    assert caught.value.code == "source.unreachable"
    with bench.open(box) as source:
        source.settle(actions(source, "move", "Done"))
    assert filled.mails() == []
    assert sorted(filled.mails("Done")) == sorted(mails(3))


def test_a_full_account_fails_and_the_mail_stays(bench, dovecot, chaos, mails):
    account = dovecot.account(nearly_full=True)
    account.deliver(*mails(3))
    proxy = chaos(dovecot.imap)
    proxy.replace = WITHOUT_MOVE
    with bench.open(bench.of(account, "imap", port=proxy.port)) as source:
        settled = source.settle(actions(source, "move", "Done"))
    assert states(settled) == ["failed"] * 3
    assert "OVERQUOTA" in settled[0].why
    assert account.mails() == mails(3)
    assert account.mails("Done") == []


def test_a_message_with_another_size_is_not_touched(bench, filled, mails):
    with bench.open(bench.of(filled)) as source:
        settled = source.settle(actions(source, "delete", size=4711))
    assert states(settled) == ["gone"] * 3
    assert settled[0].why == RENUMBERED
    assert filled.mails() == mails(3)


def test_F017_after_a_new_uidvalidity_nothing_old_is_acted_on(bench, filled, mails):
    with bench.open(bench.of(filled)) as source:
        planned = actions(source, "delete")
    filled.doveadm("mailbox", "update", "--uid-validity", "4242", "INBOX")
    with bench.open(bench.of(filled)) as source:
        assert states(source.settle(planned)) == ["gone"] * 3
    assert filled.mails() == mails(3)


def test_a_folder_name_with_a_line_break_fails_and_creates_nothing(bench, filled, mails):
    with bench.open(bench.of(filled)) as source:
        settled = source.settle(actions(source, "move", "Done\r\nA1 CREATE evil"))
        assert states(settled) == ["failed"] * 3
        assert "evil" not in source.folders()
    assert filled.mails() == mails(3)


def test_a_move_to_where_the_mail_is_changes_nothing(bench, filled, mails):
    with bench.open(bench.of(filled)) as source:
        assert states(source.settle(actions(source, "move", "INBOX"))) == ["kept"] * 3
    assert filled.mails() == mails(3)


def test_leaving_never_expunges_what_others_flagged(bench, filled, mails):
    filled.doveadm("flags", "add", "\\Deleted", "mailbox", "INBOX", "uid", "2")
    with bench.open(bench.of(filled)) as source:
        source.settle(actions(source, "seen"))
    assert filled.mails() == mails(3)


def test_many_actions_share_few_commands(bench, dovecot, chaos, mails):
    account = dovecot.account()
    account.deliver(*mails(120))
    proxy = chaos(dovecot.imap)
    with bench.open(bench.of(account, "imap", port=proxy.port)) as source:
        source.settle(actions(source, "move", "Done"))
    assert len(account.mails("Done")) == 120
    assert proxy.heard.count(b"\r\n") < 20


# ── what was moved away before ────────────────────────────────────────────────────────────────────────────────


def held_before(bench, account, mails, **options):
    """Move three mails to Held, as a pass does with mail that waits for a person; gives the actions that come then."""
    box = bench.of(account, move_on_hold="Held", move_on_failure="Failed", **options)
    with bench.open(box) as source:
        raws = list(source.fetch([each.key for each in source.list()], bench.limits))
        source.settle([Action(raw.origin.key, "move", "Held") for raw in raws])
    assert account.mails("Held") == mails(3)
    return box, [
        Action(raw.origin.key, "move", "Done", raw.origin.size_bytes, f"<n{number}@example.com>", raw.digest)
        for number, raw in enumerate(raws, 1)
    ]


@pytest.mark.parametrize("without", [{}, WITHOUT_MOVE, WITHOUT_UIDPLUS])
def test_mail_that_waited_in_a_folder_goes_on_from_there(bench, filled, mails, chaos, without):
    _, planned = held_before(bench, filled, mails)
    proxy = chaos(filled.server.imap)
    proxy.replace = without
    reached = bench.of(filled, "imap", port=proxy.port, move_on_hold="Held", exclusive_mailbox=True)
    with bench.open(reached) as source:
        assert states(source.settle(planned[:2])) == ["done"] * 2
        assert states(source.settle(planned[:2])) == ["gone"] * 2
        assert source.list() == []
    assert filled.mails("Done") == mails(3)[:2]
    assert filled.mails("Held") == mails(3)[2:]


def test_mail_that_was_refused_by_mistake_comes_back_from_the_folder_of_the_refused(bench, filled, mails):
    box, planned = held_before(bench, filled, mails)
    with bench.open(box) as source:
        source.settle([Action(each.key, "move", "Failed", each.size_bytes, each.message_id, each.digest)
                       for each in planned])  # fmt: skip
        assert filled.mails("Failed") == mails(3)
        assert states(source.settle(planned)) == ["done"] * 3
    assert filled.mails("Done") == mails(3)


@pytest.mark.parametrize("change", ["digest", "size_bytes", "message_id"])
def test_another_mail_that_only_looks_alike_stays_where_it_is(bench, filled, mails, change):
    import msgspec

    box, planned = held_before(bench, filled, mails)
    other = {"digest": "00" * 32, "size_bytes": 99, "message_id": "<other@example.com>"}
    wrong = [msgspec.structs.replace(each, **{change: other[change]}) for each in planned]
    with bench.open(box) as source:
        assert states(source.settle(wrong)) == ["gone"] * 3
    assert filled.mails("Held") == mails(3)


def unnamed(number):
    return b"From: anna@example.com\r\nSubject: Number %d\r\n\r\nNo Message-ID here, but %d.\r\n" % (number, number)


def test_the_server_tells_under_which_number_a_held_message_stands(bench, dovecot, mails):
    account = dovecot.account()
    account.deliver(*mails(3))
    box = bench.of(account, move_on_hold="Held", move_on_failure="Failed")
    with bench.open(box) as source:
        keys = [each.key for each in source.list()]
        held = source.settle([Action(keys[0], "move", "Held"), Action(keys[2], "move", "Held")])
        (done,) = source.settle([Action(keys[1], "move", "Done")])
    assert [each.moved_to.rpartition("/")[2] for each in held] == ["1", "2"]
    assert all(each.moved_to.startswith("Held/") for each in held)
    assert done.moved_to == "", "nothing comes back from there"


@pytest.mark.parametrize("without", [{}, WITHOUT_MOVE, WITHOUT_UIDPLUS])
def test_held_mail_without_a_message_id_goes_on_from_there(bench, dovecot, chaos, without):
    account = dovecot.account()
    account.deliver(unnamed(1), unnamed(2), unnamed(3))
    proxy = chaos(account.server.imap)
    proxy.replace = without
    box = bench.of(account, "imap", port=proxy.port, move_on_hold="Held", exclusive_mailbox=True)
    with bench.open(box) as source:
        raws = list(source.fetch([each.key for each in source.list()], bench.limits))
        held = source.settle([Action(raw.origin.key, "move", "Held") for raw in raws])
        planned = [
            Action(key, "move", "Done", raw.origin.size_bytes, "", raw.digest)
            for raw, settled in zip(raws[:2], held[:2], strict=True)
            for key in (raw.origin.key, "" if without == WITHOUT_UIDPLUS else settled.moved_to)
            if key
        ]
        assert "failed" not in states(source.settle(planned))
        assert set(states(source.settle(planned))) == {"gone"}
    assert sorted(account.mails("Done")) == [unnamed(1), unnamed(2)]
    assert account.mails("Held") == [unnamed(3)]


def test_held_mail_that_the_server_changed_goes_on_by_its_number(bench, filled, mails):
    import msgspec

    box = bench.of(filled, move_on_hold="Held")
    with bench.open(box) as source:
        raws = list(source.fetch([each.key for each in source.list()], bench.limits))
        held = source.settle([Action(raw.origin.key, "move", "Held") for raw in raws])
        changed = [
            Action(settled.moved_to, "move", "Done", raw.origin.size_bytes + 99, f"<n{number}@example.com>", "00" * 32)
            for number, (raw, settled) in enumerate(zip(raws, held, strict=True), 1)
        ]
        other = [msgspec.structs.replace(each, message_id="<other@example.com>") for each in changed]
        assert states(source.settle(other)) == ["gone"] * 3
        assert states(source.settle(changed)) == ["done"] * 3
    assert filled.mails("Done") == mails(3)


def test_numbers_of_a_held_folder_that_began_anew_name_nothing(bench, filled, mails):
    box = bench.of(filled, move_on_hold="Held")
    with bench.open(box) as source:
        raws = list(source.fetch([each.key for each in source.list()], bench.limits))
        held = source.settle([Action(raw.origin.key, "move", "Held") for raw in raws])
    filled.doveadm("mailbox", "update", "--uid-validity", "4242", "Held")
    with bench.open(box) as source:
        planned = [
            Action(each.moved_to, "delete", "", raw.origin.size_bytes) for each, raw in zip(held, raws, strict=True)
        ]
        assert states(source.settle(planned)) == ["gone"] * 3
    assert filled.mails("Held") == mails(3)


def test_two_mails_with_one_message_id_are_told_apart_by_their_bytes(bench, dovecot, mails):
    account = dovecot.account()
    first = mails(1)[0]
    account.deliver(first, first.replace(b"Hello", b"Howdy"))
    box = bench.of(account, move_on_hold="Held")
    with bench.open(box) as source:
        raws = list(source.fetch([each.key for each in source.list()], bench.limits))
        source.settle([Action(raw.origin.key, "move", "Held") for raw in raws])
        second = raws[1]
        settled = source.settle(
            [Action(second.origin.key, "delete", "", second.origin.size_bytes, "<n1@example.com>", second.digest)]
        )
    assert states(settled) == ["done"]
    assert account.mails("Held") == [first]


def test_seen_marks_a_mail_where_it_waits_and_does_not_move_it(bench, filled, mails):
    import msgspec

    box, planned = held_before(bench, filled, mails)
    with bench.open(box) as source:
        settled = source.settle([msgspec.structs.replace(each, kind="seen", folder="") for each in planned])
    assert states(settled) == ["done"] * 3
    assert filled.mails("Held") == mails(3)


def test_without_a_folder_for_held_mail_nothing_else_is_opened(bench, filled, chaos):
    proxy = chaos(filled.server.imap)
    with bench.open(bench.of(filled, "imap", port=proxy.port)) as source:
        planned = actions(source, "move", "Done")
        source.settle(planned)
        selected = proxy.heard.count(b" SELECT ")
        assert states(source.settle(planned)) == ["gone"] * 3
    assert proxy.heard.count(b" SELECT ") == selected
