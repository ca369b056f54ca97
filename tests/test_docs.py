"""The documents say what is there: commands with their options, links, words of queries, keys of files.

`python tests/test_docs.py` writes the tables that are made of code anew: commands, gates, fields, names of templates.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

if TYPE_CHECKING:
    from engine.model.fields import ItemFields

ROOT = Path(__file__).resolve().parent.parent
CLI = ROOT / "docs" / "cli.md"
BEGIN, END = "made by: python tests/test_docs.py -->\n", "<!-- end -->"
DOCUMENTS = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
COMMON = {"--config", "-v", "--verbose", "-q", "--quiet", "--no-color", "--help", "-h", "--version"}


def leaves() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with its words."""
    from engine.cli.main import COMMANDS, allegra

    context = click.Context(allegra)
    for name in COMMANDS:
        command = allegra.get_command(context, name)
        if isinstance(command, click.Group):
            yield from (((name, inner), each) for inner, each in command.commands.items())
        elif command is not None:
            yield (name,), command


def table() -> str:
    """The table of commands: arguments, first sentence, options; a tick where there is `--json`."""
    rows = ["| command | does | options | JSON |", "|---|---|---|---|"]
    for words, command in leaves():
        context = click.Context(command, info_name=words[-1])
        arguments = [each.make_metavar(context) for each in command.params if isinstance(each, click.Argument)]
        options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
        told = " ".join(f"`{_option(each, context)}`" for each in options if "--json" not in each.opts)
        name = " ".join(("allegra", *words, *arguments)).replace("|", "\\|")
        does = " ".join((command.help or "").split("\n\n")[0].split()).partition(". ")[0].rstrip(".")
        has_json = any("--json" in each.opts for each in options)
        rows.append(f"| `{name}` | {does} | {told or '–'} | {'✔' if has_json else '–'} |")
    return "\n".join(rows) + "\n"


def _option(option: click.Option, context: click.Context) -> str:
    metavar = "" if option.is_flag else option.make_metavar(context).replace("|", "\\|")
    name = max(option.opts, key=len)
    other = f"/{option.secondary_opts[0]}" if option.secondary_opts else ""
    return f"{name}{other} {metavar}".strip()


def gates() -> str:
    """The table of gates."""
    from engine.model.gates import GATES

    rows = ["| gate | option | default | looks for | code | a rule may skip it |", "|---|---|---|---|---|---|"]
    for gate in GATES:
        codes = " ".join(f"`{code}`" for code in gate.codes)
        skip = ("yes, in the workspace" if "limits" in gate.stages else "yes") if gate.skippable else "no"
        says = ", ".join(gate.options.values())
        rows.append(f"| `{gate.name}` | `{gate.option}` | {says} | {gate.about} | {codes} | {skip} |")
    return "\n".join(rows) + "\n"


def keyword_fields(common: ItemFields | None = None) -> str:
    """The table of fields that keyword lines set."""
    from engine.model.fields import COMMON as BUILT_IN
    from engine.model.fields import KINDS

    rows = ["| field | keys (English) | value |", "|---|---|---|"]
    for field in (common or BUILT_IN).set_by("keyword"):
        keys = ", ".join(label.capitalize() for label in field.labels["en"].split("|"))
        value = field.about if field.kind == "text" else KINDS[field.kind].written
        if field.choices or field.values:
            value = f"one of the workspace's {field.choices}" if field.choices else f"one of {', '.join(field.values)}"
        rows.append(f"| `{field.name}` | {keys} | {value} |")
    rows.append("| custom field | its displayed name | by its kind; several values of a list by comma |")
    return "\n".join(rows) + "\n"


def rule_fields(common: ItemFields | None = None) -> str:
    """The table of fields that rules set."""
    from engine.model.fields import COMMON as BUILT_IN
    from engine.rulebook.actions import settings

    kinds = {"text": "a text", "number": "a number", "date": "a day", "yesno": "`yes` or `no`"}
    rows = ["| field | value | what it is | also called |", "|---|---|---|---|"]
    for each in settings(common or BUILT_IN):
        also = ", ".join(f"`{alias}`" for alias in each.aliases)
        rows.append(f"| `{each.name}` | {kinds[each.kind]} | {each.about} | {also} |")
    return "\n".join(rows) + "\n"


def events() -> str:
    """The table of events and who hears of them."""
    from engine.model.events import EVENTS, Part

    letters = {Part.ASSIGNEE: "A", Part.FORMER: "who had it", Part.REQUESTER: "R", Part.PARTICIPANT: "P",
               Part.WATCHER: "W", Part.WRITER: "K", Part.COPY: "C", Part.NAMED: "N", Part.ADMIN: "D",
               Part.OWNER: "O", Part.MEMBER: "M"}  # fmt: skip
    rows = ["| event | inside | outside | answers the sender by |", "|---|---|---|---|"]
    for event in EVENTS:
        inside = [letters[part] for part in event.inside] + [f"else {letters[part]}" for part in event.unassigned]
        outside = [letters[part] for part in event.outside]
        auto = f"`{event.auto}`" if event.auto else "–"
        rows.append(f"| `{event.name}` | {' '.join(inside) or '–'} | {' '.join(outside) or '–'} | {auto} |")
    return "\n".join(rows) + "\n"


def preferences() -> str:
    """The table of what people choose."""
    from engine.model.preferences import PREFERENCES

    rows = ["| key | values, the usual one first | decides about |", "|---|---|---|"]
    rows += [f"| `{each.key}` | {', '.join(each.values)} | {each.decides} |" for each in PREFERENCES]
    return "\n".join(rows) + "\n"


def why_nots() -> str:
    """The table of reasons."""
    from engine.model.events import Why
    from engine.wording.why import why_not

    rows = ["| code | means |", "|---|---|"]
    return "\n".join([*rows, *(f"| `{why}` | {why_not(why, '')} |" for why in Why)]) + "\n"


def messages() -> str:
    """Every message in English, with values that fit; of the notices of one event what differs."""
    from engine.outbox.samples import sample
    from engine.outbox.templates import FAMILY, NAMES, Templates

    shown = []
    for name in NAMES:
        if name in FAMILY:
            continue
        rendered = Templates(None).render(name, "en", sample(name))
        shown.append(f"### `{name}`\n\n```\nSubject: {rendered.subject}\n\n{rendered.body}```\n")
        if name == "notice":
            shown.append(sentences())
    return "\n".join(shown)


def sentences() -> str:
    """What a notice of each event says first."""
    from engine.model.events import EVENTS
    from engine.outbox.samples import sample
    from engine.outbox.templates import FAMILY, Templates

    said = "The notices of the events have their own names. Built in, they differ in the sentence that comes first:"
    rows = [said, "", "| event | name | subject | says first |", "|---|---|---|---|"]
    for event in EVENTS:
        if event.template in FAMILY:
            values = sample(event.template, "en", event.name)
            subject, _, _ = Templates(None).render(event.template, "en", values)
            rows.append(f"| `{event.name}` | `{event.template}` | {subject} | {values['sentence']} |")
    return "\n".join(rows) + "\n"


def template_names() -> str:
    """The table of names that templates may use."""
    from engine.outbox.names import NAMES

    rows = ["| name | what it holds |", "|---|---|"]
    return "\n".join([*rows, *[f"| `{each.name}` | {each.about} |" for each in NAMES]]) + "\n"


MADE = (
    ("answers.md", "<!-- events ", events),
    ("answers.md", "<!-- preferences ", preferences),
    ("answers.md", "<!-- why ", why_nots),
    ("answers.md", "<!-- messages ", messages),
    ("cli.md", "<!-- ", table),
    ("stages.md", "<!-- gates ", gates),
    ("stages.md", "<!-- fields ", keyword_fields),
    ("rules.md", "<!-- fields ", rule_fields),
    ("config.md", "<!-- values ", template_names),
)
"""Tables that are made of code: the document, how the line above begins, what makes it."""


def place(text: str, before: str) -> slice:
    """Where the made table with this line above it stands in a document."""
    begin = text.index(before + BEGIN) + len(before + BEGIN)
    return slice(begin, text.index(END, begin))


@pytest.mark.parametrize(("name", "before", "made"), MADE, ids=lambda each: getattr(each, "__name__", ""))
def test_tables_made_of_code_are_what_the_code_says(name: str, before: str, made: Callable[[], str]) -> None:
    text = (ROOT / "docs" / name).read_text("utf-8")
    assert text[place(text, before)] == made(), "run: python tests/test_docs.py"


def test_a_field_added_to_the_table_has_its_lines_in_the_documents() -> None:
    from engine.model.fields import COMMON as BUILT_IN
    from engine.model.fields import Field

    more = BUILT_IN.plus(
        Field("impact", "list", "how far it goes", values=("Low", "High"), labels={"en": "impact|reach"})
    )
    assert "| `impact` | Impact, Reach | one of Low, High |\n" in keyword_fields(more)
    assert "| `impact` | a text | how far it goes |  |\n" in rule_fields(more)


def test_the_defaults_of_fields_are_documented() -> None:
    from engine.model.fields import COMMON as BUILT_IN

    text = (ROOT / "docs" / "config.md").read_text("utf-8").partition("\n### `[items]`\n")[2]
    shown = {field.name: json.dumps(field.default) for field in BUILT_IN.with_default}
    assert [name for name, default in shown.items() if f"\n| `{name}` | `{default}` |" not in text] == []


def quoted() -> Iterator[tuple[str, str]]:
    """Every command line that a document, the demo or a piece of advice shows."""
    from engine.cli.demo import TRY_NEXT
    from engine.model.reasons import REASONS

    for path in DOCUMENTS:
        text = path.read_text("utf-8")
        blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        spans = re.findall(r"`(allegra [^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
        lines = [line for block in blocks for line in block.splitlines()]
        found = [match[1] for line in lines if (match := re.search(r"(?:^|/|&& |\s)(allegra [a-z].*)$", line))]
        yield from ((path.name, line) for line in (*spans, *found))
    for command, _ in TRY_NEXT:
        yield "demo", command
    for reason in REASONS.values():
        for line in reason.what_to_do:
            if line.startswith("allegra "):
                yield reason.code, re.split(r"\s{2,}", line)[0]


def test_every_command_line_that_is_shown_exists() -> None:
    known = dict(leaves())
    wrong: list[tuple[str, ...]] = []
    for where, line in quoted():
        if "allegra unix" in line or "COMMAND" in line:  # the service of that name in Postfix; any command
            continue
        line = re.sub(r"\s#.*|\s{3,}.*|\|.*|;.*", "", line)
        try:
            words = shlex.split(line.replace("…", "x").replace("(", " ").replace(")", " "))[1:]
        except ValueError:
            words = line.split()[1:]
        words = words if words[:1] != ["--config"] else words[2:]
        name = next((name for name in (tuple(words[:2]), tuple(words[:1])) if name in known), None)
        if name is None:
            noun = any(words[0] == first for first, *_ in known) if words else True
            if not noun or (len(words) > 1 and words[1].isalpha() and words[1].islower()):
                wrong.append((where, line))
            continue
        options = {opt for each in known[name].params for opt in (*each.opts, *each.secondary_opts)} | COMMON
        given = {re.sub(r"=.*|[\],.]+$", "", word).lstrip("[") for word in words if word.lstrip("[").startswith("--")}
        wrong += [(where, line, option) for option in given - options - {"--"}]
    assert wrong == []


def anchors(path: Path) -> set[str]:
    """The places in a document that a link may name, as the usual renderers make them."""
    heads = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_between_documents_leads_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", path.read_text("utf-8")):
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), f"{path.name}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{path.name}: {link}"


def test_every_document_is_named_in_the_readme_or_in_one_that_is() -> None:
    links = re.compile(r"\]\(([\w./-]+\.md)")
    named = {(path.parent / link).resolve() for path in DOCUMENTS for link in links.findall(path.read_text("utf-8"))}
    assert {path for path in DOCUMENTS if path.parent != ROOT} - named == set()


def test_every_word_of_a_query_is_documented() -> None:
    from engine.store import event_query, item_query, outbox_query, search

    text = CLI.read_text("utf-8")
    for words, title in (
        (search, "Searching mail"), (outbox_query, "The outbox"), (item_query, "Searching items"),
        (event_query, "What happened"),
    ):  # fmt: skip
        part = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
        assert [word for word in filter(None, words._EXAMPLES) if f"`{word}" not in part] == [], title


def test_every_key_of_a_data_file_is_documented() -> None:
    from engine.store.load import INNER, SHAPES

    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", CLI.read_text("utf-8"), re.MULTILINE))
    for name, shape in SHAPES.items():
        inner = INNER[name][1] if name in INNER else {}
        assert [key for key in (*shape, *inner) if f"`{key}`" not in rows[name]] == [], name


def test_every_field_of_a_parsed_mail_is_documented(tmp_path: Path) -> None:
    import json

    from click.testing import CliRunner

    from engine.cli.main import allegra

    (tmp_path / "a.eml").write_bytes(b"From: a@example.com\nSubject: x\n\nx\n")
    told = json.loads(CliRunner().invoke(allegra, ["parse", "--json", str(tmp_path / "a.eml")]).output)
    text = CLI.read_text("utf-8")
    assert [name for name in told if f"`{name}`" not in text and name != "schema"] == []
    assert [name for name in told["authentication"] if f"`{name}`" not in text] == []


def test_every_source_and_every_gate_with_a_verb_has_a_row() -> None:
    from engine.config.gates import Gates
    from engine.config.kinds import Verb
    from engine.sources import KINDS

    sources, stages = ((ROOT / "docs" / name).read_text("utf-8") for name in ("sources.md", "stages.md"))
    assert [name for name in KINDS if f"| `{name}` |" not in sources] == []
    gates = [name for name, kind in typing.get_type_hints(Gates, include_extras=True).items() if kind == Verb]
    assert len(gates) > 10
    assert [name for name in gates if f"`gates.{name}`" not in stages] == []


def test_every_exit_code_is_documented() -> None:
    from engine.cli import common, deliver

    codes = {common.DONE, common.FINDINGS, common.USAGE, common.AWAY, common.LATER, common.BROKEN_CONFIG}
    codes |= {deliver.TOO_BIG, deliver.NO_MAILBOX, deliver.REFUSED, deliver.TEMPORARY}
    text = CLI.read_text("utf-8")
    rows = " ".join(re.findall(r"^\| ([\d, ]+) \|", text, re.MULTILINE))
    assert codes <= {int(code) for code in re.findall(r"\d+", rows)}


def test_every_stage_stands_in_the_way_of_a_mail() -> None:
    from engine.decision.pipeline import ORDER

    text = (ROOT / "docs" / "flow.md").read_text("utf-8")
    assert [name for number, name in enumerate(ORDER, 1) if f"| {number} | `{name}` |" not in text] == []
    for path in re.findall(r"`((?:\w+/)*\w+\.py)`", text):
        assert (ROOT / "engine" / path).is_file() or (ROOT / path).is_file(), path


def test_the_changelog_knows_this_version_and_the_licence_is_what_it_says() -> None:
    from engine import __version__

    assert re.search(rf"^## {re.escape(__version__)}\b", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    licence = (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License" in licence and "Version 2.0, January 2004" in licence
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text("utf-8")
    assert "Apache-2.0" in (ROOT / "README.md").read_text("utf-8")


def test_the_targets_that_the_readme_names_are_in_the_makefile() -> None:
    made = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    shown = re.compile(r"`make (\w+)`|^make (\w+)(?=\s+#)", re.MULTILINE)
    named = {a or b for path in DOCUMENTS for a, b in shown.findall(path.read_text("utf-8"))}
    assert {"demo", "test"} <= named <= made


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    for name, before, made in MADE:
        path = ROOT / "docs" / name
        text = path.read_text("utf-8")
        where = place(text, before)
        path.write_text(text[: where.start] + made() + text[where.stop :], "utf-8")
