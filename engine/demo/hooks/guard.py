"""May this mail in? A mail that asks for another bank account is looked at by a person first."""

import re

IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b")


def guard(mail, ctx):
    domain = mail.from_address.rpartition("@")[2].lower()
    if domain in ctx.params.get("blocked", []):
        return ctx.reject(f"sender domain {domain} is blocked")
    asks = "bank" in mail.body.lower() and "account" in mail.body.lower()
    if asks and IBAN.search(mail.body) and not mail.is_reply:
        return ctx.hold("asks for new bank details")
