"""The doors by which others hand mail over: a pipe, LMTP, HTTP; all of them lead into the spool by `taking.py`."""
