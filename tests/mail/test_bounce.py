"""Bounces: reports in every form are known and read, mail of people about bounces is none."""

# ruff: noqa: E501  (mails and tables)

import pytest
from builders import mail, raw

from engine.mail.auto import bounce, classify
from engine.mail.parse import parse
from engine.model.facts import Auto

DSN = """\
Return-Path: <>
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: help@example.com
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

This is the mail system at host mx.example.net.

<gone@example.net>: host mx.example.net said: 550 5.1.1 unknown user

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Original-Recipient: rfc822;gone@example.net
Final-Recipient: rfc822; gone.for.good@example.net
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <gone@example.net>: Recipient address rejected:
    unknown user

Final-Recipient: rfc822; full@example.net
Action: delayed
Status: 4.2.2 (mailbox full)

--b
Content-Type: message/rfc822

From: help@example.com
To: gone@example.net
Message-ID: <our-mail@example.com>
Subject: Hello

Hello
--b--
"""


def read(text: str, **arrangement):
    return parse(raw(text, **arrangement))


def test_F039_a_delivery_status_is_read():
    found = bounce(read(DSN))
    assert found is not None
    first, second = found.recipients
    assert (first.address, first.action, first.status) == ("gone@example.net", "failed", "5.1.1")
    assert first.diagnostic.endswith("Recipient address rejected: unknown user")
    assert (second.address, second.action, second.status) == ("full@example.net", "delayed", "4.2.2")
    assert found.original_message_id == "<our-mail@example.com>"
    assert classify(read(DSN)).kind is Auto.BOUNCE


def test_F039_the_header_of_the_returned_mail_is_enough():
    text = DSN.replace("Content-Type: message/rfc822\n", "Content-Type: text/rfc822-headers\n")
    found = bounce(read(text))
    assert found is not None
    assert found.original_message_id == "<our-mail@example.com>"


TOLD = {
    "qmail": ("From: MAILER-DAEMON@mail.example.net", "failure notice",
              "Hi. This is the qmail-send program at mail.example.net.\nI'm afraid I wasn't able to deliver your message\n\n"
              "<gone@example.net>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 no mailbox\n\n"
              "--- Below this line is a copy of the message.\n\nReturn-Path: <help@example.com>\n"
              "Message-ID: <our-mail@example.com>\nFrom: help@example.com\nTo: other@example.org\n"),
    "exim": ("From: Mail Delivery System <Mailer-Daemon@mail.example.net>\nX-Failed-Recipients: gone@example.net",
             "Mail delivery failed: returning message to sender",
             "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
             "delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
             "  gone@example.net\n    SMTP error from remote mail server after RCPT TO:<gone@example.net>:\n"
             "    550 5.1.1 user unknown\n\n------ This is a copy of the message, including all the headers. ------\n\n"
             "Message-ID: <our-mail@example.com>\nTo: other@example.org\n"),
    "sendmail": ("From: Mail Delivery Subsystem <MAILER-DAEMON@mail.example.net>", "Returned mail: see transcript for details",
                 "   ----- The following addresses had permanent fatal errors -----\n<gone@example.net>\n"
                 "    (reason: 550 5.1.1 User unknown)\n\n   ----- Transcript of session follows -----\n"
                 "... while talking to mx.example.net.:\n>>> DATA\n<<< 550 5.1.1 User unknown\n"),
    "postfix without parts": ("From: MAILER-DAEMON@mx.example.net (Mail Delivery System)\nReturn-Path: <>",
                              "Undelivered Mail Returned to Sender",
                              "This is the mail system at host mx.example.net.\n\n<gone@example.net>: unknown user: 550 5.1.1\n"),
    "gmail": ("From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\nReturn-Path: <>",
              "Delivery Status Notification (Failure)",
              "Delivery to the following recipient failed permanently:\n\n     gone@example.net\n\nTechnical details of "
              "permanent failure:\nGoogle tried to deliver your message. The error was: 550 5.1.1 no such user\n"),
    "exchange": ("From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.net>",
                 "Undeliverable: Printer",
                 "Delivery has failed to these recipients or groups:\n\ngone@example.net\nThe email address you entered "
                 "couldn't be found.\n\nDiagnostic information for administrators:\n\nGenerating server: mx.example.net\n\n"
                 "gone@example.net\nRemote Server returned '550 5.1.1 RESOLVER.ADR.RecipNotFound; not found'\n"),
    "german exchange": ("From: postmaster@example.net\nReturn-Path: <>", "Unzustellbar: Drucker",
                        "Ihre Nachricht hat einige oder alle Empfänger nicht erreicht.\n\ngone@example.net am 20.11.2026\n"
                        "    Die E-Mail-Adresse wurde nicht gefunden. 550 5.1.1\n"),
    "lotus": ("From: Postmaster@notes.example.net\nReturn-Path: <>", "DELIVERY FAILURE: User not listed in public Name Book",
              "Your message\n\n  Subject: Hello\n\nwas not delivered to:\n\n  gone@example.net\n\nbecause:\n\n"
              "  550 5.1.1 User gone not listed in public Name & Address Book\n"),
    "mimecast": ("From: postmaster@mimecast.example\nAuto-Submitted: auto-generated", "[Postmaster] Email Delivery Failure",
                 "The message you sent to gone@example.net was rejected. 550 5.1.1 Invalid Recipient\n"),
    "mdaemon": ("From: MDaemon@example.net", "Permanent Delivery Failure",
                "The attached message had PERMANENT fatal delivery errors!\n\nFailed address: gone@example.net\n\n"
                "550 5.1.1 unknown user\n"),
    "french": ("From: postmaster@example.net\nReturn-Path: <>", "Non remis : Imprimante",
               "Échec de la remise aux destinataires suivants :\n\ngone@example.net\n550 5.1.1 utilisateur inconnu\n"),
    "japanese": ("From: MAILER-DAEMON@example.net\nReturn-Path: <>", "配信不能",
                 "次の宛先へ配信できませんでした。\n\n<gone@example.net>: 550 5.1.1 unknown\n"),
    "without originator": ("From: ", "Undeliverable: Printer",
                           "Delivery to the following recipients failed.\n\n       gone@example.net\n 550 5.1.1\n"),
    "by another name": ("From: smtp-service@example.net", "Mail delivery failed: returning message to sender",
                        "This message was created automatically by mail delivery software.\n\n  gone@example.net\n"
                        "    550 5.1.1 unknown user\n"),
    "null path": ("From: support@example.net\nReturn-Path: <>", "Problem",
                  "Your message to <gone@example.net> could not be delivered: 550 5.1.1 no such user\n"),
}  # fmt: skip


@pytest.mark.parametrize("server", TOLD)
def test_F039_bounces_that_follow_no_standard(server):
    header, subject, text = TOLD[server]
    received = read(
        f"{header}\nTo: help@example.com\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n{text}"
    )
    found = bounce(received)
    assert classify(received).kind is Auto.BOUNCE
    assert found is not None
    assert [one.address for one in found.recipients] == ["gone@example.net"]
    assert found.recipients[0].status == "5.1.1"
    if "our-mail" in text:
        assert found.original_message_id == "<our-mail@example.com>"


def test_the_envelope_tells_the_null_path():
    received = mail(subject="Undeliverable: Printer", text="550 5.1.1 unknown", reverse_path="")
    assert classify(received).kind is Auto.BOUNCE


def test_a_status_without_enhanced_code_is_made_from_the_smtp_code():
    received = mail(
        subject="failure notice", sender="MAILER-DAEMON@example.net", text="<gone@example.net>:\n552 too big"
    )
    found = bounce(received)
    assert found is not None
    assert found.recipients[0].status == "5.0.0"


HUMAN = {
    "about a bounce": {"subject": "Undeliverable mails from your server", "text": "We get 550 5.1.1 for gone@example.net, why?"},
    "answer to a bounce": {"subject": "Re: Undelivered Mail Returned to Sender", "text": "Strange.\n\n> 550 5.1.1 unknown user"},
    "forward": {"subject": "Fwd: Mail delivery failed: returning message to sender",
                "text": "See below.\n\nThis message was created automatically by mail delivery software.\n550 5.1.1"},
    "postmaster who writes": {"sender": "Postmaster <postmaster@example.net>", "subject": "Re: your blocked mails",
                              "text": "Hi, we have fixed the 550 error.", "headers": [("In-Reply-To", "<x@example.com>")]},
    "postmaster with news": {"sender": "postmaster@example.net", "subject": "New server", "text": "We move on Monday."},
    "vacation with a null path": {"subject": "I am away", "text": "Back on Monday.", "headers": [("Return-Path", "<>")]},
    "delivery of a parcel": {"sender": "Shop <news@shop.example>", "subject": "Delivery failed",
                             "text": "We could not deliver your parcel 4711. Call us."},
    "a failure": {"subject": "Failure of the printer", "text": "Error 550 on the display"},
    "a status in the text": {"subject": "Version 5.1.1", "text": "Since 5.1.1 the login fails."},
}  # fmt: skip


@pytest.mark.parametrize("case", HUMAN)
def test_mail_of_people_is_no_bounce(case):
    assert classify(mail(**HUMAN[case])).kind is not Auto.BOUNCE
    assert bounce(mail(**HUMAN[case])) is None


def test_a_bounce_attached_to_a_mail_is_no_bounce():
    attached = mail(subject="Look at this", attachments=[("bounce.eml", "message/rfc822", DSN.encode())])
    assert classify(attached).kind is Auto.NONE


def test_the_parts_of_a_forwarded_bounce_are_no_bounce():
    text = DSN.replace("Return-Path: <>\n", "").replace(
        "MAILER-DAEMON@mx.example.net (Mail Delivery System)", "jane@example.com"
    )
    text = text.replace("multipart/report; report-type=delivery-status", "multipart/mixed").replace(
        "Undelivered", "Fwd: Undelivered"
    )
    assert classify(read(text)).kind is Auto.NONE


def test_a_thousand_recipients_are_bounded():
    text = "\n".join(f"<user{number}@example.net>: 550 5.1.1 unknown" for number in range(1000))
    found = bounce(mail(sender="MAILER-DAEMON@example.net", subject="failure notice", text=text))
    assert found is not None
    assert len(found.recipients) == 50
