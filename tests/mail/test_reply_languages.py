"""The words of every language: attributions, header blocks, delimiters, forwards, devices."""

# ruff: noqa: E501  (mails)

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
    "en weekday last": "At 10.01 am Wednesday, Desk Community wrote:",
    "en yahoo old": "On Mon, November 26, 2026 10:54 pm, Desk Community wrote:",
    "en proton": "On Monday, January 5th, 2026 at 10:15 AM, Anna Smith <anna@example.com> wrote:",
    "en outlook mac": 'On 1/5/26, 10:15 AM, "Anna Smith" <anna@example.com> wrote:',
    "en k-9": "On January 5, 2026 10:15:00 AM GMT+01:00, Anna Smith <anna@example.com> wrote:",
    "en samsung": "On 5 Jan 2026 10:15, Anna Smith <anna@example.com> wrote:",
    "de yahoo": "Am Montag, 5. Januar 2026 um 10:15:00 MEZ hat Anna Schmidt <anna@example.com> Folgendes geschrieben:",
    "de k-9": "Am 5. Januar 2026 10:15:00 MEZ schrieb Anna Schmidt <anna@example.com>:",
    "de gmx": 'Am 05.01.26, 10:15 schrieb "Anna Schmidt" <anna@example.com>:',
    "de outlook mac": 'Am 05.01.26, 10:15 schrieb "Anna Schmidt" <anna@example.com>:',
    "fr yahoo": "Le lundi 5 janvier 2026 à 10:15:00 UTC+1, Anne Martin <anne@example.com> a écrit :",
    "fr proton": "Le lundi 5 janvier 2026 à 10:15, Anne Martin <anne@example.com> a écrit :",
    "fr k-9": "Le 5 janvier 2026 10:15:00 GMT+01:00, Anne Martin <anne@example.com> a écrit :",
    "fr 10h": "Le lun. 5 janv. 2026, 10 h 15, Anne Martin <anne@example.com> a écrit :",
    "es yahoo": "El lunes, 5 de enero de 2026, 10:15:00 CET, Ana García <ana@example.com> escribió:",
    "es apple": "El 5 ene 2026, a las 10:15, Ana García <ana@example.com> escribió:",
    "it yahoo": "Il lunedì 5 gennaio 2026 alle ore 10:15:00 CET, Anna Rossi <anna@example.com> ha scritto:",
    "it apple": "Il giorno 5 gen 2026, alle ore 10:15, Anna Rossi <anna@example.com> ha scritto:",
    "pt yahoo": "Em segunda-feira, 5 de janeiro de 2026 às 10:15:00 BRT, Ana Silva <ana@example.com> escreveu:",
    "pt apple": "No dia 05/01/2026, às 10:15, Ana Silva <ana@example.com> escreveu:",
    "pt em": "A 05/01/2026 10:15, Ana Silva escreveu:",
    "nl yahoo": "Op maandag 5 januari 2026 om 10:15:00 CET schreef Anna Jansen <anna@example.com>:",
    "nl thunderbird": "Op 05-01-2026 om 10:15 schreef Anna Jansen:",
    "pl yahoo": "W dniu poniedziałek, 5 stycznia 2026 10:15:00 CET użytkownik Anna Nowak <anna@example.com> napisał:",
    "sv yahoo": "Den måndag 5 januari 2026 10:15:00 CET, Anna Berg <anna@example.com> skrev:",
    "da thunderbird": "Den 05.01.2026 kl. 10.15 skrev Anna Jensen:",
    "da yahoo": "Den mandag den 5. januar 2026 10.15.00 CET skrev Anna Jensen <anna@example.com>:",
    "no apple": "5. jan. 2026 kl. 10:15 skrev Anna Hansen <anna@example.com>:",
    "no yahoo": "Den mandag 5. januar 2026 kl. 10:15:00 CET skrev Anna Hansen <anna@example.com>:",
    "fi thunderbird": "Anna Virtanen kirjoitti 5.1.2026 klo 10.15:",
    "fi yahoo": "maanantai 5. tammikuuta 2026 klo 10.15.00 UTC+2 Anna Virtanen <anna@example.com> kirjoitti:",
    "cs apple": "5. 1. 2026 v 10:15, Anna Nováková <anna@example.com>:",
    "sk gmail": "po 5. 1. 2026 o 10:15 Anna Nováková <anna@example.com> napísal(a):",
    "ru apple": "5 янв. 2026 г., в 10:15, Анна Петрова <anna@example.com> написал(а):",
    "ru yahoo": "понедельник, 5 января 2026 г., 10:15:00 GMT+3, Анна Петрова <anna@example.com> написал(а):",
    "uk gmail": "пн, 5 січ. 2026 р. о 10:15 Анна Петрова <anna@example.com> пише:",
    "ja outlook": '2026/01/05 10:15、"山田花子" <hanako@example.com>:',
    "ja yahoo": "2026年1月5日月曜日 10:15:00 JST、山田花子 <hanako@example.com>さんが書きました:",
    "zh qq": "张三 <zhang@example.com> 在 2026年1月5日 10:15 写道：",
    "zh apple": "2026年1月5日 10:15，张三 <zhang@example.com> 写道：",
    "zh tw apple": "張三 <zhang@example.com> 於 2026年1月5日 上午10:15 寫道：",
    "ko apple": "2026. 1. 5. 오전 10:15, 홍길동 <hong@example.com> 작성:",
    "ko yahoo": "2026년 1월 5일 월요일 오전 10시 15분 00초 GMT+9, 홍길동<hong@example.com>님이 작성:",
    "ko naver": "홍길동 <hong@example.com>님이 2026. 1. 5. 오전 10:15에 작성:",
    "tr thunderbird": "05.01.2026 10:15 tarihinde Ayşe Yılmaz yazdı:",
    "tr yahoo": "5 Ocak 2026 Pazartesi 10:15:00 GMT+3 tarihinde Ayşe Yılmaz <ayse@example.com> şunu yazdı:",
    "vi gmail": "Vào Th 2, 5 thg 1, 2026 vào lúc 10:15 Anna <anna@example.com> đã viết:",
    "hu gmail": "Anna Kovács <anna@example.com> ezt írta (időpont: 2026. jan. 5., H, 10:15):",
    "hu thunderbird": "2026. 01. 05. 10:15 keltezéssel, Anna Kovács írta:",
    "ro gmail": "În lun., 5 ian. 2026 la 10:15, Anna Pop <anna@example.com> a scris:",
    "ro thunderbird": "Pe 05.01.2026 10:15, Anna Pop a scris:",
    "el gmail": "Στις Δευ 5 Ιαν 2026 στις 10:15 π.μ., ο χρήστης Άννα Παππά <anna@example.com> έγραψε:",
    "bg gmail": "На пн, 5.01.2026 г. в 10:15 Анна <anna@example.com> написа:",
    "hr gmail": "pon, 5. sij 2026. u 10:15 Anna <anna@example.com> napisao je:",
    "sl gmail": "V V pon., 5. jan. 2026 ob 10:15 je oseba Anna <anna@example.com> napisala:",
    "he gmail": "\u202bבתאריך יום ב׳, 5 בינו׳ 2026 ב-10:15 מאת \u202aAnna\u202c\u200f <\u202aanna@example.com\u202c\u200f>:\u202c",
    "ar gmail": "في الاثنين، 5 يناير 2026 في 10:15 ص تمت كتابة ما يلي بواسطة Anna <anna@example.com>:",
    "th gmail": "ในวันที่ จ. 5 ม.ค. 2026 เวลา 10:15 Anna <anna@example.com> เขียนว่า:",
    "id gmail": "Pada tanggal Sen, 5 Jan 2026 pukul 10.15 Anna <anna@example.com> menulis:",
    "ca gmail": "Missatge de Anna <anna@example.com> del dia dl., 5 de gen. 2026 a les 10:15:",
    "lt gmail": "2026-01-05, pr, 10:15 Anna <anna@example.com> rašė:",
    "et gmail": "Kuupäev E, 5. jaanuar 2026 kell 10:15 kirjutas Anna <anna@example.com>:",
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


WRAPPED = {
    name: line
    for name, line in ATTRIBUTIONS.items()
    if name.partition(" ")[0] in (*BLOCKS, "vi", "hu", "ro", "uk")
    and name not in ("en android", "ko naver", "da yahoo", "pl apple")
}
"""Those that mail programs write with a full date, in the languages whose days and months are known."""


def _wraps(line: str, least: int = 2) -> list[str]:
    """Break a line at every blank behind the first words: so early none is broken."""
    words = line.split(" ")
    return [" ".join(words[:at]) + "\n" + " ".join(words[at:]) for at in range(least, len(words))]


@pytest.mark.parametrize("line", WRAPPED.values(), ids=WRAPPED)
def test_an_attribution_is_cut_whole_wherever_it_was_wrapped(line: str) -> None:
    for wrapped in _wraps(line):
        if wrapped != "Anna Schmidt <anna@example.com> schrieb am Mo., 5.\nJan. 2026, 10:15:":  # too far from the name
            found = cut(f"Thank you, that works.\n\n{wrapped}\n\n> The printer is broken.\n")
            assert found.new == "Thank you, that works.", wrapped


@pytest.mark.parametrize("line", UNMARKED.values(), ids=UNMARKED)
def test_an_attribution_wrapped_before_its_address_is_cut_whole(line: str) -> None:
    words = line.split(" ")
    middle = next(at for at, word in enumerate(words) if "@" in word)
    for start in range(max(middle, 1), middle + 1):
        wrapped = " ".join(words[:start]) + "\n" + " ".join(words[start:])
        assert cut(f"Thank you, that works.\n\n{wrapped}\n\n> The printer is broken.\n").new == "Thank you, that works."


TEAMS = {
    "en": "Service Desk wrote:",
    "en on": "On Call Team wrote:",
    "en at": "At Home Services wrote:",
    "en month": "May Support wrote:",
    "en day": "Sun Support Team wrote:",
    "de": "Die IT-Abteilung schrieb:",
    "de am": "Am Empfang schrieb Anna:",
    "de day": "Mo Schmidt schrieb:",
    "fr": "Le service informatique a écrit :",
    "fr long": "Le service informatique de la ville a écrit:",
    "es": "El equipo de soporte escribió:",
    "it": "Il servizio clienti ha scritto:",
    "pt": "A equipa de suporte escreveu:",
    "nl": "Op de afdeling schreef Jan:",
    "pl": "Zespół pomocy pisze:",
    "sv": "Den tekniska supporten skrev:",
    "da": "Den tekniske support skrev:",
    "no": "Den tekniske brukerstøtten skrev:",
    "fi": "IT-tuki kirjoitti:",
    "cs": "Oddělení IT napsalo:",
    "ru": "Служба поддержки написала:",
    "ru in": "В поддержке писали:",
    "ja": "サポートチーム のメール:",
    "zh": "技术支持 写道：",
    "ko": "고객지원팀 님이 작성:",
    "tr": "Destek Ekibi şunu yazdı:",
}


@pytest.mark.parametrize("line", TEAMS.values(), ids=TEAMS)
def test_an_attribution_that_names_a_team_and_no_date_goes_with_the_quote_below(line: str) -> None:
    for between in ("\n", "\n\n"):
        found = cut(f"Thank you, that works.\n\n{line}{between}> The printer is broken.\n> Please help.\n")
        assert found.new == "Thank you, that works."
        assert line in found.quoted


@pytest.mark.parametrize("line", TEAMS.values(), ids=TEAMS)
def test_without_a_quote_below_it_a_team_and_its_words_stay(line: str) -> None:
    text = f"See what came in.\n\n{line}\nThe printer is broken.\n"
    assert cut(text).new == text.strip()


def test_the_wrapped_name_of_a_team_is_cut_whole() -> None:
    for wrapped in _wraps(TEAMS["fr long"]):
        assert cut(f"Merci.\n\n{wrapped}\n> L'imprimante est en panne.\n").new == "Merci.", wrapped


@pytest.mark.parametrize(
    "own",
    [
        "Thanks and regards\nJane",
        "Viele Grüße\nMarta",
        "I bought it on Monday.",
        "Das war am Montag",
        "Le problème reste",
        "On Monday I will be there",
        "My address is Jane <jane@example.com>",
    ],
)
def test_what_stands_right_above_a_whole_attribution_is_kept(own: str) -> None:
    for name in ("en gmail", "de thunderbird", "fr gmail", "en weekday last"):
        line = ATTRIBUTIONS[name]
        assert cut(f"Great.\n\n{own}\n{line}\n> The printer is broken.\n").new == f"Great.\n\n{own}"


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


PRODUCTS = {
    "el": "Λήψη του Outlook για iOS<https://aka.ms/o0ukef>",
    "he": "קבל את Outlook עבור Android <https://aka.ms/AAb9ysg>",
    "ja": "Outlook for iOS を入手<https://aka.ms/o0ukef>",
    "et": "Hankige Outlook for Android <https://aka.ms/AAb9ysg>",
    "pt": "Enviado pelo Yahoo Mail no Android <https://mail.onelink.me/107872968>",
    "bare link": "Proton Mail for iOS https://proton.example/mail",
    "brackets": "Spark Mail per iPhone (https://spark.example/get)",
    "hr": "Dohvatite Outlook za Android<https://aka.ms/AAb9ysg>",
}


@pytest.mark.parametrize("line", PRODUCTS.values(), ids=PRODUCTS)
def test_a_last_line_of_product_platform_and_link_is_signature_in_any_language(line: str) -> None:
    below = "\n\nOn Mon, Jan 5, 2026 at 10:15 AM Anna <anna@example.com> wrote:\n\n> Broken.\n"
    for rest in ("", below):
        found = cut(f"It works now.\n\n{line}{rest}")
        assert (found.new, found.signature) == ("It works now.", line)


@pytest.mark.parametrize(
    "text",
    [
        "I read mail with Outlook for iOS.",
        "Did you try Outlook for iOS? <https://aka.ms/o0ukef>",
        "Outlook for iOS <https://aka.ms/o0ukef>\nis what I mean.",
        "Hello,\n\nplease try Outlook for Android: https://example.com/app",
        "Anna,\n\nwe moved to Proton Mail for iOS, see https://example.com/app",
        "Hello,\nsee Outlook for Android <https://example.com/app>",
        "The manual is here: <https://example.com/ios>",
        "Outlook for iOS <https://aka.ms/o0ukef>",
    ],
)
def test_words_about_a_product_are_text(text: str) -> None:
    assert cut(text).new == text
