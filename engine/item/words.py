"""Words in the languages of people: those they write in keyword lines, and the few that an item says by itself.

Here: the words for yes and no, the form in which keys compare, the description of an item without one.
Not here: what fields are called (`model/fields.py`), how keyword lines are read (`keywords.py`).
"""

from __future__ import annotations

import unicodedata

YES = frozenset({
    "1", "ano", "da", "evet", "j", "ja", "kyllä", "on", "oui", "prawda", "si", "sim", "sì", "sí", "tak", "true",
    "verdadeiro", "verdadero", "vero", "vrai", "wahr", "y", "yes", "да", "はい", "是", "네", "예",
})  # fmt: skip
NO = frozenset({
    "0", "ei", "falsch", "false", "falso", "faux", "fałsz", "hayır", "n", "nao", "ne", "nee", "nei", "nein", "nej",
    "nie", "no", "non", "não", "off", "нет", "いいえ", "不", "否", "아니오", "아니요",
})  # fmt: skip


NOTHING_SAID = {
    "en": "No description provided.",
    "de": "Keine Beschreibung angegeben.",
    "fr": "Aucune description fournie.",
    "es": "No se ha indicado ninguna descripción.",
    "it": "Nessuna descrizione fornita.",
    "nl": "Geen beschrijving opgegeven.",
    "pt": "Nenhuma descrição fornecida.",
    "pl": "Nie podano opisu.",
    "ja": "説明はありません。",
}
"""The description of an item whose mail has no text, by the language of the instance (F093)."""


def fold(key: str) -> str:
    """The form in which keys compare: any case, any width, `_` and `-` as blanks, blanks once."""
    if not key.isascii():
        key = unicodedata.normalize("NFKC", key)
    return " ".join(key.casefold().replace("_", " ").replace("-", " ").split())
