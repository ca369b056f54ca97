"""Other systems by HTTPS, and the tokens by which they let us in.

Here: the one HTTP client (`client.py`); access tokens of OAuth 2: asked for, kept, renewed (`tokens.py` and what it
uses), shown to a mail server (`bearer.py`). Not here: the options (`config/`), mail (`sources/`, `outbox/`).
Invariant: a secret goes to the address it is for and to no other, and is in no log, exception or argument list.
"""
