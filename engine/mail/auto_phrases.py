"""What vacation programs write into subjects, in many languages. Data only, one language a line."""

# ruff: noqa: E501

from __future__ import annotations

import re
from typing import Final

VACATION: Final = re.compile(
    r"""\s*+(?:\[[^\]]{0,60}+\]\s*+|\*\s*+|(?:re|aw|sv|vs|odp|ynt|antw|回复|答复)\s?:\s*+)*+
    (?:auto[-\s]?(?:reply|response|respond|responder|matic\ (?:reply|response|answer))|automated\ (?:reply|response)
    |automatisch(?:e|es)?\ (?:antwort|antwoord|beantwoord)|autom\.?\ antwort|abwesenheits(?:notiz|assistent|nachricht|meldung)
    |out\ of\ (?:the\ )?office|i(?:'m|\ am)\ (?:currently\ )?out\ of\ (?:the\ )?office|vacation\ (?:reply|response|message|notice)
    |(?:i\ am\ )?(?:away|absent)\ from\ (?:the\ |my\ )?(?:office|mail|desk)|ooo|oof|on\ vacation|on\ (?:annual|maternity|parental)\ leave
    |abwesend|bin\ (?:nicht\ im\ haus|im\ urlaub|abwesend)|ich\ bin\ (?:nicht\ im\ haus|im\ urlaub|abwesend)|nicht\ im\ büro
    |r[ée]ponse\ automatique|message\ (?:automatique\ )?d['’]absence|absent(?:e)?\ du\ bureau|absence\ du\ bureau|notification\ d['’]absence
    |absence\ automatique|r[ée]pondeur\ automatique
    |respuesta\ autom[áa]tica|fuera\ de\ (?:la\ )?oficina|contestaci[óo]n\ autom[áa]tica|mensaje\ de\ ausencia|ausente\ de\ la\ oficina
    |risposta\ automatica|fuori\ (?:sede|ufficio)|messaggio\ di\ assenza|assente\ dall['’]ufficio
    |afwezigheids?(?:bericht|melding|assistent)?|niet\ aanwezig|buiten\ kantoor
    |resposta\ autom[áa]tica|fora\ do\ escrit[óo]rio|aus[êe]ncia\ tempor[áa]ria|mensagem\ de\ aus[êe]ncia
    |odpowied[źz]\ automatyczna|automatyczna\ odpowied[źz]|autoodpowied[źz]|poza\ biurem|nieobecno[śs][ćc]\ w\ biurze
    |auto(?:matisk)?t?[-\s]?svar|autosvar|frånvaro(?:meddelande)?|frånvarande|inte\ på\ kontoret|ikke\ til\ ?stede|fravær(?:smelding|sbesked)?|fraværende
    |ikke\ på\ kontoret|er\ ikke\ på\ kontoret|automaattinen\ vastaus|automaattivastaus|poissaolo(?:viesti|ilmoitus)?|poissa\ toimistosta
    |automatick[áa]\ odpov[ěe][ďd]|automatická\ odpoveď|mimo\ kancel[áa][řr]
    |автоматический\ ответ|автоответ(?:чик)?|автовідповідь|автоматична\ відповідь|вне\ офиса|нет\ на\ месте
    |自動応答|自動返信|不在(?:通知|メッセージ|の?お知らせ|届)|自动(?:回复|答复|回覆)|自動(?:回覆|答覆)|不在办公室|不在辦公室
    |자동\ ?(?:회신|응답|답장)|부재\ ?중
    |otomatik\ (?:yan[ıi]t|cevap)|ofis\ d[ıi][şs][ıi]nda|automatikus\ válasz|r[ăa]spuns\ automat)
    (?P<end>\s*$|\s*[:：;,!–—(\[-]|\s+(?:re|aw|from|until|till|von|bis|de|du|until|for|notification|message|reply|autoreply|response)\b|\.\s*$)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Subjects of automatic replies; `end` keeps out those that go on like a sentence of a person."""
