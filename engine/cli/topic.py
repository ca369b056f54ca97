"""`allegra topic`: discussions, and what people write below them.

Here: the commands. Not here: the options of every act and what is printed of one (`acting.py`), who may and what comes
of it (`desk/topics.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import words
from engine.cli.acting import NUMBER, Said, act, every, files, read_words, with_words
from engine.cli.common import open_store, open_to_read, print_json
from engine.cli.noun import Noun
from engine.cli.shown import lately, print_pairs, print_table, print_text, when
from engine.plain_text import printable

if TYPE_CHECKING:
    from engine.desk.doing import How
    from engine.model.acts import Acted
    from engine.model.stored import TopicView
    from engine.run.engine import Engine


@click.group(cls=Noun)
def topic() -> None:
    """Look at topics, write below them, lock them."""


@topic.command("list")
@click.option("--workspace", metavar="NAME", default="", shell_complete=words.workspaces, help="Only topics there.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, metavar="N", help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a topic.")
@click.pass_context
def list_(ctx: click.Context, workspace: str, limit: int, as_json: bool) -> None:
    """List topics, those with the newest numbers first."""
    with open_to_read(ctx) as store:
        if workspace:
            store.items.workspace_id(workspace)
        rows = store.topic_views.newest(workspace, limit)
        if as_json:
            for row in rows:
                print_json("topic", row)
            return
        print_table(
            ("topic", "workspace", "title", "posts", "state", "changed"),
            [
                (row.id, row.workspace, row.title, row.posts or "", "locked" if row.locked else "",
                 lately(row.changed_at))
                for row in rows
            ],
            "there are no topics",
            limit=44,
        )  # fmt: skip


@topic.command()
@NUMBER
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@click.pass_context
def show(ctx: click.Context, number: int, as_json: bool) -> None:
    """Show a topic with its posts, the oldest first."""
    from engine.desk import plain, topics

    with open_store(ctx) as store:
        view = topics.topic(store, number)
        if as_json:
            print_json("topic", plain.topic(view))
        else:
            _print(view)


@topic.command()
@NUMBER
@with_words
@every
@click.pass_context
def post(
    ctx: click.Context, /, number: int, text: str | None, source: str | None, attach: tuple[Path, ...], **more: Any
) -> None:
    """Write below a topic: who wrote there before hears of it.

    Words come from -m, --file, or an editor. A topic that is locked takes no posts.
    """
    from engine.desk import topics

    def last(engine: Engine) -> Said:
        view = topics.topic(engine.store, number)
        said = view.posts[-1] if view.posts else None
        about = f"topic {number} {view.topic.title}"
        return Said(about, said.writer, said.text) if said is not None else Said(about)

    def do(engine: Engine, how: How) -> Acted:
        topics.topic(engine.store, number)
        return topics.post(engine, number, read_words(lambda: last(engine), text, source), how, files(attach))

    act(ctx, do, topic=True, **more)


@topic.command()
@NUMBER
@every
@click.pass_context
def lock(ctx: click.Context, /, number: int, **more: Any) -> None:
    """Let a topic take no posts any more; a mail that answers it is refused."""
    from engine.desk import topics

    act(ctx, lambda engine, how: topics.lock(engine, number, how, locked=True), topic=True, **more)


@topic.command()
@NUMBER
@every
@click.pass_context
def unlock(ctx: click.Context, /, number: int, **more: Any) -> None:
    """Let a locked topic take posts again."""
    from engine.desk import topics

    act(ctx, lambda engine, how: topics.lock(engine, number, how, locked=False), topic=True, **more)


def _print(view: TopicView) -> None:
    row = view.topic
    print_pairs(
        (
            (f"{row.workspace} topic {row.id}", row.title),
            ("state", "locked" if row.locked else ""),
            ("created", when(row.created_at)),
            ("changed", when(row.changed_at)),
            ("attachments", ", ".join(f"{each.name} ({each.size_bytes} bytes)" for each in view.attachments)),
            ("posts", len(view.posts) or ""),
        )
    )
    for each in view.posts:
        click.echo()
        click.echo(f"── post {each.id}   {printable(each.writer)}   {when(each.created_at)}   {each.mail}".rstrip())
        if each.title:
            click.echo(f"subject: {printable(each.title)}")
        print_text(each.text)
