"""The hook scripts in force: which version runs, what it is asked, what a failure means."""
