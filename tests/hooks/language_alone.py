"""A program: the catalogue against the language fence alone, each case in a fork under a cap of memory and time.

Prints one JSON line a case: name, outcome, what it said. Not a test itself; test_language_alone.py reads the lines.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from cases_on_disk import cases  # noqa: E402
from conftest import answer  # type: ignore[attr-defined]  # noqa: E402

SECONDS, MEMORY = 0.6, 400 << 20


def main(canary: str) -> None:
    """Run all attacks of the catalogue on this canary folder."""
    for case in cases("attacks"):
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            signal.signal(signal.SIGPROF, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            reply = answer(case.text.replace("@CANARY@", canary), case.hook)
            said = " ".join([*reply.get("log", ()), reply.get("reason", ""), str(reply.get("error") or "")])
            os.write(writer, json.dumps({"outcome": reply["outcome"], "said": said[:3_000]}).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as stream:
            content = stream.read()
        _, status = os.waitpid(pid, 0)
        line = json.loads(content) if content else {"outcome": "killed", "said": ""}
        print(json.dumps({"name": case.name, "status": os.waitstatus_to_exitcode(status), **line}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
