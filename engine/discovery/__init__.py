"""Which servers mail of a domain lies on: what the domain says, what is known of its provider, what answers.

Here: a search in four steps, each with a deadline (`search.py`). Not here: logging in (`sources/`), the file that is
written of it (`desk/first_file.py`).
Invariant: the search sends no password and no user name; it asks name servers and the domain's own hosts, nobody else.
"""
