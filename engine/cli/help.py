"""`allegra help [TOPIC]`: a page of the documents, or what they say about one code or option.

Here: choosing and printing. Not here: where the pages lie and what is in them (`desk/manual.py`).
Invariant: without a terminal a page is printed as it is, so it can be kept in a file.
"""

from __future__ import annotations

from typing import Any

import click

from engine.cli.common import is_terminal
from engine.desk import manual


def _topics(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    """Offer the topics to a shell, each with its title."""
    from click.shell_completion import CompletionItem

    known = manual.pages().items()
    return [CompletionItem(name, help=manual.title(path)) for name, path in known if name.startswith(incomplete)]


@click.command()
@click.argument("topic", default="", shell_complete=_topics)
def help(topic: str) -> None:
    """Print a page of the documents, or what they say about a code.

    TOPIC is a page (rules, config), a code as in `explain` and `check` (rule.hold, C101) or an option (gates.dmarc).
    Without one, all pages are listed. On a terminal a page is shown in the pager that PAGER names.
    """
    known = manual.pages()
    page = {name.casefold(): name for name in known}.get(topic.casefold(), "")
    if not topic:
        _list({name: manual.title(path) for name, path in known.items() if "/" not in name})
    elif page:
        text = known[page].read_text(encoding="utf-8")
        if is_terminal():
            click.echo_via_pager(text)
        else:
            click.echo(text, nl=False)
    elif found := list(manual.rows(topic)):
        click.echo("\n\n".join(found))
    else:
        raise click.UsageError(_unknown(topic, list(known)))


def _list(titles: dict[str, str]) -> None:
    width = max(map(len, titles))
    for name, says in titles.items():
        click.echo(f"{name:<{width}}  {says}")
    click.echo("\nallegra help TOPIC prints a page; allegra help CODE what a code means", err=True)


def _unknown(topic: str, known: list[str]) -> str:
    import difflib

    names = {name.casefold(): name for name in (*known, *manual.words())}
    near = difflib.get_close_matches(topic.casefold(), names, 1, 0.7)
    there = (
        f"did you mean {names[near[0]]!r}?"
        if near
        else f"there are: {', '.join(each for each in known if '/' not in each)}"
    )
    return f"there is no page {topic!r} and no code or option of that name; {there}"
