"""A reply from the mailbox to what staff sees: the text and the HTML hold what the sender wrote, the rest is folded."""

from email.message import EmailMessage
from typing import Any

WROTE = "On Mon, Jan 5, 2026 at 10:15 AM Help desk <help@example.com> wrote:"
TEXT = f"It works now.\n\nSent from my iPhone\n\n{WROTE}\n\n> Does it work?\n"
HTML = (
    '<html><body><div dir="ltr">It <b>works</b> now.<br><br>Sent from my iPhone<br></div><br><div class="gmail_quote">'
    '<div class="gmail_attr">On Mon, Jan 5, 2026 at 10:15 AM Help desk &lt;<a href="mailto:help@example.com">'
    "help@example.com</a>&gt; wrote:<br></div><blockquote>Does it work?</blockquote></div></body></html>"
)


def reply(text: str = TEXT, html: str = HTML) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "anna@example.com", "help@example.com", "Re: Printer"
    message["Message-ID"] = f"<{len(text)}.{len(html)}@x.example>"
    message.set_content(text or html, subtype="plain" if text else "html")
    if text and html:
        message.add_alternative(html, subtype="html")
    return message.as_bytes()


def test_F103_the_html_of_a_reply_is_shown_without_the_quotation(desk: Any) -> None:
    desk.mail(raw=reply())
    desk.mail(raw=reply(text=""))
    desk.run()
    for number in (1, 2):
        item = desk.item(number)
        assert item["text"] == "It works now."
        assert "Does it work?" in item["quoted"] and "iPhone" in item["quoted"]
        assert item["html"].replace("\n", "").startswith("<div") and "<b>works</b>" in item["html"]
        shown = desk.allegra("item", "show", str(number), "--html").stdout
        for page in (item["html"], shown):
            assert "Does it work?" not in page and "help@example.com" not in page and "iPhone" not in page


def test_the_cutter_that_is_switched_off_leaves_text_and_html_as_they_are(desk: Any) -> None:
    desk.configure(more='[body]\ncut = "off"\n')
    desk.mail(raw=reply())
    desk.run()
    item = desk.item(1)
    assert item["text"] == TEXT.strip() and item["quoted"] == ""
    assert "Does it work?" in item["html"]


def test_a_word_for_the_cutter_that_there_is_not_is_an_error(desk: Any) -> None:
    desk.configure(more='[body]\ncut = "none"\n')
    told = desk.allegra("check")
    assert told.exit_code != 0
    assert "cut" in told.stdout + told.stderr and "builtin" in told.stdout + told.stderr
