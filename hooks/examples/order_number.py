"""The order number in subject or text goes into its own field, and the customer is looked up by domain."""

import re

ORDER = re.compile(r"\b(?:order|bestellung|auftrag|PO)[ :#.-]{0,9}(?:no\.?|nr\.?)?[ :#]{0,9}(\d{5,10})\b", re.I | re.A)
# With re.A, \b is fast in every text; what repeats is bounded.


def activity(mail, item, ctx):
    found = ORDER.search(mail.subject) or ORDER.search(mail.body)
    if found:
        item["Order number"] = found.group(1)
    domain = mail.from_address.rpartition("@")[2].lower()
    item["Customer"] = ctx.lookup("customers", domain, item["Customer"])
