"""What can be wrong with a configuration: the codes, and the exceptions that carry the problems.

Here: the table of codes that docs/config.md lists, `ConfigError`, `SecretError`. Not here: who finds the problems.
Invariant: a code keeps its meaning for ever.
"""

from __future__ import annotations

from rules.problem import Problem, in_order, render

CODES: dict[str, str] = {
    "C100": "The file is no TOML.",
    "C101": "There is no such option or section.",
    "C102": "The value is of the wrong kind.",
    "C103": "The word is none of those that the option knows.",
    "C104": "The pattern does not compile.",
    "C105": "This is no address.",
    "C106": "This is no duration, size, pixel size or number in the range of the option.",
    "C107": "The value holds a control character.",
    "C108": "This version has no such thing.",
    "C109": "An option is missing.",
    "C110": "A workspace may only make a gate stricter.",
    "C111": "Two mailboxes are the same one: same server, login and folder.",
    "C112": "There is no such workspace, mailbox or directory.",
    "C113": "The file is not there.",
    "C114": "There is no such time zone.",
    "C115": "A secret is given in more than one way.",
    "C116": "Two mailboxes or workspaces claim the same address or tag.",
    "C117": "The name of a workspace, webhook, key, directory or [oauth] section is not usable.",
    "C118": "The option does nothing where it stands.",
    "C120": "There is no such [oauth] section.",
    "C121": "Two doors listen at the same place.",
    "C140": "An environment variable names no option.",
    "C150": "The file cannot be read.",
    "C160": "A password stands in a file that others may read.",
    "C161": "The connection is not protected.",
    "C170": "Another spelling of an option was understood.",
    "C171": "There is no [smtp] section, nothing is sent.",
    "C172": "The option has no effect any more.",
    "C173": "Nobody hears of mail that is held.",
    "C174": "Nobody works in a workspace, or hears of its new items.",
    "C175": "Answers come from a domain whose mail we do not read.",
    "C176": "No mail reaches somebody who should hear.",
    "C180": "A template file is not used.",
    "C181": "A template has no subject.",
    "C182": "A template does not compile.",
    "C183": "A template fails when it is tried.",
    "C184": "A setting names a template that does not exist.",
    "C190": "The database does not open.",
    "C191": "A mailbox cannot be reached.",
    "C192": "A folder is not there yet.",
    "C193": "The SMTP server cannot be reached.",
    "C199": "What proves who we are ends soon, or has ended.",
    "C200": "A directory cannot be asked.",
    "C201": "A key of [http] cannot be had.",
    "C202": "Two keys of [http] are the same one.",
    "C203": "The server of the database is too old.",
    "C204": "The server of the database may lose what was committed.",
    "C205": "A pooler stands before the server and gives each transaction another connection.",
    "C206": "The server of the database has too few locks or connections.",
    "C207": "The database cannot be written.",
    "C208": "The clocks of the server and of this host differ.",
    "C209": "A mailbox deletes what a standby may lack.",
    "C210": "The server of the database does not vacuum.",
    "C211": "The replica cannot be read, or is none.",
    "C212": "The role of the database lacks a right.",
    "C213": "No admin can come into the web console.",
    "C214": "The web console has no address by which others reach it.",
}


class ConfigError(Exception):
    """The configuration does not load. `problems` holds everything that is wrong, in the order of the file."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = in_order(problems)
        super().__init__("\n\n".join(render(problem) for problem in self.problems))


class SecretError(Exception):
    """A secret cannot be had. The sentence names the option and the way, never the value."""
