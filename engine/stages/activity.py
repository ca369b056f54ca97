"""Stage 9: the last change to the item. The activity scripts make it.

Here: asking them, judging their changes against the workspace, putting them into the draft.
Not here: running them (`scripts/scripts.py`, `hooks/`), failures (`scripts/failure.py`), what a value may be
(`item/values.py`).
Invariant: all changes of the scripts or none: one mistake, theirs or in a value, and the mail is held as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from msgspec.structs import replace

from engine.gates import Findings, passed, settled
from engine.item import fields as defaults
from engine.item import title as titles
from engine.item.values import Judged, custom, judge, label, long_text
from engine.model.answers import HookVerdict
from engine.model.desk import Catalog, WorkspaceStatus
from engine.model.draft import AttachmentFate, Disposition, Draft, FieldChange, Note, Target, Verdict, note
from engine.model.facts import Facts
from engine.model.fields import KINDS
from engine.model.mail import Mail
from engine.model.questions import CatalogOf, HooksSay
from engine.scripts.failure import also, decider, failed, judged, remarks
from engine.scripts.question import asked, kept

if TYPE_CHECKING:
    from engine.config import Config
    from engine.lookups import Lookups
    from engine.model.answers import HookAnswer
    from engine.model.desk import Value
    from engine.model.draft import Decider

_decode = msgspec.json.Decoder().decode
_MOST_ERRORS = 5
"""Messages that the sentence of a held mail repeats."""


class Activity:
    """Let the activity scripts change the item."""

    name: ClassVar[str] = "activity"

    def __init__(self, config: Config) -> None:
        self._config = config

    def decide(self, mail: Mail, facts: Facts, draft: Draft, look: Lookups) -> Draft:
        if not (self._config.hooks.activity or draft.hooks):
            return draft
        draft = asked(self._config, mail, facts, draft, look)
        question = draft.asked
        assert question is not None  # noqa: S101 - there are scripts to ask
        answer = look.ask(HooksSay(question))
        if answer.hook == "guard":  # the mail goes on all the same: by a release, or by hooks.on_error
            answer = look.ask(HooksSay(replace(question, guard=())))
        notes = (*draft.notes, *(() if question.guard else remarks(answer)))
        if failed(answer) and answer.verdict == HookVerdict.ACCEPT:
            disposition, said = judged(answer, facts, self._config)
            return replace(draft, disposition=disposition, notes=(*notes, said))
        by = decider(self._config, answer.script or question.activity[-1])
        errors: list[str | Note] = [*answer.errors]
        if answer.verdict != HookVerdict.ACCEPT:
            errors.insert(0, note("scripts.says", reason=answer.reason, script=answer.script))
        found = Findings(self.name, facts, draft)
        altered, problems = (draft, []) if errors else self._changed(draft, answer, by, look, found)
        if errors or problems:
            disposition, said = _held([*errors, *problems], by, facts)
            return replace(draft, disposition=disposition, notes=(*notes, said, *also(answer)))
        return replace(altered, notes=(*notes, *found.draft().notes[len(draft.notes) :], *_told(answer)))

    def _changed(
        self, draft: Draft, answer: HookAnswer, by: Decider, look: Lookups, found: Findings
    ) -> tuple[Draft, list[Note]]:
        """Put the changes into the draft; gives what is wrong with them."""
        values = {name: _decode(text) for name, text in answer.changes}
        problems: list[Note] = []
        workspace = str(values.pop("workspace", draft.workspace))
        moves = workspace != draft.workspace
        catalog = look.ask(CatalogOf(workspace))
        if moves and (catalog is None or catalog.status != WorkspaceStatus.ACTIVE or "items" not in catalog.modules):
            return draft, [note("activity.no_workspace", workspace=workspace)]
        common = self._config.settings(workspace).items.fields
        fields = defaults.Fields(catalog or Catalog(workspace), look, found, common)
        if moves:
            fields.judged(change for change in draft.fields if change.by != defaults.BY)
        else:
            fields.add(draft.fields)
        direct: dict[str, Any] = {"workspace": workspace}
        is_new = draft.target is Target.NEW_ITEM
        for name, value in values.items():
            if name in ("description", "comment"):
                direct["text"] = long_text(value or "")
            elif name == "tags":
                direct["labels"], bad = _labels(value, draft)
                problems += bad
            elif name == "private" and is_new:
                direct["private"] = bool(value)
            elif name == "title":
                title = titles.shortened(titles.one_line(value or ""))
                problems += [] if title else [note("activity.no_title")]
                if is_new:
                    direct["title"] = title
                else:
                    fields.decided["title"] = FieldChange("title", title, by)
            else:
                problems += _set(fields, name, value, by)
        if moves and (missing := defaults.fill(fields, self._config.settings(workspace).items)):
            problems.append(note("fields.missing", workspace=workspace, fields=missing))
        return replace(draft, fields=fields.all(), attachments=_left_out(draft, answer, by), **direct), problems


def _labels(wanted: list[str], draft: Draft) -> tuple[tuple[str, ...], list[Note]]:
    """Judge the labels that are new; empty ones are left out."""
    judged = [(each, Judged(each) if each in draft.labels else label(each)) for each in wanted]
    problems = [note("activity.bad_value", field="tags", problem=said.problem) for _, said in judged if said.problem]
    return tuple(dict.fromkeys(str(said.value) for _, said in judged if said.value)), problems


def _held(errors: list[str | Note], by: Decider, facts: Facts) -> tuple[Disposition | None, Note]:
    more = max(len(errors) - _MOST_ERRORS, 0)
    because = note("activity.errors", problems=tuple(errors[:_MOST_ERRORS]), more=more)
    code = "hook.activity_errors"
    if facts.released is not None:
        return None, passed(because, code, facts.released.by, "released.without_scripts")
    return settled(Verdict.HOLD, code, because, by)


def _told(answer: HookAnswer) -> tuple[Note, ...]:
    if not answer.changes and not answer.dropped:
        return (note("activity.nothing"),)
    dropped = [note("activity.attachment", number=index + 1) for index, _ in answer.dropped]
    return (note("activity.changed", fields=(*(name for name, _ in answer.changes), *dropped)),)


def _left_out(draft: Draft, answer: HookAnswer, by: Decider) -> tuple[AttachmentFate, ...]:
    """Leave out the attachments the scripts dropped; they count those they saw."""
    places = kept(draft)
    fates = list(draft.attachments)
    for index, reason in answer.dropped:
        if index < len(places):
            because = note("attachment.by_script", reason=reason, script=by.name)
            fates[places[index]] = AttachmentFate(fates[places[index]].attachment, False, because)
    return tuple(fates)


def _set(fields: defaults.Fields, name: str, value: Any, by: Decider) -> list[Note]:
    """Set one field of the catalog, after asking whether the workspace has such a value; gives what is wrong."""
    field = custom(name, fields.catalog)
    if name not in fields.common.by_name and field is None:
        return [note("activity.no_field", field=name)]
    kind = field.kind if field is not None else fields.common.by_name[name].kind
    tidied = long_text if KINDS[kind].hooks == "text" else titles.one_line
    values: list[Value] = []
    if isinstance(value, list):
        value = [text for each in value if (text := tidied(each))]
    elif isinstance(value, str):
        value = tidied(value)
    if value is None or value == "" or value == []:
        fields.decided[name] = FieldChange(name, None, by)
        return []
    for each in value if isinstance(value, list) else [value]:
        answer = judge(name, _as_text(each), fields.catalog, fields.look, fields.common)
        if answer.problem:
            return [note("activity.bad_value", field=name, problem=answer.problem)]
        values += answer.value if isinstance(answer.value, tuple) else (answer.value,)
    several = field is not None and field.multiple
    fields.decided[name] = FieldChange(name, tuple(str(each) for each in values) if several else values[0], by)
    return []


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
