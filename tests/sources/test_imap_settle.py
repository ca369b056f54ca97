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
