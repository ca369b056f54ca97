"""Bank details do not belong into items: all but the last four characters are crossed out.

Meant for a rule: then = ['run hook "redact_iban"', 'add label "iban-removed"'].
"""

import re

IBAN = re.compile(
    r"\b([A-Z]{2}\d{2})((?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?)\b", re.A
)  # with re.A, \b is fast in every text


def crossed_out(match):
    return match.group(1) + " **** " + match.group(2).replace(" ", "")[-4:]


def activity(mail, item, ctx):
    for name in ("title", "description", "comment"):
        if name in item.field_names and item[name]:
            item[name] = IBAN.sub(crossed_out, item[name])
