"""Processes that stay beside a database on a server and share its work: `allegra worker`."""
