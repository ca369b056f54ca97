"""Measurements: `make bench` prints them all, `make bench ARGS="engine rules"` only some.

Figures are CPU seconds of all processes of the part (`getrusage`), median of several runs: wall time of a shared
machine says little. The story behind the numbers is in docs/performance.md.
"""
