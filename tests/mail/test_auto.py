"""Automatic mail: which kind, by which sign, and what is none although it looks like it."""

# ruff: noqa: E501  (mails and tables)

import time
import unicodedata

import pytest
from builders import mail

from engine.mail.auto import bounce, classify
from engine.mail.auto_phrases import SUBJECTS
from engine.model.facts import Auto


def kind(**arrangement):
    return classify(mail(**arrangement)).kind


def test_a_mail_of_a_person_is_not_automatic():
    assert kind() is Auto.NONE
    assert kind(headers=[("Auto-Submitted", "no")]) is Auto.NONE


def test_F040_auto_submitted_says_what_it_is():
    assert kind(headers=[("Auto-Submitted", "auto-replied (vacation)")]) is Auto.AUTO_REPLY
    assert kind(headers=[("Auto-Submitted", "auto-generated; type=x")]) is Auto.AUTO_GENERATED
    assert kind(headers=[("Auto-Submitted", "auto-forwarded")]) is Auto.NONE


@pytest.mark.parametrize(
    "field",
    [("X-Autoreply", "yes"), ("X-Autorespond", "vacation"), ("Precedence", "auto_reply"), ("X-VacationMessage", "1"),
     ("X-Mail-Autoreply", "true"), ("X-FC-MachineGenerated", "true"), ("Preference", "auto_reply")],
)  # fmt: skip
def test_F040_fields_of_vacation_programs(field):
    assert kind(headers=[field]) is Auto.AUTO_REPLY


@pytest.mark.parametrize(
    "field",
    [
        ("X-Auto-Response-Suppress", "All"),
        ("X-Auto-Response-Suppress", "OOF"),
        ("X-Autoreply", "no"),
        ("Precedence", "normal"),
    ],
)
def test_fields_that_say_nothing(field):
    assert kind(headers=[field]) is Auto.NONE


@pytest.mark.parametrize(
    "subject",
    ["Out of Office: Printer", "Out of the office", "Automatic reply: Printer", "Auto-Reply: Printer", "Autoreply",
     "Re: Out of Office", "Automatische Antwort: Drucker", "Abwesenheitsnotiz", "Abwesenheitsnotiz: Drucker",
     "Réponse automatique : Imprimante", "Respuesta automática: Impresora", "Fuera de la oficina", "Risposta automatica: x",
     "Automatisch antwoord: printer", "Resposta automática: x", "Odpowiedź automatyczna: x", "Autosvar: x",
     "Automatiskt svar: x", "Automatisk svar: x", "Automaattinen vastaus: x", "Automatická odpověď: x",
     "Автоматический ответ: x", "Автоответ", "自動応答: x", "自动回复: x", "자동 회신: x", "Otomatik yanıt: x"],
)  # fmt: skip
def test_F041_subjects_of_automatic_replies(subject):
    assert kind(subject=subject) is Auto.AUTO_REPLY


EXCHANGE = {
    "ar": "رد تلقائي", "bg": "Автоматичен отговор", "ca": "Resposta automàtica", "cs": "Automatická odpověď",
    "da": "Automatisk svar", "de": "Automatische Antwort", "el": "Αυτόματη απάντηση", "en": "Automatic reply",
    "es": "Respuesta automática", "et": "Automaatvastus", "eu": "Erantzun automatikoa", "fa": "پاسخ خودکار",
    "fi": "Automaattinen vastaus", "fil": "Awtomatikong tugon", "fr": "Réponse automatique", "gl": "Resposta automática",
    "he": "תשובה אוטומטית", "hi": "स्वचालित उत्तर", "hr": "Automatski odgovor", "hu": "Automatikus válasz",
    "id": "Balasan otomatis", "is": "Sjálfvirkt svar", "it": "Risposta automatica", "ja": "自動応答", "kk": "Автоматты жауап",
    "ko": "자동 회신", "lt": "Automatinis atsakymas", "lv": "Automātiska atbilde", "ms": "Balasan automatik",
    "nb": "Automatisk svar", "nl": "Automatisch antwoord", "pl": "Odpowiedź automatyczna", "pt": "Resposta automática",
    "ro": "Răspuns automat", "ru": "Автоматический ответ", "sk": "Automatická odpoveď", "sl": "Samodejni odgovor",
    "sr": "Аутоматски одговор", "sv": "Automatiskt svar", "th": "ตอบกลับอัตโนมัติ", "tr": "Otomatik yanıt",
    "uk": "Автоматична відповідь", "ur": "خودکار جواب", "vi": "Trả lời tự động", "zh": "自动答复",
}  # fmt: skip


@pytest.mark.parametrize("language", EXCHANGE)
def test_F041_automatic_reply_is_known_in_every_language_that_exchange_ships(language):
    said = EXCHANGE[language]
    assert language in SUBJECTS
    for colon in (": ", " : ", "："):
        assert kind(subject=f"{said}{colon}[#7] Printer") is Auto.AUTO_REPLY
    assert kind(subject=unicodedata.normalize("NFD", f"{said}: x")) is Auto.AUTO_REPLY
    assert kind(subject=f"\u200f{said}\u200f: x") is Auto.AUTO_REPLY
    assert kind(subject=f"Printer: {said}") is Auto.NONE


@pytest.mark.parametrize(
    "subject",
    ["Out of office assistant does not work", "Vacation request for July", "Automatic reply is broken on my phone",
     "Autosave loses text", "Absence of the printer", "Away team needs shirts", "Order confirmation"],
)  # fmt: skip
def test_subjects_of_people_are_not_taken_for_automatic_replies(subject):
    assert kind(subject=subject) is Auto.NONE


@pytest.mark.parametrize(
    "piece", ["*", "* ", "[a] ", "re: ", "[", "your message to ", "warning: ", "out of office", "<a> - "]
)
def test_subjects_that_would_make_a_pattern_try_forever(piece):
    hostile = mail(subject=piece * (900 // len(piece)) + "x", sender="MAILER-DAEMON <x@example.net>", text=piece * 5000)
    start = time.process_time()
    classify(hostile)
    bounce(hostile)
    assert time.process_time() - start < 0.5


XML = b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
DMARC_NAME = "bigmail.example!example.com!1795000000!1795086399.xml.gz"
DMARC = [("big.gz", "application/gzip", XML)]
DMARC_SUBJECT = "Report domain: example.com Submitter: bigmail.example Report-ID: 123456789"


@pytest.mark.parametrize(
    "arrangement",
    [
        {"subject": DMARC_SUBJECT, "attachments": DMARC},
        {"subject": f"[Preview] {DMARC_SUBJECT}", "attachments": DMARC},
        {"subject": "DMARC", "sender": "noreply-dmarc@bigmail.example", "attachments": [(DMARC_NAME, "application/gzip", XML)]},
        {"subject": "DMARC", "text": "", "attachments": [(DMARC_NAME, "application/gzip", XML)]},
        {"subject": "Report Domain: example.com", "headers": [("TLS-Report-Domain", "example.com")]},
        {"subject": "TLS", "attachments": [("a.json.gz", "application/tlsrpt+gzip", XML)]},
    ],
)  # fmt: skip
def test_reports_about_a_domain_of_ours_are_a_class_of_machine_mail(arrangement):
    assert kind(**arrangement) is Auto.DOMAIN_REPORT
    assert bounce(mail(**arrangement)) is None


def test_a_tls_report_is_known_by_its_report_type():
    assert classify(report("tlsrpt", "This is a report", "application/tlsrpt+json")).kind is Auto.DOMAIN_REPORT


@pytest.mark.parametrize(
    "arrangement",
    [
        {"subject": f"Fwd: {DMARC_SUBJECT}", "attachments": [(DMARC_NAME, "application/gzip", XML)]},
        {"subject": "What is this?", "attachments": [(DMARC_NAME, "application/gzip", XML)]},
        {"subject": DMARC_SUBJECT},
        {"subject": "Domain report for the board", "attachments": [("report.xml.gz", "application/gzip", XML)]},
    ],
)
def test_who_speaks_of_a_report_about_a_domain_is_a_person(arrangement):
    assert kind(**arrangement) is Auto.NONE


def test_mailing_lists():
    assert kind(headers=[("List-Id", "<users.example.com>")]) is Auto.MAILING_LIST
    assert kind(headers=[("List-Post", "<mailto:users@example.com>")]) is Auto.MAILING_LIST
    assert kind(headers=[("Precedence", "bulk")]) is Auto.MAILING_LIST


def test_a_feedback_report_is_no_bounce():
    raised = classify(report("feedback-report", "Feedback-Type: abuse\nVersion: 1", "message/feedback-report"))
    assert raised.kind is Auto.FEEDBACK_REPORT


def test_a_disposition_notification_is_no_bounce():
    told = classify(report("disposition-notification", "Disposition: manual-action/MDN-sent-manually; displayed"))
    assert told.kind is Auto.DISPOSITION


def test_F121_the_answer_to_an_invitation_is_no_automatic_reply():
    calendar = b"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nEND:VCALENDAR\r\n"
    answer = mail(
        subject="Accepted: Meeting",
        headers=[("Auto-Submitted", "auto-generated")],
        attachments=[("invite.ics", "text/calendar", calendar)],
    )
    assert classify(answer).kind is Auto.NONE


def test_the_reason_names_the_sign():
    assert "X-Autoreply" in classify(mail(headers=[("X-Autoreply", "yes")])).reason


def report(kind: str, fields: str, content_type: str = ""):
    """A multipart/report of this kind."""
    from builders import raw

    from engine.mail.parse import parse

    return parse(
        raw(
            f"From: robot@example.net\nTo: help@example.com\nSubject: Report\nMIME-Version: 1.0\n"
            f'Content-Type: multipart/report; report-type={kind}; boundary="b"\n\n--b\nContent-Type: text/plain\n\nHello.\n'
            f"--b\nContent-Type: {content_type or 'message/' + kind}\n\n{fields}\n--b--\n"
        )
    )
