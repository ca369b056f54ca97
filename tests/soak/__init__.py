"""A long trial of the whole engine: many mails, many kills, connections that break. `make soak` runs it."""
