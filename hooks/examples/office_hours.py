"""Urgent mail that comes when nobody is there is marked for the people on call.

`opens` and `closes` are hours, `offset` is that of your zone to UTC; all three in the parameter file.
"""

from datetime import timedelta, timezone


def activity(mail, item, ctx):
    now = ctx.now.astimezone(timezone(timedelta(hours=ctx.params.get("offset", 1))))
    weekend = now.weekday() >= 5
    early_or_late = not ctx.params.get("opens", 8) <= now.hour < ctx.params.get("closes", 18)
    urgent = item.priority in ("High", "Urgent") or "urgent" in mail.subject.lower()
    if urgent and (weekend or early_or_late):
        item.add_tag("on-call")
        ctx.log(f"{now:%A %H:%M}: nobody is here")
