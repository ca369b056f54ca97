"""`make hostile`: mail of strangers through every page of the console in a real Chromium, with what was found.

Of the environment: MAILS (10000), SEED (1), TABS (3), SHARE (0.1: of the pages that are opened without scripts as
well). It ends with 1 where anything was found, or where mails did not come in.
"""

from __future__ import annotations

import os
import sys
import tempfile
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from servers.chromium import missing

from hostile.trial import trial

SHOWN = 40


def main() -> None:
    """Run it and print what was found."""
    if absent := missing():
        raise SystemExit(f"hostile: not installed: {absent}")
    mails, seed, tabs = (int(os.environ.get(*each)) for each in (("MAILS", 10000), ("SEED", 1), ("TABS", 3)))
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="allegra-hostile-", dir=memory if memory.is_dir() else None) as name:
        share = float(os.environ.get("SHARE", 0.1))
        few, say = min(max(mails // 20, 20), 200), partial(print, flush=True)
        told = trial(Path(name) / "demo", mails, seed, few=few, tabs=tabs, share=share, say=say)
    print(
        f"{told.mails} mails, {told.items} items, {told.letters} letters: {told.pages} pages with {told.frames} frames"
    )
    print(f"and {told.files} files in {told.took_s:.0f} s, {len(told.wrong)} wrong")
    for each in told.wrong[:SHOWN]:
        print(f"  {each}")
    raise SystemExit(1 if told.wrong or told.mails < mails * 0.9 else 0)


if __name__ == "__main__":
    main()
