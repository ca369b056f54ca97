"""New bank details in a mail from somebody unknown are looked at by a person first."""

import re

IBAN = re.compile(
    r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b", re.A
)  # with re.A, \b is fast in every text
DIGITS = str.maketrans({letter: str(int(letter, 36)) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"})
WORDS = ("new bank", "bank details", "account has changed", "neue bankverbindung", "nouveau compte")


def looks_like_an_iban(text):
    return int((text[4:] + text[:4]).replace(" ", "").translate(DIGITS)) % 97 == 1


def guard(mail, ctx):
    text = f"{mail.subject}\n{mail.body}"
    lower = text.lower()
    asks = any(word in lower for word in WORDS)
    if asks and "staff" not in ctx.user.groups and any(looks_like_an_iban(each) for each in IBAN.findall(text)):
        return ctx.hold("asks for new bank details")
