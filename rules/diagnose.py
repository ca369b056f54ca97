"""What is wrong with a text that is no condition or action, in the words of its owner.

Here: from a place and the words that could have stood there to one `SyntaxFault`. Not here: anything about meaning.
Invariant: no name of a grammar rule or terminal reaches a person; the place underlined is exactly what is wrong.
Over 300 lines: a function for each kind of mistake.
"""

from __future__ import annotations

import re

from rules.near import near_names
from rules.syntax import SyntaxFault

WORDS: dict[str, str] = {
    "AND": "and", "OR": "or", "NOT": "not", "ANY": "any", "ALL": "all", "NO": "no", "NONE": "none of [...]",
    "IS": "is", "EXISTS": "exists", "CONTAINS": "contains", "STARTS": "starts with", "ENDS": "ends with",
    "MATCHES": "matches /.../", "LIKE": "like", "IN": "in", "BETWEEN": "between", "_DOES": "does not contain",
    "MISSING": "missing", "EMPTY": "empty", "AGO": "ago", "_OF": "of", "_WITH": "with", "LIST": 'list "..."',
    "STRING": 'a text in "..."', "REGEX": "a pattern /.../", "NUMBER": "a number", "SIZE": "a size such as 5 MB",
    "DURATION": "a duration such as 2 days", "DATE": "a date such as 2026-12-31", "TIME": "a time such as 08:00",
    "FIELD": "a field", "HEADERS": 'headers["..."]', "ITEM": 'item["..."]', "ORDER": ">, <, before, after",
    "LPAR": "(", "RPAR": ")", "LSQB": "[...]", "RSQB": "]", "COMMA": ",", "EQUAL": "=", "PLUS": "+2 days",
    "EXIST": "exist", "CONTAIN": "contain", "START": "start", "END": "end", "MATCH": "match",
}  # fmt: skip
"""The terminals of the grammar as people write them; the rest are their own words."""

SENTENCES: dict[str, str] = {
    "route_to_workspace": 'route to workspace "..."', "route_to_system": "route to system",
    "set": 'set priority "..."  or  set "Custom field" to "..."', "add_label": 'add label "..."',
    "original_sender": "set author to original sender",
    "assign_to": 'assign to "login"', "assign_to_group": 'assign to group "..."',
    "assign_by_turn": 'assign to group "..." by turn', "add_cc": "add cc as watcher",
    "add_to": "add to as watcher", "add_person": 'add "login" as watcher', "thread_by": 'thread by "field" = "..."',
    "start_new_item": "start new item", "reject": 'reject with "..."', "discard": 'discard because "..."',
    "hold": 'hold because "..."', "reply_with": 'reply with template "..."', "no_reply": "no reply",
    "forward_to": 'forward to "..."', "notify": 'notify "..."', "drop_attachments": 'drop attachments like "..."',
    "skip_gate": 'skip gate "..." because "..."', "run_hook": 'run hook "..."', "do": 'do "..." with "..."',
    "stop": "stop", "continue_": "continue",
}  # fmt: skip
"""Every action of the grammar as a sentence to copy."""

_OPENINGS = (
    "route to", "set", "add label", "assign to", "add", "thread by", "start new item", "reject with",
    "discard because", "hold because", "reply with template", "no reply", "forward to", "notify",
    "drop attachments like", "skip gate", "run hook", "do", "stop", "continue",
)  # fmt: skip

_SIGNS = {
    "==": 'write  is "..."',
    "!=": 'write  is not "..."',
    "<>": 'write  is not "..."',
    "=~": "write  matches /.../",
    "~": "write  matches /.../  or  like",
    "=": 'write  is "..."  (or  is not "..."  for !=)',
    "&&": "write  and",
    "&": "write  and",
    "||": "write  or",
    "|": "write  or",
    "!": "write  not",
}
_SIGN = re.compile("|".join(re.escape(sign) for sign in sorted(_SIGNS, key=len, reverse=True)))
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)")
_UNITS = {
    "b": "B", "bytes": "B", "kb": "kB", "k": "kB", "kib": "kB", "mb": "MB", "m": "MB", "mib": "MB", "gb": "GB",
    "g": "GB", "gib": "GB", "min": "minutes", "mins": "minutes", "h": "hours", "hrs": "hours", "d": "days",
    "w": "weeks",
}  # fmt: skip
_WORD = re.compile(r"[^\W\d][\w.]*")
_PIECE = re.compile(r'"[^"\n]*"|[^\s"()\[\],]+|.', re.DOTALL)
_COMPARISONS = frozenset({"IS", "CONTAINS", "EXISTS", "IN"})


def explain(text: str, start: str, position: int, at_end: bool, expected: frozenset[str]) -> SyntaxFault:
    """Say what is wrong at `position`, where one of the terminals `expected` could have stood."""
    return (
        _empty(text, start)
        or _quotes(text, position, at_end)
        or _brackets(text, position, at_end, expected)
        or (_of_action(text, position, at_end, expected) if start == "action" else None)
        or _sign(text, position)
        or _quantity(text, position)
        or _word(text, position, expected)
        or _incomplete(text, at_end, expected)
        or _anything(text, position, expected)
    )


def words(expected: frozenset[str]) -> tuple[str, ...]:
    """The terminals as words, most telling first."""
    return tuple(WORDS.get(name, name.lower().strip("_")) for name in sorted(expected, key=_telling) if name != "$END")


def _telling(name: str) -> tuple[int, str]:
    order = list(WORDS)
    return (order.index(name) if name in order else len(order)), name


def _listed(expected: frozenset[str]) -> str:
    return "possible here: " + ", ".join(words(expected)) if expected - {"$END"} else ""


def _empty(text: str, start: str) -> SyntaxFault | None:
    if re.sub(r"#[^\n]*", "", text).strip():
        return None
    help = "leave  when  out for a rule that always matches" if start == "condition" else 'such as  add label "..."'
    return SyntaxFault("E108", f"this {start} is empty", 0, max(len(text), 1), help)


def _quotes(text: str, position: int, at_end: bool) -> SyntaxFault | None:
    if at_end or position >= len(text):
        return None
    char = text[position]
    line_end = text.find("\n", position)
    end = len(text) if line_end < 0 else line_end
    if char == '"' and '"' not in text[position + 1 : end]:
        return SyntaxFault("E105", "this text is never closed", position, end, 'add a closing "')
    if char in "'‘’“”„«»`":
        return SyntaxFault("E106", f"{char} does not begin a text here", position, position + 1, 'write texts in "..."')
    if char == "/" and "/" not in text[position + 1 : end]:
        return SyntaxFault("E105", "this pattern is never closed", position, end, "add a closing /")
    return None


def _brackets(text: str, position: int, at_end: bool, expected: frozenset[str]) -> SyntaxFault | None:
    if not at_end and position < len(text) and text[position] == ")" and "RPAR" not in expected:
        opened = _open_brackets(text[:position])
        if not opened:
            return SyntaxFault("E109", '")" closes nothing', position, position + 1, "remove it")
        return None
    if at_end and "RPAR" in expected:
        opened = _open_brackets(text)
        if opened:
            return SyntaxFault("E109", '"(" is never closed', opened[-1], opened[-1] + 1, 'add ")"')
    if at_end and "RSQB" in expected and "[" in text:
        place = text.rindex("[")
        return SyntaxFault("E109", '"[" is never closed', place, place + 1, 'add "]"')
    return None


def _open_brackets(text: str) -> list[int]:
    """The brackets that stay open, outside of texts and patterns."""
    opened: list[int] = []
    for found in re.finditer(r'"[^"\n]*"|/(?:[^/\\\n]|\\.)+/|[()]', text):
        if found[0] == "(":
            opened.append(found.start())
        elif found[0] == ")" and opened:
            opened.pop()
    return opened


def _of_action(text: str, position: int, at_end: bool, expected: frozenset[str]) -> SyntaxFault | None:
    """An action nobody knows, or a known one that goes on wrongly; None where a general sentence says it better."""
    start = len(text) - len(text.lstrip())
    opening = re.match(r'[^"\[=]*', text[start:])
    said = opening[0].strip() if opening else ""
    first = said.split(" ", 1)[0]
    forms = [form for form in SENTENCES.values() if form.split(" ", 1)[0] == first]
    if position == start or not forms:
        near = _near_action(said)
        help = f"did you mean  {near} ?" if near else "see  allegra rules actions"
        return SyntaxFault(
            "E110", f'unknown action "{said or text[start:]}"', start, start + len(said or text[start:]), help
        )
    near_forms = [form for form in forms if _shared(form, said) == max(_shared(form, said) for form in forms)]
    help = "write  " + "  or  ".join(near_forms or forms)
    if at_end:
        last = _last_piece(text)
        return SyntaxFault("E111", f'"{text.strip()}" is not complete', *last, help)
    if _QUANTITY.match(text, position) and "SIZE" in expected:
        return None
    piece = _PIECE.match(text, position)
    found = piece[0] if piece else ""
    if first == "reply" and found == "to":
        help = 'write  reply with template "..."'
    sentence = (
        f'"{found.strip(chr(34))}" cannot stand here' if expected != {"$END"} else f'"{found}" is one word too many'
    )
    if expected == {"$END"}:
        help = "one action is one text: put the next one into a text of its own" if near_forms else help
    return SyntaxFault("E111", sentence, position, position + len(found), help)


def _near_action(said: str) -> str:
    """The beginning of an action that looks like what was said."""
    from difflib import SequenceMatcher

    spoken = said.split()
    best, score = "", 0.0
    for opening in _OPENINGS:
        length = len(opening.split())
        for size in (length, length + 1):
            candidate = " ".join(spoken[:size]).lower()
            ratio = SequenceMatcher(None, candidate, opening).ratio()
            if ratio > score:
                best, score = opening, ratio
    return best if score >= 0.7 else _synonym(spoken[0].lower() if spoken else "")


def _synonym(word: str) -> str:
    return {
        "move": "route to workspace", "send": "route to workspace", "redirect": "forward to", "tag": "add label",
        "delete": "discard because", "drop": "discard because", "label": "add label", "quarantine": "hold because",
        "bounce": "reject with", "watch": 'add "..." as watcher', "keep": "stop", "end": "stop",
        "answer": "reply with template",
    }.get(word, "")  # fmt: skip


def _shared(form: str, said: str) -> int:
    count = 0
    for left, right in zip(form.split(), said.split(), strict=False):
        if left != right:
            break
        count += 1
    return count


def _sign(text: str, position: int) -> SyntaxFault | None:
    found = _SIGN.match(text, position)
    if not found:
        return None
    what = "is not a comparison here" if found[0][0] in "=!<~" and found[0] != "!" else "is not a word of this language"
    return SyntaxFault("E102", f'"{found[0]}" {what}', *found.span(), _SIGNS[found[0]])


def _quantity(text: str, position: int) -> SyntaxFault | None:
    """`10mb`, or the `mb` behind a number: a unit that is none."""
    behind = re.search(r"(\d+(?:\.\d+)?)\s*\Z", text[:position])
    start = behind.start() if behind else position
    found = _QUANTITY.match(text, start)
    if not found or found.end() <= position:
        return None
    unit = _UNITS.get(found[2].lower())
    if unit is None:
        near = near_names(found[2].lower(), ["minutes", "hours", "days", "weeks"], 1)
        unit = near[0] if near else None
    help = f"write  {found[1]} {unit}" if unit else "units: B kB MB GB, minutes hours days weeks"
    return SyntaxFault("E137", f'"{found[2]}" is not a unit', found.start(2), found.end(2), help)


def _word(text: str, position: int, expected: frozenset[str]) -> SyntaxFault | None:
    """Keywords in capitals, words doubled or left out, two values side by side."""
    found = _WORD.match(text, position)
    if not found:
        keyed = re.search(r"[\w.]+\s*\Z", text[:position])
        if position < len(text) and text[position] == "[" and keyed:
            name = keyed[0].strip()
            help = 'did you mean  headers["..."]  or  item["..."] ?'
            return SyntaxFault("E130", f'there is no field called "{name}[...]"', keyed.start(), position, help)
        if position < len(text) and text[position] in '"/' and expected & _COMPARISONS:
            help = 'such as  is "..."  or  contains "..."'
            return SyntaxFault("E107", "a comparison is missing before this", position, _end(text, position), help)
        return None
    word, behind = found[0], found.end()
    lower = word.lower()
    if lower != word and (lower in WORDS.values() or lower in ("starts", "ends", "matches", "does")):
        return SyntaxFault("E104", f'"{word}" is written in small letters', position, behind, f"write  {lower}")
    before = text[:position].split()
    if word in ("in", "like", "between", "before", "after", "list") and "is" in (before[-1:] + before[-2:-1]):
        start = text.rindex("is", 0, position)
        return SyntaxFault("E101", '"is" is one word too many', start, start + 2, "leave  is  out")
    if expected & _COMPARISONS:
        near = near_names(lower, ("contains", "starts with", "ends with", "matches", "like", "exists", "between"), 1)
        extra = {
            "equals": "is",
            "has": "contains",
            "includes": "contains",
            "startswith": "starts with",
            "endswith": "ends with",
        }
        guess = extra.get(lower) or (near[0] if near else "")
        help = f"did you mean  {guess} ?" if guess else _listed(expected)
        return SyntaxFault("E107", f'"{word}" is no comparison', position, behind, help)
    if "FIELD" in expected and lower != word:
        return SyntaxFault(
            "E101",
            f'"{word}" cannot stand here',
            position,
            behind,
            f'fields are written small:  {lower};  texts in "..."',
        )
    return None


def _incomplete(text: str, at_end: bool, expected: frozenset[str]) -> SyntaxFault | None:
    if not at_end:
        return None
    start, end = _last_piece(text)
    return SyntaxFault("E108", f'something is missing behind "{text[start:end]}"', start, end, _listed(expected))


def _anything(text: str, position: int, expected: frozenset[str]) -> SyntaxFault:
    end = _end(text, position)
    piece = text[position:end]
    code = "E101" if piece[:1].isalnum() or piece[:1] in '"_(/[' else "E103"
    return SyntaxFault(code, f'"{piece.strip(chr(34))}" cannot stand here', position, end, _listed(expected))


def _end(text: str, position: int) -> int:
    found = _PIECE.match(text, position)
    return found.end() if found else position + 1


def _last_piece(text: str) -> tuple[int, int]:
    """Where the last word or text stands."""
    pieces = [found.span() for found in _PIECE.finditer(text.rstrip()) if not found[0].isspace()]
    return pieces[-1] if pieces else (0, max(len(text), 1))
