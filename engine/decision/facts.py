"""Mail -> Facts: everything that is true about a mail before anything is decided.

Here: what servers and programs wrote into the header, what is new in the text, rates; put together in one snapshot.
Not here: how each is found (`mail/`, `identity.py`, `matching.py`), or what follows from it (`stages/`).
Invariant: pure apart from what it asks `look`; only what somebody configured is asked.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from engine.decision import identity, matching, tokens
from engine.mail import auto, html, language, reply
from engine.mail.auth import authentication
from engine.mail.reply_lines import forwards
from engine.model.facts import Auto, Cut, Facts, Release
from engine.model.mail import Mail
from engine.model.questions import SenderRate, TotalRate

if TYPE_CHECKING:
    from engine.config import Body, Config
    from engine.lookups import Lookups

_HOUR = 3600
_NUMBER: Final = r"(-?\d{1,6}(?:\.\d{1,6})?)"
_STATUS_SCORE: Final = re.compile(rf"\b(?:score|hits)\s?=\s?{_NUMBER}", re.IGNORECASE)
_SPAMD_SCORE: Final = re.compile(rf"\[\s?{_NUMBER}\s?/")
_FIRST_NUMBER: Final = re.compile(_NUMBER)
_SCORE_FIELDS: Final = ("x-spam-score", "x-rspamd-score", "x-barracuda-spam-score", "x-spam-rating")
_FLAG_FIELDS: Final = ("x-spam-flag", "x-spam", "x-spam-status", "x-barracuda-spam-status", "x-rspamd-flag")


def gather(
    mail: Mail, config: Config, mailbox: str, look: Lookups, released: Release | None = None, duplicate_of: str = ""
) -> Facts:
    """Gather the facts about a mail read from `mailbox` ("system" or a workspace)."""
    workspace = mailbox if mailbox in config.workspaces else ""
    settings = config.settings(workspace)
    gates, separators = settings.gates, settings.people.mail_suffix_separators
    fields = auto.names(mail)
    automatic = auto.classify(mail, fields)
    bounce = auto.bounce(mail, fields) if automatic.kind is Auto.BOUNCE else None
    about = bounce.original_message_id if bounce is not None else ""
    cut = _cut(mail, settings.body)
    score, flag = spam(fields)
    proof = authentication(mail, gates.trusted_authserv_ids, gates.trusted_arc_sealers)
    sender = identity.sender(mail, settings, proof, config, look)
    key, secret = sender.address.key, config.token_secret()
    tags = tuple(matching.plus_tags(mail, config.own, separators))
    return Facts(
        mailbox=mailbox,
        workspace=workspace,
        sender=sender,
        authentication=proof,
        automatic=automatic,
        bounce=bounce,
        thread=matching.find(mail, settings, look, config.own, secret, about, tags),
        cut=cut,
        own_addresses=config.own_addresses,
        plus=next((tag for tag, _ in tags if not matching.is_token(tag)), ""),
        language=_language(cut.new, fields),
        own_loop=_is_ours(mail, fields, config, secret),
        hops=len(mail.header_values("received")),
        sender_mails_last_hour=1 + look.ask(SenderRate(key, _HOUR)) if gates.mails_per_sender.limit and key else 1,
        total_mails_last_hour=1 + look.ask(TotalRate(_HOUR)) if gates.total_rate.limit else 1,
        spam_score=score,
        spam_flag=flag,
        duplicate_of=duplicate_of,
        released=released,
        leaves=tokens.leaves(tags, secret) if tags else 0,
    )


def _instance(config: Config) -> str:
    """The name by which our own mail is known in X-Allegra-Loop."""
    return config.instance.name.strip().casefold() or "allegra"


def _is_ours(mail: Mail, fields: dict[str, str], config: Config, secret: bytes) -> bool:
    """Tell whether we sent this mail: it carries our X-Allegra-Loop or a Message-ID that we signed."""
    marked = fields.get("x-allegra-loop", "").strip().casefold() == _instance(config)
    return marked or tokens.ours(mail.message_id, secret)


# ── the text ──────────────────────────────────────────────────────────────────────────────────────────────────


def _cut(mail: Mail, body: Body) -> Cut:
    """Cut the reply; HTML without a plain twin first loses the elements of `html_tags_to_remove` (F103).

    A forwarded mail keeps them: they hold what the sender wants to show.
    """
    from_html = bool(mail.html) and not any(
        part.content_type == "text/plain" and part.disposition != "attachment" and not part.filename
        for part in mail.parts
    )
    cuts = body.cut != "off" and not forwards(mail.subject)
    if from_html and cuts and _removes(mail.html, body.html_tags_to_remove):
        page = html.without_quotes(mail.html, body.html_tags_to_remove)
        if page is not mail.html:
            text = html.to_text(page)
            found = reply.cut(text, body, True, mail.subject)
            rest = _missing(mail.text, text)
            if found.new and rest:
                quoted = "\n".join(one for one in (rest, found.quoted) if one)
                return Cut(found.new, quoted, found.signature, found.why or "elements: html_tags_to_remove")
    return reply.cut(mail.text, body, from_html, mail.subject)


def _removes(page: str, selectors: tuple[str, ...]) -> bool:
    """Tell cheaply whether any selector can match: its last word stands in the page."""
    lower = page.lower()
    return any(re.split(r"[.#\s>]", selector.strip().lower())[-1] in lower for selector in selectors if selector)


def _missing(whole: str, part: str) -> str:
    """The lines of `whole` that `part` does not have, in order."""
    left = Counter(line.strip() for line in part.split("\n"))
    missing: list[str] = []
    for line in whole.split("\n"):
        key = line.strip()
        if left[key] > 0:
            left[key] -= 1
        else:
            missing.append(line)
    return "\n".join(missing).strip("\n")


def _language(text: str, fields: dict[str, str]) -> str:
    """The language of the new text, else what the sender's program says (RFC 3282)."""
    found = language.guess(text)
    if found:
        return found
    said = fields.get("content-language", "")[:2].lower()
    return said if said.isascii() and said.isalpha() and len(said) == 2 else ""


def spam(fields: dict[str, str]) -> tuple[float | None, bool]:
    """Read score and verdict of a spam filter: SpamAssassin, rspamd, Barracuda and those that write like them."""
    score: float | None = None
    for name in _SCORE_FIELDS:
        found = _FIRST_NUMBER.match(fields[name].strip()[:40].lstrip("+")) if name in fields else None
        if found:
            score = float(found[1])
            break
    if score is None and "x-spam-status" in fields:
        found = _STATUS_SCORE.search(fields["x-spam-status"][:500])
        score = float(found[1]) if found else None
    if score is None and "x-spamd-result" in fields:
        found = _SPAMD_SCORE.search(fields["x-spamd-result"][:500])
        score = float(found[1]) if found else None
    flag = any(fields[name].strip()[:4].lower().startswith(("yes", "true")) for name in _FLAG_FIELDS if name in fields)
    return score, flag
