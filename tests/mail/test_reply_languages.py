"""The words of every language: attributions, header blocks, delimiters, forwards, devices."""

import pytest

from engine.mail.phrases import LANGUAGES
from engine.mail.reply import cut

ATTRIBUTIONS = {
    "en gmail": "On Mon, Jan 5, 2026 at 10:15 AM Anna Smith <anna@example.com> wrote:",
    "en apple": "On Jan 5, 2026, at 10:15, Anna Smith <anna@example.com> wrote:",
    "en thunderbird": "On 05/01/2026 10:15, Anna Smith wrote:",
    "en iso": "On 2026-01-05 10:15, Anna Smith wrote:",
    "en yahoo": "On Monday, January 5, 2026, 10:15:00 AM GMT+1, Anna Smith <anna@example.com> wrote:",
    "en old yahoo": "--- On Mon, 1/5/26, Anna Smith <anna@example.com> wrote:",
    "en netease": 'At 2026-01-05 10:15:00, "Anna Smith" <anna@example.com> wrote:',
    "en usenet": "In article <abc@example.com>, Anna Smith <anna@example.com> writes:",
    "en notes": "Anna Smith/HQ/Example wrote on 05/01/2026 10:15:00 AM:",
    "en zoho": "---- On Mon, 05 Jan 2026 10:15:00 +0100 Anna Smith <anna@example.com> wrote ----",
    "en android": "---- Anna Smith wrote ----",
    "de gmail": "Am Mo., 5. Jan. 2026 um 10:15 Uhr schrieb Anna Schmidt <anna@example.com>:",
    "de apple": "Am 05.01.2026 um 10:15 schrieb Anna Schmidt <anna@example.com>:",
    "de thunderbird": "Am 05.01.26 um 10:15 schrieb Anna Schmidt:",
    "de outlook": "Anna Schmidt <anna@example.com> schrieb am Mo., 5. Jan. 2026, 10:15:",
    "de horde": "Zitat von Anna Schmidt <anna@example.com>:",
    "fr gmail": "Le lun. 5 janv. 2026 à 10:15, Anne Martin <anne@example.com> a écrit :",
    "fr apple": "Le 5 janv. 2026 à 10:15, Anne Martin <anne@example.com> a écrit :",
    "fr thunderbird": "Le 05/01/2026 à 10:15, Anne Martin a écrit\xa0:",
    "es gmail": "El lun, 5 ene 2026 a las 10:15, Ana García (<ana@example.com>) escribió:",
    "es thunderbird": "El 5/1/26 a las 10:15, Ana García escribió:",
    "it gmail": "Il giorno lun 5 gen 2026 alle ore 10:15 Anna Rossi <anna@example.com> ha scritto:",
    "it thunderbird": "Il 05/01/2026 10:15, Anna Rossi ha scritto:",
    "nl gmail": "Op ma 5 jan 2026 om 10:15 schreef Anna Jansen <anna@example.com>:",
    "nl apple": "Op 5 jan. 2026, om 10:15 heeft Anna Jansen <anna@example.com> het volgende geschreven:",
    "pt gmail": "Em seg., 5 de jan. de 2026 às 10:15, Ana Silva <ana@example.com> escreveu:",
    "pt thunderbird": "Em 05/01/2026 10:15, Ana Silva escreveu:",
    "pt outlook": "Ana Silva <ana@example.com> escreveu no dia segunda, 5/01/2026 à(s) 10:15:",
    "pl gmail": "pon., 5 sty 2026 o 10:15 Anna Nowak <anna@example.com> napisał(a):",
    "pl thunderbird": "W dniu 5.01.2026 o 10:15, Anna Nowak pisze:",
    "pl apple": "Wiadomość napisana przez Anna Nowak <anna@example.com> w dniu 05.01.2026, o godz. 10:15:",
    "pl onet": "Dnia 5 stycznia 2026 10:15 Anna Nowak <anna@example.com> napisał(a):",
    "sv gmail": "Den mån 5 jan. 2026 kl 10:15 skrev Anna Berg <anna@example.com>:",
    "sv apple": "5 jan. 2026 kl. 10:15 skrev Anna Berg <anna@example.com>:",
    "sv thunderbird": "Den 2026-01-05 kl. 10:15, skrev Anna Berg:",
    "da gmail": "Den man. 5. jan. 2026 kl. 10.15 skrev Anna Jensen <anna@example.com>:",
    "da apple": "Den 5. jan. 2026 kl. 10.15 skrev Anna Jensen <anna@example.com>:",
    "no gmail": "man. 5. jan. 2026 kl. 10:15 skrev Anna Hansen <anna@example.com>:",
    "no thunderbird": "På 5. januar 2026 10:15, skrev Anna Hansen:",
    "fi gmail": "ma 5. tammik. 2026 klo 10.15 Anna Virtanen (anna@example.com) kirjoitti:",
    "fi apple": "Anna Virtanen <anna@example.com> kirjoitti 5.1.2026 kello 10.15:",
    "cs gmail": "po 5. 1. 2026 v 10:15 odesílatel Anna Nováková <anna@example.com> napsal:",
    "cs thunderbird": "Dne 05. 01. 26 v 10:15 Anna Nováková napsal(a):",
    "ru gmail": "пн, 5 янв. 2026 г. в 10:15, Анна Петрова <anna@example.com>:",
    "ru thunderbird": "05.01.2026 10:15, Анна Петрова пишет:",
    "ru mail.ru": "Понедельник, 5 января 2026, 10:15 +03:00 от Анна Петрова <anna@example.com>:",
    "ru user": "понедельник, 5 января 2026 г. пользователь Анна Петрова <anna@example.com> написал:",
    "ru yandex": '05.01.2026, 10:15, "Анна Петрова" <anna@example.com>:',
    "ja gmail": "2026年1月5日(月) 10:15 山田花子 <hanako@example.com>:",
    "ja apple": "2026/01/05 10:15、山田花子 <hanako@example.com>のメール:",
    "ja thunderbird": "On 2026/01/05 10:15, 山田花子 wrote:",
    "zh gmail": "张三 <zhang@example.com> 于2026年1月5日周一 10:15写道：",
    "zh netease": '在 2026-01-05 10:15:00，"张三" <zhang@example.com> 写道：',
    "zh tw": "張三 <zhang@example.com> 於 2026年1月5日 週一 上午10:15寫道：",
    "ko gmail": "2026년 1월 5일 (월) 오전 10:15, 홍길동 <hong@example.com>님이 작성:",
    "tr gmail": "Ayşe Yılmaz <ayse@example.com>, 5 Oca 2026 Pzt, 10:15 tarihinde şunu yazdı:",
    "tr apple": "Ayşe Yılmaz <ayse@example.com> şunları yazdı (5 Oca 2026 10:15):",
    "via a list": "Anna Smith via Example Forum wrote:",
    "bare date": "2026-01-05 10:15 GMT+01:00 Anna Smith",
    "date first": "2026-01-05 10:15 GMT+01:00 Anna Smith <anna@example.com>:",
}

BLOCKS = {
    "en": ("From:", "Sent:", "To:", "Subject:"),
    "de": ("Von:", "Gesendet:", "An:", "Betreff:"),
    "fr": ("De :", "Envoyé :", "À :", "Objet :"),
    "es": ("De:", "Enviado el:", "Para:", "Asunto:"),
    "it": ("Da:", "Inviato:", "A:", "Oggetto:"),
    "nl": ("Van:", "Verzonden:", "Aan:", "Onderwerp:"),
    "pt": ("De:", "Enviada em:", "Para:", "Assunto:"),
    "pl": ("Od:", "Wysłano:", "Do:", "Temat:"),
    "sv": ("Från:", "Skickat:", "Till:", "Ämne:"),
    "da": ("Fra:", "Sendt:", "Til:", "Emne:"),
    "no": ("Fra:", "Sendt:", "Til:", "Emne:"),
    "fi": ("Lähettäjä:", "Lähetetty:", "Vastaanottaja:", "Aihe:"),
    "cs": ("Od:", "Odesláno:", "Komu:", "Předmět:"),
    "ru": ("От:", "Отправлено:", "Кому:", "Тема:"),
    "ja": ("差出人:", "送信日時:", "宛先:", "件名:"),
    "zh": ("发件人：", "发送时间：", "收件人：", "主题："),
    "ko": ("보낸 사람:", "보낸 날짜:", "받는 사람:", "제목:"),
    "tr": ("Kimden:", "Gönderildi:", "Kime:", "Konu:"),
}

DEVICES = {
    "en": "Sent from my iPhone",
    "de": "Von meinem iPhone gesendet",
    "de samsung": "Von meinem Samsung Galaxy Smartphone gesendet.",
    "fr": "Envoyé de mon iPhone",
    "es": "Enviado desde mi iPhone",
    "it": "Inviato da iPhone",
    "nl": "Verstuurd vanaf mijn iPhone",
    "pt": "Enviado do meu iPhone",
    "pl": "Wysłane z iPhone'a",
    "sv": "Skickat från min iPhone",
    "da": "Sendt fra min iPhone",
    "no": "Sendt fra min iPhone",
    "fi": "Lähetetty iPhonesta",
    "cs": "Odesláno z iPhonu",
    "ru": "Отправлено с iPhone",
    "ja": "iPhoneから送信",
    "zh": "发自我的 iPhone",
    "zh tw": "從我的 iPhone 傳送",
    "ko": "나의 iPhone에서 보냄",
    "tr": "iPhone'umdan gönderildi",
    "outlook": "Get Outlook for iOS<https://aka.ms/o0ukef>",
    "yahoo": "Sent from Yahoo Mail on Android",
    "windows": "Sent from Mail for Windows 10",
    "k-9": "Sent from my Android device with K-9 Mail. Please excuse my brevity.",
}


@pytest.mark.parametrize("line", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS)
def test_an_attribution_with_quote_marks_is_cut(line: str) -> None:
    found = cut(f"Thank you, that works.\n\n{line}\n\n> The printer is broken.\n> Please help.\n")
    assert found.new == "Thank you, that works."
    assert line.strip() in found.quoted


UNMARKED = {name: line for name, line in ATTRIBUTIONS.items() if "@" in line}


@pytest.mark.parametrize("line", UNMARKED.values(), ids=UNMARKED)
def test_an_attribution_with_an_address_is_cut_without_quote_marks(line: str) -> None:
    found = cut(f"Thank you, that works.\n\n{line}\n\nThe printer is broken.\nPlease help.\n")
    assert found.new == "Thank you, that works."


@pytest.mark.parametrize("line", UNMARKED.values(), ids=UNMARKED)
def test_a_wrapped_attribution_is_cut_whole(line: str) -> None:
    words = line.split(" ")
    if len(words) < 6 or line.endswith("-"):
        pytest.skip("never wrapped")
    middle = next((at for at, word in enumerate(words) if "@" in word), len(words) // 2)
    wrapped = " ".join(words[:middle]) + "\n" + " ".join(words[middle:])
    found = cut(f"Thank you, that works.\n\n{wrapped}\n\n> The printer is broken.\n")
    assert found.new == "Thank you, that works."


@pytest.mark.parametrize("language", BLOCKS)
@pytest.mark.parametrize("form", ["plain", "bold", "underscores"])
def test_a_header_block_is_cut(language: str, form: str) -> None:
    values = ("Anna Smith <anna@example.com>", "5 January 2026 10:15", "help@example.com", "Printer")
    labels = [f"*{label}*" if form == "bold" else label for label in BLOCKS[language]]
    block = "\n".join(f"{label} {value}" for label, value in zip(labels, values, strict=True))
    line = "_" * 32 + "\n" if form == "underscores" else ""
    found = cut(f"That works now.\n\nAnna\n\n{line}{block}\n\nThe printer is broken.\n\nAnna\n")
    assert found.new == "That works now.\n\nAnna"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_delimiters_of_a_language_cut(language: str) -> None:
    for phrase in LANGUAGES[language].original:
        for line in (
            f"-----{phrase.capitalize()}-----",
            f"-------- {phrase} --------",
            f"‐‐‐‐‐ {phrase.title()} ‐‐‐‐‐",
        ):
            assert cut(f"New.\n\n{line}\nOld text.\n").new == "New.", line


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_forwarded_mail_is_kept_whole(language: str) -> None:
    for phrase in LANGUAGES[language].forwarded:
        text = f"Look at this.\n\n---------- {phrase.capitalize()} ---------\nFrom: Anna <anna@example.com>\n" \
               "Date: Mon, Jan 5, 2026\nSubject: Printer\nTo: <help@example.com>\n\nIt is broken."  # fmt: skip
        assert cut(text).new == text, phrase


@pytest.mark.parametrize("line", DEVICES.values(), ids=DEVICES)
def test_what_a_device_adds_is_signature(line: str) -> None:
    found = cut(
        f"It works now.\n\n{line}\n\nOn Mon, Jan 5, 2026 at 10:15 AM Anna <anna@example.com> wrote:\n\n> Broken.\n"
    )
    assert (found.new, found.signature) == ("It works now.", line)
    assert cut(f"It works now.\n\n{line}").new == "It works now."
