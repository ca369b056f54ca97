"""The demo: a help desk in a folder, with mails of every kind of result."""
