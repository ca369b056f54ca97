"""From the top to a workspace, from the defaults to a mailbox; gates only get stricter."""

from __future__ import annotations

import pytest
from configurations import Find, Load
from hypothesis import given
from hypothesis import strategies as st

from engine.config.gates import Gates, Rate
from engine.config.inherit import STRICTNESS, gates, relaxations


def test_a_workspace_overrides_key_by_key(load: Load) -> None:
    config = load("[items]\ntype = 'Bug'\nstatus = 'Open'\n[workspace.a.items]\ntype = 'Task'\n")
    own, common = config.settings("a").items, config.settings().items
    assert [getattr(own, name) for name in ("type", "status")] == ["Task", "Open"]
    assert getattr(common, "type") == "Bug"  # noqa: B009 - made from the table of fields


def test_sections_inside_sections_are_inherited_key_by_key(load: Load) -> None:
    config = load("[people.cc]\nlimit = 3\n[workspace.a.people.cc]\nalso_to = false\n")
    cc = config.settings("a").people.cc
    assert (cc.limit, cc.also_to) == (3, False)


def test_a_table_that_is_a_value_is_inherited_whole(load: Load) -> None:
    config = load("[people]\ncreate_defaults = { group = 'g', last_name = 'L' }\n"
                  "[workspace.a.people]\ncreate_defaults = { group = 'h' }\n")  # fmt: skip
    assert config.settings("a").people.create_defaults.last_name == ""


def test_a_mailbox_inherits_from_the_defaults(load: Load) -> None:
    config = load(
        "[defaults.mailbox]\nhost = 'h.example'\npassword_env = 'P'\nfolder = 'In'\nssl = 'starttls'\n"
        "[system.mailbox]\nusername = 's@example.com'\n"
        "[workspace.a.mailbox]\nusername = 'a@example.com'\norder = 'newest-first'\nprotocol = 'pop3'\nssl = true\n"
    )
    system, own = config.mailboxes
    assert (system.name, system.workspace, system.host, system.folder, system.port) == (
        "system",
        "",
        "h.example",
        "In",
        143,
    )
    assert (own.name, own.workspace, own.host, own.order, own.port) == ("a", "a", "h.example", "newest-first", 995)


def test_F037_the_pattern_of_the_system_applies_to_a_workspace_mailbox_even_when_the_system_mailbox_is_off(
    load: Load,
) -> None:
    config = load(
        "[gates]\nallowed_senders = ['/@example\\.com$/']\n[system.mailbox]\nhost='h'\nusername='u'\npassword_env='P'\n"
        "active = false\n[workspace.a.gates]\nallowed_senders = ['/^anna@/']\n"
    )
    above, own = config.settings("a").gates.allowed_lists
    assert above[0].source == "/@example\\.com$/" and own[0].source == "/^anna@/"


def test_an_empty_list_of_a_workspace_does_not_open_the_gate(load: Load) -> None:
    config = load("[gates]\nallowed_senders = ['/x/']\n[workspace.a.gates]\nallowed_senders = []\n")
    assert len(config.settings("a").gates.allowed_lists) == 1


def test_other_pattern_lists_add_up(load: Load) -> None:
    config = load("[gates]\nblocked_senders = ['/a/']\n[workspace.a.gates]\nblocked_senders = ['/b/', '/a/']\n")
    assert [p.source for p in config.settings("a").gates.blocked_senders] == ["/a/", "/b/"]


@pytest.mark.parametrize(
    ("top", "own"),
    [
        ("dmarc = 'hold'", "dmarc = 'warn'"),
        ("bounce = 'discard'", "bounce = 'reject'"),
        ("empty_subject = 'reject'", "empty_subject = 'default-title'"),
        ("hop_limit = 20", "hop_limit = 21"),
        ("maximum_email_size = '1 MB'", "maximum_email_size = 0"),
        ("mails_per_sender = { limit = 5 }", "mails_per_sender = { limit = 6 }"),
        ("mails_per_sender = { limit = 5 }", "mails_per_sender = { limit = 5, per = '1 min' }"),
        ("mails_per_sender = { limit = 5, then = 'reject' }", "mails_per_sender = { limit = 5, then = 'hold' }"),
        ("antivirus = { clamd = '/c', infected = 'discard' }", "antivirus = { clamd = '/c', infected = 'hold' }"),
        ("trusted_authserv_ids = ['a']", "trusted_authserv_ids = ['a', 'b']"),
    ],
)
def test_a_workspace_may_not_soften_a_gate(find: Find, load: Load, top: str, own: str) -> None:
    (problem,) = find(f"[gates]\n{top}\n[workspace.a.gates]\n{own}\n")
    assert problem.code == "C110" and problem.excerpt == own
    load(f"[system]\ngates_may_relax = true\n[gates]\n{top}\n[workspace.a.gates]\n{own}\n")
    load(f"[gates]\n{own}\n[workspace.a.gates]\n{top}\n")


def test_with_permission_a_workspace_replaces_the_lists(load: Load) -> None:
    config = load(
        "[system]\ngates_may_relax = true\n[gates]\nallowed_senders = ['/x/']\nblocked_names = ['/y/']\n"
        "[workspace.a.gates]\nallowed_senders = ['/z/']\nblocked_names = []\n"
    )
    gate = config.settings("a").gates
    assert [[p.source for p in each] for each in gate.allowed_lists] == [["/z/"]]
    assert gate.blocked_names == ()


VERBS = st.sampled_from([verb for verb in STRICTNESS if verb not in ("default-title", "defer")])
AMOUNTS = st.integers(0, 9)


@given(VERBS, VERBS, AMOUNTS, AMOUNTS)
def test_what_is_not_refused_is_at_least_as_strict(
    top_verb: str, own_verb: str, top_limit: int, own_limit: int
) -> None:
    top = Gates().replaced(dmarc=top_verb, maximum_email_size=top_limit, mails_per_sender=Rate(limit=top_limit))
    own = Gates().replaced(dmarc=own_verb, maximum_email_size=own_limit, mails_per_sender=Rate(limit=own_limit))
    if list(relaxations(top, own, "a")):
        return
    made = gates(top, own, may_relax=False)
    assert STRICTNESS.index(made.dmarc) >= STRICTNESS.index(top.dmarc)
    assert (made.maximum_email_size or 99) <= (top.maximum_email_size or 99)
    assert (made.mails_per_sender.limit or 99) <= (top.mails_per_sender.limit or 99)


def test_a_workspace_that_overrides_nothing_shares_the_settings_of_the_top(load: Load) -> None:
    config = load("[workspace.a]\n")
    assert config.settings("a").gates is config.settings().gates
    assert config.settings("a") is config.settings("a")
    assert config.settings("of-the-database-only").items is config.settings().items
