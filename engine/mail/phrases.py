"""What mail programs write around an earlier mail, language by language.

Here: words only, as data: labels of header blocks, verbs of "On … wrote:", delimiters, phone signatures. Not here: what
is done with them (`reply.py`, `reply_lines.py`). Invariant: everything is casefolded, spaces are plain single spaces.
A new language is one more entry of `LANGUAGES`.
Over 300 lines: a table, language by language.
"""

# ruff: noqa: E501, SIM905  (tables)

from __future__ import annotations

from msgspec import Struct


class Phrases(Struct, frozen=True):
    """The words of one language.

    `starts` open an attribution line ("On"), `verbs` stand at its end ("wrote"), `weekdays` and `months` are beginnings
    of words that may open one instead; `from_` to `reply_to` are labels of a header block; `original` and `forwarded`
    stand between dashes (or alone, with a colon) above an earlier mail; `phone` are beginnings of lines that a device
    adds and `phone_ends` their ends, where the language puts the verb last.
    """

    starts: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    weekdays: tuple[str, ...] = ()
    months: tuple[str, ...] = ()
    from_: tuple[str, ...] = ()
    date: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    subject: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    original: tuple[str, ...] = ()
    forwarded: tuple[str, ...] = ()
    phone: tuple[str, ...] = ()
    phone_ends: tuple[str, ...] = ()


LANGUAGES: dict[str, Phrases] = {
    "en": Phrases(
        starts=("on", "at", "in message", "in article", "quoting"),
        verbs=("wrote", "writes", "sent", "said", "says", "written", "quoting"),
        weekdays=("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
        months=("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
        from_=("from", "sender"),
        date=("sent", "date", "sent at", "sent on"),
        to=("to", "recipient", "recipients"),
        cc=("cc", "bcc", "copy", "attachments", "importance", "organization", "organisation", "priority"),
        subject=("subject", "re"),
        reply_to=("reply-to", "reply to", "mailed-by", "signed-by", "message-id", "newsgroups"),
        original=("original message", "original mail", "original email", "reply message", "original appointment",
                  "message from", "original e-mail"),
        forwarded=("forwarded message", "begin forwarded message", "forwarded mail", "forwarded by",
                   "start of forwarded message", "forwarded email"),
        phone=("sent from", "sent via", "sent with", "sent by", "sent using", "sent on the go", "sent on my",
               "get outlook for", "get yahoo mail", "from my iphone", "from my ipad", "from my android", "from mobile",
               "please excuse", "sent out of", "excuse typos", "download outlook", "yahoo mail: search"),
    ),
    "de": Phrases(
        starts=("am", "zitat von", "zitiere", "von meinem"),
        verbs=("schrieb", "geschrieben", "schrieben sie", "schreibt", "hat geschrieben", "zitat von", "zitiere"),
        weekdays=("mo", "di", "mi", "do", "fr", "sa", "so", "montag", "dienstag", "mittwoch", "donnerstag", "freitag",
                  "samstag", "sonntag"),
        months=("januar", "jänner", "februar", "märz", "mär", "mai", "juni", "juli", "okt", "dez"),
        from_=("von", "absender"),
        date=("gesendet", "datum", "gesendet am", "verschickt"),
        to=("an", "empfänger"),
        cc=("kopie", "anlagen", "priorität", "wichtigkeit"),
        subject=("betreff", "betr"),
        reply_to=("antwort an", "antworten an"),
        original=("ursprüngliche nachricht", "original-nachricht", "originalnachricht", "original nachricht",
                  "urspr. nachricht", "antwort nachricht", "ursprungliche nachricht", "original-mail",
                  "ursprünglicher termin"),
        forwarded=("weitergeleitete nachricht", "anfang der weitergeleiteten nachricht", "weitergeleitete mail",
                   "beginn der weitergeleiteten nachricht", "weitergeleitet von"),
        phone=("gesendet von", "gesendet mit", "von meinem", "diese nachricht wurde von", "holen sie sich outlook",
               "outlook für", "von unterwegs gesendet", "gesendet über"),
    ),
    "fr": Phrases(
        starts=("le",),
        verbs=("a écrit", "nous a dit", "a ecrit", "écrit", "écrivait"),
        weekdays=("lun", "mar", "mer", "jeu", "ven", "sam", "dim"),
        months=("janv", "févr", "fév", "mars", "avr", "mai", "juin", "juil", "août", "sept", "déc"),
        from_=("de", "expéditeur"),
        date=("envoyé", "date", "date d'envoi", "date d’envoi", "envoyé le", "envoye"),
        to=("à", "destinataire", "destinataires", "a"),
        cc=("copie", "copie à", "cci", "pièces jointes", "importance"),
        subject=("objet", "sujet"),
        reply_to=("répondre à",),
        original=("message d'origine", "message d’origine", "message original", "courriel original",
                  "message de", "mail original", "message initial"),
        forwarded=("message transféré", "début du message transféré", "message transmis", "début du message réexpédié",
                   "transféré par"),
        phone=("envoyé depuis", "envoyé de mon", "envoyé à partir de", "envoyé via", "envoyé avec",
               "télécharger outlook", "obtenez outlook", "provenance :"),
    ),
    "es": Phrases(
        starts=("el", "con fecha", "citando a"),
        verbs=("escribió", "ha escrito", "escribio", "escribía", "citando a"),
        weekdays=("lun", "mar", "mié", "jue", "vie", "sáb", "dom"),
        months=("ene", "abr", "ago", "dic"),
        from_=("de", "remitente"),
        date=("enviado", "enviado el", "fecha", "enviada"),
        to=("para", "destinatario"),
        cc=("copia", "cco", "adjuntos", "importancia"),
        subject=("asunto",),
        reply_to=("responder a",),
        original=("mensaje original", "mensaje de", "correo original"),
        forwarded=("mensaje reenviado", "inicio del mensaje reenviado", "mensaje remitido", "reenviado por",
                   "forwarded message"),
        phone=("enviado desde", "enviado con", "enviado vía", "enviado por mi", "obtener outlook", "descargar outlook"),
    ),
    "it": Phrases(
        starts=("il", "in data", "il giorno"),
        verbs=("ha scritto", "scrive", "scriveva", "scritto"),
        weekdays=("lun", "mar", "mer", "gio", "ven", "sab", "dom"),
        months=("gen", "mag", "giu", "lug", "ago", "set", "ott", "dic"),
        from_=("da", "mittente"),
        date=("inviato", "data", "data invio", "inviato il"),
        to=("a", "destinatario"),
        cc=("ccn", "allegati", "priorità"),
        subject=("oggetto",),
        reply_to=("rispondi a", "risposta"),
        original=("messaggio originale", "messaggio di"),
        forwarded=("messaggio inoltrato", "inizio messaggio inoltrato", "inoltrato da"),
        phone=("inviato da", "inviato dal", "inviato con", "scarica outlook", "ottieni outlook"),
    ),
    "nl": Phrases(
        starts=("op", "citeren"),
        verbs=("schreef", "het volgende geschreven", "geschreven", "schrijft"),
        weekdays=("ma", "di", "wo", "do", "vr", "za", "zo", "maandag", "dinsdag", "woensdag", "donderdag", "vrijdag",
                  "zaterdag", "zondag"),
        months=("mrt", "mei", "okt", "maart"),
        from_=("van", "afzender"),
        date=("verzonden", "datum", "verstuurd"),
        to=("aan",),
        cc=("bijlagen", "urgentie"),
        subject=("onderwerp",),
        reply_to=("beantwoorden - aan", "antwoord aan"),
        original=("oorspronkelijk bericht", "origineel bericht", "oorspronkelijke bericht",
                  "oorspronkelijke afspraak"),
        forwarded=("doorgestuurd bericht", "begin doorgestuurd bericht", "doorgestuurd door"),
        phone=("verzonden vanaf", "verzonden met", "verstuurd vanaf", "verzonden via", "outlook voor",
               "verstuurd vanuit", "download outlook"),
    ),
    "pt": Phrases(
        starts=("em", "no dia", "a", "citando"),
        verbs=("escreveu", "escreveram", "escrevia", "escreve", "citando"),
        weekdays=("seg", "ter", "qua", "qui", "sex", "sáb", "dom"),
        months=("jan", "fev", "abr", "mai", "ago", "set", "out", "dez"),
        from_=("de", "remetente"),
        date=("enviado", "enviada em", "enviado em", "enviada", "data"),
        to=("para", "destinatário"),
        cc=("cópia", "com cópia", "anexos", "prioridade"),
        subject=("assunto",),
        reply_to=("responder a", "responder para"),
        original=("mensagem original", "mensagem de"),
        forwarded=("mensagem encaminhada", "mensagem reencaminhada", "início da mensagem encaminhada",
                   "início da mensagem reencaminhada", "encaminhado por"),
        phone=("enviado do meu", "enviado de meu", "enviado a partir d", "enviado via", "enviado pelo", "obter o outlook",
               "enviado através", "enviada do meu", "baixar o outlook", "obtenha o outlook"),
    ),
    "pl": Phrases(
        starts=("w dniu", "dnia", "w wiadomości", "użytkownik"),
        verbs=("napisał(a)", "napisał", "napisała", "pisze", "napisali", "napisało", "napisana przez", "napisana"),
        weekdays=("pon", "pn", "wt", "śr", "czw", "pt", "sob", "niedz", "niedz"),
        months=("sty", "lut", "kwi", "maj", "cze", "lip", "sie", "wrz", "paź", "lis", "gru"),
        from_=("od", "nadawca"),
        date=("wysłano", "data", "wysłane", "data wysłania"),
        to=("do", "adresat", "odbiorca"),
        cc=("dw", "udw", "kopia", "załączniki", "ważność"),
        subject=("temat",),
        reply_to=("odpowiedz do",),
        original=("oryginalna wiadomość", "wiadomość oryginalna", "wiadomość pierwotna", "treść oryginalnej wiadomości"),
        forwarded=("przekazana wiadomość", "wiadomość przekazana", "początek przekazywanej wiadomości",
                   "treść przekazanej wiadomości", "wiadomość przesłana dalej", "forwarded message"),
        phone=("wysłane z", "wysłano z", "wysłane za pomocą", "pobierz program outlook", "uzyskaj outlook",
               "pobierz aplikację outlook"),
    ),
    "sv": Phrases(
        starts=("den", "citerar"),
        verbs=("skrev", "skriver", "citerar"),
        weekdays=("mån", "tis", "ons", "tors", "tor", "fre", "lör", "sön"),
        months=("maj", "okt", "juni", "juli", "aug"),
        from_=("från", "avsändare"),
        date=("skickat", "datum", "skickad"),
        to=("till",),
        cc=("kopia", "hemlig kopia", "bifogade filer", "prioritet"),
        subject=("ämne",),
        reply_to=("svara till", "svar till"),
        original=("ursprungligt meddelande", "originalmeddelande", "ursprungligt mejl", "originalmeddelandet"),
        forwarded=("vidarebefordrat meddelande", "vidarebefordrat brev", "början av vidarebefordrat meddelande",
                   "vidarebefordrat mejl", "början på vidarebefordrat brev"),
        phone=("skickat från", "skickades från", "från min", "hämta outlook", "skickat via", "skickat med",
               "skaffa outlook"),
    ),
    "da": Phrases(
        starts=("den", "d."),
        verbs=("skrev", "skriver", "skrev følgende"),
        weekdays=("man", "tir", "tirs", "ons", "tor", "tors", "fre", "lør", "søn"),
        months=("maj", "okt", "juni", "juli"),
        from_=("fra", "afsender"),
        date=("sendt", "dato"),
        to=("til",),
        cc=("kopi", "vedhæftede filer", "prioritet"),
        subject=("emne",),
        reply_to=("svar til",),
        original=("oprindelig meddelelse", "original meddelelse", "oprindelig besked", "original besked"),
        forwarded=("videresendt meddelelse", "videresendt besked", "start på videresendt besked",
                   "start på videresendt meddelelse", "begyndelse af videresendt meddelelse"),
        phone=("sendt fra", "hent outlook", "sendt via", "få outlook", "sendt med"),
    ),
    "no": Phrases(
        starts=("den", "på"),
        verbs=("skrev", "skriver"),
        weekdays=("man", "tir", "ons", "tor", "fre", "lør", "søn"),
        months=("mai", "okt", "juni", "juli", "des"),
        from_=("fra", "avsender"),
        date=("sendt", "dato"),
        to=("til",),
        cc=("kopi", "vedlegg", "prioritet"),
        subject=("emne",),
        reply_to=("svar til",),
        original=("opprinnelig melding", "original melding", "opprinnelig e-post", "opprinnelig avtale"),
        forwarded=("videresendt melding", "start på videresendt melding", "videresendt e-post",
                   "begynnelse på videresendt melding"),
        phone=("sendt fra", "få outlook", "last ned outlook", "skaff deg outlook", "sendt via"),
    ),
    "fi": Phrases(
        starts=(),
        verbs=("kirjoitti", "kirjoittaa", "lähetti", "kirjoitit"),
        weekdays=("ma", "ti", "ke", "to", "pe", "la", "su", "maanantai", "tiistai", "keskiviikko", "torstai",
                  "perjantai", "lauantai", "sunnuntai"),
        months=("tammi", "helmi", "maalis", "huhti", "touko", "kesä", "heinä", "elo", "syys", "loka", "marras", "joulu"),
        from_=("lähettäjä",),
        date=("lähetetty", "päivämäärä", "päiväys", "aika", "pvm"),
        to=("vastaanottaja", "vastaanottajat"),
        cc=("kopio", "piilokopio", "liitteet", "tärkeys"),
        subject=("aihe", "otsikko"),
        reply_to=("vastausosoite",),
        original=("alkuperäinen viesti", "alkup. viesti", "alkuperäinen sanoma"),
        forwarded=("välitetty viesti", "edelleenlähetetty viesti", "välitetty viesti alkaa", "viesti välitetään",
                   "edelleenlähetetty viesti alkaa"),
        phone=("lähetetty iphon", "lähetetty ipad", "lähetetty android", "lähetetty puhelim", "lähetetty samsung",
               "lähetetty laitte", "lähetetty yahoo", "lähetetty outlook", "lähetetty wind", "lähetetty mobiili",
               "hanki outlook", "lataa outlook"),
    ),
    "cs": Phrases(
        starts=("dne", "dňa", "cituji"),
        verbs=("napsal(a)", "napsal", "napsala", "píše", "napísal", "napísala", "napísal(a)", "odesílatel", "napsali", "napsalo", "napísali"),
        weekdays=("po", "út", "st", "čt", "pá", "so", "ne", "ut", "št", "pi"),
        months=("led", "úno", "bře", "dub", "kvě", "čvn", "čvc", "srp", "zář", "říj", "lis", "pro"),
        from_=("od", "odesílatel", "odosielateľ"),
        date=("odesláno", "datum", "odoslané", "dátum"),
        to=("komu", "pre"),
        cc=("kopie", "skrytá", "přílohy", "kópia", "důležitost"),
        subject=("předmět", "predmet"),
        reply_to=("odpověď komu",),
        original=("původní zpráva", "původní e-mail", "pôvodná správa", "původní zpráva e-mailem"),
        forwarded=("přeposlaná zpráva", "přesměrovaná zpráva", "začátek přeposílané zprávy", "předaná zpráva",
                   "preposlaná správa"),
        phone=("odesláno z", "odoslané z", "odesláno ze", "získejte outlook", "stáhnout outlook", "odesláno pomocí",
               "odesláno přes", "získať outlook"),
    ),
    "ru": Phrases(
        starts=("в", "от", "цитирую", "вы писали"),
        verbs=("написал(а)", "написал", "написала", "пишет", "писал", "писал(а)", "писала", "пише", "вы писали",
               "писали", "написали", "пользователь"),
        weekdays=("пн", "вт", "ср", "чт", "пт", "сб", "вс", "понедельник", "вторник", "среда", "четверг", "пятница",
                  "суббота", "воскресенье"),
        months=("янв", "фев", "мар", "апр", "май", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"),
        from_=("от", "отправитель", "от кого", "від"),
        date=("отправлено", "дата", "дата отправки", "отправлен", "надіслано"),
        to=("кому", "получатель", "до"),
        cc=("копия", "скрытая копия", "вложения", "важность", "копія"),
        subject=("тема",),
        reply_to=("ответить",),
        original=("исходное сообщение", "оригинальное сообщение", "первоначальное сообщение", "исходное письмо"),
        forwarded=("пересылаемое сообщение", "пересланное сообщение", "начало переадресованного сообщения",
                   "перенаправленное сообщение", "пересылаемое письмо", "начало пересылаемого сообщения",
                   "конец пересылаемого сообщения"),
        phone=("отправлено с", "отправлено из", "отправлено со", "скачайте outlook", "получить outlook",
               "надіслано з", "послано с"),
    ),
    "tr": Phrases(
        starts=(),
        verbs=("yazdı", "şunu yazdı", "şunları yazdı", "yazmış", "şöyle yazdı"),
        weekdays=("pzt", "sal", "çar", "per", "cum", "cmt", "paz", "pazartesi", "salı", "çarşamba", "perşembe", "cuma",
                  "cumartesi", "pazar"),
        months=("oca", "şub", "nis", "haz", "tem", "ağu", "eyl", "eki", "kas", "ara"),
        from_=("kimden", "gönderen"),
        date=("gönderildi", "tarih", "gönderilme tarihi", "gönderme tarihi"),
        to=("kime", "alıcı"),
        cc=("bilgi", "gizli", "ekler", "önem"),
        subject=("konu",),
        reply_to=("yanıt adresi", "yanıtla"),
        original=("özgün ileti", "orijinal ileti", "orijinal mesaj", "asıl ileti", "özgün mesaj"),
        forwarded=("iletilen ileti", "iletilmiş ileti", "iletilen mesaj", "yönlendirilen ileti", "iletilen e-posta",
                   "iletilmiş mesaj başlangıcı", "yönlendirilmiş mesaj", "yönlendirilen mesaj"),
        phone=("outlook'u edinin", "outlook'u al", "ios için outlook", "android için outlook"),
        phone_ends=("gönderildi", "cihazımdan gönderildi"),
    ),
    "ja": Phrases(
        starts=(),
        verbs=("のメール", "書きました", "さんは書きました", "は書きました", "wrote", "のメッセージ"),
        from_=("差出人", "送信者", "from"),
        date=("送信日時", "日付", "日時", "送信日", "date"),
        to=("宛先", "受信者"),
        cc=("添付ファイル", "重要度", "ｃｃ"),
        subject=("件名",),
        reply_to=("返信先",),
        original=("元のメッセージ", "元のメール", "オリジナルメッセージ", "original message", "元の予定"),
        forwarded=("転送されたメッセージ", "転送メッセージ", "転送メール", "転送されたメール", "ここから転送されたメッセージです",
                   "ここから転送"),
        phone=("outlook for", "ios 版 outlook", "android 版 outlook", "スマートフォンから送信", "私の"),
        phone_ends=("から送信", "から送信されました", "を入手する", "から送信。"),
    ),
    "zh": Phrases(
        starts=("在", "于", "於"),
        verbs=("写道", "寫道", "写到", "寫到", "编写", "写", "撰寫", "來信"),
        from_=("发件人", "寄件者", "寄件人", "发信人"),
        date=("发送时间", "日期", "寄件日期", "傳送時間", "发送日期", "时间", "已传送", "傳送日期", "發送時間", "發件時間"),
        to=("收件人", "收件者", "至", "收信人"),
        cc=("抄送", "副本", "密件抄送", "附件", "密件副本", "重要性"),
        subject=("主题", "主旨", "主題"),
        reply_to=("回复", "答复", "回覆"),
        original=("原始邮件", "邮件原件", "原始郵件", "原邮件", "原始信息", "原信", "回复的原邮件"),
        forwarded=("转发的邮件", "转发邮件", "轉寄的郵件", "轉寄郵件", "转发邮件信息", "已转发邮件", "被转发的邮件",
                   "开始转发的邮件", "轉寄信件", "轉寄郵件開始", "转发的消息", "下面是被转发的邮件", "以下是转发的邮件",
                   "开始转发邮件"),
        phone=("发自我的", "從我的", "从我的", "發自我的", "发自", "来自我的", "获取 outlook", "取得 outlook", "获取适用于",
               "取得適用於", "傳送自", "我的 iphone"),
        phone_ends=("傳送", "傳送自我的手機", "发送自我的手机"),
    ),
    "ko": Phrases(
        starts=(),
        verbs=("작성", "작성함", "님이 작성", "썼습니다", "작성했습니다", "작성하였습니다"),
        from_=("보낸 사람", "보낸사람", "발신", "발신자"),
        date=("보낸 날짜", "날짜", "보낸날짜", "일시", "보낸 시간"),
        to=("받는 사람", "받는사람", "수신", "수신자"),
        cc=("참조", "숨은 참조", "첨부 파일", "첨부", "중요도"),
        subject=("제목",),
        reply_to=("답장",),
        original=("원본 메시지", "원본 메일", "원본메시지", "원래 메시지", "원본 이메일"),
        forwarded=("전달된 메시지", "전달된 메일", "전달된 이메일", "전달 메시지", "전달한 메시지", "다음은 전달된 메시지입니다"),
        phone=("나의 iphone", "내 iphone", "ios용 outlook", "android용 outlook", "내 갤럭시", "나의 ipad"),
        phone_ends=("에서 보냄", "에서 보냈습니다", "에서 전송됨", "다운로드", "받기"),
    ),
    "vi": Phrases(starts=("vào",), verbs=("đã viết",), from_=("từ",), date=("ngày", "đã gửi"), to=("đến",),
                  subject=("chủ đề",), forwarded=("thư đã chuyển tiếp",), phone=("gửi từ", "đã gửi từ")),
    "hu": Phrases(starts=(), verbs=("ezt írta", "írta"), from_=("feladó",), date=("elküldve", "dátum"),
                  to=("címzett",), subject=("tárgy",), original=("eredeti üzenet",),
                  forwarded=("továbbított üzenet",), phone=("az én", "iphone-ról küldve")),
    "ro": Phrases(starts=("în", "pe"), verbs=("a scris",), from_=("de la",), date=("trimis", "data"), to=("către",),
                  subject=("subiect",), original=("mesaj original",), forwarded=("mesaj redirecționat",),
                  phone=("trimis de pe",), months=("ian", "iun", "iul", "noi")),
    "uk": Phrases(verbs=("написав", "написала", "пише"),
                  months=("січ", "лют", "бер", "квіт", "трав", "черв", "лип", "серп", "вер", "жовт", "лист", "груд")),
    "el": Phrases(starts=("στισ",), verbs=("έγραψε", "έγραψαν"), phone=("στάλθηκε από", "λήψη του outlook")),
    "bg": Phrases(starts=("на",), verbs=("написа", "писа"), phone=("изпратено от",)),
    "hr": Phrases(verbs=("napisao", "napisao je", "napisala je", "napisali"),
                  months=("sij", "velj", "ožu", "svi", "srp", "kol", "ruj", "stu"), phone=("poslano s",)),
    "sl": Phrases(starts=("v", "dne"), verbs=("je napisal", "je napisala", "napisal", "napisala"), phone=("poslano iz",)),
    "et": Phrases(starts=("kuupäev",), verbs=("kirjutas",)),
    "lv": Phrases(verbs=("rakstīja",)),
    "lt": Phrases(verbs=("rašė", "parašė")),
    "ca": Phrases(starts=("dia",), verbs=("va escriure", "ha escrit", "missatge de"), phone=("enviat des",)),
    "id": Phrases(starts=("pada",), verbs=("menulis",), phone=("dikirim dari",)),
    "he": Phrases(starts=("בתאריך", "ב"), verbs=("כתב", "כתבה", "מאת"), phone=("נשלח מ",)),
    "ar": Phrases(starts=("في",), verbs=("كتب", "كتبت", "كتابة"), phone=("أرسلت من", "مرسل من")),
    "th": Phrases(starts=("ในวันที่", "เมื่อ"), verbs=("เขียนว่า", "เขียน"), phone=("ส่งจาก",)),
}  # fmt: skip

PLAIN_DATES = "date data datum dato fecha дата tarih päivämäärä päiväys aika pvm 日期 日付 日時 时间 날짜 일시".split()
"""Labels of a date that people write by themselves, too; the other ones only mail programs write."""

WHEN = frozenset(
    "at am pm uhr um à h las a de del alle ore giorno om às o godz kl v ve klo kello в г р о lúc vào thg la ob u cet cest gmt "
    "dniu w feira th utc est edt cst cdt mst mdt pst pdt mez mesz bst ist brt msk jst kst "
    "오전 오후 월 화 수 목 금 토 일 午前 午後 月 火 水 木 金 土 日 上午 下午 周一 周二 周三 周四 周五 周六 周日 週一 週二 週三 週四 "
    "週五 週六 週日".split()
)
"""Words that stand between day, date and time in an attribution, besides those that open it."""

DEVICES = (
    "iphone ipad ipod android samsung galaxy blackberry htc nokia huawei xiaomi redmi oneplus pixel nexus sony xperia lg "
    "motorola moto lumia droid treo palm windows phone smartphone mobile cell handheld handset device tablet mailbox mail "
    "outlook yahoo gmail airmail spark thunderbird protonmail proton aquamail bluemail k-9 k9 fairemail verizon sprint "
    "t-mobile att at&t vodafone wireless mac macbook pc laptop ti-85 alcatel surface kindle inbox email app sailfish "
    "mobil mobilgerät mobiltelefon handy telefon téléphone teléfono telefono celular móvil cellulare telefoon telemóvel "
    "mobiltelefoon gerät appareil dispositivo apparaat aparelho komórki telefonu urządzenia telefonen mobilen mobiltelefon "
    "samsungs iphonesta puhelimesta android-puhelimesta ipadista mobilu telefonu zařízení телефона смартфона устройства "
    "планшета айфона яндекс.почты почты mail.ru"
).split()
"""Words by which a line that begins as `phone` is known to come from a device or a program."""

PRODUCTS = (
    "outlook gmail mail yahoo aol icloud protonmail proton tuta tutanota spark airmail thunderbird k-9 k9 fairemail bluemail "
    "aquamail canary edison newton boxer nine superhuman zoho gmx web.de freenet t-online mail.ru yandex seznam laposte orange "
    "libero virgilio onet interia naver daum netease foxmail"
).split()
PLATFORMS = "ios android iphone ipad windows mac macos mobile mobil smartphone phone handy galaxy app".split()
"""Mail programs and what they run on: with a link behind them they make a footer, in every language."""

EXCUSES = (
    "excuse",
    "typo",
    "brevity",
    "sorry",
    "pardon",
    "forgive",
    "entschuldig",
    "kürze",
    "disculp",
    "excusez",
    "brev",
)
"""Beginnings of words that may follow the device."""

FOOTERS = (
    "mailing list", "mailing-list", "mailman/listinfo", "to unsubscribe", "unsubscribe", "you received this message because",
    "you are receiving this", "you're receiving this", "list archive", "yahoo! groups", "google groups", "abmelden",
    "se désabonner", "désinscription", "désinscrire", "darse de baja", "annullare l'iscrizione", "cancellarsi",
    "uitschrijven", "afmelden", "cancelar a inscrição", "cancelar inscrição", "wypisać się", "anulować subskrypcję",
    "avregistrera", "afmeld", "meld deg av", "odhlásit", "отписаться", "配信停止", "メーリングリスト", "退订", "取消訂閱",
    "수신거부", "abonelikten çık", "diese e-mail wurde von", "mailing liste", "mailingliste", "liste de diffusion",
    "view this topic", "reply to this email directly", "to reply to this",
)  # fmt: skip
"""Phrases that show a line at the end of a mail to be the footer of a mailing list or a notification."""

REPLY_ABOVE = (
    "reply above this line", "type your reply above this line", "please type your reply above", "write above this line",
    "reply above the line", "antworten sie oberhalb dieser", "bitte oberhalb dieser", "répondez au-dessus de cette",
    "veuillez répondre au-dessus", "responda por encima de esta", "responda encima de esta", "rispondi sopra questa",
    "risponda sopra questa", "prosimy odpowiadać powyżej", "この行より上に",
    "responda acima desta", "reageer boven deze", "truncate here", "do not write below this line", "svar over denne",
    "svara ovanför", "odpowiedz powyżej", "please reply above", "reply above",
)  # fmt: skip
"""Sentences that other systems write where an answer is to end."""
