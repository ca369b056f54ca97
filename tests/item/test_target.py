"""What an accepted mail becomes, with the real store and the real search behind it."""

from __future__ import annotations

from collections.abc import Iterator

import databases
import pytest
from builders import JANE, config, draft, facts, mail, tracker
from msgspec.structs import replace

from engine.decision import matching
from engine.decision.seal import seal
from engine.lookups import Recorder
from engine.model.draft import Draft, Target
from engine.model.facts import Facts, Sender
from engine.model.mail import Mail
from engine.model.plan import Plan
from engine.model.questions import AccountOf
from engine.rulebook.actions import Vocabulary
from engine.run.world import World
from engine.stages.author import Author
from engine.stages.bounce import Bounce
from engine.stages.draft import DraftStage
from engine.stages.limits import Limits
from engine.stages.participants import Participants
from engine.stages.route import Route
from engine.stages.sender import SenderStage
from engine.stages.stage import Stage
from engine.stages.subject import Subject
from engine.store.store import Store
from rules.load import Source, load
from rules.problem import Severity


@pytest.fixture
def look() -> Iterator[Recorder]:
    with Store.open(databases.fresh()) as store:
        yield tracker(store)


def store_of(look: Recorder) -> Store:
    assert isinstance(look.world, World)
    return look.world.store


def run(about: Mail, known: Facts, look: Recorder, toml: str = "") -> tuple[Draft, Plan]:
    settings = config(toml)
    made: tuple[type[Stage], ...] = (Limits, SenderStage, Subject, Bounce, DraftStage, Author, Participants)
    state = draft(item=known.thread.item)
    for stage in made:
        state = stage(settings).decide(about, known, state, look)  # type: ignore[call-arg]
        if state.disposition is not None:
            break
    return state, seal(about, known, state, settings)


def known(about: Mail, look: Recorder) -> Facts:
    match = look.ask(AccountOf(about.from_[0].address, "+"))
    return facts(about, sender=Sender(about.from_[0], match.account, match.by))


def test_F052_every_address_of_a_user_is_that_user(look: Recorder) -> None:
    about = mail(sender="Bob at home <BOB.lund@example.com>")
    assert run(about, known(about, look), look)[0].author == "bob"


def test_F061_plus_suffix_finds_the_account(look: Recorder) -> None:
    store_of(look).directory.put_account("ada", name="Ada", emails=("ada+mail@example.org",))
    about = mail(sender="ada@example.org")
    decided, plan = run(about, known(about, look), look)
    assert decided.author == "ada"
    assert plan.outcome == "created"


def test_F087_keywords_name_people_as_the_store_knows_them(look: Recorder) -> None:
    about = mail("Assignee: bob lund\nCategory: hardware\nText")
    toml = '[items]\nallow_override = ["all"]\n'
    decided, _ = run(about, known(about, look), look, toml)
    fields = {change.name: change.value for change in decided.fields}
    assert (fields["assigned_to"], fields["category"]) == ("bob", "Hardware")


def test_F068_a_workspace_that_closes_refuses_at_once(look: Recorder) -> None:
    store_of(look).items.put_workspace("support", status="closed")
    about = mail()
    assert run(about, known(about, look), look)[1].disposition.code == "draft.no_permission"


def test_the_same_questions_give_the_same_plan(look: Recorder) -> None:
    about = mail("Priority: High\nText", headers=[("Cc", "bob@example.com")])
    first = run(about, known(about, look), look)[1]
    again = Recorder(look.world, look.now, recorded=dict(look.kept()))
    assert run(about, known(about, again), again)[1] == first
    assert again.asked_anew == []


def test_a_token_that_we_did_not_sign_is_recognised_as_such(look: Recorder) -> None:
    about = mail(to="help+i7.aaaaaaaaaaaaaaaa@example.com")
    thread = matching.find(about, config().settings(), look, frozenset({"help@example.com"}), b"s" * 32)
    assert thread.item is None
    decided, _ = run(about, replace(known(about, look), thread=thread), look)
    assert any(note.code == "thread.bad_token" for note in decided.notes)


def test_a_mail_of_ten_thousand_quotes_and_keywords_becomes_an_item(look: Recorder) -> None:
    text = "".join(f"Moon {n}: full\n> Priority: High\n" for n in range(10_000))
    about = mail(text)
    decided, plan = run(about, known(about, look), look, '[items]\nkeywords = "anywhere"\n')
    assert decided.target is Target.NEW_ITEM
    assert plan.outcome == "created"


RULES = """
[[rule]]
name = "Billing address"
when = 'plus is "billing"'
then = ['route to workspace "finance"']

[[rule]]
name = "Printers"
when = 'subject matches /^(?P<kind>incident): (?P<room>\\w+)/i'
then = ['set type "{kind}"', 'set responsible "bob"', 'set "Room" to "{room}"', 'route to workspace "support"']
"""


def routed(about: Mail, known: Facts, look: Recorder) -> Draft:
    settings = config("[workspace.finance]\nname = 'Finance'\n")
    vocabulary = Vocabulary(settings)
    rules, problems = load([Source("rules/system.toml", RULES, "", True)], vocabulary.schema)
    assert [str(problem) for problem in problems if problem.severity is Severity.ERROR] == []
    before = Draft(item=known.thread.item)
    return DraftStage(settings).decide(
        about, known, Route(settings, rules, vocabulary).decide(about, known, before, look), look
    )


def test_F065_a_plus_tag_leads_to_a_workspace_by_a_rule(look: Recorder) -> None:
    about = mail(to="help+billing@example.com")
    store_of(look).items.put_workspace("finance", name="Finance")
    assert routed(about, replace(known(about, look), plus="billing"), look).workspace == "finance"
    assert routed(about, known(about, look), look).workspace == "support"


def test_F066_a_subject_gives_workspace_fields_and_responsible_by_a_rule(look: Recorder) -> None:
    about = mail(subject="INCIDENT: Kitchen printer")
    decided = routed(about, known(about, look), look)
    fields = {change.name: change.value for change in decided.fields}
    assert decided.workspace == "support"
    assert (fields["type"], fields["responsible"], fields["Room"]) == ("Incident", "bob", "Kitchen")


def test_a_stranger_never_writes_on_an_item_without_proof(look: Recorder) -> None:
    from builders import answers, item

    about = mail(subject="[#7] let me in", sender="eve@stranger.example")
    for by in ("subject", "plus"):
        eve = facts(about, account=None, thread=answers(item(7), by))
        decided, plan = run(about, eve, look, '[people]\nunknown_user = "accept"\n')
        assert decided.target is Target.NEW_ITEM
        assert plan.item == 0


def test_a_known_person_without_rights_there_is_a_stranger_too(look: Recorder) -> None:
    from builders import answers, item

    about = mail()
    jane = facts(about, JANE, thread=answers(item(7, ("bob",))))
    assert run(about, jane, look)[1].outcome == "note"
