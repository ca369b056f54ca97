"""What vacation programs write into subjects, a row a language, all those that Exchange ships among them.

Here: the phrases, and `vacation`, which finds one. Not here: other signs of a machine (`auto.py`).
Invariant: linear; a subject that goes on like a sentence of a person is none.
"""

# ruff: noqa: E501

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

SUBJECTS: Final[Mapping[str, str]] = {
    "af": r"outomatiese (?:antwoord|beantwoording)|buite kantoor",
    "ar": r"(?:ال)?رد (?:ال)?تلقائي|رد آلي|خارج المكتب",
    "bg": r"автоматичен отговор|извън офиса",
    "bn": r"স্বয়ংক্রিয় (?:উত্তর|জবাব|প্রত্যুত্তর)",
    "bs": r"automatski odgovor|van kancelarije",
    "ca": r"resposta automàtica|fora de l['’]oficina",
    "cs": r"automatick[áa] odpov[ěe][ďd]|mimo kancel[áa][řr]",
    "cy": r"ateb awtomatig",
    "da": r"auto(?:matisk)?[-\s]?svar|autosvar|ikke til ?stede|fravær(?:sbesked)?|fraværende|(?:er )?ikke på kontoret",
    "de": r"automatisch(?:e|es)? (?:antwort|beantwortung)|autom\.? antwort|abwesenheits(?:notiz|assistent|nachricht|meldung)"
    r"|abwesend|(?:ich )?bin (?:nicht im haus|im urlaub|abwesend)|nicht im büro",
    "el": r"αυτ[όο]ματη απ[άα]ντηση|εκτ[όο]ς γραφε[ίι]ου",
    "en": r"auto[-\s]?(?:reply|response|respond|responder|matic (?:reply|response|answer))|automated (?:reply|response)"
    r"|(?:i(?:'m| am) (?:currently )?)?out[ -]of[ -](?:the[ -])?office|vacation (?:reply|response|message|notice)"
    r"|(?:i am )?(?:away|absent) from (?:the |my )?(?:office|mail|desk)|ooo|oof|on vacation"
    r"|on (?:annual|maternity|parental) leave",
    "es": r"respuesta autom[áa]tica|fuera de (?:la )?oficina|contestaci[óo]n autom[áa]tica|mensaje de ausencia"
    r"|ausente de la oficina",
    "et": r"automaat(?:ne )?vastus|kontorist väljas",
    "eu": r"erantzun automatikoa|bulegotik kanpo",
    "fa": r"پاسخ (?:خودکار|اتوماتیک)|خارج از دفتر",
    "fi": r"automaattinen vastaus|automaattivastaus|poissaolo(?:viesti|ilmoitus)?|poissa toimistosta",
    "fil": r"awtomatikong (?:tugon|pagtugon|sagot)",
    "fr": r"r[ée]ponse automatique|message (?:automatique )?d['’]absence|absent(?:e)? du bureau|absence du bureau"
    r"|notification d['’]absence|absence automatique|r[ée]pondeur automatique",
    "ga": r"freagra uathoibríoch",
    "gl": r"resposta automática|f[óo]ra da oficina",
    "he": r"(?:תשובה|תגובה) אוטומטית|מענה אוטומטי|מחוץ למשרד",
    "hi": r"(?:स्वचालित|स्वतः) (?:उत्तर|जवाब|प्रत्युत्तर)",
    "hr": r"automatski odgovor|izvan ureda",
    "hu": r"automatikus válasz|házon kívül",
    "id": r"balasan otomatis|di luar kantor",
    "is": r"sjálfvirkt svar",
    "it": r"risposta automatica|fuori (?:sede|ufficio)|messaggio di assenza|assente dall['’]ufficio",
    "ja": r"自動応答|自動返信|不在(?:通知|メッセージ|の?お知らせ|届)",
    "kk": r"автоматты (?:түрде )?жауап(?: беру)?",
    "ko": r"자동 ?(?:회신|응답|답장)|부재 ?중",
    "lt": r"automatinis (?:atsakymas|atsakas)|nesu biure|ne biure",
    "lv": r"automātisk[aā] atbilde|ārpus biroja",
    "mk": r"автоматски одговор",
    "mr": r"(?:स्वयंचलित|स्वयं) (?:उत्तर|प्रत्युत्तर)",
    "ms": r"balasan automatik|jawapan automatik|luar pejabat",
    "nb": r"automatisk(?:e)? svar|fraværsmelding|borte fra kontoret",
    "nl": r"automatisch (?:antwoord|beantwoord)|afwezigheids?(?:bericht|melding|assistent)?|niet aanwezig|buiten kantoor",
    "pl": r"odpowied[źz] automatyczna|automatyczna odpowied[źz]|autoodpowied[źz]|poza biurem|nieobecno[śs][ćc] w biurze",
    "pt": r"resposta autom[áa]tica|fora do escrit[óo]rio|aus[êe]ncia tempor[áa]ria|mensagem de aus[êe]ncia",
    "ro": r"r[ăa]spuns automat|în afara biroului|absent de la birou",
    "ru": r"автоматический ответ|автоответ(?:чик)?|вне офиса|нет на месте",
    "sk": r"automatická odpoveď|mimo kancelárie",
    "sl": r"samodejni odgovor|zunaj pisarne",
    "sq": r"përgjigje automatike",
    "sr": r"аутоматски одговор|automatski odgovor|ван канцеларије|van kancelarije",
    "sv": r"auto(?:matiskt)?[-\s]?svar|frånvaro(?:meddelande)?|frånvarande|inte på kontoret",
    "sw": r"jibu (?:la )?otomatiki|jibu la kiotomatiki",
    "ta": r"தானியங்கு பதில்|தானியங்கி பதில்",
    "te": r"స్వయంచాలక (?:ప్రత్యుత్తరం|సమాధానం)",
    "th": r"(?:การ|ข้อความ)?ตอบกลับ(?:โดย)?อัตโนมัติ|ไม่อยู่ที่สำนักงาน",
    "tr": r"otomatik (?:yan[ıi]t|cevap)|ofis d[ıi][şs][ıi]nda",
    "uk": r"автоматична відповідь|автовідповідь|поза офісом",
    "ur": r"خودکار (?:طور پر )?جواب",
    "vi": r"(?:thư )?(?:trả lời|phản hồi) tự động",
    "zh": r"自[动動](?:回[复覆復]|答[复覆復])|不在[办辦]公室",
}  # fmt: skip
"""By language what stands at the start of the subject; the words before a colon are those of Exchange."""

_FRONT = r"\s*+(?:\[[^\]]{0,60}+\]\s*+|\*\s*+|(?:re|aw|sv|vs|odp|ynt|antw|回复|答复)\s?:\s*+)*+"
_END = (
    r"(?:\s*$|\s*[:：;,!–—(\[-]|\s+(?:re|aw|from|until|till|von|bis|de|du|for|notification|message|reply|autoreply|response)\b"
    r"|\.\s*$)"
)
"""What keeps out subjects that go on like a sentence of a person."""

_PHRASES = unicodedata.normalize("NFC", "|".join(SUBJECTS.values()))
_VACATION: Final = re.compile(f"{_FRONT}(?:{_PHRASES}){_END}", re.IGNORECASE)
_MARKS = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
LOOKED_AT = 300


def vacation(subject: str) -> bool:
    """Tell whether a subject is that of a vacation program; marks of direction and composed letters do not matter."""
    start = subject[:LOOKED_AT]
    if not start.isascii():
        start = unicodedata.normalize("NFC", _MARKS.sub("", start))
    return _VACATION.match(start) is not None
