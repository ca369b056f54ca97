"""What is signed in place of a secret: a service account's proof, a certificate's; clocks that are wrong; F005."""

from __future__ import annotations

import base64
import builtins
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from servers import keys
from servers.tokens import Talk, Tokens

from engine.web.kept import File
from engine.web.refusals import OAuthError
from engine.web.tokens import access_token

USER = "help@example.com"


@pytest.fixture
def google(app: Any, tmp_path: Path) -> Any:
    """Make sections of a service account."""
    file = keys.service_account(tmp_path / "google.json")
    usual = {"provider": "google", "grant": "service_account", "tenant": "", "client_id": "", "client_secret": ""}
    return lambda **options: app(**{**usual, "service_account_file": file, **options})


@pytest.fixture
def by_certificate(app: Any, tmp_path: Path) -> Any:
    """Make sections that prove themselves by a certificate."""
    (tmp_path / "app.pem").write_bytes(keys.certificate())
    (tmp_path / "app.key").write_bytes(keys.pem())
    files = {"certificate": tmp_path / "app.pem", "private_key_file": tmp_path / "app.key"}
    return lambda **options: app(**{"client_secret": "", **files, **options})


def test_F005_a_service_account_acts_for_the_user_of_the_mailbox(google: Any, server: Tokens) -> None:
    access_token(google(), USER)
    access_token(google(), "other@example.com")
    (first, second) = server.asked
    assert first["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer" and first.keys() == {
        "grant_type", "assertion"
    }  # fmt: skip
    header, claims = keys.signed(first["assertion"])
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "key-1"}
    times = claims.pop("iat"), claims.pop("exp")
    assert claims == {
        "iss": "allegra@p.iam.gserviceaccount.com", "sub": USER, "aud": server.url, "scope": "https://mail.google.com/",
    }  # fmt: skip
    assert time.time() - 60 <= times[0] < time.time() < times[1] <= times[0] + 3600
    assert keys.signed(second["assertion"])[1]["sub"] == "other@example.com"


def test_F005_a_subject_reads_for_all_mailboxes(google: Any, server: Tokens) -> None:
    ours = google(subject="shared@example.com")
    assert access_token(ours, USER) == access_token(ours, "other@example.com")
    assert keys.signed(server.asked[0]["assertion"])[1]["sub"] == "shared@example.com"


def test_F005_a_certificate_proves_the_app_of_microsoft(by_certificate: Any, server: Tokens) -> None:
    access_token(by_certificate(), USER)
    (form,) = server.asked
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert "client_secret" not in form and form["client_id"] == "app-1"
    header, claims = keys.signed(form["client_assertion"])
    shown = base64.b64decode(b"".join(by_certificate().certificate.read_bytes().splitlines()[1:-1]))
    thumbprint = base64.urlsafe_b64encode(sha256(shown).digest()).decode().rstrip("=")
    assert header == {"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("app-1", "app-1", server.url)
    assert claims["nbf"] <= time.time() < claims["exp"] <= time.time() + 601


def test_a_proof_is_another_one_each_time(by_certificate: Any, server: Tokens) -> None:
    ours = by_certificate()
    for _ in range(2):
        access_token(ours, USER)
        File(ours).path.unlink()
    assert len({keys.signed(form["client_assertion"])[1]["jti"] for form in server.asked}) == 2


def test_the_key_may_stand_in_the_file_of_the_certificate(by_certificate: Any, server: Tokens, tmp_path: Path) -> None:
    (tmp_path / "both.pem").write_bytes(keys.pem() + keys.certificate())
    access_token(by_certificate(certificate=tmp_path / "both.pem", private_key_file=None), USER)
    assert keys.signed(server.asked[0]["client_assertion"])


def bad_files(folder: Path) -> dict[str, tuple[dict[str, Path], str]]:
    locked = keys.key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pw"))
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    contents = {
        "locked": locked, "elliptic": other, "nonsense": b"nonsense", "empty": b"", "another": keys.pem(2),
        "broken": keys.pem()[:300], "no.json": b"{", "user.json": b'{"type": "authorized_user", "client_id": "x"}',
    }  # fmt: skip
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {
        "locked": ({"private_key_file": folder / "locked"}, "is locked with a password"),
        "elliptic": ({"private_key_file": folder / "elliptic"}, "holds no RSA key"),
        "nonsense": ({"private_key_file": folder / "nonsense"}, "holds no private key in PEM"),
        "broken": ({"private_key_file": folder / "broken"}, "holds no private key in PEM"),
        "another": ({"private_key_file": folder / "another"}, "does not hold the key of the certificate"),
        "missing key": ({"private_key_file": folder / "none"}, "cannot be read (No such file or directory)"),
        "no certificate": ({"certificate": folder / "empty"}, "holds no certificate in PEM"),
        "missing": ({"certificate": folder / "none"}, "cannot be read (No such file or directory)"),
    }


@pytest.mark.parametrize(
    "what", ["locked", "elliptic", "nonsense", "broken", "another", "missing key", "no certificate", "missing"]
)
def test_a_certificate_or_key_that_cannot_be_used_is_told_by_its_file(
    by_certificate: Any, server: Tokens, tmp_path: Path, what: str
) -> None:
    options, said = bad_files(tmp_path)[what]
    with pytest.raises(OAuthError) as caught:
        access_token(by_certificate(**options), USER)
    assert caught.value.code == "oauth.secret"
    assert said in caught.value.sentence and str(next(iter(options.values()))) in caught.value.sentence
    assert "PRIVATE KEY" not in caught.value.sentence and server.asked == []


@pytest.mark.parametrize("name", ["no.json", "user.json", "empty", "nonsense", "none"])
def test_a_file_that_is_no_service_account_is_told(google: Any, server: Tokens, tmp_path: Path, name: str) -> None:
    bad_files(tmp_path)
    with pytest.raises(OAuthError) as caught:
        access_token(google(service_account_file=tmp_path / name), USER)
    assert caught.value.code == "oauth.secret" and "service_account_file" in caught.value.sentence
    assert server.asked == []


def test_without_the_library_it_says_what_to_install(
    google: Any, by_certificate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = builtins.__import__

    def without(name: str, *more: Any) -> Any:
        if name.partition(".")[0] == "cryptography":
            raise ImportError(name)
        return usual(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    for ours in (google(), by_certificate()):
        with pytest.raises(OAuthError) as caught:
            access_token(ours, USER)
        assert caught.value.code == "oauth.no_library" and "allegra-mail[oauth]" in caught.value.sentence


# ── clocks ────────────────────────────────────────────────────────────────────────────────────────────────────


def minds_the_time(server: Tokens, error: str, description: str) -> Any:
    """Answer as a server does that looks at `iat` and `exp` by its own clock."""

    def answer(talk: Talk) -> None:
        proof = talk.form.get("assertion") or talk.form["client_assertion"]
        _, claims = keys.signed(proof)
        now = time.time() + server.clock_s
        if claims["iat"] - 60 <= now < claims["exp"] and claims["exp"] - now <= 3600:
            server.grant(talk, server.user)
        else:
            talk.tell(400, error=error, error_description=description)

    return answer


GOOGLES = (
    "invalid_grant",
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp "
    "values in the JWT claim.",
)
MICROSOFTS = ("invalid_client", "AADSTS700024: Client assertion is not within its valid time range.")


@pytest.mark.parametrize("hours", [-1, 1])
@pytest.mark.parametrize("which", ["google", "microsoft"])
def test_F005_a_clock_that_is_an_hour_off_is_put_right_by_the_server_s_and_remembered(
    google: Any, by_certificate: Any, server: Tokens, which: str, hours: int
) -> None:
    ours, account = (google(), USER) if which == "google" else (by_certificate(), "")
    server.clock_s = hours * 3600.0
    answer = minds_the_time(server, *(GOOGLES if which == "google" else MICROSOFTS))
    server.says = [answer, answer]
    assert access_token(ours, USER) in server.active
    assert len(server.asked) == 2
    assert File(ours, account).read().clock_off_s == pytest.approx(-hours * 3600, abs=5)


def test_a_clock_that_cannot_be_put_right_is_told_with_the_difference(google: Any, server: Tokens) -> None:
    server.clock_s = -3600.0
    refuse = minds_the_time(server, *GOOGLES)

    def again(talk: Talk) -> None:
        talk.tell(400, error=GOOGLES[0], error_description=GOOGLES[1])

    server.says = [refuse, again]
    with pytest.raises(OAuthError) as caught:
        access_token(google(), USER)
    assert caught.value.code == "oauth.clock"
    assert "ahead of that of localhost" in caught.value.sentence and "timedatectl" in caught.value.sentence


def test_clocks_that_agree_leave_no_word(google: Any, server: Tokens) -> None:
    access_token(google(), USER)
    assert File(google(), USER).read().clock_off_s == 0.0


def test_an_audience_that_is_not_the_server_s_is_refused_in_its_words(by_certificate: Any, server: Tokens) -> None:
    said = "AADSTS700023: Client assertion audience claim does not match Realm issuer."
    server.says = [lambda talk: talk.tell(401, error="invalid_client", error_description=said)]
    with pytest.raises(OAuthError) as caught:
        access_token(by_certificate(), USER)
    assert caught.value.code == "oauth.secret_wrong" and said in caught.value.sentence
