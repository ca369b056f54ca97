"""Stage 7: what the mail becomes: title, text, fields, attachments.

Here: the order in which these are put together for a new item, a comment, a note or a post.
Not here: each of them (`item/`), or the author (`author`).
Invariant: nothing is lost: what is not in the text is folded into `quoted`, and what stays out of the item is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace

from engine.gates import Findings
from engine.item import attachments as choosing
from engine.item import fields as defaults
from engine.item import keywords, unpacking
from engine.item import title as titles
from engine.item.target import Aim, aim, is_inside, works
from engine.item.values import custom
from engine.item.words import NOTHING_SAID
from engine.model.addresses import holds_personal
from engine.model.desk import Catalog, ItemFacts, WorkspaceStatus
from engine.model.draft import AttachmentFate, Draft, FieldChange, Mark, Target, Verdict, note
from engine.model.facts import Cut, Facts
from engine.model.mail import Cutting, Mail, Part
from engine.model.questions import CatalogOf, May

if TYPE_CHECKING:
    from engine.config import Config, Settings
    from engine.lookups import Lookups


MOST_SUBJECT, MOST_SIGNATURE = 1_000, 4_000
"""Characters that are kept for the HTML, which is cut when somebody looks at it: most of it nobody ever does."""


class DraftStage:
    """Put together what the item, the comment or the post will hold."""

    name: ClassVar[str] = "draft"

    def __init__(self, config: Config) -> None:
        self._config = config
        self._language: str = config.instance.language
        self._timezone: str = config.instance.timezone

    def decide(self, mail: Mail, facts: Facts, draft: Draft, look: Lookups) -> Draft:
        found = Findings(self.name, facts, draft)
        settings = self._config.settings(draft.workspace)
        catalog = _open_workspace(draft.workspace, look, found)
        if catalog is None:
            return found.draft()
        goal = aim(facts, draft, settings, look, found)
        if goal is None:
            return found.draft()
        goal = _logged(goal, settings.items.log_field, catalog, found)
        if goal.target is not Target.TOPIC_POST and "items" not in catalog.modules:
            because = note("draft.items_off", workspace=catalog.workspace)
            found.settle(Verdict.REJECT, "draft.no_permission", because)
            return found.draft()
        text, quoted, readable = _texts(facts, mail, settings, goal.target)
        if _repeats_notice(text, goal, facts, settings, look, found):
            return found.draft()
        extra = unpacking.unpacked(mail, settings, self._timezone, found)
        fields = defaults.Fields(catalog, look, found, settings.items.fields)
        said = keywords.Read(text)
        if readable and goal.target in (Target.NEW_ITEM, Target.COMMENT):
            owner = self._config.owner_of(draft.workspace)
            said = _keywords(text, goal, facts, settings, self._language, catalog, look, found, draft.by_keyword, owner)
            if said.refused is not None and found.stop("reject", "draft.bad_keyword", said.refused):
                return found.draft()
        if not self._fields(fields, said, extra.fields, goal, facts, draft, settings):
            return found.draft()
        title = self._title(mail, draft, goal, fields, settings)
        private = draft.private or bool(fields.text("private") == "True")
        if goal.target is Target.NEW_ITEM:
            fields.decided.pop("private", None)
        body = "\n\n".join(part for part in (said.text.strip("\n"), extra.text) if part)
        return found.draft(
            target=goal.target,
            item=goal.item,
            title=title,
            text=body or (NOTHING_SAID[self._language] if goal.target is Target.NEW_ITEM else ""),
            quoted=quoted,
            html_part=_html_part(mail, settings, facts.cut, said.text != text or bool(extra.text), found),
            fields=_changed(fields.all(), goal.item),
            assignee=None,
            labels=(*draft.labels, *(label for label in goal.labels if label not in draft.labels)),
            attachments=_attachments(mail, extra, goal, draft, settings, found),
            private=private,
            unsent=goal.unsent,
        )

    def _fields(
        self,
        fields: defaults.Fields,
        said: keywords.Read,
        invited: tuple[FieldChange, ...],
        goal: Aim,
        facts: Facts,
        draft: Draft,
        settings: Settings,
    ) -> bool:
        """Decide the fields; False when the mail is settled because one is missing."""
        if goal.target in (Target.NOTE, Target.TOPIC_POST):
            if draft.fields or draft.assignee:
                fields.found.note("fields.untouched", Mark.INFO, target=goal.target)
            return True
        fields.judged(defaults.from_rules(draft))
        fields.add(said.fields)
        if goal.target is Target.NEW_ITEM:
            fields.add(invited)
            fields.add(defaults.organisation(_writer(draft, facts), settings.people))
            missing = defaults.fill(fields, settings.items)
            if not missing:
                return True
            because = note("fields.missing", workspace=draft.workspace, fields=missing)
            return not fields.found.stop("hold", "draft.missing_field", because)
        if goal.item is None:
            return True
        if goal.reopen and "status" not in fields.decided:
            change = defaults.reopened(goal.item, settings.items, fields.catalog)
            fields.add((change,) if change else ())
        elif settings.items.on_reply and not works(facts, goal.item.workspace, settings, fields.look):
            change = defaults.replied(goal.item, settings.items, fields.catalog)
            fields.add((change,) if change else ())
        log = settings.items.log_field
        if log not in ("comment", "note") and said.text.strip():
            value = defaults.entry(goal.item, log, said.text)
            fields.judged((FieldChange(log, value, defaults.BY),))
        return True

    def _title(self, mail: Mail, draft: Draft, goal: Aim, fields: defaults.Fields, settings: Settings) -> str:
        """The title: a rule's, else the subject's."""
        change = fields.decided.pop("title", None)
        if goal.target is Target.TOPIC_POST:
            return titles.topic_title(mail.subject)
        if goal.target is not Target.NEW_ITEM:
            return str(change.value) if change else ""
        wanted = str(change.value) if change else draft.title or mail.subject
        return titles.title(wanted, settings.items.title_prefix, settings.gates.default_title)


def _writer(draft: Draft, facts: Facts) -> str:
    """The address that a new item comes from: the original sender of a forwarded mail, nobody's if From is a lie."""
    if draft.original is not None:
        return draft.original.address
    return "" if facts.sender.problem else facts.sender.address.address


def _open_workspace(workspace: str, look: Lookups, found: Findings) -> Catalog | None:
    """F068: the workspace must be there and open, whatever permissions say."""
    if not workspace:
        found.settle(Verdict.HOLD, "draft.undecided", note("draft.not_routed"))
        return None
    catalog = look.ask(CatalogOf(workspace))
    if catalog is None:
        found.settle(Verdict.HOLD, "draft.undecided", note("draft.no_workspace", workspace=workspace))
        return None
    if catalog.status != WorkspaceStatus.ACTIVE:
        because = note("draft.workspace_closed", workspace=workspace, status=catalog.status)
        found.settle(Verdict.REJECT, "draft.no_permission", because)
        return None
    return catalog


def _logged(goal: Aim, log: str, catalog: Catalog, found: Findings) -> Aim:
    """F118: words that go to a log which is not there are for staff: they may have been meant for a private one."""
    if goal.target is not Target.COMMENT or log in ("comment", "note") or custom(log, catalog) is not None:
        return goal
    found.note("draft.no_log", Mark.WARN, field=log, workspace=catalog.workspace)
    return replace(goal, target=Target.NOTE)


def _texts(facts: Facts, mail: Mail, settings: Settings, target: Target) -> tuple[str, str, bool]:
    """The new text, the folded rest, and whether the text may hold keywords (it may not where it is a quotation)."""
    cut = facts.cut
    new = cut.new if cut.new or cut.quoted or cut.signature else mail.text
    rest = "\n\n".join(part for part in (cut.signature.strip("\n"), cut.quoted.strip("\n")) if part.strip())
    if not new.strip() and rest and target is Target.NEW_ITEM:
        return rest, "", False
    keep = settings.body.keep_quoted
    if keep == "keep" and rest:
        return f"{new.rstrip()}\n\n{rest}", "", False
    return new, rest if keep == "fold" else "", True


def _repeats_notice(
    text: str, goal: Aim, facts: Facts, settings: Settings, look: Lookups, found: Findings
) -> bool:  # fmt: skip
    """Stop an answer of somebody inside that holds what only people inside were told.

    Where nothing new stands in a reply all of it is kept, and one without quote marks, written below, holds all above.
    """
    if goal.item is None or goal.target not in (Target.COMMENT, Target.TOPIC_POST) or not holds_personal(text):
        return False
    if not is_inside(facts, goal.item, settings, look):
        return False
    return found.stop("hold", "draft.repeats_notice", note("draft.repeats_notice"))


def _keywords(
    text: str,
    goal: Aim,
    facts: Facts,
    settings: Settings,
    language: str,
    catalog: Catalog,
    look: Lookups,
    found: Findings,
    by_keyword: bool,
    owner: str,
) -> keywords.Read:
    """Read the keywords; on an existing item only by somebody who may edit it (F090)."""
    said = keywords.read(text, facts, settings, language, catalog, look, by_keyword, owner)
    if said.fields and goal.item is not None and not settings.people.no_permission_check:
        account = facts.sender.account
        login = account.login if account is not None else settings.people.guest_user
        if not look.ask(May(login, "edit_items", goal.item.workspace)):
            why = note("keywords.may_not_edit", login=login, workspace=goal.item.workspace)
            found.note("keywords.not_read", Mark.INFO, why=why)
            return keywords.Read(text)
    found.add(*said.notes)
    return said


def _html_part(mail: Mail, settings: Settings, cut: Cut, text_changed: bool, found: Findings) -> Part | None:
    """F094: the HTML twin, where HTML is preferred and still says the same as the text; cut like it (F103)."""
    if mail.html_part is None or settings.body.html != "sanitise":
        return None
    if settings.body.body_parts_order[:1] != ("text/html",) and any(
        part.content_type == "text/plain" and not part.filename for part in mail.parts
    ):
        return None
    if text_changed:
        found.note("draft.shown_as_text", Mark.INFO)
        return None
    if not cut.new.strip() or not (cut.quoted or cut.signature) or settings.body.keep_quoted == "keep":
        return mail.html_part
    how = Cutting(mail.subject[:MOST_SUBJECT], cut.signature[:MOST_SIGNATURE], bool(cut.quoted))
    return replace(mail.html_part, cutting=how)


def _changed(changes: tuple[FieldChange, ...], item: ItemFacts | None) -> tuple[FieldChange, ...]:
    """Leave out what the item has already."""
    if item is None:
        return changes
    has = {**dict(item.fields), "type": item.type, "status": item.status, "private": item.private}
    return tuple(change for change in changes if has.get(change.name) != change.value)


def _attachments(
    mail: Mail,
    extra: unpacking.Unpacked,
    goal: Aim,
    draft: Draft,
    settings: Settings,
    found: Findings,
) -> tuple[AttachmentFate, ...]:
    """F126 to F134: every attachment and every unpacked one meets its fate; what is left out is told."""
    if not mail.attachments and not extra.attachments:
        return ()
    item = goal.item
    known = item.attachment_digests if item is not None else ()
    if item is not None and goal.target is Target.NOTE:  # whoever reads a comment does not see what a note holds
        known += item.internal_digests
    options = settings.attachments
    offered = [each for each in mail.attachments if each.part.path not in extra.opened]
    chosen = choosing.fates((*offered, *extra.attachments), options, draft.drop_names, known)
    chosen = unpacking.made_smaller(chosen, mail, options, found)
    found.add(*map(choosing.told, chosen))
    return chosen
