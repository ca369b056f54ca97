"""Containers that hold the text of a mail and need no key: opaque-signed and packed S/MIME, winmail.dat.

Here: which attachments are opened, and what of them joins the mail. Not here: the formats (`cms.py`,
`tnef_message.py`), the files of a winmail.dat (`tnef.py`, where that is wanted), verifying anything.
Invariant: what is inside is the sender's word like all the rest; an S/MIME container that was opened is replaced by
what was in it. A signed document stays a file; so does a winmail.dat, which speaks only where the mail says nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from engine.mail import cms, html, parts, tnef_message
from engine.mail.secrecy import is_smime, is_winmail
from engine.model.mail import Attachment, Mail

MOST = 5
"""Containers that are opened in one mail."""
DEEPEST = 3
"""How far containers in containers are opened."""


class Inside(Struct, frozen=True):
    """What the containers of a mail hold; `opened` are the paths of those that were read to the end."""

    texts: tuple[str, ...] = ()
    html: str = ""
    files: tuple[Attachment, ...] = ()
    opened: tuple[str, ...] = ()
    message_class: str = ""


NOTHING = Inside()


def look(raw: bytes, files: tuple[Attachment, ...], is_mute: bool, read: Callable[[bytes], Mail] | None) -> Inside:
    """Open what can be opened. `is_mute`: the mail says nothing outside; `read` reads a mail, None deep inside."""
    found = NOTHING
    opened = 0
    for file in files:
        smime, winmail = is_smime(file.part), is_winmail(file.content_type)
        if opened >= MOST or not (smime or winmail):
            continue
        opened += 1
        content = file.content or parts.content(raw, file.part)
        if winmail:
            found = _winmail(content, file, is_mute, found)
        elif read is not None and cms.is_mail(inside := cms.content(content)[1]):
            found = _mail(read(inside), file, found)
    if found is NOTHING:
        return found
    replaced = {path for path in found.opened if any(is_smime(file.part) and file.part.path == path for file in files)}
    kept = tuple(file for file in files if file.part.path not in replaced)
    return replace(found, files=(*kept, *found.files))


def _winmail(content: bytes, file: Attachment, is_mute: bool, found: Inside) -> Inside:
    said = tnef_message.read(content)
    if said is None:
        return found
    text = (said.text if said.text.strip() else html.to_text(said.html)) if is_mute else ""
    return replace(
        found,
        texts=(*found.texts, text) if text.strip() else found.texts,
        html=found.html or ("" if said.text.strip() or not is_mute else said.html),
        opened=found.opened if said.closed else (*found.opened, file.part.path),
        message_class=found.message_class or said.message_class,
    )


def _mail(mail: Mail, file: Attachment, found: Inside) -> Inside:
    """Take over what a signed mail holds; its files get bytes of their own, they stand nowhere in the raw mail."""
    files = (
        replace(each, part=file.part, content=each.content or parts.content(mail.raw.content, each.part))
        for each in mail.attachments
        if each.size_bytes
    )
    has_plain = any(part.content_type == "text/plain" and part.disposition != "attachment" for part in mail.parts)
    return replace(
        found,
        texts=(*found.texts, mail.text) if mail.text.strip() else found.texts,
        html=found.html or ("" if has_plain else mail.html),
        files=(*found.files, *files),
        opened=(*found.opened, file.part.path),
        message_class=found.message_class or mail.message_class,
    )
