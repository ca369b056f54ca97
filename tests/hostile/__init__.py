"""A long trial of the console: mail of strangers through every page, in a real browser."""
