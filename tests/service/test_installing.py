"""Files that are put in place: whose they are, what is left alone, who may reach and own what."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.service import installing
from engine.service.installing import File, Refusal, changes, difference, is_ours, write

NOBODY = "nobody"


def file(folder: Path, text: str = "[Unit]\nA=1\n", **more: int) -> File:
    return File(folder / "a" / "x.service", text, elsewhere="systemctl edit x.service", **more)


def state(one: File) -> str:
    ((_, found),) = changes([one])
    return found


def test_a_file_that_is_written_is_known_again_and_twice_is_once(tmp_path: Path) -> None:
    one = file(tmp_path)
    assert state(one) == "new"
    write(one)
    assert state(one) == "same" and one.path.read_text().startswith("# Written by allegra install-timer, sum ")
    assert "systemctl edit x.service" in one.path.read_text() and one.path.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in one.path.parent.iterdir()] == ["x.service"]


def test_a_newer_text_takes_the_place_of_ours_and_never_of_theirs(tmp_path: Path) -> None:
    write(file(tmp_path))
    newer = file(tmp_path, "[Unit]\nA=2\n")
    assert state(newer) == "changed"
    newer.path.write_text(newer.path.read_text() + "B=1\n")
    assert state(newer) == "theirs" and "-B=1" in difference(newer) and "+A=2" in difference(newer)
    newer.path.write_text("by hand\n")
    assert state(newer) == "theirs"


def test_a_script_keeps_its_first_line(tmp_path: Path) -> None:
    one = file(tmp_path, "#!/bin/sh\nexit 0\n", mode=0o755)
    write(one)
    assert one.path.read_text().startswith("#!/bin/sh\n# Written by") and os.access(one.path, os.X_OK)
    assert state(one) == "same"


@given(st.text(alphabet=st.characters(exclude_characters="\r", exclude_categories=["Cs"])), st.data())
def test_any_change_of_a_file_makes_it_theirs(text: str, data: st.DataObject) -> None:
    written = File(Path("x"), text, elsewhere="y").marked
    assert is_ours(written)
    at = data.draw(st.integers(0, len(written) - 1))
    changed = written[:at] + ("x" if written[at] != "x" else "y") + written[at + 1 :]
    assert not is_ours(changed)


def test_a_program_that_fails_is_told_in_its_words() -> None:
    with pytest.raises(Refusal, match=r"sh -c .* ended with 3: no such unit"):
        installing.run(["sh", "-c", "echo no such unit >&2; exit 3"])
    with pytest.raises(Refusal, match="cannot be run"):
        installing.run(["/nowhere/systemctl"])


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter; those of pytest are closed."""
    folder = Path(tempfile.mkdtemp(prefix="allegra-open-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_the_way_of_an_account_is_looked_at_folder_by_folder_and_link_by_link(open_folder: Path) -> None:
    tmp_path = open_folder
    there, closed = tmp_path / "open", tmp_path / "closed"
    for folder in (there, closed):
        folder.mkdir()
        folder.chmod(0o755)
    target = closed / "allegra"
    target.write_text("")
    target.chmod(0o755)
    (there / "allegra").symlink_to(target)
    assert installing.way_barred(there / "allegra", "no-such-account") is None
    closed.chmod(0o700)
    assert installing.way_barred(there / "allegra", "no-such-account") == closed
    assert installing.way_barred(tmp_path / "missing", "no-such-account") == tmp_path / "missing"


def test_the_interpreter_of_a_script_is_found(tmp_path: Path) -> None:
    program = tmp_path / "allegra"
    program.write_bytes(b"#!/opt/allegra/bin/python -s\n")
    assert installing.interpreter(program) == Path("/opt/allegra/bin/python")
    program.write_bytes(b"\x7fELF")
    assert installing.interpreter(program) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_only_what_is_ours_is_given_away_and_no_link_is_followed(tmp_path: Path) -> None:
    ours, secret, theirs = tmp_path / "var", tmp_path / "secret", tmp_path / "var/theirs"
    (ours / "deep").mkdir(parents=True)
    for path in (secret, theirs, ours / "deep" / "db"):
        path.write_text("")
    os.chown(theirs, 2, 2)
    (ours / "link").symlink_to(secret)
    os.link(secret, ours / "second-name")
    assert installing.give([ours], NOBODY, dry_run=True) == 3 and ours.stat().st_uid == 0
    assert installing.give([ours], NOBODY) == 3
    nobody = pwd.getpwnam(NOBODY).pw_uid
    assert [path.stat().st_uid for path in (ours, ours / "deep", ours / "deep/db")] == [nobody] * 3
    assert secret.stat().st_uid == 0 and theirs.stat().st_uid == 2
    assert installing.give([ours], NOBODY) == 0
