"""Every reason code: what it means, what can be done, and who hears of it.

Here: one closed table. Not here: which code a mail gets (`stages/`, `decision/seal.py`, `run/process.py`, `sources/`).
Invariant: a code never changes once released; every code stands in docs/stages.md under its anchor, and a test says so.
Over 300 lines: one table, a code a row.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

SUCCESS, FAILURE, HELD, STAYS = "move_on_success", "move_on_failure", "move_on_hold", "stays"
"""Where the mail goes: the folder option of its mailbox, or nowhere."""


class Reason(Struct, frozen=True):
    """One reason code.

    `sentence` is for people; `what_to_do` are lines in which `{mail}` and `{sender}` stand for this mail's.
    `sender`: may be told the particulars, where anything is sent at all (else only `sentence`); `admin`: gets a report
    at `errors.forward_to`; `moved` is for the default verb. `trace_only` codes stand in notes, never in a receipt.
    """

    code: str
    sentence: str
    what_to_do: tuple[str, ...] = ()
    sender: bool = False
    admin: bool = False
    moved: str = HELD
    trace_only: bool = False


OUR_FAULT = frozenset({"config.broken", "rule.file_broken"})
"""Codes of mail that waits for a file of ours: its sender hears, once, whose fault that is (F021), and every pass looks
whether the file is mended."""

DIRECTORY_AWAY = "gate.directory_away"

WAITS_FOR_US = OUR_FAULT | {DIRECTORY_AWAY}
"""Codes of mail that waits for something of ours, a file or a directory: of one trouble it is told once an hour."""

PARENT_WAITS = "commit.parent"
"""Code of a reply that waits for the mail it answers."""

NEEDS_MENDING = OUR_FAULT | {"hook.sandbox_missing", "hook.disabled"}
"""Codes of mail that waits until somebody mends something here: a file, or the machine."""

RELEASE = 'allegra held release {mail} --reason "…"      let it in once'
TRUST = "allegra held trust ADDRESS                    make the sender known, and let in what is held of them"
REJECT = 'allegra held reject {mail} --reason "…"       refuse it; the sender is told where that is allowed'
DISCARD = "allegra held discard {mail}                   drop it; nobody is told"
RETRY = "allegra mail retry {mail}                     decide again, with the configuration of now"
ENABLE = "allegra hooks enable NAME                     switch the script on again"
RESUME = "allegra mailbox resume NAME                   read and decide its mail again"
RAW = "allegra mail raw {mail}                       look at the original"
_HELD = (RELEASE, REJECT, DISCARD)

_ALL = (
    # before a decision
    Reason(
        "config.broken",
        "Something this mailbox needs does not load, so its mail waits.",
        ("allegra check                                 what to mend; the mail goes on by itself after that",),
        admin=True,
        moved=STAYS,
    ),
    Reason(
        "mailbox.paused",
        "Somebody paused the mailbox: its mail is neither read nor decided.",
        (RESUME,),
        moved=STAYS,
    ),
    Reason(
        "mailbox.broken",
        "Mail after mail broke the machine, so the mailbox pauses; it is tried again by itself.",
        ("allegra run --mailbox NAME                    tries now", RESUME),
        admin=True,
        moved=STAYS,
    ),
    Reason(
        "fetch.too_big",
        "The mail is over limits.raw; only its header was fetched and it stays on the server.",
        ("Raise limits.raw and run again, or read the mail where it is.", RAW),
        sender=True,
        admin=True,
        moved=STAYS,
    ),
    Reason(
        "fetch.truncated",
        "The server sent fewer bytes than it announced; what came was taken.",
        (RAW,),
        trace_only=True,
    ),
    # limits
    Reason("limits.too_big", "The mail is bigger than gates.maximum_email_size.", _HELD, sender=True, admin=True),
    Reason("limits.unreadable", "Neither a header nor a body could be made of these bytes.", (RAW, *_HELD), admin=True),
    Reason(
        "limits.duplicate",
        "The same content was processed before, so nothing was done.",
        (
            "allegra explain {mail}                        names the mail that came first",
            "allegra replay {mail} --as-new --commit       make another item of it",
        ),
        moved=SUCCESS,
    ),
    Reason(
        "limits.own_loop",
        "The mail comes from this system itself; answering it would never end.",
        (RAW, RETRY),
        moved=FAILURE,
    ),
    Reason(
        "limits.own_address",
        "From is an address of ours, but nothing proves that we sent the mail: a list may have rewritten it.",
        (RAW, "Name the list in people.rewriters, then", RETRY, *_HELD),
        admin=True,
    ),
    Reason(
        "limits.hop_limit",
        "The mail went through more servers than gates.hop_limit: it goes round in circles.",
        (RAW, RETRY),
        moved=FAILURE,
    ),
    Reason(
        "limits.rate_sender",
        "One sender wrote more than gates.mails_per_sender allows.",
        ("allegra held release --all-matching 'from:{sender}'   let all of it in", *_HELD),
    ),
    Reason(
        "limits.rate_total",
        "More mail came than gates.total_rate allows.",
        ("allegra held list                             all that waits", *_HELD),
        admin=True,
    ),
    # rules
    Reason("rule.hold", "A rule holds this mail for a person.", _HELD),
    Reason(
        "rule.reject",
        "A rule refuses this mail.",
        ("allegra explain {mail} --all                  every rule in full", RETRY),
        sender=True,
        moved=FAILURE,
    ),
    Reason(
        "rule.discard",
        "A rule drops this mail.",
        ("allegra explain {mail} --all                  every rule in full", RETRY),
        moved=FAILURE,
    ),
    Reason(
        "rule.file_broken",
        "A rule file on the way of this mail does not load, so the mail waits.",
        ("allegra check                                 what to mend",),
        admin=True,
        moved=STAYS,
    ),
    Reason("rule.route", "A rule moved the mail to another workspace.", trace_only=True),
    Reason("rule.stop", "A rule ended its file without a destination.", trace_only=True),
    Reason(
        "rule.cycle_cut",
        "A route was not followed: the place was entered before, or rules.max_hops is reached.",
        trace_only=True,
    ),
    Reason(
        "rule.text_cut", "The text was longer than rules.regex_text_limit; rules saw its beginning.", trace_only=True
    ),
    # gates
    Reason(
        "gate.bounce",
        "A report about mail that we sent; linked to the item it is about, never answered.",
        (RAW, RETRY),
        moved=FAILURE,
    ),
    Reason(
        "gate.auto_reply", "This is an automatic reply: a note on the item it answers, held if it answers none.", _HELD
    ),
    Reason("gate.mailing_list", "The mail came through a mailing list.", _HELD),
    Reason(
        "gate.unknown_sender",
        "Nobody here is known by the sender's address.",
        (RELEASE, TRUST, REJECT, DISCARD),
    ),
    Reason(
        "gate.inactive_sender",
        "The sender's account is locked or was never activated.",
        (RELEASE, "allegra user unlock LOGIN                     open the account again", REJECT, DISCARD),
    ),
    Reason(
        "gate.blocked", "The sender, the sender's name or the text is on a blocked list.", (RAW, RETRY), moved=FAILURE
    ),
    Reason(
        "gate.not_allowed",
        "The sender's address is not among those that may write here.",
        ("Add the address to gates.allowed_senders, then", RETRY),
        moved=FAILURE,
    ),
    Reason(
        "gate.empty_subject",
        "The mail has no subject.",
        ("Ask for a subject, or set gates.empty_subject.", RETRY),
        sender=True,
        moved=FAILURE,
    ),
    Reason("gate.undesired_subject", "The subject is one of those nobody wants here.", (RETRY,), moved=FAILURE),
    Reason(
        "gate.dmarc",
        "The sender's domain says this mail is not proven to come from there.",
        ("Ask the sender by another way whether it is real, then", *_HELD),
    ),
    Reason("gate.virus", "The virus scanner found something.", (REJECT, DISCARD, RELEASE), admin=True),
    Reason(
        "gate.virus_unavailable",
        "The virus scanner does not answer, so the mail waits.",
        ("Start the scanner; the mail goes on by itself.",),
        admin=True,
        moved=STAYS,
    ),
    Reason(
        "gate.directory_away",
        "The directory in which senders are looked up cannot be asked, so the mail waits.",
        (
            "allegra check --online                        what the directory answers; the mail goes on by itself",
            RELEASE,
        ),
        admin=True,
        moved=STAYS,
    ),
    Reason("gate.encrypted", "The mail is encrypted and there is no key here to read it.", (RAW, *_HELD), sender=True),
    Reason(
        "gate.closed_container",
        "The text of the mail stands in a file that could not be opened.",
        (RAW, *_HELD),
        sender=True,
    ),
    # threads
    Reason(
        "thread.stranger",
        "The mail answers an item by somebody who has no say on it.",
        ("allegra held release {mail} --item N          add it to an item by hand", *_HELD),
    ),
    Reason("thread.bad_token", "A reply token does not carry our signature and was not believed.", trace_only=True),
    Reason(
        "thread.closed",
        "The mail answers a closed item, and items.closed_item refuses that.",
        ("Set items.closed_item to comment, reopen or new-item.", RETRY),
        sender=True,
        moved=FAILURE,
    ),
    Reason(
        "thread.item_gone",
        "The mail names an item that is not there.",
        (
            "allegra held release {mail} --item N          say which item it belongs to",
            "allegra held release {mail}                   make a new item of it",
            REJECT,
            DISCARD,
        ),
    ),
    Reason("thread.unsubscribed", "The mail ends the notices that its address stands for.", (), moved=SUCCESS),
    Reason("thread.topic_locked", "The mail answers a topic that is locked.", (RETRY,), sender=True, moved=FAILURE),
    # hooks
    Reason("hook.guard_hold", "A guard script holds this mail for a person.", _HELD),
    Reason("hook.guard_reject", "A guard script refuses this mail.", (RETRY,), sender=True, moved=FAILURE),
    Reason("hook.guard_discard", "A guard script drops this mail.", (RETRY,), moved=FAILURE),
    Reason("hook.activity_errors", "An activity script found mistakes, so the item was not saved.", _HELD),
    Reason(
        "hook.error",
        "A script failed.",
        ("allegra check                                 where it breaks", RETRY, RELEASE),
        admin=True,
    ),
    Reason("hook.timeout", "A script took longer than hooks.timeout.", (RETRY, RELEASE), admin=True),
    Reason("hook.memory", "A script used more memory than hooks.memory.", (RETRY, RELEASE), admin=True),
    Reason(
        "hook.sandbox_missing",
        "Hooks do not work on this machine: a fence is missing, or the self-test failed.",
        ("allegra check                                 which fence is missing", RELEASE),
        admin=True,
    ),
    Reason(
        "hook.attack",
        "A script tried to break out of its sandbox and was switched off.",
        ("Read the scripts named there. They run again once they are changed.", ENABLE, RELEASE),
        admin=True,
    ),
    Reason(
        "hook.disabled",
        "A script is switched off: it failed too often, or a person did it.",
        ("Mend the script, its parameters or the field it wants.", ENABLE, RETRY, RELEASE),
        admin=True,
    ),
    # drafts
    Reason("draft.created", "The mail became an item.", moved=SUCCESS),
    Reason("draft.comment", "The mail became a comment.", moved=SUCCESS),
    Reason("draft.note", "The mail became a note that only staff sees.", moved=SUCCESS),
    Reason(
        "draft.undecided",
        "Nothing decided where this mail goes.",
        (
            "allegra held release {mail} --to WORKSPACE    make an item there",
            "allegra held release {mail} --item N          add it to an item",
            REJECT,
            DISCARD,
        ),
        admin=True,
    ),
    Reason("draft.repeats_notice", "The answer holds a notice that only people inside get.", _HELD),
    Reason(
        "draft.no_permission",
        "The author may not do this in that workspace.",
        ("Give the permission, or set people.no_permission_check.", RETRY),
        sender=True,
        moved=FAILURE,
    ),
    Reason(
        "draft.bad_keyword",
        "A keyword line names no field, or a value that does not exist.",
        (RETRY,),
        sender=True,
        moved=FAILURE,
    ),
    Reason(
        "draft.missing_field",
        "A mandatory field of the item has no value.",
        ("Give the field a default, set it by a rule, or let senders set it (items.allow_override), then", RETRY),
        admin=True,
    ),
    Reason(
        "draft.attachment_refused",
        "An attachment was left out; it is still in the stored mail.",
        (RAW,),
        trace_only=True,
    ),
    # commits and faults
    Reason(
        "commit.database",
        "The database refused what was decided; the mail is tried again.",
        (RETRY,),
        admin=True,
        moved=STAYS,
    ),
    Reason(
        "commit.conflict", "What this mail depends on kept changing; the mail is tried again.", (RETRY,), moved=STAYS
    ),
    Reason(
        PARENT_WAITS,
        "The mail that this one answers is not decided yet; it is waited for, so that both become one item.",
        ("allegra explain MAIL                          why the other one waits", RETRY),
        moved=STAYS,
    ),
    Reason(
        "fault.exception",
        "The engine broke on this mail; it is tried again and then kept.",
        ("allegra explain {mail}                        shows where it broke", RAW, RETRY),
        admin=True,
        moved=FAILURE,
    ),
    Reason(
        "fault.crash",
        "The process died on this mail; it is tried again, alone, and then kept.",
        (RAW, RETRY),
        admin=True,
        moved=FAILURE,
    ),
)

REASONS: Mapping[str, Reason] = {reason.code: reason for reason in _ALL}
