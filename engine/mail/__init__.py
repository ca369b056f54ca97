"""Bytes -> `Mail`: everything that is read out of a mail, and nothing that is decided about it."""
