"""In which language a text is written: a cheap guess.

Here: scripts, and the small words of languages in Latin and Cyrillic script. Not here: what the guess is for.
Invariant: reads 800 characters at most; unsure is "" and never a wrong favourite.
"""

# ruff: noqa: E501  (tables)

from __future__ import annotations

import re
from typing import Final

_LONGEST = 800
_SCRIPTS: Final = re.compile(r"([\u3040-\u30ff])|([\uac00-\ud7af])|([\u4e00-\u9fff])|([\u0400-\u04ff])")
_LEAST, _LEAD = 2, 1

_WORDS: Final[dict[str, frozenset[str]]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the and of is are this that with for have has not you we our your please can from was it to in on be i what hello",
        "de": "der die das und ist nicht ich sie wir mit ein eine für auf den dem zu bitte von es auch haben wird kann hallo sehr",
        "fr": "le la les et est des une un pas que pour vous nous je dans sur avec ce mon votre merci bonjour qui au du ne plus",
        "es": "el la los las y es que no un una por para con se su lo me hola gracias del mi está pero como más usted al",
        "it": "il lo la gli e è che non un una per con mi si del della sono ho grazie ciao di questo anche come più nel",
        "nl": "de het een en is niet ik van dat op te met voor we je u zijn heb graag maar ook kan wij deze hallo aan",
        "pt": "o a os as e é que não um uma para com por se eu você meu do da em no na obrigado olá mais está como",
        "pl": "i w nie na się jest że z do to jak proszę dla od mam co ale czy tak po dzień dobry już są",
        "sv": "och att det är inte en ett på för med som jag har vi till av kan men hej från tack den ni om",
        "da": "og at det er ikke en et på for med som jeg har vi til af kan men hej fra tak den jer om mig",
        "no": "og at det er ikke en et på for med som jeg har vi til av kan men hei fra takk den dere om meg",
        "fi": "ja on ei se että mutta kun niin ovat olen tämä voi hei kiitos minä me mitä jos myös ole kuin olisi",
        "cs": "a je se na že to v není s jsem prosím do z jako pro ale si by dobrý den děkuji nebo jsme který už",
        "tr": "ve bir bu için ile de da ne çok var değil ama daha gibi ben merhaba lütfen olarak kadar sonra teşekkürler mi",
    }.items()
}
_OWNERS: Final[dict[str, tuple[str, ...]]] = {
    word: tuple(language for language, words in _WORDS.items() if word in words)
    for word in sorted(frozenset().union(*_WORDS.values()))
}
_UKRAINIAN: Final = frozenset("іїєґ")


def guess(text: str) -> str:
    """Guess the language of a text as "en", "de", …; "" if unsure."""
    text = text[:_LONGEST]
    if not text.isascii():
        script = _by_script(text)
        if script:
            return script
    hits = _OWNERS.keys() & text.lower().replace(",", " ").replace(".", " ").split()
    counts: dict[str, int] = {}
    for word in hits:
        for one in _OWNERS[word]:
            counts[one] = counts.get(one, 0) + 1
    language = max(counts, key=counts.__getitem__, default="")
    best = counts.pop(language, 0)
    return language if best >= _LEAST and best - max(counts.values(), default=0) >= _LEAD else ""


def _by_script(text: str) -> str:
    """The language that a script belongs to, where most letters are in it."""
    if (len(text.encode("utf-8", "replace")) - len(text)) * 3 < len(text):  # Latin letters take one byte
        return ""
    found = _SCRIPTS.findall(text)
    if len(found) * 4 < sum(map(str.isalpha, text)):
        return ""
    kana, hangul, han, cyrillic = (sum(1 for one in found if one[group]) for group in range(4))
    most = max(kana + han, hangul, cyrillic)
    if most == cyrillic:
        return "" if _UKRAINIAN & set(text.lower()) else "ru"
    if most == hangul:
        return "ko"
    return "ja" if kana * 10 > han else "zh"
