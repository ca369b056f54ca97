"""The help desk that is measured: a configuration, 50 accounts, 25 rules, both hooks, in a folder of its own.

It raises `mails_per_sender`, `total_rate` and the caps on automatic answers, because 2,000 mails of 50 senders within
seconds are a flood to the defaults, and says so; likewise the example rule against floods gets a higher number. Of 50
colleagues none waits for new items: who hears is found for each mail, and the sender's answer is written. Nothing else
is softened.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from bench.corpus import SENDERS, write_maildir

CONFIG = """
schema = 1
[instance]
name = "Bench"
timezone = "UTC"
[system]
rules = "rules/system.toml"
default_workspace = "support"
[system.mailbox]
protocol  = "maildir"
path      = "mail"
addresses = ["help@example.com"]
max_emails = 1000000
move_on_success = "Done"
[gates]
trusted_authserv_ids = ["mx.example.com"]
mails_per_sender = { limit = 1000000, per = "1 hour", then = "hold" }
total_rate       = { limit = 1000000, per = "1 hour", then = "hold" }
[people.cc]
addCcAsReader = true
[smtp]
host = "smtp.invalid"
from = "Help <help@example.com>"
max_per_run = 0
[replies]
automatic_total         = 1000000
automatic_per_recipient = 1000000
automatic_per_item      = 1000000
[notify.defaults]
new = "none"
[hooks]
directory = "hooks"
guard     = ["guard.py"]
activity  = ["activity.py"]
[workspace.support]
name = "Support"
rules = "rules/support.toml"
[workspace.finance]
name = "Finance"
plus = ["billing"]
[workspace.partners]
name = "Partners"
"""

GUARD = '''"""May this mail in?"""
def guard(mail, ctx):
    domain = mail.from_address.rpartition("@")[2].lower()
    if domain in ("spam.example", "evil.example"):
        return ctx.reject("blocked")
    if "gift card" in mail.subject.lower():
        return ctx.hold("gift card")
'''

ACTIVITY = '''"""Last change to the item."""
import re
ORDER = re.compile(r"order[ #]*(\\d{5,})", re.I)
def activity(mail, item, ctx):
    if not item.is_new:
        return
    found = ORDER.search(mail.body)
    if found:
        item["Order number"] = found.group(1)
    if "urgent" in mail.subject.lower():
        item.priority = "High"
    item["Customer"] = mail.from_address.split("@")[-1]
'''

REDACT = '''"""Bank details do not belong into an item (rule 25 calls this one)."""
import re
IBAN = re.compile(r"\\b[A-Z]{2}\\d{2}( ?[A-Z0-9]{4}){3,7}\\b")
def activity(mail, item, ctx):
    item.description = IBAN.sub("(removed)", item.description)
'''


def make(folder: Path, count: int, seed: int = 1) -> int:
    """Write the desk and `count` mails into `folder`; gives the number of bytes of mail."""
    write(folder)
    return write_maildir(folder / "mail", count, seed)


def write(folder: Path, more: str = "") -> None:
    """Write the desk alone, with `more` in its configuration."""
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    (folder / "hooks").mkdir(exist_ok=True)
    (folder / "allegra.toml").write_text(CONFIG + more, encoding="utf-8")
    (folder / "hooks" / "guard.py").write_text(GUARD, encoding="utf-8")
    (folder / "hooks" / "activity.py").write_text(ACTIVITY, encoding="utf-8")
    (folder / "hooks" / "redact_iban.py").write_text(REDACT, encoding="utf-8")
    for name in ("system.toml", "support.toml"):
        text = (files("rules") / "examples" / name).read_text(encoding="utf-8")
        text = text.replace("sender.mails_last_hour > 20", "sender.mails_last_hour > 1000000")
        (folder / "rules" / name).write_text(text, encoding="utf-8")


def data(*more: str) -> dict[str, object]:
    """Accounts, workspaces (`more` than those of the desk) and fields, as `allegra admin load` takes them."""
    users = [
        {"login": f"user{n:02d}", "name": f"User {n:02d}", "emails": [f"user{n:02d}@example.com"], "groups": ["staff"]}
        for n in range(SENDERS)
    ]
    names = ("support", "finance", "partners", *more)
    return {
        "users": users,
        "groups": [{"name": each} for each in ("staff", "tier2", "onsite", "de")],
        "roles": [
            {"name": "member", "permissions": ["view_items", "add_items", "add_comments", "edit_items", "watch"]}
        ],
        "workspaces": [{"identifier": each, "name": each.title(), "categories": ["Hardware"]} for each in names],
        "members": [{"group": "staff", "workspace": each, "role": "member"} for each in names],
        "fields": [{"name": each, "kind": "text"} for each in ("Order number", "Customer", "external_ref")],
    }
