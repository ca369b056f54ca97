"""The sections that say what a mail becomes: [items], [body], [attachments], [limits].

Here: their options and defaults. Not here: what the stages make of them.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from engine.config.defaults import with_defaults
from engine.config.kinds import (
    Count,
    Line,
    OptionalPattern,
    OverrideBy,
    PatternText,
    Pixels,
    Positive,
    Size,
    Verb,
    patterns,
)
from engine.config.section import Section
from engine.model.fields import COMMON, ItemFields
from rules.pattern import Pattern


class Threading(Section, frozen=True):
    """How the item that a mail answers is found.

    A pattern that is None is not tried.
    """

    nested: ClassVar[bool] = True

    order: tuple[Literal["token", "message_id", "plus", "subject", "calendar"], ...] = (
        "token", "message_id", "plus", "subject", "calendar",
    )  # fmt: skip
    reply_token: bool = True
    title_pattern: OptionalPattern = Pattern.of_ours(r"/\[#(\d+)\]/")
    plus_item: OptionalPattern = Pattern.of_ours(r"/^issue-(\d+)$/")
    plus_note: OptionalPattern = Pattern.of_ours(r"/^note-(\d+)$/")
    plus_draft: OptionalPattern = Pattern.of_ours(r"/^draft-(\d+)$/")
    title_note: OptionalPattern = Pattern.of_ours(r"/\[#(\d+) note\]/i")
    on_dangling: Literal["hold", "next", "reject"] = "hold"
    ignore_patterns: tuple[PatternText, ...] = ()
    subject_needs_sender: bool = True


@with_defaults
class Items(Section, frozen=True):
    """What a new item holds, and what a mail may change.

    `allow_override` may be ("all",).
    """

    aliases: ClassVar = {"tracker": "type", "ticket_log": "log_field", "title": "title_prefix"}
    nested: ClassVar[bool] = True

    behavior: Literal["create_or_update", "create", "update"] = "create_or_update"
    fields: ClassVar[ItemFields] = COMMON
    title_prefix: Line = ""
    log_field: Line = "comment"
    allow_override: tuple[Line, ...] = ("type", "priority", "due_date", "start_date", "done_ratio")
    override_by: OverrideBy = "known"
    keywords: Literal["top", "anywhere", "off"] = "top"
    keyword_aliases: Mapping[str, Line] = {}
    unknown_keyword: Literal["keep", "reject"] = "keep"
    keyword_wins: Literal["first", "last"] = "first"
    closed_item: Literal["comment", "reopen", "new-item", "reject"] = "comment"
    on_reply: Mapping[str, Line] = {}
    threading: Threading = Threading()


class Body(Section, frozen=True):
    """How the text of a mail is read and where a reply is cut."""

    nested: ClassVar[bool] = True

    body_parts_order: tuple[Literal["text/html", "text/plain"], ...] = ("text/html", "text/plain")
    html: Literal["sanitise", "to-text", "attach"] = "sanitise"
    cut: Literal["builtin", "own", "off"] = "builtin"
    truncate_lines: tuple[PatternText, ...] = patterns("--Truncate here--", "/^-{3,} ?Reply above this line/i")
    introductory_patterns: tuple[PatternText, ...] = patterns(
        "/^le .+ a écrit :$/i",
        "/^on .+ wrote:$/i",
        "/^Am .+ schrieb .+:$/i",
        "|^[0-9]{4}/[0-9]{1,2}/[0-9]{1,2} .+:$|",
    )
    multiline_delimiter_patterns: tuple[PatternText, ...] = patterns(
        r"/\RFrom: .+\RSent: .+\R/m",
        r"/\R_+\R/m",
        r"/\RDe : .+\R\R?Envoyé : /m",
        r"/\RVon: .+\RGesendet: .+\R/m",
        r"/\R-----Original Message-----\R/m",
    )
    delimiter_patterns: tuple[PatternText, ...] = patterns("/^>.*$/")
    html_tags_to_remove: tuple[Line, ...] = (
        "blockquote",
        "div.gmail_attr",
        "div.moz-cite-prefix",
        "pre.moz-signature",
    )
    signature: OptionalPattern = Pattern.of_ours("/^-- ?$/m")
    keep_quoted: Literal["drop", "fold", "keep"] = "fold"
    cut_patterns: tuple[PatternText, ...] = ()


class SmimePgp(Section, frozen=True):
    """What happens to signed and encrypted mail."""

    signed: Literal["keep", "drop"] = "keep"
    encrypted: Verb = "hold"


class Attachments(Section, frozen=True):
    """Which attachments join an item.

    Sizes of pictures are (width, height) in pixels, None is no limit.
    """

    nested: ClassVar[bool] = True

    exclude_attachment_types: tuple[Line, ...] = ("application/x-msdownload", "application/x-dosexec")
    exclude_names: tuple[PatternText, ...] = patterns(r"/\.(exe|scr|js|vbs)$/i")
    tnef: Literal["keep", "unpack", "drop"] = "keep"
    check_content: bool = True
    images_minimum_size: Pixels = (100, 20)
    images_maximum_size: Pixels = None
    duplicate_images: Literal["skip", "keep"] = "skip"
    inline_images: bool = True
    forwarded_mail: Literal["attach", "unpack"] = "attach"
    calendar: Literal["attach", "item", "discard"] = "attach"
    smime_pgp: SmimePgp = SmimePgp()
    maximum_count: Count = 50


class Limits(Section, frozen=True):
    """How much of a mail is read at all.

    Sizes are bytes, the rest is counted.
    """

    raw: Size = 50 << 20
    header_block: Size = 256 << 10
    header: Size = 32 << 10
    headers: Positive = 1000
    parts: Positive = 500
    depth: Positive = 30
    addresses: Positive = 200
