"""The new part of a reply: where it is cut, what is kept, what is never lost."""

# ruff: noqa: E501  (mails and tables)

import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mail.reply import cut
from rules.pattern import compile_pattern

WROTE = "On Mon, Jan 5, 2026 at 10:15 AM Anna Smith <anna@example.com> wrote:"


def body(**changes):
    """A [body] section without any pattern but those given."""
    names = (
        "truncate_lines",
        "introductory_patterns",
        "multiline_delimiter_patterns",
        "delimiter_patterns",
        "cut_patterns",
    )
    patterns = {name: tuple(compile_pattern(text) for text in changes.get(name, ())) for name in names}
    return SimpleNamespace(
        **patterns, signature=compile_pattern(changes.get("signature", "/^-- ?$/m")), cut=changes.get("cut", "builtin")
    )


def test_a_mail_without_quotes_is_new_as_it_is():
    assert cut("Hello,\n\n  indented\n\nAnna\n").new == "Hello,\n\n  indented\n\nAnna"


def test_an_answer_above_the_quote():
    found = cut(f"It works.\n\nBen\n\n{WROTE}\n> Does it work?\n>\n> Anna\n")
    assert found.new == "It works.\n\nBen"
    assert found.quoted.startswith(WROTE)
    assert "attribution" in found.why


def test_an_answer_below_the_quote():
    assert cut(f"{WROTE}\n> Does it work?\n\nIt works.\n\nBen").new == "It works.\n\nBen"


def test_answers_between_the_quotes():
    found = cut(f"Hi Anna,\n\n{WROTE}\n> Does it work?\n\nYes.\n\n> And the other one?\n\nNo.\n\nBen")
    assert found.new == "Hi Anna,\n\nYes.\n\nNo.\n\nBen"
    assert "And the other one?" in found.quoted


def test_text_around_a_quote_with_a_nested_attribution():
    text = f"Hi\n{WROTE}\n\n> Test\n>On 04/19/2011 07:10 AM, Ben wrote:\n>\n>> Old.\n\nRegards, Ben"
    assert cut(text).new == "Hi\n\nRegards, Ben"


def test_an_attribution_behind_text_in_the_same_line():
    assert cut(f"It works. {WROTE}\n> Hi").new == "It works."


def test_a_quoted_line_that_was_wrapped_is_quoted_whole():
    text = f"Yes.\n\n{WROTE}\n> a line of more than sixty characters that some program broke in\ntwo pieces\n> and went on\n"
    assert cut(text).new == "Yes."


def test_a_line_that_only_looks_like_an_attribution_stays():
    for line in (
        "On Monday the printer said:",
        "The customer wrote:",
        "Please run this on the host:",
        "At 10:45 it said:",
    ):
        text = f"{line}\n\nERROR 42\n\nWhat does it mean?"
        assert cut(text).new == text


def test_a_travel_request_is_no_header_block():
    text = "Please book\n\nFrom: Berlin\nTo: Paris\nDate: 3 May\n\nThanks"
    assert cut(text).new == text


def test_a_contact_form_is_kept():
    text = "From: Anna <anna@example.com>\nSubject: Question\n\nMessage:\nHow much is it?"
    assert cut(text).new == text


def test_a_header_block_in_one_line():
    line = "Date: Mon, 5 Jan 2026 02:35:10 +0000 From: anna@example.com To: Ben, Bob Subject: Tell us"
    assert cut(f"Done.\n\n{line}\n\nPlease do.").new == "Done."


def test_a_header_block_with_wrapped_values():
    text = "Done.\n\n  *From:* anna@example.com [mailto:\n  anna@example.com]\n  *Sent:* Monday, January 5, 2026\n" \
           "  *To:* help@example.com\n  *Subject:* Hello\n\nOld."  # fmt: skip
    assert cut(text).new == "Done."


def test_an_answer_below_a_quoted_original_message():
    text = "-----Original Message-----\nFrom: Anna\nSent: Monday, January 5, 2026 10:15\nTo: Ben\nSubject: Hello\n\n" \
           "> Does it work?\n\nIt works."  # fmt: skip
    assert cut(text).new == "It works."


def test_a_forward_is_kept_but_the_signature_above_is_not_text():
    text = "Look.\n\n-- \nBen\n\n---------- Forwarded message ---------\nFrom: Anna <anna@example.com>\n\nBroken."
    found = cut(text)
    assert found.new.startswith("Look.")
    assert found.new.endswith("Broken.")
    assert found.signature.strip() == "-- \nBen"


def test_a_forward_below_an_attribution_is_earlier_mail():
    text = f"Done.\n\n{WROTE}\n\nPlease do.\n\n---------- Forwarded message ---------\nFrom: Carl <carl@example.com>\n\nDo."
    assert cut(text).new == "Done."


def test_the_subject_of_a_forward_keeps_the_outlook_block():
    block = "From: Anna <anna@example.com>\nSent: Monday, January 5, 2026\nTo: Ben\nSubject: Printer\n\nIt is broken."
    text = f"Please look.\n\n{block}"
    assert cut(text, subject="WG: Printer").new == text
    assert cut(text, subject="AW: WG: Printer").new == "Please look."


def test_an_escaped_from_line_is_no_quote():
    text = "Hello\n>From the beginning it was broken.\nBye"
    assert cut(text).new == text


def test_dashes_between_paragraphs_are_text():
    text = "First part.\n\n" + "_" * 80 + "\n\nSecond part.\n\nRegards"
    assert cut(f"{text}\n\n{WROTE}\n> Old.").new == text


def test_a_signature_is_cut():
    found = cut("It works.\n\n-- \nBen\nExample Corp.\n")
    assert (found.new, found.signature) == ("It works.", "-- \nBen\nExample Corp.")


def test_a_signature_below_the_quote_is_cut():
    found = cut(f"It works.\n\n{WROTE}\n> Does it?\n\n-- \nBen\n")
    assert (found.new, found.signature) == ("It works.", "-- \nBen")


def test_dashes_that_separate_much_text_are_no_signature():
    text = "Intro\n--\n" + "\n".join(f"line {number}" for number in range(30))
    assert cut(text).new == text


def test_a_sentence_about_a_phone_is_text():
    text = "Here is another mail.\n\nSent from my desk, is much easier than my mobile phone."
    assert cut(text).new == text


def test_the_footer_of_a_mailing_list_is_signature():
    text = "I agree.\n\n_______________________________________________\nusers mailing list\nusers@example.com\n"
    assert cut(text).new == "I agree."
    assert cut("I agree.\n\nYou received this message because you are subscribed to the group.").new == "I agree."


def test_reply_above_this_line():
    assert (
        cut("Done.\n\n##- Please type your reply above this line -##\n\nYour request has been updated.").new == "Done."
    )


def test_a_cut_that_leaves_nothing_is_no_cut():
    for text in ("> all of it\n> quoted", "-- \nBen", f"{WROTE}\n\nUnmarked old text", "Sent from my iPhone"):
        assert cut(text).new == text.strip()
        assert cut(text).quoted == ""


# ── patterns of the settings ──────────────────────────────────────────────────────────────────────────────────


def test_F099_text_below_a_truncation_line_is_cut_and_the_earliest_wins():
    settings = body(truncate_lines=["--Truncate here--", "=== end ==="])
    found = cut("New.\n\n> > --Truncate here--  \nOld.\n=== end ===\nOlder.", settings)
    assert found.new == "New."
    assert found.quoted.endswith("Older.")
    assert cut("A.\n=== end ===\nB\n--Truncate here--\nC", settings).new == "A."


def test_F099_a_truncation_line_must_stand_alone():
    settings = body(truncate_lines=["--Truncate here--"])
    text = "We write --Truncate here-- into mails.\nMore."
    assert cut(text, settings).new == text


def test_F099_a_wrapped_truncation_line_is_found():
    assert cut("New.\n> Please answer\n> above\nOld", body(truncate_lines=["Please answer above"])).new == "New."


def test_F100_truncation_by_regular_expression():
    settings = body(truncate_lines=["/^-{3,} ?Reply above this line/i"])
    assert cut("New.\n--- REPLY ABOVE THIS LINE (123) ---\nOld", settings).new == "New."


def test_F101_the_multi_line_pattern_nearest_the_beginning_wins():
    settings = body(
        multiline_delimiter_patterns=[r"/\RFrom: .+\RSent: .+\R/m", r"/\R_+\R/m", r"/\RDe : .+\R\R?Envoyé : /m"]
    )
    assert cut("New.\n____\nOld.\nFrom: x\nSent: y\nOlder", settings).new == "New."
    assert cut("New.\nDe : x\n\nEnvoyé : y\nOld", settings).new == "New."
    assert cut("New.\r\nFrom: x\r\nSent: y\r\nOld", settings).new == "New."


def test_F102_delimiter_lines_go_with_the_introductory_line_above():
    settings = body(
        introductory_patterns=["/^le .+ a écrit :$/i", "/^Ben meinte dazu$/"], delimiter_patterns=["/^\\|.*$/"]
    )
    found = cut("Neu.\nBen meinte dazu\n| Alt.\n| Älter.\nAuch neu.", settings)
    assert found.new == "Neu.\nAuch neu."


def test_F102_a_line_starting_with_a_mark_goes():
    assert cut("New.\n> Old.\nMore.", body(delimiter_patterns=["/^>.*$/"])).new == "New.\nMore."


def test_cut_patterns_take_text_out():
    settings = body(cut_patterns=["/This mail may be confidential.{0,200}?thank you\\./is"])
    found = cut("New.\n\nThis mail may be confidential\nand so on, THANK YOU.\n\nMore.", settings)
    assert found.new.split() == ["New.", "More."]
    assert "confidential" in found.quoted


def test_a_signature_pattern_of_the_settings():
    found = cut("New.\n\n*~*\nBen", body(signature=r"/^\*~\*$/m"))
    assert (found.new, found.signature) == ("New.", "*~*\nBen")


# ── laws ──────────────────────────────────────────────────────────────────────────────────────────────────────

PIECES = st.sampled_from(
    ["text", "", "> quote", ">> deep", WROTE, "wrote:", "<a@example.com> wrote:", "-- ", "--", "_" * 20, "Sent from my iPhone",
     "From: a@example.com", "Sent: Monday, 5 January 2026", "To: b@example.com", "Subject: x", "-----Original Message-----",
     "---------- Forwarded message ---------", ":", "On 5", "to unsubscribe", "It works. On Mon, Jan 5, 2026 Anna wrote:"]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=20), max_size=25), st.booleans())
def test_nothing_is_lost(lines, html):
    text = "\n".join(lines)
    found = cut(text, html=html)
    letters = sorted("".join("".join((found.new, found.quoted, found.signature)).split()))
    assert letters == sorted("".join(text.split()))


@given(st.lists(PIECES, max_size=15))
def test_a_cut_text_that_is_cut_again_never_grows(lines):
    first = cut("\n".join(lines))
    assert len(cut(first.new).new) <= len(first.new)


@pytest.mark.parametrize(
    "line",
    ["> a quoted line of some length that goes on\n", ":\n", "a:\n", "From: a@b.example\n", "--\n", "wrote:\n", "x>\n>\n",
     "Sent from my iPhone\n", "____\n", "<a@b.example>\nwrote:\n", "---- original\n", "\n", ">", "» a\n", "＞a\n",
     "On Mon, 5\n", "Outlook for iOS <https://a.example>\n"],
)  # fmt: skip
def test_a_megabyte_takes_linear_time(line):
    small, big = line * (100_000 // len(line)), line * (1_000_000 // len(line))
    start = time.process_time()
    cut("new\n" + small)
    middle = time.process_time()
    cut("new\n" + big)
    took = time.process_time() - middle
    assert took < max(40 * (middle - start), 1.0)


def test_a_mail_that_apple_mail_forwards_behind_quote_marks_is_kept():
    text = "Look at this.\n\n> Begin forwarded message:\n>\n> From: Anna <anna@example.com>\n> Subject: Printer\n>\n> It is broken."
    assert cut(text, subject="Fwd: Printer").new == text
    assert cut(text, subject="Re: Printer").new == "Look at this."


def test_a_bare_quote_mark_in_a_forwarded_mail_is_read_F104():
    text = "See below.\n\n> Anna wrote this.\n>\n> And this."
    assert cut(text, subject="Fwd: Printer").new == "See below."


# ── the brothers of an attribution ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "quotation",
    [
        "At 10.01 am Wednesday, Desk Community wrote:\n> text\n> text\n",
        "On Mon, November 26, 2026 10:54 pm, Desk Community wrote:\n> text\n",
        "» On Nov 26, 2026, at 10:54 PM, Desk <help@example.com> wrote:\n»\n» text\n» text\n",
        "On Nov 26, 2026, at 10:54 PM, Desk <help@example.com> wrote:\n\n» text\n» text\n",
        "› Am 26.11.2026 um 22:54 schrieb Desk <help@example.com>:\n›\n› text\n",
        "2026/11/26 22:54、山田花子 <hanako@example.com>のメール:\n\n＞こんにちは\n＞よろしく\n",
    ],
)
def test_the_shapes_of_quotations_in_the_field_are_cut(quotation):
    for answer in ("Great.", "Great.\n\nBen"):
        found = cut(f"{answer}\n\n{quotation}")
        assert found.new == answer
        assert found.quoted.split() == quotation.split()


def test_an_answer_below_other_quote_marks_is_kept():
    text = "» On Nov 26, 2026, at 10:54 PM, Desk <help@example.com> wrote:\n»\n» Does it work?\n\nIt works."
    assert cut(text).new == "It works."


@pytest.mark.parametrize(
    "text",
    [
        "What we need:\n\n» two chairs\n» a desk\n\nThanks",
        "»So geht es nicht«, sagte er.\n»Doch«, sagte sie.",
        "Il a dit « tout va\n» bien » hier.",
        "» one line only",
    ],
)
def test_guillemets_of_the_sender_are_text(text):
    assert cut(text).new == text


# ── cut = "own" and "off" ─────────────────────────────────────────────────────────────────────────────────────

MAIL = f"It works.\n\nSent from my iPhone\n\n{WROTE}\n> Does it work?\n\nBen\n\n-- \nBen Smith"


def test_with_cut_off_nothing_is_cut():
    settings = body(
        cut="off", cut_patterns=["/Ben Smith/"], truncate_lines=["It works."], delimiter_patterns=["/^>.*$/"]
    )
    assert cut(MAIL, settings).new == MAIL
    assert (cut(MAIL, settings).quoted, cut(MAIL, settings).signature) == ("", "")


def test_with_cut_own_only_the_patterns_of_the_settings_cut():
    assert cut(MAIL, body(cut="own", signature="")).new == MAIL
    settings = body(
        cut="own", signature="", delimiter_patterns=["/^>.*$/"], introductory_patterns=["/^on .+ wrote:$/i"]
    )
    assert cut(MAIL, settings).new == "It works.\n\nSent from my iPhone\n\nBen\n\n-- \nBen Smith"
    assert cut(MAIL, body(cut="own")).signature == "-- \nBen Smith"
    assert (
        cut(f"Yes.\n\n--Truncate here--\n{MAIL}", body(cut="own", truncate_lines=["--Truncate here--"])).new == "Yes."
    )


# ── laws ──────────────────────────────────────────────────────────────────────────────────────────────────────

SENTENCES = st.lists(
    st.sampled_from(
        ["on", "Monday", "wrote", "Jane", "Le", "service", "5", "2026", "10:15", "schrieb", "mail", "«", "ok"]
    ),
    min_size=1,
    max_size=8,
).map(lambda words: " ".join(words) + ".")


@given(st.lists(SENTENCES | st.just(""), max_size=20))
def test_text_without_a_quotation_is_never_cut(sentences):
    text = "\n".join(sentences)
    assert cut(text).new == text.strip()
    assert cut(text).quoted == ""


@given(st.lists(SENTENCES | st.just(""), max_size=6), st.lists(SENTENCES, min_size=1, max_size=6))
def test_cutting_is_idempotent(own, earlier):
    text = "\n".join(["Hello.", *own, "", WROTE, *(f"> {line}" for line in earlier)])
    found = cut(text)
    assert found.new == "\n".join(["Hello.", *own]).strip()
    assert cut(found.new).new == found.new
