"""The facts about a mail: identity, headers of servers, text, rates."""

import pytest
from builders import JANE, World, config, item, mail, raw

from engine.config import parse as parse_config
from engine.decision import facts, tokens
from engine.mail.parse import parse as parse_mail
from engine.model.facts import Auto, Facts, Release
from engine.model.questions import SenderRate, TotalRate


def gather(toml: str = "", world: World | None = None, mailbox: str = "system", given=None, **arrangement) -> Facts:
    return facts.gather(given or mail(**arrangement), config(toml), mailbox, world or World())


def config_at(folder):
    """A configuration with a secret of its own."""
    box = "[system.mailbox]\nprotocol = 'maildir'\npath = 'mail'\n"
    return parse_config(f"[instance]\nsecret_file = 'secret'\n{box}", folder / "allegra.toml", {})


def test_F052_the_sender_is_the_account_of_the_address():
    found = gather(sender="Jane <JANE@bigcorp.example>").sender
    assert (found.account, found.matched_by, found.problem) == (JANE, "exact", "")


def test_F053_a_from_that_is_not_believed_belongs_to_nobody():
    for sender in (
        "jane@bigcorp.example, bob@example.com",
        "",
        "jane@bigcorp.example <eve@evil.example>, bob@example.com",
    ):
        found = gather(sender=sender).sender
        assert found.account is None
        assert found.problem


def test_G23_two_from_fields_are_nobody():
    assert gather(headers=[("From", "bob@example.com")]).sender.account is None


def test_the_mailbox_of_a_workspace_starts_there():
    assert gather(mailbox="support").workspace == "support"
    assert gather().workspace == ""


def test_F042_our_loop_header_is_seen():
    assert gather(headers=[("X-Allegra-Loop", "Allegra")]).own_loop
    assert not gather(headers=[("X-Allegra-Loop", "Another")]).own_loop
    assert not gather().own_loop


def test_F042_a_message_id_that_we_signed_is_our_mail(tmp_path):
    ours = config_at(tmp_path)
    made = tokens.message_id("1:1:auto:item.created:2", 7, ours.instance.secret(), tokens.domain(ours))
    content = f"From: jane@bigcorp.example\nSubject: x\nMessage-ID: {made}\n\nx\n"
    assert facts.gather(parse_mail(raw(content)), ours, "system", World()).own_loop
    assert not facts.gather(parse_mail(raw(content.replace(".i7.", ".i8."))), ours, "system", World()).own_loop


# ── lists that rewrite From ───────────────────────────────────────────────────────────────────────────────────

REWRITTEN = (
    ("Authentication-Results", "mx.example.com; dkim=pass header.d=example.com; dmarc=pass header.from=example.com"),
    ("X-Original-From", "Jane Doe <jane@bigcorp.example>"),
    ("X-Original-Sender", "jane@bigcorp.example"),
    ("X-Original-Authentication-Results", "mx.list.example; dmarc=pass (p=REJECT) header.from=bigcorp.example"),
)
NAMED = '[gates]\ntrusted_authserv_ids = ["mx.example.com"]\n[people]\nrewriters = ["Help@example.com"]\n'


def rewritten(toml=NAMED, headers=REWRITTEN, **changed):
    """Jane's mail as a group passes it on; `changed` headers by their name with underscores, None leaves one out."""
    new = [(name, changed.get(name.replace("-", "_"), value)) for name, value in headers]
    headers = [(name, value) for name, value in new if value is not None]
    return gather(toml, sender="'Jane Doe' via Help <help@example.com>", headers=headers).sender


def test_F042_the_writer_behind_a_list_that_we_name_is_taken_where_the_list_vouches():
    found = rewritten()
    assert (found.account, found.address.key, found.through) == (JANE, "jane@bigcorp.example", "help@example.com")


@pytest.mark.parametrize(
    "changed",
    [
        {"Authentication_Results": "mx.example.com; dmarc=fail header.from=example.com"},
        {"Authentication_Results": "mx.evil.example; dmarc=pass header.from=example.com"},
        {"Authentication_Results": None},
        {"X_Original_Authentication_Results": None},
        {"X_Original_Authentication_Results": "mx.list.example; dmarc=fail header.from=bigcorp.example"},
        {"X_Original_Authentication_Results": "mx.list.example; dmarc=pass header.from=evil.example"},
        {"X_Original_Authentication_Results": "mx (; dmarc=pass header.from=bigcorp.example); dmarc=fail"},
        {"X_Original_Sender": "eve@evil.example"},
        {"X_Original_From": "Jane Doe <jane@bigcorp.example>, eve@evil.example"},
        {"X_Original_From": "help@example.com", "X_Original_Sender": None},
        {"X_Original_From": None, "X_Original_Sender": None},
        {"toml": '[gates]\ntrusted_authserv_ids = ["mx.example.com"]\n'},
        {"headers": (*REWRITTEN, ("X-Original-From", "Jane Doe <jane@bigcorp.example>"))},
        {"headers": (*REWRITTEN, REWRITTEN[-1])},
    ],
)
def test_F042_without_the_whole_proof_nobody_behind_a_list_is_believed(changed):
    found = rewritten(**changed)
    assert found.account is None and found.problem and not found.through


def test_received_lines_are_counted():
    assert gather(headers=[("Received", "from a by b")] * 3).hops == 3


def test_the_plus_tag_of_our_address():
    assert gather(to="Help <help+billing@example.com>").plus == "billing"
    assert gather(to="x@y.example", headers=[("Delivered-To", "help+support@example.com")]).plus == "support"
    assert gather(to="other+billing@example.com").plus == ""
    assert gather(to="help+i7.aaaaaaaaaaaaaaaa@example.com").plus == ""


def test_the_thread_is_found():
    seven = item(7)
    assert gather(world=World(items=(seven,)), subject="[#7] Printer").thread.item is seven


def test_a_token_is_read_with_the_secret_of_the_instance(tmp_path):
    seven = item(7)
    secret = tmp_path / "secret"
    toml = f"[instance]\nsecret_file = '{secret}'\n"
    loaded = config(toml)
    token = tokens.sign(7, loaded.instance.secret())
    found = facts.gather(mail(to=f"help+{token}@example.com"), loaded, "system", World(items=(seven,)))
    assert (found.thread.item, found.thread.by) == (seven, "token")


def test_a_decision_makes_no_secret(tmp_path):
    secret = tmp_path / "none" / "secret"
    gather(f"[instance]\nsecret_file = '{secret}'\n", to="help+i7.aaaaaaaaaaaaaaaa@example.com")
    assert not secret.exists()


def test_rates_are_asked_only_where_a_limit_stands():
    found = gather(world=World(answers={SenderRate: lambda _: 4, TotalRate: lambda _: 9}))
    assert (found.sender_mails_last_hour, found.total_mails_last_hour) == (5, 10)
    world = World()
    gather("[gates]\nmails_per_sender = { limit = 0 }\ntotal_rate = { limit = 0 }\n", world=world)
    assert not world.counted(SenderRate) and not world.counted(TotalRate)


@pytest.mark.parametrize(
    ("field", "score", "flag"),
    [
        (("X-Spam-Score", "8.1"), 8.1, False),
        (("X-Spam-Score", "-0.5 (/)"), -0.5, False),
        (("X-Spam-Status", "Yes, score=7.3 required=5.0 tests=BAYES_99"), 7.3, True),
        (("X-Spam-Status", "No, hits=1.2 required=5"), 1.2, False),
        (("X-Spam-Flag", "YES"), None, True),
        (("X-Spamd-Result", "default: False [6.90 / 15.00]; BAYES_SPAM(2.6)[99.9%]"), 6.9, False),
        (("X-Spam-Score", "nonsense"), None, False),
    ],
)
def test_what_a_spam_filter_wrote(field, score, flag):
    found = gather(headers=[field])
    assert (found.spam_score, found.spam_flag) == (score, flag)


def test_the_language_of_the_new_text_or_of_the_header():
    assert gather(text="Hallo, der Drucker brennt und ich kann nicht mehr arbeiten.").language == "de"
    assert gather(text="4711", headers=[("Content-Language", "fr-FR")]).language == "fr"


def test_a_bounce_is_read_and_linked():
    seven = item(7)
    text = "<gone@example.net>: 550 5.1.1 unknown\n\nMessage-ID: <ours@example.com>\n"
    world = World(items=(seven,), messages={"<ours@example.com>": seven})
    found = gather(world=world, sender="MAILER-DAEMON@example.net", subject="failure notice", text=text)
    assert found.automatic.kind is Auto.BOUNCE
    assert found.bounce is not None
    assert found.bounce.recipients[0].address == "gone@example.net"
    assert found.thread.item is seven


def test_authentication_counts_from_trusted_servers_only():
    headers = [("Authentication-Results", "mx.example.com; dmarc=pass header.from=bigcorp.example")]
    assert gather(headers=headers).authentication.dmarc == "none"
    assert (
        gather('[gates]\ntrusted_authserv_ids = ["mx.example.com"]\n', headers=headers).authentication.dmarc == "pass"
    )


def test_the_reply_is_cut_with_the_settings_of_the_workspace():
    text = "New.\n=== end ===\nOld."
    toml = '[workspace.support.body]\ntruncate_lines = ["=== end ==="]\n'
    assert gather(toml, mailbox="support", text=text).cut.new == "New."
    assert gather(toml, text=text).cut.new == text


def test_the_subject_of_a_forward_keeps_what_it_forwards():
    block = "From: Bob <bob@example.com>\nSent: Monday, January 5, 2026\nTo: Jane\nSubject: Printer\n\nIt burns."
    settings = "[body]\nmultiline_delimiter_patterns = []\n"
    assert gather(settings, text=f"Look.\n\n{block}", subject="FW: Printer").cut.new.endswith("It burns.")
    assert gather(settings, text=f"Look.\n\n{block}", subject="RE: Printer").cut.new == "Look."


def test_F103_elements_of_html_are_cut_and_kept_as_quoted():
    html = "<p>It works.</p><div class='history'><p>Does it work?</p></div><blockquote>Older.</blockquote>"
    found = gather('[body]\nhtml_tags_to_remove = ["div.history", "blockquote"]\n', text="", html=html).cut
    assert found.new == "It works."
    assert "Does it work?" in found.quoted
    assert "Older." in found.quoted


def test_F103_if_nothing_is_left_the_whole_body_is_used():
    found = gather(text="", html="<blockquote><p>All of it.</p></blockquote>").cut
    assert "All of it." in found.new


def test_F103_answers_between_the_quotations_of_gmail_stay():
    html = (
        '<div>Hi Anna,</div><div class="gmail_quote"><div class="gmail_attr">On Mon, Jan 5, 2026 Anna wrote:'
        "</div><blockquote>Does it work?</blockquote><div>Yes.</div>"
        "<blockquote>And now?</blockquote><div>No.</div></div>"
    )
    found = gather(text="", html=html).cut
    assert found.new.split() == ["Hi", "Anna,", "Yes.", "No."]
    assert "Does it work?" in found.quoted


def test_F103_a_forwarded_mail_in_html_alone_is_kept():
    html = (
        '<div>See below.</div><div class="gmail_quote"><div class="gmail_attr">-------- Forwarded message -------<br>'
        "From: Anna &lt;anna@example.com&gt;<br>Subject: Printer</div><br>It is broken.</div>"
    )
    found = gather(text="", html=html, subject="Fwd: Printer").cut
    assert "It is broken." in found.new and "From: Anna" in found.new


REPLY = "It works.\n\nOn Mon, Jan 5, 2026 at 10:15 AM Ben <ben@example.com> wrote:\n> Does it?\n\n--\nAnna"


def test_the_cutter_is_switched_off_for_the_instance_or_for_one_workspace():
    assert gather(text=REPLY).cut.new == "It works."
    assert gather('[body]\ncut = "off"\n', text=REPLY).cut.new == REPLY
    assert gather('[body]\ncut = "own"\nsignature = ""\n', text=REPLY).cut.new == "It works.\n\n--\nAnna"
    toml = '[workspace.support.body]\ncut = "off"\n'
    assert gather(toml, mailbox="support", text=REPLY).cut.new == REPLY
    assert gather(toml, text=REPLY).cut.new == "It works."


def test_with_the_cutter_off_no_elements_of_html_go():
    page = "<p>It works.</p><blockquote>Does it?</blockquote>"
    assert gather('[body]\ncut = "off"\n', text="", html=page).cut.quoted == ""


def test_a_release_is_carried_along():
    release = Release("anna", "phoned")
    assert facts.gather(mail(), config(), "system", World(), release, "m-1").released is release
