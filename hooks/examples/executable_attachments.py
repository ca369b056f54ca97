"""Programs are not accepted, whatever they claim to be."""

import re

PROGRAM = re.compile(r"\.(exe|com|bat|cmd|scr|pif|js|jse|vbs|vbe|wsf|hta|ps1|msi|lnk|iso|jar)$", re.I)


def guard(mail, ctx):
    found = sorted(file.name for file in mail.attachments if PROGRAM.search(file.name.strip()))
    if found:
        return ctx.reject("attachments that are programs are not accepted: " + ", ".join(found))
