"""Measurements: `make bench` prints them all, `make bench ARGS="engine rules"` only some.

Figures are CPU seconds of all processes of the part (`getrusage`): wall time of a shared machine says little. What is
compared runs in turn, and its ratio is the median of all rounds. The parts, and the story behind the numbers, are in
docs/performance.md.
"""
