"""What a file is, by its bytes.

Here: `judge`. Not here: which types are wanted (a stage).
Invariant: where the first bytes tell what a file is, they win over what the mail declares; where they tell nothing,
the declared type stands, unless it says nothing either. Only the first 4 KB are looked at.
"""

from __future__ import annotations

import re

LOOKED_AT = 4096
OCTETS = "application/octet-stream"
CALENDAR = frozenset({"text/calendar", "application/ics"})

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"\x1f\x8b", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"MZ", "application/x-msdownload"),
    (b"\x7fELF", "application/x-executable"),
    (b"\xca\xfe\xba\xbe", "application/x-java-class"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"{\\rtf", "application/rtf"),
    (b"%!PS", "application/postscript"),
    (b"\x78\x9f\x3e\x22", "application/vnd.ms-tnef"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "application/x-ms-shortcut"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "application/ogg"),
    (b"fLaC", "audio/flac"),
    (b"#!AMR", "audio/amr"),
    (b"-----BEGIN PGP SIGNATURE", "application/pgp-signature"),
    (b"-----BEGIN PGP PUBLIC KEY", "application/pgp-keys"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
)  # fmt: skip
_FIRST_BYTES = frozenset(magic[0] for magic, _ in _MAGIC)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/x-wav", b"AVI ": "video/x-msvideo"}
_BRANDS = {
    b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heic", b"avif": "image/avif",
    b"qt  ": "video/quicktime", b"M4A ": "audio/mp4", b"3gp4": "video/3gpp", b"3gp5": "video/3gpp",
}  # fmt: skip
_MARKUP = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--[^>]{0,500}-->\s*)?<(?:!doctype\s+)?(html|head|body|script|svg)\b",
    re.IGNORECASE,
)

_IN_ZIP = re.compile(
    r"application/(?:vnd\.(?:openxmlformats-officedocument|oasis\.opendocument|ms-[a-z]+\.[a-z]+\.macroenabled"
    r"|android\.package|apple\.|google-earth\.kmz)[\w.+-]*|java-archive|x-java-archive|epub\+zip|zip|x-zip-compressed"
    r"|x-zip|x-xpinstall)"
)
_IN_OLE = re.compile(
    r"application/(?:msword|vnd\.ms-(?:excel|powerpoint|outlook|project|works|publisher)|vnd\.visio|x-msi|x-ole-storage)"
)
_SAME = {
    "application/gzip": ("application/x-gzip", "application/x-compressed", "application/x-tgz", "application/x-gtar"),
    "application/postscript": ("application/illustrator", "application/eps"),
    "application/pdf": ("application/illustrator", "application/x-pdf"),
    "application/vnd.rar": ("application/x-rar-compressed", "application/x-rar"),
    "application/rtf": ("text/rtf", "application/msword"),
    "application/ogg": ("audio/ogg", "video/ogg"),
    "application/vnd.ms-tnef": ("application/ms-tnef",),
    "application/x-msdownload": ("application/x-dosexec", "application/vnd.microsoft.portable-executable"),
    "application/pgp-signature": ("text/plain",),
    "application/pgp-keys": ("text/plain",),
    "image/tiff": ("image/x-canon-cr2", "image/x-nikon-nef", "image/x-adobe-dng"),
    "image/heic": ("image/heif", "image/avif"),
    "image/svg+xml": ("application/xml", "text/xml"),
}
_BY_EXTENSION = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation", "jar": "application/java-archive",
    "epub": "application/epub+zip", "doc": "application/msword", "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint", "msg": "application/vnd.ms-outlook", "csv": "text/csv", "txt": "text/plain",
    "log": "text/plain", "ini": "text/plain", "md": "text/markdown", "json": "application/json", "xml": "text/xml",
    "ics": "text/calendar", "vcf": "text/vcard", "patch": "text/x-patch", "diff": "text/x-diff", "sql": "text/plain",
    "yml": "text/plain", "yaml": "text/plain", "conf": "text/plain", "eml": "message/rfc822",
}  # fmt: skip
_SAYS_NOTHING = """application/octet-stream application/x-unknown application/unknown application/binary
application/download application/x-download application/force-download application/save application/attachment
file/unknown unknown/unknown text/plain"""
_VAGUE = frozenset(_SAYS_NOTHING.split())


def judge(content: bytes, declared: str, name: str = "") -> str:
    """Tell the type of a file: by its bytes, where they leave it open as declared, where nothing is by extension."""
    if not content:
        return declared or OCTETS
    start = content[:LOOKED_AT]
    proven = _proven(start)
    if proven:
        return _refined(proven, declared, name)
    textual = b"\x00" not in start
    if declared in _VAGUE or not declared:
        by_name = _BY_EXTENSION.get(name.rpartition(".")[2].lower(), "")
        if textual and by_name.startswith(("text/", "message/", "application/json")):
            return by_name
        if declared == "text/plain":
            return declared if textual else OCTETS
        return OCTETS
    if declared.startswith("text/") and not textual:
        return OCTETS
    return declared


def _proven(start: bytes) -> str:
    if start[0] in _FIRST_BYTES:
        for magic, kind in _MAGIC:
            if start.startswith(magic) and (len(magic) > 2 or b"\x00" in start[:64]):
                return kind
    if start[:4] == b"RIFF":
        return _RIFF.get(start[8:12], "")
    if start[4:8] == b"ftyp":
        return _BRANDS.get(start[8:12], "video/mp4")
    if start[:2] == b"BM" and start[6:10] == b"\x00\x00\x00\x00":
        return "image/bmp"
    if start[257:262] == b"ustar":
        return "application/x-tar"
    markup = _MARKUP.match(start)
    if markup:
        return "image/svg+xml" if markup[1].lower() == b"svg" else "text/html"
    if b"\x00" in start:
        import filetype  # type: ignore[import-untyped]

        found = filetype.guess_mime(start)
        return str(found) if found and not str(found).startswith("application/x-unix-archive") else ""
    return ""


def _refined(proven: str, declared: str, name: str) -> str:
    """Keep a declared type that is a special case of what the bytes prove."""
    if proven == declared or declared in _SAME.get(proven, ()):
        return declared
    family = {"application/zip": _IN_ZIP, "application/x-ole-storage": _IN_OLE}.get(proven)
    if family:
        if declared != "application/zip" and family.fullmatch(declared):
            return declared
        by_name = _BY_EXTENSION.get(name.rpartition(".")[2].lower(), "")
        return by_name if by_name and family.fullmatch(by_name) else proven
    if proven == "text/html" and declared in ("application/xhtml+xml", "message/rfc822"):
        return declared
    return proven
