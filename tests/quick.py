"""The short suite: which tests prove each room of the house within a minute, `make test ARGS="-m quick"`.

Here: the one table. Not here: marking them (`conftest.py`), that the table is whole (`test_quick.py`).
Invariant: a new test file of a folder below is quick unless it is named in LONG; nothing here needs a server.
"""

from __future__ import annotations

ROOMS: dict[str, tuple[str, ...]] = {
    "cli": ("cli", "test_docs.py", "test_manpage.py", "end_to_end/test_explain.py"),
    "demo": ("end_to_end/test_demo.py",),
    "library": ("test_library.py",),
    "console": ("console",),
    "desk": ("desk",),
    "moving": ("moving", "test_coming_from.py"),
    "workbench": ("workbench", "cli/test_hooks.py"),
    "service": ("service",),
    "explain": ("end_to_end/test_explain.py",),
    "doors": ("doors",),
    "worker": ("worker",),
    "run": ("run", "end_to_end/test_help_desk.py"),
    "outbox": ("outbox",),
    "decision": ("decision",),
    "stages": ("stages", "test_features.py"),
    "scripts": ("scripts",),
    "rulebook": ("rulebook",),
    "store": ("store",),
    "ports": ("store/contracts",),
    "item": ("item",),
    "sources": ("sources",),
    "discovery": ("discovery",),
    "directories": ("directories",),
    "mail": ("mail",),
    "web": ("web",),
    "lookups": ("test_lookups.py",),
    "gates": ("stages", "test_gates.py"),
    "config": ("config",),
    "log": ("test_log.py",),
    "stop": ("test_stop.py",),
    "plain_text": ("test_plain_text.py",),
    "wording": ("wording",),
    "model": ("model", "test_house.py", "test_quick.py"),
    "rules": ("rules",),
    "hooks": ("hooks",),
}
"""Of each room of docs/architecture.md, and of rules/ and hooks/: folders and files below tests/."""

LONG: dict[str, str] = {
    "console/test_browser.py": "every page in a real browser",
    "console/test_journey.py": "a day at the desk in a real browser",
    "console/test_hostile.py": "mail of strangers through every page",
    "console/test_nothing_foreign.py": "every page for every kind of account",
    "console/test_nginx.py": "a real web server before the console",
    "desk/test_demo_month.py": "a month of mail, decided",
    "desk/test_jobs.py": "commands in processes of their own",
    "directories/test_ldap.py": "a real server, and servers that stall",
    "config/test_schema.py": "every option of the schema, right and wrong",
    "hooks/test_cases.py": "every attack and every legitimate script behind both fences",
    "hooks/test_language_alone.py": "every attack against the language fence",
    "hooks/test_process_alone.py": "every attack against the process fence",
    "hooks/test_examples.py": "every shipped script on generated mails",
    "hooks/test_sandbox.py": "workers that fail at every moment and are replaced",
    "hooks/test_jail.py": "each fence of the process, tried one by one",
    "hooks/test_language.py": "what scripts may and may not do, script by script",
    "hooks/test_regex.py": "generated patterns against another engine",
    "hooks/test_protocol.py": "workers that lie, stall and flood",
    "mail/test_html.py": "pages of many megabytes",
    "mail/test_html_reply.py": "pages of every mail program, and big ones",
    "mail/test_reply_languages.py": "attributions of every language, wrapped at every place",
    "mail/test_samples.py": "every sample mail in all its spellings",
    "mail/test_split.py": "generated MIME trees against another parser",
    "outbox/test_deliver.py": "servers that refuse and break off at every step",
    "outbox/test_hostile_servers.py": "servers that misbehave in every way, generated and one by one",
    "outbox/test_hostile_values.py": "ten thousand hostile values in every field of every mail",
    "rules/test_format.py": "generated rule files",
    "sources/test_imap_hostile.py": "servers that are slow, broken or hostile",
    "scripts/test_scripts.py": "scripts that fail, are switched off and come back, each with a worker of its own",
    "store/test_hot.py": "every statement against the schema and its plan",
    "store/test_load.py": "generated data files",
    "store/test_crash.py": "kills between any two statements",
}
"""Files of those folders that are left to the whole suite, and what is in them."""


def is_quick(path: str) -> bool:
    """Tell whether a test file, named below tests/, belongs to the short suite."""
    named = {each for room in ROOMS.values() for each in room}
    return path not in LONG and any(path == each or path.startswith(f"{each}/") for each in named)
