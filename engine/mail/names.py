"""File names that are safe to show and to save, whatever a mail says.

Here: cleaning (`safe`) and the names of parts that have none (F133). Not here: decoding of names (`headers`).
Invariant: a name is not empty, has no slash, backslash, control, bidi or invisible character, does not begin with a
dot, is at most 200 characters and 240 bytes of UTF-8, and keeps its extension.
"""

from __future__ import annotations

import re
import unicodedata

MOST_CHARACTERS = 200
MOST_BYTES = 240
LONGEST_EXTENSION = 20

_PATH = re.compile(r"^(?:[A-Za-z]:|[\\/~]|\.{1,2}[\\/])")
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_SLASHES = re.compile(r"\s*[\\/\u2044\u2215\uff0f\uff3c]\s*")
_RESERVED = re.compile(r"^(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)", re.IGNORECASE)

EXTENSIONS = {
    "application/pdf": "pdf", "application/zip": "zip", "application/gzip": "gz", "application/x-tar": "tar",
    "application/x-7z-compressed": "7z", "application/vnd.rar": "rar", "application/x-bzip2": "bz2",
    "application/json": "json", "application/xml": "xml", "application/rtf": "rtf", "application/msword": "doc",
    "application/vnd.ms-excel": "xls", "application/vnd.ms-powerpoint": "ppt", "application/vnd.ms-outlook": "msg",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.oasis.opendocument.text": "odt", "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp", "application/epub+zip": "epub",
    "application/java-archive": "jar", "application/x-msdownload": "exe", "application/postscript": "ps",
    "application/ics": "ics", "application/pgp-keys": "asc", "application/pgp-encrypted": "asc",
    "text/plain": "txt", "text/html": "html", "text/csv": "csv", "text/calendar": "ics", "text/vcard": "vcf",
    "text/x-vcard": "vcf", "text/directory": "vcf", "text/xml": "xml", "text/x-patch": "patch", "text/x-diff": "diff",
    "text/css": "css", "text/markdown": "md", "text/rtf": "rtf", "text/enriched": "txt", "text/x-log": "log",
    "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp", "image/bmp": "bmp",
    "image/tiff": "tif", "image/svg+xml": "svg", "image/heic": "heic", "image/x-icon": "ico", "image/avif": "avif",
    "audio/mpeg": "mp3", "audio/x-wav": "wav", "audio/ogg": "ogg", "audio/amr": "amr", "audio/mp4": "m4a",
    "video/mp4": "mp4", "video/mpeg": "mpg", "video/quicktime": "mov", "video/webm": "webm", "video/3gpp": "3gp",
    "video/x-msvideo": "avi", "message/rfc822": "eml", "message/global": "eml",
    "application/octet-stream": "dat",
}  # fmt: skip

_FIXED = {
    "application/pgp-signature": "signature.asc",
    "application/pgp-encrypted": "version.asc",
    "application/pgp-keys": "keys.asc",
    "application/pkcs7-signature": "smime.p7s",
    "application/x-pkcs7-signature": "smime.p7s",
    "application/pkcs7-mime": "smime.p7m",
    "application/x-pkcs7-mime": "smime.p7m",
    "application/ms-tnef": "winmail.dat",
    "application/vnd.ms-tnef": "winmail.dat",
    "message/delivery-status": "delivery-status.txt",
    "message/global-delivery-status": "delivery-status.txt",
    "message/disposition-notification": "disposition-notification.txt",
    "message/feedback-report": "feedback-report.txt",
    "text/rfc822-headers": "headers.txt",
    "text/calendar": "invite.ics",
    "application/ics": "invite.ics",
    "message/rfc822": "message.eml",
    "message/global": "message.eml",
}


def safe(name: str, default: str = "attachment.dat") -> str:
    """Make a name safe; of a path only the last component stays, other slashes become underscores."""
    if len(name) > MOST_CHARACTERS * 30:
        name = name[: MOST_CHARACTERS * 15] + name[-MOST_CHARACTERS * 15 :]
    name = _UNSAFE.sub("", unicodedata.normalize("NFC", name).replace("\t", " ")).strip()
    if _PATH.match(name) or ("\\" in name and "/" not in name):
        name = re.split(r"[\\/]", name)[-1]
    name = _SLASHES.sub("_", name).strip(". ").strip()
    if name and name[0] == "_" and not name.strip("_. "):
        name = ""
    name = _RESERVED.sub(lambda found: f"_{found.group()}", name)
    return _shortened(name) or default


def _shortened(name: str) -> str:
    """Cut the middle of a name that is too long, so that its extension stays."""
    if len(name) <= MOST_CHARACTERS and len(name.encode()) <= MOST_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > LONGEST_EXTENSION:
        stem, extension = name, ""
    tail = dot + extension if extension else ""
    room = MOST_BYTES - len(tail.encode())
    kept = stem[: MOST_CHARACTERS - len(tail)].encode()[:room].decode("utf-8", "ignore")
    return kept.rstrip(". ") + tail


def default(content_type: str, number: int, subject: str = "") -> str:
    """Name a part that has no name: image001.png, message.eml, signature.asc, attachment001.pdf."""
    if content_type in ("message/rfc822", "message/global") and subject:
        return safe(f"{subject}.eml", "message.eml")
    if content_type in _FIXED:
        return _FIXED[content_type]
    major, _, minor = content_type.partition("/")
    plain = re.sub(r"[^a-z0-9]", "", minor.removeprefix("x-"))[:8]
    extension = EXTENSIONS.get(content_type) or (plain if major in ("image", "audio", "video") and plain else "dat")
    return f"{major if major in ('image', 'audio', 'video') else 'attachment'}{number:03d}.{extension}"
