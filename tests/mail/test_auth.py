"""Authentication-Results: whose word counts."""

from __future__ import annotations

import time

import pytest
from mail_builders import read

from engine.mail.auth import authentication, topmost_id
from engine.mail.auth import read as read_field
from engine.model.facts import Authentication

GOOGLE = """mx.google.com;
       dkim=pass header.i=@example.com header.s=s1 header.b=AbC/dEf;
       spf=pass (google.com: domain of anna@example.com designates 192.0.2.1 as permitted sender) smtp.mailfrom=anna;
       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=example.com"""
MICROSOFT = (
    "spf=pass (sender IP is 192.0.2.1)\n smtp.mailfrom=example.com; dkim=pass (signature was verified)\n"
    " header.d=example.com;dmarc=pass action=none\n header.from=example.com;compauth=pass reason=100"
)
YAHOO = (
    "atlas-production.v2-mail-prod1-ne1.example;\n dkim=unknown;\n dkim=pass header.i=@example.com header.s=s1;\n"
    " spf=pass smtp.mailfrom=example.com;\n dmarc=pass(p=REJECT) header.from=example.com;"
)


def results(
    *fields: str, trusted: tuple[str, ...] = ("mx.example.com",), sealers: tuple[str, ...] = ()
) -> Authentication:
    return authentication(read("\n".join(fields) + "\nFrom: anna@example.com\n\nx"), trusted, sealers)


def field(value: str) -> str:
    return f"Authentication-Results: {value}"


@pytest.mark.parametrize(
    ("value", "trusted"),
    [(GOOGLE, "mx.google.com"), (MICROSOFT, ""), (YAHOO, "atlas-production.v2-mail-prod1-ne1.example")],
)
def test_fields_of_large_providers_are_read(value: str, trusted: str) -> None:
    assert results(field(value), trusted=(trusted,)) == Authentication("pass", "pass", "pass", "none", trusted)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("mx.example.com; none", ()),
        ("mx.example.com 1; spf=fail", (("spf", "fail"),)),
        ("mx.example.com; spf = SoftFail (a (nested; spf=pass) comment)", (("spf", "softfail"),)),
        ('mx.example.com; dkim=fail reason="bad; dmarc=pass" header.d=x', (("dkim", "fail"),)),
        ("mx.example.com; dkim/1=pass", (("dkim", "pass"),)),
        ("mx.example.com; x-spf=pass; iprev=pass", ()),
        ("", ()),
        (";;;", ()),
    ],
)
def test_values_are_read_as_rfc_8601_writes_them(value: str, expected: tuple[tuple[str, str], ...]) -> None:
    assert read_field(value).results == expected


def test_only_trusted_servers_are_believed() -> None:
    assert results(field("evil.example; dmarc=pass")) == Authentication()
    assert results(field("mx.example.com; dmarc=pass"), trusted=()) == Authentication()
    assert results(field("mx.example.com.evil.example; dmarc=pass")) == Authentication()


def test_field_without_an_id_is_believed_only_if_that_is_configured() -> None:
    assert results(field("dmarc=pass")).dmarc == "none"
    assert results(field("dmarc=pass"), trusted=("",)).dmarc == "pass"


def test_topmost_word_counts_and_a_forged_one_below_does_not() -> None:
    assert results(field("mx.example.com; dmarc=fail"), field("mx.example.com; dmarc=pass")).dmarc == "fail"


def test_fields_of_one_server_on_top_add_up() -> None:
    found = results(
        field("mx.example.com; dmarc=pass"), field("MX.example.com; dkim=pass"), field("mx.example.com; spf=fail")
    )
    assert found == Authentication("fail", "pass", "pass", "none", "mx.example.com")


def test_nothing_below_the_next_received_field_counts() -> None:
    found = results(
        field("mx.example.com; spf=pass"), "Received: by mx.example.com", field("mx.example.com; dmarc=pass")
    )
    assert (found.spf, found.dmarc) == ("pass", "none")


def test_one_good_signature_of_several_is_enough() -> None:
    assert results(field("mx.example.com; dkim=fail; dkim=pass; dkim=none")).dkim == "pass"


def test_arc_counts_only_if_a_trusted_sealer_sealed_last() -> None:
    seals = (
        "ARC-Seal: i=1; a=rsa-sha256; d=lists.example.org; cv=none; b=x",
        "ARC-Seal: i=2; a=rsa-sha256; d=other.example; cv=pass",
    )
    passed = field("mx.example.com; arc=pass (i=2); dmarc=fail")
    assert results(passed, *seals).arc == "none"
    assert results(passed, *seals, sealers=("lists.example.org",)).arc == "none"
    assert results(passed, *seals, sealers=("Other.example",)).arc == "pass"
    assert results(passed, sealers=("other.example",)).arc == "none"


def test_encoded_word_in_a_result_forges_nothing() -> None:
    assert results(field("mx.example.com; spf=fail reason==?utf-8?q?x=3B_dmarc=3Dpass?=")).dmarc != "pass"


def test_topmost_id_is_told_for_showing() -> None:
    assert topmost_id(read(field(GOOGLE) + "\n\nx")) == "mx.google.com"
    assert topmost_id(read("Subject: x\n\nx")) is None


@pytest.mark.parametrize(
    "value",
    ["(" * 30_000, "a" * 30_000 + "=", "mx;" * 10_000, '"' * 30_000, "mx; spf" + " " * 30_000 + "x", "\\(" * 15_000],
    ids=lambda value: value[:4],
)
def test_hostile_value_says_nothing_and_costs_little(value: str) -> None:
    began = time.process_time()
    assert read_field(value).results == ()
    assert time.process_time() - began < 0.2  # 10 ms; anything quadratic takes seconds
