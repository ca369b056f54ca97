"""[oauth.NAME] and who signs in by it: what is missing, contradicts or does nothing; F005."""

from __future__ import annotations

from pathlib import Path

import pytest
from configurations import Find, Load

from engine.config import write
from engine.config.problems import SecretError
from rules.problem import Severity

BOX = '[system.mailbox]\nhost = "outlook.office365.com"\nusername = "help@example.com"\noauth = "m365"\n'
HEAD = '[oauth.m365]\nprovider = "microsoft"\ngrant = "client_credentials"\ntenant = "example.com"\nclient_id = "a"\n'
APP = HEAD + 'client_secret_env = "X"\n'
SMTP = '[smtp]\nhost = "smtp.office365.com"\nfrom = "help@example.com"\nusername = "help@example.com"\noauth = "m365"\n'
GOOGLE = '[oauth.m365]\nprovider = "google"\n'
OTHER = '[oauth.m365]\nprovider = "other"\ngrant = "refresh_token"\nclient_id = "a"\ntoken_url = "https://auth.example.com/t"\n'

SPARE = OTHER.replace("m365", "spare") + 'refresh_token_env = "R"\n'


def test_F005_a_mailbox_and_smtp_that_name_a_section_log_in_with_its_tokens(load: Load, tmp_path: Path) -> None:
    config = load(BOX + SMTP + APP)
    (box,) = config.mailboxes
    app = config.root.oauth["m365"]
    assert box.sign_in is app and config.smtp is not None and config.smtp.sign_in is app
    assert (box.auth, config.smtp.auth) == ("xoauth2", "xoauth2")
    assert (app.name, app.kept_in, app.uses) == ("m365", tmp_path / "var" / "oauth", ("imap", "smtp"))
    assert config.warnings == ()


def test_a_mailbox_inherits_it_and_may_do_without(load: Load) -> None:
    own = (
        '[workspace.a.mailbox]\nhost = "imap.example.com"\nusername = "a@example.com"\noauth = ""\npassword_env = "P"\n'
    )
    config = load(BOX.replace('oauth = "m365"\n', "") + '[defaults.mailbox]\noauth = "m365"\n' + own + APP)
    assert [(box.auth, box.sign_in is not None) for box in config.mailboxes] == [("xoauth2", True), ("login", False)]


def test_the_other_mechanism_is_written(load: Load) -> None:
    assert load(BOX + 'auth = "oauthbearer"\n' + APP).mailboxes[0].auth == "oauthbearer"


def test_a_program_may_print_the_token(load: Load) -> None:
    text = BOX.replace('oauth = "m365"', 'auth = "xoauth2"\npassword_command = ["print-token"]')
    assert load(text).mailboxes[0].sign_in is None


WRONG: list[tuple[str, str, str, str]] = [
    (BOX + APP.replace('provider = "microsoft"\n', ""), "C109", "[oauth.m365] needs provider", "[oauth.m365]"),
    (BOX + APP.replace('grant = "client_credentials"\n', ""), "C109", "[oauth.m365] needs grant", "[oauth.m365]"),
    (BOX + APP.replace('tenant = "example.com"\n', ""), "C109", "[oauth.m365] needs tenant, the Directory", "[oauth"),
    (BOX + APP.replace('client_id = "a"\n', ""), "C109", "[oauth.m365] needs client_id", "[oauth.m365]"),
    (BOX + HEAD, "C109", "[oauth.m365] needs client_secret_env, client_secret_file or client_secret_command, or", "["),
    (BOX + HEAD + 'private_key_file = "k"\n', "C109", "[oauth.m365] needs the certificate of this", "[oauth.m365]"),
    (BOX + APP + 'certificate = "c.pem"\n', "C115", "certificate and client_secret_env both", "client_secret_env"),
    (BOX + APP + 'client_secret_file = "s"\n', "C115", "the client_secret is given twice", "client_secret_file"),
    (BOX + APP.replace("example.com", "common"), "C103", "an app that signs in by itself needs its own", "tenant"),
    (BOX + APP + 'refresh_token_env = "R"\n', "C118", "refresh_token_env does nothing with  gr", "refresh_token_env"),
    (BOX + APP + 'subject = "x@example.com"\n', "C118", 'subject does nothing with  provider = "microsoft"', "subject"),
    (BOX + APP + 'device_url = "https://x.example/"\n', "C118", "device_url does nothing with  grant", "device_url"),
    (BOX + HEAD + 'certificate = "c"\nsecret_expires = "2027-01-01"\n', "C118", "secret_expires does noth", "secret_"),
    (BOX + GOOGLE + 'grant = "client_credentials"\n', "C103", 'google knows no grant "client_credentials"', "grant"),
    (BOX + GOOGLE + 'grant = "service_account"\n', "C109", "[oauth.m365] needs service_account_file", "[oauth.m365]"),
    (BOX + GOOGLE + 'grant = "service_account"\nservice_account_file = "g"\nclient_id = "x"\n', "C118",
     'client_id does nothing with  grant = "service_account"', "client_id"),
    (BOX + GOOGLE + 'grant = "refresh_token"\nclient_id = "x"\n', "C109", "[oauth.m365] needs client_secret_env", "["),
    (BOX + GOOGLE + 'grant = "refresh_token"\nclient_id = "x"\nclient_secret_env = "X"\ntenant = "t"\n', "C118",
     'tenant does nothing with  provider = "google"', "tenant"),
    (BOX + OTHER, "C109", "[oauth.m365] needs refresh_token_file (or _env, _command), or device_url", "[oauth.m365]"),
    (BOX + OTHER.replace("token_url", "authorize_url"), "C109", "[oauth.m365] needs token_url", "[oauth.m365]"),
    (BOX + APP + SPARE, "C118", "nobody signs in by this", "[oauth.spare]"),
    (BOX.replace("m365", "m356") + SMTP + APP, "C120", "there is no section [oauth.m356]", "oauth"),
    (BOX, "C120", "there is no section [oauth.m365]", "oauth"),
    (BOX + 'password_env = "P"\n' + APP, "C118", 'password_env does nothing beside  oauth = "m365"', "password_env"),
    (BOX + 'auth = "plain"\n' + APP, "C103", 'auth = "plain" takes no token of [oauth.m365]', "auth"),
    (BOX.replace('oauth = "m365"', 'auth = "xoauth2"'), "C109", "[system.mailbox] needs oauth = … (or", "[system"),
    (BOX + SMTP.replace('username = "help@example.com"\n', "") + APP, "C118", "oauth does nothing without a", "oauth"),
    (BOX + APP + 'token_url = "http://evil.example/"\n', "C105", '"http://evil.example/" is no address', "token_url"),
    (BOX + APP + 'token_url = "https://[/"\n', "C105", '"https://[/" is no address that secrets', "token_url"),
    (BOX + APP + 'token_url = "https://user@evil.example/"\n', "C105", '"https://user@evil', "token_url"),
    (BOX + APP + 'token_url = "https://example.com:99999/"\n', "C105", '"https://example.com:99999/', "token_url"),
    (BOX.replace("m365", "M 365") + APP.replace("oauth.m365", 'oauth."M 365"'), "C117", '"M 365" cannot be', "[oauth"),
    ('[system.mailbox]\nprotocol = "maildir"\npath = "m"\naddresses = ["a@example.com"]\noauth = "m365"\n' + SMTP + APP,
     "C118", "oauth does nothing for a mailbox of the kind maildir", "oauth"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "said", "at"), WRONG, ids=[f"{code} {said}" for _, code, said, _ in WRONG])
def test_F005_what_cannot_work_is_an_error_at_its_place(find: Find, text: str, code: str, said: str, at: str) -> None:
    found = [problem for problem in find(text) if problem.severity is Severity.ERROR]
    (problem,) = found
    assert problem.code == code and problem.message.startswith(said), problem.message
    assert problem.line and problem.excerpt.startswith(at)


def test_a_section_that_does_not_exist_is_named_with_the_one_that_was_meant(find: Find) -> None:
    found = find(BOX.replace("m365", "m356") + SMTP + APP)
    assert found[0].help == "did you mean  m365 ?"


@pytest.mark.parametrize(
    ("text", "codes"),
    [(BOX.replace("m365", "m356") + APP, ["C120"]), (BOX.replace("oauth =", "outh =") + APP, ["C101"]),
     (BOX + APP.replace("client_credentials", "client_credential"), ["C103"]),
     (BOX + APP.replace("client_secret_env", "client_secret_enf"), ["C101"])],
)  # fmt: skip
def test_what_follows_from_a_mistake_is_not_told_beside_it(find: Find, text: str, codes: list[str]) -> None:
    assert [problem.code for problem in find(text)] == codes


@pytest.mark.parametrize(
    ("written", "meant"),
    [('grant = "client-credentials"', "client_credentials"), ('flow = "client_credentials"', "client_credentials"),
     ('grant = "Client Credentials"', "client_credentials")],
)  # fmt: skip
def test_other_spellings_are_understood_and_mentioned(find: Find, load: Load, written: str, meant: str) -> None:
    text = BOX + APP.replace('grant = "client_credentials"', written)
    assert {problem.code for problem in find(text)} == {"C170"}
    assert load(text).root.oauth["m365"].grant == meant


def test_a_device_is_a_way_to_get_a_refresh_token(find: Find, load: Load) -> None:
    text = BOX + HEAD.replace('"client_credentials"', '"device"')
    assert load(text).root.oauth["m365"].grant == "refresh_token"
    assert [problem.code for problem in find(text)] == ["C170"]


@pytest.mark.parametrize(
    "url", ["http://localhost:8080/t", "http://127.0.0.1/t", "http://[::1]:9/", "https://a.example:8443/t"]
)
def test_addresses_that_secrets_may_be_sent_to(load: Load, url: str) -> None:
    assert load(BOX + APP + f'token_url = "{url}"\n').root.oauth["m365"].token_url == url


def test_secrets_in_a_file_that_others_may_read_are_warned_of_and_never_shown(tmp_path: Path) -> None:
    from engine.config import load as load_file

    file = tmp_path / "allegra.toml"
    file.write_text(BOX + HEAD + 'client_secret = "canary-4711"\n')
    file.chmod(0o644)
    config = load_file(file, {})
    (warning,) = config.warnings
    assert warning.code == "C160" and warning.message == "a client_secret stands in a file that others may read"
    assert "canary" not in warning.excerpt and "canary" not in repr(config.root.oauth["m365"])
    shown = write.dumps(list(write.entries(config)))
    assert 'client_secret = "***"' in shown and "canary" not in shown


def test_what_is_shown_of_it_loads_again(load: Load) -> None:
    config = load(BOX + SMTP + APP + 'secret_expires = "2027-11-01"\nscope = "a b"\n')
    again = load(write.dumps(list(write.entries(config))))
    assert again.root.oauth["m365"].secret_expires == config.root.oauth["m365"].secret_expires
    assert (again.mailboxes[0].auth, again.root.oauth["m365"].scope) == ("xoauth2", "a b")


def test_the_environment_sets_it(load: Load) -> None:
    environ = {"ALLEGRA__OAUTH__M365__CLIENT_SECRET": "canary", "ALLEGRA__OAUTH__M365__CLIENT_ID": "b"}
    app = load(BOX + HEAD, environ).root.oauth["m365"]
    assert (app.secret(), app.client_id) == ("canary", "b")


def test_a_secret_that_cannot_be_had_names_its_variable(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("X", raising=False)
    with pytest.raises(SecretError, match=r"oauth m365: the environment variable X \(client_secret_env\) is not set"):
        load(BOX + APP).root.oauth["m365"].secret()
