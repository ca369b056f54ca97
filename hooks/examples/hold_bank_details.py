"""New bank details in a mail from somebody unknown are looked at by a person first."""

import re

IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
WORDS = ("new bank", "bank details", "account has changed", "neue bankverbindung", "nouveau compte")


def looks_like_an_iban(text):
    digits = "".join(str(int(char, 36)) for char in (text[4:] + text[:4]).replace(" ", "").upper())
    return int(digits) % 97 == 1


def guard(mail, ctx):
    text = f"{mail.subject}\n{mail.body}"
    found = [each for each in IBAN.findall(text) if looks_like_an_iban(each)]
    asks = any(word in text.lower() for word in WORDS)
    if found and asks and "staff" not in ctx.user.groups:
        return ctx.hold("asks for new bank details")
