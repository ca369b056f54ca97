"""The routing table: words of the subject decide workspace, category and who is responsible.

The table is [lookup.routes] of the parameter file: a word, then "workspace / category / responsible", each optional.
The quoted mail below a reply and the usual small print are cut, and pictures of signatures are left out.
"""

import re

QUOTE = re.compile(r"^(On .+ wrote:|Am .+ schrieb .+:|-----\s*Original Message\s*-----|Von: .+)$.*", re.M | re.S)
SMALL_PRINT = re.compile(
    r"^(This e-?mail (and any attachments )?is confidential|Diese E-?Mail ist vertraulich).*", re.M | re.S | re.I
)
WORD = re.compile(r"[\w-]+")


def route(item, ctx, words):
    for word in words:
        row = ctx.lookup("routes", word, "")
        if row:
            workspace, category, responsible = (part.strip() for part in (row + "//").split("/")[:3])
            if workspace and item.is_new:
                item.workspace = workspace
            if category:
                item.category = category
            if responsible:
                item.responsible = responsible
            ctx.log(f"{word}: {row}")
            return


def cut(text):
    return SMALL_PRINT.sub("", QUOTE.sub("", text)).strip()


def activity(mail, item, ctx):
    route(item, ctx, WORD.findall(mail.subject.lower()))
    field = "description" if item.is_new else "comment"
    item[field] = cut(item[field]) or item[field]
    for file in mail.attachments:
        if file.content_type.startswith("image/") and file.size < ctx.params.get("smallest_picture", 10_000):
            file.drop("picture of a signature")
