"""Who somebody is by more than From: what is wrong with [directory.NAME] and [people.forms.NAME] as a whole.

Here: what is missing, does nothing or cannot be meant. Not here: single values, the options (`mailbox.py`,
`gates.py`). Invariant: every check runs; none raises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.config.directory import ADDRESS, FILTER, LDAP_PORTS, Directory
from engine.config.gates import Form, FormFields, People
from engine.config.kinds import is_address
from engine.config.mailbox import Mailbox
from engine.config.root import Root
from engine.config.section import options
from engine.config.tidy import Finding
from engine.config.tidy import Path as KeyPath
from engine.model.addresses import key_of

_KINDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("path", "encoding"), ("csv",)),
    **dict.fromkeys(("server", "ca_file", "bind_dn", "base", "filter", "timeout", "pass_timeout"), ("ldap",)),
    **dict.fromkeys(("keep", "keep_unknown"), ("ldap",)),
    **dict.fromkeys(("password", "password_env", "password_file", "password_command"), ("ldap",)),
}
"""The kinds that have an option; both have those that are not named."""


def findings(root: Root, mailboxes: tuple[Mailbox, ...]) -> Iterator[Finding]:
    """What is wrong with the directories, the forms, and what names them."""
    for name, own in root.directory.items():
        yield from _directory(name, own)
    sections: list[tuple[KeyPath, People]] = [(("people",), root.people)]
    sections += [(("workspace", name, "people"), own.people) for name, own in root.workspace.items()]
    ours = {key_of(address) for box in mailboxes for address in box.addresses}
    used = {people.directory for _, people in sections}
    for table, people in sections:
        yield from _people(root, table, people, ours)
    for name in root.directory.keys() - used:
        said = "nobody is looked up in this directory"
        advice = f'write  directory = "{name}"  in [people] or in the people of a workspace, or take it out'
        yield Finding("C118", said, ("directory", name, "kind"), advice, on_key=True)


def _people(root: Root, table: KeyPath, people: People, ours: set[str]) -> Iterator[Finding]:
    if people.directory and people.directory not in root.directory:
        said = f'there is no directory "{people.directory}"'
        yield Finding("C112", said, (*table, "directory"), f"add [directory.{people.directory}]")
    if people.forms and len(table) > 1 and root.workspace[str(table[1])].mailbox is None:
        said = "forms do nothing in a workspace without a mailbox of its own: who wrote is asked before one is known"
        yield Finding("C118", said, (*table, "forms"), "write them in [people.forms]", on_key=True)
    owners = dict.fromkeys(map(key_of, people.rewriters), "one of rewriters")
    for name, form in people.forms.items():
        own: KeyPath = (*table, "forms", name)
        yield from _form(own, form, ours)
        if (key := key_of(form.from_)) in owners:
            said = f"{form.from_} is that of {owners[key]} already: this form is never asked"
            yield Finding("C118", said, (*own, "from"), "give it an address of its own, or take it out")
        elif form.from_:
            owners[key] = f"[{'.'.join(map(str, own))}]"
    if people.forms and not root.gates.trusted_authserv_ids and not _trusts(root, table):
        said = "no form is believed where no server is trusted to say that its mail is real"
        yield Finding("C118", said, (*table, "forms"), "add  trusted_authserv_ids = [ … ]  in [gates]", on_key=True)


def _trusts(root: Root, table: KeyPath) -> bool:
    return len(table) > 1 and bool(root.workspace[str(table[1])].gates.trusted_authserv_ids)


def _form(table: KeyPath, form: Form, ours: set[str]) -> Iterator[Finding]:
    if not form.from_:
        said = f"[{'.'.join(map(str, table))}] needs from, the address that the form writes from"
        yield Finding("C109", said, (*table, "from"), on_key=True)
    elif not is_address(form.from_):
        yield Finding("C105", f'"{form.from_}" is no mail address', (*table, "from"))
    elif key_of(form.from_) in ours:
        said = f"{form.from_} is an address of ours: mail from there is held as a loop"
        yield Finding("C116", said, (*table, "from"), "let the form write from an address that is not read here")
    if form.identity == "reply-to" and "fields" in form.written and form.fields.written:
        said = 'fields do nothing with  identity = "reply-to"'
        yield Finding("C118", said, (*table, "fields"), 'write  identity = "fields", or take them out', on_key=True)
    for option in ("email", "name") if form.identity == "fields" else ():
        if ":" in (label := getattr(form.fields, option)):
            advice = f'write  {option} = "{label.partition(":")[0].strip()}"'
            said = "a line is called what stands before its colon: this one is never found"
            yield Finding("C118", said, (*table, "fields", option), advice)
    if form.identity == "fields" and not form.fields.email.strip():
        said = "a form without a line for the address says nobody"
        yield Finding("C109", said, (*table, "fields", "email"), f'as in  email = "{FormFields().email}"')


def _directory(name: str, own: Directory) -> Iterator[Finding]:
    """What is missing, what does nothing and what cannot be meant."""
    table: KeyPath = ("directory", name)
    needed = ("path",) if own.kind == "csv" else ("server", "base")
    for option in needed:
        if not getattr(own, option):
            yield Finding("C109", f"[directory.{name}] needs {option}", (*table, option), on_key=True)
    for option in sorted(own.written):
        able = _KINDS.get(option, (own.kind,))
        if own.kind not in able and getattr(own, option) != options(Directory)[option].default:
            said = f'{option} does nothing with  kind = "{own.kind}"'
            yield Finding("C118", said, (*table, option), f"take it out; it is for {', '.join(able)}", on_key=True)
    if own.kind == "ldap":
        yield from _server(table, own)


def _server(table: KeyPath, own: Directory) -> Iterator[Finding]:
    scheme, host, _ = own.at()
    if own.server and (scheme not in LDAP_PORTS or not host):
        advice = "write  ldaps://ldap.example.com  or  ldap+starttls://ldap.example.com"
        said = "this is no address of an LDAP server with TLS"
        yield Finding("C105", said, (*table, "server"), advice)
    if ADDRESS not in own.filter or own.filter.count("(") != own.filter.count(")") or own.filter[:1] != "(":
        said = "this is no filter with {address} in it"
        yield Finding("C103", said, (*table, "filter"), f'write  "{FILTER}"')
    ways = [each for each in ("password", "password_env", "password_file", "password_command") if getattr(own, each)]
    if own.bind_dn and not ways:
        said = f"[directory.{table[1]}] needs password, password_env, password_file or password_command"
        yield Finding("C109", said, (*table, "password"), "or take bind_dn out: then nobody logs in", on_key=True)
    for way in ways if not own.bind_dn else ():
        said = f"{way} does nothing without a bind_dn"
        yield Finding("C118", said, (*table, way), "add  bind_dn = …, or take it out", on_key=True)
    for way in ways[1:] if own.bind_dn else ():
        yield Finding("C115", f"the password is given twice: {ways[0]} and {way}", (*table, way), on_key=True)
    if not own.timeout or not own.pass_timeout:
        option = "pass_timeout" if own.timeout else "timeout"
        yield Finding("C106", "this must be longer than 0 s", (*table, option))
