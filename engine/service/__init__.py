"""What makes the machine run the engine: units of systemd, the line for cron, the pieces for mail servers.

Here: their texts (`units.py`, `pieces.py`), putting them in place and taking them away (`doing.py`).
Not here: the commands they start. Invariant: a file that somebody else wrote or changed is never replaced unasked.
"""
