"""The web console: what staff see and do in a browser. It decides nothing: it asks `desk`, as the command line does."""
