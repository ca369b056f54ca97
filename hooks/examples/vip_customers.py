"""Mail of important customers gets a higher priority and a person of its own, from [lookup.vip]."""


def activity(mail, item, ctx):
    who = ctx.lookup("vip", mail.from_address.lower(), "") or ctx.lookup(
        "vip", mail.from_address.split("@")[-1].lower(), ""
    )
    if not who:
        return
    if item.priority not in ("High", "Urgent"):
        item.priority = "High"
    if item.is_new and not item.assigned_to:
        item.assigned_to = who
    item.add_tag("vip")
