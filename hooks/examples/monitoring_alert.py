"""A monitoring system sends JSON: its fields become title, priority and text."""

import json

PRIORITY = {"CRITICAL": "Urgent", "DOWN": "Urgent", "WARNING": "High", "OK": "Low", "UP": "Low"}


def activity(mail, item, ctx):
    try:
        alert = json.loads(mail.body)
    except ValueError:
        ctx.warn("no JSON in this mail")
        return
    if not isinstance(alert, dict) or "host" not in alert:
        return
    state = str(alert.get("state", "")).upper()
    item.title = f"[{alert['host']}] {alert.get('check', 'alert')} {state}"[:200]
    item.priority = PRIORITY.get(state, "Normal")
    item.description = json.dumps(alert, indent=2, sort_keys=True, ensure_ascii=False)
    item.add_tag("monitoring")
