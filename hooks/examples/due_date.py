"""A deadline in the text becomes the due date: "until 03.02.2026", "by 2026-02-03", "within 5 days"."""

import re
from datetime import datetime, timedelta

A = re.I | re.A  # with re.A, \b is fast in every text
DAY = re.compile(r"\b(?:until|by|before|bis(?: zum)?|jusqu'au)\s+(\d{1,2}\.\d{1,2}\.\d{4}|\d{4}-\d{2}-\d{2})\b", A)
DAYS = re.compile(r"\bwithin (\d{1,2}) days?\b", A)


def deadline(text, now):
    found = DAY.search(text)
    if found:
        pattern = "%d.%m.%Y" if "." in found.group(1) else "%Y-%m-%d"
        return datetime.strptime(found.group(1), pattern).date()
    found = DAYS.search(text)
    return now.date() + timedelta(days=int(found.group(1))) if found else None


def activity(mail, item, ctx):
    try:
        day = deadline(mail.body, ctx.now)
    except ValueError:
        ctx.warn("a date that does not exist")
        return
    if day and day >= ctx.now.date():
        item.due_date = day
