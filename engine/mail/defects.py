"""What can be odd about a mail, by code.

Here: the codes of `Defect` and their meaning, as docs/mail.md lists them. Not here: finding them.
Invariant: a code never changes its meaning once released; every code the reader gives stands here (tested).
"""

from __future__ import annotations

from typing import Final

MEANINGS: Final = {
    "empty": "there are no bytes",
    "no_header": "there is no header field",
    "raw_too_big": "larger than limits.raw: only the header was read",
    "header_block_cut": "the header is larger than limits.header_block: what is beyond was not read",
    "header_field_cut": "a field is longer than limits.header; of References and In-Reply-To both ends were read",
    "header_too_many": "more than limits.headers fields: the rest was not read",
    "header_stray_line": "a line between fields is no field; it was added to the field before it",
    "header_no_blank_line": "the body begins without an empty line before it",
    "mbox_line": "the mail begins with the `From ` line of a mailbox file",
    "mime_no_boundary": "a multipart has no parts: it was read as plain text",
    "mime_boundary_guessed": "the boundary was missing or wrong and was taken from the body",
    "mime_no_end": "the end of a multipart is missing",
    "mime_part_after_end": "parts stand behind the end of their multipart; they were read",
    "mime_encoded_multipart": "a multipart says it is base64 or quoted-printable; it was read as if it did not",
    "mime_too_many_parts": "more than limits.parts parts: the rest was not read",
    "mime_too_deep": "multiparts nested deeper than limits.depth: the inner ones are one attachment",
    "html_wild": "HTML too large or too deep for a tree: it was read tag by tag and is shown as text",
    "charset_undeclared": "bytes beyond ASCII without a charset: UTF-8, the charset of other parts, else windows-1252",
    "charset_unknown": "a charset nobody knows: read as if undeclared",
    "charset_bad_bytes": "bytes that the declared charset does not have",
    "base64_broken": "base64 with missing padding, junk in it or text behind it; what decodes was kept",
    "uuencode_broken": "uuencoded lines that do not decode were left out",
    "nul_in_text": "NUL bytes were taken out of the text",
    "from_odd": "From can be read in more than one way; it is not believed",
    "from_several": "there is more than one From field; none is believed",
    "address_odd": "an address field other than From is badly written",
    "addresses_cut": "more than limits.addresses addresses in a field: the rest was not read",
    "message_id_missing": "there is no Message-ID",
    "message_id_several": "there is more than one Message-ID; the first was taken",
    "date_unreadable": "the Date field is no date",
}
