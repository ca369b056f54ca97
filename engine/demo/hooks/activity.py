"""Last change to the item: a word in brackets names the responsible, the sender's domain the customer."""

import re


def activity(mail, item, ctx):
    if not item.is_new:
        return
    found = re.match(r"\[(\w+)\]\s*(.*)", mail.subject)
    if found:
        responsible = ctx.lookup("responsible", found.group(1).lower())
        if responsible:
            item.assignee = responsible
            item.title = found.group(2)
    item["Customer"] = ctx.lookup("customers", mail.from_address.split("@")[-1], "unknown")
