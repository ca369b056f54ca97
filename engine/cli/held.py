"""`allegra held`: mails that wait for a person, and the person's decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli import words
from engine.cli.common import answer, open_config, open_store, plain, print_json, print_table, when
from engine.cli.mail import person
from engine.cli.noun import Noun

if TYPE_CHECKING:
    from engine.config import Config
    from engine.store.store import Store


@click.group(cls=Noun)
def held() -> None:
    """List, release, reject or discard held mail."""


@held.command("list")
@click.option("--workspace", metavar="NAME", shell_complete=words.workspaces, help="Only mails on their way there.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def list_(ctx: click.Context, workspace: str | None, as_json: bool) -> None:
    """List held and quarantined mails, the oldest first."""
    config = open_config(ctx)
    if workspace and workspace not in config.workspaces:
        raise click.UsageError(f"there is no workspace {workspace!r}; there are: {', '.join(config.workspaces)}")
    with open_store(ctx, config) as store:
        rows = [row for row in store.archive.held() if not workspace or row.workspace == workspace]
        if as_json:
            for row in rows:
                print_json("held", plain(row))
            return
        print_table(
            ("mail", "received", "from", "subject", "code", "because"),
            [
                (row.mail[:8], when(row.received_at), row.sender, row.subject.strip() or "(no subject)", row.code,
                 row.because)
                for row in rows
            ],
            "nothing is held",
            limit=44,
        )  # fmt: skip


@held.command()
@click.argument("refs", nargs=-1)
@click.option(
    "--all-matching", metavar="QUERY", help="All held mails that a query finds (see allegra mail list --help)."
)
@click.option("--to", "workspace", metavar="WORKSPACE", default="", shell_complete=words.workspaces,
              help="Make the item there.")  # fmt: skip
@click.option("--item", type=click.IntRange(1), default=None, metavar="N", help="Make it a comment on this item.")
@click.option("--reason", default="", help="Why; it is kept with the mail.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def release(
    ctx: click.Context, refs: tuple[str, ...], all_matching: str | None, workspace: str, item: int | None, reason: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Let held mails go on: what rules, gates and hooks would hold is passed; every other verdict stands."""
    from engine.cli import lines
    from engine.model.facts import Release
    from engine.run.line import line_of
    from engine.run.passing import utc_now
    from engine.run.process import Engine
    from engine.store.errors import NotFound
    from engine.store.locks import owner

    config = open_config(ctx)
    with open_store(ctx, config) as store:
        if workspace and workspace not in config.workspaces:
            raise NotFound(f"there is no workspace {workspace!r}; there are: {', '.join(config.workspaces)}")
        if item and store.items.item(item) is None:
            raise NotFound(f"there is no item #{item}")
        engine = Engine(config, store)
        try:
            for row in _chosen(store, refs, all_matching):
                said = Release(person(), reason, workspace, item or 0, row.generation + 1)
                store.ledger.reopen(row.mail, said)
                spooled = store.ledger.claim_one(row.mail, utc_now(), owner())
                for result in engine.process([spooled], utc_now()):
                    line = line_of(result)
                    if as_json:
                        print_json("held", lines.as_json(line))
                    else:
                        click.echo(lines.row(line))
        finally:
            engine.close()


@held.command()
@click.argument("refs", nargs=-1)
@click.option("--all-matching", metavar="QUERY", help="All held mails that a query finds.")
@click.option("--reason", required=True, help="The sentence for the sender (if the sender may be told) and the audit.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def reject(ctx: click.Context, refs: tuple[str, ...], all_matching: str | None, reason: str, as_json: bool) -> None:
    """Refuse held mails and tell the sender, if that is allowed."""
    config = open_config(ctx)
    with open_store(ctx, config) as store:
        for row in _chosen(store, refs, all_matching):
            told = _tell(config, store, row, reason)
            said = f"{row.mail[:8]}  rejected, " + ("an answer is queued" if told else "the sender is not told")
            answer(as_json, "held", {"mail": row.mail, "done": "rejected", "sender_told": told}, said)


@held.command()
@click.argument("refs", nargs=-1)
@click.option("--all-matching", metavar="QUERY", help="All held mails that a query finds.")
@click.option("--reason", default="not wanted", show_default=True, help="Why; it is kept with the mail.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def discard(ctx: click.Context, refs: tuple[str, ...], all_matching: str | None, reason: str, as_json: bool) -> None:
    """Close held mails without making anything of them and without telling anybody."""
    with open_store(ctx) as store:
        for row in _chosen(store, refs, all_matching):
            store.ledger.ignore(row.mail, person(), reason)
            answer(as_json, "held", {"mail": row.mail, "done": "discarded"}, f"{row.mail[:8]}  discarded")


def _chosen(store: Store, refs: tuple[str, ...], query: str | None) -> list[Any]:
    """The held mails that were named or found. Anything else is refused before something happens."""
    from engine.store.errors import NotFound, Refused

    if not refs and query is None:
        raise click.UsageError("name a held mail, or give --all-matching QUERY; allegra held list shows them")
    waiting = {row.mail: row for row in store.archive.held()}
    rows = [store.archive.mail(ref) for ref in refs]
    if query is not None:
        rows += [row for row in store.archive.mails(query, 10_000) if row.mail in waiting]
    if not rows:
        raise NotFound(f"no held mail matches {query!r}")
    for row in rows:
        if row.mail not in waiting:
            raise Refused(f"{row.mail[:8]} is not held: it ended as {row.outcome}")
    return [waiting[mail] for mail in dict.fromkeys(row.mail for row in rows)]


def _tell(config: Config, store: Store, row: Any, reason: str) -> bool:
    """Close the mail as rejected; queue the answer where the rules of automatic answers allow one."""
    from engine.decision.answering import may_answer
    from engine.decision.facts import gather
    from engine.explain.replay import parse_stored
    from engine.model.plan import SendMail
    from engine.run.process import Engine

    raw = store.archive.raw(row.mail)
    allowed = False
    if raw is not None:
        mail = parse_stored(config, raw)
        engine = Engine(config, store)
        facts = gather(mail, config, row.mailbox, engine.look(raw, row.mail))
        allowed, _ = may_answer(mail, facts, config)
    template = config.settings(row.workspace).replies.rejected
    answer = (
        SendMail("rejected", template, (row.sender,), reason=reason) if allowed and template and row.sender else None
    )
    store.ledger.reject(row.mail, person(), reason, answer)
    return answer is not None
