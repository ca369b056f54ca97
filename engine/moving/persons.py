"""People as other systems and directories know them: one shape for CSV, JSON, LDIF and vCard.

Here: which column, attribute or property says what of a person. Not here: the formats (`tabular.py`, `ldif.py`,
`vcard.py`), checking and loading people (`people.py`).
Invariant: what a format says is passed on as it stands; only its own words (numbers, distinguished names) are
translated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from engine.moving import ldif, vcard
from engine.moving.reading import Problems, excerpt
from engine.moving.tabular import Row, rows

FORMATS: Final = ("csv", "ldif", "vcard")

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "login": ("login", "username", "user name", "user", "uid", "samaccountname", "account", "benutzername"),
    "name": ("name", "full name", "fullname", "display name", "displayname", "cn", "fn", "anzeigename"),
    "first": ("first name", "firstname", "first", "given name", "givenname", "vorname"),
    "last": ("last name", "lastname", "last", "surname", "sn", "family name", "nachname"),
    "mail": (
        "mail", "email", "e-mail", "email address", "e-mail address", "mail address", "mails", "emails", "addresses",
        "other emails", "additional emails", "othermails", "proxyaddresses", "e-mail-adresse",
    ),
    "language": ("language", "lang", "locale", "preferredlanguage", "preferred language", "sprache"),
    "groups": ("groups", "group", "memberof", "member of", "gruppen", "gruppe"),
    "status": ("status", "state"),
    "enabled": ("enabled", "account enabled", "accountenabled", "active", "aktiv"),
    "fallback": ("userprincipalname", "user principal name"),
}  # fmt: skip
"""What a column may be called, in small letters. `mail 2`, `email2` and the like count as well."""

STATUS_WORDS: Final = {
    "active": "active", "enabled": "active", "1": "active", "registered": "registered", "invited": "registered",
    "2": "registered", "locked": "locked", "disabled": "locked", "blocked": "locked", "inactive": "locked",
    "3": "locked", "guest": "guest",
}  # fmt: skip
"""Words and numbers of other systems; the numbers are those of Redmine and OpenProject."""

_ENABLED: Final = {
    **dict.fromkeys(("true", "yes", "1"), "active"),
    **dict.fromkeys(("false", "no", "0"), "locked"),
}
_NUMBERED: Final = re.compile(r"((?:e-?)?mail(?: address)?)[ _-]?\d{1,2}")
_PEOPLE: Final = {"person", "inetorgperson", "user", "posixaccount", "organizationalperson", "account"}
_NO_PEOPLE: Final = {"computer", "group", "msds-groupmanagedserviceaccount", "contact"}
_ATTRIBUTES: Final = (
    "samaccountname", "uid", "userprincipalname", "cn", "displayname", "givenname", "sn", "mail", "proxyaddresses",
    "mailalternateaddress", "mailalias", "preferredlanguage", "memberof", "useraccountcontrol", "objectclass",
)  # fmt: skip
_DISABLED: Final = 2
"""The bit ACCOUNTDISABLE of userAccountControl."""

_ESCAPED: Final = re.compile(r"\\([0-9A-Fa-f]{2}(?:\\[0-9A-Fa-f]{2})*|.)")


class Person(Struct, frozen=True):
    """What is said of a person, and in which line; `status` is a word of theirs, "" where nothing is said."""

    line: int
    login: str = ""
    name: str = ""
    emails: tuple[str, ...] = ()
    language: str = ""
    groups: tuple[str, ...] = ()
    status: str = ""


class Read(Struct, frozen=True):
    """The people of a file, how many entries are none, and the columns that say nothing here."""

    people: list[Person]
    others: int = 0
    unread: tuple[str, ...] = ()


def guess(name: str, text: str) -> str:
    """Tell the format of a file by its name, else by its beginning."""
    suffix = name.rpartition(".")[2].lower()
    known = {"ldif": "ldif", "ldf": "ldif", "vcf": "vcard", "vcard": "vcard", "csv": "csv", "tsv": "csv",
             "json": "csv", "jsonl": "csv"}  # fmt: skip
    if suffix in known:
        return known[suffix]
    start = text.lstrip()[:20].lower()
    return "vcard" if start.startswith("begin:vcard") else "ldif" if start.startswith(("dn:", "version:")) else "csv"


def of_table(text: str, is_json: bool, columns: Mapping[str, str], problems: Problems) -> Read:
    """Read people out of CSV or JSON; `columns` says what a column is called there, ours to theirs."""
    theirs = {name: ours for ours, names in COLUMNS.items() for name in names}
    for ours, name in columns.items():
        theirs = {each: said for each, said in theirs.items() if said != ours} | {" ".join(name.split()).lower(): ours}
    people, unread, there = [], dict[str, None](), dict[str, None]()
    for row in rows(text, is_json, problems, there=there):
        people.append(_of_row(row, theirs, unread))
    missing = [*_missing(columns, theirs, there)]
    for said, advice in missing:
        problems.add("D145", said, 1, advice)
    return Read([]) if missing else Read(people, 0, tuple(unread))


def _missing(
    columns: Mapping[str, str], theirs: Mapping[str, str], there: Mapping[str, None]
) -> Iterator[tuple[str, str]]:  # fmt: skip
    """Which columns that were named are not there; or that none is known: another file, or one without a head.

    What stands there instead is not told: it may be any file, one that holds a password.
    """
    for ours, name in columns.items() if there else ():
        if " ".join(name.split()).lower() not in there:
            yield f'there is no column "{excerpt(name)}" (--column {ours}=…)', ""
    if there and not any(_ours(name, theirs) for name in there):
        advice = "if it is a list of people, name its columns: --column login=THEIRS --column mail=THEIRS"
        yield "no column is known here: none of login, name, mail and the like is in the first line", advice


def _ours(name: str, theirs: Mapping[str, str]) -> str:
    """What a column says by our name for it, "" where nobody knows."""
    numbered = _NUMBERED.fullmatch(name)
    return theirs.get(name) or (theirs.get(numbered[1], "") if numbered else "")


def _of_row(row: Row, theirs: Mapping[str, str], unread: dict[str, None]) -> Person:
    said: dict[str, list[str]] = {}
    for name, value in row.values.items():
        if ours := _ours(name, theirs):
            said.setdefault(ours, []).append(value)
        else:
            unread[name] = None
    name = "".join(said.get("name", ())[:1]) or " ".join((*said.get("first", ()), *said.get("last", ())))
    emails = [each for value in said.get("mail", ()) for each in re.split(r"[;,\s]+", value)]
    status = "".join(said.get("status", ())[:1])
    if not status and "enabled" in said:
        status = _ENABLED.get(said["enabled"][0].lower(), said["enabled"][0])
    fallback = said.get("fallback", [""])[0]
    return Person(
        row.line, "".join(said.get("login", ())[:1]) or fallback, name, _addresses(emails) or _addresses([fallback]),
        "".join(said.get("language", ())[:1]), tuple(_groups(said.get("groups", ()))), status,
    )  # fmt: skip


def _addresses(said: list[str]) -> tuple[str, ...]:
    """The addresses as Exchange writes them, `SMTP:` the first one; other kinds (X500:, sip:) are none."""
    kinds = [each.partition(":") if re.match(r"[A-Za-z0-9]+:", each) else ("", "", each) for each in said]
    first = [address for kind, _, address in kinds if kind == "SMTP"]
    rest = [address for kind, _, address in kinds if kind in ("", "smtp")]
    return tuple(dict.fromkeys(each.strip() for each in (*first, *rest) if each.strip()))


def _groups(said: list[str] | tuple[str, ...]) -> Iterator[str]:
    for value in said:
        named = re.match(r"(?:cn|ou)=", value, re.IGNORECASE) is not None
        for each in re.split(r";\s*(?=[A-Za-z]+=)" if named else r"[;,|]", value):
            if each.strip():
                yield common_name(each) if named else each.strip()


def common_name(distinguished: str) -> str:
    """Give the first part of a distinguished name, `CN=Support\\, Berlin,OU=…`, without its escapes."""
    first = re.split(r"(?<!\\),", distinguished, maxsplit=1)[0].partition("=")[2]

    def plain(found: re.Match[str]) -> str:
        digits = found[1].replace("\\", "")
        return bytes.fromhex(digits).decode("utf-8", "replace") if len(digits) % 2 == 0 else found[1]

    return _ESCAPED.sub(plain, first).strip()


def of_ldif(text: str, problems: Problems) -> Read:
    """Read people out of LDIF: of Active Directory, or of any other directory."""
    people, others = [], 0
    for entry in ldif.entries(text, _ATTRIBUTES, problems):
        classes = {each.lower() for each in entry.values.get("objectclass", ())}
        person = _of_entry(entry, problems)
        if classes & _NO_PEOPLE or (classes and not classes & _PEOPLE) or not (person.login or person.emails):
            others += 1
        else:
            people.append(person)
    return Read(people, others)


def _of_entry(entry: ldif.Entry, problems: Problems) -> Person:
    def first(*names: str) -> str:
        return next((entry.values[name][0] for name in names if entry.values.get(name)), "")

    def every(*names: str) -> list[str]:
        return [each for name in names for each in entry.values.get(name, ())]

    control = first("useraccountcontrol")
    if control and not control.isdecimal():
        problems.add("D143", f'"userAccountControl" is no number: {control[:40]}', entry.line)
        control = ""
    name = first("displayname") or " ".join(each for each in (first("givenname"), first("sn")) if each) or first("cn")
    addresses = _addresses([*every("mail"), *every("proxyaddresses", "mailalternateaddress", "mailalias")])
    status = "" if not control else "locked" if int(control[:12]) & _DISABLED else "active"
    return Person(
        entry.line, first("samaccountname", "uid", "userprincipalname"), name,
        addresses or _addresses(every("userprincipalname")), first("preferredlanguage"),
        tuple(map(common_name, every("memberof"))), status,
    )  # fmt: skip


def of_vcards(text: str, problems: Problems) -> Read:
    """Read people out of vCards; who has no address is none. The organisation is a group, as categories are."""
    people, others = [], 0
    for card in vcard.cards(text, ("FN", "N", "EMAIL", "LANG", "CATEGORIES", "ORG", "KIND"), problems):
        found = card.properties
        emails = sorted(found.get("EMAIL", ()), key=lambda each: each.preferred)
        addresses = [
            address for each in emails for address in (_whole(each).removeprefix("mailto:").strip(),) if address
        ]
        kind = _whole(found["KIND"][0]).lower() if "KIND" in found else "individual"
        if not addresses or kind in ("group", "location", "org"):
            others += 1
            continue
        spoken = sorted(found.get("LANG", ()), key=lambda each: each.preferred)
        groups = [each for one in found.get("CATEGORIES", ()) for part in one.parts for each in part]
        groups += [_whole_part(one.parts[0]) for one in found.get("ORG", ())]
        name = _whole(found["FN"][0]) if "FN" in found else _name(found.get("N", ()))
        people.append(
            Person(
                card.line, "", name, tuple(dict.fromkeys(addresses)), _whole(spoken[0]) if spoken else "",
                tuple(each for each in groups if each),
            )
        )  # fmt: skip
    return Read(people, others)


def _whole(said: vcard.Property) -> str:
    """The value of a property that has no parts, whatever stands in it."""
    return ";".join(map(_whole_part, said.parts)).strip()


def _whole_part(part: tuple[str, ...]) -> str:
    return ",".join(part)


def _name(said: list[vcard.Property] | tuple[()]) -> str:
    """First and last name out of N: last, first, …"""
    if not said:
        return ""
    last, first = [*map(_whole_part, said[0].parts), "", ""][:2]
    return f"{first} {last}".strip()
