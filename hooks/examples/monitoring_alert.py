"""A monitoring system sends JSON: its fields become title, priority and text."""

import json

PRIORITY = {"CRITICAL": "Urgent", "DOWN": "Urgent", "WARNING": "High", "OK": "Low", "UP": "Low"}


def plain(text, most):
    """What a stranger wrote, without what cannot be printed."""
    return "".join(char for char in text[:most] if char.isprintable() or char == "\n")


def activity(mail, item, ctx):
    try:
        alert = json.loads(mail.body)
        if not isinstance(alert, dict) or "host" not in alert:
            return
        state = str(alert.get("state", "")).upper()
        title = f"[{alert['host']}] {alert.get('check', 'alert')} {state}"
        text = json.dumps(alert, indent=2, sort_keys=True, ensure_ascii=False)
    except (ValueError, RecursionError):
        ctx.warn("no JSON in this mail")
        return
    item.title = " ".join(plain(title, 200).split())
    item.priority = PRIORITY.get(state, "Normal")
    item["description" if item.is_new else "comment"] = plain(text, 100_000)
    item.add_tag("monitoring")
