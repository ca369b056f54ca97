"""`allegra mailbox`: what the configured mailboxes are, whether they can be reached, what lies in them.

Here: list, test, peek, folders, pause, resume, reconcile. Not here: reading mail into items (`run.py`).
Invariant: everything but `pause`, `resume` and `reconcile --commit` only looks; nothing ever changes on the server.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from engine.cli import words
from engine.cli.common import AWAY, DONE, LATER, complain, open_config, open_store, print_json, print_table, when
from engine.cli.noun import Noun
from engine.plain_text import printable

if TYPE_CHECKING:
    from datetime import datetime

    from engine.config import Config, Mailbox
    from engine.model.mail import RawMail
    from engine.sources.source import Source
    from engine.store.store import Store


@click.group(cls=Noun)
def mailbox() -> None:
    """List, test and peek into mailboxes."""


@mailbox.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mailbox.")
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List the configured mailboxes and how they fare."""
    config = open_config(ctx)
    with open_store(ctx, config) as store:
        states = {state.name: state for state in store.mailboxes.states()}
        rows: list[tuple[Any, ...]] = []
        for box in config.mailboxes:
            state = states.get(box.name)
            fare, since, sentence = _fare(box, state)
            if as_json:
                place = {"protocol": box.protocol, "place": box.place, "folder": box.folder, "active": box.active}
                now = {"state": fare, "since": since, "sentence": sentence, "holder": state.holder if state else ""}
                print_json("mailbox", {"mailbox": box.name, "workspace": box.workspace or None, **place, **now})
            rows.append((box.name, box.protocol, box.place, box.folder, fare, when(since), sentence))
        if not as_json:
            heads = ("mailbox", "protocol", "place", "folder", "state", "since", "why")
            print_table(heads, rows, "no mailbox is configured", limit=80)


def _fare(box: Mailbox, state: Any) -> tuple[str, datetime | None, str]:
    """A mailbox in a word, since when, and why: off, paused, failing, ok or never read."""
    if not box.active:
        return "off", None, "active = false"
    if state is None:
        return "never read", None, ""
    if state.paused:
        return "paused", None, state.paused
    if state.failures:
        return "failing", state.failing_since, state.sentence
    return ("ok", state.ok_at, "") if state.ok_at else ("never read", None, "")


@mailbox.command()
@click.argument("names", nargs=-1, shell_complete=words.mailboxes)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mailbox.")
@click.pass_context
def test(ctx: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Log in to mailboxes (all active ones, or those named) and tell what the server can. Exit code 69 if one fails."""
    from engine.sources.source import SourceError

    config = open_config(ctx)
    status = DONE
    for box in _chosen(config, names):
        if box.protocol == "pipe":
            continue
        try:
            with _open(config, box) as source:
                told = source.describe()
        except SourceError as error:
            status = AWAY
            if as_json:
                print_json(
                    "mailbox", {"mailbox": box.name, "ok": False, "code": error.code, "sentence": error.sentence}
                )
            else:
                complain(error.sentence)
            continue
        if as_json:
            print_json(
                "mailbox", {"mailbox": box.name, "ok": True, **{name.replace(" ", "_"): value for name, value in told}}
            )
        else:
            click.echo(f"{box.name}  {printable(box.place)}  works")
            for name, value in told:
                click.echo(f"  {name:<16}{printable(value)}")
    raise SystemExit(status)


@mailbox.command()
@click.argument("name", shell_complete=words.mailboxes)
@click.option(
    "-n", "count", type=click.IntRange(1, 1000), metavar="N", default=10, show_default=True, help="How many mails."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a mail.")
@click.pass_context
def peek(ctx: click.Context, name: str, count: int, as_json: bool) -> None:
    """Show the first mails of a mailbox and whether they were read in; nothing is marked."""
    from engine.mail.parse import parse
    from engine.run.passing import utc_now
    from engine.sources.source import raw_mail

    config = open_config(ctx)
    box = _named(config, name)
    with open_store(ctx, config) as store, _reaching(), _open(config, box) as source:
        looks = source.peek(count)
        fresh = set(store.mailboxes.unknown_keys(box.name, [look.key for look in looks]))
    rows: list[tuple[Any, ...]] = []
    for look in looks:
        mail = parse(raw_mail(box.name, look.key, look.header, utc_now(), look.size_bytes, truncated=True))
        sender = mail.from_[0].address if mail.from_ else ""
        state = "new" if look.key in fresh else "read in"
        if as_json:
            there = {"size": look.size_bytes, "received": look.internaldate, "flags": look.flags}
            says = {"from": sender, "subject": mail.subject, "message_id": mail.message_id}
            print_json("mailbox", {"mailbox": box.name, "key": look.key, "state": state, **there, **says})
        rows.append((state, when(look.internaldate), sender, mail.subject, look.size_bytes, " ".join(look.flags)))
    if not as_json:
        print_table(("state", "received", "from", "subject", "size", "flags"), rows, "there is no mail in it")


@mailbox.command()
@click.argument("name", shell_complete=words.mailboxes)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a folder.")
@click.pass_context
def folders(ctx: click.Context, name: str, as_json: bool) -> None:
    """List the folders of a mailbox, as `folder` and `move_on_success` name them."""
    config = open_config(ctx)
    with _reaching(), _open(config, _named(config, name)) as source:
        for folder in source.folders():
            if as_json:
                print_json("mailbox", {"mailbox": name, "folder": folder})
            else:
                click.echo(printable(folder))


@mailbox.command()
@click.argument("name", shell_complete=words.mailboxes)
@click.option("--reason", default="paused by hand", show_default=True, help="Shown by every run until it is resumed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def pause(ctx: click.Context, name: str, reason: str, as_json: bool) -> None:
    """Leave a mailbox alone until `allegra mailbox resume`."""
    config = open_config(ctx)
    _named(config, name)
    with open_store(ctx, config) as store:
        store.mailboxes.pause(name, printable(reason, 200))
    _say(as_json, {"mailbox": name, "state": "paused"}, f"{name} is paused")


@mailbox.command()
@click.argument("name", shell_complete=words.mailboxes)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def resume(ctx: click.Context, name: str, as_json: bool) -> None:
    """Read a paused mailbox again."""
    config = open_config(ctx)
    _named(config, name)
    with open_store(ctx, config) as store:
        store.mailboxes.resume(name)
    _say(as_json, {"mailbox": name, "state": "resumed"}, f"{name} is read again from the next run on")


@mailbox.command()
@click.argument("name", shell_complete=words.mailboxes)
@click.option(
    "--folder", metavar="FOLDER", help="Look there, e.g. where done mail was moved to (default: the mailbox's own)."
)
@click.option("--commit", is_flag=True, help="Take in what is missing; without it this only counts.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def reconcile(ctx: click.Context, name: str, folder: str | None, commit: bool, as_json: bool) -> None:
    """Find mails that lie on the server but that we do not have, after a restored backup for example.

    Mails are compared by their bytes. With --commit those that are missing are taken in; the next `allegra run`
    decides them. What is known already is not decided again.
    """
    from engine.run.lease import Lease
    from engine.run.passing import utc_now

    config = open_config(ctx)
    box = _named(config, name)
    elsewhere = box.filled(folder=folder) if folder else box
    with open_store(ctx, config) as store, Lease(store, name, utc_now) as lease:
        if not lease.held:
            complain(f"mailbox {name}: another run is working on it ({lease.holder})")
            raise SystemExit(LATER)
        with _reaching(), _open(config, elsewhere) as source:
            listed = [each.key for each in source.list()]
            fresh = store.mailboxes.unknown_keys(name, listed)
            known, missing = _take_in(store, source.fetch(fresh, config.settings().limits), lease.owner, commit)
    there = elsewhere.folder if box.protocol in ("imap", "maildir") else box.place
    told = {"mailbox": name, "folder": there, "on_server": len(listed), "known": len(listed) - missing,
            "missing": missing, "known_by_content": known, "committed": commit}  # fmt: skip
    what = "were taken in: allegra run decides them" if commit else "are missing here (--commit takes them in)"
    what = what if missing else "are missing here"
    _say(as_json, told, f"{there}: {len(listed)} mails, {len(listed) - missing} known, {missing} {what}")


def _take_in(store: Store, raws: Iterator[RawMail], owner: str, commit: bool) -> tuple[int, int]:
    """Spool mails, for good or as a rehearsal; the numbers of known and of missing ones."""
    known = missing = 0
    for raw in raws:
        if commit:
            (spooled,) = store.ledger.spool([raw], owner)
            if not spooled.seen_before:
                store.ledger.unclaim([spooled])
        else:
            with store.rehearsal():
                (spooled,) = store.ledger.spool([raw], owner)
        known += spooled.seen_before
        missing += not spooled.seen_before
    return known, missing


# ── what the commands share ───────────────────────────────────────────────────────────────────────────────────


def _named(config: Config, name: str) -> Mailbox:
    """The mailbox of that name; another name is a usage error."""
    return _chosen(config, (name,))[0]


def _chosen(config: Config, names: Sequence[str]) -> list[Mailbox]:
    known = {box.name: box for box in config.mailboxes}
    for name in names:
        if name not in known:
            raise click.UsageError(f"there is no mailbox {name!r}; there are: {', '.join(known) or 'none'}")
    return [known[name] for name in dict.fromkeys(names)] or [box for box in config.mailboxes if box.active]


def _open(config: Config, box: Mailbox) -> Source:
    from engine.run.passing import utc_now
    from engine.sources import open_source

    return open_source(box, config.settings().limits, utc_now)


@contextmanager
def _reaching() -> Iterator[None]:
    """Turn a SourceError into its sentence on stderr and exit code 69."""
    from engine.sources.source import SourceError

    try:
        yield
    except SourceError as error:
        complain(error.sentence)
        raise SystemExit(AWAY) from None


def _say(as_json: bool, told: dict[str, Any], sentence: str) -> None:
    if as_json:
        print_json("mailbox", told)
    else:
        click.echo(sentence)
