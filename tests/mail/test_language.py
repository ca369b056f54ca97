"""The guessed language of a text."""

import pytest

from engine.mail.language import guess

TEXTS = {
    "en": "Hello, the printer in the office is on fire. Please can you help me with this?",
    "de": "Hallo, der Drucker im Büro brennt. Bitte helfen Sie mir, ich kann nicht mehr drucken.",
    "fr": "Bonjour, je ne peux pas imprimer dans le bureau. Merci pour votre aide.",
    "es": "Hola, la impresora no funciona. Por favor, ¿me puede ayudar con el problema? Gracias.",
    "it": "Ciao, la stampante non funziona più. Grazie per il vostro aiuto con questo problema.",
    "nl": "Hallo, de printer op kantoor doet het niet. Graag hulp, ik kan ook niet mailen.",
    "pt": "Olá, a impressora não funciona. Você pode me ajudar com isso? Obrigado.",
    "pl": "Dzień dobry, drukarka nie działa. Proszę o pomoc, jak to naprawić?",
    "sv": "Hej, skrivaren fungerar inte. Kan ni hjälpa mig med det? Jag har inte något papper.",
    "da": "Hej, printeren virker ikke. Kan I hjælpe mig med det? Jeg er ikke på kontoret.",
    "fi": "Hei, tulostin ei toimi. Voitteko auttaa? Kiitos, että se on pian kunnossa.",
    "cs": "Dobrý den, tiskárna nefunguje. Prosím, jak je to možné? Děkuji.",
    "ru": "Здравствуйте, принтер не работает. Помогите, пожалуйста.",
    "ja": "プリンターが動きません。確認をお願いします。",
    "zh": "打印机坏了，请检查一下，谢谢。",
    "ko": "프린터가 작동하지 않습니다. 확인 부탁드립니다.",
    "tr": "Merhaba, yazıcı çalışmıyor. Lütfen bana bu konuda yardım edin, çok teşekkürler.",
}


@pytest.mark.parametrize("language", TEXTS)
def test_a_sentence_is_enough(language: str) -> None:
    assert guess(TEXTS[language]) == language


@pytest.mark.parametrize("text", ["", "12345", "Printer", "asdf qwer zxcv", "Приклад їжі", "!!! ???"])
def test_unsure_is_empty(text: str) -> None:
    assert guess(text) == ""
