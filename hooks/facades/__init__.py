"""The modules a script may import, each a table of what it may use.

Here: one file a family. Not here: which exist (`hooks/modules.py`), built-in names (`hooks/names.py`).
Invariant: what a script can reach through a stand-in is a value, a bounded function or another stand-in.
"""
