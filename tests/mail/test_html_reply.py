"""The HTML of a reply is cut where its text is: as the mail programs write it, and however else."""

# ruff: noqa: E501  (mails)

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.config.content import Body
from engine.mail.html import sanitise, to_text
from engine.mail.html_reply import left_out
from engine.mail.parts import without
from engine.mail.render import VOID
from engine.mail.reply import cut
from engine.model.facts import Cut
from rules.pattern import compile_pattern

BODY = Body()

PROGRAMS = {
    "gmail": '<div dir="ltr">It <b>works</b> now.<div><br></div><div>Ben</div></div><br><div class="gmail_quote gmail_quote_container">'
    '<div dir="ltr" class="gmail_attr">On Mon, Jan 5, 2026 at 10:15 AM Anna &lt;<a href="mailto:anna@example.com">anna@example.com</a>&gt; wrote:<br></div>'
    '<blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex"><div>OLD words</div><img src="cid:old"></blockquote></div>\n',
    "gmail in a language of its own": '<div dir="ltr">It <b>works</b> now.<div><br></div><div>Ben</div></div><br><div class="gmail_quote">'
    '<div dir="ltr" class="gmail_attr">Ar an Luan OLD scríobh Anna:<br></div>'
    '<blockquote class="gmail_quote"><div>OLD words</div></blockquote></div>',
    "apple": '<html><head></head><body style="word-wrap: break-word;">It <b>works</b> now.<div><br></div><div>Ben<br id="lineBreakAtBeginningOfMessage"><div><br>'
    '<blockquote type="cite"><div>On 5 Jan 2026, at 10:15, Anna &lt;anna@example.com&gt; wrote:</div><br class="Apple-interchange-newline">'
    "<div><div>OLD words</div></div></blockquote></div><br></div></body></html>",
    "outlook": '<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style><!-- p.MsoNormal {margin:0cm;} --></style></head><body lang="EN-GB"><div class="WordSection1">'
    '<p class="MsoNormal">It <b>works</b> now.<o:p></o:p></p><p class="MsoNormal"><o:p>&nbsp;</o:p></p><p class="MsoNormal">Ben<o:p></o:p></p>'
    '<div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal"><b>From:</b> Anna &lt;anna@example.com&gt; <br>'
    "<b>Sent:</b> Monday, January 5, 2026 10:15 AM<br><b>To:</b> help@example.com<br><b>Subject:</b> Printer<o:p></o:p></p></div></div>"
    '<p class="MsoNormal">OLD words<o:p></o:p></p></div></body></html>',
    "outlook in a language of its own": '<body><div class="WordSection1"><p>It <b>works</b> now.</p><p>Ben</p>'
    '<div><div style="border:none;border-top:solid #B5C4DF 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p><b>Ó:</b> Anna OLD<br><b>Seolta:</b> 5 Eanáir 2026<br></p></div></div>'
    "<p>OLD words</p></div></body>",
    "outlook on the web": '<body><div style="font-family:Aptos">It <b>works</b> now.</div><div><br></div><div>Ben</div><div id="appendonsend"></div>'
    '<hr style="display:inline-block;width:98%"><div id="divRplyFwdMsg" dir="ltr"><font face="Calibri"><b>Von:</b> Anna &lt;anna@example.com&gt;<br><b>Gesendet:</b> Montag, 5. Januar 2026<br>'
    "<b>An:</b> help@example.com<br><b>Betreff:</b> Drucker</font><div>&nbsp;</div></div><div>OLD words</div></body>",
    "yahoo": '<html><body><div class="ydp1yahoo-style-wrap"><div dir="ltr">It <b>works</b> now.</div><div><br></div><div>Ben</div></div>'
    '<div id="yahoo_quoted_1" class="yahoo_quoted"><div style="color:#26282a"><div>On Monday, January 5, 2026, 10:15:00 AM GMT+1, Anna &lt;anna@example.com&gt; wrote: </div>'
    "<div><br></div><div><div>OLD words</div></div></div></div></body></html>",
    "thunderbird": '<html><body><p>It <b>works</b> now.</p><p>Ben</p><div class="moz-cite-prefix">On 05/01/2026 10:15, Anna wrote:<br></div>'
    '<blockquote type="cite" cite="mid:a@example.com"><p>OLD words</p></blockquote></body></html>',
    "protonmail": '<div style="font-family: Arial">It <b>works</b> now.<br></div><div><br></div><div>Ben</div><div class="protonmail_quote">'
    'On Monday, January 5th, 2026 at 10:15 AM, Anna &lt;anna@example.com&gt; wrote:<br><blockquote class="protonmail_quote" type="cite">OLD words</blockquote><br></div>',
    "gmx": '<html><body><div style="font-family: Verdana"><div>It <b>works</b> now.</div><div>&nbsp;</div><div>Ben</div>'
    '<div name="quote" style="margin:10px 5px 5px 10px; border-left:2px solid #C3D9E5;"><div style="margin:0 0 10px 0;"><b>Gesendet:</b>&nbsp;Montag, 05. Januar 2026 um 10:15 Uhr<br/>'
    "<b>Von:</b>&nbsp;Anna &lt;anna@example.com&gt;<br/><b>An:</b>&nbsp;help@example.com<br/><b>Betreff:</b>&nbsp;Drucker</div><div>OLD words</div></div></div></body></html>",
    "k-9": '<!DOCTYPE html><html><body>It <b>works</b> now.<br><br>Ben<br><br><div class="gmail_quote"><div dir="auto">Am 5. Januar 2026 10:15:00 MEZ schrieb Anna &lt;anna@example.com&gt;:</div>'
    '<blockquote class="gmail_quote"><pre dir="auto" class="k9mail">OLD words<br></pre></blockquote></div></body></html>',
    "samsung": '<html><body>It <b>works</b> now.<div><br></div><div>Ben</div><div id="composer_signature"><div>Sent from my Galaxy</div></div>'
    "<div><br></div><div><div>-------- Original message --------</div><div>From: Anna &lt;anna@example.com&gt; </div><div>Date: 05/01/2026  10:15  (GMT+01:00) </div>"
    "<div>To: help@example.com </div><div>Subject: Printer </div><div><br></div></div>OLD words</body></html>",
    "zoho": '<div>It <b>works</b> now.</div><div><br></div><div>Ben</div><div class="zmail_extra"><div id="Zm-_Id_-Sgn1">---- On Mon, 05 Jan 2026 10:15:00 +0100 <b>Anna &lt;anna@example.com&gt;</b> wrote ---</div>'
    "<blockquote>OLD words</blockquote></div>",
    "hotmail": "<html><head><style><!-- .hmmessage P {margin:0px;} --></style></head><body class='hmmessage'><div dir='ltr'>It <b>works</b> now.<div><br></div><div>Ben<br><br><div>"
    '<hr id="stopSpelling">Date: Mon, 5 Jan 2026 10:15:45 +0100<br>Subject: Printer<br>From: anna@example.com<br>To: help@example.com<br><br><div>OLD words</div></div></div> </div></body></html>',
    "mail.ru": "<HTML><BODY><p>It <b>works</b> now.</p><p>Ben</p><br><br>Thu, 5 Jan 2026 10:15:51 +0300 от Anna &lt;anna@example.com&gt;:<br>\n"
    '<blockquote style="border-left:1px solid #0857A6; margin:10px;"><div id=""><base target="_self" href="https://mail.example/"><div>OLD words</div></div></blockquote><br></BODY></HTML>',
    "windows mail": '<html><body dir="ltr"><div><div>It <b>works</b> now.</div><div><br></div><div>Ben<br></div><div data-signatureblock="true"><div><br></div></div>'
    '<div style="padding-top: 5px; border-top-width: 1px; border-top-style: solid;"><div><b>От:</b>&nbsp;<a href="mailto:anna@example.com">Anna</a><br><b>Отправлено:</b>&nbsp;понедельник, 5 января 2026 г. 10:15<br>'
    '<b>Кому:</b>&nbsp;<a href="mailto:help@example.com">Help</a></div></div><div><br></div><div>OLD words</div></div></body></html>',
    "zimbra": "<html><body><div style='font-family: Arial'>It <b>works</b> now.<br><br>Ben<br><br><hr id=\"zwchr\"><b>From: </b>anna@example.com<br><b>To: </b>help@example.com<br>"
    "<b>Sent: </b>Monday, January 5, 2026 10:15:22 AM<br><b>Subject: </b>Printer<br><br>OLD words<br></div></body></html>",
    "aol": "<font color='black'>It <b>works</b> now.<br><br>Ben<br>\n<br>\n<div>-----Original Message-----<br>\nFrom: Anna &lt;anna@example.com&gt;<br>\nTo: help &lt;help@example.com&gt;<br>\n"
    'Sent: Mon, Jan 5, 2026 10:15 am<br>\nSubject: Printer<br>\n<br>\n<div id="AOLMsgPart_0"><pre><tt>OLD words\n</tt></pre></div><!-- end of AOLMsgPart_0 --></div></font>',
    "sparrow": '<div><span>It <b>works</b> now.<br>Ben</span></div><div><div><br></div><div>--&nbsp;</div><div>OLD Ltd</div><div>Sent with <a href="http://sparrow.example/?sig">Sparrow</a></div></div>'
    '<p style="color: #A0A0A8;">On Tuesday, January 5, 2026 at 4:55 PM, Anna wrote:</p><blockquote type="cite"><span><div>OLD words</div></span></blockquote><div><br></div>',
    "a program nobody knows": "<p>It <b>works</b> now.</p><p>Ben</p><p>On Mon, Jan 5, 2026 at 10:15 AM Anna &lt;anna@example.com&gt; wrote:</p><table><tr><td>OLD words</td></tr></table>",
    "plain text in HTML": "<pre>It works now.\n\nBen\n\nOn Mon, Jan 5, 2026 at 10:15 AM Anna &lt;anna@example.com&gt; wrote:\n&gt; OLD words\n</pre>",
}


def balance(page: str) -> list[str]:
    """The tags that are left open or closed too often."""
    odd: list[str] = []
    stack: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in VOID:
                stack.append(tag)

        def handle_endtag(self, tag):
            if tag in VOID:
                return
            if stack and stack[-1] == tag:
                stack.pop()
            else:
                odd.append(tag)

    Reader().feed(page)
    return [*odd, *stack]


def shown(page, said, settings=BODY, subject="Re: Printer", signature=""):
    spans = left_out(page, settings, Cut(said, "OLD", signature), subject)
    return None if spans is None else without(page, spans)


@pytest.mark.parametrize("page", PROGRAMS.values(), ids=PROGRAMS)
def test_F103_the_quotation_of_a_mail_program_goes_and_the_rest_stays(page):
    left = shown(page, "It works now.\n\nBen")
    assert left is not None
    assert "OLD" not in left and "anna@" not in left and "cid:old" not in left
    assert to_text(left).split() == ["It", "works", "now.", "Ben"]
    assert "<b>" in left or "<b>" not in page or "<pre>" in page
    assert balance(left) == [] or balance(page)


@pytest.mark.parametrize("page", PROGRAMS.values(), ids=PROGRAMS)
def test_F103_a_mail_without_a_plain_twin_is_cut_in_both_to_the_same(page):
    said = cut(to_text(page), BODY, True).new
    left = shown(page, said)
    assert left is not None
    assert to_text(left).split()[:4] == ["It", "works", "now.", "Ben"]


def test_answers_between_quotations_stay():
    page = (
        '<div dir="ltr">Hi Anna,</div><div class="gmail_quote"><div class="gmail_attr">On Mon, Jan 5, 2026 at 10:15 AM Anna &lt;anna@example.com&gt; wrote:</div>'
        '<blockquote class="gmail_quote"><div>OLD one</div></blockquote><div>Yes, <i>really</i>.</div><blockquote class="gmail_quote"><div>OLD two</div></blockquote><div>No.</div></div>'
    )
    left = shown(page, "Hi Anna,\n\nYes, really.\n\nNo.")
    assert left is not None
    assert to_text(left).split() == ["Hi", "Anna,", "Yes,", "really.", "No."]
    assert "<i>really</i>" in left and balance(left) == []


def test_an_answer_below_the_quotation_stays():
    page = "<html><head><title>x</title></head><body><div>On Mon, Jan 5, 2026 at 10:15 AM Anna &lt;anna@example.com&gt; wrote:<blockquote><p>OLD</p></blockquote></div><p>It works.</p></body></html>"
    left = shown(page, "It works.")
    assert left is not None
    assert to_text(left) == "It works."
    assert balance(left) == []


def test_pictures_go_with_the_quotation_and_those_of_the_sender_stay():
    page = (
        '<p>See:</p><p><img src="cid:mine"></p><div>On Mon, Jan 5, 2026 at 10:15 AM Anna &lt;anna@example.com&gt; wrote:</div>'
        '<blockquote type="cite"><img src="cid:theirs"><p>OLD</p><img src="cid:logo"></blockquote>'
    )
    left = shown(page, "See:")
    assert left is not None
    assert re.findall(r"cid:\w+", sanitise(left)) == ["cid:mine"]


def test_a_signature_goes_from_the_page_as_it_goes_from_the_text():
    left = shown("<p>It works.</p><p>-- <br>Ben Smith<br>Example Ltd</p>", "It works.")
    assert left is not None
    assert to_text(left) == "It works."


def test_where_the_page_does_not_say_what_the_text_says_there_is_no_cut():
    assert shown("<p>Something else.</p><blockquote>OLD</blockquote>", "It works now.") is None
    quoted = "OLD words that nobody marked as such " * 20
    assert shown(f"<p>It works.</p><p>{quoted}</p>", "It works.") is None


QUOTED = "<blockquote type=cite>OLD</blockquote>"


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("<p>A <b>bold</b>, an <i>italic</i> and an <u>underlined</u> word.</p>", "A *bold*, an /italic/ and an _underlined_ word."),
        ("<ol><li>one</li><li>two</li></ol><ul><li>three</li></ul>", "1. one\n 2. two\n\n  * three"),
        ('<p>See <a href="https://example.com/a?b=1">the page</a>.</p>', "See the page <https://example.com/a?b=1>."),
        ('<p>Write to <a href="mailto:anna@example.com">anna@example.com</a></p>', "Write to anna@example.com<mailto:anna@example.com>"),
        ('<p>Here:</p><img src="cid:image001.png@01DA"><p>Bye</p>', "Here:\n\n[cid:image001.png@01DA]\n\nBye"),
        ('<p>Here:</p><img alt="image.png" src="cid:1"><p>Bye</p>', "Here:\n\n[image: image.png]\n\nBye"),
        ("<table><tr><td>Width</td><td>10 cm</td></tr><tr><td>Height</td><td>20 cm</td></tr></table>", "Width\n10 cm\nHeight\n20 cm"),
        ("<p>soft\u00adhyphen and zero\u200bwidth &amp; caf&eacute;</p>", "softhyphen and zero\u200bwidth & café"),
        ("<p>Grüße</p>", "GRÜSSE"),
    ],
)  # fmt: skip
def test_what_the_two_parts_write_differently_is_the_same(page, said):
    left = shown(page + QUOTED, said)
    assert left == page


def test_a_signature_that_nothing_marks_in_the_page_may_stay():
    signature = " ".join(f"word{number}" for number in range(60))
    page = f"<p>It works.</p><p>{signature}</p>"
    assert shown(page + QUOTED, "It works.", signature=signature) == page


def test_a_page_that_never_quoted_stays_whole():
    assert left_out("<p>It works.</p>", BODY, Cut("It works."), "Re: x") == ()


def test_a_page_of_nothing_but_loose_ends_is_not_cut_to_pieces():
    assert shown("<p>It works.</p>" + "<blockquote>OLD</blockquote></div>" * 2_000, "It works.") is None


def test_a_cut_that_would_leave_no_page_is_none():
    assert shown("<blockquote>OLD https://example.com/a</blockquote>", "https://example.com/a") is None


def test_patterns_of_the_settings_cut_the_page_too():
    page = "<p>Done.</p><p>CONFIDENTIAL do not read</p><p>Ben</p><p>--Truncate here--</p><p>OLD</p>"
    settings = Body(cut_patterns=(compile_pattern("/^CONFIDENTIAL.*$/m"),))
    left = shown(page, "Done.\n\nBen", settings)
    assert left is not None
    assert to_text(left).split() == ["Done.", "Ben"]


def test_with_cut_own_only_the_settings_cut_the_page():
    page = '<p>It works.</p><div class="moz-cite-prefix">Anna, on Monday:</div><div class="history">OLD</div>'
    settings = Body(cut="own", html_tags_to_remove=("div.history",))
    left = shown(page, "It works.", settings)
    assert left is not None
    assert to_text(left).split() == ["It", "works.", "Anna,", "on", "Monday:"]


WORDS = st.lists(
    st.sampled_from(["It", "works", "&lt;now&gt;", "Ben", "<b>bold</b>", "<br>", "<i>", "</i>", "<p>", "</div>", "x"]),
    max_size=12,
).map(" ".join)
QUOTE = "<div>On Mon, Jan 5, 2026 at 10:15 AM Anna &lt;anna@example.com&gt; wrote:</div><blockquote type=cite><p>OLD {}</p></blockquote>"


@given(WORDS, WORDS, WORDS)
@example("<b>bold</b> <i>", "", "</i> <b>bold</b>")
def test_own_words_stay_and_the_page_is_as_well_formed_as_before(above, earlier, below):
    """Where an element that opens before the quotation ends behind it, both go, and words may stand together."""
    page = f"<body><p>Hello</p>{above}{QUOTE.format(earlier)}<p>{below}</p></body>"
    said = cut(to_text(page), BODY, True).new
    left = shown(page, said)
    if left is not None:
        kept = [word for word in re.findall(r"\w+", to_text(left)) if word != "OLD"]
        assert "".join(re.findall(r"\w+", said)) == "".join(kept)
        assert len(balance(left)) <= len(balance(page))


@pytest.mark.parametrize(
    "piece",
    ["<p>words</p>", "<div>", "</div>", "<blockquote>x", "<b>x</b>", "<div class=gmail_attr>On 5 Jan 2026 10:15 Anna wrote:</div>", "<pre>\n> x\n", "<", "<img src=cid:x>", "<p><i>a</p></i>"],
)  # fmt: skip
def test_a_page_takes_linear_time(piece):
    def took(count):
        page = "<p>It works.</p><blockquote>OLD</blockquote>" + piece * count
        start = time.process_time()
        left_out(page, BODY, Cut("It works."))
        return time.process_time() - start

    small = took(2_000)
    assert took(20_000) < max(40 * small, 2.0)
