"""The command line: one file a noun, every import of weight inside the functions."""
