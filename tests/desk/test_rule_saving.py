"""Saving rule files: nothing is lost, nobody's text is written over unseen, who owns a file and reads it stays."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from console.offices import played
from msgspec.structs import replace

from engine.config import load
from engine.desk import rule_places, rule_reading, rule_saving
from engine.desk.refusals import Refused, Unclear
from engine.desk.rule_saving import Conflict, NotWritable, Wish
from engine.desk.scope import EVERYTHING, Scope
from engine.run.engine import Engine
from engine.store.store import Store
from rules.document import digest


class House:
    """The demo with an engine, and the place of support's rules."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder, self.engine = folder, engine
        self.place = rule_places.place(engine.config, EVERYTHING, "support")
        self.before = rule_reading.stored(self.place)

    @property
    def now(self) -> str:
        return rule_reading.stored(self.place)

    def wish(self, text: str = "", **more: Any) -> Wish:
        """A text that may be saved, but for what is said otherwise."""
        changed = text or self.before.replace("Printer trouble", "Trouble with printers")
        return replace(Wish(changed, digest(self.before), "clearer", seen=True), **more)

    def save(self, wish: Wish, scope: Scope = EVERYTHING, place: Any = None) -> rule_saving.Saved:
        return rule_saving.save(self.engine, scope, "anna", place or self.place, wish)


def opened(folder: Path) -> tuple[Store, Engine]:
    config = load(folder / "allegra.toml")
    store = Store.open(config.store.where)
    return store, Engine(config, store)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    played(tmp_path / "demo")
    store, engine = opened(tmp_path / "demo")
    with store, closing(engine):
        yield House(tmp_path / "demo", engine)


def test_a_saved_text_is_in_the_file_with_a_version_of_before_and_of_now(house: House) -> None:
    done = house.save(house.wish())
    assert house.now == house.wish().text
    newest, first = house.engine.store.rule_files.versions("support")
    assert (newest.number, newest.digest, newest.by, newest.reason) == (done.version, done.digest, "anna", "clearer")
    assert house.engine.store.archive.text(first.digest) == house.before, "what stood there can be had again"
    (told,) = [row for row in house.engine.store.history.events("")[0] if row.name == "rules.saved"]
    assert told.actor == "anna" and told.via == "console"
    assert [path.name for path in house.place.path.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"reason": " "}, "say why"),
        ({"reason": "x" * 301}, "at most 300"),
        ({"seen": False}, "look at what it would change first"),
        ({"text": "[[rule]\n"}, "does not load"),
        ({"text": "[[rule]]\nname = \"A\"\nwhen = 'form is \"x\"'\nthen = ['stop']\n"}, "does not load"),
        ({"text": '[[rule]]\nname = "A"\nthen = [\'assign to "nobody.there"\']\n'}, "warnings"),
    ],
)
def test_what_lacks_is_said_and_the_file_stays(house: House, more: dict[str, Any], said: str) -> None:
    with pytest.raises((Refused, Unclear), match=said):
        house.save(house.wish(**more))
    assert house.now == house.before
    assert house.engine.store.rule_files.versions("support") == []


FAILING = """
[[test]]
name = "wrong"
mail = { subject = "order 4711234" }
expect = ['add label "nothing"']
"""


def test_a_text_whose_tests_fail_is_saved_by_an_admin_who_says_so_and_by_nobody_else(house: House) -> None:
    failing = house.wish(house.before + FAILING)
    owner = Scope("olga", workspaces={"edit_rules": frozenset({"support"}), "view_mail": frozenset({"support"})})
    with pytest.raises(Unclear, match="1 tests do not pass"):
        house.save(failing)
    with pytest.raises(Unclear, match=r"1 tests do not pass: mend them$"):
        house.save(replace(failing, untested=True), owner)
    house.save(replace(failing, untested=True))
    assert house.now.endswith(FAILING)


def test_warnings_are_accepted_by_saying_so(house: House) -> None:
    text = '[[rule]]\nname = "A"\nthen = [\'assign to "nobody.there"\']\n'
    house.save(house.wish(text, warned=True))
    assert house.now == text


def test_whoever_began_from_an_older_text_is_told_who_was_faster(house: House) -> None:
    house.save(house.wish())
    with pytest.raises(Conflict, match="anna changed this file") as told:
        house.save(house.wish(house.before + "\n# mine\n"))
    assert told.value.now == house.now
    house.place.path.write_text(house.before + "# by hand\n", encoding="utf-8")
    with pytest.raises(Conflict, match="somebody changed this file"):
        house.save(house.wish())
    assert house.now == house.before + "# by hand\n"


def test_who_may_not_save_does_not(house: House) -> None:
    with pytest.raises(Refused, match="nobody gave you edit_rules"):
        reader = Scope("rita", workspaces={"view_mail": frozenset({"support"})})
        house.save(house.wish(), reader, rule_places.place(house.engine.config, reader, "support"))
    assert house.now == house.before


def test_mode_line_ends_and_comments_stay(house: House) -> None:
    house.place.path.write_bytes(house.before.replace("\n", "\r\n").encode())
    house.place.path.chmod(0o664)
    began = house.now
    typed = house.before.replace("Printer trouble", "Trouble")  # a form of a browser: any line ends
    text = rule_saving.usual(typed, house.place)
    house.save(house.wish(text, base=digest(began)))
    assert house.now == typed.replace("\n", "\r\n")
    assert house.place.path.stat().st_mode & 0o777 == 0o664
    assert "# Read after a mail arrived" in house.now


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_of_a_file_stays(house: House) -> None:
    os.chown(house.place.path, 65534, 65534)
    house.save(house.wish())
    kept = house.place.path.stat()
    assert (kept.st_uid, kept.st_gid) == (65534, 65534)


def test_a_link_and_a_file_elsewhere_are_not_written(house: House, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.toml"
    target.write_text(house.before, encoding="utf-8")
    house.place.path.unlink()
    house.place.path.symlink_to(target)
    with pytest.raises(NotWritable, match="is a link or lies outside"):
        house.save(house.wish())
    with pytest.raises(NotWritable, match="is a link or lies outside"):
        house.save(house.wish(), place=replace(house.place, path=target))
    assert target.read_text(encoding="utf-8") == house.before


def test_a_full_disk_leaves_what_stood_there(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotWritable, match="no space left on device; what stood there is still there"):
        house.save(house.wish())
    assert house.now == house.before
    assert [path.name for path in house.place.path.parent.iterdir() if path.name.startswith(".")] == []


def test_a_first_file_of_a_workspace_is_made(house: House) -> None:
    place = rule_places.place(house.engine.config, EVERYTHING, "partners")
    assert not place.path.exists()
    text = '[[rule]]\nname = "A"\nthen = [\'add label "a"\']\n'
    house.save(house.wish(text, base=digest("")), place=place)
    assert place.path.read_text(encoding="utf-8") == text
    assert load(house.folder / "allegra.toml").workspaces["partners"].rules == place.path


# ── whatever breaks ───────────────────────────────────────────────────────────────────────────────────────────

STEPS = ("unlink", "open", "write", "fchmod", "fsync", "rename", "kept", "noted")


def _killed(folder: Path, step: str) -> None:
    """Save, and be killed at a step."""

    def dies(*_: Any, **__: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    store, engine = opened(folder)
    house = House(folder, engine)
    if step == "noted":
        type(store.rule_files).put_version = dies  # type: ignore[method-assign]
    elif step == "rename":
        Path.replace = dies  # type: ignore[method-assign,assignment]
    elif step == "unlink":
        Path.glob = dies  # type: ignore[method-assign,assignment]
    elif step == "kept":
        rule_saving._keep = dies
    elif step == "write":
        rule_saving._like = dies
    elif step == "open":
        os.fdopen = dies
    else:
        setattr(os, step, dies)
    house.save(house.wish())


@pytest.mark.parametrize("step", STEPS)
def test_who_is_killed_while_saving_leaves_the_old_or_the_new_file_whole(tmp_path: Path, step: str) -> None:
    folder = tmp_path / "demo"
    played(folder)
    store, engine = opened(folder)
    with store, closing(engine):
        house = House(folder, engine)
        child = multiprocessing.get_context("fork").Process(target=_killed, args=(folder, step))
        child.start()
        child.join(30)
        assert child.exitcode == -signal.SIGKILL
        wish = house.wish()
        assert house.now == (wish.text if step in ("kept", "noted") else house.before)
        again = replace(wish, base=digest(house.now), text=wish.text + "# again\n")
        house.save(again)
        assert house.now == again.text
        assert [path.name for path in house.place.path.parent.iterdir() if path.name.startswith(".")] == []
        texts = [store.archive.text(each.digest) for each in store.rule_files.versions("support")]
        assert (texts[0] == again.text and wish.text in texts) or step not in ("kept", "noted")


def _saves(folder: Path, who: int, saved: Any) -> None:
    """Add lines, each begun from what stands there, until all are in."""
    store, engine = opened(folder)
    house = House(folder, engine)
    for number in range(10):
        line = f"# {who}.{number}\n"
        while True:
            now = house.now
            try:
                done = house.save(Wish(now + line, digest(now), line, unseen=True))
            except Conflict:
                continue
            saved.put((done.version, line))
            break
    engine.close()
    store.close()


def test_four_people_who_save_at_once_lose_no_line(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    played(folder)
    spawned = multiprocessing.get_context("fork")
    saved = spawned.Queue()
    people = [spawned.Process(target=_saves, args=(folder, who, saved)) for who in range(4)]
    for each in people:
        each.start()
    told = [saved.get(timeout=60) for _ in range(40)]
    for each in people:
        each.join(30)
    store, engine = opened(folder)
    with store, closing(engine):
        house = House(folder, engine)
        assert [line for _, line in sorted(told)] == [
            f"{line}\n" for line in house.now.splitlines() if line.startswith("# ") and line[2].isdigit()
        ]
        versions = store.rule_files.versions("support", 100)
        assert {each.number for each in versions if each.by} == {number for number, _ in told}
        assert store.archive.text(versions[0].digest) == house.now


def test_a_text_that_is_too_long_to_be_looked_at_whole_is_not_saved(house: House) -> None:
    text = f"# {'x' * rule_reading.MOST_TEXT}\n[[rule\n"
    with pytest.raises(Refused, match="does not load"):
        house.save(house.wish(text))
    assert house.now == house.before


def test_what_lies_beside_a_file_and_is_not_ours_stays_there(house: House) -> None:
    copy = house.place.path.with_name(f".{house.place.path.name}.bak-20261130")
    copy.write_text(house.before, encoding="utf-8")
    left = house.place.path.with_name(f".{house.place.path.name}.0123456789ab")
    left.write_text("half", encoding="utf-8")
    house.save(house.wish())
    assert copy.exists() and not left.exists()
