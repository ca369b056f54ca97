"""Trying things out: rules, scripts and their tests on mails; nothing is kept."""
