"""What counts against a script, and when it is switched off."""

from __future__ import annotations

from pathlib import Path

from engine.scripts.ledger import Ledger
from engine.scripts.memory import CPU_S, FAILURES, Memory, Occasion


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def mail(number: int, place: str = "here") -> Occasion:
    return Occasion(place, f"jane{number}@bigcorp.example", f"content {number}")


def fail(memory: Memory, *numbers: int, place: str = "here", cpu_ms: float = 0.0) -> None:
    for number in numbers:
        memory.failed("a", mail(number, place), cpu_ms, "IndexError")


def test_failures_of_different_senders_and_contents_switch_off() -> None:
    ledger = Ledger(None)
    memory = Memory(ledger)
    fail(memory, *range(FAILURES - 1))
    fail(memory, *range(FAILURES - 1))
    assert ledger.off("a", "here") == ""
    fail(memory, FAILURES)
    assert "5 times in a row, for different senders, last: IndexError" in ledger.off("a", "here")
    assert ledger.off("a", "there") == "", "other parameters and fields are another chance"
    assert ledger.anywhere_off("a") != ""


def test_a_sender_that_failed_with_one_content_does_not_count_with_another() -> None:
    ledger = Ledger(None)
    memory = Memory(ledger)
    for number in range(20):
        memory.failed("a", Occasion("here", "eve@evil.example", f"content {number}"), 0.0, "x")
        memory.failed("a", Occasion("here", f"eve{number}@evil.example", "content"), 0.0, "x")
    assert ledger.off("a", "here") == ""


def test_a_success_starts_the_count_again() -> None:
    ledger = Ledger(None)
    memory = Memory(ledger)
    fail(memory, *range(FAILURES - 1))
    memory.succeeded(["a"], mail(90), 0.1)
    fail(memory, FAILURES)
    assert ledger.off("a", "here") == ""


def test_failures_of_an_hour_ago_do_not_count() -> None:
    clock = Clock()
    ledger = Ledger(None)
    memory = Memory(ledger, clock)
    for number in range(3 * FAILURES):
        fail(memory, number)
        clock.now += 1_000
    assert ledger.off("a", "here") == ""


def test_half_a_minute_of_cpu_within_an_hour_switches_a_script_off() -> None:
    clock = Clock()
    ledger = Ledger(None)
    memory = Memory(ledger, clock)
    for number in range(29):
        memory.succeeded(["a"], mail(number), 1_001)
        clock.now += 100
    assert ledger.off("a", "here") == ""
    clock.now += 3_600
    memory.succeeded(["a"], mail(30), 1_001)
    assert ledger.off("a", "here") == ""
    for number in range(FAILURES):
        memory.succeeded(["a"], mail(number), 6_001)
    assert "31 s of CPU time" in ledger.off("a", "here")


def test_one_sender_uses_up_a_fifth_of_the_cpu_time_at_most() -> None:
    ledger = Ledger(None)
    memory = Memory(ledger)
    for number in range(50):
        memory.failed("a", Occasion("here", "eve@evil.example", f"content {number}"), CPU_S * 1000, "TimeoutError")
    assert ledger.off("a", "here") == ""


def test_two_passes_at_once_count_together_and_tell_nobody_who_wrote(tmp_path: Path) -> None:
    path = tmp_path / "hooks.json"
    first, second = Memory(Ledger(path)), Memory(Ledger(path))
    for number in range(FAILURES):
        fail((first, second)[number % 2], number)
    assert Ledger(path).off("a", "here") != ""
    assert "bigcorp" not in path.read_text()


def test_what_is_over_is_forgotten(tmp_path: Path) -> None:
    clock = Clock()
    ledger = Ledger(tmp_path / "hooks.json")
    memory = Memory(ledger, clock)
    fail(memory, 1)
    clock.now += 4_000
    memory.succeeded(["b"], mail(1), 1.0)
    memory.close()
    assert list(Ledger(tmp_path / "hooks.json").state.records) == ["b/here"]


def test_what_was_switched_off_is_told_once_by_name() -> None:
    memory = Memory(Ledger(None))
    memory._names["a"] = "check.py"
    fail(memory, *range(FAILURES + 3))
    ((name, why),) = memory.switched_off()
    assert name == "check.py" and why.startswith("it failed 5 times in a row")
    assert memory.switched_off() == []
    memory.attacked(["b" * 64], "os.system")
    assert memory.switched_off() == [("b" * 12, "it tried to break out: os.system")]
