"""What `allegra hooks new` writes: a first script of each kind, and a fixture for it.

Here: two texts each. Not here: writing them (`hooks.py`). Invariant: each fixture passes with its script.
"""

SCRIPTS = {
    "guard": '''"""May this mail in? Say nothing, or refuse with ctx.reject("why") or ctx.hold("why")."""


def guard(mail, ctx):
    domain = mail.from_address.rpartition("@")[2].lower()
    if domain in ctx.params.get("blocked", []):
        return ctx.reject(f"mail from {domain} is not accepted")
''',
    "activity": '''"""The last change to the item before it is saved."""


def activity(mail, item, ctx):
    if "urgent" in mail.subject.lower():
        item.priority = "High"
        item.add_tag("urgent")
''',
}

FIXTURES = {
    "guard": """{
  "purpose": "a blocked domain is refused",
  "mail": {"from_address": "eve@spam.example"},
  "params": {"blocked": ["spam.example"]},
  "expected": {"verdict": "reject", "reason": "mail from spam.example is not accepted"}
}
""",
    "activity": """{
  "purpose": "urgent mail gets a high priority",
  "mail": {"subject": "URGENT: the printer is on fire"},
  "item": {"priority": "Normal", "tags": []},
  "expected": {"changes": {"priority": "High", "tags": ["urgent"]}}
}
""",
}
